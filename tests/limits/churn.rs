//! Ten thousand connections that come and go: nothing is left of them.
//!
//! `CONNECTS=100000` makes so many; without, 10,000.

use super::floods::written;
use crate::WRAPPER;
use crate::cost::Cost;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::standalone::{Place, named};
use test_support::wire::{HANDSHAKE, Wire, upgraded_on};

/// Of a process that has seen them all, KiB above what it had after the first hundreds.
const MOST: u64 = 8 << 10;

/// By which way, and what is done there.
type Kind = (&'static str, fn(&mut Wire));

const KINDS: [Kind; 4] = [
    ("opened and closed", |_| {}),
    ("GET", |wire| {
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n").ok();
        wire.answer();
    }),
    ("WebSocket opened and closed", |wire| {
        wire.send(&test_support::wire::masked(0x88, &[3, 232])).ok();
        while wire.frame().is_some_and(|(opcode, _)| opcode != 8) {}
    }),
    ("WebSocket aborted within a frame", |wire| {
        wire.send(&[0x81, 0xfe, 0x10, 0x00, 1, 2, 3, 4, b'x']).ok();
    }),
];

/// A port, or a socket.
#[derive(Debug)]
enum Road {
    Tcp(u16),
    Unix(PathBuf),
}

impl Road {
    fn connect(&self) -> Wire {
        match self {
            Self::Tcp(port) => Wire::tcp(*port).unwrap(),
            Self::Unix(path) => Wire::unix(path).unwrap(),
        }
    }

    fn host(&self) -> String {
        match self {
            Self::Tcp(port) => format!("127.0.0.1:{port}"),
            Self::Unix(_) => "hub".into(),
        }
    }

    fn visit(&self, (name, does): Kind) {
        let mut wire = self.connect();
        let host = self.host();
        if name == "GET" {
            wire.send(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
            assert_eq!(wire.answer().status, 200);
            return;
        }
        if name.starts_with("WebSocket") {
            wire = upgraded_on(wire, &format!("GET / HTTP/1.1\r\nHost: {host}\r\n{HANDSHAKE}\r\n")).unwrap();
        }
        does(&mut wire);
    }
}

fn settled(pid: u32, before: Cost) -> Cost {
    let until = Instant::now() + DEADLINE;
    loop {
        let now = Cost::of(pid);
        if now.descriptors <= before.descriptors && now.threads <= before.threads {
            return now;
        }
        assert!(Instant::now() < until, "{before:?} {now:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn connects() -> usize {
    std::env::var("CONNECTS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

#[test]
fn ten_thousand_connections_leave_no_descriptor_no_thread_and_no_memory() {
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    let socket = named(Path::new(&place.path("run/claude-mpm")), ".sock").pop().unwrap();
    let roads = [Road::Tcp(hub.port), Road::Unix(socket)];
    let round = |times: usize| {
        for road in &roads {
            for kind in KINDS {
                (0..times).for_each(|_| road.visit(kind));
            }
        }
    };
    let idle = Cost::of(hub.pid());
    round(100);
    // What lives as long as the hub does comes with the first who need it: the files of its journal with the first event.
    assert_eq!(hub.post("/api/events", r#"{"type":"x.y","source":"x","data":{}}"#).0, 202);
    written(&hub);
    let before = settled(hub.pid(), Cost { threads: u64::MAX, descriptors: idle.descriptors + 4, ..idle });
    round(connects() / (roads.len() * KINDS.len()));
    let after = settled(hub.pid(), before);
    println!("{} connections: {before:?}, {after:?}", connects());
    assert!(after.memory <= before.memory + MOST, "{before:?} {after:?}");
    assert_eq!((after.descriptors, after.threads), (before.descriptors, before.threads));
    assert!(hub.stop().success());
}
