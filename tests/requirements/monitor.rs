//! Requirement R5: its events out of a real session, and its requests, byte for byte at the path it names.

use crate::blocks::{block, examples, objects};
use crate::place;
use crate::scene::{NAME, Scene, told};
use crate::shown::assert_shown;
use serde_json::{Value, json};
use test_support::conversation::Conversation;
use test_support::schema;
use test_support::standalone::{Place, named};

#[test]
fn the_events_of_the_monitoring_design_are_sent_as_it_shows_them() {
    let shown = examples("5-real-time-monitoring/02-event-types.js");
    let kinds: Vec<&Value> = shown.iter().map(|example| &example["type"]).collect();
    assert_eq!(kinds, ["agent.status", "pane.output", "session.created"]);
    for example in &shown {
        let alike: Vec<&Value> =
            told().monitor.iter().filter(|frame| frame["type"] == example["type"]).collect();
        assert_shown(example, &alike);
    }
    let like = |example: &Value, places: &[&str]| {
        let has = |frame: &&Value| places.iter().all(|place| frame.pointer(place) == example.pointer(place));
        told().monitor.iter().any(|frame| has(&frame))
    };
    assert!(like(
        &shown[0],
        &["/type", "/session", "/window", "/data/status", "/data/previous", "/data/agent_type"]
    ));
    assert!(like(&shown[1], &["/type", "/data/content", "/data/severity"]));
}

/// The token of the hub's run; the document leaves open where one comes from.
fn token(place: &Place) -> String {
    let file = named(&place.path("run/claude-mpm"), ".token").pop().expect("a hub has a token");
    std::fs::read_to_string(file).expect("a token").trim().to_owned()
}

fn kinds(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter(|frame| frame["seq"].is_u64()).map(|frame| frame["type"].as_str().unwrap()).collect()
}

#[test]
fn the_requests_of_the_monitoring_design_select_what_they_name() {
    let name = "5-real-time-monitoring/03-endpoints.js";
    let text = block(name);
    let url = text.lines().find(|line| line.starts_with("ws://")).unwrap();
    let path = url.strip_prefix("ws://localhost:8765").unwrap();
    let [auth, subscribe, unsubscribe] = &objects(name)[..] else { panic!("three requests") };
    examples(name).iter().for_each(|request| schema::check_request("monitor", request));
    let place = place();
    let hub = place.serve(0);
    // Before there are instances with tokens of their own.
    let auth = auth.replace("your-auth-token", &token(&place));
    let told_to = ["--hub", &hub.url()].map(str::to_owned);
    let options = told_to.each_ref().map(String::as_str);
    let (wanted, other) = (Scene::start(&place, NAME, &options), Scene::start(&place, "frontend", &options));
    let mut client = Conversation::open(&format!("{}{path}", hub.url()));
    assert_eq!(client.greeting["schema_version"], "1.0");
    assert_eq!(client.ask(&auth)["type"], "authenticated");
    let subscribed = client.ask(subscribe);
    assert_eq!(
        (&subscribed["type"], &subscribed["data"]["types"]),
        (&json!("subscribed"), &examples(name)[1]["filters"]["types"])
    );
    other.go();
    other.end();
    wanted.go();
    let is_ready = |frame: &Value| frame["data"]["status"] == "ready" && frame["data"]["activity"] == "idle";
    let mut frames = client.hear_until(is_ready);
    frames.extend(client.hear_until(is_ready));
    let unsubscribed = client.ask(unsubscribe);
    assert_eq!(
        (&unsubscribed["type"], &unsubscribed["data"]["types"]),
        (&json!("unsubscribed"), &json!(["agent.status"]))
    );
    assert!(frames.iter().all(|frame| frame["session"] == NAME), "{frames:#?}");
    let both = kinds(&frames);
    assert!(
        both.contains(&"pane.output")
            && both.iter().all(|kind| ["agent.status", "pane.output"].contains(kind))
    );
    wanted.end();
    frames = client.hear_until(|frame| frame["data"]["status"] == "offline");
    assert!(kinds(&frames).iter().all(|kind| *kind == "agent.status"), "{frames:#?}");
    hub.stop();
}
