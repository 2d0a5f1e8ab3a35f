//! TLS over the wire, with the real binary: which certificate is shown, what is refused, that nobody can dawdle, and
//! what becomes of it in both launch methods.

mod exposure;
mod flow;
mod sessions;
mod speaker;
mod trust;

use speaker::{Hub, connect, over_tls, place, run};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use test_support::{DEADLINE, interpreters, piped};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");

/// Says what the certificate of a hub is known by, connects under each name, and tells what came.
const PYTHON: &str = r#"
import hashlib, json, socket, ssl, sys
from websockets.sync.client import connect
port = int(sys.argv[1])
pem = ssl.get_server_certificate(("127.0.0.1", port))
print("certificate sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper())
trusting = ssl.create_default_context(cadata=pem)
for name in ["localhost", "127.0.0.1", "other.example"]:
    try:
        with socket.create_connection(("127.0.0.1", port)) as raw:
            with trusting.wrap_socket(raw, server_hostname=name) as tls:
                print(name, tls.version())
    except ssl.SSLCertVerificationError:
        print(name, "refused")
with connect(f"wss://localhost:{port}/ws", ssl=trusting, origin=f"https://localhost:{port}") as hub:
    print("greeted", json.loads(hub.recv(10))["type"])
    hub.send(json.dumps({"command": "ping", "request_id": "1"}))
    print("answered", json.loads(hub.recv(10))["type"])
try:
    connect(f"wss://localhost:{port}/ws", ssl=trusting, origin=f"http://localhost:{port}")
except Exception as cause:
    print("foreign", "403" in str(cause))
"#;

#[test]
fn python_finds_the_certificate_that_was_printed_and_speaks_over_it() {
    let place = place();
    let hub = Hub::serve(&place, &["--tls", "auto"]);
    let mut python = interpreters::python();
    python.args(["-c", PYTHON, &hub.port.to_string()]);
    let (status, out, err) = speaker::told(&piped::run(python, b"", DEADLINE));
    assert_eq!(status, Some(0), "{err}");
    let certificate = format!("certificate {}", hub.certificate);
    let lines: Vec<&str> = out.lines().collect();
    let expected = [
        certificate.as_str(),
        "localhost TLSv1.3",
        "127.0.0.1 TLSv1.3",
        "other.example refused",
        "greeted system.status",
        "answered pong",
        "foreign True",
    ];
    assert_eq!(lines, expected);
    let (_, checked, _) = run(&place, &["check"]);
    assert!(checked.contains(&format!("wss://127.0.0.1:{} has {}", hub.port, hub.certificate)), "{checked}");
    assert!(hub.stop().success());
}

#[test]
fn openssl_sees_the_same_certificate_and_tls_1_2_is_spoken_too() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let hub = Hub::serve(&place(), &["--tls", "auto"]);
    let mut openssl = Command::new("openssl");
    openssl.args([
        "s_client",
        "-tls1_2",
        "-alpn",
        "h2,http/1.1",
        "-connect",
        &format!("127.0.0.1:{}", hub.port),
    ]);
    let shown = piped::run(openssl, b"", DEADLINE).stdout;
    let text = String::from_utf8_lossy(&shown);
    assert!(text.contains("TLSv1.2") && text.contains("ALPN protocol: http/1.1"), "{text}");
    let mut openssl = Command::new("openssl");
    openssl.args(["x509", "-noout", "-fingerprint", "-sha256"]);
    let told = piped::run(openssl, &shown, DEADLINE).stdout;
    let told = String::from_utf8_lossy(&told);
    let fingerprint = told.trim().rsplit('=').next().expect("a fingerprint");
    assert_eq!(fingerprint.parse(), Ok(hub.pin()));
    assert!(hub.stop().success());
}

#[test]
fn the_certificate_is_the_same_at_the_next_start_and_another_user_has_another() {
    let first = place();
    let shown = |place| {
        let hub = Hub::serve(place, &["--tls", "auto"]);
        let certificate = hub.certificate.clone();
        assert!(hub.stop().success());
        certificate
    };
    let certificate = shown(&first);
    assert_eq!(shown(&first), certificate);
    assert_ne!(shown(&place()), certificate);
}

#[test]
fn a_door_with_tls_takes_what_the_plain_one_does_under_https_alone() {
    let hub = Hub::serve(&place(), &["--tls", "auto", "--allow-origin", "https://box.example"]);
    assert!(hub.get("/healthz", "").starts_with("HTTP/1.1 200"));
    for (origin, status) in [
        (format!("https://localhost:{}", hub.port), "200"),
        ("https://box.example".into(), "200"),
        (format!("http://localhost:{}", hub.port), "403"),
        ("https://localhost".into(), "403"),
        (format!("https://localhost:{}", hub.port.wrapping_add(1)), "403"),
        ("null".into(), "403"),
    ] {
        let answer = hub.get("/healthz", &format!("Origin: {origin}\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{origin}: {answer}");
    }
    assert!(hub.stop().success());
}

#[test]
fn who_comes_without_tls_is_told_so_in_plain_words() {
    let hub = Hub::serve(&place(), &["--tls", "auto"]);
    for sent in [format!("GET / HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", hub.port), "\0\0".into(), "x".into()]
    {
        let answer = answered(hub.port, sent.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https:// or wss://"), "{answer}");
    }
    let (status, _, err) = run(&place(), &["check", "--connect", &hub.url().replace("wss", "ws")]);
    assert_eq!((status, err.contains("it speaks TLS: wss://")), (Some(5), true), "{err}");
    assert!(hub.stop().success());
}

#[test]
fn who_comes_with_tls_to_a_plain_door_is_turned_away() {
    let place = place();
    let hub = place.serve(0);
    let answer = answered(hub.port, &client_hello(0x0303));
    assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{answer}");
    let (status, _, err) = run(&place, &["check", "--connect", &hub.url().replace("ws", "wss")]);
    assert_eq!((status, err.contains("it does not speak TLS")), (Some(5), true), "{err}");
    assert!(hub.stop().success());
}

/// Everything that comes until the end of the connection.
fn answered(port: u16, sent: &[u8]) -> String {
    let mut stream = connect(port);
    stream.write_all(sent).expect("a sent request");
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the end of the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The first message of a client that knows no newer version (RFC 5246, section 7.4.1.2).
fn client_hello(version: u16) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    // No session; ECDHE-ECDSA with AES, as of 1.0 and as of 1.2; no compression.
    body.extend([0, 0, 4, 0xc0, 0x09, 0xc0, 0x2b, 1, 0]);
    // Groups: P-256; points: uncompressed; signatures: ECDSA with P-256 and SHA-256.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend([0, extensions.len() as u8]);
    body.extend(extensions);
    let length = body.len() as u8;
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

#[test]
fn versions_before_1_2_are_refused_with_an_alert() {
    const ALERT: u8 = 21;
    const PROTOCOL_VERSION: u8 = 70;
    let hub = Hub::serve(&place(), &["--tls", "auto"]);
    for version in [0x0300, 0x0301, 0x0302] {
        let mut stream = connect(hub.port);
        stream.write_all(&client_hello(version)).expect("a sent hello");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the end of the connection");
        assert_eq!((answer.first(), answer.last()), (Some(&ALERT), Some(&PROTOCOL_VERSION)), "{answer:?}");
    }
    let mut stream = connect(hub.port);
    stream.write_all(&client_hello(0x0303)).expect("a sent hello");
    let mut first = [0];
    stream.read_exact(&mut first).expect("an answer");
    assert_eq!(first, [22], "1.2 goes on with a handshake");
    assert!(hub.stop().success());
}

#[test]
fn handshakes_that_stall_are_cut_and_keep_no_honest_client_out() {
    let hub = Hub::serve(&place(), &["--tls", "auto"]);
    let hello = client_hello(0x0303);
    let stall = |number: usize| {
        let mut stream = connect(hub.port);
        // Nothing at all, the beginning of a record, or a whole hello with nothing behind.
        let sent = [0, 7, hello.len()][number % 3];
        stream.write_all(&hello[..sent]).expect("a sent beginning");
        stream
    };
    let stalled: Vec<TcpStream> = (0..200).map(stall).collect();
    assert!(hub.get("/healthz", "").starts_with("HTTP/1.1 200"));
    for mut stream in stalled {
        // Cut, by an end or a reset; the read fails by its own deadline otherwise.
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(
            ended.is_ok() || ended.is_err_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionReset)
        );
    }
    assert!(hub.stop().success());
}

#[test]
fn half_a_head_over_tls_and_then_silence_is_cut_too() {
    let hub = Hub::serve(&place(), &["--tls", "auto"]);
    let mut stream = over_tls(hub.port, hub.pin());
    stream.write_all(b"GET / HTTP/1.1\r\nHo").expect("a sent beginning");
    stream.flush().expect("it is sent");
    let ended = stream.read_to_end(&mut Vec::new());
    assert!(ended.is_ok() || ended.is_err_and(|cause| cause.kind() != std::io::ErrorKind::WouldBlock));
    assert!(hub.stop().success());
}
