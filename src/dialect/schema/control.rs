//! What clients may ask to be done with claude: the same parameters on every dialect.

use super::parts::{maybe_text, text};
use serde_json::{Value, json};

/// The commands with their parameters; a name that ends in `?` may be left out.
pub(super) fn commands() -> [(&'static str, &'static str, Value); 6] {
    [
        (
            "send_input",
            "Give claude a prompt",
            json!({
                "text": text("The prompt; no control characters but line ends and TAB"),
                "submit?": flag("Press Enter behind it; true where it is missing"),
                "raw?": flag("A leading `!` or `/` keeps its meaning to claude, instead of being text"),
                "queue?": flag("Where claude is busy or asks something, wait until that is over"),
            }),
        ),
        (
            "send_keys",
            "Press keys",
            json!({
                "keys": {
                    "description": "Names as tmux has them: Enter, Escape, Up, C-c, F1, 0",
                    "type": "array", "minItems": 1, "maxItems": 64, "items": { "type": "string" },
                },
            }),
        ),
        ("interrupt", "End what claude is doing, not claude", json!({})),
        ("stop", "End claude: TERM, the grace, KILL; a second one means KILL now", grace()),
        ("restart", "End claude and start it again with the same conversation", grace()),
        ("respond_permission", "Answer a question of claude's", respond()),
    ]
}

fn flag(description: &str) -> Value {
    json!({ "description": description, "type": ["boolean", "null"] })
}

fn grace() -> Value {
    json!({
        "grace_seconds?": {
            "description": "5 where it is missing", "type": ["integer", "null"], "minimum": 0, "maximum": 600,
        },
    })
}

fn respond() -> Value {
    let whole = |description: &str| json!({ "description": description, "type": ["object", "null"] });
    json!({
        "permission_id": text("Which, as `permission.requested` names it"),
        "decision": { "description": "Yes or no", "enum": ["allow", "deny"] },
        "message?": maybe_text("With deny: what the model is told"),
        "interrupt?": flag("With deny: the turn ends too"),
        "updated_input?": whole("With allow: the whole input instead of the model's"),
        "answers?": whole("With allow of AskUserQuestion: a text, or a list of texts, by the text of each question as it \
                           was told, or by its number from 1 on"),
        "unseen?": flag("With allow: also where `permission.requested` says in `truncated` or `redacted` that the input is not \
                         shown as it is; refused otherwise"),
        "remember?": {
            "description": "With allow, until claude's session is over: `true` for exactly this command of Bash, and for any \
                            other tool whatever its input; or rules in claude's own form, as in `suggestions`",
            "type": ["boolean", "array", "null"], "minItems": 1, "maxItems": 16, "items": { "type": "object" },
        },
    })
}
