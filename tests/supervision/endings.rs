//! How the program ends is how the wrapper ends; and what cannot be run is said in one line.

use crate::{same, same_in, see, seen, wrapper};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use test_support::DEADLINE;
use test_support::piped;
use test_support::terminal::Terminal;
use test_support::wrapper::{PARENT, WRAPPED, Way};

#[test]
fn every_exit_code_comes_through() {
    let script = r#"i=0; while [ $i -le 255 ]; do "$@" $i; echo $i $?; i=$((i + 1)); done"#;
    let seen = same_in(&PARENT, script, "/bin/sh", &["-c", "exit $1", "sh"]);
    let expected: String = (0..=255).map(|code| format!("{code} {code}\n")).collect();
    assert_eq!(seen.stdout, expected);
}

#[test]
fn an_exit_code_comes_through_a_terminal() {
    for way in [Way::Bare, Way::Supervised, Way::Watched, Way::Exec] {
        for code in [0, 1, 2, 77, 125, 128, 143, 255] {
            let wrapper = wrapper();
            let command = wrapper.command(way, "/bin/sh", &["-c", &format!("exit {code}")]);
            let status = Terminal::start(command, 80, 24).wait_exit(DEADLINE);
            assert_eq!(status.code(), Some(code), "{way:?}");
        }
    }
}

/// Those that stop a process are left to the tests of job control; 32 and 33 belong to the C library.
#[test]
fn a_signal_that_ends_the_program_is_128_and_its_number() {
    let script = r#"i=1; while [ $i -le 64 ]; do
        case $i in 19 | 20 | 21 | 22 | 32 | 33) ;; *) "$@" $i; echo $i $? ;; esac; i=$((i + 1)); done 2>/dev/null"#;
    let seen = same_in(&PARENT, script, "/bin/sh", &["-c", "ulimit -c 0; kill -$1 $$; exit 0", "sh"]);
    for (signal, status) in
        [(1, 129), (9, 137), (11, 139), (13, 141), (15, 143), (17, 0), (28, 0), (34, 162), (64, 192)]
    {
        assert!(seen.stdout.contains(&format!("{signal} {status}\n")), "{}", seen.stdout);
    }
}

#[test]
fn what_is_not_there_or_cannot_be_executed_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let make = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path.to_str().expect("text").to_owned()
    };
    let nowhere = folder.path().join("nowhere").to_str().expect("text").to_owned();
    let cases = [
        (nowhere.clone(), 127, "not found"),
        ("no-such-program-in-any-folder".into(), 127, "not found"),
        (format!("{nowhere}/deeper"), 127, "not found"),
        (make("plain", "#!/bin/sh\n", 0o644), 126, "Permission denied"),
        (make("script", "#!/no/such/thing\n", 0o755), 127, "interpreter"),
        (folder.path().to_str().expect("text").to_owned(), 126, "directory"),
    ];
    for way in WRAPPED {
        for (name, status, cause) in &cases {
            let seen = see(wrapper().command(way, name, &[] as &[&str]));
            assert_eq!(seen.status, format!("exit status: {status}"), "{way:?} {name}: {}", seen.stderr);
            let mut lines = seen.stderr.lines();
            let line = lines.next().unwrap_or_default();
            assert!(line.starts_with(&format!("claude-mpm: cannot run {name}: ")), "{way:?}: {line}");
            assert!(line.contains(cause), "{way:?}: {line}");
            assert!(lines.all(|line| line.starts_with("  tip: ")), "{way:?}: {}", seen.stderr);
            assert_eq!(seen.stdout, "", "{way:?}");
        }
    }
}

#[test]
fn a_program_that_cannot_be_executed_leaves_the_terminal_as_it_was() {
    for way in WRAPPED {
        let wrapper = wrapper();
        let terminal = Terminal::start(wrapper.command(way, "/etc/passwd", &[] as &[&str]), 200, 24);
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(126), "{way:?}");
        assert!(
            terminal.screen().starts_with("claude-mpm: cannot run /etc/passwd: "),
            "{}",
            terminal.screen()
        );
        assert_eq!(terminal.modes(), terminal.modes_before, "{way:?}");
        assert!(wrapper.left_behind().is_empty());
    }
}

#[test]
fn a_script_without_a_first_line_runs_as_by_a_shell() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("script");
    fs::write(&path, "printf '<%s>' \"$0\" \"$@\"; exit 9\n").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    let name = path.to_str().expect("text");
    let seen = same(r#""$@""#, name, &["a", "b c", ""]);
    assert_eq!(seen.stdout, format!("<{name}><a><b c><>"));
    assert_eq!(seen.status, "exit status: 9");
}

#[test]
fn a_program_is_found_as_a_shell_finds_it() {
    let script = r#"cd "$FOLDER"; PATH=first:second:/usr/bin:/bin; "$@"; echo $?"#;
    let folder = tempfile::tempdir().expect("a temporary directory");
    for (place, mode) in [("first", 0o644), ("second", 0o755)] {
        fs::create_dir(folder.path().join(place)).expect("a folder");
        let path = folder.path().join(place).join("tool");
        fs::write(&path, format!("#!/bin/sh\necho {place}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
    }
    for way in [Way::Bare, Way::Supervised, Way::Watched, Way::Exec] {
        let wrapper = wrapper();
        let mut command = wrapper.shell(way, script, "tool", &[] as &[&str]);
        command.env("FOLDER", folder.path());
        assert_eq!(seen(piped::run(command, b"", DEADLINE)).stdout, "second\n0\n", "{way:?}");
    }
}

#[test]
fn a_killed_program_is_reported_even_if_it_wrote_nothing() {
    let seen = same(r#"{ "$@"; echo $?; } 2>/dev/null"#, "/bin/sh", &["-c", "kill -KILL $$"]);
    assert_eq!(seen.stdout, "137\n");
}
