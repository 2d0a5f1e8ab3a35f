//! What can be typed about looking at instances: which one, what of it, and in which form.

use crate::tls::Fingerprint;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs; events unchanged, one on a line
    Json,
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TimeStyle {
    /// Local time
    #[default]
    Local,
    /// RFC 3339, UTC
    Utc,
    /// Seconds since the first event shown
    Relative,
    /// No times
    None,
}

/// Which one instance.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// Name, session id or its beginning, pid or port [default: the instance of this directory, else the only one]
    #[arg(short, long, value_name = "INSTANCE")]
    pub instance: Option<String>,
    /// Address of a hub, ws://HOST:PORT or wss://HOST:PORT
    #[arg(long, value_name = "URL", conflicts_with = "instance")]
    pub url: Option<String>,
    /// File with the token to be let in with, open to nobody else; - is standard input [default: CLAUDE_MPM_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The certificate of that hub, as it introduced itself: no other is taken, and nobody need vouch for it
    #[arg(long, value_name = "sha256:HEX", requires = "url")]
    pub tls_fingerprint: Option<Fingerprint>,
    /// Show the token to a hub on another machine without TLS, where everybody on the way can read it
    #[arg(long, requires = "url")]
    pub insecure: bool,
}

/// Options of `watch`.
#[derive(Debug, Clone, Args)]
pub struct WatchOptions {
    /// Event types, `agent.*` for all below, `*` for everything [default: *]
    #[arg(value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// All running instances, and new ones as they appear
    #[arg(short, long, conflicts_with_all = ["instance", "url", "after"])]
    pub all: bool,
    /// Begin with the last so many events [default: 10]
    #[arg(short = 'n', long, value_name = "LINES")]
    pub lines: Option<u64>,
    /// Begin at a time or so long ago: 10m, 2h30m, 12:00, 2026-11-21T12:00:00Z
    #[arg(short = 'S', long, value_name = "TIME", conflicts_with = "lines")]
    pub since: Option<String>,
    /// Begin behind the event with this number
    #[arg(long, value_name = "SEQ", conflicts_with_all = ["lines", "since"])]
    pub after: Option<u64>,
    /// Only events whose type or text matches; (?i) in front for either case
    #[arg(short, long, value_name = "REGEX")]
    pub grep: Option<regex::Regex>,
    /// Leave out event types; may be repeated
    #[arg(long, value_name = "CHANNEL")]
    pub exclude: Vec<String>,
    /// Only events of this session; may be repeated
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
    /// Stop after so many events
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Show what there is and stop
    #[arg(long)]
    pub no_follow: bool,
    /// Ask here what claude asks, and give it the answer; on a terminal only
    #[arg(long, conflicts_with_all = ["no_follow", "count"])]
    pub answer: bool,
    /// How times are shown
    #[arg(long, value_name = "STYLE", value_enum, default_value_t)]
    pub time: TimeStyle,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `list`.
#[derive(Debug, Clone, Args)]
pub struct ListOptions {
    /// Sessions that are over, the newest first, as far as their journals are kept
    #[arg(long)]
    pub ended: bool,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusOptions {
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryOptions {
    /// Event types, `agent.*` for all below, `*` for everything [default: *]
    #[arg(value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// At most so many events, the newest
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub lines: u64,
    /// Not older than a time or so long ago: 10m, 2h30m, 12:00, 2026-11-21T12:00:00Z
    #[arg(short = 'S', long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not newer than a time or so long ago
    #[arg(short = 'U', long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only events behind this number
    #[arg(long, value_name = "SEQ")]
    pub after: Option<u64>,
    /// Only events of this session; may be repeated
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
    /// How times are shown
    #[arg(long, value_name = "STYLE", value_enum, default_value_t)]
    pub time: TimeStyle,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainOptions {
    /// An event by its number or id; a session by its id or the beginning of it [default: the whole session]
    #[arg(value_name = "EVENT|SESSION")]
    pub word: Option<String>,
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckOptions {
    /// The program to look for, by name or path
    #[arg(long, value_name = "PROGRAM", default_value = "claude")]
    pub claude: PathBuf,
    /// Say only whether this port is free: status 0, or 1 and who holds it
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "claude")]
    pub port: Option<u16>,
    /// Print only the first free port, from 8765 or FROM on
    #[arg(long, value_name = "FROM", num_args = 0..=1, default_missing_value = "8765",
          value_parser = clap::value_parser!(u16).range(1..), conflicts_with_all = ["claude", "port"])]
    pub find_port: Option<u16>,
    /// Measure only the round trip to a hub, ten times
    #[arg(long, value_name = "INSTANCE|URL", num_args = 0..=1, default_missing_value = "",
          conflicts_with_all = ["claude", "port", "find_port"])]
    pub connect: Option<String>,
    /// With --connect URL: the certificate of that hub, as it introduced itself
    #[arg(long, value_name = "sha256:HEX", requires = "connect")]
    pub tls_fingerprint: Option<Fingerprint>,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}
