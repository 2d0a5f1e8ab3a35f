//! Where no descriptor is a terminal: what goes in, what comes out, and what does not come at all.

use crate::{program, same, same_in, see, wrapper};
use test_support::wrapper::{PARENT, WRAPPED, Way};
use test_support::{DEADLINE, piped};

#[test]
fn stdout_and_stderr_are_told_apart() {
    let seen = same(r#""$@""#, "/bin/sh", &["-c", "echo out; echo err >&2; printf more; printf worse >&2"]);
    assert_eq!((seen.stdout.as_str(), seen.stderr.as_str()), ("out\nmore", "err\nworse"));
}

#[test]
fn what_is_written_in_turns_to_one_pipe_keeps_its_order() {
    let turns = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done";
    let expected: String = (0..500).map(|i| format!("out {i}\nerr {i}\n")).collect();
    for end in ["2>&1", "2>&1 | cat", ">\"$F\" 2>&1; cat \"$F\"", ">>\"$F\" 2>&1; cat \"$F\""] {
        let script = format!(r#"F=$(mktemp); "$@" {end}; rm "$F""#);
        assert_eq!(same(&script, "/bin/sh", &["-c", turns]).stdout, expected, "{end}");
    }
}

/// `head -n1` of a pipe reads ahead as it does bare; `read` does not; of a file, `head` gives back what it did not
/// use. Whatever they leave is the next program's.
#[test]
fn what_the_program_does_not_read_is_left_for_the_next_one() {
    let read = ["-c", "read -r line; echo \"<$line>\""];
    assert_eq!(same(r#"printf 'a\nb\nc\n' | { "$@"; cat; }"#, "/bin/sh", &read).stdout, "<a>\nb\nc\n");
    assert_eq!(
        same(r#"printf 'a\nb\nc\n' | { "$@"; "$@"; cat; }"#, "/bin/sh", &read).stdout,
        "<a>\n<b>\nc\n"
    );
    assert_eq!(same(r#"printf 'a\nb\nc\n' | { "$@"; cat; }"#, "true", &[]).stdout, "a\nb\nc\n");
    same(r#"printf 'a\nb\n' | { "$@"; cat; }"#, "head", &["-n1"]);
    let file = r#"F=$(mktemp); printf 'a\nb\n' >"$F"; { "$@"; cat; } <"$F"; rm "$F""#;
    assert_eq!(same(file, "head", &["-n1"]).stdout, "a\nb\n");
}

#[test]
fn the_writer_into_the_program_learns_at_once_that_it_is_gone() {
    // `yes` would go on for ever if anybody kept its pipe open.
    assert_eq!(same(r#"yes | "$@"; echo $?"#, "head", &["-n1"]).stdout, "y\n0\n");
}

#[test]
fn stdin_is_what_it_was() {
    for stdin in ["</dev/null", "<&-", "<\"$0\"", "<<X\nhere\nX\n"] {
        let script =
            format!("F=$(mktemp); echo file >\"$F\"; set -- \"$@\"; \"$@\" {stdin}; echo $?; rm \"$F\"")
                .replace("\"$0\"", "\"$F\"");
        same(&script, "cat", &[]);
    }
    let seen = same(r#""$@" </dev/zero"#, "head", &["-c", "3"]);
    assert_eq!(seen.stdout, "\0\0\0");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_as_bare() {
    for end in ["head -n1", "true", "head -c 100000 | wc -c"] {
        let script = format!(r#"{{ "$@"; echo "status $?" >&2; }} | {end}"#);
        let seen = same(&script, "yes", &[]);
        assert!(seen.stderr.ends_with("status 141\n"), "{seen:?}");
    }
    // A program that shrugs SIGPIPE off sees the failed write.
    let script = format!(r#"{{ exec {} ignore:PIPE -- "$@"; }} | true"#, program("masked.py"));
    let loops = ["-c", "while echo y; do :; done 2>/dev/null; echo over >&2; exit 5"];
    let seen = same(&format!("{{ {script}; }}"), "/bin/sh", &loops);
    assert_eq!(seen.stderr, "over\n");
}

#[test]
fn a_full_disk_is_noticed() {
    let seen = same_in(
        &[Way::Supervised, Way::Exec],
        r#""$@" >/dev/full; echo "status $?""#,
        "/bin/sh",
        &["-c", "echo lost 2>/dev/null || exit 9"],
    );
    assert_eq!(seen.stdout, "status 9\n");
    same_in(&[Way::Supervised, Way::Exec], r#""$@" >/dev/full; echo "status $?""#, "cat", &["/bin/sh"]);
}

/// With the hub on, what the program writes passes through a pipe of ours: it hears of a full disk by the end of that
/// pipe, and must not go on for ever.
#[test]
fn a_full_disk_ends_a_watched_program() {
    let seen =
        see(wrapper().shell(Way::Watched, r#""$@" >/dev/full; echo "status $?""#, "yes", &[] as &[&str]));
    assert_eq!(seen.stdout, "status 141\n");
}

#[test]
fn the_reader_sees_the_end_when_the_program_closes_its_output() {
    for way in [Way::Bare, Way::Supervised, Way::Watched, Way::Exec] {
        let (wrapper, meeting) = (wrapper(), test_support::meeting::Meeting::new());
        let closes = r#"echo out; exec >&-; read -r go <"$1/down"; exit 3"#;
        let script = format!(r#""$@" | {{ cat; echo end >"{}/up"; }}"#, meeting.folder());
        let command = wrapper.shell(way, &script, "/bin/sh", &["-c", closes, "sh", meeting.folder()]);
        let run = test_support::running::Running::start(command);
        assert_eq!(meeting.hear(), "end", "{way:?}");
        meeting.say("go");
        assert_eq!(run.wait_exit().1, "out\n", "{way:?}");
    }
}

#[test]
fn every_byte_arrives_over_pipes() {
    let bytes = test_support::noise::every_byte(8 << 20);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("bytes");
    std::fs::write(&file, &bytes).expect("a file");
    let script = "cat \"$1\"; cat \"$1\" >&2; exit 3";
    for way in WRAPPED {
        let command = wrapper().command(way, "/bin/sh", &["-c", script, "sh", file.to_str().expect("text")]);
        let output = piped::run(command, b"", DEADLINE);
        assert_eq!(output.status.code(), Some(3), "{way:?}");
        assert!(output.stdout == bytes, "{way:?}: {} bytes of stdout", output.stdout.len());
        assert!(output.stderr == bytes, "{way:?}: {} bytes of stderr", output.stderr.len());
        let through = piped::run(wrapper().command(way, "cat", &[] as &[&str]), &bytes, DEADLINE);
        assert!(through.stdout == bytes, "{way:?}: {} bytes through", through.stdout.len());
    }
}

#[test]
fn a_slow_reader_slows_the_program_and_loses_nothing() {
    let script = r#"{ "$@"; echo "status $?" >&2; } | { read -r first; cat; } | wc -c"#;
    same(script, "/bin/sh", &["-c", "echo first; head -c 3000000 /dev/zero"]);
}

#[test]
fn a_grandchild_that_holds_the_pipe_does_not_delay_the_end() {
    for way in PARENT {
        let wrapper = wrapper();
        let run = test_support::running::Running::start(wrapper.shell(
            way,
            r#""$@"; echo "status $?""#,
            "/bin/sh",
            &["-c", "sleep 1000 & echo $!; exit 4"],
        ));
        let output = run.wait_for(|output| output.contains('\n'));
        let pid = output.lines().next().expect("a line").parse().expect("a number");
        let _grandchild = test_support::processes::Doomed(test_support::processes::Process::of(pid));
        let begun = std::time::Instant::now();
        run.wait_for(|output| output.ends_with("status 4\n"));
        assert!(begun.elapsed() < crate::ways_out::end_at_latest(way), "{way:?}: {:?}", begun.elapsed());
    }
}
