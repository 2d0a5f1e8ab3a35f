//! The hub in numbers, as Prometheus takes them (OpenMetrics text format 1.0).

use super::Shared;
use crate::event::body::{ActivityState, ProcessState};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// What the answer says it is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All of them, now.
pub(super) fn text(shared: &Shared) -> String {
    let status = shared.hub.status();
    let gauges = shared.hub.gauges();
    let mut registry = Registry::with_prefix("claude_mpm");
    let labels = vec![
        ("version", status.version.to_owned()),
        ("session_id", status.session_id.to_string()),
        ("name", status.instance_info.as_ref().map_or(String::new(), |info| info.name.clone())),
    ];
    registry.register("build", "The hub", Info::new(labels));
    let mut counter = |name, help, value: u64| registry.register(name, help, ConstCounter::new(value));
    counter("events", "Events published in this log", status.last_seq);
    counter("dropped", "Events clients missed and bytes detectors skipped", gauges.dropped());
    counter("hooks_lost", "Hooks posted with the right key and not taken in", gauges.hooks_lost());
    counter("refused", "Requests and events that were refused", gauges.refused());
    let mut gauge = |name, help, value: u64| registry.register(name, help, ConstGauge::new(value));
    gauge("clients", "Connected clients", status.connected_clients as u64);
    gauge("events_in_memory", "Events that history can tell", in_memory(status.first_seq, status.last_seq));
    gauge("components", "Registered components", shared.components.states().len() as u64 - 1);
    gauge("sessions", "Sessions of this hub that are not over", {
        status.sessions.iter().filter(|session| session.session_end.is_none()).count() as u64
    });
    gauge("sessions_running", "Sessions whose claude runs", {
        let runs = Some(ProcessState::Running);
        status.sessions.iter().filter(|session| session.claude_status == runs).count() as u64
    });
    gauge("sessions_waiting", "Sessions whose claude waits for a person", {
        let waits = [Some(ActivityState::NeedsPermission), Some(ActivityState::NeedsInput)];
        status.sessions.iter().filter(|session| waits.contains(&session.activity)).count() as u64
    });
    let queue = ConstGauge::new(gauges.queue_bytes());
    registry.register_with_unit("queue", "Waiting to be written to clients", Unit::Bytes, queue);
    let uptime = ConstGauge::new(status.uptime_seconds);
    registry.register_with_unit("uptime", "Since the session's start", Unit::Seconds, uptime);
    let mut text = String::new();
    // Writing to memory cannot fail.
    let _written = encode(&mut text, &registry);
    text
}

fn in_memory(first_seq: u64, last_seq: u64) -> u64 {
    if first_seq == 0 { 0 } else { last_seq + 1 - first_seq }
}
