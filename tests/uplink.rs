//! An instance that tells another hub of its session, within one process: what is told, what is not, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/eventually.rs"]
mod eventually;
#[path = "server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;

#[path = "server/ws_client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod ws_client;

use claude_mpm::client::Endpoint;
use claude_mpm::client::uplink::{self, Link, Over, Uplink};
use claude_mpm::event::body::{Output, ProcessState, ProcessStatus, Stream};
use claude_mpm::event::work::{Delegation, DelegationStatus};
use claude_mpm::event::{Body, Draft, SessionId, Source};
use claude_mpm::filter::{Filter, Query};
use claude_mpm::hub::{Bounds, Hub, Journalist, Numbers, Record, Rules};
use claude_mpm::journal::Journal;
use eventually::eventually;
use hub_server::{PATIENCE, TestServer};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use ws_client::Client;

fn instance(bounds: Bounds) -> Hub {
    let hub = Hub::new(SessionId::new("told"), bounds);
    let paced = hub.clone();
    // Readers of a burst are woken by it; in an instance the server runs it.
    tokio::spawn(async move { paced.run_pacer().await });
    hub
}

fn say(hub: &Hub, content: &str) {
    let line = Output { content: content.into(), stream: Stream::Stdout, truncated: false };
    assert_ne!(hub.publisher(Source::Screen).publish(Body::Output(line)), 0);
}

fn tell(hub: &Hub, server: &TestServer) -> JoinHandle<Over> {
    let endpoint = Endpoint::parse(&format!("ws://{}", server.address), None).unwrap();
    let uplink = Uplink { endpoints: vec![endpoint], key: "secret".into() };
    tokio::spawn(uplink::run(uplink, hub.clone(), watch::channel(Link::Begun).0))
}

async fn end(telling: JoinHandle<Over>) -> Over {
    timeout(PATIENCE, telling).await.expect("its end").unwrap()
}

fn records(hub: &Hub, session: &str) -> Vec<Arc<Record>> {
    let filter = Filter { sessions: vec![session.into()], ..Filter::all() };
    hub.history(&Query { filter, limit: 10_000, ..Query::default() }).records
}

fn lines(hub: &Hub, session: &str) -> Vec<String> {
    let content = |record: &Arc<Record>| match &record.event.body {
        Body::Output(line) => Some(line.content.clone()),
        _ => None,
    };
    records(hub, session).iter().filter_map(content).collect()
}

#[tokio::test]
async fn everything_is_told_with_its_own_id_and_where_it_was_numbered() {
    let (server, hub) = (TestServer::start().await, instance(Bounds::default()));
    say(&hub, "before");
    let telling = tell(&hub, &server);
    eventually("the first is told", || !lines(&server.hub, "told").is_empty()).await;
    say(&hub, "after");
    hub.close();
    assert!(matches!(end(telling).await, Over::Told));
    let (here, there) = (records(&hub, "told"), records(&server.hub, "told"));
    assert_eq!(lines(&server.hub, "told"), ["before", "after"]);
    for (one, other) in here.iter().zip(&there) {
        let (one, other) = (&one.event, &other.event);
        assert_eq!(
            (one.id, one.timestamp, &one.source, &one.body),
            (other.id, other.timestamp, &other.source, &other.body)
        );
        let origin = other.origin.as_ref().unwrap();
        assert_eq!((&origin.epoch, origin.seq), (hub.epoch(), one.seq));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_loses_nothing_and_doubles_nothing() {
    let (server, hub) = (TestServer::start().await, instance(Bounds::default()));
    let mut said = Vec::new();
    for round in 1..=4 {
        said.push(format!("round {round}"));
        say(&hub, &said[round - 1]);
        let telling = tell(&hub, &server);
        eventually("it is told", || lines(&server.hub, "told").len() >= round).await;
        telling.abort();
        assert!(telling.await.is_err_and(|end| end.is_cancelled()));
    }
    assert_eq!(lines(&server.hub, "told"), said);
    server.stop().await;
}

#[tokio::test]
async fn what_is_sent_again_is_known() {
    let (server, hub) = (TestServer::start().await, instance(Bounds::default()));
    say(&hub, "once");
    let event = serde_json::to_value(&records(&hub, "told")[0].event).unwrap();
    let mut client = Client::connect(&server).await;
    let call = json!({"command": "uplink", "session_id": "told", "epoch": hub.epoch(), "key": "k"});
    assert_eq!(client.ask(&call.to_string()).await["data"]["after"], 0);
    for _ in 0..2 {
        let relay = json!({"command": "relay", "events": [event]});
        assert_eq!(client.ask(&relay.to_string()).await["data"]["after"], 1);
    }
    assert_eq!(lines(&server.hub, "told"), ["once"]);
    assert_eq!(client.ask(&call.to_string()).await["data"]["after"], 1);
    server.stop().await;
}

#[tokio::test]
async fn names_of_what_is_relayed_are_bounded_and_what_an_instance_says_of_another_hub_is_left_out() {
    let (server, hub) = (TestServer::start().await, instance(Bounds::default()));
    say(&hub, "once");
    let event = serde_json::to_value(&records(&hub, "told")[0].event).unwrap();
    let with = |name: &str, value: serde_json::Value| {
        let mut event = event.clone();
        event[name] = value;
        json!({"command": "relay", "events": [event]}).to_string()
    };
    let mut client = Client::connect(&server).await;
    let call = json!({"command": "uplink", "session_id": "told", "epoch": hub.epoch(), "key": "k"});
    assert_eq!(client.ask(&call.to_string()).await["data"]["after"], 0);
    for name in ["session_id", "epoch", "source"] {
        let refused = client.ask(&with(name, json!("x".repeat(1_000)))).await;
        assert_eq!(refused["type"], "error", "{name}: {refused}");
    }
    // It is no numbering of an instance, and would stand in the journal.
    client.ask(&with("epoch", json!("0-ghp_0123456789abcdefghijABCDEFGHIJ012345"))).await;
    assert!(records(&server.hub, "told").is_empty());
    let forged = json!({"epoch": "another", "seq": 1_u64 << 50, "session_id": "another"});
    client.ask(&with("origin", forged)).await;
    let taken = records(&server.hub, "told");
    let origin = taken[0].event.origin.clone().unwrap();
    assert_eq!((&origin.epoch, origin.seq, origin.session_id), (hub.epoch(), 1, None));
    // What it says of a session that is nobody's counts for its own.
    let mut of_nobody = event.clone();
    (of_nobody["session_id"], of_nobody["seq"], of_nobody["source"]) =
        (json!("nobodys"), json!(2), json!("x"));
    (of_nobody["type"], of_nobody["data"]) = (json!("my.event"), json!({}));
    client.ask(&json!({"command": "relay", "events": [of_nobody]}).to_string()).await;
    let of_nobody = records(&server.hub, "nobodys");
    assert_eq!(of_nobody[0].event.origin.clone().unwrap().session_id, Some(SessionId::new("told")));
    server.stop().await;
}

#[tokio::test]
async fn what_left_the_log_before_it_could_be_told_is_counted_and_said() {
    let (server, hub) = (TestServer::start().await, instance(Bounds { records: 50, bytes: usize::MAX }));
    let running = ProcessStatus::alive(ProcessState::Running, Some(7), "Claude is running");
    hub.publisher(Source::Supervisor).publish(Body::Status(running));
    (1..=200).for_each(|number| say(&hub, &format!("line {number}")));
    let telling = tell(&hub, &server);
    eventually("the newest is told", || lines(&server.hub, "told").len() == 50).await;
    // Its beginning is among what was lost, and yet it is known where it stands.
    let status = server.hub.status_of(&SessionId::new("told")).unwrap();
    assert_eq!((status.claude_status, status.claude_pid), (Some(ProcessState::Running), Some(7)));
    let all = records(&server.hub, "told");
    let Body::Error(fault) = &all[0].event.body else { panic!("{all:?}") };
    assert!(fault.error.starts_with("151 events"), "{}", fault.error);
    assert_eq!(server.hub.gauges().dropped(), 151);
    hub.close();
    assert!(matches!(end(telling).await, Over::Told));
    server.stop().await;
}

#[tokio::test]
async fn what_another_hub_was_told_is_not_told_on_and_nothing_is_derived_twice() {
    let (first, second) = (TestServer::start().await, TestServer::of("session-2").await);
    let hub = instance(Bounds::default());
    hub.publisher(Source::Hook).publish(Body::Delegation(Delegation {
        agent: "qa".into(),
        task: "Test it".into(),
        status: DelegationStatus::Started,
        duration_ms: None,
        delegation_id: "d1".into(),
        agent_id: None,
        parent_agent: None,
        background: false,
        reason: None,
        tokens: None,
        tool_uses: None,
    }));
    let telling = tell(&hub, &first);
    eventually("both are told", || records(&first.hub, "told").len() == 2).await;
    assert_eq!(first.hub.status_of(&SessionId::new("told")).unwrap().active_agents, ["qa"]);
    // Two hubs that told each other everything would never end.
    first.say("its own");
    let telling_on = tell(&first.hub, &second);
    eventually("its own is told", || lines(&second.hub, "session-1") == ["its own"]).await;
    assert!(records(&second.hub, "told").is_empty());
    hub.close();
    assert!(matches!(end(telling).await, Over::Told));
    telling_on.abort();
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_hub_does_not_tell_itself_and_a_session_has_one_who_tells_of_it() {
    let server = TestServer::start().await;
    assert!(matches!(end(tell(&server.hub, &server)).await, Over::Refused(_)));
    let (hub, impostor) = (instance(Bounds::default()), instance(Bounds::default()));
    say(&hub, "the real one");
    let telling = tell(&hub, &server);
    eventually("it is told", || !lines(&server.hub, "told").is_empty()).await;
    let endpoint = Endpoint::parse(&format!("ws://{}", server.address), None).unwrap();
    let uplink = Uplink { endpoints: vec![endpoint], key: "guessed".into() };
    let refused = tokio::spawn(uplink::run(uplink, impostor.clone(), watch::channel(Link::Begun).0));
    assert!(matches!(end(refused).await, Over::Refused(_)));
    // Nor may an instance tell of the session of another.
    let of_another = Draft { session_id: Some(SessionId::new("session-1")), ..draft() };
    hub.submit(of_another, false);
    say(&hub, "and on");
    eventually("it goes on", || lines(&server.hub, "told").len() == 2).await;
    assert!(lines(&server.hub, "session-1").is_empty());
    hub.close();
    assert!(matches!(end(telling).await, Over::Told));
    server.stop().await;
}

fn draft() -> Draft {
    let line = Output { content: "stolen".into(), stream: Stream::Stdout, truncated: false };
    Draft::new(Source::Component("x".into()), Body::Output(line))
}

/// Whoever may publish may be an uplink of a session that nobody has heard of.
#[tokio::test]
async fn an_uplink_tells_of_no_other_session_what_only_its_owner_may() {
    let (server, hub) = (TestServer::start().await, instance(Bounds::default()));
    say(&hub, "mine");
    let template = serde_json::to_value(&records(&hub, "told")[0].event).unwrap();
    let mut client = Client::connect(&server).await;
    let uplink =
        |session: &str| json!({"command": "uplink", "session_id": session, "epoch": "e", "key": "k"});
    assert_eq!(client.ask(&uplink("invented").to_string()).await["data"]["after"], 0);
    assert_eq!(client.ask(&uplink("another").to_string()).await["data"]["error_code"], "AUTH002");
    let ended = json!({ "session_id": "victim", "end_time": "2026-01-01T00:00:00.000Z", "duration_seconds": 1.0,
        "exit_code": 0, "signal": null, "reason": "exited" });
    for (seq, kind, data, source, is_told) in [
        (1, "session.end", ended, "supervisor", false),
        (2, "claude.output", json!({ "content": "false", "stream": "stdout" }), "screen", false),
        (3, "hook.stop", json!({}), "hook", false),
        (
            4,
            "permission.resolved",
            json!({ "permission_id": "p", "decision": "allow", "by": "local", "message": null }),
            "x",
            false,
        ),
        (5, "my.event", json!({}), "x", true),
    ] {
        let mut event = template.clone();
        for (name, value) in [("type", json!(kind)), ("data", data), ("source", json!(source))] {
            event[name] = value;
        }
        (event["seq"], event["session_id"], event["epoch"]) = (json!(seq), json!("victim"), json!("e"));
        let relay = json!({"command": "relay", "events": [event]});
        assert_eq!(client.ask(&relay.to_string()).await["data"]["after"], seq, "{kind}");
        let last = records(&server.hub, "victim").last().map(|record| record.event.body.channel().to_owned());
        assert_eq!(last.as_deref() == Some(kind), is_told, "{kind}");
    }
    assert_eq!(server.hub.gauges().refused(), 5);
    server.stop().await;
}

#[tokio::test]
async fn the_names_of_an_uplink_are_bounded() {
    let server = TestServer::start().await;
    let mut client = Client::connect(&server).await;
    for name in ["session_id", "epoch", "key"] {
        let mut call = json!({"command": "uplink", "session_id": "s", "epoch": "e", "key": "k"});
        call[name] = json!("x".repeat(257));
        assert_eq!(client.ask(&call.to_string()).await["data"]["error_code"], "REQ002", "{name}");
    }
    server.stop().await;
}

/// The instance may hide nothing: whatever it calls things, a hub that hides shows no secret.
#[tokio::test]
async fn no_name_that_comes_over_an_uplink_shows_a_secret() {
    let (server, hub) = (TestServer::start().await, instance(Bounds::default()));
    say(&hub, "mine");
    let template = serde_json::to_value(&records(&hub, "told")[0].event).unwrap();
    let secret = format!("{}_{}", "ghp", "aB3dE5gH7j".repeat(4));
    let mut client = Client::connect(&server).await;
    for name in ["session_id", "epoch"] {
        let mut call = json!({"command": "uplink", "session_id": "s", "epoch": "e", "key": "k"});
        call[name] = json!(secret);
        assert_eq!(client.ask(&call.to_string()).await["data"]["error_code"], "AUTH002", "{name}");
    }
    let uplink = json!({"command": "uplink", "session_id": "s", "epoch": "e", "key": "k"});
    client.ask(&uplink.to_string()).await;
    let start = json!({ "session_id": secret, "start_time": "2026-01-01T00:00:00.000Z", "launch_method": "exec",
        "working_directory": "/", "websocket_port": null, "instance_info": { "port": null, "host": "h",
        "working_dir": "/", "name": "n", "pid": 1, "certificate": secret } });
    let left = json!({ "client_id": 1, "dialect": secret, "close_code": null, "duration_seconds": 1.0, "clients": 1 });
    let events = [
        json!({ "type": format!("hook.{secret}"), "data": {}, "source": "x" }),
        json!({ "type": format!("my.{secret}"), "data": {}, "source": "x" }),
        json!({ "type": "my.event", "data": { secret.clone(): [secret] }, "source": secret }),
        json!({ "type": "my.event", "data": {}, "source": "x", "session_id": secret }),
        json!({ "type": "my.event", "data": {}, "source": "x", "origin": { "epoch": secret, "seq": 1 } }),
        json!({ "type": "my.event", "data": {}, "source": "x", "hook_event_type": secret, "source_app": secret,
            "summary": secret, "chat": [{ "role": secret, "content": secret }] }),
        json!({ "type": "session.start", "data": start, "source": "supervisor" }),
        json!({ "type": "ws.disconnected", "data": left, "source": "x" }),
    ];
    for (seq, changes) in events.iter().enumerate() {
        let mut event = template.clone();
        (event["seq"], event["session_id"], event["epoch"]) = (json!(seq + 1), json!("s"), json!("e"));
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        let relay = json!({"command": "relay", "events": [event]});
        assert_eq!(client.ask(&relay.to_string()).await["data"]["after"], seq + 1, "{changes}");
    }
    let all = server.hub.history(&Query { filter: Filter::all(), limit: 100, ..Query::default() }).records;
    let text: String = all.iter().map(|record| serde_json::to_string(&record.event).unwrap()).collect();
    assert_eq!(all.iter().filter(|record| record.event.origin.is_some()).count(), events.len());
    assert!(!text.contains(&secret) && text.contains("[REDACTED:github_token]"), "{text}");
    let status = serde_json::to_string(&server.hub.status()).unwrap();
    assert!(!status.contains(&secret), "{status}");
    server.stop().await;
}

/// An instance that goes on with the journal of one that was killed, under a numbering of its own.
fn instance_in(directory: &Path, numbers: Numbers) -> (Hub, Journalist) {
    let hub = Hub::numbered(SessionId::new("told"), Bounds::default(), Rules::default(), numbers);
    let journal = Journal::open(directory).unwrap();
    hub.recover(directory).unwrap();
    let writer = journal.writer(hub.epoch().as_str(), 1 << 20);
    let journalist = hub.keep_journal(writer, Box::new(|| {})).unwrap();
    let paced = hub.clone();
    tokio::spawn(async move { paced.run_pacer().await });
    (hub, journalist)
}

async fn end_with_journal(hub: Hub, journalist: Journalist) {
    hub.close();
    journalist.end().await;
}

async fn cut(telling: JoinHandle<Over>) {
    telling.abort();
    assert!(telling.await.is_err_and(|end| end.is_cancelled()));
}

#[tokio::test]
async fn an_instance_that_is_numbered_anew_tells_the_rest_of_its_earlier_numberings_first() {
    let (server, directory) = (TestServer::start().await, tempfile::tempdir().unwrap());
    let directory = directory.path().join("journal");
    let (first, journalist) = instance_in(&directory, Numbers::fresh());
    say(&first, "one");
    let telling = tell(&first, &server);
    eventually("the first is told", || lines(&server.hub, "told") == ["one"]).await;
    cut(telling).await;
    say(&first, "two");
    let epoch = first.epoch().clone();
    end_with_journal(first, journalist).await;

    let (second, journalist) = instance_in(&directory, Numbers::fresh_behind(epoch.as_str()));
    say(&second, "three");
    let epoch = second.epoch().clone();
    end_with_journal(second, journalist).await;

    let (third, journalist) = instance_in(&directory, Numbers::fresh_behind(epoch.as_str()));
    say(&third, "four");
    let telling = tell(&third, &server);
    eventually("all is told", || lines(&server.hub, "told").len() >= 4).await;
    cut(telling).await;
    say(&third, "five");
    let telling = tell(&third, &server);
    let all = ["one", "two", "three", "four", "five"];
    eventually("it goes on", || lines(&server.hub, "told").len() >= all.len()).await;
    assert_eq!(lines(&server.hub, "told"), all);
    assert_eq!(server.hub.gauges().dropped(), 0);

    // One that knows nothing is told everything.
    let another = TestServer::start().await;
    let telling_another = tell(&third, &another);
    eventually("all is told", || lines(&another.hub, "told").len() >= all.len()).await;
    end_with_journal(third, journalist).await;
    assert!(matches!(end(telling).await, Over::Told) && matches!(end(telling_another).await, Over::Told));
    assert_eq!(lines(&server.hub, "told"), all);
    assert_eq!(lines(&another.hub, "told"), all);
    server.stop().await;
    another.stop().await;
}
