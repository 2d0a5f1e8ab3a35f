//! From claude's hook to the hub: find it, read, hand on, and be gone in time. Every failure is silence.

use super::body::{self, Envelope};
use super::post::{self, Line};
use crate::claude::hooks::is_event_name;
use crate::claude::settings::{ENV_HOOK_KEY, HOOK_PATH, WAIT_HEADER};
use crate::instance::{ENV_SESSION, Instance, RuntimeDirectory};
use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// For all of it where no hub answers a call.
const WITHOUT_HUB: Duration = Duration::from_millis(200);
/// For reading, where there is one.
const TO_READ: Duration = Duration::from_millis(1000);
/// For all of it.
const IN_ALL: Duration = Duration::from_millis(1350);
/// Claude's own name for its project's directory, which stays when a tool changes to another.
const ENV_PROJECT: &str = "CLAUDE_PROJECT_DIR";

/// Hands standard input to the hub as this event, or as the one it names itself. Where claude waits for an answer, that is
/// printed when it comes within so many seconds.
pub(super) fn forward(event: Option<&OsStr>, wait: Option<u32>) {
    let began = Instant::now();
    let line = hub().and_then(|hub| Line::open(&hub.socket?, began + WITHOUT_HUB));
    let Some(line) = line else {
        drop(body::read(began + WITHOUT_HUB));
        return;
    };
    let Some(body) = body::read(began + TO_READ) else { return };
    let Some(event) = event_of(event, &body) else { return };
    let path = format!("{HOOK_PATH}{event}");
    let key = env::var(ENV_HOOK_KEY).ok();
    // One write, so that the hub wakes once.
    let waits = wait.map_or(String::new(), |seconds| format!("{WAIT_HEADER}: {seconds}\r\n"));
    let request = [post::head(&path, body.len(), key.as_deref(), &waits).into_bytes(), body].concat();
    let deadline = began + IN_ALL;
    if line.send(&request, deadline).is_none() {
        return;
    }
    match wait {
        None => line.await_answer(deadline),
        Some(seconds) => {
            let answer = line.read_answer(began + Duration::from_secs(seconds.into()));
            // Nobody is left to tell that it cannot be printed.
            let _unheard = answer.map(|answer| io::stdout().write_all(&answer));
        }
    }
}

/// The hub of the session we run in; else, outside of any, of the one instance in this directory, or the one hub that
/// stands alone.
fn hub() -> Option<Instance> {
    let directory = RuntimeDirectory::existing().ok()??;
    if let Some(session) = env::var_os(ENV_SESSION) {
        return directory.find(session.to_str()?);
    }
    let here = env::var_os(ENV_PROJECT).or_else(|| env::current_dir().ok().map(Into::into))?;
    let here = here.to_string_lossy();
    let live = directory.list().into_iter().filter(|instance| !instance.is_replay());
    let (hubs, instances): (Vec<_>, Vec<_>) = live.partition(Instance::stands_alone);
    let local: Vec<_> = instances.into_iter().filter(|instance| instance.working_dir == here).collect();
    let meant = if local.is_empty() { hubs } else { local };
    <[Instance; 1]>::try_from(meant).ok().map(|[only]| only)
}

fn event_of(word: Option<&OsStr>, body: &[u8]) -> Option<String> {
    let envelope = Envelope::of(body)?;
    let name = match word {
        Some(word) => word.to_str()?.into(),
        None => envelope.hook_event_name?,
    };
    is_event_name(&name).then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_the_word_or_what_the_body_says_and_never_a_path() {
        let event = |word: Option<&str>, body: &str| event_of(word.map(OsStr::new), body.as_bytes());
        assert_eq!(event(Some("Stop"), r#"{"hook_event_name":"Other"}"#).as_deref(), Some("Stop"));
        assert_eq!(event(None, r#"{"hook_event_name":"Other"}"#).as_deref(), Some("Other"));
        assert_eq!(event(Some("Stop"), "not json"), None);
        assert_eq!(event(None, "{}"), None);
        assert_eq!(event(None, r#"{"hook_event_name":"../events"}"#), None);
        assert_eq!(event(Some("../events"), "{}"), None);
    }
}
