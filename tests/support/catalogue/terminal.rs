//! Scenarios on a terminal that end as a user ends them: dialogs, commands of the interface, and how it draws.

use super::delegation::delegated;
use super::lists;
use super::plain::asked;
use super::{Run, Scenario, Step};
use crate::truth::{Ask, Delegation, Reason, Truth};
use std::time::Duration;

pub(super) fn scenarios() -> Vec<Scenario> {
    [drawn(), dialogs(), commands()].concat()
}

/// Types a prompt, and waits until the answer that ends with `last` is given.
fn says(prompt: &'static str, last: &'static str) -> [Step; 3] {
    [Step::Types(prompt), Step::Sees(last), Step::Is("idle")]
}

fn drawn() -> Vec<Scenario> {
    let (done, tickets) =
        (Delegation::done, |tickets: &[_]| Truth { tickets: tickets.into(), ..Truth::default() });
    let parallel = delegated(&[done("engineer", "Build part A"), done("qa", "Test part B")]);
    let background = delegated(&[done("qa", "Background QA").in_background()]);
    let two = tickets(&[("TICKET-1", "First of two"), ("TICKET-2", "Second of two")]);
    let decoy = [
        &says("DEMO:decoy\r", "FAKE-6"),
        &[Step::Resizes(90, 30)][..],
        &says("DEMO:two-tickets\r", "Two tickets are filed."),
    ];
    vec![
        Scenario::on_terminal("tui-hello", &says("DEMO:hello\r", "- fail on request"), Truth::default()),
        Scenario::on_terminal("tui-full", &says("DEMO:full\r", "● All done"), lists::full()),
        Scenario::on_terminal("tui-todowrite", &says("DEMO:todowrite\r", "One is left."), lists::todowrite())
            .with_env(lists::WHOLE_LIST),
        Scenario::on_terminal("tui-parallel", &says("DEMO:parallel\r", "Both have finished."), parallel),
        Scenario::on_terminal(
            "tui-background",
            &says("DEMO:background\r", "The background QA agent ended"),
            background,
        ),
        Scenario::on_terminal("tui-tickets", &decoy.concat(), two),
    ]
}

fn dialogs() -> Vec<Scenario> {
    let touch = asked(&[Ask::Permission("Bash")]);
    let dialog = [Step::Types("DEMO:touch\r"), Step::Is("waiting"), Step::Sees("3. No")];
    let answered =
        |keys, seen| [&dialog[..], &[Step::Types(keys), Step::Sees(seen), Step::Is("idle")]].concat();
    // claude reminds of a dialog that stays open for 6 seconds.
    let mut slowly = answered("1", "That was the touching.");
    slowly.insert(dialog.len(), Step::Hesitates(Duration::from_secs(7)));
    let question = [
        Step::Types("DEMO:question\r"),
        Step::Is("waiting"),
        Step::Sees("Which database?"),
        Step::Types("2"),
        Step::Sees("The database is chosen."),
        Step::Is("idle"),
    ];
    let plan = [
        Step::Types("DEMO:plan\r"),
        Step::Is("waiting"),
        Step::Sees("1. Yes"),
        Step::Types("1"),
        Step::Sees("The plan is settled."),
        Step::Is("idle"),
    ];
    let planning =
        Run { args: &["--permission-mode", "plan"], ..Run::on_terminal(&plan, asked(&[Ask::Plan])) };
    let agent_asks = [
        Step::Types("DEMO:agent-asks\r"),
        Step::Is("waiting"),
        Step::Sees("3. No"),
        Step::Types("1"),
        Step::Sees("The engineer was let."),
        Step::Is("idle"),
    ];
    let asked_in_agent = Truth {
        delegations: vec![Delegation::done("engineer", "Ask first")],
        ..asked(&[Ask::Permission("Bash")])
    };
    let agent_refused = [
        Step::Types("DEMO:denied-agent\r"),
        Step::Is("waiting"),
        Step::Types("\x1b"),
        Step::Sees("Interrupted"),
        Step::Is("idle"),
    ];
    let refused = Truth {
        delegations: vec![Delegation::failed("qa", "Refused by a rule", Reason::Denied)],
        ..asked(&[Ask::Permission("Agent")])
    };
    vec![
        Scenario::on_terminal("dialog-allowed", &answered("1", "That was the touching."), touch.clone()),
        Scenario::on_terminal("dialog-refused", &answered("3", "Interrupted"), touch.clone()),
        Scenario::on_terminal("dialog-slow", &slowly, touch.clone()),
        Scenario::on_terminal("dialog-esc", &answered("\x1b", "Interrupted"), touch),
        Scenario::on_terminal("question", &question, asked(&[Ask::Question])),
        Scenario::of("plan", vec![planning]),
        Scenario::on_terminal("dialog-in-agent", &agent_asks, asked_in_agent),
        Scenario::on_terminal("dialog-refused-agent", &agent_refused, refused).asking(&["Agent"]),
    ]
}

fn commands() -> Vec<Scenario> {
    let two = delegated(&[
        Delegation::done("engineer", "Build part A"),
        Delegation::done("qa", "Test what is there"),
    ]);
    let first = says("DEMO:one-delegation\r", "The engineer has built part A.");
    let second = says("DEMO:second-delegation\r", "QA has tested.");
    let between = |steps: &[Step]| [&first, steps, &second[..]].concat();
    let clear = [Step::Types("/clear\r"), Step::Misses("The engineer has built"), Step::Is("idle")];
    let compact = [Step::Types("/compact\r"), Step::Logs("compact_boundary"), Step::Is("idle")];
    vec![
        Scenario::on_terminal("clear", &between(&clear), two.clone()),
        Scenario::on_terminal("compact", &between(&compact), two),
    ]
}
