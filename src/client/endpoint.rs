//! Where a hub is: a Unix socket, or a `ws://` or `wss://` address, and then which certificate it has.

use super::{ClientError, tls};
use crate::instance::{Instance, Secret};
use crate::process::peer::is_address_of_ours;
use crate::tls::{Fingerprint, Trust};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};

/// Either kind of stream.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl Io for UnixStream {}
impl Io for TcpStream {}
impl Io for TlsStream<TcpStream> {}

/// Where a hub is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The socket of an instance of this user.
    Unix(PathBuf),
    /// A WebSocket address, `ws://host:port/path`.
    Tcp(Address),
    /// The same over TLS, `wss://host:port/path`, and whose certificate is trusted there.
    Tls(Address, Trust),
}

/// A WebSocket address, `ws://host:port/path`, and the token that is shown there. Two are equal that lead to the same
/// place.
#[derive(Debug, Clone)]
pub struct Address {
    uri: Uri,
    token: Option<Secret>,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.uri == other.uri
    }
}

impl Eq for Address {}

/// Why a text is no address of a hub. The text follows "cannot read address X: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not of the form `ws://host:port`.
    #[error("it should look like ws://localhost:8765")]
    Form,
    /// A certificate is named, and the address is one without TLS.
    #[error("a certificate is named, so it should begin with wss://")]
    Plain,
}

impl Endpoint {
    /// Reads `ws://host:port/path` or `wss://host:port/path`; `http://` and `https://` in their place, as copied from a
    /// browser, are taken for the same, and no scheme at all for `ws://`. The port defaults to 80, with TLS to 443.
    /// Over TLS, only who shows the certificate of the pin is trusted, and without one those the system trusts.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str, pin: Option<Fingerprint>) -> Result<Self, AddressError> {
        let (is_tls, rest) = match text.split_once("://") {
            Some(("ws" | "http", rest)) => (false, rest),
            Some(("wss" | "https", rest)) => (true, rest),
            Some(_) => return Err(AddressError::Form),
            None => (false, text),
        };
        let scheme = if is_tls { "wss" } else { "ws" };
        let uri: Uri = format!("{scheme}://{rest}").parse().map_err(|_| AddressError::Form)?;
        // A port that is none is taken for part of the name otherwise.
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let bad_port = has_port && uri.port_u16().is_none_or(|port| port == 0);
        match uri.host() {
            None | Some("") => Err(AddressError::Form),
            _ if bad_port => Err(AddressError::Form),
            _ if is_tls => {
                Ok(Self::Tls(Address { uri, token: None }, pin.map_or(Trust::System, Trust::Pinned)))
            }
            _ if pin.is_some() => Err(AddressError::Plain),
            _ => Ok(Self::Tcp(Address { uri, token: None })),
        }
    }

    /// Where the hub of an instance is, the best first: its Unix socket, then its port, with the certificate that its
    /// record names.
    pub fn of(instance: &Instance) -> Vec<Self> {
        let socket = instance.socket.clone().map(Self::Unix);
        let pin = instance.certificate.as_deref().and_then(|text| text.parse().ok());
        let port = instance.url().and_then(|url| Self::parse(&url, pin).ok());
        socket.into_iter().chain(port).collect()
    }

    /// Whether both are one place, whoever is trusted there.
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tls(address, _), Self::Tls(other, _)) => address == other,
            _ => self == other,
        }
    }

    /// Whether a token that is shown there goes over a network where others can read it: a host elsewhere, without TLS.
    /// Names are not looked up; `localhost` is here.
    pub fn shows_others(&self) -> bool {
        let Self::Tcp(Address { uri, .. }) = self else { return false };
        match host_of(uri).parse::<IpAddr>() {
            Ok(address) => !is_address_of_ours(address),
            Err(_) => !host_of(uri).eq_ignore_ascii_case("localhost"),
        }
    }

    /// The same place, where this token is shown (`Authorization: Bearer`, RFC 6750 section 2.1). A Unix socket needs
    /// none: the kernel says who calls.
    #[must_use]
    pub fn showing(self, token: Option<&Secret>) -> Self {
        let showing = |address: Address| Address { token: token.cloned(), ..address };
        match self {
            Self::Tcp(address) => Self::Tcp(showing(address)),
            Self::Tls(address, trust) => Self::Tls(showing(address), trust),
            unix @ Self::Unix(_) => unix,
        }
    }

    /// What a handshake begins with.
    pub(super) fn handshake(&self) -> tungstenite::Result<Request> {
        let (Self::Tcp(Address { uri, token }) | Self::Tls(Address { uri, token }, _)) = self else {
            return Uri::from_static("ws://localhost/").into_client_request();
        };
        let mut request = uri.clone().into_client_request()?;
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
                .map_err(tungstenite::http::Error::from)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Io>, ClientError> {
        let connected = match self {
            Self::Unix(path) => UnixStream::connect(path).await.map(|stream| Box::new(stream) as Box<dyn Io>),
            Self::Tcp(Address { uri, .. }) => {
                connect_tcp(uri, 80).await.map(|stream| Box::new(stream) as Box<dyn Io>)
            }
            Self::Tls(Address { uri, .. }, trust) => {
                let connect = connect_tcp(uri, 443).await;
                let stream =
                    connect.map_err(|cause| ClientError::Connect { endpoint: self.to_string(), cause })?;
                let shaken = tls::shake_hands(stream, host_of(uri), *trust).await;
                return shaken
                    .map(|stream| Box::new(stream) as Box<dyn Io>)
                    .map_err(|trouble| trouble.at(self.to_string()));
            }
        };
        connected.map_err(|cause| ClientError::Connect { endpoint: self.to_string(), cause })
    }
}

fn host_of(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

async fn connect_tcp(uri: &Uri, default_port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host_of(uri), uri.port_u16().unwrap_or(default_port))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "{}", path.display()),
            Self::Tcp(Address { uri, .. }) | Self::Tls(Address { uri, .. }, _) => {
                write!(out, "{}", uri.to_string().trim_end_matches('/'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_in_a_header_by_tcp_alone_and_nowhere_else() {
        let token = Secret::parse("mpm_abc").unwrap();
        let bare = Endpoint::parse("ws://h:1/?a=b", None).unwrap();
        let shown = bare.clone().showing(Some(&token));
        assert_eq!(shown, bare);
        let request = shown.handshake().unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer mpm_abc");
        assert_eq!(request.uri().to_string(), "ws://h:1/?a=b");
        assert!(!format!("{request:?} {shown:?} {shown}").contains("abc"));
        let unix = Endpoint::Unix("/s".into()).showing(Some(&token));
        for without in [bare, unix, shown.showing(None)] {
            assert!(!without.handshake().unwrap().headers().contains_key(AUTHORIZATION));
        }
    }

    #[test]
    fn what_is_shown_elsewhere_without_tls_is_shown_to_others() {
        for (text, expected) in [
            ("ws://127.0.0.1:1", false),
            ("ws://[::1]:1", false),
            ("http://LocalHost:1", false),
            ("wss://203.0.113.7", false),
            ("ws://203.0.113.7:1", true),
            ("203.0.113.7:1", true),
            ("ws://[2001:db8::7]:1", true),
            ("ws://box.example", true),
            ("ws://localhost.example", true),
        ] {
            assert_eq!(Endpoint::parse(text, None).unwrap().shows_others(), expected, "{text}");
        }
        assert!(!Endpoint::Unix("/s".into()).shows_others());
    }

    #[test]
    fn an_address_may_be_written_in_a_few_ways() {
        for (text, expected) in [
            ("ws://localhost:8765", "ws://localhost:8765"),
            ("http://127.0.0.1:1/", "ws://127.0.0.1:1"),
            ("localhost:8765", "ws://localhost:8765"),
            ("ws://[::1]:8765/ws?channels=*", "ws://[::1]:8765/ws?channels=*"),
            ("wss://h", "wss://h"),
            ("https://h:8765/", "wss://h:8765"),
        ] {
            assert_eq!(Endpoint::parse(text, None).unwrap().to_string(), expected, "{text}");
        }
        for (text, expected) in [
            ("ftp://h", AddressError::Form),
            ("", AddressError::Form),
            ("ws://", AddressError::Form),
            ("ws://a b", AddressError::Form),
        ] {
            assert_eq!(Endpoint::parse(text, None), Err(expected), "{text}");
        }
        let pin = Some(Fingerprint::of(b""));
        assert_eq!(Endpoint::parse("ws://h", pin), Err(AddressError::Plain));
        let (pinned, other) =
            (Endpoint::parse("wss://h", pin).unwrap(), Endpoint::parse("wss://h", None).unwrap());
        assert!(pinned != other && pinned.is_same_place(&other));
    }
}
