//! One running claude-mpm as others on this machine see it: its record, where records are kept, its port, what its
//! child is told of it in the environment, and the tokens by which it knows who may do what.
//!
//! Nothing here speaks to an instance; that is the client's matter.

pub mod audit;
mod directory;
mod memory;
mod page;
mod port;
pub(crate) mod private;
mod registry;
mod run_token;
mod secret;
mod select;
pub mod tokens;

pub use directory::{RuntimeDirectory, StateDirectory};
pub use port::{DEFAULT_PORT, Holder, find_free_port, holder_of, is_free};
pub use private::DirectoryError;
pub use registry::Registration;
pub use run_token::{RunKey, RunToken};
pub use secret::{Digest, Role, Secret, SecretError};
pub use select::{Choice, choose};

use crate::event::body::{InstanceInfo, LaunchMethod};
use crate::event::{Epoch, SessionId, Timestamp};
use crate::process::processes;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// Environment of the child: id of the session it runs in.
pub const ENV_SESSION: &str = "CLAUDE_MPM_SESSION";
/// Environment of our own verbs: a token to be let in with. The child never has it.
pub const ENV_TOKEN: &str = "CLAUDE_MPM_TOKEN";
/// Environment of the child: where its hub is, `ws://host:port` or `wss://host:port`.
pub const ENV_URL: &str = "CLAUDE_MPM_URL";

/// A registry record: one running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Chosen with `--name`, or the directory's.
    pub name: String,
    /// The session it supervises.
    pub session_id: SessionId,
    /// The session that it tells again, where it is a recording; `session_id` is then an id of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<SessionId>,
    /// Process id of the instance.
    pub pid: u32,
    /// Start of that process as [`processes::start_time`] tells it: a pid used again is never mistaken.
    pub start_time: u64,
    /// Numeric address the hub is bound to.
    pub host: String,
    /// TCP port of the hub; `None` when it has none.
    pub port: Option<u16>,
    /// Where its port speaks TLS: SHA-256 of its certificate, `sha256:HEX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Unix socket of the hub; `None` when its path would be too long.
    pub socket: Option<PathBuf>,
    /// Directory claude runs in; bytes that are not UTF-8 as U+FFFD.
    pub working_dir: String,
    /// How claude was started; `None` for a hub that stands alone, which starts none.
    #[serde(default)]
    pub launch_method: Option<LaunchMethod>,
    /// Version of claude-mpm.
    pub version: String,
    /// The numbering of the hub's log.
    pub epoch: Epoch,
    /// When the session started.
    pub started_at: Timestamp,
}

impl Instance {
    /// Whether the process that wrote the record still runs.
    pub fn is_running(&self) -> bool {
        processes::is_running(self.pid, self.start_time)
    }

    /// Whether it is a hub that stands alone (`serve`): many sessions, and none of its own.
    pub fn stands_alone(&self) -> bool {
        self.launch_method.is_none()
    }

    /// Whether it tells a session again that was recorded: nothing happens there, and nothing can be done.
    pub fn is_replay(&self) -> bool {
        self.replays.is_some()
    }

    /// `ws://host:port` or `wss://host:port`, as it is reached from this machine, where the hub has a port.
    pub fn url(&self) -> Option<String> {
        let port = self.port?;
        let scheme = if self.certificate.is_some() { "wss" } else { "ws" };
        Some(match self.host.parse() {
            Ok(host) => format!("{scheme}://{}", SocketAddr::new(reached_at(host), port)),
            Err(_) => format!("{scheme}://{}:{port}", self.host),
        })
    }

    /// Its port, with the address where that is not 127.0.0.1: another address may have the same one.
    pub fn place(&self) -> Option<String> {
        let port = self.port?;
        Some(match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)) => port.to_string(),
            Ok(host) => SocketAddr::new(host, port).to_string(),
            Err(_) => format!("{}:{port}", self.host),
        })
    }

    /// Name and place, or name and pid: short, and different for any two instances.
    pub fn label(&self) -> String {
        match self.place() {
            Some(place) => format!("{}:{place}", self.name),
            None => format!("{}/{}", self.name, self.pid),
        }
    }

    /// The same facts as events carry them.
    pub fn info(&self) -> InstanceInfo {
        InstanceInfo {
            port: self.port,
            host: self.host.clone(),
            working_dir: self.working_dir.clone(),
            name: self.name.clone(),
            pid: self.pid,
            certificate: self.certificate.clone(),
        }
    }
}

/// Where whoever listens at this address is reached from the same machine.
fn reached_at(host: IpAddr) -> IpAddr {
    match host.to_canonical() {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of this very process.
    pub(super) fn record(session: &str, name: &str) -> Instance {
        let pid = std::process::id();
        Instance {
            name: name.into(),
            session_id: SessionId::new(session),
            replays: None,
            pid,
            start_time: processes::start_time(pid).unwrap(),
            host: "127.0.0.1".into(),
            port: Some(8765),
            certificate: None,
            socket: None,
            working_dir: "/w".into(),
            launch_method: Some(LaunchMethod::Exec),
            version: "0".into(),
            epoch: Epoch::new("e"),
            started_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        let mut instance = record("s", "n");
        assert_eq!(instance.url().unwrap(), "ws://127.0.0.1:8765");
        assert_eq!(instance.label(), "n:8765");
        instance.host = "::1".into();
        assert_eq!(instance.url().unwrap(), "ws://[::1]:8765");
        assert_eq!(instance.label(), "n:[::1]:8765", "another hub may have that port of 127.0.0.1");
        instance.port = None;
        assert_eq!(instance.url(), None);
    }

    #[test]
    fn a_hub_is_reached_from_here_over_tls_where_it_has_a_certificate() {
        let mut instance = record("s", "n");
        for (host, plain) in [
            ("0.0.0.0", "ws://127.0.0.1:8765"),
            ("::", "ws://[::1]:8765"),
            ("::ffff:127.0.0.1", "ws://127.0.0.1:8765"),
            ("192.168.1.5", "ws://192.168.1.5:8765"),
        ] {
            (instance.host, instance.certificate) = (host.into(), None);
            assert_eq!(instance.url().as_deref(), Some(plain));
            instance.certificate = Some("sha256:00".into());
            assert_eq!(instance.url(), Some(plain.replace("ws:", "wss:")));
        }
    }

    #[test]
    fn a_record_of_an_older_version_is_read() {
        let old = serde_json::to_string(&record("s", "n")).unwrap();
        assert!(!old.contains("certificate"), "{old}");
        assert_eq!(serde_json::from_str::<Instance>(&old).unwrap().certificate, None);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let written = record("s", "n");
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Instance>(&text).unwrap(), written);
        assert!(text.contains(r#""launch_method":"exec""#), "{text}");
    }
}
