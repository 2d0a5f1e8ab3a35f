//! What can be typed: clap types and help text. No logic; [`crate::cmd`] reads the command line with these.

mod control;
mod demo;
mod elsewhere;
mod export;
mod help;
mod hook;
mod listen;
mod permission;
mod publish;
mod replay;
mod schema;
mod token;
mod value;
mod view;

pub use control::{EndOptions, InterruptOptions, OpenOptions, SendOptions, StopOptions};
pub use demo::DemoOptions;
pub use export::{ExportFormat, ExportOptions};
pub use hook::{HookOptions, HookPlace, HookVerb, Hooks};
pub use listen::{AllowedOrigin, Auth, ListenOptions, TlsChoice};
pub use permission::{AllowOptions, DenyOptions, PermissionsOptions, QuestionOptions};
pub use publish::PublishOptions;
pub use replay::{ReplayOptions, Speed};
pub use schema::SchemaOptions;
pub use token::{TokenChoice, TokenId, TokenList, TokenOptions, TokenRole, TokenVerb, TokenWish};
pub use value::{PortChoice, WindowSize};
pub use view::{
    CheckOptions, ExplainOptions, Format, HistoryOptions, ListOptions, StatusOptions, Target, TimeStyle,
    WatchOptions,
};

use crate::claude::Version;
use crate::tls::Fingerprint;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Runs claude, lets programs watch what it does, and stays out of the way.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "claude-mpm",
    version,
    max_term_width = 100,
    override_usage = help::USAGE,
    after_help = help::SHORT_END,
    after_long_help = help::LONG_END,
    disable_help_subcommand = true,
    subcommand_help_heading = "Verbs",
    subcommand_value_name = "VERB"
)]
pub struct Cli {
    /// Options of the verb `run`, which is meant when there is no verb.
    #[command(flatten)]
    pub run: RunOptions,
    /// Options every verb has.
    #[command(flatten)]
    pub log: LogOptions,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// The verbs.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Run claude (what happens without a verb)
    #[command(override_usage = help::RUN_USAGE, after_long_help = help::RUN_END)]
    Run(RunOptions),
    /// Show what happens, as it happens
    #[command(visible_aliases = ["tail", "logs"], after_long_help = help::WATCH_END)]
    Watch(WatchOptions),
    /// List the running instances
    #[command(visible_aliases = ["ps", "ls"], after_long_help = help::LIST_END)]
    List(ListOptions),
    /// Show the state of an instance
    #[command(after_long_help = help::ONE_END)]
    Status(StatusOptions),
    /// Show past events of an instance, or of a session that is over
    #[command(after_long_help = help::HISTORY_END)]
    History(HistoryOptions),
    /// Tell a session again that was recorded, as if it were live
    #[command(after_long_help = replay::REPLAY_END)]
    Replay(ReplayOptions),
    /// Say which source told of an event, and what the others did
    #[command(after_long_help = help::EXPLAIN_END)]
    Explain(ExplainOptions),
    /// Write a session into a file: for programs, for spreadsheets, for people
    #[command(after_long_help = elsewhere::EXPORT_END)]
    Export(ExportOptions),
    /// Put events of your own on a hub
    #[command(after_long_help = help::PUBLISH_END)]
    Publish(PublishOptions),
    /// Give claude a prompt, or press keys
    #[command(after_long_help = elsewhere::SEND_END)]
    Send(SendOptions),
    /// End what claude is doing, not claude
    #[command(after_long_help = elsewhere::INTERRUPT_END)]
    Interrupt(InterruptOptions),
    /// End claude
    #[command(visible_alias = "kill", after_long_help = elsewhere::STOP_END)]
    Stop(StopOptions),
    /// End claude and start it again with the same conversation
    #[command(after_long_help = elsewhere::RESTART_END)]
    Restart(EndOptions),
    /// List what claude asks, and waits for
    #[command(after_long_help = elsewhere::PERMISSIONS_END)]
    Permissions(PermissionsOptions),
    /// Answer what claude asks with yes, or with an answer
    #[command(after_long_help = elsewhere::ALLOW_END)]
    Allow(AllowOptions),
    /// Answer what claude asks with no
    #[command(after_long_help = elsewhere::DENY_END)]
    Deny(DenyOptions),
    /// Open the dashboard in a browser
    #[command(after_long_help = elsewhere::OPEN_END)]
    Open(OpenOptions),
    /// Check claude, directories, ports and connections
    #[command(after_long_help = help::CHECK_END)]
    Check(CheckOptions),
    /// Run a scripted program in claude's place, to see everything without an account
    #[command(after_long_help = help::DEMO_END)]
    Demo(DemoOptions),
    /// Be a hub for many sessions, without a claude of its own
    #[command(after_long_help = help::SERVE_END)]
    Serve(ServeOptions),
    /// Tell the hub what claude's hook says, on standard input; or install hooks that do
    #[command(override_usage = help::HOOK_USAGE, after_long_help = help::HOOK_END)]
    Hook(HookOptions),
    /// Print the JSON Schema of every event, frame and request
    #[command(after_long_help = help::SCHEMA_END)]
    Schema(SchemaOptions),
    /// Make and take away tokens, by which a hub knows who may do what
    #[command(override_usage = help::TOKEN_USAGE, after_long_help = help::TOKEN_END)]
    Token(TokenOptions),
}

/// How claude is run.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// Let programs watch over a WebSocket
    #[arg(long, alias = "monitor")]
    pub websocket: bool,
    /// TCP port, or `auto` for the first free one from 8765 on; implies --websocket [default: 8765]
    #[arg(long, value_name = "PORT|auto")]
    pub websocket_port: Option<PortChoice>,
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenOptions,
    /// Also tell another hub of this session, ws://HOST:PORT or wss://HOST:PORT; implies --websocket
    #[arg(long, value_name = "URL")]
    pub hub: Option<String>,
    /// File with the token for that hub, open to nobody else; - is standard input [default: CLAUDE_MPM_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub hub_token_file: Option<PathBuf>,
    /// The certificate of that hub, as it introduced itself: no other is taken, and nobody need vouch for it
    #[arg(long, value_name = "sha256:HEX", requires = "hub")]
    pub tls_fingerprint: Option<Fingerprint>,
    /// Become claude, or stay and keep it as a child
    #[arg(long, value_name = "METHOD", value_enum, default_value_t = LaunchMethod::Exec)]
    pub launch_method: LaunchMethod,
    /// Name of the instance [default: that of the directory]
    #[arg(short, long)]
    pub name: Option<String>,
    /// Directory claude runs in [default: this one]
    #[arg(short = 'C', long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// The program to run, by name or path
    #[arg(long, value_name = "PROGRAM", default_value = "claude")]
    pub claude: PathBuf,
    /// Size of the terminal claude sees, where there is none to take it from
    #[arg(long, value_name = "COLSxROWS")]
    pub window_size: Option<WindowSize>,
    /// Give claude a terminal that nobody sees
    #[arg(long)]
    pub headless: bool,
    /// When claude has exited by itself, end what it left running; after a signal that is done anyway
    #[arg(long)]
    pub reap: bool,
    /// How claude tells the hub what it does: by its hooks over HTTP, or by commands, as its version knows; off: not
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub hooks: Hooks,
    /// The same as --hooks off
    #[arg(long, conflicts_with = "hooks")]
    pub no_hooks: bool,
    /// Who is asked before `claude -p` uses a tool: claude's own rules alone, or somebody who watches from elsewhere
    #[arg(long, value_name = "WHO", value_enum, default_value_t)]
    pub approve: Approve,
    /// Start claude again when it is over, with the same conversation
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub restart: RestartWhen,
    /// Show secrets in events and logs as they are
    #[arg(long)]
    pub no_redact: bool,
    /// Keep events in memory only
    #[arg(long)]
    pub no_journal: bool,
    /// Record what claude shows on its terminal, which is not redacted, for `export --format asciicast`
    #[arg(long)]
    pub record: bool,
    /// Run inside a session of claude-mpm, which is refused otherwise
    #[arg(long)]
    pub nested: bool,
    /// Version of the program, where it is known without asking.
    #[arg(skip)]
    pub claude_version: Option<Version>,
    /// What stands behind the first `--`, byte for byte; filled in by [`crate::cmd`].
    #[arg(skip)]
    pub claude_args: Vec<OsString>,
    /// The options every verb has, also filled in by [`crate::cmd`].
    #[arg(skip)]
    pub log: LogOptions,
}

/// What is told beside the work itself.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct LogOptions {
    /// Log more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "log_level")]
    pub verbose: u8,
    /// Log from this level on
    #[arg(long, global = true, value_name = "LEVEL", value_enum)]
    pub log_level: Option<LogLevel>,
    /// Log to a file
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Print nothing of our own on standard error but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// How grave an entry of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names are the usual ones")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How claude is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LaunchMethod {
    /// Our process becomes claude, which has the terminal for itself; a companion serves
    Exec,
    /// We stay, and claude is our child on a terminal of ours; only so its output is seen
    Subprocess,
}

/// Who is asked before claude uses a tool where it has no dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Approve {
    /// Nobody: what claude's own rules do not allow is denied
    #[default]
    Local,
    /// Somebody who watches: claude waits for the answer, up to an hour
    Remote,
}

/// When claude is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RestartWhen {
    /// Not at all
    #[default]
    Never,
    /// When it fails or is killed; five times in a row at most, with a growing pause
    OnFailure,
    /// Also when it ends by itself
    Always,
}

impl RunOptions {
    /// How claude's hooks reach the hub, from both options that say it.
    pub fn hooks(&self) -> Hooks {
        if self.no_hooks { Hooks::Off } else { self.hooks }
    }
}

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("websocket_host", |host| host.alias("host")))]
pub struct ServeOptions {
    /// TCP port
    #[arg(long, alias = "port", value_name = "PORT", default_value_t = crate::instance::DEFAULT_PORT)]
    pub websocket_port: u16,
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenOptions,
    /// Name of the hub
    #[arg(short, long, default_value = "hub")]
    pub name: String,
    /// Show secrets in events and logs as they are
    #[arg(long)]
    pub no_redact: bool,
    /// Keep events in memory only
    #[arg(long)]
    pub no_journal: bool,
}
