//! What can be typed about claude's hooks.

use clap::{Args, Subcommand, ValueEnum};

/// How claude's hooks reach the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Hooks {
    /// Over HTTP where claude's version knows that, else by commands; none for a program that is not claude
    #[default]
    Auto,
    /// Over HTTP, whatever the program
    Http,
    /// By commands, whatever the program
    Command,
    /// Not at all
    Off,
}

/// Options of `hook`.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_value_name = "ACTION",
    disable_help_subcommand = true
)]
pub struct HookOptions {
    /// The event, as claude names it [default: what standard input says]
    #[arg(value_name = "EVENT")]
    pub event: Option<String>,
    /// Wait so long, in seconds, for somebody's answer to what claude asks, and print it
    #[arg(long, value_name = "SECONDS", requires = "event", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub wait: Option<u32>,
    /// What to do with claude's settings instead.
    #[command(subcommand)]
    pub verb: Option<HookVerb>,
}

/// What to do with the hooks in claude's settings.
#[derive(Debug, Clone, Subcommand)]
pub enum HookVerb {
    /// Put our hooks into claude's settings, for claude run without this wrapper
    Install(HookPlace),
    /// Take our hooks out of claude's settings
    Uninstall(HookPlace),
    /// Say which of our hooks are in claude's settings
    Status(HookPlace),
}

/// Which settings of claude's.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct HookPlace {
    /// ./.claude/settings.json [default: settings.json in CLAUDE_CONFIG_DIR, else in ~/.claude]
    #[arg(long, conflicts_with = "local")]
    pub project: bool,
    /// ./.claude/settings.local.json, for you alone in this project
    #[arg(long)]
    pub local: bool,
}
