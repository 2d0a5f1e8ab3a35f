//! One session of the real claude, seen by three clients at once, one of each dialect: the same facts, joined by their ids
//! and held against each other field by field.
//!
//! The classic frame is the measure. Every field it can have stands in `words` by name, and what another dialect calls
//! or adds stands there or here too, so that a fact in one dialect and not in another is a failure, whichever it is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod words;

use claude_mpm::event::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use test_support::catalogue;
use test_support::conversation::Conversation;
use test_support::instance::url_in;
use test_support::performance::Performance;
use test_support::stage::Stage;
use words::{CARRIED, ENVELOPE, HOOKS, MONITOR, TYPES};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 6] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess", "--name=web"];

/// What every scenario here brings about: each has a delegation with a tool call of its own.
const ALWAYS: &[&str] = &[
    "session.start",
    "session.end",
    "claude.status",
    "claude.activity",
    "claude.output",
    "claude.message",
    "agent.delegation",
    "agent.status",
    "usage.update",
    "hook.pre_tool",
    "hook.post_tool",
    "hook.user_prompt",
    "hook.subagent_stop",
    "hook.stop",
];

/// What stands in the frame beside the data, on all dialects alike.
const BESIDE: [&str; 5] = ["id", "seq", "epoch", "session_id", "source"];

/// What the three clients were sent, each event by its number.
struct Seen {
    classic: BTreeMap<u64, Value>,
    envelope: BTreeMap<u64, Value>,
    monitor: BTreeMap<u64, Value>,
}

impl Seen {
    /// Plays a scenario of one run; the clients are there before claude has said anything.
    fn of(scenario: &str) -> Self {
        let scenario = catalogue::named(scenario).unwrap();
        let [run] = &scenario.runs[..] else { panic!("one run") };
        let stage = Stage::set_held(&scenario);
        let runtime = tempfile::tempdir().unwrap();
        let mut command = stage.wrapped(run, WRAPPER, &OPTIONS);
        command.env("XDG_RUNTIME_DIR", runtime.path());
        let performance = Performance::start(&stage, run, command);
        let url = url_in(runtime.path());
        let follow = |path: &str| {
            let client = Conversation::open(&format!("{url}{path}"));
            thread::spawn(move || {
                let greeting = client.greeting.clone();
                let (rest, code) = client.hear_out();
                assert_eq!(code, 1000, "the session is over");
                [vec![greeting], rest].concat()
            })
        };
        let clients = ["/?channels=*&after=0", "/events?after=0", "/monitor?types=*&after=0"].map(follow);
        stage.api.release();
        performance.finish();
        let [classic, envelope, monitor] = clients.map(|client| client.join().unwrap());
        let messages = envelope.iter().inspect(|message| assert_wrapped(message));
        let events = messages.flat_map(|message| match &message["data"] {
            Value::Array(events) => events.clone(),
            event => vec![event.clone()],
        });
        Self { classic: by_number(classic), envelope: by_number(events), monitor: by_number(monitor) }
    }
}

/// Replies have no number; no event comes twice.
fn by_number(frames: impl IntoIterator<Item = Value>) -> BTreeMap<u64, Value> {
    let mut events = BTreeMap::new();
    for frame in frames {
        if let Some(seq) = frame["seq"].as_u64() {
            assert!(events.insert(seq, frame).is_none(), "{seq} came twice");
        }
    }
    events
}

/// A message about an event names it, and says when it was sent.
#[track_caller]
fn assert_wrapped(message: &Value) {
    assert!(message["metadata"]["server_time"].is_u64(), "{message}");
    if message["type"] == "event" {
        assert_eq!(message["metadata"]["message_id"], message["data"]["id"]);
        assert!(
            message["metadata"]["server_time"].as_u64() >= message["data"]["timestamp"].as_u64(),
            "{message}"
        );
    }
}

fn ids(events: &BTreeMap<u64, Value>) -> BTreeSet<&str> {
    events.values().map(|event| event["id"].as_str().unwrap()).collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The name of the type on the other two.
fn types(kind: &str, data: &Value) -> (String, String) {
    if let Some((_, envelope, monitor)) = TYPES.iter().find(|(classic, ..)| *classic == kind) {
        return ((*envelope).to_owned(), (*monitor).to_owned());
    }
    let envelope = match kind {
        "agent.delegation" if data["status"] == "started" => "flow.agent.spawned",
        "agent.delegation" => "flow.agent.completed",
        hook if hook.starts_with("hook.") => {
            let found = HOOKS.iter().find(|(classic, _)| *classic == hook);
            found.unwrap_or_else(|| panic!("{hook} is in no table")).1
        }
        other => other,
    };
    (envelope.to_owned(), kind.to_owned())
}

/// The classic data with the other dialect's names; a field that stands in no table is a failure.
#[track_caller]
fn renamed(kind: &str, data: &Value, names: &[(&str, &str, &str)]) -> Map<String, Value> {
    let known = CARRIED.iter().find(|(of, _)| *of == kind).map(|(_, fields)| *fields);
    assert!(known.is_some() || kind.starts_with("hook."), "{kind} is in no table: {data}");
    let carry = |(field, value): (&String, &Value)| {
        let is_known = known.is_none_or(|fields| fields.contains(&field.as_str()));
        assert!(is_known, "{field} of {kind} is in no table");
        let other = names.iter().find(|(of, classic, _)| *of == kind && *classic == field);
        (other.map_or(field.as_str(), |(.., name)| name).to_owned(), value.clone())
    };
    data.as_object().unwrap().iter().map(carry).collect()
}

/// The data as R4 has it: words of its own, nothing where nothing is known, and an id for every agent.
fn as_payload(kind: &str, data: &Value) -> Value {
    let mut payload = renamed(kind, data, &ENVELOPE);
    if kind == "agent.delegation" {
        if data["status"] == "started" {
            payload["status"] = json!("spawned");
        }
        if data["agent_id"].is_null() {
            payload["agent_id"] = data["delegation_id"].clone();
        }
        payload.retain(|name, value| name != "parent_agent" || !value.is_null());
    }
    Value::Object(payload)
}

#[track_caller]
fn assert_envelope(event: &Value, classic: &Value) {
    let (kind, data) = (text(classic, "type"), &classic["data"]);
    assert_eq!(event["event_type"], types(kind, data).0, "{classic}");
    assert_eq!(event["hook_event_type"], event["event_type"]);
    assert_eq!(event["payload"], as_payload(kind, data), "{classic}");
    let time = Timestamp::parse(text(classic, "timestamp")).unwrap();
    assert_eq!(event["timestamp"], time.as_millis(), "{classic}");
    let app = if kind.starts_with("hook.") { "claude-code" } else { "claude-mpm" };
    assert_eq!((&event["version"], &event["source_app"]), (&json!("1.0"), &json!(app)));
    assert!(!text(event, "summary").is_empty(), "{event}");
    let said = match kind {
        "claude.message" => json!([{"role": data["role"], "content": data["text"]}]),
        "hook.user_prompt" => json!([{"role": "user", "content": data["prompt"]}]),
        _ => Value::Null,
    };
    assert_eq!(event["chat"], said, "{event}");
}

/// What R5's `agent.status` says, folded from the classic events: of the process, of what it does, and of both.
#[derive(Default)]
struct Standing {
    process: Option<String>,
    activity: Option<String>,
    word: Option<&'static str>,
}

impl Standing {
    fn takes(&mut self, kind: &str, data: &Value) {
        if kind == "claude.status" {
            self.process = data["status"].as_str().map(str::to_owned);
        } else {
            assert_eq!(data["previous"].as_str(), self.activity.as_deref(), "told by the event before, too");
            self.activity = data["activity"].as_str().map(str::to_owned);
        }
        self.word = Some(match (self.process.as_deref(), self.activity.as_deref()) {
            (Some("stopped"), _) | (Some("starting"), None) => "offline",
            (Some("error"), _) => "error",
            (_, Some("busy")) => "busy",
            (_, Some("needs_permission" | "needs_input")) => "blocked",
            _ => "ready",
        });
    }
}

/// The data as R5 has it, with what it adds.
#[track_caller]
fn as_monitored(kind: &str, data: &Value, standing: &mut Standing) -> Value {
    let mut expected = renamed(kind, data, &MONITOR);
    let more = match kind {
        "session.start" => json!({"session": "web", "windows": 1, "path": data["working_directory"]}),
        "session.end" => json!({"session": "web"}),
        "claude.output" => json!({"severity": "info", "pane": "0"}),
        "claude.status" | "claude.activity" => {
            let previous = standing.word;
            standing.takes(kind, data);
            json!({"status": standing.word, "previous": previous, "agent_type": "CLAUDE_AGENT"})
        }
        _ => json!({}),
    };
    expected.extend(more.as_object().unwrap().clone());
    Value::Object(expected)
}

#[track_caller]
fn assert_monitored(frame: &Value, classic: &Value, standing: &mut Standing) {
    let (kind, data) = (text(classic, "type"), &classic["data"]);
    assert_eq!(frame["type"], types(kind, data).1, "{classic}");
    assert_eq!(frame["timestamp"], classic["timestamp"]);
    assert_eq!((&frame["session"], &frame["window"]), (&json!("web"), &json!(0)), "{frame}");
    let mut shown = frame["data"].clone();
    if kind == "claude.output" {
        // How grave a line is, is judged by its words.
        assert!(["info", "warning", "error"].contains(&text(&shown, "severity")), "{frame}");
        shown["severity"] = json!("info");
    }
    assert_eq!(shown, as_monitored(kind, data, standing), "{classic}");
}

/// The frame has these fields beside its data, and no others.
#[track_caller]
fn assert_fields(frame: &Value, own: &[&str]) {
    let fields: BTreeSet<&str> = frame.as_object().unwrap().keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = BESIDE.iter().chain(own).copied().collect();
    let unknown: Vec<_> = fields.difference(&known).filter(|name| **name != "chat").collect();
    assert!(unknown.is_empty() && known.is_subset(&fields), "{unknown:?}: {frame}");
}

/// The same facts in all three dialects, among them events of all these types.
#[track_caller]
fn assert_alike(scenario: &str, types: &[&str]) {
    let Seen { classic, envelope, monitor } = Seen::of(scenario);
    assert_eq!(ids(&classic), ids(&envelope));
    assert_eq!(ids(&classic), ids(&monitor));
    assert_eq!(ids(&classic).len() as u64, *classic.keys().next_back().unwrap(), "from the first event on");
    let mut standing = Standing::default();
    for (seq, event) in &classic {
        let (held, watched) = (&envelope[seq], &monitor[seq]);
        for field in BESIDE {
            assert_eq!([&held[field], &watched[field]], [&event[field]; 2], "{field} of {event}");
        }
        assert_envelope(held, event);
        assert_monitored(watched, event, &mut standing);
        assert_fields(event, &["type", "timestamp", "data"]);
        assert_fields(watched, &["type", "timestamp", "session", "window", "data"]);
        let own =
            ["timestamp", "event_type", "version", "source_app", "hook_event_type", "payload", "summary"];
        assert_fields(held, &own);
    }
    assert_eq!(standing.word, Some("offline"));
    let told: BTreeSet<&str> = classic.values().map(|event| text(event, "type")).collect();
    let missing: Vec<_> = [ALWAYS, types].concat().into_iter().filter(|kind| !told.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?} in {told:?}");
}

#[test]
fn one_session_of_the_real_claude_is_told_alike_in_all_three_dialects() {
    let types = ["todo.update", "ticket.created", "hook.task_created", "hook.post_tool_batch"];
    assert_alike("full", &types);
}

#[test]
fn a_dialog_on_a_terminal_is_told_alike_in_all_three_dialects() {
    assert_alike("dialog-in-agent", &["hook.permission_request"]);
}
