//! `[alerts]`: from when on `resource.alert` is told. How it is measured is not decided here.

use serde::{Deserialize, Serialize};

/// Thresholds; 0 is none. MiB of resident memory, percent of one core (more than 100 on several).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertSettings {
    /// Memory of claude and of everything it started, that is worth a warning; 4096.
    pub memory_mb: u64,
    /// The same, critical; without it, twice `memory_mb`.
    pub critical_memory_mb: Option<u64>,
    /// Processor time of claude and of everything it started, for half a minute; none.
    pub cpu_percent: u64,
    /// The same, critical; none.
    pub critical_cpu_percent: u64,
    /// Memory of our own processes; 128.
    pub hub_memory_mb: u64,
    /// What waits to be written to clients, MiB; 64.
    pub hub_queue_mb: u64,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            memory_mb: 4096,
            critical_memory_mb: None,
            cpu_percent: 0,
            critical_cpu_percent: 0,
            hub_memory_mb: 128,
            hub_queue_mb: 64,
        }
    }
}
