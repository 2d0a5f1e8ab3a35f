//! The envelope dialect (requirement R4): the four frames a hub sends, and what clients may send.

use super::book::{Book, choice, exactly, object, reference};
use super::drafts::drafts;
use super::kinds::{self, Kind};
use super::parts::{maybe_text, moment, names, number, patterns, request_id, text};
use super::replies;
use crate::dialect::Code;
use crate::event::body::Severity;
use crate::event::published::Origin;
use crate::event::surroundings::ComponentState;
use crate::event::work::FailureReason;
use crate::event::{Epoch, EventId, SCHEMA_VERSION, SessionId, channel};
use serde_json::{Map, Value, json};

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
    book.define("envelope/frame", choice("Anything the hub sends on the envelope dialect", "type", &cases, None));
    write_requests(book);
}

fn millis() -> Value {
    json!({ "description": "Unix milliseconds", "type": "integer", "minimum": 0 })
}

/// Replies are carried by these four messages too, and say here what they answer.
fn metadata(book: &mut Book) -> Value {
    let mut metadata = object(
        "When it was sent, and what it answers",
        json!({
            "server_time": millis(),
            "message_id": book.of::<EventId>(),
            "request_id?": replies::request_id(),
            "reply_to?": { "type": "string" },
        }),
    );
    metadata["additionalProperties"] = true.into();
    metadata
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
        ("seq".to_owned(), reference("Seq")),
        ("epoch".to_owned(), book.of::<Epoch>()),
    ]);
    let always = ["source_app?", "hook_event_type?", "summary?"];
    for (name, schema) in kinds::remarks(&book.of::<Origin>()) {
        let name = if always.contains(&name) { name.trim_end_matches('?') } else { name };
        fields.insert(name.to_owned(), schema);
    }
    let mut event = object("An event (requirement R4: HookEvent)", Value::Object(fields));
    let agent = agent(book);
    let agent = book.define("envelope/agent", agent);
    let tool = book.define("envelope/tool_use", tool_use());
    let mut rules: Vec<Value> = kinds.iter().filter(|kind| is_told(kind)).flat_map(rules_of).collect();
    for name in [channel::FLOW_AGENT_SPAWNED, channel::FLOW_AGENT_COMPLETED] {
        rules.push(rule(&exactly(name), Some(kinds::is_own()), &agent));
    }
    rules.push(rule(&json!({ "pattern": "^P(re|ost)ToolUse(Failure)?$" }), Some(kinds::is_own()), &tool));
    event["allOf"] = rules.into();
    event
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
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    object(
        "A delegation (requirement R4: AgentPayload)",
        json!({
            "agent_id": { "description": "Claude's id of the agent, else that of the delegation", "type": "string" },
            "agent_type": { "description": "Name of the agent", "type": "string" },
            "task?": text(),
            "status": { "enum": ["spawned", "running", "completed", "failed"] },
            "parent_agent?": maybe("string"),
            "result?": {},
            "agent?": text(),
            "delegation_id?": text(),
            "duration_ms?": maybe("integer"),
            "background?": { "type": "boolean" },
            "reason?": { "anyOf": [book.of::<FailureReason>(), { "type": "null" }] },
            "tokens?": maybe("integer"),
            "tool_uses?": maybe("integer"),
        }),
    )
}

/// R4's ToolUsePayload, beside the hook's other fields.
fn tool_use() -> Value {
    json!({
        "description": "Use of a tool (requirement R4: ToolUsePayload); the hook's other fields stand beside",
        "type": "object",
        "properties": {
            "tool_name": { "type": "string" },
            "tool_output": { "description": "The hook's tool_response" },
            "duration_ms": { "type": ["number", "null"], "minimum": 0 },
            "error": { "type": ["string", "null"] },
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
            "component": { "type": "string" },
            "severity": book.of::<Severity>(),
            "context?": {},
            "stack_trace?": { "type": "string" },
        }),
    )
}

fn write_requests(book: &mut Book) {
    let requests = [
        ("register", "register", "I am this component", object("Who it is", component())),
        ("subscribe", "subscribe", "Send me these events", filters()),
        ("unsubscribe", "unsubscribe", "No longer these", filters()),
        ("event", "publish", "These have happened", drafts()),
        ("auth", "auth", "This is my token", json!({ "type": "object" })),
        ("ping", "ping", "Are you there?", json!({ "type": ["object", "null"] })),
    ];
    let mut cases = Vec::new();
    for (word, name, description, data) in requests {
        let mut fields = json!({
            "type": exactly(word),
            "data?": data,
            "metadata?": { "type": ["object", "null"] },
            "request_id?": request_id(),
        });
        match word {
            "auth" => fields["token?"] = text("The token"),
            "subscribe" | "unsubscribe" => fields["filters?"] = filter(),
            _ => {}
        }
        let mut request = object(description, fields);
        if ["register", "event"].contains(&word) {
            request["required"] = json!(["type", "data"]);
        }
        cases.push((exactly(word), book.define(&format!("envelope/{name}"), request)));
    }
    let all = choice("Anything a client may send on the envelope dialect", "type", &cases, None);
    book.define("envelope/request", all);
}

fn component() -> Value {
    json!({
        "component": text("Its name, the `source` of its events"),
        "version?": maybe_text("Its version"),
        "capabilities?": names("What it can do"),
        "config?": { "description": "Its settings" },
    })
}

fn moment_or_millis() -> Value {
    json!({ "anyOf": [moment(), { "type": "number", "minimum": 0 }] })
}

fn filter() -> Value {
    json!({
        "description": "Which events",
        "type": ["object", "null"],
        "properties": {
            "event_types": patterns("Types or patterns; otherwise all"),
            "sources": names("Only of these sources"),
            "sessions": names("Only of these sessions"),
            "session_id": maybe_text("Only of this session"),
            "since": moment_or_millis(),
            "until": moment_or_millis(),
        },
    })
}

/// The filter itself, or in `filters`.
fn filters() -> Value {
    let mut filters = filter();
    filters["properties"]["filters"] = filter();
    filters["properties"]["replay"] = number("The last this many events first");
    filters
}
