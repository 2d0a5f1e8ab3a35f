//! What can be typed about telling a recorded session again.

use super::listen::ListenOptions;
use super::value::{self, PortChoice};
use super::view::{Format, TimeStyle};
use clap::Args;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Options of `replay`.
#[derive(Debug, Clone, Args)]
pub struct ReplayOptions {
    /// Which session: its name, its id or the beginning of that, or the path of a journal's directory
    #[arg(value_name = "SESSION")]
    pub recording: String,
    /// With --print: event types, `agent.*` for all below, `*` for everything [default: *]
    #[arg(value_name = "CHANNEL", requires = "print")]
    pub channels: Vec<String>,
    /// Print the events instead of serving them
    #[arg(long)]
    pub print: bool,
    /// So many times as fast as it was, 0.1 to 1000, or `max` for no pauses at all
    #[arg(long, value_name = "FACTOR|max", default_value_t)]
    pub speed: Speed,
    /// No pause longer than so many seconds of the session
    #[arg(long, alias = "idle-time-limit", value_name = "SECONDS", value_parser = value::pause)]
    pub idle: Option<Duration>,
    /// Begin without waiting for the first client
    #[arg(long, conflicts_with = "print")]
    pub now: bool,
    /// End behind the last event, as a session ends
    #[arg(long, conflicts_with = "print")]
    pub once: bool,
    /// Which numbering of the journal, where it has several, by the beginning of its name [default: the newest]
    #[arg(long, value_name = "ID")]
    pub epoch: Option<String>,
    /// Without pauses up to a time or so long ago: 10m, 2h30m, 12:00, 2026-11-21T12:00:00Z; with --print: from then on
    #[arg(short = 'S', long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only until a time or so long ago
    #[arg(short = 'U', long, value_name = "TIME")]
    pub until: Option<String>,
    /// With --print: only events of this session, where there are several; may be repeated
    #[arg(long, value_name = "ID", requires = "print")]
    pub session: Vec<String>,
    /// With --print: leave out event types; may be repeated
    #[arg(long, value_name = "CHANNEL", requires = "print")]
    pub exclude: Vec<String>,
    /// With --print: how times are shown
    #[arg(long, value_name = "STYLE", value_enum, default_value_t, requires = "print")]
    pub time: TimeStyle,
    /// With --print: form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t, requires = "print")]
    pub output: Format,
    /// TCP port, or `auto` for the first free one from 8765 on [default: auto]
    #[arg(long, value_name = "PORT|auto", conflicts_with = "print")]
    pub websocket_port: Option<PortChoice>,
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenOptions,
    /// Name that it is found by [default: that of the session]
    #[arg(short, long, conflicts_with = "print")]
    pub name: Option<String>,
}

/// How fast a session is told again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was.
    Times(f64),
    /// Without pauses.
    Max,
}

impl Default for Speed {
    fn default() -> Self {
        Self::Times(1.0)
    }
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.parse::<f64>().ok().filter(|factor| (0.1..=1000.0).contains(factor));
        factor.map(Self::Times).ok_or("it should be a number from 0.1 to 1000, or `max`")
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(factor) => factor.fmt(out),
            Self::Max => out.write_str("max"),
        }
    }
}

pub(super) const REPLAY_END: &str = "\
The session is told again as its journal has it: the same events with the same ids, numbers and times, at the pace at
which they came. Clients find it as they find a session that runs: watch, status, open, or the address it prints. It
begins with the first client that subscribes; whoever comes later gets what was told already, as always. Behind the last
event it stays, until ^C or TERM ends it; with --once it ends there as the session did, with 1000. Where records of the
journal are damaged, clients are told which numbers are missing.

Nothing is published there, no hook is taken and nothing is controlled: it is a recording. Nothing is written to the
journal, and it is not removed meanwhile. Of a session that still runs, what was written so far is told.

EXAMPLES
  claude-mpm list --ended                    what there is to replay
  claude-mpm replay web                      the newest session of that name; in another terminal: claude-mpm watch
  claude-mpm replay 1a2b --speed 10 --idle 2 ten times as fast, and no pause longer than 0.2 s
  claude-mpm replay web --print              on this terminal, as watch shows it
  claude-mpm replay web --print --speed max -o json agent.*
                                             what became of agents, at once, for a program

EXIT STATUS
  0   all of it was told, or it was told to stop
  1   failed: the journal has no record that is whole, or cannot be read
  2   usage
  3   no such session
  125 cannot listen
  ^C ends --print by SIGINT, which a shell shows as 130.

FILES
  ~/.local/state/claude-mpm/sessions/   the journals (in XDG_STATE_HOME, if that is set)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_within_bounds_or_max() {
        for (text, speed) in
            [("1", Speed::Times(1.0)), ("0.1", Speed::Times(0.1)), ("1000", Speed::Times(1000.0))]
        {
            assert_eq!(text.parse(), Ok(speed), "{text}");
        }
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert!(
            ["", "0", "0.09", "1001", "-1", "NaN", "inf", "MAX"]
                .iter()
                .all(|text| text.parse::<Speed>().is_err())
        );
        assert_eq!((Speed::default().to_string(), Speed::Max.to_string()), ("1".into(), "max".into()));
    }
}
