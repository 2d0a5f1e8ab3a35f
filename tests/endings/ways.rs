//! Each way a run can end, with a relative that just sleeps.

use crate::{Process, Run, SLEEPS, libc, start};
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::terminal::Signal;
use test_support::wrapper::{PARENT, Way};

/// Within this the guardian has cleaned up when we are killed.
const BEREAVED: Duration = Duration::from_secs(6);

/// The measure: what is bare here is different with us on purpose.
#[test]
fn bare_a_relative_goes_on_whatever_ends_the_program() {
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGHUP] {
        let run = start(Way::Bare, &[], SLEEPS);
        assert!(run.program.signal(signal));
        run.terminal.wait_exit(DEADLINE);
        assert!(run.goes_on(), "{signal}");
    }
}

#[test]
fn a_signal_to_us_ends_the_relative_too() {
    for way in PARENT {
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            let run = start(way, &[], SLEEPS);
            assert!(run.terminal.signal(signal));
            run.ended(128 + signal as i32);
            if let Some((faults, end)) = run.told() {
                assert_eq!((faults, &end["reason"]), (vec![], &"signaled".into()), "{end}");
            }
            assert_eq!(run.written(), "", "{way:?}");
        }
    }
}

#[test]
fn a_program_that_catches_the_signal_takes_its_relatives_along() {
    for way in PARENT {
        for go in ["trap 'exit 0' TERM; kill -TERM WRAPPER; wait", "exit 143", "exit 130"] {
            let run = start(way, &[], SLEEPS);
            let go = go.replace("WRAPPER", &run.terminal.pid().to_string());
            run.meeting.say(&go);
            let status = go.strip_prefix("exit ").map_or(0, |code| code.parse().expect("a number"));
            run.ended(status);
        }
    }
}

#[test]
fn a_program_that_is_killed_takes_its_relatives_along() {
    for way in PARENT {
        let run = start(way, &[], SLEEPS);
        assert!(run.program.signal(libc::SIGKILL));
        run.ended(137);
    }
}

#[test]
fn when_we_are_killed_the_guardian_ends_the_relative() {
    for way in PARENT {
        let run = start(way, &[], SLEEPS);
        let guardian = run.program.parent();
        assert!(run.terminal.signal(Signal::SIGKILL));
        bereaved(&run, &guardian);
    }
}

#[test]
fn when_we_are_killed_even_those_that_ignore_every_request_end_in_time() {
    let stubborn = r#"trap '' TERM HUP; echo "relative $$" >"$1/up"; while :; do sleep 1000; done"#;
    let run = start(Way::Supervised, &[], stubborn);
    run.meeting.say("trap '' TERM HUP; echo deaf >\"$1/up\"; while :; do sleep 1000; done");
    assert_eq!(run.meeting.hear(), "deaf");
    let guardian = run.program.parent();
    let begun = Instant::now();
    assert!(run.terminal.signal(Signal::SIGKILL));
    bereaved(&run, &guardian);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn when_we_and_the_program_are_killed_together_the_guardian_ends_the_relative() {
    for way in PARENT {
        for program_first in [true, false] {
            let run = start(way, &[], SLEEPS);
            let guardian = run.program.parent();
            // It sees both at once, in whatever order.
            assert!(guardian.signal(libc::SIGSTOP));
            if program_first {
                assert!(run.program.signal(libc::SIGKILL));
            }
            assert!(run.terminal.signal(Signal::SIGKILL));
            assert!(program_first || run.program.signal(libc::SIGKILL));
            assert!(guardian.signal(libc::SIGCONT));
            bereaved(&run, &guardian);
        }
    }
}

/// As when a service manager tells everybody at once, and the program hears of it first.
#[test]
fn when_the_program_and_we_are_asked_together_the_relative_is_ended() {
    for way in PARENT {
        let run = start(way, &[], SLEEPS);
        run.meeting.say("trap 'exit 0' TERM; echo here >\"$1/up\"; wait");
        assert_eq!(run.meeting.hear(), "here");
        assert!(run.terminal.signal(Signal::SIGSTOP));
        assert!(run.program.signal(libc::SIGTERM));
        assert!(run.program.ends_within(DEADLINE), "{way:?}");
        assert!(run.terminal.signal(Signal::SIGTERM));
        assert!(run.terminal.signal(Signal::SIGCONT));
        run.ended(0);
    }
}

#[track_caller]
fn bereaved(run: &Run, guardian: &Process) {
    assert!(guardian.ends_within(BEREAVED), "the guardian goes on");
    assert!(run.program.ends_within(Duration::ZERO), "the program goes on");
    assert!(!run.goes_on(), "the relative goes on");
    run.terminal.wait_exit(DEADLINE);
    assert_eq!(run.terminal.modes(), run.terminal.modes_before);
}

#[test]
fn when_the_guardian_is_killed_we_end_the_program_and_its_relative() {
    for way in PARENT {
        let run = start(way, &[], SLEEPS);
        run.meeting.say("trap '' HUP TERM; echo stubborn >\"$1/up\"; while :; do sleep 1000; done");
        assert_eq!(run.meeting.hear(), "stubborn");
        assert!(run.program.parent().signal(libc::SIGKILL));
        run.ended(125);
        assert!(run.program.ends_within(Duration::ZERO), "{way:?}: the program goes on");
    }
}

#[test]
fn a_window_that_is_closed_ends_the_relative() {
    for way in PARENT {
        let Run { terminal, relative, program, meeting: _meeting, .. } = start(way, &[], SLEEPS);
        let guardian = program.parent();
        let hung_up = terminal.hang_up();
        assert_eq!(hung_up.wait_exit(DEADLINE).and_then(|status| status.code()), Some(129), "{way:?}");
        assert!(relative.0.ends_within(Duration::ZERO), "{way:?}: the relative goes on");
        assert!(guardian.ends_within(DEADLINE));
    }
}

#[test]
fn a_program_that_exits_by_itself_leaves_its_relative_and_that_is_said() {
    for way in PARENT {
        let run = start(way, &[], SLEEPS);
        run.meeting.say("exit 4");
        assert_eq!(run.terminal.wait_exit(DEADLINE).code(), Some(4));
        assert!(run.goes_on(), "{way:?}: the relative is gone");
        assert_eq!(run.written(), "", "{way:?}");
        if let Some((faults, end)) = run.told() {
            let [fault] = &faults[..] else { panic!("{faults:#?}") };
            assert_eq!(fault["error"], format!("left running: {} sleep", run.relative.0.pid));
            assert_eq!((&fault["severity"], &end["reason"]), (&"info".into(), &"exited".into()), "{end}");
        }
    }
}

#[test]
fn where_that_is_wanted_nothing_is_left_by_a_program_that_exits_by_itself() {
    for way in PARENT {
        let run = start(way, &["--reap"], SLEEPS);
        run.meeting.say("exit 4");
        run.ended(4);
        if let Some((faults, _)) = run.told() {
            assert_eq!(faults, [] as [serde_json::Value; 0]);
        }
    }
}
