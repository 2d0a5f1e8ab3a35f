//! A signal that somebody sends to the wrapper reaches the program, once.

use crate::{program, wrapper};
use nix::libc;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::processes::Process;
use test_support::running::Running;
use test_support::terminal::Terminal;
use test_support::wrapper::{PARENT, Way};

/// Every signal that can be caught, but those the C library keeps for itself; the last two end `signals.py`.
fn catchable() -> Vec<i32> {
    let left_out = [libc::SIGKILL, libc::SIGSTOP, libc::SIGUSR1, libc::SIGTERM, 32, 33];
    (1..=64).filter(|signal| !left_out.contains(signal)).chain([libc::SIGUSR1, libc::SIGTERM]).collect()
}

fn listing(signals: &[i32]) -> String {
    signals.iter().map(|signal| format!("{signal}\n")).collect()
}

#[test]
fn every_signal_reaches_a_program_on_pipes_once() {
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        let wrapper = wrapper();
        let run = Running::start(wrapper.command(way, &program("signals.py"), &[] as &[&str]));
        run.wait_for(|output| output == "ready\n");
        let mut expected = "ready\n".to_owned();
        for signal in catchable() {
            assert!(Process::of(run.pid()).signal(signal), "{way:?}: it runs");
            expected += &listing(&[signal]);
            run.wait_for(|output| output.len() >= expected.len() && output.ends_with('\n'));
        }
        let (status, output) = run.wait_exit();
        assert_eq!(output, expected, "{way:?}");
        assert_eq!(status.code(), Some(0), "{way:?}");
    }
}

#[test]
fn every_signal_reaches_a_program_in_a_terminal_once() {
    // The kernel tells a group in the foreground of a new size by SIGWINCH, which is not this test's matter.
    let signals: Vec<i32> = catchable().into_iter().filter(|signal| *signal != libc::SIGWINCH).collect();
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        let wrapper = wrapper();
        let terminal = Terminal::start(wrapper.command(way, &program("signals.py"), &[] as &[&str]), 80, 100);
        terminal.wait_for(|screen| screen == "ready", DEADLINE);
        let mut expected = "ready".to_owned();
        for signal in &signals {
            assert!(Process::of(terminal.pid()).signal(*signal), "{way:?}: it runs");
            expected += &format!("\n{signal}");
            terminal.wait_for(|screen| screen.len() >= expected.len(), DEADLINE);
        }
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
        assert_eq!(terminal.screen(), expected, "{way:?}");
    }
}

/// `^C` where nothing but the controlling terminal is one: the kernel signals the whole group, program included.
#[test]
fn a_key_that_signals_the_whole_group_reaches_a_program_on_pipes_once() {
    for way in [Way::Bare, Way::Supervised, Way::Watched] {
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        // The shell itself shrugs the keys off; a trap, unlike being ignored, is not inherited.
        let script = format!(r#"trap : INT QUIT; "$@" </dev/null >"{}/up" 2>&1; exit $?"#, meeting.folder());
        let command = wrapper.shell(way, &script, &program("signals.py"), &[] as &[&str]);
        let terminal = Terminal::start(command, 80, 24);
        assert_eq!(meeting.hear(), "ready", "{way:?}");
        for round in 0..20 {
            terminal.type_text("\x03");
            assert_eq!(meeting.hear(), libc::SIGINT.to_string(), "{way:?} {round}");
            terminal.type_text("\x1c");
            assert_eq!(meeting.hear(), libc::SIGQUIT.to_string(), "{way:?} {round}");
        }
        // A second delivery would come before these.
        let program = Process::of(child_of(terminal.pid(), way));
        for signal in [libc::SIGUSR1, libc::SIGTERM] {
            assert!(program.signal(signal));
            assert_eq!(meeting.hear(), signal.to_string(), "{way:?}");
        }
        assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0), "{way:?}");
    }
}

/// The program below the shell `pid`: its child, or the wrapper's guardian's child.
fn child_of(pid: u32, way: Way) -> u32 {
    let depth = if way == Way::Bare { 1 } else { 3 };
    (0..depth).fold(pid, |pid, _| {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it runs");
        children.split_whitespace().next().expect("a child").parse().expect("a number")
    })
}

#[test]
fn a_program_that_ignores_a_signal_stays() {
    for way in PARENT {
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        let script = r#"trap '' TERM HUP INT QUIT; echo here >"$1/up"; read -r answer <"$1/down"; exit 7"#;
        let run = Running::start(wrapper.command(way, "/bin/sh", &["-c", script, "sh", meeting.folder()]));
        assert_eq!(meeting.hear(), "here");
        for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
            assert!(Process::of(run.pid()).signal(signal));
        }
        meeting.say("go on");
        assert_eq!(run.wait_exit().0.code(), Some(7), "{way:?}");
    }
}

#[test]
fn a_signal_ends_a_program_that_does_not_handle_it() {
    for way in PARENT {
        for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGUSR1, libc::SIGRTMIN()] {
            let (wrapper, meeting) = (wrapper(), Meeting::new());
            let script = r#"echo here >"$1/up"; exec sleep 1000"#;
            let run =
                Running::start(wrapper.command(way, "/bin/sh", &["-c", script, "sh", meeting.folder()]));
            assert_eq!(meeting.hear(), "here");
            assert!(Process::of(run.pid()).signal(signal));
            assert_eq!(run.wait_exit().0.code(), Some(128 + signal), "{way:?}");
            assert!(wrapper.left_behind().is_empty());
        }
    }
}

/// Sent before the program runs, it waits for it.
#[test]
fn a_signal_at_once_ends_it_too() {
    for way in PARENT {
        for _ in 0..20 {
            let wrapper = wrapper();
            let run = Running::start(wrapper.command(way, "sleep", &["1000"]));
            assert!(Process::of(run.pid()).signal(libc::SIGTERM));
            let status = run.wait_exit().0;
            // Before it catches anything, the wrapper itself is ended: as good.
            let ended = (status.code(), std::os::unix::process::ExitStatusExt::signal(&status));
            assert!([(Some(143), None), (None, Some(15))].contains(&ended), "{way:?}: {status}");
        }
    }
}
