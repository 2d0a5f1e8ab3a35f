//! The client's half of TLS: shakes hands, and puts into words why that fails.

use super::ClientError;
use crate::tls::{Distrust, Trust};
use std::io;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{AlertDescription, Error};

/// Why hands were not shaken.
#[derive(Debug)]
pub(super) enum Trouble {
    Untrusted(Distrust),
    /// Trying again does not help.
    Strange(String),
    /// The connection broke.
    Lost(String),
}

impl Trouble {
    pub(super) fn at(self, endpoint: String) -> ClientError {
        match self {
            Self::Untrusted(cause) => ClientError::Untrusted { endpoint, cause },
            Self::Strange(cause) => ClientError::Handshake { endpoint, cause },
            Self::Lost(cause) => ClientError::Lost(cause),
        }
    }
}

/// Over a connection to the host of this name or address.
pub(super) async fn shake_hands(
    stream: TcpStream,
    host: &str,
    trust: Trust,
) -> Result<TlsStream<TcpStream>, Trouble> {
    let strange = |cause: String| Trouble::Strange(cause);
    let name = ServerName::try_from(host.to_owned()).map_err(|cause| strange(cause.to_string()))?;
    let connector = trust.connector().map_err(strange)?;
    connector.connect(name, stream).await.map_err(|cause| in_words(&cause))
}

fn in_words(cause: &io::Error) -> Trouble {
    match cause.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_)) => Trouble::Strange("it does not speak TLS; is it ws://?".into()),
        Some(Error::AlertReceived(AlertDescription::ProtocolVersion)) => {
            Trouble::Strange("it speaks no version of TLS that is safe".into())
        }
        Some(tls) => match Distrust::of(tls) {
            Some(distrust) => Trouble::Untrusted(distrust.clone()),
            None => Trouble::Strange(tls.to_string()),
        },
        None => Trouble::Lost(cause.to_string()),
    }
}
