//! Scripts in whose output tickets are created, or only seem to be.

use super::{BACKGROUND_ID, Block, Script, bash, bash_in_background, calls, delegate, ends, text};
use serde_json::json;

pub(super) const SCRIPTS: &[Script] = &[
    ("two-tickets", || {
        let command =
            "echo 'Created ticket TICKET-1: First of two'; echo 'Created ticket TICKET-2: Second of two'";
        vec![calls([bash(command, "File two")]), ends([text("Two tickets are filed.")])]
    }),
    ("ticket-again", || {
        vec![
            calls([bash("echo 'Created ticket TICKET-7: Only once'", "File it")]),
            calls([bash(
                "echo 'log: Created ticket TICKET-7: Only once'; echo 'TICKET-7 is open'",
                "Read the log",
            )]),
            calls([bash("echo 'Created ticket TICKET-7: Only once'", "Read the log again")]),
            ends([text("Created ticket TICKET-7: Only once, as said.")]),
        ]
    }),
    ("ticket-in-agent", || {
        vec![calls([delegate("qa", "File it", "DEMO:sub-filing File it")]), ends([text("QA has filed it.")])]
    }),
    ("sub-filing", || {
        vec![calls([bash("echo 'Created ticket QA-5: Found by QA'", "File it")]), ends([text("Filed.")])]
    }),
    // A command that creates a ticket and then fails, and one that says so on its other stream.
    ("ticket-and-failure", || {
        let fails = "echo 'Created ticket HALF-1: Before the failure'; seq none";
        let elsewhere = "echo 'Created ticket ERR-2: On the other stream' >&2";
        vec![
            calls([bash(fails, "File it and fail")]),
            calls([bash(elsewhere, "File it elsewhere")]),
            ends([text("One command failed.")]),
        ]
    }),
    ("decoy", || {
        vec![
            calls([
                text("I could say: Created ticket FAKE-9: x\n\nCreated ticket FAKE-9: x"),
                bash("echo nothing # Created ticket FAKE-8: y", "Created ticket FAKE-7: z"),
            ]),
            calls([bash("echo 'No ticket was created; see REAL-1 for one'", "Say so")]),
            ends([text("Done.\n\nCreated ticket FAKE-6: w")]),
        ]
    }),
    ("background-bash", || {
        let output = json!({ "task_id": BACKGROUND_ID, "block": true, "timeout": 20000 });
        vec![
            calls([bash_in_background(
                "sleep 1; echo 'Created ticket LATE-1: From behind'",
                "File it later",
            )]),
            calls([Block::Tool("TaskOutput", output)]),
            ends([text("The late ticket is filed.")]),
            ends([text("I have been told of it, too.")]),
        ]
    }),
];
