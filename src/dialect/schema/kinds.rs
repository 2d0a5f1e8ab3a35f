//! Every event type with the shape of its `data`: the same in all dialects, but where one says otherwise.

use super::book::{Book, exactly, written};
use crate::event::body::{Activity, Fault, Output, ProcessStatus, SessionEnd, SessionStart, Stats};
use crate::event::control::{ControlAction, PermissionRequested, PermissionResolved};
use crate::event::surroundings::{
    ClientConnected, ClientDisconnected, ComponentHealth, ComponentStarted, ComponentStopped, ConfigChanged,
    ResourceAlert,
};
use crate::event::talk::{Message, ModelSwitch, Usage};
use crate::event::work::{AgentStatus, Delegation, Ticket, TicketUpdate, TodoUpdate};
use crate::event::{Source, channel};
use schemars::JsonSchema;
use serde_json::{Value, json};

/// The name under which all hooks stand.
pub(super) const HOOKS: &str = "hook.*";
/// The name under which all types stand that only publishers have.
pub(super) const OTHER: &str = "other";

/// One event type.
#[derive(Debug)]
pub(super) struct Kind {
    /// Its name.
    pub(super) name: &'static str,
    /// Which texts name it.
    pub(super) test: Value,
    /// Its data where one of our own sources tells.
    pub(super) ours: Value,
    /// Its data where a publisher tells, if that may be another.
    pub(super) theirs: Option<Value>,
    /// What a publisher has to write, if that is not his to say.
    pub(super) written: Option<Value>,
}

/// Who gives the data of a type its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// We do, whoever publishes it.
    Ours,
    /// Its publisher does (requirement R4).
    Open,
}

/// All types, those of publishers alone last.
pub(super) fn write(book: &mut Book) -> Vec<Kind> {
    use Shape::{Open, Ours};
    let status = claude_status(book);
    let mut kinds = vec![
        kind::<SessionStart>(book, channel::SESSION_START, Ours),
        kind::<SessionEnd>(book, channel::SESSION_END, Ours),
        status,
        kind::<Activity>(book, channel::CLAUDE_ACTIVITY, Ours),
        output(book),
        kind::<Message>(book, channel::CLAUDE_MESSAGE, Ours),
        kind::<Delegation>(book, channel::AGENT_DELEGATION, Ours),
        kind::<AgentStatus>(book, channel::AGENT_STATUS, Ours),
        kind::<TodoUpdate>(book, channel::TODO_UPDATE, Ours),
        kind::<Ticket>(book, channel::TICKET_CREATED, Ours),
        kind::<TicketUpdate>(book, channel::TICKET_UPDATED, Ours),
        kind::<Usage>(book, channel::USAGE_UPDATE, Ours),
        kind::<ModelSwitch>(book, channel::ROUTER_MODEL_SWITCH, Open),
        kind::<PermissionRequested>(book, channel::PERMISSION_REQUESTED, Ours),
        kind::<PermissionResolved>(book, channel::PERMISSION_RESOLVED, Ours),
        kind::<ControlAction>(book, channel::CONTROL_ACTION, Ours),
        kind::<Stats>(book, channel::SYSTEM_STATS, Ours),
        kind::<Fault>(book, channel::SYSTEM_ERROR, Ours),
        kind::<ComponentStarted>(book, channel::COMPONENT_STARTED, Ours),
        kind::<ComponentStopped>(book, channel::COMPONENT_STOPPED, Open),
        kind::<ComponentHealth>(book, channel::COMPONENT_HEALTH, Open),
        kind::<ClientConnected>(book, channel::WS_CONNECTED, Open),
        kind::<ClientDisconnected>(book, channel::WS_DISCONNECTED, Open),
        kind::<ConfigChanged>(book, channel::CONFIG_CHANGED, Open),
        kind::<ResourceAlert>(book, channel::RESOURCE_ALERT, Open),
    ];
    kinds.push(hooks(book));
    kinds
}

fn kind<T: JsonSchema>(book: &mut Book, name: &'static str, shape: Shape) -> Kind {
    let data = book.of::<T>();
    let ours = book.define(name, data);
    let theirs = (shape == Shape::Open).then(anything);
    Kind { name, test: exactly(name), ours, theirs, written: to_write::<T>(book, name) }
}

/// What may be left out is filled in, so that more is taken than is sent.
fn to_write<T: JsonSchema>(book: &mut Book, name: &str) -> Option<Value> {
    channel::is_ours(name).then(|| book.define(&format!("draft/{name}"), written::<T>()))
}

/// Ours says how claude ended exactly when it has; a publisher may leave that out.
fn claude_status(book: &mut Book) -> Kind {
    let name = channel::CLAUDE_STATUS;
    let any = book.of::<ProcessStatus>();
    let ours = book.define(
        name,
        json!({
            "description": "State of claude's process; `exit_code` and `signal` are there once it has ended",
            "allOf": [any],
            "if": { "properties": { "status": { "enum": ["stopped", "error"] } } },
            "then": { "required": ["exit_code", "signal"] },
            "else": { "properties": { "exit_code": false, "signal": false } },
        }),
    );
    let written = to_write::<ProcessStatus>(book, name);
    Kind { name, test: exactly(name), ours, theirs: Some(any), written }
}

/// Lines that a client got together because of its `max_rate` say so.
fn output(book: &mut Book) -> Kind {
    let name = channel::CLAUDE_OUTPUT;
    let mut data = book.definition_of::<Output>();
    data["properties"]["coalesced"] = coalesced();
    let ours = book.define(name, data);
    Kind { name, test: exactly(name), ours, theirs: None, written: to_write::<Output>(book, name) }
}

/// How many lines stand in `content`.
pub(super) fn coalesced() -> Value {
    let description = "So many lines are in `content`, divided by ends of lines, because of `max_rate`";
    json!({ "description": description, "type": "integer", "minimum": 2 })
}

fn hooks(book: &mut Book) -> Kind {
    let data = json!({
        "description": "A hook of claude: its own fields; `truncated` names those that were cut",
        "type": "object",
        "properties": { "truncated": { "type": "array", "items": { "type": "string" } } },
    });
    let ours = book.define(HOOKS, data);
    let test = json!({ "pattern": "^hook\\." });
    Kind { name: HOOKS, test, ours, theirs: Some(anything()), written: None }
}

/// Whatever its publisher says.
pub(super) fn anything() -> Value {
    json!({ "type": "object" })
}

/// Whether `source` is one of our own.
pub(super) fn is_own() -> Value {
    let own = Source::OWN.map(|source| source.as_str().to_owned());
    json!({ "properties": { "source": { "enum": own } }, "required": ["source"] })
}

/// Adds to the schema of a frame what its `field` holds, which depends on who tells.
pub(super) fn hold(frame: &mut Value, field: &str, ours: &Value, theirs: Option<&Value>) {
    match theirs {
        None => frame["properties"][field] = ours.clone(),
        Some(theirs) => {
            frame["if"] = is_own();
            frame["then"] = json!({ "properties": { field: ours } });
            frame["else"] = json!({ "properties": { field: theirs } });
        }
    }
}

/// The definitions that frames of all dialects name.
pub(super) fn write_names(book: &mut Book) {
    let name = "[A-Za-z0-9_:-]+";
    book.define(
        "Type",
        json!({
            "description": "An event type",
            "type": "string",
            "maxLength": 256,
            "pattern": format!("^{name}(\\.{name})*$"),
        }),
    );
    book.define(
        "Pattern",
        json!({
            "description": "An event type; or all below a name, `agent.*`; or everything, `*`",
            "type": "string",
            "maxLength": 256,
            "pattern": format!("^(\\*|{name}(\\.{name})*(\\.\\*)?)$"),
        }),
    );
    book.define(
        "SourceName",
        json!({
            "description": "Who tells: supervisor, screen, hook, stream, transcript or system, or a publisher's own name",
            "type": "string",
            "minLength": 1,
        }),
    );
    book.define(
        "Seq",
        json!({
            "description": "Number in the log; rises by exactly one",
            "type": "integer",
            "minimum": 1,
        }),
    );
}

/// The optional members of an event, in every dialect's frame.
pub(super) fn remarks(origin: &Value) -> [(&'static str, Value); 5] {
    let text = |description: &str| json!({ "description": description, "type": "string" });
    let chat = json!({ "description": "The conversation it belongs to, as it came", "type": "array" });
    [
        ("source_app?", text("The application that speaks through the source")),
        ("hook_event_type?", text("The hook it is about, where that is not its type")),
        ("summary?", text("One sentence for people")),
        ("chat?", chat),
        ("origin?", origin.clone()),
    ]
}
