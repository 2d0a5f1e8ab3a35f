//! Whom a client trusts: who shows the certificate that was named, or one that the system vouches for.

use crate::speaker::{Hub, place, run, told};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use test_support::standalone::Place;
use test_support::{DEADLINE, piped};

#[test]
fn every_verb_takes_the_certificate_that_is_named_and_no_other() {
    let place = place();
    let hub = Hub::serve(&place, &["--tls", "auto"]);
    let url = hub.url();
    let bare = hub.certificate.trim_start_matches("sha256:").to_lowercase();
    let colons: Vec<&str> = bare.as_bytes().chunks(2).filter_map(|pair| str::from_utf8(pair).ok()).collect();
    let zeros = "0".repeat(64);
    for verb in
        [&["status"][..], &["history"], &["watch", "--no-follow"], &["explain"], &["publish", "my.event"]]
    {
        let ask = |pin: &str| run(&place, &[verb, &["--url", &url, "--tls-fingerprint", pin]].concat());
        for pin in [&hub.certificate, &bare, &colons.join(":")] {
            let (status, _, err) = ask(pin);
            assert_eq!(status, Some(0), "{verb:?} {pin}: {err}");
        }
        let (status, _, err) = ask(&zeros);
        assert_eq!((status, err.contains("another than the one that was named")), (Some(5), true), "{err}");
        let (status, _, err) = run(&place, &[verb, &["--url", &url]].concat());
        let tip = format!("--tls-fingerprint {}", hub.certificate);
        assert_eq!((status, err.contains(&tip)), (Some(5), true), "{err}");
    }
    // Our own verbs find the hub by its record, and come by its socket.
    assert_eq!(run(&place, &["check", "--connect", "hub"]).0, Some(0));
    assert!(hub.stop().success());
}

#[test]
fn a_pin_that_means_nothing_is_refused() {
    let place = place();
    let pin = format!("sha256:{}", "0".repeat(64));
    for args in [
        &["status", "--url", "ws://127.0.0.1:1", "--tls-fingerprint", &pin][..],
        &["status", "--tls-fingerprint", &pin],
        &["status", "--url", "wss://127.0.0.1:1", "--tls-fingerprint", "sha256:00"],
        &["--hub", "ws://127.0.0.1:1", "--tls-fingerprint", &pin, "--claude", "true"],
        &["--tls-fingerprint", &pin, "--claude", "true"],
    ] {
        let (status, _, err) = run(&place, args);
        assert_eq!(status, Some(2), "{args:?}: {err}");
    }
}

/// Certificates of an authority, as files.
struct Authority {
    root: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(place: &Place, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("a certificate");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = place.path(&format!("{name}.root"));
        fs::write(&root, params.self_signed(&key).expect("a certificate").pem()).expect("a file");
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// Writes `NAME.pem` and `NAME.key` for this host, good until the beginning of that year.
    fn issue(&self, place: &Place, name: &str, host: &str, until: i32) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a certificate");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        let (shown, secret) = (place.path(&format!("{name}.pem")), place.path(&format!("{name}.key")));
        fs::write(&shown, certificate).expect("a file");
        fs::write(&secret, key.serialize_pem()).expect("a file");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a mode");
        (shown.to_string_lossy().into_owned(), secret.to_string_lossy().into_owned())
    }
}

#[test]
fn without_a_pin_the_roots_of_the_system_the_name_and_the_time_decide() {
    let place = place();
    let (authority, foreign) = (Authority::new(&place, "one"), Authority::new(&place, "other"));
    for (name, host, until, trusted, says) in [
        ("good", "localhost", 2100, true, ""),
        ("expired", "localhost", 2021, true, "it has expired"),
        ("other", "other.example", 2100, true, "it is for another name"),
        ("unknown", "localhost", 2100, false, "nobody known vouches for it"),
    ] {
        let (certificate, key) = authority.issue(&place, name, host, until);
        let hub = Hub::serve(&place, &["--tls", &certificate, "--tls-key", &key]);
        let url = format!("wss://localhost:{}", hub.port);
        let mut command = place.command(&["check", "--connect", &url]);
        command.env("SSL_CERT_FILE", if trusted { &authority.root } else { &foreign.root });
        let (status, _, err) = told(&piped::run(command, b"", DEADLINE));
        let expected = if says.is_empty() { Some(0) } else { Some(5) };
        assert_eq!((status, err.contains(says)), (expected, true), "{name}: {err}");
        // Who names the certificate asks for nothing else.
        let pinned = run(&place, &["check", "--connect", &url, "--tls-fingerprint", &hub.certificate]);
        assert_eq!(pinned.0, Some(0), "{name}: {}", pinned.2);
        assert!(hub.stop().success());
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_one_line_before_anything_starts() {
    let place = place();
    let authority = Authority::new(&place, "one");
    let (certificate, key) = authority.issue(&place, "mine", "localhost", 2100);
    let (_, foreign) = authority.issue(&place, "foreign", "localhost", 2100);
    let both = place.path("both.pem").to_string_lossy().into_owned();
    fs::write(
        &both,
        fs::read_to_string(&certificate).expect("PEM") + &fs::read_to_string(&key).expect("PEM"),
    )
    .expect("a file");
    fs::set_permissions(&both, fs::Permissions::from_mode(0o600)).expect("a mode");
    let hub = Hub::serve(&place, &["--tls", &both]);
    assert!(hub.get("/healthz", "").starts_with("HTTP/1.1 200"));
    assert!(hub.stop().success());
    let open = place.path("open.key").to_string_lossy().into_owned();
    fs::copy(&key, &open).expect("a copy");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("a mode");
    let started = place.path("started");
    let touch = started.to_string_lossy().into_owned();
    for (options, says) in [
        (
            &["--tls", certificate.as_str(), "--tls-key", &open][..],
            "mode 0644 lets others read it; chmod 600",
        ),
        (&["--tls", &certificate, "--tls-key", &foreign], "cannot be used with its key"),
        (&["--tls", &certificate], "no private key stands in it"),
        (&["--tls", &both, "--tls-key", &key], "several private keys"),
        (&["--tls", "/none.pem"], "cannot read /none.pem"),
        (&["--tls", WRAPPER_FOLDER], "not a regular file"),
    ] {
        let run_options = ["--websocket-port", "auto", "--claude", "touch"];
        let (status, _, err) = run(&place, &[&run_options[..], options, &["--", &touch]].concat());
        // The certificate alone is readable by others, and said to be a key where it has to hold one.
        let says = if options == ["--tls", certificate.as_str()] { "lets others read it" } else { says };
        assert_eq!((status, err.contains(says)), (Some(125), true), "{options:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        let (status, _, err) = run(&place, &[&["serve", "--websocket-port", "0"], options].concat());
        assert_eq!((status, err.contains(says)), (Some(125), true), "{options:?}: {err}");
    }
    assert!(!started.exists());
}

const WRAPPER_FOLDER: &str = env!("CARGO_MANIFEST_DIR");
