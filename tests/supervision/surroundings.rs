//! What the program is given: descriptors, dispositions, mask, limits, directory, arguments, environment.

use crate::{program, same, same_in, see, wrapper};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use test_support::terminal::Terminal;
use test_support::wrapper::{PARENT, WRAPPED, Way};
use test_support::{DEADLINE, piped};

#[test]
fn only_its_own_descriptors_are_open() {
    let seen = same(r#""$@""#, "ls", &["/proc/self/fd"]);
    // Besides these and the listing itself there is only what this test was given.
    assert!(seen.stdout.starts_with("0\n1\n"), "{seen:?}");
}

#[test]
fn a_descriptor_that_the_user_handed_down_is_handed_down() {
    let seen = same(r#"exec 7</etc/passwd; "$@""#, "sh", &["-c", "ls /proc/self/fd; head -c 5 <&7"]);
    assert!(seen.stdout.ends_with("\n7\nroot:"), "{seen:?}");
}

#[test]
fn only_its_own_descriptors_are_open_in_a_terminal() {
    let show = |way| {
        let wrapper = wrapper();
        let terminal = Terminal::start(wrapper.command(way, "ls", &["/proc/self/fd"]), 80, 24);
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        terminal.screen()
    };
    let bare = show(Way::Bare);
    WRAPPED.into_iter().for_each(|way| assert_eq!(show(way), bare, "{way:?}"));
}

#[test]
fn a_closed_descriptor_stays_closed() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let report = "{ for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; true; } >\"$REPORT\"";
        let folder = tempfile::tempdir().expect("a temporary directory");
        let open = |way: Way| {
            let report_file = folder.path().join("report");
            let wrapper = wrapper();
            let script = format!(r#""$@" {closed}"#);
            let mut command = wrapper.shell(way, &script, "/bin/sh", &["-c", report]);
            command.env("REPORT", &report_file);
            let output = piped::run(command, b"", DEADLINE);
            assert!(output.status.success(), "{way:?} {closed}: {output:?}");
            std::fs::read_to_string(&report_file).expect("a report")
        };
        let bare = open(Way::Bare);
        WRAPPED.into_iter().for_each(|way| assert_eq!(open(way), bare, "{way:?} {closed}"));
    }
}

#[test]
fn signal_dispositions_and_mask_are_those_of_the_bare_program() {
    let words: [&[&str]; 5] = [
        &[],
        &["ignore:INT", "ignore:QUIT", "ignore:HUP"],
        &["block:USR2", "block:WINCH", "block:CHLD", "block:TERM"],
        &["ignore:PIPE", "ignore:CHLD", "ignore:TSTP", "ignore:XFSZ"],
        &["ignore:RTMIN", "block:RTMIN", "ignore:TERM"],
    ];
    for words in words {
        let script = format!("exec {} {} -- \"$@\"", program("masked.py"), words.join(" "));
        let seen = same(&script, "grep", &["^Sig[BIC]", "/proc/self/status"]);
        assert_eq!(seen.stdout.lines().count(), 3, "{seen:?}");
    }
}

#[test]
fn signal_dispositions_in_a_terminal_are_those_of_the_bare_program() {
    let show = |way| {
        let wrapper = wrapper();
        let terminal =
            Terminal::start(wrapper.command(way, "grep", &["^Sig[BIC]", "/proc/self/status"]), 80, 24);
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        terminal.screen()
    };
    let bare = show(Way::Bare);
    WRAPPED.into_iter().for_each(|way| assert_eq!(show(way), bare, "{way:?}"));
}

#[test]
fn limits_umask_priority_and_credentials_are_those_of_the_bare_program() {
    same(r#"umask 027; ulimit -n 77; ulimit -c 0; "$@""#, "cat", &["/proc/self/limits"]);
    let script = r#"umask 027; exec nice -n 3 "$@""#;
    let seen = same(script, "sh", &["-c", "umask; nice; id; grep -E '^(Cap|NoNew|Seccomp)' /proc/$$/status"]);
    assert!(seen.stdout.starts_with("0027\n"), "{seen:?}");
}

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
fn arguments_arrive_byte_for_byte() {
    let arguments =
        ["<%s>".as_bytes(), b"", b"a\nb", b"\xff\xfe", b"--", b"-x", b"--websocket", "✳".as_bytes(), b" "];
    let arguments = arguments.map(OsStr::from_bytes);
    let print = |way| piped::run(wrapper().command(way, "/usr/bin/printf", &arguments), b"", DEADLINE).stdout;
    let bare = print(Way::Bare);
    let expected = ["<><a\nb><".as_bytes(), b"\xff\xfe", "><--><-x><--websocket><✳>< >".as_bytes()].concat();
    assert_eq!(bare, expected);
    WRAPPED.into_iter().for_each(|way| assert_eq!(print(way), bare, "{way:?}"));
}

#[test]
fn the_name_it_is_called_by_is_the_one_that_was_typed() {
    let show = ["-c", "cat /proc/$$/cmdline | tr '\\0' ' '"];
    let seen = same(r#""$@""#, "sh", &show);
    assert!(seen.stdout.starts_with("sh -c "), "{seen:?}");
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
fn no_terminal_is_invented() {
    let script = r#"for fd in 0 1 2; do [ -t $fd ] && echo "$fd is a terminal"; done
        (: </dev/tty) 2>/dev/null && echo "there is a controlling terminal"; true"#;
    let seen = same(r#"exec setsid -w "$@""#, "/bin/sh", &["-c", script]);
    assert_eq!(seen.stdout, "");
}

#[test]
fn session_and_group_are_ours_where_there_is_no_terminal() {
    let script = r#"set -- $(cat /proc/$$/stat); echo $5 $6"#;
    for way in PARENT {
        let wrapper = wrapper();
        let words = wrapper.words(way, "/bin/sh", &["-c", script]);
        let mut command = std::process::Command::new("/bin/sh");
        wrapper.surround(&mut command);
        command.args(["-c", "a=$(cat /proc/$$/stat); \"$@\"; set -- $a; echo $5 $6", "sh"]).args(words);
        let seen = see(command);
        let lines: Vec<_> = seen.stdout.lines().collect();
        assert_eq!(lines.len(), 2, "{seen:?}");
        assert_eq!(lines[0], lines[1], "{way:?}");
    }
}

#[test]
fn in_place_of_the_wrapper_the_program_has_its_process_id() {
    let wrapper = wrapper();
    let terminal = Terminal::start(wrapper.command(Way::Exec, "/bin/sh", &["-c", "echo $$"]), 80, 24);
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert_eq!(terminal.screen(), terminal.pid().to_string());
}
