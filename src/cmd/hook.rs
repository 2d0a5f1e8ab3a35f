//! `hook`: what claude runs for each of its hooks, and the actions on claude's settings that make it do so.
//!
//! Claude waits for the former hundreds of times in a session, so it goes by a short way past clap, the log and
//! the runtime, and whatever happens it ends soon, prints nothing and has status 0. Only an answer to a question of
//! claude's is waited for as long as claude says, and printed.

mod actions;
mod body;
mod forward;
mod post;
mod settings_file;

use crate::cli::{HookOptions, HookVerb};
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// The short way, if the command line is that of a hook: `claude-mpm hook` or `claude-mpm hook EVENT`.
pub(super) fn run_at_once(args: &[OsString]) -> Option<ExitCode> {
    let [_, verb, rest @ ..] = args else { return None };
    let (event, wait) = match rest {
        [event, option, seconds] if option == "--wait" => {
            (Some(event), Some(seconds.to_str().and_then(|seconds| seconds.parse().ok())?))
        }
        [event, ..] => (Some(event), None),
        [] => (None, None),
    };
    let event = event.map(OsString::as_os_str);
    let is_other = |word: &OsStr| {
        word.as_encoded_bytes().starts_with(b"-")
            || ["install", "uninstall", "status"].iter().any(|w| word == *w)
    };
    if verb != "hook" || event.is_some_and(is_other) {
        return None;
    }
    forward::forward(event, wait);
    Some(ExitCode::SUCCESS)
}

/// Runs the verb as it was read from a longer command line.
pub(super) fn run(options: &HookOptions) -> anyhow::Result<ExitCode> {
    match &options.verb {
        None => {
            forward::forward(options.event.as_deref().map(OsStr::new), options.wait);
            Ok(ExitCode::SUCCESS)
        }
        Some(HookVerb::Install(place)) => actions::install(*place),
        Some(HookVerb::Uninstall(place)) => actions::uninstall(*place),
        Some(HookVerb::Status(place)) => actions::status(*place),
    }
}
