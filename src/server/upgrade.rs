//! The server's half of the WebSocket opening handshake (RFC 6455 section 4.2).
//!
//! Only the headers are judged here; which paths take an upgrade is `http`'s. Subprotocols are ignored,
//! which refuses them; the one extension that is known is `extension`'s.

use hyper::header::{CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The only version there is.
pub(super) const VERSION: &str = "13";

/// Why a handshake fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadUpgrade {
    #[error("cannot upgrade: the request has to be a GET in HTTP/1.1")]
    Request,
    #[error("cannot upgrade: Connection does not name Upgrade")]
    Connection,
    #[error("cannot upgrade: only WebSocket version 13 is spoken")]
    Version,
    #[error("cannot upgrade: Sec-WebSocket-Key has to be 16 bytes in base64, once")]
    Key,
}

impl BadUpgrade {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Whether the request asks for a WebSocket, rightly or not.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    has_token(headers, UPGRADE, "websocket")
}

/// The value of `Sec-WebSocket-Accept`, when the handshake is right.
pub(super) fn accept(parts: &Parts) -> Result<String, BadUpgrade> {
    if parts.method != Method::GET || parts.version != Version::HTTP_11 {
        return Err(BadUpgrade::Request);
    }
    if !has_token(&parts.headers, CONNECTION, "upgrade") {
        return Err(BadUpgrade::Connection);
    }
    if only(&parts.headers, SEC_WEBSOCKET_VERSION) != Some(VERSION.as_bytes()) {
        return Err(BadUpgrade::Version);
    }
    let key = only(&parts.headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key)).ok_or(BadUpgrade::Key)?;
    Ok(derive_accept_key(key))
}

/// 16 bytes are 22 characters and two of padding.
fn is_key(key: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_base64)
}

fn only(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(|value| value.as_bytes())
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name);
    let mut tokens = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    tokens.any(|listed| listed.trim().eq_ignore_ascii_case(token))
}
