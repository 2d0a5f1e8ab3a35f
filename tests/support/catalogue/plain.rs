//! Scenarios without delegations: text, commands, tickets in their output, and errors of the API. All on pipes.

use super::{Ends, Scenario};
use crate::truth::{Ask, Truth};

/// One repetition is as good as ten, and quicker.
const ONE_RETRY: &[(&str, &str)] = &[("CLAUDE_CODE_MAX_RETRIES", "1")];

pub(super) fn scenarios() -> Vec<Scenario> {
    let nothing = Truth::default;
    let tickets =
        |tickets: &[(&'static str, &'static str)]| Truth { tickets: tickets.into(), ..Truth::default() };
    let failed = |scenario: Scenario| scenario.with_env(ONE_RETRY).ending(Ends::Code(1));
    vec![
        Scenario::printed("hello", &["DEMO:hello"], nothing()),
        Scenario::printed("slow-bash", &["DEMO:slow-bash"], nothing()),
        Scenario::printed("big-output", &["DEMO:big-output"], tickets(&[("BIG-1", "Behind much output")])),
        Scenario::printed(
            "huge-output",
            &["DEMO:huge-output"],
            tickets(&[("BIG-2", "Before too much output")]),
        ),
        // Nobody is asked: without a terminal claude refuses by itself.
        Scenario::printed("denied-bash", &["DEMO:touch"], nothing()),
        Scenario::printed(
            "two-tickets",
            &["DEMO:two-tickets"],
            tickets(&[("TICKET-1", "First of two"), ("TICKET-2", "Second of two")]),
        ),
        Scenario::printed("ticket-again", &["DEMO:ticket-again"], tickets(&[("TICKET-7", "Only once")])),
        Scenario::printed(
            "ticket-and-failure",
            &["DEMO:ticket-and-failure"],
            tickets(&[("HALF-1", "Before the failure"), ("ERR-2", "On the other stream")]),
        ),
        Scenario::printed("decoy", &["DEMO:decoy"], nothing()),
        Scenario::printed(
            "background-bash",
            &["DEMO:background-bash"],
            tickets(&[("LATE-1", "From behind")]),
        ),
        Scenario::printed("background-shell-stopped", &["DEMO:background-stopped-shell"], nothing()),
        Scenario::printed("no-question", &["DEMO:question"], nothing()),
        failed(Scenario::printed("error400", &["DEMO:error400"], nothing())),
        failed(Scenario::printed("error500", &["DEMO:error500"], nothing())),
        failed(Scenario::printed("error529", &["DEMO:error529"], nothing())),
    ]
}

/// The truth of a scenario in which only this is asked.
pub(super) fn asked(asks: &[Ask]) -> Truth {
    Truth { asks: asks.into(), ..Truth::default() }
}
