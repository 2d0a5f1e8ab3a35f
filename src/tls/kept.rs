//! Certificates of our own making: one for each address, made at its first use and kept with its key, so that whoever
//! has noted its fingerprint finds the same hub again.
//!
//! They stand in `$XDG_STATE_HOME/claude-mpm/tls`, closed to others, each in one file with its key. One that has
//! nearly expired, or lacks a name it should have, is made anew.

use super::identity::{Identity, TlsError};
use super::{Fingerprint, provider};
use crate::instance::RuntimeDirectory;
use etcetera::BaseStrategy;
use nix::fcntl::{Flock, FlockArg};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// As long as Apple's systems take a certificate for good at all: 825 days, and a day for clocks that go late.
const LIFE: Duration = Duration::from_secs(823 * 24 * 3600);
/// A certificate that ends sooner is made anew, so that it does not end under a hub that has just begun.
const REST: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long another claude-mpm may take to make one.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);
/// Behind the address in the name under which a certificate is kept.
const SUFFIX: &str = ".pem.kept";

/// The certificate for a hub at this address, made where there is none that is good.
///
/// # Errors
/// When it cannot be made or kept, with the cause.
pub fn kept_for(address: IpAddr) -> Result<Identity, TlsError> {
    let folder = place().ok_or_else(|| TlsError::NotMade("no home directory is known".into()))?;
    kept_in(&folder, address, SystemTime::now())
}

/// One that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The address it was made for.
    pub address: String,
    /// What it is known by.
    pub fingerprint: Fingerprint,
}

/// All that are kept for this user, by address.
pub fn kept() -> Vec<Kept> {
    let entries = place().and_then(|folder| std::fs::read_dir(folder).ok());
    let names =
        entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let read = |name: String| {
        let address = name.strip_suffix(SUFFIX)?.to_owned();
        let text = RuntimeDirectory::at(&place()?).ok()?.kept(&format!("{address}.pem"))?;
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).ok()?;
        Some(Kept { address, fingerprint: Fingerprint::of(&certificate) })
    };
    let mut all: Vec<Kept> = names.filter_map(read).collect();
    all.sort_by(|one, other| one.address.cmp(&other.address));
    all
}

fn place() -> Option<PathBuf> {
    let state = etcetera::choose_base_strategy().ok()?.state_dir()?;
    Some(state.join("claude-mpm/tls"))
}

fn kept_in(path: &Path, address: IpAddr, now: SystemTime) -> Result<Identity, TlsError> {
    let failed = |cause: &dyn std::fmt::Display| TlsError::NotMade(cause.to_string());
    let folder = open(path).map_err(TlsError::NotMade)?;
    // Two that begin in one moment show the same certificate.
    let _lock = lock(folder.path()).map_err(|cause| failed(&format_args!("{}: {cause}", path.display())))?;
    let name = format!("{address}.pem");
    let names = Names::of(address);
    if let Some(text) = folder.kept(&name)
        && let Ok(identity) = Identity::of_pem(text.as_bytes(), None)
        && names.stand_in(text.as_bytes(), now + REST)
    {
        return Ok(identity);
    }
    let text = make(&names, now).map_err(|cause| failed(&cause))?;
    folder.keep(&name, &text).map_err(|cause| failed(&format_args!("{}: {cause}", path.display())))?;
    Identity::of_pem(text.as_bytes(), None).map_err(|cause| failed(&cause))
}

/// The folder and the one above it are ours alone; those above that are made where they are missing.
fn open(path: &Path) -> Result<RuntimeDirectory, String> {
    let above = path.parent().unwrap_or(path);
    if let Some(base) = above.parent() {
        std::fs::create_dir_all(base).map_err(|cause| format!("{}: {cause}", base.display()))?;
    }
    RuntimeDirectory::at(above).map_err(|cause| cause.to_string())?;
    RuntimeDirectory::at(path).map_err(|cause| cause.to_string())
}

fn lock(folder: &Path) -> io::Result<Flock<File>> {
    let until = Instant::now() + PATIENCE;
    let mut file = File::open(folder)?;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, nix::Error::EWOULDBLOCK)) if Instant::now() < until => file,
            Err((_, cause)) => return Err(cause.into()),
        };
        std::thread::sleep(LOOK);
    }
}

/// What a certificate is good for.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    /// It is made anew where one of these is missing.
    needed: BTreeSet<String>,
    /// These come and go with networks.
    also: BTreeSet<String>,
}

impl Names {
    fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let mut needed: BTreeSet<String> = loopback.iter().map(IpAddr::to_string).collect();
        needed.insert("localhost".into());
        needed.extend(host_name());
        let also = match address.is_unspecified() {
            true => interfaces(),
            false => {
                needed.insert(address.to_string());
                BTreeSet::new()
            }
        };
        Self { needed, also }
    }

    /// Whether the certificate of this text is good for all that are needed, then.
    fn stand_in(&self, text: &[u8], then: SystemTime) -> bool {
        let Ok(certificate) = CertificateDer::from_pem_slice(text) else { return false };
        let mut itself = RootCertStore::empty();
        if itself.add(certificate.clone()).is_err() {
            return false;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(itself), provider());
        let (Ok(verifier), Ok(then)) = (builder.build(), then.duration_since(SystemTime::UNIX_EPOCH)) else {
            return false;
        };
        let then = UnixTime::since_unix_epoch(then);
        self.needed.iter().all(|name| {
            let name = ServerName::try_from(name.as_str());
            name.is_ok_and(|name| verifier.verify_server_cert(&certificate, &[], &name, &[], then).is_ok())
        })
    }
}

/// The name of this machine, where it can stand in a certificate.
fn host_name() -> Option<String> {
    let name = nix::unistd::gethostname().ok()?.into_string().ok()?.to_ascii_lowercase();
    matches!(ServerName::try_from(name.as_str()), Ok(ServerName::DnsName(_))).then_some(name)
}

/// The addresses of this machine.
fn interfaces() -> BTreeSet<String> {
    let found = nix::ifaddrs::getifaddrs().into_iter().flatten().filter_map(|interface| interface.address);
    let address = |address: nix::sys::socket::SockaddrStorage| {
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    };
    found.filter_map(address).map(|address| address.to_string()).collect()
}

/// Key and certificate in PEM.
fn make(names: &Names, now: SystemTime) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let all: BTreeSet<&String> = names.needed.union(&names.also).collect();
    let mut params = CertificateParams::new(all.into_iter().cloned().collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, "claude-mpm");
    // Each key its own name: a client that keeps several looks for the one that signed. No more than 64 letters fit.
    let key_name: String = Fingerprint::of(key.public_key_raw()).to_string().chars().take(32).collect();
    params.distinguished_name.push(DnType::OrganizationName, key_name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + (now + LIFE);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(key.serialize_pem() + &params.self_signed(&key)?.pem())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn fingerprint(path: &Path, address: IpAddr, now: SystemTime) -> Fingerprint {
        kept_in(path, address, now).unwrap().fingerprint()
    }

    #[test]
    fn it_is_the_same_until_it_nearly_expires_and_private() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("state/claude-mpm/tls");
        let now = SystemTime::now();
        let first = fingerprint(&folder, LOCAL, now);
        assert_eq!(fingerprint(&folder, LOCAL, now + LIFE - REST - DAY), first);
        assert_ne!(fingerprint(&folder, LOCAL, now + LIFE - REST + DAY), first);
        let other = fingerprint(&folder, "192.0.2.1".parse().unwrap(), now);
        assert_ne!(other, first);
        assert_eq!((mode(&folder), mode(&base.path().join("state/claude-mpm"))), (0o700, 0o700));
        assert_eq!(mode(&folder.join("127.0.0.1.pem.kept")), 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn one_without_a_name_it_needs_or_with_a_broken_text_is_made_anew() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/tls");
        let now = SystemTime::now();
        let first = fingerprint(&folder, LOCAL, now);
        let file = folder.join("127.0.0.1.pem.kept");
        let few = Names { needed: ["localhost".to_owned()].into(), also: BTreeSet::new() };
        let mut last = first;
        for text in [make(&few, now).unwrap(), "garbage".into(), String::new()] {
            fs::write(&file, text).unwrap();
            let next = fingerprint(&folder, LOCAL, now);
            assert_ne!(next, last);
            assert_eq!(fingerprint(&folder, LOCAL, now), next);
            last = next;
        }
    }

    #[test]
    fn it_holds_the_address_this_machine_and_its_loopback_names() {
        let lan: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(Names::of(lan), Names::of(mapped));
        for name in ["192.0.2.1", "localhost", "127.0.0.1", "::1"] {
            assert!(Names::of(lan).needed.contains(name), "{name}");
        }
        let anywhere = Names::of(Ipv4Addr::UNSPECIFIED.into());
        assert!(!anywhere.needed.contains("0.0.0.0"));
        let text = make(&anywhere, SystemTime::now()).unwrap();
        assert!(anywhere.stand_in(text.as_bytes(), SystemTime::now()));
        assert!(!Names::of(lan).stand_in(text.as_bytes(), SystemTime::now()));
        assert!(!anywhere.stand_in(text.as_bytes(), SystemTime::now() - DAY - DAY));
    }

    #[test]
    fn a_link_in_place_of_the_folder_or_the_file_is_not_followed() {
        let base = tempfile::tempdir().unwrap();
        let (real, link) = (base.path().join("a/tls"), base.path().join("b/tls"));
        let now = SystemTime::now();
        let first = fingerprint(&real, LOCAL, now);
        fs::create_dir(base.path().join("b")).unwrap();
        symlink(&real, &link).unwrap();
        let refused = kept_in(&link, LOCAL, now).unwrap_err().to_string();
        assert!(refused.starts_with("cannot make a certificate: cannot use directory "), "{refused}");
        let file = real.join("127.0.0.1.pem.kept");
        fs::rename(&file, base.path().join("elsewhere")).unwrap();
        symlink(base.path().join("elsewhere"), &file).unwrap();
        assert_ne!(fingerprint(&real, LOCAL, now), first);
        assert!(!file.symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn who_begins_in_one_moment_has_one_certificate() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/tls");
        let now = SystemTime::now();
        let all: Vec<Fingerprint> = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..8).map(|_| scope.spawn(|| fingerprint(&folder, LOCAL, now))).collect();
            begun.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|found| *found == all[0]));
    }
}
