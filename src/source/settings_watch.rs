//! The user's settings while we run: the file is looked at by the clock, and what changed in it is told and handed on.
//!
//! By the clock, because the kernel has few folder watches for a user with many instances, and tells nothing of a file
//! behind a link. One look is one stat(2).

use crate::config::{Config, ConfigFile, RedactPattern, TicketSetting};
use crate::detect::redact::{Redactor, SecretPattern};
use crate::detect::ticket::{TicketPattern, Tickets};
use crate::event::body::{Body, Fault, Severity};
use crate::event::surroundings::ConfigChanged;
use crate::hub::Publisher;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// Between two looks at the file.
pub const INTERVAL: Duration = Duration::from_secs(2);
/// For so long a file that is being written has to stay as it is before it is read.
const SETTLED: Duration = Duration::from_millis(100);
/// It is read after this long in any case.
const SETTLING: Duration = Duration::from_secs(1);

/// Runs until nobody listens to `settings` any more; `file` is what they were read from. What it tells, it tells with
/// `publisher`, whose hub hides what they say if it `redacts` at all.
pub async fn run(publisher: Publisher, mut file: ConfigFile, settings: watch::Sender<Config>, redacts: bool) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut wrong = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = settings.closed() => return,
        }
        if !file.is_changed() {
            continue;
        }
        settle(&mut file).await;
        let reloaded = reload(&mut file, &settings);
        match &reloaded {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => {
                if redacts && let Ok(redactor) = redactor(&settings.borrow()) {
                    publisher.hub().rules().replace(redactor);
                }
                let (path, changed) = (file.path().to_string_lossy().into_owned(), changed.clone());
                publisher.publish(Body::ConfigChanged(ConfigChanged { path, changed }));
            }
            // Saved once more, it is as wrong as it was.
            Err(cause) if wrong.as_ref() == Some(cause) => {}
            Err(cause) => {
                publisher.publish(Body::Error(fault(cause)));
            }
        }
        wrong = reloaded.err();
    }
}

/// Waits until nobody writes to it.
async fn settle(file: &mut ConfigFile) {
    let until = Instant::now() + SETTLING;
    while Instant::now() < until {
        // What it says now is of no interest, only whether it stays so.
        drop(file.load());
        sleep(SETTLED).await;
        if !file.is_changed() {
            return;
        }
    }
}

/// Names of the settings that have changed, or why the old ones stay.
fn reload(file: &mut ConfigFile, settings: &watch::Sender<Config>) -> Result<Vec<String>, String> {
    let config = file.load().map_err(|cause| cause.to_string())?;
    // They apply to the next run only, which they should not hinder.
    tickets(&config)?;
    redactor(&config)?;
    let changed = settings.borrow().differences(&config);
    if !changed.is_empty() {
        settings.send_replace(config);
    }
    Ok(changed)
}

/// How tickets are recognised, with what the user has added.
///
/// # Errors
/// Which `[[ticket]]` cannot be used, and why.
pub fn tickets(config: &Config) -> Result<Tickets, String> {
    let added = config.tickets.iter().cloned();
    let added: Vec<TicketPattern> =
        added.map(|TicketSetting { pattern, system }| TicketPattern { pattern, system }).collect();
    Tickets::new(&added).map_err(|cause| format!("cannot use [[ticket]] in the configuration: {cause}"))
}

/// What is hidden, with what the user has added.
///
/// # Errors
/// Which `[[redact.pattern]]` cannot be used, and why.
pub fn redactor(config: &Config) -> Result<Redactor, String> {
    if !config.redact.enabled {
        return Ok(Redactor::none());
    }
    let added = config.redact.patterns.iter().cloned();
    let added: Vec<SecretPattern> =
        added.map(|RedactPattern { name, pattern }| SecretPattern { name, pattern }).collect();
    let unusable = |cause| format!("cannot use [[redact.pattern]] in the configuration: {cause}");
    Redactor::new(&added).map_err(unusable)
}

fn fault(cause: &str) -> Fault {
    Fault {
        error: format!("cannot change the settings: {}", cause.trim_end()),
        component: "config".into(),
        severity: Severity::Warning,
        error_code: "CFG001".into(),
    }
}
