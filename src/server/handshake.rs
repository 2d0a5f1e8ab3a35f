//! The beginning of a connection at a door with TLS: hands are shaken, or the caller is told in plain words that this
//! door is one. It has the time of a request's head, and waits among those who have said nothing yet.

use super::listener::Stream;
use crate::tls::Identity;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The first byte of TLS: a record of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// What TLS may seal before the kernel takes it, bytes for each connection.
const SEALED: usize = 16 << 10;
/// Read of a caller that is turned away, bytes: closed with something unread, it would not see the answer.
const SCRAP: u64 = 64 << 10;

const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\n\
    content-type: application/json\r\n\
    content-length: 82\r\n\
    connection: close\r\n\
    x-content-type-options: nosniff\r\n\
    cache-control: no-store\r\n\
    content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
    referrer-policy: no-referrer\r\n\r\n\
    {\"error\":\"cannot accept request: TLS is spoken here; ask with https:// or wss://\"}";

/// The connection once hands are shaken; `None` when they are not by then.
pub(super) async fn shake(tcp: TcpStream, identity: &Identity, until: Instant) -> Option<Stream> {
    match timeout_at(until, shaken(tcp, identity)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(cause)) => failed(&cause),
        Err(_) => failed(&"it took too long"),
    }
}

fn failed(cause: &dyn std::fmt::Display) -> Option<Stream> {
    tracing::debug!("cannot shake hands over TLS: {cause}");
    None
}

async fn shaken(mut tcp: TcpStream, identity: &Identity) -> io::Result<Option<Stream>> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] != HANDSHAKE {
        turn_away(&mut tcp).await?;
        return Ok(None);
    }
    let limited =
        |session: &mut tokio_rustls::rustls::ServerConnection| session.set_buffer_limit(Some(SEALED));
    let stream = identity.acceptor().accept_with(tcp, limited).await?;
    Ok(Some(Stream::Tls(Box::new(stream))))
}

async fn turn_away(tcp: &mut TcpStream) -> io::Result<()> {
    tcp.write_all(PLAIN.as_bytes()).await?;
    tcp.shutdown().await?;
    tokio::io::copy(&mut tcp.take(SCRAP), &mut tokio::io::sink()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_answer_is_as_long_as_it_says() {
        let (head, body) = PLAIN.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        for (name, value) in super::super::answer::PROTECTION {
            assert!(head.contains(&format!("\r\n{name}: {value}")), "{name}");
        }
    }
}
