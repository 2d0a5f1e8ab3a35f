//! What can be typed about doing something with claude: prompts, keys, ends, and the dashboard.

use super::{Format, Target, value};
use clap::Args;
use std::time::Duration;

/// How long to wait for what becomes of it, where nothing else is said.
const PATIENCE: &str = "30s";

/// Options of `send`.
#[derive(Debug, Clone, Args)]
pub struct SendOptions {
    /// The prompt, words joined by a space; `-`, or nothing where standard input is a pipe: what stands there
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// Let a leading `!` or `/` keep its meaning to claude: a shell, a command of its own
    #[arg(long)]
    pub raw: bool,
    /// Where claude is busy or asks something, wait until it can take the prompt
    #[arg(long)]
    pub queue: bool,
    /// Type only, without Enter behind it
    #[arg(long)]
    pub no_submit: bool,
    /// Press keys instead, by their names: Escape, Enter, Up, C-c, F1, 0
    #[arg(long, value_name = "KEY", num_args = 1.., value_parser = value::key,
          conflicts_with_all = ["text", "raw", "queue", "no_submit"])]
    pub keys: Vec<String>,
    /// How long to wait for what becomes of it [default: 30s; with --queue 10m]
    #[arg(long, value_name = "TIME", value_parser = value::length)]
    pub timeout: Option<Duration>,
    /// Form of the output; json: each step on a line of standard output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `interrupt`.
#[derive(Debug, Clone, Args)]
pub struct InterruptOptions {
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// How long to wait for what becomes of it
    #[arg(long, value_name = "TIME", value_parser = value::length, default_value = PATIENCE)]
    pub timeout: Duration,
    /// Form of the output; json: each step on a line of standard output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `stop`.
#[derive(Debug, Clone, Args)]
pub struct StopOptions {
    /// How claude is ended.
    #[command(flatten)]
    pub end: EndOptions,
    /// All running instances of this user
    #[arg(short, long, conflicts_with_all = ["instance", "url"])]
    pub all: bool,
}

/// Options of `restart`, and of `stop` for one instance.
#[derive(Debug, Clone, Args)]
pub struct EndOptions {
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// How long claude has to end by itself before it is killed, at most 10m
    #[arg(long, value_name = "TIME", value_parser = value::grace, default_value = "5s")]
    pub grace: Duration,
    /// How long to wait for what becomes of it, behind the grace
    #[arg(long, value_name = "TIME", value_parser = value::length, default_value = PATIENCE)]
    pub timeout: Duration,
    /// Form of the output; json: each step on a line of standard output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `open`.
#[derive(Debug, Clone, Args)]
pub struct OpenOptions {
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// Print the address, with its token, and open nothing
    #[arg(long)]
    pub print: bool,
    /// Remove this page of ours after a while.
    #[arg(long, value_name = "PAGE", hide = true)]
    pub discard: Option<String>,
}
