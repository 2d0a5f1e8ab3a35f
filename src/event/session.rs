//! A supervised run: where it begins and how it ends (requirements R1, R2). The fields the wire shows.

use super::{SessionId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How claude was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LaunchMethod {
    /// Our process becomes claude.
    Exec,
    /// Claude is a child of ours.
    Subprocess,
}

/// Which instance speaks, so that a client of several can tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceInfo {
    /// TCP port of the hub; `null` when it has none.
    pub port: Option<u16>,
    /// Numeric address the hub is bound to.
    pub host: String,
    /// Directory claude runs in; bytes that are not UTF-8 as U+FFFD.
    pub working_dir: String,
    /// Name of the instance, chosen with `--name` or the directory's.
    pub name: String,
    /// Our own process id.
    pub pid: u32,
    /// SHA-256 of the certificate of the hub, `sha256:HEX`, where its address is `wss://`; missing where it is `ws://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// `session.start` (requirements R1, R2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStart {
    /// The session that starts.
    pub session_id: SessionId,
    /// When it started.
    pub start_time: Timestamp,
    /// How claude is started.
    pub launch_method: LaunchMethod,
    /// Directory claude runs in; bytes that are not UTF-8 as U+FFFD.
    pub working_directory: String,
    /// TCP port of the hub.
    pub websocket_port: Option<u16>,
    /// The instance.
    pub instance_info: InstanceInfo,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Claude exited by itself.
    Exited,
    /// A signal ended claude.
    Signaled,
    /// We were asked to stop it.
    Stopped,
    /// It never ran, or nobody can know.
    Unknown,
}

/// `session.end` (requirement R1). Exactly one of `exit_code` and `signal` is known when claude ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnd {
    /// The session that ended.
    pub session_id: SessionId,
    /// When.
    pub end_time: Timestamp,
    /// Whole run, seconds, with milliseconds as decimals.
    pub duration_seconds: f64,
    /// Exit code of claude, 0-255.
    pub exit_code: Option<i32>,
    /// Signal number that ended claude.
    pub signal: Option<i32>,
    /// Why.
    pub reason: EndReason,
}
