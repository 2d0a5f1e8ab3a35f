//! What the program is given: arguments, directory, descriptors, dispositions, mask, limits, environment.

use crate::case::Case;
use crate::run::{Run, program, screen_at_end, seen};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use test_support::terminal::Terminal;
use test_support::{DEADLINE, piped};

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("arguments: lines, empty, not UTF-8, like options", arguments),
    Case::as_bare("2000 arguments, and one of 100 kB", many_arguments),
    Case::as_bare("the name it is called by", |run| {
        run.piped(r#""$@""#, "sh", &["-c", "cat /proc/$$/cmdline | tr '\\0' ' '"])
    }),
    Case::as_bare("the working directory", |run| {
        run.piped(&format!(r#"cd '{}'; "$@""#, run.folder().display()), "pwd", &[]).replace(path(run), "HERE")
    }),
    Case::as_bare("a working directory that is gone", gone),
    Case::as_bare("session and group on pipes", session),
    Case::as_bare("descriptors on pipes", |run| run.piped(r#""$@""#, "ls", &["/proc/self/fd"])),
    Case::as_bare("descriptors in a terminal", |run| in_a_terminal(run, "ls", &["/proc/self/fd"])),
    Case::as_bare("a descriptor that is handed down", |run| {
        run.piped(r#"exec 7</etc/passwd; "$@""#, "sh", &["-c", "ls /proc/self/fd; head -c 5 <&7"])
    }),
    Case::as_bare("descriptors that are closed", closed),
    Case::as_bare("signal dispositions and mask on pipes", |run| run.piped(r#""$@""#, "grep", &SIGNALS)),
    Case::as_bare("signal dispositions and mask in a terminal", |run| in_a_terminal(run, "grep", &SIGNALS)),
    Case::as_bare("signals that are ignored", |run| masked(run, IGNORED)),
    Case::as_bare("signals that are blocked", |run| masked(run, BLOCKED)),
    Case::as_bare("umask and limits", |run| {
        let shows = ["-c", "umask; cat /proc/self/limits"];
        run.piped(r#"umask 027; ulimit -n 77; ulimit -c 0; ulimit -S -s 4096; "$@""#, "sh", &shows)
    }),
    Case::as_bare("priority and credentials", |run| {
        let shows = "nice; id; grep -E '^(Cap|NoNew|Seccomp|Cpus_allowed)' /proc/$$/status";
        run.piped(r#"exec nice -n 3 "$@""#, "sh", &["-c", shows])
    }),
    Case::as_bare("the environment, but for two names of ours", environment),
];

const SIGNALS: [&str; 2] = ["^Sig[BIC]", "/proc/self/status"];
const IGNORED: &str =
    "ignore:INT ignore:QUIT ignore:HUP ignore:PIPE ignore:CHLD ignore:TSTP ignore:XFSZ ignore:TERM";
const BLOCKED: &str = "block:USR2 block:WINCH block:CHLD block:TERM block:RTMIN";

fn path(run: &Run) -> &str {
    run.folder().to_str().expect("text")
}

fn in_a_terminal(run: &Run, name: &str, arguments: &[&str]) -> String {
    screen_at_end(&Terminal::start(run.command(name, arguments), 80, 24))
}

fn arguments(run: &Run) -> String {
    let arguments =
        ["<%s>".as_bytes(), b"", b"a\nb", b"\xff\xfe", b"--", b"-x", b"--websocket", "✳".as_bytes(), b" "];
    let command = run.command("/usr/bin/printf", &arguments.map(OsStr::from_bytes));
    let output = piped::run(command, b"", DEADLINE);
    format!("{:?}", output.stdout.escape_ascii().to_string())
}

fn many_arguments(run: &Run) -> String {
    let mut arguments =
        vec!["-c".to_owned(), "echo $# ${#1}".to_owned(), "sh".to_owned(), "x".repeat(100_000)];
    arguments.extend((0..2000).map(|number| format!("argument {number}")));
    seen(piped::run(run.command("/bin/sh", &arguments), b"", DEADLINE))
}

fn gone(run: &Run) -> String {
    let folder = path(run);
    let script = format!(r#"mkdir '{folder}/gone'; cd '{folder}/gone'; rmdir '{folder}/gone'; "$@""#);
    run.piped(&script, "sh", &["-c", "readlink /proc/$$/cwd; exit 3"]).replace(folder, "HERE")
}

/// As whoever started it.
fn session(run: &Run) -> String {
    let shows = ["-c", "set -- $(cat /proc/$$/stat); echo $5 $6"];
    let script = r#"a=$(cat /proc/$$/stat); "$@"; set -- $a; echo $5 $6"#;
    let seen = run.piped(script, "/bin/sh", &shows);
    let lines: Vec<_> = seen.lines().filter(|line| line.contains(' ')).skip(1).collect();
    format!("same: {}", lines.len() == 2 && lines[0] == lines[1])
}

fn closed(run: &Run) -> String {
    let file = run.file("report", b"");
    let open = format!("{{ for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; true; }} >'{file}'");
    let ways = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"];
    let seen = ways.map(|closed| {
        let seen = run.piped(&format!(r#""$@" {closed}"#), "/bin/sh", &["-c", &open]);
        let report = std::fs::read_to_string(&file).expect("a report").replace('\n', " ");
        format!("{closed}: {} {report}", seen.lines().next().unwrap_or_default())
    });
    seen.join("\n")
}

fn masked(run: &Run, words: &str) -> String {
    run.piped(&format!("exec {} {words} -- \"$@\"", program("masked.py")), "grep", &SIGNALS)
}

fn environment(run: &Run) -> String {
    let script = "unset SHLVL _ OLDPWD PWD; ODD='a\nb' EMPTY= \"$@\" | sort";
    let shows = "unset CLAUDE_MPM_SESSION CLAUDE_MPM_URL; env";
    let seen = run.piped(script, "sh", &["-c", shows]);
    // Each run has a folder of its own.
    let is_of_one =
        |line: &&str| ["XDG_RUNTIME_DIR=", "XDG_STATE_HOME="].iter().any(|name| line.starts_with(name));
    seen.lines().filter(|line| !is_of_one(line)).collect::<Vec<_>>().join("\n")
}
