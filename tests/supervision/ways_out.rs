//! However a run ends, the terminal is as it was, nothing is left, and whoever watched was told.

use crate::wrapper;
use nix::libc;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::processes::{Doomed, Process};
use test_support::subscriber::{Received, Subscriber};
use test_support::terminal::{Signal, Terminal};
use test_support::wrapper::{PARENT, Way, Wrapper};

/// A grandchild that holds the terminal is waited for 2 s at most. With the hub on, what reads along has 2 s more, and
/// clients that lag behind so much output have their own bounds on top. The rest is a loaded machine.
pub(crate) fn end_at_latest(way: Way) -> Duration {
    Duration::from_secs(if way == Way::Watched { 12 } else { 4 })
}

/// Switches on everything that a terminal would be left with, says what it is, and waits.
const DRESSED: &str = r#"stty raw -echo; printf '\033[?1049h\033[?1000;1006h\033[?2004h\033[?25l\033[>1u'
    echo "$$ $CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; eval "$go""#;
/// What takes that back.
const UNDONE: [&str; 6] = ["[?1000l", "[?1006l", "[?1049l", "[?2004l", "[?25h", "[<u"];

struct Stage {
    wrapper: Wrapper,
    meeting: Meeting,
    terminal: Terminal,
    program: Process,
    client: Option<Subscriber>,
}

/// A program in a terminal that it has changed in every way, and a client that watches if there is a hub.
fn set(way: Way) -> Stage {
    let (wrapper, meeting) = (wrapper(), Meeting::new());
    let command = wrapper.command(way, "/bin/sh", &["-c", DRESSED, "sh", meeting.folder()]);
    let terminal = Terminal::start(command, 80, 24);
    let line = meeting.hear();
    let (pid, url) = line.split_once(' ').expect("a pid and an address");
    let client = (way == Way::Watched).then(|| Subscriber::connect(url));
    let program = Process::of(pid.parse().expect("a number"));
    // What it wrote is on its way; only what has arrived can be undone.
    terminal.wait_for_output(b"\x1b[>1u", DEADLINE);
    assert_ne!(terminal.modes(), terminal.modes_before);
    Stage { wrapper, meeting, terminal, program, client }
}

impl Stage {
    /// Expects this exit status, the terminal as it was, nothing left, and a client that was told.
    #[track_caller]
    fn struck(&self, status: i32, told: impl Fn(&serde_json::Value)) {
        assert_eq!(self.terminal.wait_exit(DEADLINE).code(), Some(status));
        assert_eq!(self.terminal.modes(), self.terminal.modes_before);
        assert!(self.program.ends_within(Duration::ZERO));
        assert!(self.wrapper.left_behind().is_empty(), "{:?}", self.wrapper.left_behind());
        if let Some(client) = &self.client {
            told(&end_of(&client.wait_close()));
        }
    }

    fn undone(&self) -> bool {
        let output = String::from_utf8_lossy(&self.terminal.raw_output()).into_owned();
        UNDONE.iter().all(|undo| output.contains(&format!("\x1b{undo}")))
    }
}

/// The data of `session.end`: the last event before a close with 1000.
#[track_caller]
fn end_of(received: &Received) -> serde_json::Value {
    assert_eq!(received.close, Some(1000), "{received:#?}");
    let last = received.events.last().expect("events");
    assert_eq!(last["type"], "session.end", "{received:#?}");
    assert_eq!(received.of("session.end").len(), 1);
    assert_eq!(received.of("session.start").len(), 1);
    let numbers: Vec<u64> =
        received.events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    last["data"].clone()
}

#[test]
fn a_program_that_exits_leaves_the_terminal_as_it_was() {
    for way in PARENT {
        let stage = set(way);
        stage.meeting.say("exit 7");
        stage.struck(7, |end| {
            assert_eq!((&end["exit_code"], &end["reason"]), (&7.into(), &"exited".into()), "{end}");
        });
    }
}

#[test]
fn a_program_that_is_killed_leaves_the_terminal_as_it_was() {
    for way in PARENT {
        let stage = set(way);
        assert!(stage.program.signal(libc::SIGKILL));
        stage.struck(137, |end| {
            assert_eq!((&end["signal"], &end["reason"]), (&9.into(), &"signaled".into()), "{end}");
        });
        assert!(stage.undone(), "{way:?}: {:?}", String::from_utf8_lossy(&stage.terminal.raw_output()));
    }
}

#[test]
fn a_wrapper_that_is_asked_to_end_leaves_the_terminal_as_it_was() {
    for way in PARENT {
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            let stage = set(way);
            assert!(stage.terminal.signal(signal));
            stage.struck(128 + signal as i32, |end| assert_eq!(end["signal"], signal as i32, "{end}"));
            assert!(stage.undone(), "{way:?}: {:?}", String::from_utf8_lossy(&stage.terminal.raw_output()));
        }
    }
}

#[test]
fn when_the_wrapper_is_killed_its_guardian_cleans_up() {
    for way in PARENT {
        let stage = set(way);
        let guardian = stage.program.parent();
        assert_ne!(guardian.pid, stage.terminal.pid(), "the guardian is the parent");
        let begun = Instant::now();
        assert!(stage.terminal.signal(Signal::SIGKILL));
        assert!(stage.program.ends_within(Duration::from_secs(5)), "{way:?}: the program goes on");
        assert!(guardian.ends_within(Duration::from_secs(5)), "{way:?}: the guardian goes on");
        assert!(begun.elapsed() < Duration::from_secs(5), "{way:?}: {:?}", begun.elapsed());
        assert_eq!(stage.terminal.wait_exit(DEADLINE).code(), None, "{way:?}");
        assert_eq!(stage.terminal.modes(), stage.terminal.modes_before, "{way:?}");
        assert!(stage.undone(), "{way:?}: {:?}", String::from_utf8_lossy(&stage.terminal.raw_output()));
        if let Some(client) = &stage.client {
            assert_eq!(client.wait_close().close, Some(1006), "nobody is left to say goodbye");
        }
    }
}

#[test]
fn when_the_wrapper_is_killed_even_a_stubborn_program_ends() {
    for way in PARENT {
        let stage = set(way);
        stage.meeting.say(r#"trap '' TERM HUP INT; echo stubborn >"$1/up"; while :; do sleep 1; done"#);
        assert_eq!(stage.meeting.hear(), "stubborn");
        let guardian = stage.program.parent();
        assert!(stage.terminal.signal(Signal::SIGKILL));
        assert!(stage.program.ends_within(Duration::from_secs(5)), "{way:?}: the program goes on");
        assert!(guardian.ends_within(Duration::from_secs(5)), "{way:?}: the guardian goes on");
        stage.terminal.wait_exit(DEADLINE);
        assert_eq!(stage.terminal.modes(), stage.terminal.modes_before, "{way:?}");
    }
}

#[test]
fn when_a_wrapper_on_pipes_is_killed_the_program_ends() {
    for way in PARENT {
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        let waits = r#"echo $$ >"$1/up"; exec sleep 1000"#;
        let command = wrapper.command(way, "/bin/sh", &["-c", waits, "sh", meeting.folder()]);
        let run = test_support::running::Running::start(command);
        let program = Process::of(meeting.hear().parse().expect("a number"));
        let guardian = program.parent();
        assert!(Process::of(run.pid()).signal(libc::SIGKILL));
        assert!(program.ends_within(Duration::from_secs(5)), "{way:?}: the program goes on");
        assert!(guardian.ends_within(Duration::from_secs(5)), "{way:?}: the guardian goes on");
        run.wait_exit();
    }
}

/// We end the program then; nobody knows how it ended, and that is what is said.
#[test]
fn when_the_guardian_is_killed_the_program_is_ended_and_the_terminal_put_back() {
    for way in PARENT {
        let stage = set(way);
        assert!(stage.program.parent().signal(libc::SIGKILL));
        assert_eq!(stage.terminal.wait_exit(DEADLINE).code(), Some(125), "{way:?}");
        assert!(stage.program.ends_within(Duration::ZERO), "{way:?}: the program goes on");
        assert_eq!(stage.terminal.modes(), stage.terminal.modes_before, "{way:?}");
        if let Some(client) = &stage.client {
            assert_eq!(end_of(&client.wait_close())["exit_code"], serde_json::Value::Null);
        }
    }
}

#[test]
fn a_window_that_is_closed_ends_everything() {
    for way in PARENT {
        let Stage { wrapper, meeting, terminal, program, client } = set(way);
        let guardian = program.parent();
        let hung_up = terminal.hang_up();
        assert!(program.ends_within(DEADLINE), "{way:?}: the program goes on");
        assert!(guardian.ends_within(DEADLINE), "{way:?}: the guardian goes on");
        assert_eq!(hung_up.wait_exit(DEADLINE).and_then(|status| status.code()), Some(129), "{way:?}");
        if let Some(client) = &client {
            assert_eq!(end_of(&client.wait_close())["signal"], 1);
        }
        assert!(wrapper.left_behind().is_empty());
        drop(meeting);
    }
}

/// The kernel tells only the foreground. Bare, a program in the background learns of it when it reads or writes; ours
/// reads a terminal that is still there, and a wrapper was once found to wait on it for ever.
#[test]
fn a_program_in_the_background_learns_that_the_window_is_closed() {
    for way in PARENT {
        let wrapper = wrapper();
        let meeting = Meeting::new();
        let words = wrapper.words(way, "sh", &["-c", "echo $$ >\"$0/up\"; exec sleep 1000"]);
        let mut shell = std::process::Command::new("bash");
        shell.args(["-m", "-c", "\"$@\" & exec sleep 1000", "bash"]).args(words).arg(meeting.folder());
        wrapper.surround(&mut shell);
        let terminal = Terminal::start(shell, 80, 24);
        let program = Process::of(meeting.hear().parse().expect("a number"));
        let guardian = program.parent();
        let shell = terminal.hang_up();
        assert!(program.ends_within(DEADLINE), "{way:?}: the program goes on");
        assert!(guardian.ends_within(DEADLINE), "{way:?}: the guardian goes on");
        assert!(shell.wait_exit(DEADLINE).is_some());
    }
}

#[test]
fn a_grandchild_that_holds_the_terminal_does_not_delay_the_end() {
    // One is silent, one goes on writing; both are in a session of their own and shrug hanging up off.
    for go in [
        r#"setsid sh -c "trap '' HUP; echo \$\$ >$1/up; exec sleep 1000" & read -r go <"$1/down"; exit 4"#,
        r#"setsid sh -c "trap '' HUP PIPE; echo \$\$ >$1/up; while :; do echo still here; done 2>/dev/null" &
            read -r go <"$1/down"; exit 4"#,
    ] {
        for way in PARENT {
            let stage = set(way);
            stage.meeting.say(&go.replace('\n', " "));
            let _grandchild = Doomed(Process::of(stage.meeting.hear().parse().expect("a number")));
            stage.meeting.say("go");
            assert!(stage.program.ends_within(DEADLINE), "{way:?}");
            let begun = Instant::now();
            stage.struck(4, |end| assert_eq!(end["exit_code"], 4, "{end}"));
            assert!(begun.elapsed() < end_at_latest(way), "{way:?}: {:?}", begun.elapsed());
        }
    }
}

/// A client that does not read has its time, but the exit status does not wait for it for long.
#[test]
fn a_client_that_never_reads_delays_the_end_by_its_bound_at_most() {
    let (wrapper, meeting) = (wrapper(), Meeting::new());
    let writes = r#"echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; seq 100000; echo over >"$1/up""#;
    let command = wrapper.command(Way::Watched, "/bin/sh", &["-c", writes, "sh", meeting.folder()]);
    let terminal = Terminal::start(command, 80, 24);
    let _client = test_support::subscriber::Stalled::connect(&meeting.hear());
    meeting.say("go");
    assert_eq!(meeting.hear(), "over");
    let begun = Instant::now();
    assert_eq!(terminal.wait_exit(DEADLINE).code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
