//! Memory and processor time of claude's whole tree, and our own share, every 5 s: told while anyone listens, and held
//! against the user's thresholds always.

use super::alerts::Alerts;
use crate::config::Config;
use crate::event::body::{Body, Fault, HubStats, Severity, Stats};
use crate::hub::Publisher;
use crate::process::processes;
use std::time::{Duration, Instant};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::sync::watch;

/// Between two measurements.
pub const INTERVAL: Duration = Duration::from_secs(5);
const MIB: f64 = 1024.0 * 1024.0;

/// Runs until `child` is closed. `child` is claude's process id, where there is a claude; `ours` are our own processes.
pub async fn run(
    publisher: Publisher,
    mut child: watch::Receiver<Option<u32>>,
    ours: Vec<u32>,
    settings: watch::Receiver<Config>,
) {
    let system = match System::new() {
        Ok(system) => system,
        Err(error) => return cannot_measure(&publisher, &error),
    };
    let mut meter = Meter { system, ours, started: Instant::now() };
    let mut alerts = Alerts::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            changed = child.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        }
        let (pid, thresholds) = (*child.borrow(), settings.borrow().alerts);
        let is_heard = publisher.hub().gauges().clients() > 0;
        let is_told = pid.is_some() && is_heard;
        if !is_told && !Alerts::are_wanted(&thresholds) {
            continue;
        }
        let measured = meter.measure(pid, &publisher);
        for alert in alerts.take(&thresholds, &measured, Instant::now()) {
            publisher.publish(Body::ResourceAlert(alert));
        }
        if is_told {
            publisher.publish(Body::Stats(measured));
        }
    }
}

fn cannot_measure(publisher: &Publisher, error: &sysinfo::Error) {
    publisher.publish(Body::Error(Fault {
        error: format!("cannot measure memory and processor time: {error}"),
        component: "system".into(),
        severity: Severity::Warning,
        error_code: "RES001".into(),
    }));
}

struct Meter {
    system: System,
    ours: Vec<u32>,
    started: Instant,
}

impl Meter {
    /// Without a claude, only our own share.
    fn measure(&mut self, child: Option<u32>, publisher: &Publisher) -> Stats {
        let tree = child.map(processes::tree).unwrap_or_default();
        let all: Vec<Pid> = tree.iter().chain(&self.ours).map(|pid| Pid::from_u32(*pid)).collect();
        let kind = ProcessRefreshKind::nothing().without_tasks().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&all), true, kind);
        let (memory_usage_mb, cpu_percent) = self.sum(&tree);
        let hub = publisher.hub();
        let (our_memory, our_cpu) = self.sum(&self.ours);
        Stats {
            memory_usage_mb,
            cpu_percent,
            uptime_seconds: self.started.elapsed().as_secs(),
            processes: tree.len(),
            hub: HubStats {
                memory_usage_mb: our_memory,
                cpu_percent: our_cpu,
                clients: hub.gauges().clients(),
                events: hub.last_seq(),
                queue_bytes: hub.gauges().queue_bytes(),
                dropped: hub.gauges().dropped(),
            },
        }
    }

    /// MiB and percent of one core.
    fn sum(&self, pids: &[u32]) -> (f64, f64) {
        let processes = pids.iter().filter_map(|pid| self.system.process(Pid::from_u32(*pid)));
        processes.fold((0.0, 0.0), |(memory, cpu), process| {
            (memory + bytes_as_mib(process.memory()), cpu + f64::from(process.cpu_usage()))
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn bytes_as_mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}
