//! What an event is in the words of each dialect, and how grave it is.

use super::Body;
use super::body::Severity;
use super::channel::{self, Vocabulary};
use super::surroundings::{AlertLevel, ComponentState};
use super::work::DelegationStatus;

impl Body {
    /// The event type in other words.
    pub fn channel_in(&self, vocabulary: Vocabulary) -> &str {
        match (vocabulary, self) {
            (Vocabulary::Envelope, Self::Hook(hook)) => &hook.name,
            (Vocabulary::Envelope, Self::Delegation(delegation)) => match delegation.status {
                DelegationStatus::Started => channel::FLOW_AGENT_SPAWNED,
                DelegationStatus::Completed | DelegationStatus::Failed => channel::FLOW_AGENT_COMPLETED,
            },
            (Vocabulary::Monitor, Self::Status(_) | Self::Activity(_)) => channel::AGENT_STATUS,
            (Vocabulary::Monitor, Self::Agents(_)) => channel::AGENT_STATS,
            (Vocabulary::Monitor, Self::Output(_)) => channel::PANE_OUTPUT,
            (Vocabulary::Monitor, Self::SessionStart(_)) => channel::SESSION_CREATED,
            (Vocabulary::Monitor, Self::SessionEnd(_)) => channel::SESSION_CLOSED,
            _ => self.channel(),
        }
    }

    /// How grave it is; events that report no fault are `info`.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Error(fault) => fault.severity,
            Self::ResourceAlert(alert) => match alert.alert_level {
                Some(AlertLevel::Critical) => Severity::Critical,
                Some(AlertLevel::Warning) => Severity::Warning,
                _ => Severity::Info,
            },
            Self::ComponentHealth(health) if health.status != ComponentState::Healthy => Severity::Warning,
            _ => Severity::Info,
        }
    }
}
