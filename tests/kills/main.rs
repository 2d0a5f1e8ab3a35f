//! The kill matrix: the real claude in a terminal, a command of its running, and every way such a run can end or be
//! disturbed, under both launch methods and bare. However it ends: nothing of the run is left, the terminal is as it was
//! (where claude has it for itself, at least as it is after bare claude), and a client that connects again hears of the
//! end.
//!
//! `stand`: one such run. `deeds`: what is done to it. `companions`: what happens in exec mode when ours die and claude
//! goes on. `--nocapture` prints what was measured, a line for each run.

use deeds::Deed;
use stand::{Method, Stand};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

mod companions;
mod deeds;
mod stand;

/// By then nothing of a run is left.
const GONE: Duration = Duration::from_secs(8);
/// What bare claude leaves is what is there then.
const BARE: Duration = Duration::from_millis(500);
/// Within this a client hears of the end, counted from the kill or, where claude leaves by itself, from its end.
const TOLD: Duration = Duration::from_secs(2);

/// What is there after a run.
#[derive(Debug)]
struct After {
    /// Command lines of what is left.
    left: Vec<String>,
    /// Whether the terminal's settings are those from before; `None` where it is gone.
    is_reset: Option<bool>,
    /// Modes that are still on.
    modes: BTreeSet<&'static str>,
    /// How long it took until a client heard of the end.
    told: Option<Duration>,
    /// Files of ours that are left.
    files: usize,
}

/// Does it to a run, and looks what is there then.
#[track_caller]
fn play(deed: &Deed, method: Method) -> After {
    let stand = Stand::start(method, deed.in_job_control);
    let since = (deed.act)(&stand);
    look(stand, deed.name, since)
}

#[track_caller]
fn look(stand: Stand, name: &str, since: Instant) -> After {
    let told = stand.client.as_ref().map(|client| {
        let heard = client.wait_for(GONE, |heard| heard.first("session.end").is_some());
        for numbers in heard.numbers() {
            assert!(numbers.is_sorted_by(|a, b| a < b), "no number twice: {numbers:?}");
        }
        assert_eq!((heard.count("session.start"), heard.count("session.end")), (1, 1), "{name}");
        heard.first("session.end").map(|at| at.saturating_duration_since(since)).unwrap_or_default()
    });
    let left = stand.left(if stand.method == Method::Bare { BARE } else { GONE });
    let (is_reset, modes) = stand.terminal_now();
    let after = After { left, is_reset, modes, told, files: stand.files() };
    println!("{name:<28} {:<10} {}", format!("{:?}", stand.method), after.summary());
    after
}

impl After {
    fn summary(&self) -> String {
        let Self { left, is_reset, modes, told, files } = self;
        let told = told.map_or("-".to_owned(), |told| format!("{} ms", told.as_millis()));
        let reset = is_reset.map_or("gone", |is_reset| if is_reset { "as before" } else { "changed" });
        format!("left {left:?} files {files} terminal {reset} {modes:?} session.end after {told}")
    }

    /// Nothing is left, and it was told in time.
    #[track_caller]
    fn is_clean(&self, name: &str) {
        assert_eq!(self.left, [] as [&str; 0], "{name}");
        assert_eq!(self.files, 0, "{name}");
        assert!(self.told.is_none_or(|told| told <= TOLD), "{name}: {:?}", self.told);
    }
}

/// Bare, and under both methods; `deed` says what is to be the same.
#[track_caller]
fn in_every_way(deed: &Deed) {
    let bare = play(deed, Method::Bare);
    for method in [Method::Subprocess, Method::Exec] {
        let after = play(deed, method);
        after.is_clean(&format!("{}, {method:?}", deed.name));
        if method == Method::Subprocess {
            assert_ne!(after.is_reset, Some(false), "{}", deed.name);
            assert_eq!(after.modes, BTreeSet::new(), "{}", deed.name);
        } else {
            assert!(after.is_reset != Some(false) || bare.is_reset == Some(false), "{}", deed.name);
            assert!(after.modes.is_subset(&bare.modes), "{}: {:?}", deed.name, after.modes);
        }
    }
}

#[test]
fn escape_ends_the_command_and_claude_leaves_in_order() {
    in_every_way(&deeds::ESCAPE);
}

#[test]
fn control_c_ends_the_command_and_then_claude() {
    in_every_way(&deeds::CONTROL_C);
}

#[test]
fn a_shell_stops_it_and_lets_it_go_on() {
    in_every_way(&deeds::STOPPED);
}

#[test]
fn a_window_of_another_size_changes_nothing_in_the_end() {
    in_every_way(&deeds::RESIZED);
}

#[test]
fn sigterm_ends_all_of_it() {
    in_every_way(&deeds::TERMINATED);
}

#[test]
fn sighup_ends_all_of_it() {
    in_every_way(&deeds::HUNG_UP);
}

#[test]
fn a_closed_window_ends_all_of_it() {
    in_every_way(&deeds::WINDOW_CLOSED);
}

#[test]
fn a_claude_that_is_killed_takes_its_command_along() {
    in_every_way(&deeds::CLAUDE_KILLED);
}

#[test]
fn when_we_are_killed_our_guardian_ends_all_of_it() {
    let after = play(&deeds::WE_KILLED, Method::Subprocess);
    after.is_clean("we killed");
    assert_eq!((after.is_reset, after.modes), (Some(true), BTreeSet::new()));
}

#[test]
fn when_the_guardian_is_killed_we_end_all_of_it() {
    let after = play(&deeds::SECOND_KILLED, Method::Subprocess);
    after.is_clean("guardian killed");
    assert_eq!((after.is_reset, after.modes), (Some(true), BTreeSet::new()));
}

#[test]
fn claude_killed_together_with_any_of_us_takes_its_command_along() {
    let bare = play(&deeds::CLAUDE_KILLED, Method::Bare);
    for (deed, method) in [
        (deeds::FIRST_AND_CLAUDE_KILLED, Method::Subprocess),
        (deeds::SECOND_AND_CLAUDE_KILLED, Method::Subprocess),
        (deeds::FIRST_AND_CLAUDE_KILLED, Method::Exec),
        (deeds::SECOND_AND_CLAUDE_KILLED, Method::Exec),
    ] {
        let after = play(&deed, method);
        after.is_clean(deed.name);
        if method == Method::Subprocess {
            assert_eq!((after.is_reset, after.modes), (Some(true), BTreeSet::new()), "{}", deed.name);
        } else {
            assert!(after.modes.is_subset(&bare.modes), "{}: {:?}", deed.name, after.modes);
        }
    }
}
