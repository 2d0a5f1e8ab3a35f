//! `demo`: everything there is to see, without an account. A scripted program takes claude's place; supervisor, hub,
//! hooks and events are the real ones.

mod actor;
mod agents;
mod hooks;
mod play;
mod stage;

use super::{note, run};
use crate::claude::Version;
use crate::cli::{
    Approve, DemoOptions, Hooks, LaunchMethod, ListenOptions, PortChoice, RestartWhen, RunOptions,
};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// The claude whose hooks the script plays.
const PLAYED: Version = Version::new(2, 1, 197);

/// Runs the demo, or is the scripted program of one.
///
/// # Errors
/// As [`run::run`].
pub fn run(options: DemoOptions) -> anyhow::Result<ExitCode> {
    if options.play {
        return play_script(&options);
    }
    if !options.log.quiet {
        note("this is a demo: a scripted program runs in claude's place");
        note("in another terminal: claude-mpm watch");
    }
    run::run(under_supervision(options)?)
}

/// The run whose program is this very binary, playing.
fn under_supervision(options: DemoOptions) -> io::Result<RunOptions> {
    let mut play = vec!["demo".into(), "--play".into(), "--speed".into(), options.speed.to_string().into()];
    if options.forever {
        play.push("--forever".into());
    }
    // Hooks are added to settings that are there; this program has no other place for them.
    play.push("--settings={}".into());
    Ok(RunOptions {
        websocket: true,
        websocket_port: Some(options.websocket_port.unwrap_or(PortChoice::Auto)),
        listen: ListenOptions::default(),
        hub: None,
        hub_token_file: None,
        tls_fingerprint: None,
        launch_method: LaunchMethod::Subprocess,
        name: Some(options.name.unwrap_or_else(|| "demo".into())),
        cwd: None,
        claude: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("claude-mpm")),
        window_size: None,
        headless: false,
        reap: false,
        hooks: Hooks::Http,
        no_hooks: false,
        approve: Approve::Local,
        restart: RestartWhen::Never,
        nested: true,
        no_redact: false,
        no_journal: true,
        record: false,
        claude_version: Some(PLAYED),
        claude_args: play,
        log: options.log,
    })
}

fn play_script(options: &DemoOptions) -> anyhow::Result<ExitCode> {
    let out = io::stdout();
    loop {
        let stage = stage::Stage { out: out.lock(), on_terminal: out.is_terminal(), speed: options.speed };
        play::play(stage, hooks::Hooks::of(options.settings.as_deref()))?;
        if !options.forever {
            return Ok(ExitCode::SUCCESS);
        }
    }
}
