//! A client that says what a test has it say, byte for byte and at any path of a hub, and hears the answers one by one.
//! It knows the wire as any client does, and holds every frame against the schema of the dialect that the path speaks.

use crate::{DEADLINE, schema};
use serde_json::Value;
use std::net::TcpStream;
use tungstenite::protocol::WebSocket;
use tungstenite::{Error, Message, client};

/// The close code of a connection that ends without one (RFC 6455, 7.1.5).
const NO_CODE: u16 = 1006;

/// One connection.
#[derive(Debug)]
pub struct Conversation {
    socket: WebSocket<TcpStream>,
    dialect: &'static str,
    /// The first frame.
    pub greeting: Value,
}

impl Conversation {
    /// Connects to `ws://127.0.0.1:PORT/PATH?QUERY` and hears the greeting.
    ///
    /// # Panics
    /// If the hub does not greet within [`DEADLINE`].
    #[track_caller]
    pub fn open(url: &str) -> Self {
        let (address, path) = url.strip_prefix("ws://").and_then(|rest| rest.split_once('/')).expect("a URL");
        let stream = TcpStream::connect(address).expect("a hub that listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        let (socket, _) = client(url, stream).expect("a handshake");
        let mut conversation = Self { socket, dialect: dialect_at(path), greeting: Value::Null };
        conversation.greeting = conversation.hear();
        conversation
    }

    /// Says this.
    ///
    /// # Panics
    /// If the connection is over.
    #[track_caller]
    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("a sent message");
    }

    /// The next frame.
    ///
    /// # Panics
    /// If none comes within [`DEADLINE`].
    #[track_caller]
    pub fn hear(&mut self) -> Value {
        self.listen().unwrap_or_else(|code| panic!("it was closed with {code}"))
    }

    /// Says this and gives the next frame.
    #[track_caller]
    pub fn ask(&mut self, text: &str) -> Value {
        self.say(text);
        self.hear()
    }

    /// The next frame of which it holds; the others are passed over.
    #[track_caller]
    pub fn hear_of(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.hear_until(wanted).pop().expect("the last one is it")
    }

    /// All frames up to the first of which it holds, with that one.
    #[track_caller]
    pub fn hear_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            match self.listen() {
                Ok(frame) => frames.push(frame),
                Err(code) => panic!("it never came, and they closed with {code}: {frames:#?}"),
            }
            if frames.last().is_some_and(&wanted) {
                return frames;
            }
        }
    }

    /// All frames up to the end of the connection, and its close code.
    #[track_caller]
    pub fn hear_out(mut self) -> (Vec<Value>, u16) {
        let mut frames = Vec::new();
        loop {
            match self.listen() {
                Ok(frame) => frames.push(frame),
                Err(code) => return (frames, code),
            }
        }
    }

    /// A frame, or the code of the end.
    #[track_caller]
    fn listen(&mut self) -> Result<Value, u16> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let frame = serde_json::from_str(&text).expect("JSON");
                    schema::check(self.dialect, &frame);
                    return Ok(frame);
                }
                Ok(Message::Close(close)) => return Err(close.map_or(NO_CODE, |close| close.code.into())),
                Ok(_) => {}
                Err(Error::Io(cause)) if cause.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("nothing was heard for {DEADLINE:?}")
                }
                Err(_) => return Err(NO_CODE),
            }
        }
    }
}

/// What is spoken at a path, without its first `/`.
#[track_caller]
fn dialect_at(path: &str) -> &'static str {
    match path.split('?').next() {
        Some("" | "ws") => "classic",
        Some("events") => "envelope",
        Some("monitor") => "monitor",
        _ => panic!("nothing is spoken at /{path}"),
    }
}
