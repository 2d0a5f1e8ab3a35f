//! The certificate and the key a hub shows itself with, read from PEM.
//!
//! A key that others may read is refused, as ssh does it: whoever has it can be this hub.

use super::{Fingerprint, provider};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject, SectionKind};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{self, ServerConfig};

/// Bytes of a file of certificates or keys.
const MOST: u64 = 1 << 20;
const OTHERS: u32 = 0o077;

/// Why there is no identity. Each text says what to do about it, where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The key is no secret.
    #[error("cannot use key {}: its mode {mode:04o} lets others read it; chmod 600 it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key is in another user's hands.
    #[error("cannot use key {}: it belongs to uid {owner}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// What is read is of no use.
    #[error("cannot use certificate {}: {cause}", path.display())]
    Unfit {
        /// The file of the certificate.
        path: PathBuf,
        /// Why.
        cause: Unfit,
    },
    /// A certificate of our own cannot be made or kept.
    #[error("cannot make a certificate: {0}")]
    NotMade(String),
}

/// What is wrong with PEM.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No certificate in it.
    #[error("no certificate stands in it, -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// No key in it.
    #[error("no private key stands in it; name the file of the key with --tls-key")]
    NoKey,
    /// Nobody knows which key is meant.
    #[error("several private keys are given")]
    SeveralKeys,
    /// We ask for no passphrase.
    #[error("its private key is encrypted; openssl pkey writes it without a passphrase")]
    EncryptedKey,
    /// No PEM.
    #[error("it is broken: {0}")]
    Broken(String),
    /// Key and certificate do not belong together, or nobody can work with them.
    #[error("it cannot be used with its key: {0}")]
    Mismatch(String),
}

/// A certificate and its key, ready to be shown.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// From a file that holds a certificate, behind it those that vouch for it, and the key, unless that is in a file
    /// of its own.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn of_files(certificate: &Path, key: Option<&Path>) -> Result<Self, TlsError> {
        let shown = read(certificate, key.is_none())?;
        let secret = key.map(|key| read(key, true)).transpose()?;
        Self::of_pem(&shown, secret.as_deref())
            .map_err(|cause| TlsError::Unfit { path: certificate.to_owned(), cause })
    }

    /// From PEM; the key stands in its own text, or with the certificate.
    ///
    /// # Errors
    /// When there is no certificate or no key in it, or more than one key, or they do not fit.
    pub fn of_pem(certificate: &[u8], key: Option<&[u8]>) -> Result<Self, Unfit> {
        let (chain, mut keys) = sections(certificate)?;
        if let Some(key) = key {
            keys.extend(sections(key)?.1);
        }
        let first = chain.first().ok_or(Unfit::NoCertificate)?;
        let fingerprint = Fingerprint::of(first);
        let key = keys.pop().ok_or(Unfit::NoKey)?;
        if !keys.is_empty() {
            return Err(Unfit::SeveralKeys);
        }
        let config = configured(chain, key).map_err(|cause| Unfit::Mismatch(cause.to_string()))?;
        Ok(Self { config: Arc::new(config), fingerprint })
    }

    /// What its certificate is known by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Shows it to callers.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Identity({})", self.fingerprint)
    }
}

/// Nothing is kept of a session that is over: a companion that goes on for another would not know of it.
fn configured(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

type Sections = (Vec<CertificateDer<'static>>, Vec<PrivateKeyDer<'static>>);

fn sections(text: &[u8]) -> Result<Sections, Unfit> {
    let (mut chain, mut keys) = (Vec::new(), Vec::new());
    if memchr::memmem::find(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----").is_some() {
        return Err(Unfit::EncryptedKey);
    }
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text) {
        let (kind, der) = section.map_err(|cause: pem::Error| Unfit::Broken(cause.to_string()))?;
        match kind {
            SectionKind::Certificate => chain.push(der.into()),
            SectionKind::PrivateKey => keys.push(PrivateKeyDer::Pkcs8(der.into())),
            SectionKind::RsaPrivateKey => keys.push(PrivateKeyDer::Pkcs1(der.into())),
            SectionKind::EcPrivateKey => keys.push(PrivateKeyDer::Sec1(der.into())),
            _ => {}
        }
    }
    Ok((chain, keys))
}

/// Reads a regular file, without waiting for anything that is none.
fn read(path: &Path, is_secret: bool) -> Result<Vec<u8>, TlsError> {
    let unreadable = |cause| TlsError::Unreadable { path: path.to_owned(), cause };
    let (file, found) = open(path).map_err(unreadable)?;
    if is_secret && found.mode() & OTHERS != 0 {
        return Err(TlsError::Open { path: path.to_owned(), mode: found.mode() & 0o7777 });
    }
    // Root can read it anyway.
    if is_secret && ![0, nix::unistd::geteuid().as_raw()].contains(&found.uid()) {
        return Err(TlsError::Foreign { path: path.to_owned(), owner: found.uid() });
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST {
        return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
    }
    Ok(bytes)
}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if found.is_file() { Ok((file, found)) } else { Err(io::Error::other("it is not a regular file")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A certificate and its key, PEM.
    fn made() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn certificate_and_key_stand_together_or_apart() {
        let (certificate, key) = made();
        let together = format!("some words\n{key}{certificate}");
        let one = Identity::of_pem(together.as_bytes(), None).unwrap();
        let other = Identity::of_pem(certificate.as_bytes(), Some(key.as_bytes())).unwrap();
        assert_eq!(one.fingerprint(), other.fingerprint());
        assert_eq!(format!("{one:?}"), format!("Identity({})", one.fingerprint()));
    }

    #[test]
    fn what_is_missing_doubled_or_broken_is_named() {
        let ((certificate, key), (_, foreign)) = (made(), made());
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let broken = certificate.replace("MII", "M!!");
        let unended = certificate.replace("-----END CERTIFICATE-----", "");
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let start = |unfit: &Unfit| unfit.to_string().split([' ', ':']).take(3).collect::<Vec<_>>().join(" ");
        for (certificate, key, says) in [
            ("", key.as_str(), "no certificate stands"),
            ("garbage", &key, "no certificate stands"),
            (&key, "", "no certificate stands"),
            (&certificate, "", "no private key"),
            (&certificate, "garbage", "no private key"),
            (&certificate, &certificate, "no private key"),
            (&certificate, &format!("{key}{foreign}"), "several private keys"),
            (&format!("{certificate}{key}"), &foreign, "several private keys"),
            (&certificate, &encrypted, "its private key"),
            (&broken, &key, "it is broken"),
            (&unended, &key, "it is broken"),
            (cut, &key, "it cannot be"),
            (&certificate, &foreign, "it cannot be"),
        ] {
            let refused = Identity::of_pem(certificate.as_bytes(), Some(key.as_bytes())).unwrap_err();
            assert_eq!(start(&refused), says, "{refused}");
        }
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_and_a_certificate_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let (shown, secret) = made();
        fs::write(&certificate, &shown).unwrap();
        fs::write(&key, &secret).unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        set(&certificate, 0o644);
        for (mode, fits) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
            set(&key, mode);
            let read = Identity::of_files(&certificate, Some(&key));
            assert_eq!(read.is_ok(), fits, "{mode:o}");
            assert!(fits || read.unwrap_err().to_string().ends_with("lets others read it; chmod 600 it"));
        }
        fs::write(&certificate, shown + &secret).unwrap();
        assert!(matches!(Identity::of_files(&certificate, None), Err(TlsError::Open { mode: 0o644, .. })));
    }

    #[test]
    fn what_is_no_file_of_a_sane_size_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, large) = (folder.path().join("pipe"), folder.path().join("large"));
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::write(&large, vec![b'x'; usize::try_from(MOST).unwrap() + 1]).unwrap();
        for path in [pipe, large, folder.path().to_owned(), folder.path().join("none")] {
            let refused = Identity::of_files(&path, Some(Path::new("/dev/null"))).unwrap_err().to_string();
            assert!(refused.starts_with("cannot read "), "{refused}");
        }
    }
}
