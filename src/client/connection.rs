//! One connection to a hub: requests with their answers, and frames as they come. Every wait has a deadline.

use super::endpoint::Io;
use super::{
    CONNECT_DEADLINE, ClientError, Endpoint, Frame, MAX_MESSAGE_BYTES, REPLY_DEADLINE, SIGN_OF_LIFE, SILENCE,
};
use crate::dialect::close::{AfterClose, after_close};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{self, Bytes, Message, http::StatusCode};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// An open connection.
pub struct Connection {
    socket: WebSocketStream<Box<dyn Io>>,
    requests: u64,
}

impl Connection {
    /// Connects to the first endpoint that answers.
    ///
    /// # Errors
    /// Why the last one did not.
    pub async fn open_any(endpoints: &[Endpoint]) -> Result<(Self, &Endpoint), ClientError> {
        let nowhere = || std::io::Error::new(std::io::ErrorKind::NotFound, "it has neither socket nor port");
        let mut last = ClientError::Connect { endpoint: "the hub".into(), cause: nowhere() };
        for endpoint in endpoints {
            match Self::open(endpoint).await {
                Ok(connection) => return Ok((connection, endpoint)),
                Err(cause) => last = cause,
            }
        }
        Err(last)
    }

    /// Connects, within [`CONNECT_DEADLINE`].
    ///
    /// # Errors
    /// When nobody answers, or something that is no hub, or the hub refuses.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, ClientError> {
        match timeout(CONNECT_DEADLINE, Self::shake_hands(endpoint)).await {
            Ok(opened) => opened,
            Err(_) => Err(ClientError::TimedOut { what: "connecting", limit: CONNECT_DEADLINE }),
        }
    }

    async fn shake_hands(endpoint: &Endpoint) -> Result<Self, ClientError> {
        let request = endpoint.handshake().map_err(|cause| refused(endpoint, &cause))?;
        let stream = endpoint.connect().await?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES))
            .max_write_buffer_size(1 << 20);
        let opened = client_async_with_config(request, stream, Some(config)).await;
        let (socket, _) = opened.map_err(|cause| refused(endpoint, &cause))?;
        Ok(Self { socket, requests: 0 })
    }

    /// Asks and waits for the answer, within [`REPLY_DEADLINE`]. `request` must be an object. What comes in between
    /// is dropped: before a subscription that is the greeting only.
    ///
    /// # Errors
    /// When the hub answers with an error or not at all.
    pub async fn request(&mut self, mut request: Value) -> Result<Frame, ClientError> {
        let request_id = self.request_id();
        request["request_id"] = Value::from(request_id.as_str());
        self.exchange(request.to_string(), &request_id).await
    }

    /// Publishes these events, JSON objects each, all of them or none; the numbers they have now.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub async fn publish(&mut self, events: impl Iterator<Item = &str>) -> Result<Vec<u64>, ClientError> {
        #[derive(Deserialize)]
        struct Published {
            seqs: Vec<u64>,
        }
        let request_id = self.request_id();
        let mut text = format!(r#"{{"command":"publish","request_id":"{request_id}","events":["#);
        for (place, event) in events.enumerate() {
            text.push_str(if place == 0 { "" } else { "," });
            text.push_str(event);
        }
        text.push_str("]}");
        let reply = self.exchange(text, &request_id).await?;
        let published = Published::deserialize(reply.data());
        published.map(|published| published.seqs).map_err(|cause| ClientError::Reply {
            code: reply.kind().to_owned(),
            message: format!("it is no answer to what was published: {cause}"),
        })
    }

    /// A new name for a request.
    pub(super) fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("r{}", self.requests)
    }

    /// As [`Connection::request`], with a text that carries this `request_id`.
    pub(super) async fn exchange(&mut self, text: String, request_id: &str) -> Result<Frame, ClientError> {
        let answer = async {
            self.send(Message::text(text)).await?;
            loop {
                let frame = self.next().await?;
                if frame.answers(request_id) {
                    return Ok(frame);
                }
            }
        };
        let limit = REPLY_DEADLINE;
        let reply = timeout(limit, answer)
            .await
            .map_err(|_| ClientError::TimedOut { what: "the answer", limit })??;
        if reply.kind() == "error" { Err(reply.error()) } else { Ok(reply) }
    }

    /// Measures one `ping` and its `pong`.
    ///
    /// # Errors
    /// As [`Connection::request`].
    pub async fn round_trip(&mut self) -> Result<Duration, ClientError> {
        let asked = Instant::now();
        self.request(json!({"command": "ping"})).await?;
        Ok(asked.elapsed())
    }

    /// Waits for the next frame. A hub that is silent is asked for a sign of life, and lost when it gives none.
    ///
    /// # Errors
    /// When the connection is closed or lost. Cancel-safe.
    pub async fn next(&mut self) -> Result<Frame, ClientError> {
        let mut patience = SILENCE;
        loop {
            let Ok(message) = timeout(patience, self.socket.next()).await else {
                if patience == SIGN_OF_LIFE {
                    return Err(ClientError::TimedOut { what: "a sign of life", limit: SIGN_OF_LIFE });
                }
                patience = SIGN_OF_LIFE;
                self.send(Message::Ping(Bytes::new())).await?;
                continue;
            };
            patience = SILENCE;
            match message.unwrap_or(Err(tungstenite::Error::ConnectionClosed)) {
                Ok(Message::Text(text)) => match Frame::parse(text) {
                    Some(frame) => return Ok(frame),
                    None => tracing::warn!("the hub sent a text that is no frame"),
                },
                Ok(Message::Close(frame)) => return Err(closed(frame)),
                Ok(_) => {}
                Err(cause) => return Err(lost(&cause)),
            }
        }
    }

    /// Says goodbye, as far as that is possible within a second.
    pub async fn close(mut self) {
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        drop(timeout(Duration::from_secs(1), self.socket.close(Some(goodbye))).await);
    }

    /// Sends a text.
    pub(super) async fn say(&mut self, text: String) -> Result<(), ClientError> {
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), ClientError> {
        let limit = REPLY_DEADLINE;
        let sent = timeout(limit, self.socket.send(message)).await;
        sent.map_err(|_| ClientError::TimedOut { what: "sending", limit })?.map_err(|cause| lost(&cause))
    }
}

fn refused(endpoint: &Endpoint, cause: &tungstenite::Error) -> ClientError {
    let endpoint = endpoint.to_string();
    match cause {
        tungstenite::Error::Http(answer) => match answer.status() {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                ClientError::Refused(status.to_string())
            }
            status if status.is_server_error() => ClientError::Lost(status.to_string()),
            StatusCode::BAD_REQUEST if says_tls(answer.body().as_deref()) => {
                ClientError::Handshake { endpoint, cause: "it speaks TLS: wss://".into() }
            }
            status => ClientError::Handshake { endpoint, cause: status.to_string() },
        },
        tungstenite::Error::Io(cause) => ClientError::Lost(cause.to_string()),
        // A hub that goes away while we shake hands looks like this.
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::HandshakeIncomplete) => {
            ClientError::Lost("closed before the handshake was complete".into())
        }
        other => ClientError::Handshake { endpoint, cause: other.to_string() },
    }
}

/// What a door with TLS answers to those who come without.
fn says_tls(body: Option<&[u8]>) -> bool {
    body.is_some_and(|body| memchr::memmem::find(body, b"TLS is spoken here").is_some())
}

fn closed(frame: Option<CloseFrame>) -> ClientError {
    // 1005: closed without a code (RFC 6455, section 7.1.5).
    let (code, reason) = frame.map_or((1005, String::new()), |f| (f.code.into(), f.reason.to_string()));
    match after_close(code) {
        AfterClose::Refused => ClientError::Refused(format!("code {code} {reason}").trim_end().to_owned()),
        _ => ClientError::Closed { code, reason },
    }
}

fn lost(cause: &tungstenite::Error) -> ClientError {
    match cause {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            ClientError::Lost("it ended without a close frame".into())
        }
        other => ClientError::Lost(other.to_string()),
    }
}
