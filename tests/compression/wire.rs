//! A client that compresses, or claims to, byte by byte.

use crate::hub_server::{PATIENCE, TestServer};
use crate::raw_ws::HANDSHAKE;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const OFFER: &str = "permessage-deflate; client_max_window_bits";

pub(crate) struct Wire {
    stream: TcpStream,
    /// The answer to the handshake.
    pub(crate) head: String,
    /// Bytes of all frames so far.
    pub(crate) bytes: usize,
    window_bits: u8,
}

impl Wire {
    /// Connects to a path with this offer, and takes the greeting away.
    pub(crate) async fn connect(server: &TestServer, path: &str, offer: &str) -> Self {
        let mut wire = Self::shake_hands(server, path, offer).await;
        assert!(wire.message().await.1.contains("system.status"));
        wire
    }

    /// The same, where somebody who has no token is not greeted yet.
    pub(crate) async fn shake_hands(server: &TestServer, path: &str, offer: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let offer = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        let host = format!("127.0.0.1:{}", server.address.port());
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{HANDSHAKE}{offer}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.expect("a head").unwrap());
        }
        let wire = Self { stream, head: String::from_utf8(head).unwrap(), bytes: 0, window_bits: 15 };
        assert!(wire.head.starts_with("HTTP/1.1 101"), "{}", wire.head);
        wire
    }

    /// What was agreed on.
    pub(crate) fn agreed(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: "))
    }

    /// What is sent has to be readable with a window of this size.
    pub(crate) fn with_window(mut self, bits: u8) -> Self {
        self.window_bits = bits;
        self
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // The server may have hung up already.
        let _sent = self.stream.write_all(bytes).await;
    }

    /// The next text as JSON, and whether it came compressed.
    pub(crate) async fn next(&mut self) -> (bool, Value) {
        let (is_compressed, text) = self.message().await;
        (is_compressed, serde_json::from_str(&text).unwrap_or_else(|cause| panic!("{cause}: {text:.200}")))
    }

    /// The next text, and whether it came compressed.
    pub(crate) async fn message(&mut self) -> (bool, String) {
        loop {
            let (first, payload) = self.frame().await.expect("a frame");
            match first {
                0x81 => return (false, String::from_utf8(payload).unwrap()),
                0xc1 => {
                    let text = inflated(&payload, self.window_bits);
                    assert!(text.len() > payload.len() && text.len() > 512, "it was worth it");
                    return (true, String::from_utf8(text).unwrap());
                }
                0x89 | 0x8a => {}
                other => panic!("a frame that begins with {other:#x}"),
            }
        }
    }

    /// The code of the Close frame; other frames are passed over.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let (0x88, payload) = self.frame().await? {
                return Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, self.read_frame()).await.expect("a frame or the end")
    }

    async fn read_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (self.stream.read_u8().await.ok()?, self.stream.read_u8().await.ok()?);
        let (header, length) = match second {
            126 => (4, u64::from(self.stream.read_u16().await.ok()?)),
            127 => (10, self.stream.read_u64().await.ok()?),
            short => (2, u64::from(short)),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        self.bytes += header + payload.len();
        Some((first, payload))
    }
}

/// As a client compresses a whole message.
pub(crate) fn deflated(text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() + 100);
    Compress::new(Compression::best(), false).compress_vec(text, &mut packed, FlushCompress::Sync).unwrap();
    packed.truncate(packed.len() - 4);
    packed
}

fn inflated(packed: &[u8], window_bits: u8) -> Vec<u8> {
    let whole = [packed, &[0, 0, 0xff, 0xff]].concat();
    let mut text = Vec::with_capacity(8 << 20);
    let mut inflate = Decompress::new_with_window_bits(false, window_bits.max(9));
    inflate.decompress_vec(&whole, &mut text, FlushDecompress::Sync).unwrap();
    assert_eq!(inflate.total_in(), whole.len() as u64);
    text
}
