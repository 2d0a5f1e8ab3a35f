//! What the server sends, as requirements R1, R2 and R3 show it: the events of a real session, field by field.

use crate::blocks::{block, examples, objects};
use crate::scene::told;
use crate::shown::assert_shown;
use serde_json::Value;

/// Every event of a session that is of the type of an example has all that the example shows.
#[track_caller]
fn are_sent(name: &str) {
    for example in examples(name) {
        let alike: Vec<&Value> =
            told().classic.iter().filter(|frame| frame["type"] == example["type"]).collect();
        assert_shown(&example, &alike);
    }
}

/// Some frame has these values, as an example shows them.
#[track_caller]
fn is_sent_exactly(kind: &str, shown: &[(&str, Value)]) {
    let of_kind: Vec<&Value> = told().classic.iter().filter(|frame| frame["type"] == kind).collect();
    let has_all = |frame: &&&Value| shown.iter().all(|(place, value)| frame.pointer(place) == Some(value));
    assert!(of_kind.iter().any(|frame| has_all(&frame)), "{shown:?} in {of_kind:#?}");
}

/// The values at these places of an example.
fn values(example: &Value, places: &[&'static str]) -> Vec<(&'static str, Value)> {
    places.iter().map(|place| (*place, example.pointer(place).unwrap().clone())).collect()
}

#[test]
fn every_message_has_a_type_a_timestamp_and_data() {
    let shown = block("1-websocket-api-design/02-message-format.json").replace("{ ... }", "{}");
    let mut example: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(example["data"], serde_json::json!({}));
    for frame in &told().classic {
        example["type"] = frame["type"].clone();
        assert_shown(&example, &[frame]);
        assert!(frame["data"].is_object(), "{frame}");
    }
}

#[test]
fn a_session_begins_and_ends_as_the_design_shows() {
    are_sent("1-websocket-api-design/03-session-events.json");
}

#[test]
fn the_process_and_its_output_are_told_as_the_design_shows() {
    let name = "1-websocket-api-design/04-claude-process-events.json";
    are_sent(name);
    let [status, output] = &examples(name)[..] else { panic!("two examples") };
    is_sent_exactly("claude.status", &values(status, &["/data/message"]));
    is_sent_exactly("claude.output", &values(output, &["/data/content"]));
    let streams: Vec<&str> =
        told().classic.iter().filter_map(|frame| frame["data"]["stream"].as_str()).collect();
    assert!(streams.contains(&"stdout") && streams.contains(&"stderr"), "{streams:?}");
}

#[test]
fn agents_are_told_as_the_design_shows() {
    let name = "1-websocket-api-design/05-agent-events.json";
    are_sent(name);
    let [delegation, _] = &examples(name)[..] else { panic!("two examples") };
    let said = values(delegation, &["/data/agent", "/data/task", "/data/duration_ms"]);
    is_sent_exactly("agent.delegation", &said);
    for status in delegation["data"]["status"].as_str().unwrap().split('|') {
        is_sent_exactly("agent.delegation", &[("/data/status", status.into())]);
    }
}

#[test]
fn todos_are_told_as_the_design_shows() {
    let name = "1-websocket-api-design/06-todo-events.json";
    are_sent(name);
    let places = ["id", "content", "status", "priority"].map(|field| format!("/data/todos/0/{field}"));
    let example = &examples(name)[0];
    let shown = places.iter().map(|place| (place.as_str(), example.pointer(place).unwrap().clone()));
    is_sent_exactly("todo.update", &shown.collect::<Vec<_>>());
}

#[test]
fn tickets_are_told_as_the_design_shows() {
    let name = "1-websocket-api-design/07-ticket-events.json";
    are_sent(name);
    let places = ["/data/id", "/data/title", "/data/priority", "/data/assigned_to"];
    is_sent_exactly("ticket.created", &values(&examples(name)[0], &places));
}

#[test]
fn statistics_and_faults_are_told_as_the_design_shows() {
    are_sent("1-websocket-api-design/08-system-events.json");
}

#[test]
fn a_session_names_its_instance_as_the_guide_shows() {
    let name = "2-websocket-api-guide/08-instance-identification.json";
    are_sent(name);
    assert_eq!(objects(name).len(), 1);
    let start = &told().classic.iter().find(|frame| frame["type"] == "session.start").unwrap()["data"];
    assert_eq!(start["websocket_port"], start["instance_info"]["port"]);
    assert_eq!(start["working_directory"], start["instance_info"]["working_dir"]);
}

/// R3's event is what claude's hook says of a prompt, in the frame that is sent of it.
#[test]
fn a_prompt_is_told_as_the_hooks_architecture_shows() {
    let name = "3-websocket-hooks-architecture/06-event-structure.json";
    are_sent(name);
    is_sent_exactly("hook.user_prompt", &values(&examples(name)[0], &["/data/prompt", "/data/cwd"]));
}
