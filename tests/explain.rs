//! What a hub says of its own events: who told of them first, who told of them too, and what follows from them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "it is not stopped here: it ends with the test")]
#[path = "server/hub_server.rs"]
mod hub_server;
#[expect(dead_code, reason = "no output is read here")]
#[path = "server/ws_client.rs"]
mod ws_client;

use claude_mpm::event::work::{Delegation, DelegationStatus, Ticket, TodoUpdate};
use claude_mpm::event::{Body, Source};
use claude_mpm::status::{Health, Note};
use hub_server::TestServer;
use serde_json::{Value, json};
use ws_client::Client;

fn delegation(status: DelegationStatus) -> Body {
    Body::Delegation(Delegation {
        agent: "qa".into(),
        task: "Test it".into(),
        status,
        duration_ms: (status != DelegationStatus::Started).then_some(40),
        delegation_id: "toolu_1".into(),
        agent_id: None,
        parent_agent: None,
        background: false,
        reason: None,
        tokens: None,
        tool_uses: None,
    })
}

async fn explain(client: &mut Client, event: &Value) -> Value {
    client.ask(&json!({ "command": "explain", "params": { "event": event } }).to_string()).await
}

#[tokio::test]
async fn an_event_names_the_source_that_was_first_and_those_that_told_of_it_too() {
    let server = TestServer::start().await;
    let [hook, stream, transcript] =
        [Source::Hook, Source::Stream, Source::Transcript].map(|source| server.hub.publisher(source));
    stream.publish(Body::Todos(TodoUpdate::default()));
    let seq = hook.publish(delegation(DelegationStatus::Started));
    transcript.confirm(seq);
    transcript.confirm(seq);
    let mut client = Client::connect(&server).await;
    let reply = explain(&mut client, &seq.into()).await;
    assert_eq!(reply["type"], "explanation");
    assert_eq!(reply["data"]["event"]["type"], "agent.delegation");
    assert_eq!(reply["data"]["told_by"], "hook");
    assert_eq!(reply["data"]["also_told_by"].as_array().unwrap().len(), 1, "{reply}");
    assert_eq!(reply["data"]["also_told_by"][0]["source"], "transcript");
    assert_eq!(reply["data"]["silent"], json!(["stream"]));
    let by_id = explain(&mut client, &reply["data"]["event"]["id"]).await;
    assert_eq!(by_id["data"]["event"], reply["data"]["event"]);
    // What only one can tell of is held against nobody.
    let line = explain(&mut client, &server.say("a line").into()).await;
    assert_eq!((&line["data"]["told_by"], &line["data"]["silent"]), (&json!("screen"), &json!([])));
}

#[tokio::test]
async fn a_whole_session_is_counted_by_type_and_source() {
    let server = TestServer::start().await;
    let hook = server.hub.publisher(Source::Hook);
    let seq = hook.publish(delegation(DelegationStatus::Started));
    server.hub.publisher(Source::Stream).confirm(seq);
    server.hub.publisher(Source::Stream).publish(delegation(DelegationStatus::Completed));
    let why = Some("none came".to_owned());
    server.hub.note(Note::Source(Source::Transcript, Health::Missing, why));
    let mut client = Client::connect(&server).await;
    let reply = explain(&mut client, &Value::Null).await;
    let expected =
        json!({ "events": 2, "told_by": { "hook": 1, "stream": 1 }, "also_told_by": { "stream": 1 } });
    assert_eq!(reply["data"]["types"]["agent.delegation"], expected);
    let sources = reply["data"]["sources"].as_array().unwrap();
    let transcript = sources.iter().find(|source| source["name"] == "transcript").unwrap();
    assert_eq!((&transcript["state"], &transcript["note"]), (&json!("missing"), &json!("none came")));
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_the_connection_lives() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    for event in
        [json!(1), json!("nonsense"), json!("00000000-0000-4000-8000-000000000000"), json!({}), json!([1])]
    {
        let reply = explain(&mut client, &event).await;
        assert_eq!(
            (&reply["type"], &reply["data"]["error_code"]),
            (&json!("error"), &json!("REQ002")),
            "{event}"
        );
    }
    assert_eq!(client.ask(r#"{"command":"ping"}"#).await["type"], "pong");
}

/// Nothing stands between a change and what follows from it, and the status is of the same moment.
#[tokio::test]
async fn a_change_of_a_delegation_is_followed_by_who_works_now() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    client.ask(r#"{"command":"subscribe","channels":["*"]}"#).await;
    let hook = server.hub.publisher(Source::Hook);
    hook.publish(delegation(DelegationStatus::Started));
    hook.publish(delegation(DelegationStatus::Completed));
    for (kind, active) in [("started", json!(["qa"])), ("completed", json!([]))] {
        let change = client.next().await;
        assert_eq!((&change["type"], &change["data"]["status"]), (&json!("agent.delegation"), &json!(kind)));
        let status = client.next().await;
        assert_eq!(status["type"], "agent.status");
        assert_eq!(status["seq"].as_u64(), change["seq"].as_u64().map(|seq| seq + 1));
        assert_eq!(status["data"]["active_agents"], active);
    }
    let ticket = Ticket {
        id: "T-1".into(),
        title: Some("Fix".into()),
        priority: None,
        assigned_to: None,
        url: None,
        system: "text".into(),
    };
    hook.publish(Body::TicketCreated(ticket));
    assert_eq!(client.next().await["type"], "ticket.created");
    let snapshot = client.ask(r#"{"command":"get_status"}"#).await;
    let qa = json!({ "tasks": 1, "completed": 1, "failed": 0, "avg_duration_ms": 40 });
    assert_eq!(snapshot["data"]["agent_stats"]["qa"], qa);
    assert_eq!(snapshot["data"]["tickets"][0]["id"], "T-1");
    assert_eq!(snapshot["data"]["active_agents"], json!([]));
}
