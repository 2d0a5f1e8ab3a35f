//! Which events a client wants: channel patterns and selections by session, source and severity.
//!
//! Pure decisions; who asks and how is the dialects' and the server's matter.

mod query;
pub mod rates;

pub use query::Query;

use crate::event::channel::Vocabulary;
use crate::event::{Body, Event, Timestamp, body::Severity};
use std::fmt;

/// Most patterns one client may hold.
pub const MAX_PATTERNS: usize = 128;
/// Longest pattern, bytes.
pub const MAX_PATTERN_BYTES: usize = 256;

/// A channel pattern: an event type, a prefix that ends in `.*` (any depth below), or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `*`
    All,
    /// `agent.*`: kept with its dot, `agent.`.
    Below(String),
    /// `agent.delegation`
    Exact(String),
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Empty, or a part between dots is.
    #[error("bad pattern {0:?}: a name is empty")]
    Empty(String),
    /// `*` stands elsewhere than at the end behind a dot.
    #[error("bad pattern {0:?}: '*' may stand alone or behind the last dot")]
    Star(String),
    /// A character no event type has.
    #[error("bad pattern {0:?}: only letters, digits, '.', '_', '-' and ':' are allowed")]
    Character(String),
    /// More than [`MAX_PATTERN_BYTES`].
    #[error("bad pattern: longer than {MAX_PATTERN_BYTES} bytes")]
    TooLong,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with the text; see [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong);
        }
        if text == "*" {
            return Ok(Self::All);
        }
        let (name, below) = match text.strip_suffix(".*") {
            Some(prefix) => (prefix, true),
            None => (text, false),
        };
        if name.split('.').any(str::is_empty) {
            return Err(PatternError::Empty(text.into()));
        }
        if name.contains('*') {
            return Err(PatternError::Star(text.into()));
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c)) {
            return Err(PatternError::Character(text.into()));
        }
        Ok(if below { Self::Below(format!("{name}.")) } else { Self::Exact(name.into()) })
    }

    /// Whether all that belongs to the other pattern belongs to this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (_, Self::All) => false,
            (Self::Below(prefix), Self::Below(name) | Self::Exact(name)) => name.starts_with(prefix.as_str()),
            (Self::Exact(name), other) => matches!(other, Self::Exact(same) if same == name),
        }
    }

    /// Whether the event type belongs to the pattern.
    pub fn matches(&self, channel: &str) -> bool {
        match self {
            Self::All => true,
            Self::Below(prefix) => channel.starts_with(prefix.as_str()),
            Self::Exact(name) => channel == name,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("*"),
            Self::Below(prefix) => write!(out, "{prefix}*"),
            Self::Exact(name) => out.write_str(name),
        }
    }
}

/// What a client wants. The empty filter admits nothing: a client gets nothing before it subscribes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these channels.
    pub channels: Vec<Pattern>,
    /// But none of these.
    pub except: Vec<Pattern>,
    /// Any of these sessions; empty admits all.
    pub sessions: Vec<String>,
    /// Any of these sources; empty admits all.
    pub sources: Vec<String>,
    /// At least this grave; `None` admits all.
    pub min_severity: Option<Severity>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Not newer than this.
    pub until: Option<Timestamp>,
    /// Any of these tmux windows; empty admits all. What is in no tmux is in window 0.
    pub windows: Vec<u64>,
    /// In whose words the channels are.
    pub vocabulary: Vocabulary,
}

impl Filter {
    /// Everything on the given channels.
    pub fn channels(channels: Vec<Pattern>) -> Self {
        Self { channels, ..Self::default() }
    }

    /// Everything.
    pub fn all() -> Self {
        Self::channels(vec![Pattern::All])
    }

    /// Whether the client wants this event of an instance with this name.
    pub fn admits(&self, event: &Event, name: Option<&str>) -> bool {
        let channel = event.body.channel_in(self.vocabulary);
        self.channels.iter().any(|pattern| pattern.matches(channel))
            && !self.except.iter().any(|pattern| pattern.matches(channel))
            && self.admits_session(event, name)
            && admits_name(&self.sources, event.source.as_str())
            && self.min_severity.is_none_or(|least| event.body.severity_in(self.vocabulary) >= least)
            && self.since.is_none_or(|since| event.timestamp >= since)
            && self.until.is_none_or(|until| event.timestamp <= until)
            && (self.windows.is_empty() || self.windows.contains(&window(&event.body)))
    }

    /// On the monitor dialect a session goes by its name too.
    fn admits_session(&self, event: &Event, name: Option<&str>) -> bool {
        let named = || session_name(&event.body, name).filter(|_| self.vocabulary == Vocabulary::Monitor);
        admits_name(&self.sessions, event.session_id.as_str())
            || named().is_some_and(|name| admits_name(&self.sessions, name))
    }
}

/// The name of the session an event tells of: that of the tmux session where a publisher names one, and else that of the
/// instance, which was called `name` before the event.
pub fn session_name<'a>(body: &'a Body, name: Option<&'a str>) -> Option<&'a str> {
    match body {
        Body::SessionStart(start) => Some(&start.instance_info.name),
        Body::Published(published) => {
            published.data.get("session").and_then(serde_json::Value::as_str).or(name)
        }
        _ => name,
    }
}

/// The tmux window an event tells of.
pub fn window(body: &Body) -> u64 {
    let told = match body {
        Body::Published(published) => published.data.get("window").and_then(serde_json::Value::as_u64),
        _ => None,
    };
    told.unwrap_or(0)
}

fn admits_name(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|wanted| wanted == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Output, Stream};
    use crate::event::{Epoch, EventId, SessionId, Source};
    use serde_json::json;

    #[test]
    fn patterns_match_a_type_a_subtree_or_everything() {
        for (pattern, channel, expected) in [
            ("*", "claude.output", true),
            ("claude.output", "claude.output", true),
            ("claude.output", "claude.outputs", false),
            ("agent.*", "agent.delegation", true),
            ("agent.*", "agent.sub.deep", true),
            ("agent.*", "agent", false),
            ("agent.*", "agents.x", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(channel), expected, "{pattern} {channel}");
        }
    }

    #[test]
    fn bad_patterns_are_refused_with_a_reason() {
        for text in ["", ".", "a..b", ".*", "a.*.b", "*.a", "a*", "**", "a b", "a\n", "é", "a.*.*"] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Pattern::parse(&"a".repeat(257)), Err(PatternError::TooLong));
        assert!(Pattern::parse(&"a".repeat(256)).is_ok());
    }

    fn event(body: Body) -> Event {
        Event {
            id: EventId::from_u128(1),
            seq: 1,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(1_000),
            session_id: SessionId::new("id"),
            source: Source::Screen,
            body,
            remarks: None,
            origin: None,
        }
    }

    fn pane(data: &serde_json::Value) -> Body {
        Body::other("pane.output", data.as_object().unwrap().clone())
    }

    #[test]
    fn the_monitor_dialect_knows_sessions_by_name_and_judges_lines() {
        let line = |content: &str| {
            event(Body::Output(Output { content: content.into(), stream: Stream::Stdout, truncated: false }))
        };
        let named = |vocabulary| Filter { sessions: vec!["web".into()], vocabulary, ..Filter::all() };
        assert!(named(Vocabulary::Monitor).admits(&line("x"), Some("web")));
        assert!(!named(Vocabulary::Classic).admits(&line("x"), Some("web")));
        let tmux = event(pane(&json!({"session": "web", "window": 2, "severity": "error"})));
        assert!(named(Vocabulary::Monitor).admits(&tmux, Some("other")));
        let grave = |vocabulary| Filter { min_severity: Some(Severity::Error), vocabulary, ..Filter::all() };
        for (event, in_monitor) in [(line("Error: x"), true), (line("x"), false), (tmux, true)] {
            assert_eq!(grave(Vocabulary::Monitor).admits(&event, None), in_monitor, "{event:?}");
            assert!(!grave(Vocabulary::Classic).admits(&event, None), "{event:?}");
        }
    }

    #[test]
    fn times_and_windows_bound_what_is_wanted() {
        let tmux = event(pane(&json!({"window": 2})));
        let at = |millis| Some(Timestamp::from_millis(millis));
        for (since, until, windows, expected) in [
            (None, None, vec![], true),
            (at(1_000), at(1_000), vec![2], true),
            (at(1_001), None, vec![], false),
            (None, at(999), vec![], false),
            (None, None, vec![0], false),
        ] {
            assert_eq!(Filter { since, until, windows, ..Filter::all() }.admits(&tmux, None), expected);
        }
    }

    #[test]
    fn a_pattern_prints_as_it_was_written() {
        for text in ["*", "agent.*", "claude.output"] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), text);
        }
    }
}
