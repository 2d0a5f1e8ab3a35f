//! One HTTP exchange, byte by byte.

use super::hub_server::PATIENCE;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 when the connection ended without an answer.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Whether the head has this line.
    pub(crate) fn has(&self, line: &str) -> bool {
        self.head.lines().any(|head| head.eq_ignore_ascii_case(line))
    }
}

/// Sends the bytes and reads until the server ends the connection, or has switched protocols.
pub(crate) async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Answer {
    // The server may answer, and hang up, before it has read everything.
    let sent = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = async {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..count]);
            if answer.starts_with(b"HTTP/1.1 101") {
                return;
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no end of the answer; sent: {sent:?}"));
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, head: head.into(), body: body.into() }
}
