//! Finds the instance of claude-mpm that runs in a runtime directory, by its record there, as any client could.

use crate::stage::files;
use crate::{DEADLINE, schema};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a wait looks: nothing tells of a new record.
const LOOK: Duration = Duration::from_millis(5);

/// The address of the one instance that is registered below `runtime`, `ws://127.0.0.1:PORT`.
///
/// # Panics
/// If there is none within [`DEADLINE`].
#[track_caller]
pub fn url_in(runtime: &Path) -> String {
    let until = Instant::now() + DEADLINE;
    loop {
        let port = files(&runtime.join("claude-mpm")).iter().find_map(|path| {
            let record: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
            record["port"].as_u64()
        });
        if let Some(port) = port {
            return format!("ws://127.0.0.1:{port}");
        }
        assert!(Instant::now() < until, "no instance was registered in {}", runtime.display());
        std::thread::sleep(LOOK);
    }
}

/// What `GET /api/status` answers at the hub of that address.
///
/// # Panics
/// If it does not answer within [`DEADLINE`].
#[track_caller]
pub fn status_at(url: &str) -> Value {
    let address = url.strip_prefix("ws://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("a hub that listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let request = format!("GET /api/status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a sent request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let status = serde_json::from_str(body).expect("JSON");
    schema::hold("system.status", &status);
    status
}

/// What a status says of a source of events; null where it does not know it.
pub fn source_of(status: &Value, name: &str) -> Value {
    let sources = status["sources"].as_array().into_iter().flatten();
    sources.into_iter().find(|source| source["name"] == name).cloned().unwrap_or_default()
}
