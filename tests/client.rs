//! The client against a scripted hub: requests, following, resuming, and giving up.

mod viewer;

use claude_mpm::client::{ClientError, Connection, Cursor, Endpoint, Follow, Item, Start, Subscription};
use serde_json::json;
use std::time::Duration;
use viewer::fake_hub::{Ending, FakeHub, Script, Turn, event, output};

fn follow(hub: &FakeHub, start: Start) -> Follow {
    let wanted = Subscription { channels: vec!["*".into()], sessions: vec![], start };
    Follow::new(vec![Endpoint::parse(&hub.url(), None).expect("a fake hub has an address")], wanted)
}

/// Everything until the end, in short words.
async fn story(follow: &mut Follow) -> Vec<String> {
    let mut told = Vec::new();
    let all = async {
        while let Some(item) = follow.next().await {
            told.push(match item {
                Item::Connected(_) => "connected".into(),
                Item::Event(frame) => format!("{}", frame.seq().unwrap_or(0)),
                Item::Gap { missed, .. } => format!("gap {missed:?}"),
                Item::Fault(cause) => format!("fault {cause}"),
                Item::Lost { .. } => "lost".into(),
                Item::Resumed(cursor) => format!("resumed {:?}", cursor.map(|cursor| cursor.seq)),
                Item::Ended => "ended".into(),
                Item::Failed(cause) => format!("failed: {cause}"),
            });
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), all).await.is_ok(), "did not end");
    told
}

fn outputs(count: u64) -> Vec<String> {
    (1..=count).map(|seq| output(seq, "x")).collect()
}

#[tokio::test]
async fn a_lost_connection_goes_on_behind_the_last_event_without_gap_or_repeat() {
    let turn = |events, ending| Turn { events, ending };
    let turns = vec![
        turn(2, Ending::Break),
        turn(1, Ending::Close(1001)),
        turn(0, Ending::Close(4408)),
        turn(9, Ending::Close(1000)),
    ];
    let hub = FakeHub::start(Script { turns, ..Script::new(outputs(5), Ending::Stay) });
    let told = story(&mut follow(&hub, Start::Last(10))).await;
    let expected = [
        "connected",
        "1",
        "2",
        "lost",
        "resumed Some(2)",
        "3",
        "lost",
        "resumed Some(3)",
        "lost",
        "resumed Some(3)",
        "4",
        "5",
        "ended",
    ];
    assert_eq!(told, expected);
    let second = &hub.requests("subscribe")[1];
    assert_eq!((&second["after"], &second["epoch"]), (&json!(2), &json!("e1")));
    assert!(second.get("replay").is_none());
}

#[tokio::test]
async fn a_hub_that_begins_a_new_log_is_followed_from_its_beginning() {
    let turns =
        vec![Turn { events: 2, ending: Ending::Break }, Turn { events: 9, ending: Ending::Close(1000) }];
    let hub = FakeHub::start(Script { turns, ..Script::new(outputs(2), Ending::Stay) });
    let mut follow = follow(&hub, Start::Last(10));
    for _ in 0..3 {
        drop(follow.next().await);
    }
    hub.change(|script| {
        script.epoch = "e2".into();
        script.log = script.log.iter().map(|event| event.replace("\"e1\"", "\"e2\"")).collect();
    });
    assert_eq!(story(&mut follow).await, ["lost", "resumed Some(2)", "gap None", "1", "2", "ended"]);
}

#[tokio::test]
async fn a_gap_moves_the_cursor_and_an_error_does_not_end_anything() {
    let gap =
        json!({"type": "system.gap", "data": {"missed": 3, "from_seq": 2, "to_seq": 4, "reason": "slow"}});
    let error =
        json!({"type": "error", "data": {"error_code": "RATE001", "error_message": "too many requests"}});
    let log = vec![output(1, "x"), gap.to_string(), error.to_string()];
    let turns =
        vec![Turn { events: 3, ending: Ending::Break }, Turn { events: 0, ending: Ending::Close(1000) }];
    let hub = FakeHub::start(Script { turns, ..Script::new(log, Ending::Stay) });
    let told = story(&mut follow(&hub, Start::Last(10))).await;
    let expected = [
        "connected",
        "1",
        "gap Some(3)",
        "fault the hub answers RATE001: too many requests",
        "lost",
        "resumed Some(4)",
        "ended",
    ];
    assert_eq!(told, expected);
    assert_eq!(hub.requests("subscribe")[1]["after"], 4);
}

#[tokio::test]
async fn close_codes_that_would_come_again_end_it() {
    for (code, expected) in [
        (1002, "failed: the hub closed the connection: code 1002, as scripted"),
        (4401, "failed: the hub refuses this client (code 4401 as scripted)"),
        (4403, "failed: the hub refuses this client (code 4403 as scripted)"),
    ] {
        let hub = FakeHub::start(Script::new(vec![], Ending::Close(code)));
        assert_eq!(story(&mut follow(&hub, Start::Last(0))).await, ["connected", expected]);
    }
}

/// Found with the real server: a client that came back behind the end of the session took code 1000 for a failure.
#[tokio::test]
async fn a_session_that_ended_while_we_were_away_is_over_with_something_missed() {
    let turns = vec![Turn { events: 1, ending: Ending::Break }, Turn { events: 0, ending: Ending::Over }];
    let hub = FakeHub::start(Script { turns, ..Script::new(outputs(1), Ending::Stay) });
    assert_eq!(
        story(&mut follow(&hub, Start::Last(10))).await,
        ["connected", "1", "lost", "gap None", "ended"]
    );
    assert_eq!(story(&mut follow(&hub, Start::Last(10))).await, ["ended"]);
}

#[tokio::test]
async fn the_first_connection_must_succeed() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = Endpoint::parse(&format!("ws://127.0.0.1:{free}"), None).unwrap();
    let wanted = Subscription { channels: vec![], sessions: vec![], start: Start::Last(0) };
    let told = story(&mut Follow::new(vec![nobody], wanted)).await;
    assert!(told.len() == 1 && told[0].starts_with("failed: no connection to ws://127.0.0.1:"), "{told:?}");
}

/// Something that accepts and says nothing must not hold a client for ever.
#[tokio::test]
async fn a_silent_listener_is_given_up_after_the_connect_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let opened = Connection::open(&Endpoint::parse(&url, None).unwrap()).await;
    assert!(matches!(opened.err().unwrap(), ClientError::TimedOut { .. }));
}

#[tokio::test]
async fn a_hub_is_asked_over_its_unix_socket_first_and_over_tcp_else() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("h.sock");
    let hub = FakeHub::on_socket(Script::new(outputs(3), Ending::Stay), &path);
    let both = [Endpoint::Unix(path.clone()), Endpoint::parse(&hub.url(), None).unwrap()];
    let (mut connection, used) = Connection::open_any(&both).await.unwrap();
    assert_eq!(used, &both[0]);
    let history = json!({"command": "get_history", "params": {"limit": 2}});
    let reply = connection.request(history).await.unwrap();
    assert_eq!(reply.data()["events"].as_array().unwrap().len(), 2);
    connection.round_trip().await.unwrap();
    let refused = connection.request(json!({"command": "nonsense"})).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Reply { code, .. } if code == "REQ001"), "{refused}");
    connection.close().await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(Connection::open_any(&both).await.unwrap().1, &both[1]);
}

#[tokio::test]
async fn starts_are_asked_for_in_the_hubs_own_words() {
    let hub = FakeHub::start(Script::new(vec![event(1, "x", json!({}))], Ending::Close(1000)));
    let after = Start::After(Cursor { epoch: None, seq: 7 });
    for start in [Start::Last(5), after, Start::Since("2026-11-21T12:00:00.000Z".into())] {
        story(&mut follow(&hub, start)).await;
    }
    let asked = hub.requests("subscribe");
    assert_eq!((&asked[0]["replay"], &asked[1]["after"]), (&json!(5), &json!(7)));
    assert_eq!(asked[2]["since"], "2026-11-21T12:00:00.000Z");
    assert!(asked[1].get("epoch").is_none() && asked[1].get("replay").is_none());
}
