//! What the program is given that a bare one is not: another directory, names of ours in the environment.

use crate::{same, same_in, see, wrapper};
use test_support::DEADLINE;
use test_support::terminal::Terminal;
use test_support::wrapper::{WRAPPED, Way};

#[test]
fn the_directory_is_ours_or_the_one_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().canonicalize().expect("its path");
    let script = format!("cd '{}'; \"$@\"", path.display());
    assert_eq!(same(&script, "pwd", &[]).stdout, format!("{}\n", path.display()));
    for method in ["exec", "subprocess"] {
        let wrapper = wrapper();
        let words = ["-q", "-C", path.to_str().expect("text"), "--launch-method", method, "--claude", "pwd"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_claude-mpm"));
        wrapper.surround(&mut command);
        assert_eq!(
            see({
                command.args(words);
                command
            })
            .stdout,
            format!("{}\n", path.display()),
            "{method}"
        );
    }
}

#[test]
fn the_environment_is_ours_and_two_more_at_most() {
    let script = r#"unset SHLVL _ OLDPWD PWD; ODD='a
b' EMPTY= "$@" | sort"#;
    same_in(&WRAPPED, script, "sh", &["-c", "unset CLAUDE_MPM_SESSION CLAUDE_MPM_URL; env"]);
    for (way, expected) in [
        (Way::Exec, vec![]),
        (Way::Supervised, vec!["CLAUDE_MPM_SESSION"]),
        (Way::Watched, vec!["CLAUDE_MPM_SESSION", "CLAUDE_MPM_URL"]),
    ] {
        let seen = see(wrapper().shell(way, r#""$@" | sort"#, "env", &[] as &[&str]));
        let names = seen.stdout.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
        // What the tests themselves are told begins with CLAUDE_MPM_TEST_.
        let is_ours = |name: &&str| name.starts_with("CLAUDE_MPM") && !name.starts_with("CLAUDE_MPM_TEST_");
        let ours: Vec<_> = names.filter(is_ours).collect();
        assert_eq!(ours, expected, "{way:?}");
    }
}

#[test]
fn in_place_of_the_wrapper_the_program_has_its_process_id() {
    let wrapper = wrapper();
    let terminal = Terminal::start(wrapper.command(Way::Exec, "/bin/sh", &["-c", "echo $$"]), 80, 24);
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert_eq!(terminal.screen(), terminal.pid().to_string());
}
