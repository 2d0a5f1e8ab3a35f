//! The four frames of the envelope dialect (requirement R4), and the events in them.

use super::book::{Book, choice, exactly, object, reference, several};
use super::kinds::{self, Kind};
use super::{envelope_requests, replies};
use crate::dialect::Code;
use crate::event::body::Severity;
use crate::event::published::Origin;
use crate::event::surroundings::ComponentState;
use crate::event::work::FailureReason;
use crate::event::{Epoch, EventId, SCHEMA_VERSION, SessionId, channel};
use serde_json::{Map, Value, json};

/// Requests that are answered; what belongs to no request says nothing.
const ANSWERED: [&str; 8] =
    ["get_status", "subscribe", "unsubscribe", "register", "get_history", "ping", "auth", "event"];

/// Enters the frames, the requests, and what unites them.
pub(super) fn write(book: &mut Book, kinds: &[Kind]) {
    let hook_event = hook_event(book, kinds);
    let event = book.define("envelope/hook_event", hook_event);
    let frames = [
        ("initial", json!({ "description": "Oldest first", "type": "array", "items": event })),
        ("event", event),
        ("heartbeat", heartbeat(book)),
        ("error", error(book)),
    ];
    let mut cases = Vec::new();
    for (name, data) in frames {
        let fields = json!({ "type": exactly(name), "data": data, "metadata": metadata(book) });
        let frame = object(&format!("The message `{name}`"), fields);
        cases.push((exactly(name), book.define(&format!("envelope/{name}"), frame)));
    }
    book.define(
        "envelope/frame",
        choice("Anything the hub sends on the envelope dialect", "type", &cases, None),
    );
    book.define("envelope/batch", several("envelope/event"));
    envelope_requests::write(book);
}

fn millis() -> Value {
    json!({ "description": "Unix milliseconds", "type": "integer", "minimum": 0 })
}

/// Replies are carried by these four messages too, and say here what they answer.
fn metadata(book: &mut Book) -> Value {
    object(
        "When it was sent, what it answers, and what R4 has no place for",
        json!({
            "server_time": millis(),
            "message_id": book.of::<EventId>(),
            "reply_to?": { "description": "The type of the request", "enum": ANSWERED },
            "request_id?": replies::request_id(),
            "channels?": replies::patterns(),
            "cursor?": replies::cursor(book),
            "complete?": { "description": "Nothing that was asked for is missing", "type": "boolean" },
            "component?": { "description": "The client is this component from now on", "type": "string" },
            "role?": replies::role(),
            "seqs?": replies::seqs(),
        }),
    )
}

/// R4's HookEvent, with our additions.
fn hook_event(book: &mut Book, kinds: &[Kind]) -> Value {
    let mut fields = Map::from_iter([
        ("id".to_owned(), book.of::<EventId>()),
        ("timestamp".to_owned(), millis()),
        ("source".to_owned(), reference("SourceName")),
        ("session_id".to_owned(), book.of::<SessionId>()),
        ("event_type".to_owned(), reference("Type")),
        ("version".to_owned(), exactly(SCHEMA_VERSION)),
        ("payload".to_owned(), kinds::anything()),
        ("seq?".to_owned(), reference("Seq")),
        ("epoch".to_owned(), book.of::<Epoch>()),
    ]);
    let always = ["source_app?", "hook_event_type?", "summary?"];
    for (name, schema) in kinds::remarks(&book.of::<Origin>()) {
        let name = if always.contains(&name) { name.trim_end_matches('?') } else { name };
        fields.insert(name.to_owned(), schema);
    }
    let mut event = object("An event (requirement R4: HookEvent)", Value::Object(fields));
    let tool = book.define("envelope/tool_use", tool_use());
    let agent = agent(book);
    let agent = book.define("envelope/agent", agent);
    let mut rules: Vec<Value> = kinds.iter().filter(|kind| is_told(kind)).flat_map(rules_of).collect();
    for name in [channel::FLOW_AGENT_SPAWNED, channel::FLOW_AGENT_COMPLETED] {
        rules.push(rule(&exactly(name), Some(kinds::is_own()), &agent));
    }
    rules.push(rule(&json!({ "pattern": "^P(re|ost)ToolUse(Failure)?$" }), Some(kinds::is_own()), &tool));
    rules.push(numbered(channel::SYSTEM_STATUS));
    event["allOf"] = rules.into();
    event
}

/// What is true now is shown as an event that stands in no log; all others have a number.
fn numbered(status: &str) -> Value {
    json!({
        "if": { "properties": { "event_type": exactly(status) } },
        "then": { "properties": { "payload": reference(status), "seq": false } },
        "else": { "required": ["seq"] },
    })
}

/// Delegations and hooks have other names here.
fn is_told(kind: &Kind) -> bool {
    ![channel::AGENT_DELEGATION, kinds::HOOKS].contains(&kind.name)
}

fn rules_of(kind: &Kind) -> Vec<Value> {
    match &kind.theirs {
        None => vec![rule(&kind.test, None, &kind.ours)],
        Some(theirs) => {
            let others = json!({ "not": kinds::is_own() });
            vec![rule(&kind.test, Some(kinds::is_own()), &kind.ours), rule(&kind.test, Some(others), theirs)]
        }
    }
}

/// The payload of events of this type, where the condition holds.
fn rule(test: &Value, condition: Option<Value>, payload: &Value) -> Value {
    let named = json!({ "properties": { "event_type": test } });
    let holds = match condition {
        None => named,
        Some(condition) => json!({ "allOf": [named, condition] }),
    };
    json!({ "if": holds, "then": { "properties": { "payload": payload } } })
}

/// R4's AgentPayload; what else is known of a delegation stands beside.
fn agent(book: &mut Book) -> Value {
    let text = || json!({ "type": "string" });
    let count = || json!({ "type": ["integer", "null"], "minimum": 0 });
    object(
        "A delegation (requirement R4: AgentPayload)",
        json!({
            "agent_id": { "description": "Claude's id of the agent, else that of the delegation", "type": "string" },
            "agent_type": { "description": "Name of the agent", "type": "string" },
            "task": text(),
            "status": { "enum": ["spawned", "completed", "failed"] },
            "parent_agent?": text(),
            "delegation_id": text(),
            "duration_ms": count(),
            "background": { "type": "boolean" },
            "reason": { "anyOf": [book.of::<FailureReason>(), { "type": "null" }] },
            "tokens": count(),
            "tool_uses": count(),
        }),
    )
}

/// R4's ToolUsePayload, beside the hook's other fields: what claude says, as it says it.
fn tool_use() -> Value {
    json!({
        "description": "Use of a tool (requirement R4: ToolUsePayload); the hook's other fields stand beside",
        "type": "object",
        "properties": {
            "tool_name": { "description": "Claude's name of the tool" },
            "tool_input": { "description": "What the tool is given" },
            "tool_output": { "description": "The hook's tool_response" },
            "tool_response": false,
            "duration_ms": { "description": "How long it took, milliseconds" },
            "error": { "description": "Why it failed" },
        },
    })
}

fn heartbeat(book: &mut Book) -> Value {
    object(
        "How everybody is doing",
        json!({
            "components": {
                "description": "By name", "type": "object", "additionalProperties": book.of::<ComponentState>(),
            },
            "timestamp": millis(),
            "next_check": millis(),
        }),
    )
}

fn error(book: &mut Book) -> Value {
    object(
        "A request that is not done (requirement R4: ErrorData)",
        json!({
            "error_code": { "enum": Code::ALL.map(Code::as_str) },
            "error_message": { "type": "string" },
            "component": exactly("server"),
            "severity": book.of::<Severity>(),
            "context?": { "description": "Which numbers were missed, or where the log stands", "type": "object" },
        }),
    )
}
