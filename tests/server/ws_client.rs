//! A well-behaved WebSocket client that speaks JSON, and holds what it is sent, and what it asks, against the schema.

use super::hub_server::{PATIENCE, TestServer};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use test_support::schema;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) struct Client {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    dialect: &'static str,
}

impl Client {
    /// Connects and takes the greeting away.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self::connect_to(server, "/").await.0
    }

    /// Connects to a path; the greeting is returned.
    pub(crate) async fn connect_to(server: &TestServer, path: &str) -> (Self, Value) {
        let (client, greeting) = Self::greeted(server, path).await;
        assert_eq!(greeting["type"], "system.status");
        (client, greeting)
    }

    /// Connects to a path, of whatever dialect; the first frame is returned.
    pub(crate) async fn greeted(server: &TestServer, path: &str) -> (Self, Value) {
        let url = format!("ws://{}{path}", server.address);
        let (ws, _) = timeout(PATIENCE, connect_async(url)).await.expect("a handshake").unwrap();
        let mut client = Self { ws, dialect: dialect_at(path) };
        let greeting = client.next().await;
        (client, greeting)
    }

    /// The next frame of which it holds; others are passed over.
    pub(crate) async fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.ws.send(Message::text(text)).await.unwrap();
    }

    /// As [`Client::send`]; whether it could be.
    pub(crate) async fn try_send(&mut self, text: &str) -> bool {
        timeout(PATIENCE, self.ws.send(Message::text(text))).await.is_ok_and(|sent| sent.is_ok())
    }

    /// Sends a request and returns the next frame. What is not refused has to be a request of the schema.
    pub(crate) async fn ask(&mut self, text: &str) -> Value {
        self.send(text).await;
        let reply = self.next().await;
        if reply["type"] != "error" {
            schema::check_request(self.dialect, &serde_json::from_str(text).unwrap());
        }
        reply
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        let frame = serde_json::from_str(&self.text().await).unwrap();
        schema::check(self.dialect, &frame);
        frame
    }

    /// The next frame as it was written.
    pub(crate) async fn text(&mut self) -> String {
        match self.message().await {
            Message::Text(text) => text.to_string(),
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// The contents of the next `count` lines of output.
    pub(crate) async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let frame = self.next().await;
            assert_eq!(frame["type"], "claude.output", "{frame}");
            lines.push(frame["data"]["content"].as_str().unwrap().to_owned());
        }
        lines
    }

    /// The code of the Close frame, which has to be next.
    pub(crate) async fn closed(&mut self) -> u16 {
        match self.message().await {
            Message::Close(Some(close)) => close.code.into(),
            other => panic!("expected a Close frame, got {other:?}"),
        }
    }

    async fn message(&mut self) -> Message {
        loop {
            let message = timeout(PATIENCE, self.ws.next()).await.expect("a message");
            match message.expect("the connection lives").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }
}

fn dialect_at(path: &str) -> &'static str {
    match path.split('?').next() {
        Some("/events") => "envelope",
        Some("/monitor") => "monitor",
        _ => "classic",
    }
}
