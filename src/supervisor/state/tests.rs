//! The whole table, written out; and what a signal means in which setting.

use super::*;

const ALONE: Setting = Setting { own_group: true, our_pid: 7, stop_grace: None, reap: false };
const SHARED: Setting = Setting { own_group: false, ..ALONE };
const HEADLESS: Setting = Setting { stop_grace: Some(GRACE), ..ALONE };
const GRACE: Duration = Duration::from_secs(5);
const RUNNING: State = State::Running { pid: 42, asked: false };

/// The states, in the order of the columns.
const STATES: [State; 9] = [
    State::Starting { waiting: Waiting::Nothing },
    State::Starting { waiting: Waiting::Signal(15, true) },
    State::Starting { waiting: Waiting::Stop(GRACE) },
    State::Starting { waiting: Waiting::Kill },
    RUNNING,
    State::Running { pid: 42, asked: true },
    State::Stopping { pid: 42, killed: false },
    State::Stopping { pid: 42, killed: true },
    State::Ended { pid: Some(42), ending: Ending::Exited(0), stopped: false },
];

fn by(origin: Origin, signal: i32) -> Input {
    Input::Signal(Arrival { signal, origin })
}

/// The inputs, in the order of the rows.
fn inputs() -> Vec<(&'static str, Input)> {
    use Origin::{Kernel, Process};
    use Report::{Exited, Failed, Lost, Signaled, Started, Stopped};
    vec![
        ("started", Input::Report(Started(42))),
        ("failed", Input::Report(Failed(2))),
        ("stopped", Input::Report(Stopped(20))),
        ("exited 0", Input::Report(Exited(0))),
        ("exited 143", Input::Report(Exited(143))),
        ("signaled", Input::Report(Signaled(9))),
        ("lost", Input::Report(Lost)),
        ("TERM by other", by(Process(1), libc::SIGTERM)),
        ("TERM by us", by(Process(7), libc::SIGTERM)),
        ("INT by kernel", by(Kernel, libc::SIGINT)),
        ("USR1 by other", by(Process(1), libc::SIGUSR1)),
        ("CHLD by other", by(Process(1), libc::SIGCHLD)),
        ("CHLD by kernel", by(Kernel, libc::SIGCHLD)),
        ("WINCH by other", by(Process(1), libc::SIGWINCH)),
        ("WINCH by kernel", by(Kernel, libc::SIGWINCH)),
        ("CONT", by(Process(1), libc::SIGCONT)),
        ("hung up", Input::HungUp),
        ("stop", Input::Stop { grace: GRACE }),
        ("interrupt", Input::Interrupt),
        ("grace over", Input::GraceOver),
    ]
}

/// S: starting, with what waits for it (a: somebody asks). R: running (a: somebody asked). T: stopping (k: killed).
/// E: ended (s: we stopped it). Behind it what is done; `>15` forwards signal 15.
const TABLE: &str = "
                | S             | S15a            | Ss                   | Sk          | R              | Ra             | T              | Tk             | E
started         | R run         | Ra run >15      | T run >15 >18 grace  | Tk run >9   | R              | Ra             | T              | Tk             | E
failed          | E fin         | E fin           | E fin                | E fin       | E fin          | E fin          | Es fin         | Es fin         | E
stopped         | S             | S15a            | Ss                   | Sk          | R susp20       | Ra susp20      | T >18          | Tk >18         | E
exited 0        | E fin name    | E fin name      | E fin name           | E fin name  | E fin name     | E fin end      | Es fin end     | Es fin end     | E
exited 143      | E fin end     | E fin end       | E fin end            | E fin end   | E fin end      | E fin end      | Es fin end     | Es fin end     | E
signaled        | E fin end     | E fin end       | E fin end            | E fin end   | E fin end      | E fin end      | Es fin end     | Es fin end     | E
lost            | E fin orphans | E fin orphans   | E fin orphans        | E fin orphans | E fin orphans | E fin orphans | Es fin orphans | Es fin orphans | E
TERM by other   | S15a          | S15a            | Ss                   | Sk          | Ra >15         | Ra >15         | T >15          | Tk >15         | E leave end
TERM by us      | S             | S15a            | Ss                   | Sk          | R              | Ra             | T              | Tk             | E leave end
INT by kernel   | S2            | S2a             | Ss                   | Sk          | R >2           | Ra >2          | T >2           | Tk >2          | E leave
USR1 by other   | S10           | S15a            | Ss                   | Sk          | R >10          | Ra >10         | T >10          | Tk >10         | E
CHLD by other   | S             | S15a            | Ss                   | Sk          | R >17          | Ra >17         | T >17          | Tk >17         | E
CHLD by kernel  | S             | S15a            | Ss                   | Sk          | R              | Ra             | T              | Tk             | E
WINCH by other  | S size        | S15a size       | Ss size              | Sk size     | R size >28     | Ra size >28    | T size >28     | Tk size >28    | E
WINCH by kernel | S size        | S15a size       | Ss size              | Sk size     | R size         | Ra size        | T size         | Tk size        | E
CONT            | S take        | S15a take       | Ss take              | Sk take     | R take >18     | Ra take >18    | T take >18     | Tk take >18    | E
hung up         | S1a           | S1a             | Ss                   | Sk          | Ra >1          | Ra >1          | T >1           | Tk >1          | E leave end
stop            | Ss            | Ss              | Sk                   | Sk          | T >15 >18 grace | T >15 >18 grace | Tk >9        | Tk             | E leave end
interrupt       | S2            | S15a            | Ss                   | Sk          | R >2           | Ra >2          | T >2           | Tk >2          | E
grace over      | S             | S15a            | Ss                   | Sk          | R              | Ra             | Tk >9          | Tk             | E
";

fn shown(state: State) -> String {
    let asked = |asked| if asked { "a" } else { "" };
    match state {
        State::Starting { waiting: Waiting::Nothing } => "S".into(),
        State::Starting { waiting: Waiting::Signal(signal, asks) } => format!("S{signal}{}", asked(asks)),
        State::Starting { waiting: Waiting::Stop(_) } => "Ss".into(),
        State::Starting { waiting: Waiting::Kill } => "Sk".into(),
        State::Running { asked: is, .. } => format!("R{}", asked(is)),
        State::Stopping { killed, .. } => if killed { "Tk" } else { "T" }.into(),
        State::Ended { stopped, .. } => if stopped { "Es" } else { "E" }.into(),
    }
}

fn done(action: Action) -> String {
    match action {
        Action::AnnounceRunning(_) => "run".into(),
        Action::Forward(signal) => format!(">{signal}"),
        Action::Suspend(signal) => format!("susp{signal}"),
        Action::TakeTerminal => "take".into(),
        Action::Resize => "size".into(),
        Action::StartGrace(_) => "grace".into(),
        Action::Finish(_) => "fin".into(),
        Action::EndFamily => "end".into(),
        Action::EndOrphans => "orphans".into(),
        Action::NameFamily => "name".into(),
        Action::LeaveNow => "leave".into(),
    }
}

fn cell((state, actions): (State, Vec<Action>)) -> String {
    [shown(state)].into_iter().chain(actions.into_iter().map(done)).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_state_and_input_does_what_the_table_says() {
    let mut rows =
        TABLE.trim_matches('\n').lines().map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let columns: Vec<String> = STATES.map(shown).into();
    assert_eq!(rows.next().expect("a head")[1..], columns);
    let inputs = inputs();
    for (row, (name, input)) in rows.by_ref().zip(&inputs) {
        assert_eq!(row[0], *name);
        let stepped = STATES.map(|state| cell(step(ALONE, state, *input)));
        assert_eq!(row[1..], stepped, "{name}");
    }
    assert_eq!(TABLE.trim_matches('\n').lines().count(), inputs.len() + 1);
}

#[test]
fn the_end_is_that_of_the_child_and_names_it() {
    for (state, pid) in [(STATES[0], None), (RUNNING, Some(42)), (STATES[6], Some(42))] {
        for (report, is) in [
            (Report::Exited(3), Ending::Exited(3)),
            (Report::Signaled(9), Ending::Signaled(9)),
            (Report::Failed(2), Ending::NotExecuted(2)),
            (Report::Lost, Ending::Unknown),
        ] {
            let (next, actions) = step(ALONE, state, Input::Report(report));
            assert!(
                matches!(next, State::Ended { pid: p, ending, .. } if (p, ending) == (pid, is)),
                "{next:?}"
            );
            assert_eq!(actions[0], Action::Finish(is));
        }
    }
}

#[test]
fn what_a_child_leaves_is_ended_after_a_signal_and_otherwise_where_that_is_wanted() {
    for code in 0..=255 {
        let forced = [129, 130, 131, 143].contains(&code);
        for (setting, ends) in [(ALONE, forced), (Setting { reap: true, ..ALONE }, true)] {
            let (_, actions) = step(setting, RUNNING, Input::Report(Report::Exited(code)));
            let expected = if ends { Action::EndFamily } else { Action::NameFamily };
            assert_eq!(actions[1], expected, "{code} {setting:?}");
        }
    }
}

#[test]
fn a_signal_reaches_the_child_once() {
    use Origin::{Kernel, Process};
    for (setting, origin, signal, expected) in [
        (ALONE, Process(1), libc::SIGTERM, "Ra >15"),
        (SHARED, Process(1), libc::SIGTERM, "Ra >15"),
        (ALONE, Kernel, libc::SIGHUP, "Ra >1"),
        (SHARED, Kernel, libc::SIGHUP, "R"),
        (SHARED, Kernel, libc::SIGINT, "R"),
        (ALONE, Process(7), libc::SIGINT, "R"),
        (ALONE, Kernel, libc::SIGWINCH, "R size"),
        (SHARED, Kernel, libc::SIGTTIN, "R"),
        (ALONE, Kernel, libc::SIGCHLD, "R"),
        (ALONE, Process(7), libc::SIGPIPE, "R"),
        (ALONE, Process(1), libc::SIGTTIN, "R >21"),
        (ALONE, Process(1), libc::SIGWINCH, "R size >28"),
        (ALONE, Process(1), libc::SIGUSR1, "R >10"),
    ] {
        assert_eq!(cell(step(setting, RUNNING, by(origin, signal))), expected, "{setting:?} {signal}");
    }
}

#[test]
fn where_nobody_sits_at_the_terminal_a_signal_from_a_process_is_a_stop() {
    use Origin::{Kernel, Process};
    for (origin, signal, expected) in [
        (Process(1), libc::SIGTERM, "T >15 >18 grace"),
        (Process(1), libc::SIGINT, "T >15 >18 grace"),
        (Process(1), libc::SIGHUP, "T >15 >18 grace"),
        (Process(1), libc::SIGQUIT, "Ra >3"),
        (Process(7), libc::SIGTERM, "R"),
        (Kernel, libc::SIGINT, "R >2"),
        (Kernel, libc::SIGHUP, "Ra >1"),
    ] {
        assert_eq!(cell(step(HEADLESS, RUNNING, by(origin, signal))), expected, "{origin:?} {signal}");
    }
    let (state, actions) = step(HEADLESS, RUNNING, by(Process(1), libc::SIGTERM));
    assert!(actions.contains(&Action::StartGrace(GRACE)));
    assert_eq!(cell(step(HEADLESS, state, by(Process(1), libc::SIGTERM))), "Tk >9");
}

#[test]
fn a_terminal_that_is_gone_is_told_as_the_kernel_would() {
    assert!(Input::HungUp.is_hang_up() && by(Origin::Kernel, libc::SIGHUP).is_hang_up());
    assert!(!by(Origin::Process(1), libc::SIGHUP).is_hang_up());
}
