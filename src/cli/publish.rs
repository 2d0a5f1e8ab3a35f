//! What can be typed about events of one's own.

use super::{Format, Target};
use clap::Args;

/// Options of `publish`.
#[derive(Debug, Clone, Args)]
pub struct PublishOptions {
    /// Event type: your own, or one that others publish; `-`: whole events, one on each line of standard input
    #[arg(value_name = "TYPE")]
    pub kind: String,
    /// Content, a JSON object; `-`: one on each line of standard input, an event each [default: {}]
    #[arg(value_name = "JSON|-")]
    pub data: Option<String>,
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// Name of the component that says so [default: publish]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Session it belongs to [default: that of the hub]
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// One sentence for people
    #[arg(long, value_name = "TEXT")]
    pub summary: Option<String>,
    /// A test event, with a content of its own
    #[arg(long, conflicts_with = "data")]
    pub test: bool,
    /// Form of the output; text: none, json: the numbers of what was published
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}
