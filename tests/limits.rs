//! The limits of a hub, one by one with what is said and how it ends there, as the settings have them; and hostile
//! clients by the hundred, in `limits/`, while an honest one is answered.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "limits/churn.rs"]
mod churn;
#[path = "limits/cost.rs"]
mod cost;
#[path = "limits/floods.rs"]
mod floods;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::piped;
use test_support::standalone::{Hub, Place, named};
use test_support::wire::{HANDSHAKE, Wire, ask, handshake, upgraded, upgraded_on};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// The socket that a call of this program is to call.
const CALLED: &str = "EXAMPLE_LIMITS_SOCKET";
const EVENT: &str =
    r#"{"event_type":"component.started","source":"x","timestamp":1706181600000,"payload":{"version":"1"}}"#;

/// A hub with these lines under `[limits]`, and more words on its command line.
fn hub(limits: &str, words: &[&str]) -> (Place, Hub) {
    let place = Place::new(WRAPPER);
    let config = place.path("config.toml");
    fs::write(&config, format!("[limits]\n{limits}\n")).unwrap();
    let mut command = place.command(&[&["serve", "--websocket-port", "0"], words].concat());
    command.env("CLAUDE_MPM_CONFIG", config);
    let hub = Hub::started(command);
    (place, hub)
}

fn get(port: u16, path: &str) -> u16 {
    ask(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n")).status
}

/// A post of so many bytes.
fn post(port: u16, bytes: usize) -> u16 {
    let body = format!("{EVENT}{}", " ".repeat(bytes - EVENT.len()));
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    ask(port, &format!("{head}Content-Length: {bytes}\r\n\r\n{body}")).status
}

/// The code of the error that answers a message, and of the Close behind it where there is one.
#[track_caller]
fn refused(wire: &mut Wire, text: &str) -> String {
    wire.say(text).unwrap();
    loop {
        let frame = wire.json().expect("an error");
        if frame["type"] == "error" {
            return frame["data"]["error_code"].as_str().unwrap().to_owned();
        }
    }
}

/// How long until the hub ends the connection, and with which code.
#[track_caller]
fn ended(wire: &mut Wire) -> (Duration, Option<u16>) {
    let begun = Instant::now();
    let code = wire.close_code();
    (begun.elapsed(), code)
}

#[test]
fn a_head_has_16_kib_and_64_lines_and_its_time() {
    let (_place, hub) = hub("head_seconds = 1", &[]);
    let with = |headers: &str| {
        ask(hub.port, &format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n{headers}\r\n")).status
    };
    for (headers, status) in [
        ("X: y\r\n".repeat(60), 200),
        ("X: y\r\n".repeat(64), 431),
        (format!("X: {}\r\n", "y".repeat(15_000)), 200),
        (format!("X: {}\r\n", "y".repeat(17_000)), 431),
    ] {
        assert_eq!(with(&headers), status, "{} bytes", headers.len());
    }
    for begun in ["", "GET / HTTP/1.1\r\nHost: 127.0.0.1"] {
        let mut wire = Wire::tcp(hub.port).unwrap();
        wire.send(begun.as_bytes()).unwrap();
        let began = Instant::now();
        let answer = wire.answer();
        assert!([0, 408].contains(&answer.status), "{answer:?}");
        let took = began.elapsed();
        assert!((Duration::from_millis(900)..DEADLINE / 2).contains(&took), "{took:?}");
    }
    assert!(hub.stop().success());
}

#[test]
fn a_message_has_64_kib_and_that_of_a_component_a_mebibyte() {
    let (_place, hub) = hub("", &[]);
    let register = r#"{"type":"register","data":{"component":"c","version":"1"}}"#;
    for (path, word, bytes, fits) in [
        ("/", "command", 65_536, true),
        ("/", "command", 65_537, false),
        ("/events", "type", 65_537, true),
        ("/events", "type", 1 << 20, true),
        ("/events", "type", (1 << 20) + 1, false),
    ] {
        let mut wire = upgraded(hub.port, path, "").unwrap();
        if path == "/events" {
            wire.say(register).unwrap();
            while !wire.json().expect("an answer").to_string().contains("register") {}
        }
        let ping = format!(r#"{{"{word}":"ping","request_id":"large","x":""#);
        let filling = "x".repeat(bytes - ping.len() - 2);
        // It may be cut before everything is sent.
        let _sent = wire.say(&format!("{ping}{filling}\"}}"));
        match fits {
            true => while !wire.json().expect("an answer").to_string().contains("large") {},
            false => assert_eq!(wire.close_code(), Some(1009), "{path} {bytes}"),
        }
    }
    assert!(hub.stop().success());
}

#[test]
fn messages_and_posts_are_as_large_as_the_settings_say() {
    let (_place, hub) = hub("message_bytes = 131072\npost_bytes = 2048", &[]);
    for (bytes, status) in [(200, 202), (2048, 202), (2049, 413), (5000, 413)] {
        assert_eq!(post(hub.port, bytes), status, "{bytes}");
    }
    let mut wire = upgraded(hub.port, "/", "").unwrap();
    wire.say(&format!(r#"{{"command":"ping","x":"{}"}}"#, "x".repeat(130_000))).unwrap();
    while wire.json().expect("an answer")["type"] != "pong" {}
    let _cut = wire.say(&"x".repeat(131_073));
    assert_eq!(wire.close_code(), Some(1009));
    assert!(hub.stop().success());
}

/// Four of them would take all the room there is.
#[test]
fn posts_that_announce_much_and_send_nothing_keep_no_other_from_being_taken() {
    let (_place, hub) = hub("", &[]);
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n", 4 << 20).replace("PORT", &hub.port.to_string());
    let mut held: Vec<Wire> = (0..8).map(|_| Wire::tcp(hub.port).unwrap()).collect();
    held.iter_mut().for_each(|wire| wire.send(request.as_bytes()).unwrap());
    assert_eq!(post(hub.port, 1000), 202);
    assert!(hub.stop().success());
}

/// Three of them have all the room for large ones, and the others wait for it.
#[test]
fn posts_that_stop_in_the_middle_make_room_for_those_that_come() {
    let (_place, hub) = hub("", &[]);
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    let head = format!("{head}Content-Length: {}\r\n\r\n", 4 << 20).replace("PORT", &hub.port.to_string());
    let begun = head + &"x".repeat(20_000);
    let mut held: Vec<Wire> = (0..12).map(|_| Wire::tcp(hub.port).unwrap()).collect();
    held.iter_mut().for_each(|wire| wire.send(begun.as_bytes()).unwrap());
    assert_eq!(post(hub.port, 1000), 202);
    assert_eq!(post(hub.port, 3 << 20), 202);
    assert_eq!(held.remove(0).answer().status, 503);
    assert!(hub.stop().success());
}

#[test]
fn large_posts_that_come_at_once_are_taken_one_behind_the_other() {
    let (_place, hub) = hub("", &[]);
    let port = hub.port;
    let posts: Vec<_> = (0..10).map(|_| std::thread::spawn(move || post(port, 4 << 20))).collect();
    let statuses: Vec<u16> = posts.into_iter().map(|post| post.join().unwrap()).collect();
    assert_eq!(statuses, [202; 10]);
    assert!(hub.stop().success());
}

#[test]
fn connections_beyond_the_limit_get_503_and_come_in_when_one_leaves() {
    let (_place, hub) = hub("connections = 8", &[]);
    let mut held: Vec<Wire> = (0..8).map(|_| upgraded(hub.port, "/", "").unwrap()).collect();
    let refused = upgraded(hub.port, "/", "").expect_err("no room");
    assert_eq!((refused.status, refused.body.contains("too many connections")), (503, true));
    assert_eq!(get(hub.port, "/healthz"), 503);
    held.pop();
    let until = Instant::now() + DEADLINE;
    while get(hub.port, "/healthz") != 200 {
        assert!(Instant::now() < until, "the place stays taken");
    }
    drop(held);
    assert!(hub.stop().success());
}

/// Whoever has taken all the others: what is started below a claude gets none of the owner's.
#[test]
#[cfg_attr(feature = "portable", ignore = "nobody tells which process has connected")]
fn the_owner_gets_in_by_the_unix_socket_where_all_other_places_are_taken() {
    let (place, hub) = hub("connections = 8", &[]);
    let _held: Vec<Wire> = (0..8).map(|_| upgraded(hub.port, "/", "").unwrap()).collect();
    let socket = named(&place.path("run/claude-mpm"), ".sock").pop().unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}\r\n");
    for _ in 0..3 {
        let mut owner = upgraded_on(Wire::unix(&socket).unwrap(), &request).unwrap();
        owner.say(r#"{"command":"ping"}"#).unwrap();
        while owner.json().expect("an answer")["type"] != "pong" {}
        assert_eq!(get(hub.port, "/healthz"), 503);
    }
    let call = |session: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "calls_a_socket", "--nocapture"]).env(CALLED, &socket);
        command.env("CLAUDE_MPM_SESSION", session);
        String::from_utf8(piped::run(command, b"", DEADLINE).stdout).unwrap()
    };
    assert!(call("").contains("came: 200"), "{}", call(""));
    assert!(call("a-session").contains("came: 503"), "{}", call("a-session"));
    assert!(hub.stop().success());
}

/// Nothing, where no socket is named.
#[test]
fn calls_a_socket() {
    let Some(socket) = std::env::var_os(CALLED) else { return };
    let mut wire = Wire::unix(Path::new(&socket)).unwrap();
    wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    println!("came: {}", wire.answer().status);
}

/// They neither read nor close when they are turned away.
#[test]
fn strangers_who_never_close_take_no_more_places_than_theirs() {
    let (_place, hub) = hub("connections = 8\nunauthenticated = 3", &["--auth", "required"]);
    let until = Instant::now() + DEADLINE;
    let mut strangers = Vec::new();
    while strangers.len() < 60 {
        match upgraded(hub.port, "/", "") {
            Ok(mut wire) => {
                // Every other one is turned away for what it says.
                let is_rude = strangers.len() % 2 == 0;
                let _said = is_rude.then(|| wire.say(r#"{"command":"ping"}"#));
                strangers.push(wire);
            }
            Err(answer) => assert!(answer.body.contains("not said who they are"), "{answer:?}"),
        }
        assert!(Instant::now() < until, "{} were let in", strangers.len());
    }
    assert!(hub.stop().success());
}

#[test]
fn who_shows_no_token_has_a_moment_and_few_places() {
    let (_place, hub) = hub("unauthenticated = 3\nauthentication_seconds = 1", &["--auth", "required"]);
    let mut held: Vec<Wire> = (0..3).map(|_| upgraded(hub.port, "/", "").unwrap()).collect();
    // Who comes now is heard, and who has said nothing for longest goes.
    let until = Instant::now() + DEADLINE;
    let mut newest = loop {
        match upgraded(hub.port, "/", "") {
            Ok(wire) => break wire,
            Err(answer) => assert_eq!(answer.status, 503),
        }
        assert!(Instant::now() < until, "nobody leaves");
    };
    assert_eq!(held.remove(0).close_code(), Some(4401));
    assert_eq!(refused(&mut newest, r#"{"command":"ping"}"#), "AUTH001");
    assert_eq!(get(hub.port, "/healthz"), 200);
    for wire in &mut held {
        let (took, code) = ended(wire);
        assert_eq!(code, Some(4401));
        assert!(took < DEADLINE / 2, "{took:?}");
    }
    assert!(hub.stop().success());
}

#[test]
fn requests_beyond_the_burst_are_errors_and_then_the_end() {
    let (_place, hub) = hub("requests_per_second = 1\nburst = 5", &[]);
    let mut wire = upgraded(hub.port, "/", "").unwrap();
    let ping = r#"{"command":"ping"}"#;
    (0..30).for_each(|_| drop(wire.say(ping)));
    let (mut pongs, mut errors) = (0, 0);
    let code = loop {
        match wire.frame().expect("a Close") {
            (8, payload) => break u16::from_be_bytes([payload[0], payload[1]]),
            (1, payload) => {
                let frame: Value = serde_json::from_slice(&payload).unwrap();
                pongs += usize::from(frame["type"] == "pong");
                errors += usize::from(frame["data"]["error_code"] == "RATE001");
            }
            _ => {}
        }
    };
    assert_eq!((pongs.clamp(5, 8), errors.clamp(10, 20), code), (pongs, errors, 4429));
    assert!(hub.stop().success());
}

#[test]
fn patterns_are_128_of_256_bytes() {
    let (_place, hub) = hub("", &[]);
    let mut wire = upgraded(hub.port, "/", "").unwrap();
    let of = |count: usize, pattern: &str| {
        let list = vec![format!("{pattern:?}"); count].join(",");
        format!(r#"{{"command":"subscribe","channels":[{list}],"replay":0}}"#)
    };
    for (count, length) in [(128, 256), (128, 1), (1, 256)] {
        wire.say(&of(count, &"a".repeat(length))).unwrap();
        while wire.json().expect("an answer")["type"] != "subscribed" {}
    }
    for text in [
        of(129, "a"),
        of(1, &"a".repeat(257)),
        of(15_000, "a"),
        of(1, "a..b"),
        of(1, "**"),
        of(1, ""),
        of(1, "*.a"),
    ] {
        assert_eq!(refused(&mut wire, &text), "REQ002", "{}", text.len());
    }
    assert!(hub.stop().success());
}

#[test]
fn who_takes_nothing_for_the_write_deadline_is_cut_and_who_answers_no_ping_too() {
    let (_place, hub) = hub("write_seconds = 1\nping_seconds = 1", &[]);
    let mut deaf = upgraded(hub.port, "/?channels=*&replay=0", "").unwrap();
    let mut silent = upgraded(hub.port, "/", "").unwrap();
    let body = format!("[{}{EVENT}]", format!("{EVENT},").repeat(2000));
    let head = "POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let clients = || hub.get("/api/status")["connected_clients"].as_u64().unwrap();
    let until = Instant::now() + DEADLINE;
    while clients() > 0 {
        assert!(Instant::now() < until, "{} are still there", clients());
        ask(hub.port, &request);
    }
    // What is left of it in the kernel ends without a pong of ours being missed.
    assert!(ended(&mut deaf).0 < DEADLINE);
    let (_, code) = ended(&mut silent);
    assert!([None, Some(1001), Some(1002), Some(4408)].contains(&code), "{code:?}");
    assert!(hub.stop().success());
}

#[test]
fn a_limit_out_of_its_range_is_said_before_anything_listens() {
    for (line, says) in [
        ("connections = 7", "7 is not from 8 to 65536"),
        ("burst = 0", "0 is not from 1 to 100000"),
        ("ping_seconds = -1", "-1 is not from 1 to 60"),
        ("post_bytes = 1000000000", "1000000000 is not from 1024 to 16777216"),
        ("conections = 8", "unknown field"),
    ] {
        let place = Place::new(WRAPPER);
        let config = place.path("config.toml");
        fs::write(&config, format!("[limits]\n{line}\n")).unwrap();
        for words in
            [&["serve", "--websocket-port", "0"][..], &["--websocket-port", "auto", "--claude", "true"]]
        {
            let mut command = place.command(words);
            command.env("CLAUDE_MPM_CONFIG", &config);
            let output = piped::run(command, b"", DEADLINE);
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && err.contains(says), "{words:?}: {err}");
            assert!(err.contains("cannot understand ") && err.contains("line 2"), "{err}");
        }
    }
}

#[test]
fn an_instance_has_the_users_limits_too() {
    let place = Place::new(WRAPPER);
    let config = place.path("config.toml");
    fs::write(&config, "[limits]\npost_bytes = 1024\n").unwrap();
    let options = ["--launch-method", "subprocess", "--websocket-port", "auto", "--headless"];
    let mut command = place.command(&options);
    command.env("CLAUDE_MPM_CONFIG", &config).args(["--claude", "sh", "--", "-c", "sleep 1000"]);
    let session = Hub::started(command);
    assert_eq!((post(session.port, 1024), post(session.port, 1025)), (202, 413));
}

/// With the handshake as programs do, and in the first message as pages do.
#[test]
fn an_honest_client_with_a_token_comes_in_while_all_places_of_strangers_are_taken() {
    let (place, hub) = hub("", &["--auth", "required"]);
    let output = piped::run(place.command(&["token", "create", "--role", "read"]), b"", DEADLINE);
    let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let mut strangers: Vec<Wire> = (0..64).map(|_| upgraded(hub.port, "/", "").unwrap()).collect();
    let shown = format!("Authorization: Bearer {token}\r\n");
    let wire = Wire::tcp(hub.port).unwrap();
    let by_head = upgraded_on(wire, &handshake(hub.port, "/", &shown)).unwrap();
    let until = Instant::now() + DEADLINE;
    let mut by_message = loop {
        assert!(Instant::now() < until, "all places stay taken");
        if let Ok(wire) = upgraded(hub.port, "/", "") {
            break wire;
        }
    };
    by_message.say(&format!(r#"{{"command":"auth","token":{token:?}}}"#)).unwrap();
    for mut wire in [by_head, by_message] {
        wire.say(r#"{"command":"ping"}"#).unwrap();
        while wire.json().expect("an answer")["type"] != "pong" {}
    }
    assert_eq!(strangers.remove(0).close_code(), Some(4401));
    assert!(hub.stop().success());
}
