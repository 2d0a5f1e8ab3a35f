//! Hooks of a program that was left alone with the terminal, while companions are killed: every one is answered.

use crate::{Place, STAND};
use nix::libc;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use test_support::DEADLINE;
use test_support::program::Program;
use test_support::subscriber::Subscriber;

const NOTIFICATION: &str =
    r#"{"session_id":"0b5fd1a5-6c0e-4b0e-8a32-1f2f3f4f5f6f","hook_event_name":"Notification","message":"m"}"#;

/// A program that takes hooks like claude, so that they are injected: it says where they lead.
fn hooked(place: &Place) -> (Program, String, String) {
    let path = place.root.path().join("program");
    let says = "echo \"$CLAUDE_MPM_HOOK_KEY\"; for word; do echo \"$word\"; done; echo end";
    fs::write(&path, format!("#!/bin/sh\n{says}\n{STAND}\n")).expect("a program");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
    let command = place.command(&["--hooks", "http"], path.to_str().expect("text"), &[]);
    let program = Program::start(command, b"");
    program.wait_out(|line| line == "end");
    let lines = program.out();
    let said = lines.join("\n");
    let at = said.find("http://127.0.0.1:").expect("a URL") + "http://".len();
    let address = said[at..].split('/').next().expect("an address").to_owned();
    (program, address, lines[0].clone())
}

/// Posts the first `length` bytes of a notification.
fn begin_to_post(address: &str, key: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let head = format!(
        "POST /api/hooks/Notification HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        NOTIFICATION.len(),
        &NOTIFICATION[..length]
    );
    stream.write_all(head.as_bytes()).expect("a sent hook");
    stream
}

fn post(address: &str, key: &str) -> String {
    let mut stream = begin_to_post(address, key, NOTIFICATION.len());
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer and the end of the connection");
    answer
}

#[test]
fn a_hook_that_comes_while_there_is_no_companion_waits_for_the_next_one() {
    let place = Place::new();
    let (program, address, key) = hooked(&place);
    let answer = post(&address, &key);
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    let (keeper, companion) = place.ours();
    // The keeper cannot act, so the hook finds the listener and nobody behind it.
    assert!(keeper.signal(libc::SIGSTOP) && companion.signal(libc::SIGKILL));
    assert!(companion.ends_within(DEADLINE));
    let waiting = std::thread::spawn(move || post(&address, &key));
    assert!(keeper.signal(libc::SIGCONT));
    let answer = waiting.join().expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let client = Subscriber::connect(&place.url());
    // What the first one took is there as well where its numbers go on.
    client.wait_for(|received| {
        let expected = if received.of("session.start").is_empty() { 1 } else { 2 };
        received.of("hook.notification").len() == expected
    });
    place.release();
    program.finish();
    place.is_left_clean();
}

#[test]
fn a_hook_that_a_companion_has_begun_to_take_is_answered_by_the_next_one() {
    let place = Place::new();
    let (program, address, key) = hooked(&place);
    let mut begun = begin_to_post(&address, &key, 1);
    // One that comes later is answered, so the first has been accepted.
    assert!(post(&address, &key).starts_with("HTTP/1.1 204"));
    assert!(place.ours().1.signal(libc::SIGKILL));
    let mut answer = [0; 64];
    let count = begun.read(&mut answer).expect("an answer");
    assert!(answer[..count].starts_with(b"HTTP/1.1 204"), "{:?}", String::from_utf8_lossy(&answer[..count]));
    place.release();
    program.finish();
    place.is_left_clean();
}
