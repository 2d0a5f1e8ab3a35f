//! The verbs: one file each, where the parts are put together; the only users of anyhow.
//!
//! Single-threaded until a verb says otherwise: `run` forks, so no runtime is made here.

mod answering;
mod arguments;
mod caller;
mod calls;
mod check;
mod column;
pub mod demo;
mod diagnose;
mod ended;
mod ending;
mod entrance;
mod escape;
mod exec;
mod explain;
mod export;
mod failure;
mod feed;
mod going_on;
mod history;
mod hook;
mod hook_site;
mod hosting;
mod hub_site;
pub mod injection;
mod journal;
mod last_word;
mod list;
mod moment;
mod open;
mod order;
mod output;
mod paint;
mod permission;
mod port;
mod printer;
pub mod probe;
mod program;
mod publish;
mod record;
mod recording;
mod redaction;
mod replay;
mod restarting;
pub mod run;
mod run_log;
mod schema;
mod send;
mod serve;
mod status;
mod target;
mod token;
mod uplink;
mod usage;
mod user_settings;
mod watch;

use crate::cli::{Cli, LogLevel, LogOptions, Verb};
use crate::process::memory;
use failure::{Exit, Failure};
use redaction::Entries;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;

/// Reads the command line, runs the verb and says how it went.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(done) = hook::run_at_once(&args) {
        return done;
    }
    let token = caller::take();
    match arguments::parse(args) {
        Ok(cli) => perform(cli, token),
        Err(refusal) => refusal.print(),
    }
}

fn perform(cli: Cli, token: Option<OsString>) -> ExitCode {
    if let Err(failure) = caller::settle(&cli, token) {
        return failure.print();
    }
    let runs_claude = matches!(cli.verb, None | Some(Verb::Run(_) | Verb::Demo(_)));
    let performed = match cli.verb {
        None => run::run(cli.run),
        Some(Verb::Run(options)) => run::run(options),
        Some(Verb::Demo(options)) => demo::run(options),
        Some(Verb::Hook(options)) => hook::run(&options),
        Some(Verb::Serve(options)) => start_log(&cli.log).and_then(|()| serve::run(&options, cli.log.quiet)),
        Some(Verb::Replay(options)) => {
            start_log(&cli.log).and_then(|()| replay::run(&options, cli.log.quiet))
        }
        Some(other) => start_log(&cli.log).and_then(|()| observe(&other, &cli.log)),
    };
    performed.unwrap_or_else(|cause| report(&cause, if runs_claude { Exit::RunFailed } else { Exit::Failed }))
}

/// The verbs that run nothing.
fn observe(verb: &Verb, log: &LogOptions) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Watch(options) => watch::run(options, log),
        Verb::List(options) => list::run(options, log),
        Verb::Status(options) => status::run(options),
        Verb::History(options) => history::run(options, log),
        Verb::Explain(options) => explain::run(options),
        Verb::Export(options) => export::run(options, log),
        Verb::Check(options) => check::run(options),
        Verb::Schema(options) => schema::run(options),
        Verb::Token(options) => token::run(options, log.quiet),
        Verb::Run(_) | Verb::Demo(_) | Verb::Hook(_) | Verb::Serve(_) | Verb::Replay(_) => {
            unreachable!("performed by the caller")
        }
        Verb::Publish(options) => publish::run(options),
        Verb::Send(options) => send::run(options, log.quiet),
        Verb::Interrupt(options) => ending::interrupt(options, log.quiet),
        Verb::Stop(options) => ending::stop(options, log.quiet),
        Verb::Restart(options) => ending::restart(options, log.quiet),
        Verb::Permissions(options) => permission::list(options),
        Verb::Allow(options) => permission::allow(options, log.quiet),
        Verb::Deny(options) => permission::deny(options, log.quiet),
        Verb::Open(options) => open::run(options, log.quiet),
    }
}

fn report(cause: &anyhow::Error, otherwise: Exit) -> ExitCode {
    if is_closed_pipe(cause) {
        return Exit::Ok.into();
    }
    match cause.downcast_ref::<Failure>() {
        Some(failure) => failure.print(),
        None => {
            note(&format!("{cause:#}"));
            otherwise.into()
        }
    }
}

/// The reader of our output has seen enough: no failure.
fn is_closed_pipe(cause: &anyhow::Error) -> bool {
    cause
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// One line of ours on standard error, presentable. A standard error that cannot be written to is nobody's loss.
fn note(text: &str) {
    drop(writeln!(io::stderr(), "claude-mpm: {}", redaction::presentable(text)));
}

/// Threads that look into files at once, for whoever reads what is no longer in memory.
const LOOKING: usize = 16;
/// How long one is kept that has nothing to do.
const IDLE: Duration = Duration::from_secs(1);

/// A runtime for one verb, on this thread but for what waits for disks.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    memory::give_back_large_blocks();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.max_blocking_threads(LOOKING).thread_keep_alive(IDLE).enable_all().build()
}

/// What other threads look into may take so long when all else is done.
const LEFT_OVER: Duration = Duration::from_millis(200);

/// Does this to its end. What clients had looked up on a slow disk meanwhile is not waited for.
fn run_to_end<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = runtime()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LEFT_OVER);
    Ok(done)
}

/// How much is logged.
fn log_level(options: &LogOptions) -> LevelFilter {
    match (options.log_level, options.verbose) {
        (Some(LogLevel::Off), _) => LevelFilter::OFF,
        (Some(LogLevel::Error), _) => LevelFilter::ERROR,
        (Some(LogLevel::Warn), _) | (None, 0) => LevelFilter::WARN,
        (Some(LogLevel::Info), _) | (None, 1) => LevelFilter::INFO,
        (Some(LogLevel::Debug), _) | (None, 2) => LevelFilter::DEBUG,
        (Some(LogLevel::Trace), _) | (None, _) => LevelFilter::TRACE,
    }
}

/// The log of a verb that leaves the terminal to us: on standard error, or in a file.
fn start_log(options: &LogOptions) -> anyhow::Result<()> {
    let level = log_level(options);
    let Some(path) = &options.log_file else {
        let log = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        log.with_writer(Entries(io::stderr)).init();
        return Ok(());
    };
    run_log::in_file(path, level).map_err(|cause| {
        Failure::new(Exit::Failed, format!("cannot open log file {}: {cause}", path.display())).into()
    })
}
