//! What can be typed about the demo.

use super::value;
use super::{LogOptions, PortChoice};
use clap::Args;

/// Options of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoOptions {
    /// So many times as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = value::speed)]
    pub speed: f64,
    /// Play the script again and again, instead of once
    #[arg(long)]
    pub forever: bool,
    /// TCP port, or `auto` for the first free one from 8765 on [default: 8765]
    #[arg(long, value_name = "PORT|auto")]
    pub websocket_port: Option<PortChoice>,
    /// Name of the instance [default: that of the directory]
    #[arg(short, long)]
    pub name: Option<String>,
    /// Be the scripted program.
    #[arg(long, hide = true)]
    pub play: bool,
    /// Settings as claude takes them, JSON; the scripted program tells the hooks they name.
    #[arg(long, hide = true)]
    pub settings: Option<String>,
    /// The options every verb has; filled in by [`crate::cmd`].
    #[arg(skip)]
    pub log: LogOptions,
}
