//! What happens around a hub: components and clients that come and go, settings, resources (requirement R4). The fields
//! the wire shows.

use super::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `component.started`: a publisher registered (requirement R4, section Component Registration).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentStarted {
    /// Its name, the `source` of its events.
    pub component: String,
    /// Its version, as it says.
    pub version: Option<String>,
    /// What it can do, in its own words.
    pub capabilities: Vec<String>,
    /// Its settings, as it tells them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// What else it says of itself.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// `component.stopped`: a publisher left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentStopped {
    /// Its name.
    pub component: String,
    /// Why: it said so, or its connection ended.
    pub reason: String,
}

/// How a component is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComponentState {
    /// It gives signs of life.
    Healthy,
    /// It is silent, or says so itself.
    Degraded,
    /// It says so itself.
    Unhealthy,
}

/// `component.health`: the state of a component changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentHealth {
    /// Its name.
    pub component: String,
    /// How it is doing now.
    pub status: ComponentState,
    /// How it was doing before.
    pub previous: Option<ComponentState>,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// `ws.connected`: a client subscribed or registered for the first time on its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientConnected {
    /// Number of the connection in this hub.
    pub client_id: u64,
    /// What it speaks: `classic`, `envelope` or `monitor`.
    pub dialect: String,
    /// How it came: `tcp` or `unix`.
    pub transport: String,
    /// Connected clients, with this one.
    pub clients: usize,
    /// Clients of which nothing was told before this one, because too many came at once.
    pub untold: u64,
}

/// `ws.disconnected`: a client that was told of by `ws.connected` has left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientDisconnected {
    /// Number of the connection in this hub.
    pub client_id: u64,
    /// What it spoke.
    pub dialect: String,
    /// Close code the hub gave (RFC 6455, section 7.4); `null` where the client left by itself.
    pub close_code: Option<u16>,
    /// Seconds it was connected, with milliseconds as decimals.
    pub duration_seconds: f64,
    /// Connected clients, without this one.
    pub clients: usize,
}

/// `config.changed`: the settings file was read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigChanged {
    /// The file.
    pub path: String,
    /// Names of the settings that are different now.
    pub changed: Vec<String>,
}

/// How grave a resource alert is (requirement R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertLevel {
    /// It is well again.
    Info,
    /// Above the first threshold.
    Warning,
    /// Above the second.
    Critical,
}

/// What a component uses (requirement R4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceMetrics {
    /// Percent of one core; more than 100 on several.
    pub cpu_percent: f64,
    /// Resident memory, MiB.
    pub memory_mb: f64,
    /// Connected clients.
    pub active_connections: usize,
    /// Bytes that wait to be written to clients.
    pub event_queue_size: u64,
}

/// `resource.alert`: a threshold was crossed, upwards or back (requirement R4: ResourcePayload).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceAlert {
    /// Whose resources: `claude` with everything it started, or `hub`.
    pub component: String,
    /// What it uses.
    pub metrics: ResourceMetrics,
    /// Where it stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_level: Option<AlertLevel>,
    /// One sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
