//! When somebody is told that claude or the hub uses too much, and when that it is well again. Measurements and their
//! times come in, alerts come out; nothing is measured here.

use super::threshold::{Crossing, Gauge, Thresholds};
use crate::config::AlertSettings;
use crate::event::body::Stats;
use crate::event::surroundings::{ResourceAlert, ResourceMetrics};
use std::time::{Duration, Instant};

/// For so long processor time has to be too much, or no longer, before it counts.
const PATIENCE: Duration = Duration::from_secs(30);
/// Whose resources, on the wire.
const CLAUDE: &str = "claude";
const HUB: &str = "hub";

/// What was said of everything that is watched.
#[derive(Debug)]
pub(super) struct Alerts {
    memory: Gauge,
    cpu: Gauge,
    hub_memory: Gauge,
    hub_queue: Gauge,
}

/// A way to speak of an amount.
struct Words {
    /// What stands before it.
    subject: &'static str,
    /// Its unit.
    unit: &'static str,
    /// What stands behind it.
    object: &'static str,
}

const MEMORY: Words = Words { subject: "claude and what it started use", unit: " MiB", object: " of memory" };
const CPU: Words = Words { subject: "claude and what it started use", unit: " %", object: " of a core" };
const HUB_MEMORY: Words = Words { subject: "claude-mpm uses", unit: " MiB", object: " of memory" };
const HUB_QUEUE: Words = Words { subject: "there are", unit: " MiB", object: " that wait for clients" };

impl Alerts {
    /// Nothing is too much yet.
    pub(super) fn new() -> Self {
        Self {
            memory: Gauge::new(Duration::ZERO),
            cpu: Gauge::new(PATIENCE),
            hub_memory: Gauge::new(Duration::ZERO),
            hub_queue: Gauge::new(Duration::ZERO),
        }
    }

    /// Whether anything is to be told that has to be measured.
    pub(super) fn are_wanted(settings: &AlertSettings) -> bool {
        let all = [claude_memory(settings), claude_cpu(settings), hub_memory(settings), hub_queue(settings)];
        all.iter().any(Thresholds::exist)
    }

    /// What a measurement has to say. Without processes it is one of the hub alone.
    pub(super) fn take(
        &mut self,
        settings: &AlertSettings,
        measured: &Stats,
        now: Instant,
    ) -> Vec<ResourceAlert> {
        let mut told = Vec::new();
        if measured.processes > 0 {
            let memory = self.memory.take(measured.memory_usage_mb, claude_memory(settings), now);
            told.extend(memory.map(|crossing| of_claude(measured, crossing, &MEMORY)));
            let cpu = self.cpu.take(measured.cpu_percent, claude_cpu(settings), now);
            told.extend(cpu.map(|crossing| of_claude(measured, crossing, &CPU)));
        }
        let memory = self.hub_memory.take(measured.hub.memory_usage_mb, hub_memory(settings), now);
        told.extend(memory.map(|crossing| of_hub(measured, crossing, &HUB_MEMORY)));
        let queue = self.hub_queue.take(mib(measured.hub.queue_bytes), hub_queue(settings), now);
        told.extend(queue.map(|crossing| of_hub(measured, crossing, &HUB_QUEUE)));
        told
    }
}

fn claude_memory(settings: &AlertSettings) -> Thresholds {
    let critical = settings.critical_memory_mb.unwrap_or(settings.memory_mb.saturating_mul(2));
    Thresholds::new(settings.memory_mb, critical)
}

fn claude_cpu(settings: &AlertSettings) -> Thresholds {
    Thresholds::new(settings.cpu_percent, settings.critical_cpu_percent)
}

fn hub_memory(settings: &AlertSettings) -> Thresholds {
    Thresholds::new(settings.hub_memory_mb, 0)
}

fn hub_queue(settings: &AlertSettings) -> Thresholds {
    Thresholds::new(settings.hub_queue_mb, 0)
}

fn of_claude(measured: &Stats, crossing: Crossing, words: &Words) -> ResourceAlert {
    // Claude has neither clients nor a queue: those are the hub's.
    let metrics = ResourceMetrics {
        cpu_percent: measured.cpu_percent,
        memory_mb: measured.memory_usage_mb,
        active_connections: 0,
        event_queue_size: 0,
    };
    alert(CLAUDE, metrics, crossing, words)
}

fn of_hub(measured: &Stats, crossing: Crossing, words: &Words) -> ResourceAlert {
    let metrics = ResourceMetrics {
        cpu_percent: measured.hub.cpu_percent,
        memory_mb: measured.hub.memory_usage_mb,
        active_connections: measured.hub.clients,
        event_queue_size: measured.hub.queue_bytes,
    };
    alert(HUB, metrics, crossing, words)
}

fn alert(component: &str, metrics: ResourceMetrics, crossing: Crossing, words: &Words) -> ResourceAlert {
    let message = Some(sentence(crossing, words));
    ResourceAlert { component: component.into(), metrics, alert_level: Some(crossing.level), message }
}

/// One sentence, in which what is more than a threshold is more in its digits too.
fn sentence(crossing: Crossing, Words { subject, unit, object }: &Words) -> String {
    let Crossing { value, threshold, rises, lasted, level: _ } = crossing;
    let value = digits(if rises { value.ceil() } else { value.floor() });
    let lasting = match lasted.as_secs() {
        0 => String::new(),
        seconds => format!(" for {seconds} s"),
    };
    let than = match threshold.map(digits) {
        Some(threshold) if rises => format!("more than {threshold}{unit}{lasting}"),
        Some(threshold) => format!("less than {threshold}{unit} again"),
        None => "and there is no threshold any more".into(),
    };
    format!("{subject} {value}{unit}{object}, {than}")
}

/// A whole number with its thousands apart: `4,312`.
fn digits(value: f64) -> String {
    let plain = format!("{value:.0}");
    let mut apart = String::with_capacity(plain.len() + plain.len() / 3);
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

#[expect(clippy::cast_precision_loss, reason = "queues are far below 2^53 bytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::HubStats;
    use crate::event::surroundings::AlertLevel;

    fn measured(memory_usage_mb: f64, cpu_percent: f64) -> Stats {
        let hub = HubStats {
            memory_usage_mb: 20.0,
            cpu_percent: 0.5,
            clients: 2,
            events: 7,
            queue_bytes: 0,
            dropped: 0,
        };
        Stats { memory_usage_mb, cpu_percent, uptime_seconds: 1, processes: 3, hub }
    }

    fn settings() -> AlertSettings {
        AlertSettings { cpu_percent: 400, ..AlertSettings::default() }
    }

    /// Level and message of all that is told.
    fn told(alerts: Vec<ResourceAlert>) -> Vec<(AlertLevel, String)> {
        alerts.into_iter().map(|alert| (alert.alert_level.unwrap(), alert.message.unwrap())).collect()
    }

    #[test]
    fn memory_that_rises_and_falls_is_told_of_in_sentences() {
        let (mut alerts, now) = (Alerts::new(), Instant::now());
        let mut take = |mb| told(alerts.take(&settings(), &measured(mb, 0.0), now));
        assert_eq!(take(4096.0), []);
        let warning = "claude and what it started use 4,312 MiB of memory, more than 4,096 MiB";
        assert_eq!(take(4311.2), [(AlertLevel::Warning, warning.to_owned())]);
        assert_eq!(take(5000.0), []);
        let critical = "claude and what it started use 1,048,576 MiB of memory, more than 8,192 MiB";
        assert_eq!(take(1_048_576.0), [(AlertLevel::Critical, critical.to_owned())]);
        let less = "claude and what it started use 6,000 MiB of memory, less than 8,192 MiB again";
        assert_eq!(take(6000.0), [(AlertLevel::Warning, less.to_owned())]);
        let well = "claude and what it started use 900 MiB of memory, less than 4,096 MiB again";
        assert_eq!(take(900.7), [(AlertLevel::Info, well.to_owned())]);
    }

    #[test]
    fn processor_time_counts_only_when_it_stays_for_half_a_minute() {
        let (mut alerts, start) = (Alerts::new(), Instant::now());
        let mut take = |seconds, cpu| {
            told(alerts.take(&settings(), &measured(1.0, cpu), start + Duration::from_secs(seconds)))
        };
        for second in (0..30).step_by(5) {
            assert_eq!(take(second, 500.0), []);
        }
        let message = "claude and what it started use 500 % of a core, more than 400 % for 30 s";
        assert_eq!(take(30, 500.0), [(AlertLevel::Warning, message.to_owned())]);
    }

    #[test]
    fn the_hub_is_watched_too_and_claude_only_where_it_runs() {
        let (mut alerts, now) = (Alerts::new(), Instant::now());
        let mut stats = measured(1e6, 0.0);
        stats.processes = 0;
        stats.hub.memory_usage_mb = 200.0;
        stats.hub.queue_bytes = 65 << 20;
        let told = alerts.take(&settings(), &stats, now);
        let messages: Vec<_> = told.iter().map(|alert| alert.message.as_deref().unwrap()).collect();
        assert_eq!(
            messages,
            [
                "claude-mpm uses 200 MiB of memory, more than 128 MiB",
                "there are 65 MiB that wait for clients, more than 64 MiB"
            ]
        );
        let metrics = &told[0].metrics;
        assert_eq!((told[0].component.as_str(), metrics.active_connections), ("hub", 2));
        assert_eq!(metrics.event_queue_size, 65 << 20);
    }

    #[test]
    fn other_thresholds_count_at_once_and_none_ends_the_alert() {
        let (mut alerts, now) = (Alerts::new(), Instant::now());
        let mut take = |memory_mb| {
            let settings = AlertSettings { memory_mb, ..settings() };
            told(alerts.take(&settings, &measured(900.0, 0.0), now))
        };
        assert_eq!(take(1000), []);
        assert_eq!(take(500)[0].0, AlertLevel::Warning);
        assert_eq!(take(300)[0].0, AlertLevel::Critical);
        let message = "claude and what it started use 900 MiB of memory, and there is no threshold any more";
        assert_eq!(take(0), [(AlertLevel::Info, message.to_owned())]);
    }

    #[test]
    fn nothing_is_wanted_where_every_threshold_is_off() {
        let none =
            AlertSettings { memory_mb: 0, hub_memory_mb: 0, hub_queue_mb: 0, ..AlertSettings::default() };
        assert!(!Alerts::are_wanted(&none));
        assert!(Alerts::are_wanted(&AlertSettings { critical_cpu_percent: 1, ..none }));
        assert!(Alerts::are_wanted(&AlertSettings::default()));
    }
}
