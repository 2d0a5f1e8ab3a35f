//! What of ours may die while claude goes on: in exec mode the companion, its keeper, both. Claude's user notices
//! nothing, a client that connects again hears on with the same numbering, and hooks are answered by the next one.

use crate::deeds::{interrupt_and_leave, leave};
use crate::look;
use crate::stand::{Method, Stand, environment_of};
use nix::libc::SIGKILL;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use test_support::DEADLINE;

/// A hook waits for the next companion no longer than that.
const ANSWERED: Duration = Duration::from_millis(1000);
/// How many companions are killed one after the other.
const ROUNDS: usize = 6;
/// A companion that lived so long is not counted among those that die at once.
const WELL: Duration = Duration::from_millis(600);

#[test]
fn a_companion_that_is_killed_is_replaced_and_claude_shows_nothing_of_it() {
    let stand = Stand::start(Method::Exec, false);
    let client = stand.client.as_ref().expect("a client");
    client.wait_for(DEADLINE, |heard| heard.count("hook.pre_tool") > 0);
    let before = client.wait(Duration::ZERO, |_| true);
    assert!(stand.ours().second.signal(SIGKILL));
    client.wait_for(DEADLINE, |heard| heard.connections > before.connections);
    assert!(stand.command_runs());
    stand.types("\x1b");
    stand.sees("Interrupted");
    stand.idles();
    stand.types("DEMO:ten-commands\r");
    stand.sees("All commands have run.");
    stand.idles();
    shows_nothing_of_ours(&stand);
    let since = leave(&stand);
    let heard = client.wait_for(DEADLINE, |heard| heard.first("session.end").is_some());
    assert!(heard.count("hook.pre_tool") > 10, "{}", heard.count("hook.pre_tool"));
    let epochs: BTreeSet<String> = heard.events.iter().map(|(_, event)| event["epoch"].to_string()).collect();
    assert_eq!(epochs.len(), 1);
    ends_clean(stand, "SIGKILL companion, /exit", since);
}

#[test]
fn a_keeper_that_is_killed_is_missed_by_nobody() {
    let stand = Stand::start(Method::Exec, false);
    assert!(stand.ours().first.signal(SIGKILL));
    assert!(stand.command_runs());
    let since = interrupt_and_leave(&stand);
    shows_nothing_of_ours(&stand);
    ends_clean(stand, "SIGKILL keeper, /exit", since);
}

/// Claude posts hooks all the time, and companions die at different places of its work.
#[test]
fn companions_die_while_claude_works_and_none_of_its_hooks_fails() {
    let stand = Stand::start(Method::Exec, false);
    let client = stand.client.as_ref().expect("a client");
    let hooks = Hooks::of(&stand);
    stand.types("\x1b");
    stand.sees("Interrupted");
    stand.idles();
    let calls = || client.wait(Duration::ZERO, |_| true).count("hook.pre_tool");
    let (begun, mut answered) = (calls(), Vec::new());
    for round in 0..ROUNDS {
        let before = calls();
        stand.types("DEMO:ten-commands\r");
        client.wait_for(DEADLINE, |heard| heard.count("hook.pre_tool") > before + round % 8);
        let companion = stand.ours().second;
        let killed = Instant::now();
        assert!(companion.signal(SIGKILL));
        let status = hooks.post();
        answered.push(killed.elapsed());
        assert!(status.starts_with("HTTP/1.1 204"), "{status}");
        stand.sees("All commands have run.");
        stand.idles();
        shows_nothing_of_ours(&stand);
        stand.types("/clear\r");
        stand.misses("All commands have run.");
        stand.idles();
        // The next one counts as having been well.
        assert!(!stand.ours().second.ends_within(WELL.saturating_sub(killed.elapsed())));
    }
    answered.sort_unstable();
    let heard = calls() - begun;
    println!("after SIGKILL of the companion a hook is answered within {answered:?}");
    println!("of {} calls of tools, {heard} were heard of", ROUNDS * 10);
    assert!(answered.iter().all(|time| *time < ANSWERED), "{answered:?}");
    let since = leave(&stand);
    ends_clean(stand, "SIGKILL companion again, /exit", since);
}

#[track_caller]
fn shows_nothing_of_ours(stand: &Stand) {
    let shown = stand.history();
    for trouble in ["hook error", "ECONNREFUSED", "ECONNRESET", "claude-mpm:", "127.0.0.1"] {
        assert!(!shown.contains(trouble), "{trouble}: {shown}");
    }
}

#[track_caller]
fn ends_clean(stand: Stand, name: &str, since: Instant) {
    let after = look(stand, name, since);
    after.is_clean(name);
    assert_eq!((after.is_reset, after.modes), (Some(true), BTreeSet::new()), "{name}");
}

/// Where claude posts its hooks.
struct Hooks {
    address: String,
    key: String,
}

impl Hooks {
    #[track_caller]
    fn of(stand: &Stand) -> Self {
        let line = stand.claude.command_line();
        let (_, rest) = line.split_once("http://").expect("claude has hooks");
        let address = rest.split('/').next().expect("an address").to_owned();
        Self { address, key: environment_of(&stand.claude, "CLAUDE_MPM_HOOK_KEY") }
    }

    /// As claude does. Gives the answer.
    #[track_caller]
    fn post(&self) -> String {
        let Self { address, key } = self;
        let body = r#"{"session_id":"0b5fd1a5-6c0e-4b0e-8a32-1f2f3f4f5f6f","hook_event_name":"Notification","message":"m"}"#;
        let mut stream = TcpStream::connect(address).expect("a listener");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        let head = format!(
            "POST /api/hooks/Notification HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a sent hook");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer and the end of the connection");
        answer
    }
}
