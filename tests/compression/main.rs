//! Compressed messages on the wire (RFC 7692): who gets them, that they say the same, and what a client may send so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod clients;
#[path = "../server/hub_server.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod hub_server;
#[path = "../server/raw_ws.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod raw_ws;
mod wire;

use claude_mpm::hub::Bounds;
use claude_mpm::server::Limits;
use hub_server::{TestServer, quiet};
use raw_ws::masked;
use serde_json::Value;
use std::fmt::Write;
use wire::{OFFER, Wire, deflated};

const OURS: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const ALL: &str = r#"{"command":"subscribe","channels":["*"],"replay":10000}"#;

/// Text as programs print it, of about so many bytes, never the same.
fn prose(number: u64, bytes: usize) -> String {
    const WORDS: [&str; 16] = [
        "error",
        "src/server/",
        "connection",
        "the",
        "of",
        "test",
        "ok",
        "warning:",
        "cannot",
        "read",
        "let",
        "mut",
        "self",
        "result",
        "build",
        "main.rs",
    ];
    let (mut text, mut random) = (String::new(), fastrand::Rng::with_seed(number));
    while text.len() < bytes {
        let word = WORDS[random.usize(..WORDS.len())];
        write!(text, "{word} {} ", random.u16(..1_000)).unwrap();
    }
    text
}

fn say_large(server: &TestServer, count: u64) {
    (0..count).for_each(|number| _ = server.say(&prose(number, 2_000)));
}

/// A server that keeps all that is said.
async fn roomy() -> TestServer {
    TestServer::with(quiet(), Bounds { records: 10_000, bytes: 256 << 20 }).await
}

async fn subscribed(server: &TestServer, path: &str, offer: &str) -> Wire {
    let mut client = Wire::connect(server, path, offer).await;
    client.send(&masked(0x81, ALL.as_bytes())).await;
    assert_eq!(client.next().await.1["type"], "subscribed");
    client.bytes = 0;
    client
}

#[tokio::test]
async fn who_is_on_this_machine_gets_it_only_where_it_asks() {
    let server = TestServer::start().await;
    for (path, offer, expected) in [
        ("/", OFFER, None),
        ("/?compress=0", OFFER, None),
        ("/?compress=yes", OFFER, None),
        ("/?compress=1", OFFER, Some(OURS.to_owned())),
        ("/?compress=true", OFFER, None),
        ("/?compress=1", "permessage-deflate; x", None),
        (
            "/?compress=1",
            "permessage-deflate; server_max_window_bits=10",
            Some(format!("{OURS}; server_max_window_bits=10")),
        ),
    ] {
        let client = Wire::connect(&server, path, offer).await;
        assert_eq!(client.agreed(), expected.as_deref(), "{path} {offer}");
    }
}

#[tokio::test]
async fn who_is_on_another_machine_gets_it_unless_it_declines() {
    let all = nix::ifaddrs::getifaddrs()
        .unwrap()
        .filter_map(|interface| interface.address?.as_sockaddr_in().copied());
    let Some(address) = all.map(|address| address.ip()).find(|ip| !ip.is_loopback()) else {
        return eprintln!("nothing is tested: this machine has no address but loopback");
    };
    let server = TestServer::beyond(address).await;
    for (path, offer, expected) in [
        ("/", OFFER, Some(OURS)),
        ("/events", OFFER, Some(OURS)),
        ("/?compress=0", OFFER, None),
        ("/", "x", None),
    ] {
        let client = Wire::shake_hands(&server, path, offer).await;
        assert_eq!(client.agreed(), expected, "{path} {offer}");
    }
}

#[tokio::test]
async fn large_events_take_at_most_half_the_bytes_and_say_the_same() {
    let server = roomy().await;
    say_large(&server, 1_000);
    let mut plain = subscribed(&server, "/", OFFER).await;
    let mut small = subscribed(&server, "/?compress=1", OFFER).await;
    for number in 0..1_000 {
        let (plain, small) = (plain.next().await, small.next().await);
        assert_eq!((plain.0, small.0), (false, true), "{number}");
        assert_eq!(plain.1, small.1);
        assert_eq!(plain.1["data"]["content"], prose(number, 2_000));
    }
    println!("{} bytes plain, {} compressed", plain.bytes, small.bytes);
    assert!(small.bytes * 2 <= plain.bytes, "{} of {}", small.bytes, plain.bytes);
}

#[tokio::test]
async fn small_events_go_as_they_are_and_large_replies_compressed() {
    let server = TestServer::start().await;
    let mut client = subscribed(&server, "/?compress=1", OFFER).await;
    server.say("short");
    let (is_compressed, event) = client.next().await;
    assert_eq!((is_compressed, &event["data"]["content"]), (false, &Value::from("short")));
    say_large(&server, 20);
    for _ in 0..20 {
        assert!(client.next().await.0);
    }
    client.send(&masked(0x81, br#"{"command":"get_history"}"#)).await;
    let (is_compressed, history) = client.next().await;
    assert!(is_compressed);
    assert_eq!(history["data"]["events"].as_array().unwrap().len(), 21);
}

#[tokio::test]
async fn a_client_with_a_small_window_can_read_all_it_gets() {
    let server = TestServer::start().await;
    let offer = "permessage-deflate; server_max_window_bits=10";
    let mut client = subscribed(&server, "/?compress=1", offer).await.with_window(10);
    for (bytes, expected) in [(600, true), (1_000, false), (50_000, false)] {
        server.say(&prose(7, bytes));
        let (is_compressed, event) = client.next().await;
        assert_eq!(is_compressed, expected, "{bytes}");
        assert_eq!(event["data"]["content"], prose(7, bytes));
    }
}

/// A ping with this much beside it.
fn ping(pad: usize) -> String {
    format!(r#"{{"command":"ping","pad":"{}"}}"#, "x".repeat(pad))
}

/// One frame of a compressed message, which has the bit for that on its first frame alone.
fn packed(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, payload)
}

#[tokio::test]
async fn compressed_requests_are_read_whole_or_in_fragments_with_others_between() {
    let server = TestServer::start().await;
    let mut client = Wire::connect(&server, "/?compress=1", OFFER).await;
    let message = deflated(ping(60_000).as_bytes());
    let (head, tail) = message.split_at(message.len() / 2);
    let fragments =
        [packed(0x41, head), masked(0x89, b"in between"), packed(0x00, b""), packed(0x80, tail)].concat();
    let literal = fastrand::Rng::with_seed(1).bytes_of_hex(20_000);
    for (what, bytes) in [
        ("whole", packed(0xc1, &message)),
        ("in fragments", fragments.clone()),
        ("plain", masked(0x81, ping(100).as_bytes())),
        (
            "plain in fragments",
            [masked(0x01, &ping(9).as_bytes()[..5]), masked(0x80, &ping(9).as_bytes()[5..])].concat(),
        ),
        ("with a last block", packed(0xc1, &finished(ping(10).as_bytes()))),
        (
            "hardly smaller",
            packed(0xc1, &deflated(format!(r#"{{"command":"ping","pad":"{literal}"}}"#).as_bytes())),
        ),
        ("two at once", [packed(0xc1, &message), fragments].concat()),
    ] {
        client.send(&bytes).await;
        for _ in 0..if what == "two at once" { 2 } else { 1 } {
            assert_eq!(client.next().await.1["type"], "pong", "{what}");
        }
    }
    let mut byte_by_byte = packed(0xc1, &message);
    byte_by_byte.extend(masked(0x81, ping(1).as_bytes()));
    for byte in byte_by_byte {
        client.send(&[byte]).await;
    }
    assert_eq!(client.next().await.1["type"], "pong");
    assert_eq!(client.next().await.1["type"], "pong");
}

/// Ends with a block that says it is the last, and with the byte that RFC 7692 section 7.2.3.4 wants behind it.
fn finished(text: &[u8]) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut packed = Vec::with_capacity(text.len() + 100);
    Compress::new(Compression::fast(), false).compress_vec(text, &mut packed, FlushCompress::Finish).unwrap();
    packed.push(0);
    packed
}

trait Hex {
    fn bytes_of_hex(&mut self, count: usize) -> String;
}

impl Hex for fastrand::Rng {
    fn bytes_of_hex(&mut self, count: usize) -> String {
        (0..count).map(|_| self.alphanumeric()).collect()
    }
}

#[tokio::test]
async fn every_violation_ends_with_its_code_and_costs_no_more_than_a_message() {
    let server = TestServer::start().await;
    let text = deflated(ping(600).as_bytes());
    let bomb = deflated(&vec![b'x'; 64 << 20]);
    let (head, tail) = text.split_at(10);
    for (what, bytes, code) in [
        ("a bomb", packed(0xc1, &bomb), 1009),
        (
            "a bomb in fragments",
            [packed(0x41, &bomb[..30_000]), packed(0x80, &bomb[30_000..])].concat(),
            1009,
        ),
        ("one byte too many", packed(0xc1, &deflated(&vec![b'x'; 65_537])), 1009),
        ("no deflate", packed(0xc1, b"\xff\xff\xff\xff"), 1007),
        (
            "no deflate later",
            [packed(0x41, head), packed(0x80, b"\xff\xff\xff\xff\xff\xff\xff\xff")].concat(),
            1007,
        ),
        ("not UTF-8", packed(0xc1, &deflated(b"a\xffb")), 1007),
        ("binary", packed(0xc2, &deflated(b"x")), 1003),
        ("compressed ping", packed(0xc9, b"x"), 1002),
        ("the bit on a continuation", [packed(0x41, head), packed(0xc0, tail)].concat(), 1002),
        ("the bit on a continuation of a plain one", [masked(0x01, b"{"), masked(0xc0, b"}")].concat(), 1002),
        ("another reserved bit", packed(0xe1, &text), 1002),
        ("a reserved opcode", packed(0xc3, &text), 1002),
        ("a message within another", [packed(0x41, head), packed(0xc1, &text)].concat(), 1002),
        ("a plain one within another", [packed(0x41, head), masked(0x81, b"{}")].concat(), 1002),
        ("a compressed one within a plain one", [masked(0x01, b"{"), packed(0xc1, &text)].concat(), 1002),
        ("not masked", [&[0xc1, 5], &text[..5]].concat(), 1002),
        ("plain and too big", masked(0x81, &vec![b'x'; 65_537]), 1009),
        ("too big by its header", vec![0x81, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
    ] {
        let mut client = Wire::connect(&server, "/?compress=1", OFFER).await;
        client.send(&masked(0x81, br#"{"command":"ping"}"#)).await;
        client.send(&bytes).await;
        assert_eq!(client.next().await.1["type"], "pong", "{what}: what came before is answered");
        assert_eq!(client.close_code().await, Some(code), "{what}");
    }
    let mut client = Wire::connect(&server, "/", OFFER).await;
    client.send(&packed(0xc1, &text)).await;
    assert_eq!(client.close_code().await, Some(1002), "compressed without agreement");
}

/// 200 messages of a few bytes each become no more at once than one of them may.
#[tokio::test]
async fn many_small_bombs_are_unpacked_one_by_one() {
    let limits = Limits { requests_per_second: 1e6, burst: 1e6, ..quiet() };
    let server = TestServer::with(limits, Bounds::default()).await;
    let mut client = Wire::connect(&server, "/?compress=1", OFFER).await;
    let message = packed(0xc1, &deflated(ping(65_000).as_bytes()));
    assert!(message.len() < 150, "{}", message.len());
    client.send(&message.repeat(200)).await;
    for _ in 0..200 {
        assert_eq!(client.next().await.1["type"], "pong");
    }
}
