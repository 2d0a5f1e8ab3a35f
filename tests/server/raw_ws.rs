//! A WebSocket client that may break every rule: it sends the bytes it is given.

use super::hub_server::{PATIENCE, TestServer};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    /// Connects and reads the answer to the handshake, but no frame.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n{HANDSHAKE}\r\n", server.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.expect("a head").unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(&masked(0x81, text.as_bytes())).await;
    }

    /// The next frame; an error when the connection ended.
    pub(crate) async fn frame(&mut self) -> io::Result<Frame> {
        timeout(PATIENCE, self.read_frame()).await.expect("a frame or the end")
    }

    /// Skips frames until a Close, and returns its code; `None` when the connection ended without one.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.frame().await {
                Ok(Frame { opcode: 8, payload }) => {
                    return Some(u16::from_be_bytes([payload[0], payload[1]]));
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Reads so many bytes, whatever they are.
    pub(crate) async fn take(&mut self, count: usize) {
        timeout(PATIENCE, self.stream.read_exact(&mut vec![0; count])).await.expect("bytes").unwrap();
    }

    async fn read_frame(&mut self) -> io::Result<Frame> {
        let opcode = self.stream.read_u8().await? & 0x0f;
        let length = match self.stream.read_u8().await? {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await?;
        Ok(Frame { opcode, payload })
    }
}

/// A masked frame; `first` is the byte with flags and opcode.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | short as u8),
        medium @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
