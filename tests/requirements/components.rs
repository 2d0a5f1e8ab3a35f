//! The communication patterns of requirement R4: a component registers, events are broadcast, health is told.

use crate::blocks::{examples, objects};
use crate::place;
use crate::shown::assert_shown;
use serde_json::{Value, json};
use test_support::conversation::Conversation;
use test_support::schema;

/// Everything the example shows stands there, unchanged.
#[track_caller]
fn assert_same(shown: &Value, sent: &Value) {
    for (name, value) in shown.as_object().unwrap() {
        match value {
            Value::Object(_) => assert_same(value, &sent[name]),
            value => assert_eq!(&sent[name], value, "{name} in {sent}"),
        }
    }
}

/// Sends the example to a hub; everything it shows comes back on this dialect, and it is seen on the others.
#[track_caller]
fn is_broadcast(name: &str, classic_type: &str) {
    let (message, shown) = (objects(name).remove(0), examples(name).remove(0));
    schema::check_request("envelope", &shown);
    let place = place();
    let hub = place.serve(0);
    let mut classic = Conversation::open(&format!("{}/?channels=*", hub.url()));
    let mut monitor = Conversation::open(&format!("{}/monitor?types=*", hub.url()));
    let mut other = Conversation::open(&format!("{}/events", hub.url()));
    let mut publisher = Conversation::open(&format!("{}/events", hub.url()));
    publisher.say(&message);
    let is_it = |sent: &Value| sent["type"] == "event" && sent["data"]["source"] == shown["data"]["source"];
    let (back, heard) = (publisher.hear_of(is_it), other.hear_of(is_it));
    assert_same(&shown, &back);
    assert_eq!(back["data"], heard["data"]);
    let seen = classic.hear_of(|frame| frame["type"] == classic_type);
    let watched = monitor.hear_of(|frame| frame["type"] == classic_type);
    assert_same(&shown["data"]["payload"], &seen["data"]);
    assert_same(&shown["data"]["payload"], &watched["data"]);
    assert_eq!([&seen["id"], &watched["id"]], [&back["data"]["id"]; 2]);
    hub.stop();
}

#[test]
fn a_component_registers_with_the_event_the_schema_shows() {
    is_broadcast("4-event-schema/10-component-registration.json", "component.started");
}

#[test]
fn an_event_is_broadcast_as_the_schema_shows() {
    is_broadcast("4-event-schema/11-event-broadcasting.json", "hook.pre_tool");
}

#[test]
fn a_heartbeat_names_every_component_and_when_the_next_comes() {
    let shown = examples("4-event-schema/12-health-monitoring.json").remove(0);
    let place = place();
    let hub = place.serve(0);
    let mut connected = Vec::new();
    for (name, health) in shown["data"]["components"].as_object().unwrap() {
        let mut client = Conversation::open(&format!("{}/events", hub.url()));
        client.say(&json!({"type": "register", "data": {"component": name}}).to_string());
        client.hear_of(|message| message["metadata"]["reply_to"] == "register");
        let event = json!({"event_type": "component.health", "source": name, "timestamp": 1706181600000_u64,
            "payload": {"component": name, "status": health, "since": "2024-01-25T12:00:00.000Z"}});
        client.say(&json!({"type": "event", "data": event}).to_string());
        client.hear_of(|message| message["metadata"]["reply_to"] == "event");
        connected.push(client);
    }
    let client = connected.last_mut().unwrap();
    client.say(r#"{"type":"ping"}"#);
    let beat = client.hear_of(|message| message["metadata"]["reply_to"] == "ping");
    assert_shown(&shown, &[&beat]);
    assert_same(&shown["data"]["components"], &beat["data"]["components"]);
    let until_next = |beat: &Value| {
        beat["data"]["next_check"].as_u64().unwrap() - beat["data"]["timestamp"].as_u64().unwrap()
    };
    assert_eq!(until_next(&beat), until_next(&shown));
    hub.stop();
}
