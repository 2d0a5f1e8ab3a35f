//! What clients send, as requirements R1 and R3 show it: byte for byte, to a running hub; the right answer comes, and
//! afterwards what was asked for is delivered, and nothing else.

use crate::blocks::{examples, objects};
use crate::scene::{NAME, Scene};
use crate::{place, scene};
use claude_mpm::event::Timestamp;
use serde_json::{Value, json};
use test_support::conversation::Conversation;
use test_support::schema;

/// The ids of events, in their order.
fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<&'a str> {
    events.into_iter().map(|event| event["id"].as_str().unwrap()).collect()
}

fn is_event(frame: &Value) -> bool {
    frame["seq"].is_u64()
}

fn is_of(event: &Value, types: &[&str]) -> bool {
    let kind = event["type"].as_str().unwrap();
    types
        .iter()
        .any(|wanted| wanted.strip_suffix('*').map_or(kind == *wanted, |start| kind.starts_with(start)))
}

#[test]
fn the_commands_of_the_design_are_answered_and_the_subscription_delivers_what_it_names() {
    let name = "1-websocket-api-design/09-client-commands.json";
    let ([subscribe, status, history], shown) = (&objects(name)[..], examples(name)) else {
        panic!("three commands")
    };
    shown.iter().for_each(|request| schema::check_request("classic", request));
    let place = place();
    let scene = Scene::start(&place, NAME, &[]);
    let everything = Conversation::open(&format!("{}/?channels=*&after=0", scene.url));
    let mut client = Conversation::open(&format!("{}/", scene.url));
    assert_eq!(client.greeting["type"], "system.status");
    let subscribed = client.ask(subscribe);
    assert_eq!(
        (&subscribed["type"], &subscribed["data"]["channels"]),
        (&json!("subscribed"), &shown[0]["channels"])
    );
    assert_eq!(client.ask(status)["type"], "system.status");
    assert_eq!(client.ask(history)["data"], json!({"events": [], "complete": true}));
    scene.go();
    let mut told = client.hear_until(|frame| frame["type"] == "todo.update");
    let past = client.ask(history);
    scene.end();
    told.extend(client.hear_out().0.into_iter().filter(is_event));
    let (log, _) = everything.hear_out();
    let wanted =
        log.iter().filter(|event| is_event(event) && is_of(event, &["claude.output", "agent.*", "todo.*"]));
    assert_eq!(ids(&told), ids(wanted), "what was subscribed to, all of it, and nothing else");
    assert_eq!(past["type"], "history");
    let delegations = log.iter().filter(|event| event["type"] == "agent.delegation");
    assert_eq!(ids(past["data"]["events"].as_array().unwrap()), ids(delegations));
}

#[test]
fn registering_with_a_session_delivers_that_session_and_global_all_of_them() {
    let name = "3-websocket-hooks-architecture/03-session-management.py";
    let register = objects(name).remove(0);
    let theirs = examples(name)[0]["session_id"].as_str().unwrap().to_owned();
    schema::check_request("classic", &examples(name)[0]);
    let place = place();
    let hub = place.serve(0);
    let publish = |session: &str, number: u32| {
        let event = json!({"event_type": "my.event", "source": "s", "session_id": session, "timestamp": 1,
            "payload": {"number": number}});
        assert_eq!(hub.post("/api/events", &event.to_string()).0, 202);
    };
    publish("another", 1);
    publish(&theirs, 2);
    let mut one = Conversation::open(&format!("{}/", hub.url()));
    let mut all = Conversation::open(&format!("{}/ws", hub.url()));
    assert_eq!(one.ask(&register)["type"], "registered");
    assert_eq!(all.ask(&register.replace(&theirs, "global"))["type"], "registered");
    publish("another", 3);
    publish(&theirs, 4);
    let numbers = |client: &mut Conversation| -> Vec<u64> {
        let frames = client.hear_until(|frame| frame["data"]["number"] == 4);
        frames.iter().filter_map(|frame| frame["data"]["number"].as_u64()).collect()
    };
    assert_eq!((numbers(&mut one), numbers(&mut all)), (vec![2, 4], vec![1, 2, 3, 4]));
    hub.stop();
}

#[test]
fn the_event_of_the_hooks_architecture_is_published_as_it_is_and_seen_in_every_dialect() {
    let name = "3-websocket-hooks-architecture/06-event-structure.json";
    let (frame, shown) = (objects(name).remove(0), examples(name).remove(0));
    schema::check_request("classic", &shown);
    let place = place();
    let hub = place.serve(0);
    let mut classic = Conversation::open(&format!("{}/?channels=hook.*", hub.url()));
    let mut envelope = Conversation::open(&format!("{}/events", hub.url()));
    let mut monitor = Conversation::open(&format!("{}/monitor?types=hook.*", hub.url()));
    let mut publisher = Conversation::open(&format!("{}/", hub.url()));
    let published = publisher.ask(&frame);
    assert_eq!(published["type"], "published");
    let is_it = |frame: &Value| frame["type"] == shown["type"];
    let (seen, watched) = (classic.hear_of(is_it), monitor.hear_of(is_it));
    let held =
        envelope.hear_of(|message| message["data"]["event_type"] == "UserPromptSubmit")["data"].clone();
    for place in ["type", "timestamp", "data"] {
        assert_eq!((&seen[place], &watched[place]), (&shown[place], &shown[place]), "{place}");
    }
    let time = Timestamp::parse(shown["timestamp"].as_str().unwrap()).unwrap();
    assert_eq!((&held["payload"], &held["timestamp"]), (&shown["data"], &json!(time.as_millis())));
    let session = &shown["data"]["session_id"];
    assert_eq!([&seen["session_id"], &held["session_id"], &watched["session_id"]], [session; 3]);
    assert_eq!((&watched["session"], &watched["window"]), (session, &json!(0)));
    assert_eq!([&held["id"], &watched["id"]], [&seen["id"]; 2]);
    hub.stop();
}

/// The flow of R3: claude's hook, its handler, the hub, every client.
#[test]
fn what_a_hook_handler_tells_reaches_every_client() {
    let told = scene::told();
    for (classic, envelope) in [("hook.pre_tool", "PreToolUse"), ("hook.stop", "Stop")] {
        let seen: Vec<_> = told.classic.iter().filter(|frame| frame["type"] == classic).collect();
        let held = told.hook_events().into_iter().filter(|event| event["event_type"] == envelope);
        let watched = told.monitor.iter().filter(|frame| frame["type"] == classic);
        assert!(!seen.is_empty(), "{classic}");
        assert_eq!(ids(seen.iter().copied()), ids(held));
        assert_eq!(ids(seen), ids(watched));
    }
}
