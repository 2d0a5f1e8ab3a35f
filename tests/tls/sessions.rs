//! A session over TLS in both launch methods: what it is told, and that it is told to another hub over TLS.

use crate::WRAPPER;
use crate::speaker::{Hub, get, place, run};
use serde_json::Value;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::processes::Process;
use test_support::standalone::Place;

/// Says where its hub is, and stands until somebody opens the FIFO.
const STANDS: &str = "echo \"$CLAUDE_MPM_URL\"; : <\"$HOME/go\"";

fn session(place: &Place, method: &str, options: &[&str]) -> Command {
    nix::unistd::mkfifo(&place.path("go"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let run = ["--websocket-port", "auto", "--launch-method", method, "-n", "web", "--claude", "sh"];
    place.command(&[&run[..], options, &["--", "-c", STANDS]].concat())
}

/// Lets it end, and waits for that.
#[track_caller]
fn release(place: &Place, hub: Hub) {
    fs::write(place.path("go"), "").expect("it stands there");
    let (status, _, err) = hub.program.finish();
    assert!(status.success(), "{err:?}");
}

#[track_caller]
fn eventually<T>(seen: impl Fn() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = seen() {
            return found;
        }
        assert!(Instant::now() < until, "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The events of a hub, as it answers over TLS.
fn history(place: &Place, hub: &Hub) -> Vec<Value> {
    let pin = ["--url", &hub.url(), "--tls-fingerprint", &hub.certificate];
    let (status, out, err) = run(place, &[&["history", "-o", "json"], &pin[..]].concat());
    assert_eq!(status, Some(0), "{err}");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_session_says_in_both_launch_methods_that_its_hub_speaks_tls() {
    for method in ["exec", "subprocess"] {
        let place = place();
        let hub = Hub::started(session(&place, method, &["--tls", "auto"]));
        assert_eq!(hub.program.wait_out(|line| line.starts_with("ws")), hub.url());
        let start =
            eventually(|| history(&place, &hub).into_iter().find(|event| event["type"] == "session.start"));
        assert_eq!(start["data"]["instance_info"]["certificate"], hub.certificate.as_str());
        let records = hub.get("/api/instances", "");
        assert!(records.contains(&format!(r#""certificate":"{}""#, hub.certificate)), "{records}");
        let listed = run(&place, &["list", "-o", "json"]).1;
        assert!(listed.contains(&hub.certificate), "{listed}");
        release(&place, hub);
    }
}

#[test]
fn the_last_word_of_one_that_was_killed_is_said_over_tls_too() {
    let place = place();
    let hub = Hub::started(session(&place, "subprocess", &["--tls", "auto"]));
    hub.program.wait_out(|line| line.starts_with("wss://"));
    assert!(Process::of(hub.program.pid()).signal(nix::libc::SIGKILL));
    let answer = hub.get("/api/history", "");
    assert!(answer.contains(r#""type":"session.end""#), "{answer}");
    assert!(!hub.program.finish().0.success());
}

#[test]
fn a_companion_that_goes_on_for_another_shows_the_same_certificate() {
    let place = place();
    let hub = Hub::started(session(&place, "exec", &["--tls", "auto"]));
    hub.program.wait_out(|line| line.starts_with("wss://"));
    let mark = format!("XDG_RUNTIME_DIR={}", place.path("run").display());
    let companion = || {
        let ours = Process::with_env(&mark).into_iter().filter(|one| one.command_line().starts_with(WRAPPER));
        let ours: Vec<Process> = ours.collect();
        let is_child = |one: &&Process| ours.iter().any(|other| other.pid == one.parent().pid);
        ours.iter().find(is_child).map(|one| one.pid)
    };
    let first = eventually(companion);
    assert!(Process::of(first).signal(nix::libc::SIGKILL));
    eventually(|| companion().filter(|next| *next != first));
    let answer = get(hub.port, hub.pin(), "/api/status", "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    release(&place, hub);
}

#[test]
fn a_session_is_told_over_tls_to_a_hub_of_another_user() {
    let (here, there) = (place(), place());
    let hub = Hub::serve(&there, &["--tls", "auto"]);
    let url = hub.url();
    let told = ["--hub", &url, "--tls-fingerprint", &hub.certificate, "--tls", "auto"];
    let instance = Hub::started(session(&here, "subprocess", &told));
    let told = eventually(|| {
        let told = |event: &Value| event["type"] == "claude.output" && !event["origin"].is_null();
        history(&there, &hub).into_iter().find(told)
    });
    assert_eq!(told["data"]["content"], instance.url().as_str());
    release(&here, instance);
    eventually(|| {
        let over = |event: &Value| event["type"] == "session.end" && !event["origin"].is_null();
        history(&there, &hub).into_iter().find(over)
    });
    assert!(hub.stop().success());
}

#[test]
fn a_hub_whose_certificate_is_another_is_told_nothing_and_the_session_says_so() {
    let (here, there) = (place(), place());
    let hub = Hub::serve(&there, &["--tls", "auto"]);
    let pin = "0".repeat(64);
    let url = hub.url();
    let instance = Hub::started(session(
        &here,
        "subprocess",
        &["--hub", &url, "--tls-fingerprint", &pin, "--tls", "auto"],
    ));
    let said = eventually(|| {
        let said = |event: &Value| event["type"] == "system.error" && event["data"]["component"] == "uplink";
        history(&here, &instance).into_iter().find(said)
    });
    let error = said["data"]["error"].as_str().unwrap_or_default();
    assert!(error.contains("another than the one that was named"), "{error}");
    release(&here, instance);
    assert!(history(&there, &hub).iter().all(|event| event["origin"].is_null()));
    assert!(hub.stop().success());
}
