//! The user's settings as a hub has them: read before it begins, followed while it is open.

use super::failure::{Exit, Failure};
use super::journal::Keeping;
use super::redaction;
use crate::config::{Config, ConfigFile, JournalSettings, LimitSettings};
use crate::detect::ticket::Tickets;
use crate::hub::Publisher;
use crate::journal::Retention;
use crate::server::Limits;
use crate::source::settings_watch;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The settings, and where they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct UserSettings {
    config: Config,
    file: Option<ConfigFile>,
    /// `--no-redact` is not given: they say what is hidden.
    redacts: bool,
}

impl UserSettings {
    /// Reads the user's file; the defaults where there is none. What they say of secrets is in force from now on.
    pub(super) fn read() -> Result<Self, Failure> {
        let mut file = ConfigFile::of_user();
        let config = file.as_mut().map_or_else(|| Ok(Config::default()), ConfigFile::load);
        let config = config.map_err(|cause| Failure::new(Exit::RunFailed, cause.to_string()))?;
        let redacts = !redaction::rules().now().is_none();
        if redacts {
            let redactor = settings_watch::redactor(&config);
            redaction::rules().replace(redactor.map_err(|cause| Failure::new(Exit::RunFailed, cause))?);
        }
        Ok(Self { config, file, redacts })
    }

    /// How tickets are recognised, with what the user has added.
    pub(super) fn tickets(&self) -> Result<Tickets, Failure> {
        settings_watch::tickets(&self.config).map_err(|cause| Failure::new(Exit::RunFailed, cause))
    }

    /// What callers of the hub may do; a change of the file counts at the next start.
    pub(super) fn limits(&self) -> Limits {
        limits(&self.config.limits)
    }

    /// What is kept on disk; a change of the file counts at the next start.
    pub(super) fn keeping(&self) -> Keeping {
        let JournalSettings { max_age_days, max_total_mb, max_session_mb } = self.config.journal;
        let max_age = Duration::from_secs(max_age_days * 24 * 3600);
        Keeping {
            all: Retention { max_age, max_bytes: max_total_mb << 20 },
            one: Retention { max_age, max_bytes: max_session_mb << 20 },
        }
    }

    /// The settings as they are at any time, and the task that follows the file until nobody holds the receiver.
    pub(super) fn follow(self, publisher: Publisher) -> (watch::Receiver<Config>, Option<JoinHandle<()>>) {
        let (sender, settings) = watch::channel(self.config);
        let follow = |file| tokio::spawn(settings_watch::run(publisher, file, sender, self.redacts));
        (settings, self.file.map(follow))
    }
}

fn limits(settings: &LimitSettings) -> Limits {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let rate = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Limits {
        connections: count(settings.connections),
        strangers: count(settings.unauthenticated),
        message_bytes: count(settings.message_bytes),
        component_message_bytes: count(settings.component_message_bytes),
        post_bytes: count(settings.post_bytes),
        requests_per_second: rate(settings.requests_per_second),
        burst: rate(settings.burst),
        write: Duration::from_secs(settings.write_seconds),
        ping: Duration::from_secs(settings.ping_seconds),
        head: Duration::from_secs(settings.head_seconds),
        authentication: Duration::from_secs(settings.authentication_seconds),
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_journals_are_kept_for_thirty_days() {
        let keeping = UserSettings::default().keeping();
        assert_eq!((keeping.all, keeping.one.max_bytes), (Retention::default(), 1 << 30));
    }

    #[test]
    fn the_settings_defaults_are_the_servers_own() {
        let told = format!("{:?}", limits(&LimitSettings::default()));
        assert_eq!(told, format!("{:?}", Limits::default()));
    }
}
