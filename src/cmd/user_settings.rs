//! The user's settings as a hub has them: read before it begins, followed while it is open.

use super::failure::{Exit, Failure};
use super::redaction;
use crate::config::{Config, ConfigFile};
use crate::detect::ticket::Tickets;
use crate::hub::Publisher;
use crate::source::settings_watch;
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

    /// The settings as they are at any time, and the task that follows the file until nobody holds the receiver.
    pub(super) fn follow(self, publisher: Publisher) -> (watch::Receiver<Config>, Option<JoinHandle<()>>) {
        let (sender, settings) = watch::channel(self.config);
        let follow = |file| tokio::spawn(settings_watch::run(publisher, file, sender, self.redacts));
        (settings, self.file.map(follow))
    }
}
