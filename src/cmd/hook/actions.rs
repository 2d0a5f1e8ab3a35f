//! Our hooks in claude's settings, for claude run without the wrapper: put in, taken out, listed.

use super::settings_file::SettingsFile;
use crate::claude::hooks;
use crate::claude::settings::{append, command_handler, events_with, may_wait, quoted, remove, wait_words};
use crate::cli::HookPlace;
use crate::cmd::escape::visible;
use crate::cmd::failure::{Exit, Failure};
use crate::cmd::output;
use crate::cmd::probe::{Probed, probe};
use crate::cmd::program;
use serde_json::Value;
use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// The name settings call us by, where a shell finds us under it.
const NAME: &str = "claude-mpm";

/// Puts our hooks in, for every event that the claude in `PATH` knows.
pub(super) fn install(place: HookPlace) -> anyhow::Result<ExitCode> {
    let mut file = SettingsFile::load(place)?;
    let version = match program::find(Path::new("claude")).map(|claude| probe(&claude)) {
        Some(Probed::Claude(version)) => version,
        _ => None,
    };
    let present = events_with(&file.settings, is_ours);
    let missing = hooks::events(version).iter().filter(|event| !present.iter().any(|there| there == *event));
    let program = our_name()?;
    let mut added = 0;
    let mut refused = Vec::new();
    for event in missing {
        match append(&mut file.settings, event, command_handler(&program, event, may_wait(event))) {
            true => added += 1,
            false => refused.push(*event),
        }
    }
    if added > 0 {
        file.store()?;
    }
    say(&file, &format!("{added} hooks added, {} were there", present.len()))?;
    if refused.is_empty() {
        return Ok(Exit::Ok.into());
    }
    let message = format!("cannot add hooks for {}: what stands there is no list", refused.join(" "));
    Err(Failure::new(Exit::Failed, message).tip("mend the settings first").into())
}

/// Takes out our hooks, whoever of us put them in.
pub(super) fn uninstall(place: HookPlace) -> anyhow::Result<ExitCode> {
    let mut file = SettingsFile::load(place)?;
    let removed = remove(&mut file.settings, is_ours);
    if removed > 0 {
        file.store()?;
    }
    say(&file, &format!("{removed} hooks removed"))?;
    Ok(Exit::Ok.into())
}

/// Lists our hooks.
pub(super) fn status(place: HookPlace) -> anyhow::Result<ExitCode> {
    let file = SettingsFile::load(place)?;
    let present = events_with(&file.settings, is_ours);
    let found = match present.as_slice() {
        [] if file.exists() => "no hooks of claude-mpm".to_owned(),
        [] => "not there, so no hooks of claude-mpm".to_owned(),
        present => present.join(" "),
    };
    say(&file, &found)?;
    Ok(if present.is_empty() { Exit::Failed } else { Exit::Ok }.into())
}

fn say(file: &SettingsFile, what: &str) -> io::Result<()> {
    let line = format!("{}: {what}", file.path().display());
    writeln!(output::standard(), "{}", visible(&line))
}

/// What a shell is to call us by: our name if that leads here, else our path.
fn our_name() -> Result<String, Failure> {
    let ours = env::current_exe().and_then(|path| path.canonicalize());
    let ours =
        ours.map_err(|cause| Failure::new(Exit::Failed, format!("cannot find our own path: {cause}")))?;
    let found = program::find(Path::new(NAME)).and_then(|path| path.canonicalize().ok());
    if found.as_ref() == Some(&ours) {
        return Ok(NAME.into());
    }
    let path =
        ours.to_str().ok_or_else(|| Failure::new(Exit::Failed, "cannot name our own path: it is no text"))?;
    Ok(quoted(path))
}

/// Whether a handler runs `claude-mpm hook EVENT` and nothing else, by whatever path; where the answer may wait, that is
/// said behind it.
fn is_ours(event: &str, handler: &Value) -> bool {
    let command = handler.get("command").and_then(Value::as_str).unwrap_or_default();
    let command = command.strip_suffix(&wait_words()).unwrap_or(command);
    let program = command.strip_suffix(event).and_then(|rest| rest.strip_suffix(" hook "));
    handler.get("type").is_some_and(|kind| kind == "command") && program.is_some_and(is_our_program)
}

fn is_our_program(word: &str) -> bool {
    let inner = word.trim_matches('\'').replace(r"'\''", "'");
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    // A whole command line could end like this too: only one word is the name of a program.
    let is_one_word = quoted(&inner) == word || word.chars().all(plain);
    is_one_word && (inner == NAME || (inner.starts_with('/') && inner.ends_with("/claude-mpm")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_known_by_what_they_run_and_for_which_event() {
        let ours =
            |command: &str| is_ours("Stop", &serde_json::json!({ "type": "command", "command": command }));
        for command in [
            "claude-mpm hook Stop",
            "'/opt/a b/claude-mpm' hook Stop",
            r"'/it'\''s/claude-mpm' hook Stop",
            "/usr/bin/claude-mpm hook Stop",
            "claude-mpm hook Stop --wait 3600",
        ] {
            assert!(ours(command), "{command}");
        }
        for command in [
            "claude-mpm hook PreToolUse",
            "my-claude-mpm hook Stop",
            "claude-mpm hook Stop --mine",
            "log; claude-mpm hook Stop",
            "log; /usr/bin/claude-mpm hook Stop",
            "/bin/log '/usr/bin/claude-mpm' hook Stop",
            "",
        ] {
            assert!(!ours(command), "{command}");
        }
        assert!(!is_ours("Stop", &Value::Null));
        assert!(!is_ours("Stop", &serde_json::json!({"type": "prompt", "command": "claude-mpm hook Stop"})));
    }
}
