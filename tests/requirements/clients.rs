//! The clients that the documents show, run by their interpreters; only the address of the hub is replaced, because
//! tests run side by side. With the real claude the guide's two clients are run in `tests/real_claude.rs`.

use crate::blocks::block;
use crate::scene::{NAME, Scene};
use crate::{place, typescript};
use serde_json::json;
use test_support::conversation::Conversation;
use test_support::interpreters;
use test_support::program::Program;

/// A block with the address of this hub in place of its own.
#[track_caller]
fn at(name: &str, theirs: &str, url: &str) -> String {
    let text = block(name);
    assert_eq!(text.matches(theirs).count(), 1, "the block names its hub once");
    text.replace(theirs, &url.replace("127.0.0.1", "localhost"))
}

/// Everything that happens in a session is printed, line by line, by a client that was there before.
#[track_caller]
fn prints_everything(separator: &str, client: impl Fn(&str) -> Program) {
    let place = place();
    let scene = Scene::start(&place, NAME, &[]);
    let client = client(&scene.url);
    client.wait_out(|line| line.starts_with(&format!("subscribed{separator}")));
    scene.go();
    client.wait_out(|line| line.starts_with("ticket.created"));
    scene.end();
    let (status, lines, complaints) = client.finish();
    assert!(status.success(), "the socket closes with 1000, so the client just ends: {complaints:?}");
    for kind in [
        "system.status",
        "session.start",
        "claude.status",
        "claude.output",
        "agent.delegation",
        "agent.status",
        "todo.update",
        "ticket.created",
        "system.error",
        "session.end",
    ] {
        let start = format!("{kind}{separator}");
        assert!(lines.iter().any(|line| line.starts_with(&start)), "{kind} in {lines:#?}");
    }
}

#[test]
fn the_python_client_of_the_guide_prints_everything() {
    prints_everything(": ", |url| {
        let mut python = interpreters::python();
        python.arg("-u").arg("-c");
        python.arg(at("2-websocket-api-guide/06-python-client.py", "ws://localhost:8765", url));
        Program::start(python, b"")
    });
}

/// Browsers have `WebSocket`; Node of this age gets it from the package `ws`.
#[test]
fn the_javascript_client_of_the_guide_prints_everything() {
    prints_everything(" ", |url| {
        let script = at("2-websocket-api-guide/07-javascript-client.js", "ws://localhost:8765", url);
        let mut node = interpreters::node();
        node.arg("-e").arg(format!("globalThis.WebSocket = require('ws');\n{script}"));
        Program::start(node, b"")
    });
}

/// It knows the address of another hub; the path is the contract.
#[test]
fn the_client_of_the_schema_registers_its_component() {
    let name = "4-event-schema/13-client-connection.ts";
    let place = place();
    let hub = place.serve(0);
    let mut observer = Conversation::open(&format!("{}/?channels=component.*", hub.url()));
    let client = typescript::start(&at(name, "ws://localhost:4000", &hub.url()));
    let started = observer.hear_of(|frame| frame["type"] == "component.started");
    assert_eq!(started["source"], "cli-monitor");
    assert_eq!(
        started["data"],
        json!({"component": "cli-monitor", "version": "1.0.0", "capabilities": ["display", "filtering"]})
    );
    drop(client);
    let stopped = observer.hear_of(|frame| frame["type"] == "component.stopped");
    assert_eq!(stopped["data"]["component"], "cli-monitor");
    hub.stop();
}
