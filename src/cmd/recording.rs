//! The recording of claude's terminal, where `--record` asks for one: what it needs, where it stands, and that somebody is
//! told that it shows everything.

use super::failure::{Exit, Failure};
use super::hub_site::HubSite;
use super::redaction::presentable;
use super::{journal, note};
use crate::cli::{LaunchMethod, RunOptions};
use crate::event::Source;
use crate::event::body::Body;
use crate::instance::private;
use crate::journal::{Journal, RECORDING};
use crate::process::tap::Tap;
use crate::recording::{About, Recorder};
use crate::supervisor::launch::Launch;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

/// How long the disk may take at the end.
const END: Duration = Duration::from_secs(2);

/// One that goes on.
#[derive(Debug)]
pub(super) struct Recording {
    recorder: Recorder,
    path: PathBuf,
    /// Where no journal is written: nobody sweeps the directory away.
    _turn: Option<Journal>,
}

/// What `--record` needs.
///
/// # Errors
/// What is missing, and how it is had.
pub(super) fn check(options: &RunOptions, with_hub: bool) -> Result<(), Failure> {
    let cannot = |cause: &str, tip: &str| {
        Err(Failure::new(Exit::Usage, format!("cannot record terminal: {cause}")).tip(tip))
    };
    match options.record {
        true if options.launch_method == LaunchMethod::Exec => {
            cannot("with --launch-method exec claude has it for itself", "add --launch-method subprocess")
        }
        true if !with_hub => cannot("a session without a hub is not kept", "add --websocket"),
        true if !options.headless && !io::stdout().is_terminal() => cannot(
            "claude writes to a pipe or a file, and gets none",
            "--headless gives it one that nobody sees",
        ),
        _ => Ok(()),
    }
}

/// Begins to record what passes at the tap.
///
/// # Errors
/// Why there can be no recording; claude is not started then.
pub(super) fn begin(site: &HubSite, launch: &Launch, is_alone: bool) -> Result<Recording, Failure> {
    let cannot = |cause: &str| Failure::new(Exit::RunFailed, format!("cannot record terminal: {cause}"));
    let size = launch.terminal_size().ok_or_else(|| cannot("claude gets none"))?;
    let instance = site.instance();
    let directory = journal::directory_of(instance.session_id.as_str()).map_err(|cause| cannot(&cause))?;
    let turn = Journal::open(&directory).map_err(|cause| cannot(&cause.to_string()))?;
    journal::label(&directory, instance);
    let path = directory.join(RECORDING);
    let about = About {
        size,
        began: instance.started_at.as_millis() / 1000,
        title: instance.name.clone(),
        term: std::env::var("TERM").ok(),
    };
    let publisher = site.hub().publisher(Source::System);
    let complain = Box::new(move |fault| _ = publisher.publish(Body::Error(fault)));
    let started = private::create_private(&path).and_then(|file| Recorder::start(file, &about, complain));
    let recorder = started.map_err(|cause| cannot(&format!("{}: {cause}", path.display())))?;
    Ok(Recording { recorder, path, _turn: is_alone.then_some(turn) })
}

impl Recording {
    /// Where what is to be recorded passes.
    pub(super) fn tap(&self) -> Tap {
        self.recorder.tap()
    }

    /// One line for the user, before claude starts.
    pub(super) fn introduce(&self) {
        note(&format!(
            "the terminal is recorded, with the secrets that it shows, in {}",
            self.path.display()
        ));
    }

    /// The terminal is no more.
    pub(super) async fn finish(self) {
        if !self.recorder.finish(END).await {
            tracing::warn!("{}", presentable("the end of the recording is not on the disk"));
        }
    }
}
