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
    mut settings: watch::Receiver<Config>,
) {
    let system = match System::new() {
        Ok(system) => system,
        Err(error) => return cannot_measure(&publisher, &error),
    };
    let mut meter = Meter { system, ours, started: Instant::now() };
    let mut alerts = Alerts::new();
    // A hub that stands alone has no claude, and never will.
    let stands_alone = publisher.hub().stands_alone();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Other thresholds count at once; where nobody can change them, there is no sender.
            Ok(()) = settings.changed() => {}
            changed = child.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        }
        let (pid, thresholds) = (*child.borrow(), settings.borrow().alerts);
        let is_heard = publisher.hub().gauges().clients() > 0;
        let is_told = is_heard && (pid.is_some() || stands_alone);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AlertSettings;
    use crate::event::surroundings::AlertLevel;
    use crate::event::{SessionId, Source, channel};
    use crate::filter::{Filter, Pattern};
    use crate::hub::{Bounds, Hub, Next, Start};

    fn config(memory_mb: u64) -> Config {
        let alerts =
            AlertSettings { memory_mb, hub_memory_mb: 0, hub_queue_mb: 0, ..AlertSettings::default() };
        Config { alerts, ..Config::default() }
    }

    #[tokio::test]
    async fn alerts_need_no_listener_and_statistics_do() {
        let hub = Hub::new(SessionId::new("s"), Bounds::default());
        let pid = std::process::id();
        let (child, child_is) = watch::channel(Some(pid));
        let (settings, settings_are) = watch::channel(config(1));
        let meter = run(hub.publisher(Source::System), child_is, Vec::new(), settings_are);
        let meter = tokio::spawn(meter);
        let paced = hub.clone();
        tokio::spawn(async move { paced.run_pacer().await });
        let mut reader = hub.reader(Start::After(0), &Filter::channels(vec![Pattern::All]));
        let mut levels = Vec::new();
        while levels.len() < 2 {
            let Next::Batch(records) = reader.next().await else { panic!("the log goes on") };
            for record in records.iter() {
                assert_eq!(record.event.body.channel(), channel::RESOURCE_ALERT);
                let Body::ResourceAlert(alert) = &record.event.body else { unreachable!() };
                levels.extend(alert.alert_level);
            }
            settings.send_replace(config(1 << 40));
        }
        assert_eq!(levels, [AlertLevel::Critical, AlertLevel::Info]);
        drop(child);
        meter.await.unwrap();
    }
}
