//! Thresholds and their alerts at a real instance, and what becomes of its settings while it runs.

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use test_support::headless::Headless;
use test_support::standalone::Place;
use test_support::subscriber::{Received, Subscriber};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

/// The settings file of a place, in its folder.
fn settings(place: &Place) -> PathBuf {
    let file = place.path(".config/claude-mpm/config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    file
}

fn hub_levels(received: &Received) -> Vec<Value> {
    let alerts = received.of("resource.alert").into_iter().filter(|alert| alert["component"] == "hub");
    alerts.map(|alert| alert["alert_level"].clone()).collect()
}

/// Names of the settings that were told of as changed, each time.
fn changes(received: &Received) -> Vec<&Value> {
    received.of("config.changed").into_iter().map(|data| &data["changed"]).collect()
}

#[test]
fn a_threshold_that_is_crossed_and_changed_is_told_of() {
    let place = Place::new(WRAPPER);
    fs::write(settings(&place), "[alerts]\nhub_memory_mb = 1\nmemory_mb = 1\ncritical_memory_mb = 0\n")
        .expect("written");
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    let received = client.wait_for(|received| received.of("resource.alert").len() == 2);
    let alert = received.of("resource.alert").into_iter().find(|alert| alert["component"] == "claude");
    let alert = alert.expect("one of claude's");
    assert_eq!(alert["alert_level"], "warning");
    let message = alert["message"].as_str().expect("a sentence");
    assert!(message.starts_with("claude and what it started use "), "{message}");
    assert!(message.ends_with(" MiB of memory, more than 1 MiB"), "{message}");
    assert!(alert["metrics"]["memory_mb"].as_f64().expect("a number") > 1.0, "{alert}");
    assert_eq!(hub_levels(&received), ["warning"]);
    // As editors do it.
    let draft = settings(&place).with_extension("new");
    fs::write(&draft, "[alerts]\nhub_memory_mb = 1000\nmemory_mb = 1\ncritical_memory_mb = 0\n")
        .expect("written");
    fs::rename(draft, settings(&place)).expect("renamed");
    let received = client.wait_for(|received| hub_levels(received).len() == 2);
    assert_eq!(hub_levels(&received), ["warning", "info"]);
    assert_eq!(changes(&received), [&json!(["alerts.hub_memory_mb"])]);
    let changed = received.of("config.changed")[0];
    assert_eq!(changed["path"], settings(&place).to_str().expect("UTF-8"));
}

#[test]
fn settings_that_appear_break_and_vanish_are_followed() {
    let place = Place::new(WRAPPER);
    let live = Headless::start(&place);
    let client = Subscriber::connect(&live.url);
    fs::write(settings(&place), "[[ticket]]\npattern = 'opened (?<id>D\\d+)'\nsystem = 'desk'\n")
        .expect("written");
    client.wait_for(|received| changes(received) == [&json!(["ticket"])]);
    let faults = |received: &Received| -> Vec<Value> {
        let faults = received.of("system.error").into_iter().filter(|fault| fault["error_code"] == "CFG001");
        faults.cloned().collect()
    };
    fs::write(settings(&place), "[alerts]\nmemory_mb = 'much'\n").expect("written");
    let received = client.wait_for(|received| !faults(received).is_empty());
    let error = faults(&received)[0]["error"].as_str().expect("text").to_owned();
    assert!(error.starts_with("cannot change the settings: cannot understand "), "{error}");
    assert!(error.contains("2 | memory_mb = 'much'") && error.contains("expected u64"), "{error}");
    fs::write(settings(&place), "[[ticket]]\npattern = '('\nsystem = 'desk'\n").expect("written");
    let received = client.wait_for(|received| faults(received).len() == 2);
    let error = faults(&received)[1]["error"].as_str().expect("text").to_owned();
    assert!(error.contains("cannot use [[ticket]] in the configuration: "), "{error}");
    // What stood there last that was understood is what is gone.
    fs::remove_file(settings(&place)).expect("removed");
    let received = client.wait_for(|received| changes(received).len() == 2);
    assert_eq!(changes(&received)[1], &json!(["ticket"]));
    assert_eq!(faults(&received).len(), 2);
}

#[test]
fn a_hub_that_stands_alone_watches_itself_and_its_settings() {
    let place = Place::new(WRAPPER);
    fs::write(settings(&place), "[alerts]\nhub_memory_mb = 1\n").expect("written");
    let hub = place.serve(0);
    let client = Subscriber::connect(&hub.url());
    client.wait_for(|received| hub_levels(received) == ["warning"]);
    fs::remove_file(settings(&place)).expect("removed");
    let received = client.wait_for(|received| hub_levels(received) == ["warning", "info"]);
    assert_eq!(changes(&received), [&json!(["alerts.hub_memory_mb"])]);
    assert!(received.of("resource.alert").iter().all(|alert| alert["component"] == "hub"));
}
