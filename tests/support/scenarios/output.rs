//! Scripts that only speak, or run one command: what they are about is the output.

use super::{Block, Script, Turn, bash, bash_in_background, calls, ends, numbered_lines, slowly, text};
use serde_json::json;
use std::time::Duration;

/// Looks like a secret. In two pieces, so that no file holds one.
const SECRET: &str = concat!("gh", "p_4bZ9Kq4bZ9Tw4bZ9Xe4bZ9Rv4bZ9Mn4bZ9Js");

pub(super) const SCRIPTS: &[Script] = &[
    ("thinks-long", || vec![ends([Block::Pause(Duration::from_secs(20)), text("That took long.")])]),
    ("hello", hello),
    ("long", || vec![ends([text(&numbered_lines(200))])]),
    ("slow", || vec![ends([slowly(10, Duration::from_millis(200))])]),
    ("bash", || {
        vec![calls([bash("echo hello from bash", "Say hello")]), ends([text("The command has run.")])]
    }),
    ("ten-commands", ten_commands),
    // Longer than what claude takes for a quick command.
    ("slow-bash", || {
        vec![calls([bash("sleep 4; echo slept well", "Sleep")]), ends([text("The slow command has run.")])]
    }),
    // Runs until somebody ends it.
    ("endless-bash", || vec![calls([bash("sleep 300", "Sleep very long")]), ends([text("I have slept.")])]),
    // A lot of output, yet not so much that claude puts it into a file.
    ("big-output", || {
        let command = "seq 1 2500; echo 'Created ticket BIG-1: Behind much output'";
        vec![calls([bash(command, "Count")]), ends([text("The counting is done.")])]
    }),
    // So much output that claude keeps it in a file and shows its beginning.
    ("huge-output", || {
        let command = "echo 'Created ticket BIG-2: Before too much output'; seq 1 8000";
        vec![calls([bash(command, "Count far")]), ends([text("The counting is done.")])]
    }),
    ("touch", || {
        vec![calls([bash("touch touched", "Touch a file")]), ends([text("That was the touching.")])]
    }),
    ("touch-twice", || {
        let touch = || bash("touch touched", "Touch a file");
        vec![calls([touch(), touch()]), ends([text("That was the touching.")])]
    }),
    ("touch-for-long", || {
        vec![calls([bash("touch touched; sleep 3", "Touch a file")]), ends([text("That was the touching.")])]
    }),
    // Longer than what is shown of it.
    ("touch-behind-much", || {
        let command = format!("true {}; touch touched", "x".repeat(70_000));
        vec![calls([bash(&command, "Touch a file")]), ends([text("That was the touching.")])]
    }),
    ("touch-any", || {
        vec![calls([bash("touch touched*", "Touch files")]), ends([text("That was the touching.")])]
    }),
    ("secret-question", secret_question),
    ("background-stopped-shell", || {
        vec![
            calls([bash_in_background("sleep 30", "Sleep long")]),
            calls([Block::Tool("TaskStop", json!({ "task_id": super::BACKGROUND_ID }))]),
            ends([text("The sleeping is over.")]),
        ]
    }),
    ("question", question),
    ("plan", plan),
];

fn hello() -> Vec<Turn> {
    vec![ends([text(
        "Hello from the scripted model.\n\nIt can do three things:\n\n\
         - say hello\n- call tools\n- fail on request",
    )])]
}

/// Ten calls in five messages.
fn ten_commands() -> Vec<Turn> {
    let pair = |number: usize| {
        let call = |letter: char| bash(&format!("echo {number}{letter}"), "Say something");
        calls([call('a'), call('b')])
    };
    (1..=5).map(pair).chain([ends([text("All commands have run.")])]).collect()
}

/// Asks the user to choose.
fn question() -> Vec<Turn> {
    let option = |label: &str, description: &str| json!({ "label": label, "description": description });
    let question = json!({
        "question": "Which database?",
        "header": "Database",
        "multiSelect": false,
        "options": [option("SQLite", "One file"), option("Postgres", "A server")],
    });
    vec![
        calls([Block::Tool("AskUserQuestion", json!({ "questions": [question] }))]),
        ends([text("The database is chosen.")]),
    ]
}

/// Asks about what looks like a secret.
fn secret_question() -> Vec<Turn> {
    let option = |label: &str| json!({ "label": label, "description": "One of them" });
    let question = json!({
        "question": format!("Is {SECRET} right?"),
        "header": "Token",
        "multiSelect": false,
        "options": [option("yes"), option(&format!("no, {SECRET}x"))],
    });
    vec![
        calls([Block::Tool("AskUserQuestion", json!({ "questions": [question] }))]),
        ends([text("That is settled.")]),
    ]
}

/// Asks the user to approve a plan.
fn plan() -> Vec<Turn> {
    vec![
        calls([Block::Tool("ExitPlanMode", json!({ "plan": "1. Build it\n2. Test it" }))]),
        ends([text("The plan is settled.")]),
    ]
}
