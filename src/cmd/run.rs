//! `run`: claude under supervision, or in our place.
//!
//! The order matters: everything that can fail is tried before claude starts, and everything that makes a thread
//! comes after the guardian was forked.

use super::failure::{Exit, Failure};
use super::hub_site::{HubSite, claude_folder};
use super::last_word::LastWord;
use super::recording::{self, Recording};
use super::restarting::Restarting;
use super::{escape, exec};
use super::{note, redaction, run_log, run_to_end};
use crate::cli::{LaunchMethod, RestartWhen, RunOptions};
use crate::event::SessionId;
use crate::hub;
use crate::instance::ENV_SESSION;
use crate::process::program::{Command, RunError, resolve};
use crate::process::terminal::Size;
use crate::supervisor::announce::describe;
use crate::supervisor::launch::{self, Launch};
use crate::supervisor::restart::Restart;
use crate::supervisor::state::Ending;
use crate::supervisor::{self};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Runs claude. Comes back with its exit status, or does not come back at all.
///
/// # Errors
/// When claude was not started: 2, 125, 126 or 127, as the failure says.
pub fn run(options: RunOptions) -> anyhow::Result<ExitCode> {
    if options.no_redact {
        redaction::show_everything();
    }
    let with_hub = options.websocket || options.websocket_port.is_some() || options.hub.is_some();
    check_options(&options, with_hub)?;
    recording::check(&options, with_hub)?;
    let stays = with_hub || options.launch_method == LaunchMethod::Subprocess;
    if stays && !options.nested {
        refuse_to_nest()?;
    }
    let directory = options.cwd.as_deref().map(enter).transpose()?;
    let mut command = find_program(&options, directory)?;
    let session_id = SessionId::new(&hub::fresh_id().to_string());
    if options.launch_method == LaunchMethod::Exec {
        let became = match with_hub {
            true => exec::run(&options, &session_id, command)?,
            false => exec::become_claude(&command),
        };
        return Err(failed_to_run(became).into());
    }
    let restarting = Restarting::plan(&options, with_hub, &mut command);
    let site = if with_hub { Some(HubSite::claim(&options, &session_id, &mut command)?) } else { None };
    command.environment.extend(environment(&session_id, site.as_ref()));
    let shape = launch::Options {
        headless: options.headless,
        window_size: options.window_size.map(|size| Size { cols: size.cols, rows: size.rows }),
        read_along: with_hub,
        reap: options.reap,
        restarts: options.restart != RestartWhen::Never,
    };
    let last_word = site.as_ref().map(HubSite::last_word).transpose();
    let launch = last_word
        .and_then(|last_word| launch::prepare(&command, shape, last_word.map(LastWord::heir)))
        .map_err(|cause| {
            Failure::new(Exit::RunFailed, format!("cannot prepare claude's terminal: {cause}"))
        })?;
    run_log::start(&options.log)?;
    let recording = match &site {
        Some(site) if options.record => Some(recording::begin(site, &launch, options.no_journal)?),
        _ => None,
    };
    let hub = site.as_ref().map(|site| site.hub().clone());
    let restart = restarting.map(|restarting| restarting.wish(&command, hub, claude_folder()));
    let launch = launch.recorded_at(recording.as_ref().map(Recording::tap));
    let ending = supervise(launch, site, &options, (restart, recording))?;
    if let Ending::NotExecuted(errno) = ending {
        let cause = std::io::Error::from_raw_os_error(errno);
        return Err(failed_to_run(RunError::exec_failed(&command.path, cause)).into());
    }
    Ok(exit_status(ending))
}

/// What needs what.
fn check_options(options: &RunOptions, with_hub: bool) -> Result<(), Failure> {
    let exec = options.launch_method == LaunchMethod::Exec;
    if let (false, Some(option)) = (with_hub, options.listen.needless()) {
        let failure =
            Failure::new(Exit::Usage, format!("cannot use {option}: nothing listens without a hub"));
        return Err(failure.tip("add --websocket"));
    }
    if exec && (options.headless || options.window_size.is_some()) {
        let message = "cannot make a terminal with --launch-method exec: claude gets ours as it is";
        return Err(Failure::new(Exit::Usage, message).tip("add --launch-method subprocess"));
    }
    if exec && options.reap && !with_hub {
        let message =
            "cannot reap with --launch-method exec: claude takes our place, and nobody is left to do it";
        let failure = Failure::new(Exit::Usage, message);
        return Err(failure
            .tip("add --launch-method subprocess")
            .tip("or --websocket: a companion does it then"));
    }
    if exec && options.restart != RestartWhen::Never {
        let message = "cannot restart claude with --launch-method exec: claude takes our place";
        return Err(Failure::new(Exit::Usage, message).tip("add --launch-method subprocess"));
    }
    Ok(())
}

/// A claude inside another's session would be watched twice, and both would answer for the same terminal.
fn refuse_to_nest() -> Result<(), Failure> {
    let Some(session) = std::env::var_os(ENV_SESSION).filter(|session| !session.is_empty()) else {
        return Ok(());
    };
    let session = session.to_string_lossy();
    let message = format!(
        "cannot run claude: this is inside session {} of claude-mpm already",
        escape::visible(&session)
    );
    let failure = Failure::new(Exit::RunFailed, message);
    Err(failure.tip("to run one inside the other: --nested").tip("to leave it: env -u CLAUDE_MPM_SESSION"))
}

/// The directory claude is to run in, absolute.
fn enter(directory: &Path) -> Result<PathBuf, Failure> {
    let refuse = |cause: &dyn std::fmt::Display| {
        Failure::new(Exit::RunFailed, format!("cannot run claude in {}: {cause}", directory.display()))
    };
    let absolute = directory.canonicalize().map_err(|cause| refuse(&cause))?;
    if absolute.is_dir() { Ok(absolute) } else { Err(refuse(&"not a directory")) }
}

fn find_program(options: &RunOptions, directory: Option<PathBuf>) -> Result<Command, Failure> {
    let name = options.claude.as_os_str();
    let path =
        resolve(name, std::env::var_os("PATH").as_deref(), directory.as_deref()).map_err(failed_to_run)?;
    let mut arguments = vec![name.to_owned()];
    arguments.extend(options.claude_args.iter().cloned());
    Ok(Command { path, arguments, environment: Vec::new(), directory })
}

fn failed_to_run(error: RunError) -> Failure {
    let exit = match error {
        RunError::NotFound(_) | RunError::NoInterpreter(_) => Exit::NotFound,
        RunError::NotExecutable { .. } => Exit::NotExecutable,
    };
    let failure = Failure::new(exit, error.to_string());
    match error {
        RunError::NotFound(_) => failure
            .tip("install claude: npm install -g @anthropic-ai/claude-code")
            .tip("name another program: --claude PROGRAM")
            .tip("see what claude-mpm does without it: claude-mpm demo"),
        RunError::NoInterpreter(_) | RunError::NotExecutable { .. } => failure,
    }
}

pub(super) fn environment(session_id: &SessionId, site: Option<&HubSite>) -> Vec<(&'static str, OsString)> {
    let session = (ENV_SESSION, OsString::from(session_id.as_str()));
    let url = site.map(|site| (crate::instance::ENV_URL, OsString::from(site.url())));
    [Some(session), url].into_iter().flatten().collect()
}

fn supervise(
    launch: Launch,
    site: Option<HubSite>,
    options: &RunOptions,
    (restart, recording): (Option<Restart>, Option<Recording>),
) -> std::io::Result<Ending> {
    let talks = site.is_some() && !options.log.quiet;
    if let (true, Some(site)) = (talks, &site) {
        site.introduce();
        recording.iter().for_each(Recording::introduce);
    }
    let started = Instant::now();
    let ending = run_to_end(async {
        let ending = match site {
            Some(site) => site.host(launch, restart).await,
            None => supervisor::run(launch, restart, None).await,
        };
        if let Some(recording) = recording {
            recording.finish().await;
        }
        ending
    })??;
    if talks && !matches!(ending, Ending::NotExecuted(_)) {
        note(&format!("{} after {:.1} s", describe(ending), started.elapsed().as_secs_f64()));
    }
    Ok(ending)
}

/// Claude's own status, 128 + the signal that ended it, or ours.
fn exit_status(ending: Ending) -> ExitCode {
    let status = match ending {
        Ending::Exited(code) => code,
        Ending::Signaled(signal) => 128 + signal,
        Ending::NotExecuted(_) | Ending::Unknown | Ending::Untold => i32::from(u8::from(Exit::RunFailed)),
    };
    ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))
}
