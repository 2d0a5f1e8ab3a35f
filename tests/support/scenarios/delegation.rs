//! Scripts that delegate, and the delegated parts of them, whose names begin with `sub-`.

use super::{BACKGROUND_ID, Block, Script, Turn, bash, calls, delegate, delegate_in_background, ends, text};
use serde_json::json;
use std::time::Duration;

pub(super) const SCRIPTS: &[Script] = &[
    ("one-delegation", || {
        vec![
            calls([
                text("I hand this over."),
                delegate("engineer", "Build part A", "DEMO:sub-eng Build part A"),
            ]),
            ends([text("The engineer has built part A.")]),
        ]
    }),
    ("parallel", || {
        vec![
            calls([
                delegate("engineer", "Build part A", "DEMO:sub-eng Build part A"),
                delegate("qa", "Test part B", "DEMO:sub-qa Test part B"),
            ]),
            ends([text("Both have finished.")]),
        ]
    }),
    ("nested", || {
        vec![
            calls([delegate("general-purpose", "Lead the work", "DEMO:sub-lead Lead the work")]),
            ends([text("The lead is done.")]),
        ]
    }),
    ("background", || {
        vec![
            calls([delegate_in_background("qa", "Background QA", "DEMO:sub-slow-qa in the background")]),
            ends([text("Launched, I will be told when it ends.")]),
            ends([text("The background QA agent ended, thanks.")]),
        ]
    }),
    ("background-stopped", || {
        vec![
            calls([delegate_in_background("qa", "Endless QA", "DEMO:sub-endless in the background")]),
            calls([Block::Tool("TaskStop", json!({ "task_id": BACKGROUND_ID }))]),
            ends([text("The endless agent is stopped.")]),
            // claude may say so once more, as of any other end.
            ends([text("I know, I stopped it.")]),
        ]
    }),
    ("background-endless", || {
        vec![
            calls([delegate_in_background("qa", "Endless QA", "DEMO:sub-endless in the background")]),
            ends([text("Launched for good.")]),
            // Told that it was stopped.
            ends([slow_thought(), text("It had an end.")]),
        ]
    }),
    ("unknown-agent", || {
        vec![
            calls([delegate("no-such-agent", "Do the impossible", "DEMO:sub-eng never starts")]),
            calls([delegate("engineer", "Do the possible", "DEMO:sub-eng starts")]),
            ends([text("One of two.")]),
        ]
    }),
    ("no-subagent-type", || {
        let input = json!({ "description": "No type given", "prompt": "DEMO:sub-eng without a type" });
        vec![calls([Block::Tool("Agent", input)]), ends([text("Somebody did it.")])]
    }),
    ("legacy-task-name", || {
        let input = json!({
            "description": "Under the old name", "prompt": "DEMO:sub-eng as before", "subagent_type": "engineer",
        });
        vec![calls([Block::Tool("Task", input)]), ends([text("The old name still works.")])]
    }),
    ("denied-agent", || {
        vec![
            calls([delegate("qa", "Refused by a rule", "DEMO:sub-qa never starts")]),
            calls([delegate("engineer", "Not refused", "DEMO:sub-eng starts")]),
            ends([text("QA may not work here.")]),
        ]
    }),
    ("long-delegation", || {
        vec![
            calls([delegate("engineer", "Work for long", "DEMO:sub-endless Work for long")]),
            // A model has no answer at once: what is to end then ends before.
            ends([slow_thought(), text("The long work is done.")]),
        ]
    }),
    ("second-delegation", || {
        vec![
            calls([delegate("qa", "Test what is there", "DEMO:sub-qa Test what is there")]),
            ends([text("QA has tested.")]),
        ]
    }),
    ("agent-asks", || {
        vec![
            calls([delegate("engineer", "Ask first", "DEMO:touch as an agent")]),
            ends([text("The engineer was let.")]),
        ]
    }),
    ("two-agents-ask", || {
        let ask = |agent| delegate(agent, "Ask first", "DEMO:touch-for-long as an agent");
        vec![calls([ask("engineer"), ask("qa")]), ends([text("Both have asked.")])]
    }),
    ("sub-eng", || works("echo engineer at work", "Feature X implemented by engineer.")),
    ("sub-qa", || works("echo qa at work", "3 tests pass.")),
    ("sub-slow-qa", || works("sleep 2; echo qa at work", "3 tests pass, slowly.")),
    ("sub-endless", || works("sleep 60", "I have slept.")),
    ("sub-lead", || {
        vec![
            calls([delegate("qa", "Check below", "DEMO:sub-qa Check below")]),
            ends([text("I led, QA checked.")]),
        ]
    }),
];

fn slow_thought() -> Block {
    Block::Pause(Duration::from_secs(20))
}

/// One command, and an answer.
fn works(command: &str, answer: &str) -> Vec<Turn> {
    vec![calls([bash(command, "Work")]), ends([text(answer)])]
}
