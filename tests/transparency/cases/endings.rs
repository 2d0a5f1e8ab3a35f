//! How the program ends, and what cannot be run.

use crate::case::Case;
use crate::run::{Run, ended};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use test_support::DEADLINE;
use test_support::terminal::Terminal;

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("exit codes 0 to 255", exit_codes),
    Case::as_bare("exit codes in a terminal", exit_codes_in_a_terminal),
    Case::as_bare("ended by a signal: 128 and its number", signals),
    Case::as_bare("ended by a signal in a terminal", signals_in_a_terminal),
    Case::as_bare("a program that is missing", |run| status_of(run, "/no/such/program")),
    Case::as_bare("a name that is on no path", |run| status_of(run, "no-such-program-anywhere")),
    Case::as_bare("a program that is not executable", |run| {
        status_of(run, &made(run, "plain", "#!/bin/sh\n", 0o644))
    }),
    Case::as_bare("a directory as the program", |run| status_of(run, "/etc")),
    Case::as_bare("a script whose interpreter is missing", |run| {
        status_of(run, &made(run, "script", "#!/no/such/thing\n", 0o755))
    }),
    Case::as_bare("a script without a first line", |run| {
        let name = made(run, "script", "printf '<%s>' \"$@\"; exit 9\n", 0o755);
        run.piped(r#""$@""#, &name, &["a", "b c", ""])
    }),
    Case::as_bare("a program is found as a shell finds it", found),
];

fn exit_codes(run: &Run) -> String {
    let script = r#"i=0; while [ $i -le 255 ]; do "$@" $i; echo $i $?; i=$((i + 1)); done"#;
    run.piped(script, "/bin/sh", &["-c", "exit $1", "sh"])
}

fn exit_codes_in_a_terminal(run: &Run) -> String {
    let codes = [0, 1, 2, 77, 125, 126, 127, 128, 130, 143, 255];
    let status = |code| ended(run.terminal(&format!("exit {code}")).wait_exit(DEADLINE));
    codes.map(status).join("\n")
}

/// Those that stop a process are left to job control; 32 and 33 belong to the C library.
fn signals(run: &Run) -> String {
    let script = r#"i=1; while [ $i -le 64 ]; do
        case $i in 19 | 20 | 21 | 22 | 32 | 33) ;; *) "$@" $i; echo $i $? ;; esac; i=$((i + 1)); done 2>/dev/null"#;
    run.piped(script, "/bin/sh", &["-c", "ulimit -c 0; kill -$1 $$; exit 0", "sh"])
}

fn signals_in_a_terminal(run: &Run) -> String {
    let status =
        |signal| ended(run.terminal(&format!("ulimit -c 0; kill -{signal} $$; exit 0")).wait_exit(DEADLINE));
    [1, 2, 3, 6, 9, 11, 13, 15, 34].map(status).join("\n")
}

/// The line that says why is the contestant's own.
fn status_of(run: &Run, name: &str) -> String {
    let piped = run.piped(r#"{ "$@"; echo "status $?"; } 2>/dev/null"#, name, &[]);
    let command = run.shell(r#"{ "$@"; exit $?; } 2>/dev/null"#, name, &[] as &[&str]);
    let terminal = Terminal::start(command, 80, 24);
    format!("{piped}{}", ended(terminal.wait_exit(DEADLINE)))
}

fn made(run: &Run, name: &str, text: &str, mode: u32) -> String {
    let path = run.file(name, text.as_bytes());
    fs::set_permissions(Path::new(&path), fs::Permissions::from_mode(mode)).expect("its mode");
    path
}

/// The first one on the path that can be executed.
fn found(run: &Run) -> String {
    for (place, mode) in [("first", 0o644), ("second", 0o755)] {
        fs::create_dir(run.folder().join(place)).expect("a folder");
        made(run, &format!("{place}/tool"), &format!("#!/bin/sh\necho {place}\n"), mode);
    }
    let script = format!(r#"cd '{}'; PATH="first:second:$PATH"; "$@"; echo $?"#, run.folder().display());
    run.piped(&script, "tool", &[])
}
