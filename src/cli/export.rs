//! What can be typed about exporting a session.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportOptions {
    /// Name, session id or its beginning, pid or port of one that runs; name, or session id or its beginning, of one that is over
    #[arg(value_name = "SESSION")]
    pub session_word: String,
    /// Event types, `agent.*` for all below, `*` for everything [default: all; a protocol: what people want]
    #[arg(value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Form of the document [default: by the ending of FILE, else ndjson]
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    pub format: Option<ExportFormat>,
    /// Where to write it; - is standard output [default: -]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace FILE where it is there
    #[arg(long)]
    pub force: bool,
    /// Not older than a time or so long ago: 10m, 2h30m, 12:00, 2026-11-21T12:00:00Z
    #[arg(short = 'S', long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not newer than a time or so long ago
    #[arg(short = 'U', long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only events behind this number
    #[arg(long, value_name = "SEQ")]
    pub after: Option<u64>,
    /// Of a hub that has several: only events of this session; may be repeated
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
}

/// Form of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Events unchanged, one JSON object on a line
    Ndjson,
    /// A table, the content of each event as JSON in its last column
    Csv,
    /// A protocol to read
    Markdown,
    /// A protocol as a page that needs nothing else
    Html,
    /// What claude showed on its terminal, for asciinema; of a session that was run with --record
    Asciicast,
}
