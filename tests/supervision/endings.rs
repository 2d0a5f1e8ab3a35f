//! What cannot be run is said in one line.

use crate::{see, wrapper};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use test_support::DEADLINE;
use test_support::terminal::Terminal;
use test_support::wrapper::WRAPPED;

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
