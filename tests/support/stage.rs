//! Where a scenario is played: a Messages API, a sandbox with the scenario's rules, and the commands that start claude
//! there, bare or under a wrapper. It also knows claude's process and its logs, and ends whatever is left of it all.

use crate::catalogue::{Run, Scenario};
use crate::messages_api::MessagesApi;
use crate::processes::Process;
use crate::real_claude::Sandbox;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The place of one scenario.
#[derive(Debug)]
pub struct Stage {
    /// Plays the model.
    pub api: MessagesApi,
    /// claude's home and project.
    pub sandbox: Sandbox,
    env: &'static [(&'static str, &'static str)],
}

impl Stage {
    /// A stage whose model answers when it is asked.
    ///
    /// # Panics
    /// As [`Sandbox::new`].
    #[track_caller]
    pub fn set(scenario: &Scenario) -> Self {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        Self::furnished(scenario, api, sandbox)
    }

    /// A stage whose model is silent until `api.release()`, so that a test can get ready meanwhile.
    ///
    /// # Panics
    /// As [`Sandbox::new`].
    #[track_caller]
    pub fn set_held(scenario: &Scenario) -> Self {
        let api = MessagesApi::start_held();
        let sandbox = Sandbox::new(&api);
        Self::furnished(scenario, api, sandbox)
    }

    /// A stage in a [`Sandbox::for_recording`].
    ///
    /// # Panics
    /// As [`Sandbox::new`].
    #[track_caller]
    pub fn set_for_recording(scenario: &Scenario) -> Self {
        let api = MessagesApi::start();
        let sandbox = Sandbox::for_recording(&api);
        Self::furnished(scenario, api, sandbox)
    }

    #[track_caller]
    fn furnished(scenario: &Scenario, api: MessagesApi, sandbox: Sandbox) -> Self {
        sandbox.set_settings(&scenario.rules.settings());
        Self { api, sandbox, env: scenario.env }
    }

    /// claude itself, with `extra` arguments in front of the run's own.
    pub fn bare(&self, run: &Run, extra: &[&str]) -> Command {
        let mut command = self.sandbox.direct(&run.arguments(extra));
        command.envs(self.env.iter().copied());
        command
    }

    /// claude under `wrapper`: `WRAPPER OPTIONS --claude PROGRAM -- ARGUMENTS`.
    pub fn wrapped(&self, run: &Run, wrapper: impl AsRef<OsStr>, options: &[&str]) -> Command {
        let mut command = self.sandbox.wrapped(wrapper, options, &run.arguments(&[]));
        command.envs(self.env.iter().copied());
        command
    }

    /// The folder below which claude logs its conversations.
    pub fn projects(&self) -> PathBuf {
        self.sandbox.home().join(".claude/projects")
    }

    /// The folder of claude's records of its running processes, each named `PID.json`.
    pub fn sessions(&self) -> PathBuf {
        self.sandbox.home().join(".claude/sessions")
    }

    /// The running claude, by its own record: also under a wrapper it is claude that is meant.
    pub fn claude(&self) -> Option<Process> {
        files(&self.sessions())
            .iter()
            .find_map(|path| Process::find(path.file_stem()?.to_str()?.parse().ok()?))
    }

    /// The status in claude's record of itself, such as `idle`.
    pub(crate) fn status(&self) -> Option<String> {
        let path = self.sessions().join(format!("{}.json", self.claude()?.pid));
        let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        Some(record["status"].as_str()?.to_owned())
    }

    /// Whether a log of a conversation contains `text`.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        let contains = |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|log| log.contains(text));
        files(&self.projects()).iter().any(contains)
    }

    /// Everything that was started here and still runs.
    pub(crate) fn running(&self) -> Vec<Process> {
        Process::with_env(&format!("HOME={}", self.sandbox.home().display()))
    }
}

/// The commands of claude's tools have sessions of their own and outlive it.
impl Drop for Stage {
    fn drop(&mut self) {
        for process in self.running() {
            process.signal(nix::libc::SIGKILL);
        }
    }
}

/// Every file below `folder`, which need not exist.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}
