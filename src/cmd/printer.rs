//! Events on standard output: which are shown, and how.

use super::escape::{visible, visible_json};
use super::moment::Clock;
use super::paint::{self, Paint, prefix_style};
use super::permission;
use crate::cli::{Format, TimeStyle};
use crate::client::Frame;
use crate::dialect::summary;
use crate::event::channel;
use crate::filter::Pattern;
use crate::instance::Instance;
use regex::Regex;
use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// What is left out beside what the hub leaves out.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    /// Only what matches.
    pub(super) grep: Option<Regex>,
    /// Not these channels.
    pub(super) exclude: Vec<Pattern>,
}

impl Sieve {
    fn admits(&self, frame: &Frame, text: &str) -> bool {
        // What was missed cannot be looked at, so it is always told.
        frame.kind() == channel::SYSTEM_GAP
            || !self.exclude.iter().any(|pattern| pattern.matches(frame.kind()))
                && self.grep.as_ref().is_none_or(|grep| grep.is_match(frame.kind()) || grep.is_match(text))
    }
}

/// Prints events.
pub(super) struct Printer {
    format: Format,
    clock: Clock,
    paint: Paint,
    sieve: Sieve,
    left: Option<u64>,
    /// Several instances: their names stand in front.
    several: bool,
    /// Several sessions of one hub: theirs do.
    sessions: Option<HashMap<String, String>>,
    /// Below a question, how it is answered.
    commands: bool,
}

impl Printer {
    pub(super) fn new(format: Format, time: TimeStyle, sieve: Sieve) -> Self {
        let clock = Clock::new(time, &jiff::Zoned::now());
        let paint = Paint::for_stdout();
        Self { format, clock, paint, sieve, left: None, several: false, sessions: None, commands: false }
    }

    /// Stops after so many events.
    pub(super) fn at_most(mut self, count: Option<u64>) -> Self {
        self.left = count;
        self
    }

    /// With the names of the instances in front.
    pub(super) fn with_prefixes(mut self, several: bool) -> Self {
        self.several = several;
        self
    }

    /// With the names of sessions in front, where this is a hub that has many.
    pub(super) fn with_sessions(mut self, hub: Option<Instance>) -> Self {
        self.sessions = hub.map(|hub| HashMap::from([(hub.session_id.to_string(), hub.name)]));
        self
    }

    /// With the commands that answer a question, below it.
    pub(super) fn with_commands(mut self, wanted: bool) -> Self {
        self.commands = wanted;
        self
    }

    /// Prints the event of this instance, if it is wanted, and says whether to go on.
    ///
    /// # Errors
    /// When nothing can be written, as to a closed pipe.
    pub(super) fn show(
        &mut self,
        out: &mut impl Write,
        label: &str,
        frame: &Frame,
    ) -> io::Result<ControlFlow<()>> {
        let text = summary::beside(frame.kind(), frame.data());
        if !self.sieve.admits(frame, &text) {
            return Ok(ControlFlow::Continue(()));
        }
        match self.format {
            Format::Json => writeln!(out, "{}", visible_json(&frame.line()))?,
            Format::Text => {
                writeln!(out, "{}", self.line(label, frame, &text))?;
                if self.commands && frame.kind() == channel::PERMISSION_REQUESTED {
                    let commands = permission::commands(label, frame);
                    commands.iter().try_for_each(|command| writeln!(out, "    {command}"))?;
                }
            }
        }
        if frame.kind() != channel::SYSTEM_GAP {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        Ok(if self.left == Some(0) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn line(&mut self, label: &str, frame: &Frame, text: &str) -> String {
        let time = self.clock.show(frame.timestamp());
        let time = self.paint.paint(paint::FAINT, &time);
        let session = self.session(frame);
        let label = session.as_deref().unwrap_or(label);
        let who = if self.several || session.is_some() {
            self.paint.paint(prefix_style(label), &visible(label))
        } else {
            self.paint.paint(paint::FAINT, &format!("{:<10}", visible(frame.source().unwrap_or("-"))))
        };
        let kind = self.paint.paint(kind_style(frame), &format!("{:<15}", visible(frame.kind())));
        format!("{time}{who} {kind} {}", visible(text)).trim_end().to_owned()
    }
}

impl Printer {
    /// What the session of the event is called; `None` where sessions are not told apart.
    fn session(&mut self, frame: &Frame) -> Option<String> {
        const SHORT: usize = 8;
        const MOST: usize = 10_000;
        let (names, id) = (self.sessions.as_mut()?, frame.session_id()?);
        let name = frame.data().get("instance_info").and_then(|info| info.get("name")?.as_str());
        if let Some(name) = name.filter(|_| frame.kind() == channel::SESSION_START)
            && names.len() < MOST
        {
            names.insert(id.to_owned(), name.to_owned());
        }
        Some(names.get(id).cloned().unwrap_or_else(|| id.chars().take(SHORT).collect()))
    }
}

fn kind_style(frame: &Frame) -> anstyle::Style {
    match frame.kind() {
        channel::SYSTEM_ERROR => paint::BAD,
        channel::SYSTEM_GAP => paint::ODD,
        channel::SESSION_START | channel::SESSION_END => paint::STRONG,
        _ => paint::NAME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn printed(printer: &mut Printer, kind: &str, content: &str) -> String {
        let frame = json!({"type": kind, "source": "screen", "data": {"content": content}, "timestamp": "1970-01-01T00:00:00Z"});
        let mut out = Vec::new();
        assert!(
            printer
                .show(&mut out, "web:1", &Frame::parse(frame.to_string().into()).unwrap())
                .unwrap()
                .is_continue()
        );
        String::from_utf8(out).unwrap()
    }

    fn printer(format: Format, sieve: Sieve) -> Printer {
        Printer { paint: Paint::none(), ..Printer::new(format, TimeStyle::Utc, sieve) }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let mut single = printer(Format::Text, Sieve::default());
        let line = printed(&mut single, "claude.output", "a\n\u{1b}[2J");
        assert_eq!(line, "1970-01-01T00:00:00.000Z screen     claude.output   a\\n\\u{1b}[2J\n");
        let mut several = printer(Format::Text, Sieve::default()).with_prefixes(true);
        assert!(printed(&mut several, "x\u{9b}", "").starts_with("1970-01-01T00:00:00.000Z web:1 x\\u{9b}"));
    }

    #[test]
    fn the_sieve_looks_at_type_and_text_and_never_hides_a_gap() {
        let sieve = || Sieve {
            grep: Some(Regex::new("err|stats").unwrap()),
            exclude: vec![Pattern::parse("system.*").unwrap()],
        };
        let mut all = printer(Format::Json, sieve());
        let shown = ["system.stats", "claude.output", "x.stats", "system.gap"]
            .map(|kind| printed(&mut all, kind, "no"));
        assert_eq!(shown.map(|text| !text.is_empty()), [false, false, true, true]);
        assert!(printed(&mut all, "claude.output", "an error").contains("an error"));
    }
}
