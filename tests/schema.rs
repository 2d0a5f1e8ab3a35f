//! The schema of the wire as users get it, from the program and without a hub; AsyncAPI's own parser reads the
//! document that is made for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod viewer;

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use test_support::program::Program;
use test_support::schema;
use viewer::place::Place;

/// Reads a document on standard input; says whether it could be read, and what the parser has against it.
const PARSE: &str = r#"
const { Parser } = require("@asyncapi/parser");
new Parser().parse(require("fs").readFileSync(0, "utf8")).then(({ document, diagnostics }) => {
  const messages = document ? document.allMessages().all().map((message) => message.name()) : [];
  const faults = diagnostics.filter((found) => found.severity <= 1);
  const said = faults.slice(0, 5).map((found) => `${found.message} (${found.path.join("/")})`);
  console.log(JSON.stringify({ messages, faults: said }));
});
"#;

/// Where `tests/run.sh` puts the parser.
fn parser() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap_or_default().join(".cache"));
    let path = set("CLAUDE_MPM_TEST_ASYNCAPI_PATH")
        .unwrap_or_else(|| cache().join("claude-mpm-tests/node-asyncapi-3.6.3/node_modules"));
    assert!(path.is_dir(), "there is no {}: run tests/run.sh, which installs it", path.display());
    path
}

fn parsed(document: &Value) -> Value {
    let mut node = Command::new("node");
    node.env("NODE_PATH", parser()).arg("-e").arg(PARSE);
    let (status, out, err) = Program::start(node, document.to_string().as_bytes()).finish();
    assert!(status.success(), "{err:?}");
    serde_json::from_str(&out.concat()).unwrap()
}

fn printed(args: &[&str]) -> String {
    let done = Place::new().run(args);
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""), "{args:?}");
    done.out
}

fn json_of(args: &[&str]) -> Value {
    serde_json::from_str(&printed(args)).unwrap()
}

#[test]
fn the_schema_is_printed_without_a_hub_whole_or_by_name() {
    let whole = json_of(&["schema"]);
    assert_eq!(whole["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let list = printed(&["schema", "--list"]);
    let names: Vec<&str> = list.lines().collect();
    for name in
        ["claude.output", "hook.*", "system.status", "classic/frame", "classic/subscribe", "envelope/event"]
    {
        assert!(names.contains(&name), "{name}: {list}");
    }
    for name in names {
        assert!(whole["$defs"][name].is_object(), "{name}");
    }
    let one = json_of(&["schema", "claude.output"]);
    assert_eq!(one["$defs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["claude.output", "Stream"]);
    assert!(jsonschema::is_valid(&one, &json!({"content": "hi", "stream": "stdout"})));
    assert!(!jsonschema::is_valid(&one, &json!({"content": "hi", "stream": "nowhere"})));
}

#[test]
fn an_unknown_name_is_status_1_and_one_that_could_have_been_meant_is_named() {
    for (name, tip) in [
        ("claude.ouput", "a similar name exists: claude.output,"),
        ("subscribe", "classic/subscribe"),
        ("\u{1b}[2J", "claude-mpm schema --list shows all names"),
    ] {
        let done = Place::new().run(&["schema", name]);
        assert_eq!((done.status, done.out.as_str()), (Some(1), ""), "{}", done.err);
        assert!(
            done.err.starts_with("claude-mpm: cannot show schema ") && done.err.contains(tip),
            "{}",
            done.err
        );
        assert!(!done.err.contains('\u{1b}'), "{:?}", done.err);
    }
    for args in [["schema", "--list", "--asyncapi"], ["schema", "claude.output", "--list"]] {
        assert_eq!(Place::new().run(&args).status, Some(2), "{args:?}");
    }
}

#[test]
fn the_asyncapi_document_is_read_by_its_own_parser() {
    let document = json_of(&["schema", "--asyncapi"]);
    let found = parsed(&document);
    assert_eq!(found["faults"], json!([]));
    let messages = found["messages"].as_array().unwrap();
    for name in
        ["classic/claude.output", "classic/subscribe", "envelope/event", "envelope/publish", "monitor/pong"]
    {
        assert!(messages.contains(&json!(name)), "{name}");
    }
    assert_eq!(document["servers"]["local"]["host"], "127.0.0.1:8765");
    let addresses =
        ["classic", "envelope", "monitor"].map(|dialect| &document["channels"][dialect]["address"]);
    assert_eq!(addresses, ["/", "/events", "/monitor"]);
    let is_sent = |name: &str| {
        let place = format!("#/channels/classic/messages/{name}");
        let sent = document["operations"]["classic.send"]["messages"].as_array().unwrap();
        sent.iter().any(|message| message["$ref"] == place.as_str())
    };
    assert!(is_sent("classic.subscribed") && !is_sent("classic.subscribe"));
}

#[test]
fn the_parser_would_see_a_document_that_is_wrong() {
    for (pointer, value) in [
        ("/channels/classic/messages/classic.pong/$ref", json!("#/components/messages/nowhere")),
        ("/operations/classic.send/action", json!("shout")),
        ("/components/schemas/Output/type", json!("no such type")),
    ] {
        let mut document = json_of(&["schema", "--asyncapi"]);
        *document.pointer_mut(pointer).unwrap() = value;
        assert_ne!(parsed(&document)["faults"], json!([]), "{pointer}");
    }
}

#[test]
fn a_frame_that_is_not_of_the_schema_is_seen_by_the_tests() {
    let pong = json!({
        "type": "pong", "timestamp": "2026-11-21T12:00:00.000Z", "data": {}, "epoch": "e", "session_id": "s",
        "source": "system",
    });
    schema::check("classic", &pong);
    schema::check_request("classic", &json!({"command": "ping"}));
    let mut more = pong;
    more["extra"] = json!("x".repeat(100_000));
    let defect = schema::defects("classic/frame", &more).unwrap_err();
    assert!(defect.contains("'extra' was unexpected") && defect.len() < 5_000, "{defect:.200}");
    assert!(schema::defects("classic/request", &json!({"command": "pong"})).is_err());
}
