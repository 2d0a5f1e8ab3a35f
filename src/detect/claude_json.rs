//! What claude's stream and its transcript have in common: ids, messages of the model, results of tools, tokens.
//!
//! It reads one JSON value and keeps nothing. Which line says what is not decided here.

use super::observation::{Call, Fact, Outcome, Return};
use crate::event::talk::{Meter, Role, Usage};
use serde_json::Value;

/// Longest id that is believed, bytes.
const MAX_ID: usize = 256;

/// Longest session id that is believed, bytes; claude's own have 36.
const MAX_SESSION_ID: usize = 128;

/// The model claude names where it speaks itself, as of an API error.
const SYNTHETIC: &str = "<synthetic>";

/// What claude writes where an answer is needed and there is none.
const NOTHING_SAID: &str = "No response requested.";

/// A session id that may become part of a path: letters, digits, `-` and `_`.
pub fn session_id(text: &str) -> Option<&str> {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!text.is_empty() && text.len() <= MAX_SESSION_ID && text.bytes().all(sane)).then_some(text)
}

/// The text of a field.
pub fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// The id in a field: a text that is neither empty nor endless.
pub fn id<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    text(value, field).filter(|id| !id.is_empty() && id.len() <= MAX_ID)
}

/// The content blocks of a message; none where its content is a plain text.
pub fn blocks(message: &Value) -> &[Value] {
    message.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of a message: its content where that is one, else its text blocks.
pub fn texts(message: &Value) -> Vec<&str> {
    match message.get("content") {
        Some(Value::String(whole)) => vec![whole],
        _ => blocks(message)
            .iter()
            .filter(|block| kind(block) == "text")
            .filter_map(|b| text(b, "text"))
            .collect(),
    }
}

/// What a message of the model says: who answered, texts, calls. `line` is the line's own id.
pub fn assistant(message: &Value, line: Option<&str>, mut found: impl FnMut(Fact)) {
    let model = text(message, "model").filter(|model| *model != SYNTHETIC);
    if let (Some(message_id), Some(model)) = (id(message, "id"), model) {
        found(Fact::Answered { message_id: message_id.into(), model: model.into() });
    }
    for text in texts(message).into_iter().filter(|text| !text.trim().is_empty() && *text != NOTHING_SAID) {
        found(Fact::Said { role: Role::Assistant, text: text.into(), message_id: line.map(Into::into) });
    }
    blocks(message).iter().filter_map(call).for_each(|call| found(Fact::Called(call)));
}

/// The results of tools in a user's message. `structured` is what stands beside the message; `refused` is claude's
/// word for the kind of refusal, where it has one.
pub fn results(
    message: &Value,
    structured: Option<&Value>,
    refused: Option<&str>,
    mut found: impl FnMut(Return),
) {
    for block in blocks(message).iter().filter(|block| kind(block) == "tool_result") {
        let Some(id) = id(block, "tool_use_id") else { continue };
        let outcome = match (block.get("is_error").and_then(Value::as_bool), refused) {
            (Some(true), Some("user-rejected")) => Outcome::Rejected,
            (Some(true), Some(_)) => Outcome::Denied,
            (Some(true), None) => error(block, structured),
            _ => ran(block, structured),
        };
        found(Return { id: id.into(), call: None, outcome, duration_ms: None });
    }
}

/// The tokens of a `usage` object.
pub fn usage(usage: &Value, measured_by: Meter) -> Option<Usage> {
    let count = |field| usage.get(field).and_then(Value::as_u64).unwrap_or(0);
    usage.is_object().then(|| Usage {
        model: None,
        input_tokens: count("input_tokens"),
        output_tokens: count("output_tokens"),
        cache_read_tokens: count("cache_read_input_tokens"),
        cache_creation_tokens: count("cache_creation_input_tokens"),
        cost_usd: None,
        measured_by,
    })
}

/// The model of a message; `None` where claude speaks itself.
pub fn model(message: &Value) -> Option<&str> {
    text(message, "model").filter(|model| *model != SYNTHETIC)
}

/// What became of a call that failed with this text. Only beginnings count: what a program printed may hold any text.
pub fn failure(said: &str) -> Outcome {
    let plain = said.trim().trim_start_matches("<tool_use_error>").trim_end_matches("</tool_use_error>");
    let bare = plain.strip_prefix("Error: ").unwrap_or(plain);
    if starts(bare, &REJECTIONS) {
        Outcome::Rejected
    } else if starts(bare, &DENIALS) || is_denial(bare) {
        Outcome::Denied
    } else if starts(bare, &["No such tool available"]) {
        Outcome::Unavailable
    } else {
        Outcome::Failed(plain.to_owned())
    }
}

/// Claude 2.1.197's own texts where a person said no.
const REJECTIONS: [&str; 4] = [
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected tool use",
    "[Request interrupted by user",
];

/// Its texts where a rule did, or where nobody could be asked.
const DENIALS: [&str; 6] = [
    "Claude requested permissions to",
    "Permission for this tool use was denied",
    "Permission for this action was denied",
    "Permission for this action has been denied",
    "File is in a directory that is denied by your permission settings",
    "This command requires approval",
];

fn starts(text: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| text.starts_with(beginning))
}

/// Denials whose text begins with what was denied.
fn is_denial(text: &str) -> bool {
    let Some(first) = text.lines().next() else { return false };
    (first.starts_with("Permission to ") && first.contains(" has been denied"))
        || (first.starts_with("Agent type '") && first.contains("' has been denied by permission rule"))
        || (first.starts_with("Permission rule '") && first.contains(" requires approval for this "))
}

fn error(block: &Value, structured: Option<&Value>) -> Outcome {
    let beside = structured.and_then(Value::as_str).unwrap_or_default();
    if beside == "User rejected tool use" {
        return Outcome::Rejected;
    }
    let said = texts(block).join("\n");
    failure(if said.is_empty() { beside } else { &said })
}

fn ran(block: &Value, structured: Option<&Value>) -> Outcome {
    let structured = structured.filter(|value| value.is_object());
    Outcome::Ran(structured.or_else(|| block.get("content")).cloned().unwrap_or_default())
}

fn call(block: &Value) -> Option<Call> {
    if kind(block) != "tool_use" {
        return None;
    }
    let input = block.get("input").cloned().unwrap_or_default();
    Some(Call { id: id(block, "id")?.into(), tool: id(block, "name")?.into(), input })
}

/// The `type` of a line or a block; empty where it has none.
pub fn kind(value: &Value) -> &str {
    text(value, "type").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_session_id_never_becomes_another_path() {
        assert_eq!(session_id("88888888-2222-4222-8222-222222222222").map(str::len), Some(36));
        for hostile in ["", "..", "../../x", "a/b", "a b", "a\0", "é", &"x".repeat(129)] {
            assert_eq!(session_id(hostile), None, "{hostile:?}");
        }
    }

    #[test]
    fn a_failure_is_known_by_the_beginning_of_its_text() {
        let rejected =
            "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if ..";
        let unavailable =
            "<tool_use_error>Error: No such tool available: X. X exists but is not enabled in this context.";
        for (text, outcome) in [
            (rejected, Outcome::Rejected),
            ("[Request interrupted by user for tool use]", Outcome::Rejected),
            (unavailable, Outcome::Unavailable),
            ("Claude requested permissions to write to /x, but you haven't granted it yet.", Outcome::Denied),
            (
                "Error: Claude requested permissions to use Bash, but you haven't granted it yet.",
                Outcome::Denied,
            ),
            ("Permission to use Bash with command rm x has been denied.", Outcome::Denied),
            ("Permission to read /x has been denied.", Outcome::Denied),
            (
                "Agent type 'qa' has been denied by permission rule 'Agent(qa)' from settings.",
                Outcome::Denied,
            ),
            (
                "Exit code 3\nPermission to use Bash has been denied",
                failed("Exit code 3\nPermission to use Bash has been denied"),
            ),
            ("<tool_use_error>InputValidationError: x</tool_use_error>", failed("InputValidationError: x")),
        ] {
            assert_eq!(failure(text), outcome, "{text}");
        }
    }

    fn failed(text: &str) -> Outcome {
        Outcome::Failed(text.into())
    }

    fn only_result(message: &Value, structured: Option<&Value>) -> Outcome {
        let mut outcomes = Vec::new();
        results(message, structured, None, |over| outcomes.push(over.outcome));
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    #[test]
    fn a_result_is_structured_where_it_can_be_and_else_what_the_model_read() {
        let block = |error: Value| json!({"content": [{"type": "tool_result", "tool_use_id": "t", "content": "text", "is_error": error}]});
        let structured = json!({"stdout": "x"});
        assert_eq!(only_result(&block(json!(false)), Some(&structured)), Outcome::Ran(structured));
        assert_eq!(only_result(&block(Value::Null), None), Outcome::Ran(json!("text")));
        assert_eq!(only_result(&block(json!(true)), Some(&json!("Error: text"))), failed("text"));
        assert_eq!(
            only_result(&block(json!(true)), Some(&json!("User rejected tool use"))),
            Outcome::Rejected
        );
    }

    #[test]
    fn a_message_of_the_model_tells_who_answers_what_is_said_and_what_is_called() {
        let message = json!({"id": "msg_1", "model": "m", "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
            {"type": "tool_use", "id": 5, "name": "Bash"},
        ]});
        let mut facts = Vec::new();
        assistant(&message, Some("line"), |fact| facts.push(fact));
        let call = Call { id: "toolu_1".into(), tool: "Bash".into(), input: json!({"command": "ls"}) };
        let said =
            Fact::Said { role: Role::Assistant, text: "Hello".into(), message_id: Some("line".into()) };
        let answered = Fact::Answered { message_id: "msg_1".into(), model: "m".into() };
        assert_eq!(facts, [answered, said, Fact::Called(call)]);
    }
}
