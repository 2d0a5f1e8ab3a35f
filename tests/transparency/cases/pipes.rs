//! Where no descriptor is a terminal: what goes in, what comes out, and what does not come at all.

use crate::case::Case;
use crate::run::{Run, ended, program};
use test_support::noise::{compared, every_byte};
use test_support::running::Running;
use test_support::{DEADLINE, piped};

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("8 MB of all bytes on both pipes", written),
    Case::as_bare("8 MB of all bytes through it", |run| through(run, 8 << 20)),
    Case::as_bare("stdout and stderr are told apart", |run| {
        run.piped(r#""$@""#, "/bin/sh", &["-c", "echo out; echo err >&2; printf more; printf worse >&2"])
    }),
    Case::as_bare("stdout and stderr in turns to one pipe", in_turns),
    Case::as_bare("stdin that is closed", |run| stdin(run, "<&-")),
    Case::as_bare("stdin from /dev/null", |run| stdin(run, "</dev/null")),
    Case::as_bare("stdin from a file", |run| stdin(run, "<\"$F\"")),
    Case::as_bare("stdin from a pipe of 1 MB", |run| through(run, 1 << 20)),
    Case::as_bare("what it does not read is left for the next one", left),
    Case::as_bare("the writer into it learns that it is gone", |run| {
        run.piped(r#"yes | "$@"; echo $?"#, "head", &["-n1"])
    }),
    Case::as_bare("stdout that is closed", |run| {
        run.piped(r#""$@" >&-; echo $?"#, "/bin/sh", &["-c", "echo x 2>/dev/null || exit 9"])
    }),
    Case::as_bare("stdout to head -1", |run| {
        run.piped(r#"{ "$@"; echo "status $?" >&2; } | head -n1"#, "yes", &[])
    }),
    Case::as_bare("stdout to head -1 where PIPE is ignored", ignoring),
    Case::as_bare("stdout to /dev/full", |run| {
        run.piped(r#""$@" >/dev/full; echo $?"#, "/bin/sh", &["-c", "echo x 2>/dev/null || exit 9"])
    }),
    Case::as_bare("stdout to a file, and to its end", files),
    Case::as_bare("a slow reader", |run| {
        let script = r#"{ "$@"; echo "status $?" >&2; } | { read -r first; cat; } | wc -c"#;
        run.piped(script, "/bin/sh", &["-c", "echo first; head -c 3000000 /dev/zero"])
    }),
    Case::as_bare("stdout that it closes itself", closes),
    Case::as_bare("no terminal is invented", invented),
];

fn written(run: &Run) -> String {
    let bytes = every_byte(8 << 20);
    let file = run.file("bytes", &bytes);
    let command = run.script(&format!("cat '{file}'; cat '{file}' >&2; exit 3"));
    let output = piped::run(command, b"", DEADLINE);
    let (stdout, stderr) = (compared(&output.stdout, &bytes), compared(&output.stderr, &bytes));
    format!("{}\n{stdout}\n{stderr}", ended(output.status))
}

fn through(run: &Run, length: usize) -> String {
    let bytes = every_byte(length);
    let output = piped::run(run.command("cat", &[] as &[&str]), &bytes, DEADLINE);
    format!("{}\n{}", ended(output.status), compared(&output.stdout, &bytes))
}

fn in_turns(run: &Run) -> String {
    let turns = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done";
    run.piped(r#""$@" 2>&1"#, "/bin/sh", &["-c", turns])
}

fn stdin(run: &Run, stdin: &str) -> String {
    let file = run.file("stdin", b"here\n");
    run.piped(&format!(r#"F='{file}'; "$@" {stdin} 2>/dev/null; echo $?"#), "cat", &[])
}

/// `head` reads ahead in a pipe, `read` does not; in a file, both give back what they did not use.
fn left(run: &Run) -> String {
    let read = ["-c", "read -r line; echo \"<$line>\""];
    let file = run.file("lines", b"a\nb\n");
    [
        run.piped(r#"printf 'a\nb\nc\n' | { "$@"; "$@"; cat; }"#, "/bin/sh", &read),
        run.piped(r#"printf 'a\nb\nc\n' | { "$@"; cat; }"#, "true", &[]),
        run.piped(&format!(r#"{{ "$@"; cat; }} <'{file}'"#), "head", &["-n1"]),
    ]
    .join("\n")
}

/// It sees the failed write.
fn ignoring(run: &Run) -> String {
    let script = format!(r#"{{ exec {} ignore:PIPE -- "$@"; }} | true"#, program("masked.py"));
    let loops = ["-c", "while echo y; do :; done 2>/dev/null; echo over >&2; exit 5"];
    run.piped(&script, "/bin/sh", &loops)
}

fn files(run: &Run) -> String {
    let file = run.file("out", b"");
    let script =
        format!(r#"F='{file}'; "$@" >"$F"; "$@" >>"$F"; {{ "$@"; echo ours; "$@"; }} >>"$F" 2>&1; cat "$F""#);
    run.piped(&script, "/bin/sh", &["-c", "echo out; echo err >&2; printf more"])
}

/// The reader sees the end, though the program goes on.
fn closes(run: &Run) -> String {
    let closes = r#"echo out; exec >&-; read -r go <"$1/down"; exit 3"#;
    let script =
        format!(r#"{{ "$@"; echo "status $?" >&2; }} | {{ cat; echo end >"{}/up"; }}"#, run.meeting.folder());
    // The status is written by a shell that has the pipe too.
    let script = script.replace(r#""$@"; echo "status $?" >&2;"#, r#"exec "$@";"#);
    let running = Running::start(run.shell(&script, "/bin/sh", &["-c", closes, "sh", run.meeting.folder()]));
    let heard = run.meeting.hear();
    run.meeting.say("go");
    format!("{heard}\n{}", running.wait_exit().1)
}

fn invented(run: &Run) -> String {
    let script = r#"for fd in 0 1 2; do [ -t $fd ] && echo "$fd is a terminal"; done
        (: </dev/tty) 2>/dev/null && echo "there is a controlling terminal"; true"#;
    run.piped(r#"exec setsid -w "$@""#, "/bin/sh", &["-c", script])
}
