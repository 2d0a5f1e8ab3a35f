//! Which certificates a client trusts: those that the system's own roots vouch for, or the one it was told of.
//!
//! Where it was told of one, nothing else is looked at: not its names, not its time. That whoever shows it has its key
//! too is checked in either case.

use super::{Fingerprint, provider};
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

/// Whom to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that a root of this system vouches for, under the name they were called by, in their time.
    System,
    /// Who shows this certificate.
    Pinned(Fingerprint),
}

/// Why a certificate is not trusted. The texts are causes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It is not the one we were told of.
    #[error("its certificate is another than the one that was named: {found}")]
    Another {
        /// What it is.
        found: Fingerprint,
    },
    /// The system does not trust it.
    #[error("its certificate is not trusted, because {cause} (fingerprint {found})")]
    Unknown {
        /// What it is.
        found: Fingerprint,
        /// Why.
        cause: String,
    },
}

impl Distrust {
    /// Of what a handshake failed by; `None` where that was something else.
    pub fn of(cause: &Error) -> Option<&Self> {
        match cause {
            Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => cause.downcast_ref(),
            _ => None,
        }
    }
}

impl Trust {
    /// Connects to those that are trusted. The system's roots are read once.
    ///
    /// # Errors
    /// When this system has no roots that could be read.
    pub fn connector(self) -> Result<TlsConnector, String> {
        static SYSTEM: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
        let config = match self {
            Self::Pinned(wanted) => configured(Arc::new(Pin(wanted))),
            Self::System => SYSTEM.get_or_init(|| configured(Arc::new(System(system()?)))).clone(),
        };
        config.map(TlsConnector::from)
    }
}

fn configured(verifier: Arc<dyn ServerCertVerifier>) -> Result<Arc<ClientConfig>, String> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|cause| cause.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn system() -> Result<Arc<WebPkiServerVerifier>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        let cause = found.errors.first().map_or_else(String::new, |cause| format!(": {cause}"));
        return Err(format!("this system has no certificates that it trusts{cause}"));
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    builder.build().map_err(|cause| cause.to_string())
}

fn refused(cause: Distrust) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(cause))))
}

fn in_words(cause: &Error) -> String {
    match cause {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => "nobody known vouches for it".into(),
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "it has expired".into()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "it is for another name".into(),
        other => other.to_string(),
    }
}

/// Both verifiers check signatures alike.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                certificate,
                signed,
                &provider().signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                certificate,
                signed,
                &provider().signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

#[derive(Debug)]
struct Pin(Fingerprint);

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = Fingerprint::of(certificate);
        if found == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(refused(Distrust::Another { found }))
        }
    }

    signatures!();
}

#[derive(Debug)]
struct System(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for System {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.verify_server_cert(certificate, chain, name, ocsp, now).map_err(|cause| {
            refused(Distrust::Unknown { found: Fingerprint::of(certificate), cause: in_words(&cause) })
        })
    }

    signatures!();
}
