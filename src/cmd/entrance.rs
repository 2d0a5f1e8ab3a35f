//! How the port of a hub is entered: over TLS or not, with which certificate, and who may come. It is decided before
//! anything listens, and before claude starts.

use super::failure::{Exit, Failure};
use super::note;
use super::port::cannot_listen;
use crate::cli::{Auth, ListenOptions, TlsChoice};
use crate::event::body::{Fault, Severity};
use crate::event::{Body, Source};
use crate::hub::Hub;
use crate::instance::RunKey;
use crate::instance::audit::AuditLog;
use crate::instance::tokens::Tokens;
use crate::server::{self, Access, ControlDoor, Doors, HookIntake, Keys, Limits, Listener, Shutdown};
use crate::tls::{Identity, kept_for};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use tokio::task::JoinHandle;

/// Where callers come in, and where that leads.
#[derive(Debug)]
pub(super) struct Doorway {
    pub(super) listeners: Vec<Listener>,
    pub(super) access: Access,
    /// What callers may do.
    pub(super) limits: Limits,
    /// To the supervisor of claude, where there is one.
    pub(super) control: Option<ControlDoor>,
    /// Why nothing is written down.
    unaudited: Option<String>,
}

impl Doorway {
    /// The server at these doors, until it is told to stop.
    pub(super) fn serve(self, hub: &Hub, hooks: Option<HookIntake>, stopped: Shutdown) -> JoinHandle<()> {
        let Self { listeners, access, limits, control, unaudited } = self;
        if let Some(error) = unaudited {
            let (component, error_code) = ("audit".into(), "RES001".into());
            let fault = Fault { error, component, severity: Severity::Warning, error_code };
            hub.publisher(Source::Supervisor).publish(Body::Error(fault));
        }
        let doors = Doors { listeners, hooks, control };
        tokio::spawn(server::serve_within(limits, doors, hub.clone(), access, stopped))
    }
}

/// Everything the server has to know of its doors beside the sockets.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    /// Shown at every port.
    identity: Option<Identity>,
    /// Who may come.
    access: Access,
    /// What they may do.
    limits: Limits,
    /// Why nothing is written down.
    unaudited: Option<String>,
}

impl Entrance {
    /// For these addresses, which the sockets have or will have; the first is the one that others are told.
    pub(super) fn prepare(options: &ListenOptions, addresses: &[IpAddr]) -> Result<Self, Failure> {
        let wanted = Wanted::of(options);
        for address in addresses {
            match wanted.judge(*address) {
                Verdict::Fine => {}
                Verdict::Missing(remedy) => return Err(refuse(*address, &remedy)),
                Verdict::Overridden(missing) => {
                    note(&format!(
                        "WARNING: {address} can be reached from other machines, and there is no {missing}"
                    ));
                }
            }
        }
        let first = addresses.first().copied().unwrap_or(options.websocket_host);
        let identity = identity(options, first)?;
        let origins = options.allow_origin.iter();
        let mut access = origins.fold(Access::loopback(), |access, origin| access.allow(origin.as_str()));
        access.requires_token = options.auth == Auth::Required;
        Ok(Self { identity, access, limits: Limits::default(), unaudited: None })
    }

    /// Lets in who shows a token of the user's or that of this run, and has it written down who comes. Where that cannot
    /// be, it is said here and in an event, and nobody controls claude by TCP.
    pub(super) fn keyed(mut self, run: Option<RunKey>) -> Self {
        self.access.keys = Keys::new(Tokens::of_user(), run);
        match AuditLog::open() {
            Ok(log) => self.access.audit = log,
            Err(cause) => {
                let unaudited = format!("{cause}; who comes is not written down, and control by TCP refused");
                note(&unaudited);
                (self.access.is_unaudited, self.unaudited) = (true, Some(unaudited));
            }
        }
        self
    }

    /// With the user's own limits.
    pub(super) fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The sockets as the server takes them, inside a runtime.
    pub(super) fn doorway(
        &self,
        tcp: impl IntoIterator<Item = TcpListener>,
        unix: impl IntoIterator<Item = UnixListener>,
    ) -> io::Result<Doorway> {
        let tcp = tcp.into_iter().map(|tcp| Listener::tcp(tcp, self.identity.as_ref()));
        let listeners = tcp.chain(unix.into_iter().map(Listener::unix)).collect::<io::Result<_>>()?;
        let (access, limits) = (self.access.clone(), self.limits.clone());
        Ok(Doorway { listeners, access, limits, control: None, unaudited: self.unaudited.clone() })
    }

    /// The certificate as a record and people are told of it.
    pub(super) fn certificate(&self) -> Option<String> {
        self.identity.as_ref().map(|identity| identity.fingerprint().to_string())
    }

    /// `ws://host:port` or `wss://host:port, certificate sha256:HEX`, for people.
    pub(super) fn introduction(&self, address: SocketAddr) -> String {
        match self.certificate() {
            Some(certificate) => format!("wss://{address}, certificate {certificate}"),
            None => format!("ws://{address}"),
        }
    }
}

fn identity(options: &ListenOptions, address: IpAddr) -> Result<Option<Identity>, Failure> {
    let made = match (&options.tls, &options.tls_key) {
        (None, _) => return Ok(None),
        (Some(TlsChoice::Auto), Some(_)) => {
            let failure =
                Failure::new(Exit::Usage, "cannot use --tls-key: with --tls auto the key is our own");
            return Err(failure.tip("name the certificate of the key: --tls FILE"));
        }
        (Some(TlsChoice::Auto), None) => kept_for(address),
        (Some(TlsChoice::File(certificate)), key) => Identity::of_files(certificate, key.as_deref()),
    };
    made.map(Some).map_err(|cause| Failure::new(Exit::RunFailed, cause.to_string()))
}

fn refuse(address: IpAddr, remedy: &str) -> Failure {
    cannot_listen(&format_args!(
        "{address}: it can be reached from other machines; add {remedy}, or --insecure to do without"
    ))
}

/// What was asked for, as far as it bears on who can reach us.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    tls: bool,
    tokens: bool,
    insecure: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    /// These options are missing.
    Missing(String),
    /// These are missing and not asked for.
    Overridden(String),
}

impl Wanted {
    fn of(options: &ListenOptions) -> Self {
        Self {
            tls: options.tls.is_some(),
            tokens: options.auth == Auth::Required,
            insecure: options.insecure,
        }
    }

    /// An address within IPv6 that means one of IPv4 is that one.
    fn judge(self, address: IpAddr) -> Verdict {
        if address.to_canonical().is_loopback() || (self.tls && self.tokens) {
            return Verdict::Fine;
        }
        let missing = |tls: &str, tokens: &str, between: &str| {
            let words = [(self.tls, tls), (self.tokens, tokens)];
            let words: Vec<&str> = words.iter().filter(|(has, _)| !has).map(|(_, word)| *word).collect();
            words.join(between)
        };
        match self.insecure {
            true => Verdict::Overridden(missing("TLS", "--auth required", " and no ")),
            false => Verdict::Missing(missing("--tls auto", "--auth required", " ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEYOND: [&str; 9] = [
        "0.0.0.0",
        "::",
        "192.168.1.5",
        "10.0.0.1",
        "8.8.8.8",
        "169.254.1.1",
        "fe80::1",
        "::ffff:192.168.1.5",
        "::ffff:0.0.0.0",
    ];

    fn judged(address: &str, (tls, tokens, insecure): (bool, bool, bool)) -> Verdict {
        Wanted { tls, tokens, insecure }.judge(address.parse().unwrap())
    }

    #[test]
    fn a_loopback_address_needs_nothing() {
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::ffff:127.1.2.3"] {
            assert_eq!(judged(address, (false, false, false)), Verdict::Fine, "{address}");
        }
    }

    #[test]
    fn every_other_needs_tls_and_tokens_and_is_told_what_is_missing() {
        for address in BEYOND {
            let missing = |has| match judged(address, has) {
                Verdict::Missing(remedy) => remedy,
                other => panic!("{address}: {other:?}"),
            };
            assert_eq!(missing((false, false, false)), "--tls auto --auth required");
            assert_eq!(missing((true, false, false)), "--auth required");
            assert_eq!(missing((false, true, false)), "--tls auto");
            assert_eq!(judged(address, (true, true, false)), Verdict::Fine);
        }
    }

    #[test]
    fn insecure_overrides_and_says_what_is_given_up() {
        for address in BEYOND {
            let given_up = |has| match judged(address, has) {
                Verdict::Overridden(missing) => missing,
                other => panic!("{address}: {other:?}"),
            };
            assert_eq!(given_up((false, false, true)), "TLS and no --auth required");
            assert_eq!(given_up((true, false, true)), "--auth required");
            assert_eq!(given_up((false, true, true)), "TLS");
            assert_eq!(judged(address, (true, true, true)), Verdict::Fine);
        }
        assert_eq!(judged("127.0.0.1", (false, false, true)), Verdict::Fine);
    }
}
