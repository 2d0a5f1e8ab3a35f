//! Hooks for one run of claude: given with its arguments, so that nothing of the user's is edited.
//!
//! It only says what claude is to be started with. Where there is nothing to add, the arguments are those that were
//! typed, byte for byte.

use super::probe::{Probed, probe};
use crate::claude::Version;
use crate::claude::arguments::Invocation;
use crate::claude::hooks::{self, Delivery};
use crate::claude::settings::{self, ENV_HOOK_KEY, HookPlan};
use crate::cli::{Approve, Hooks, RunOptions};
use crate::process::program::Command;
use serde_json::Value;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Longest argument Linux takes is 128 KiB (execve(2)); a byte of it is the final zero.
const MAX_ARGUMENT_BYTES: usize = 128 * 1024 - 1;
const MAX_SETTINGS_BYTES: u64 = 1 << 20;
/// Where claude keeps what it remembers is not bounded by claude; what is larger is not looked into.
const MAX_MEMORY_BYTES: u64 = 64 << 20;
/// Hosts a proxy must not be asked for.
const LOCAL: [&str; 2] = ["127.0.0.1", "localhost"];

/// What claude is to be started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// All arguments, the name it is called by first.
    pub arguments: Vec<OsString>,
    /// Variables to be set for claude alone.
    pub environment: Vec<(&'static str, OsString)>,
    /// What the user may want to know: one sentence each, without a final stop.
    pub notes: Vec<String>,
}

/// Where the hooks of one run lead.
#[derive(Debug, Clone)]
pub struct HookSite {
    /// Where http hooks are answered.
    pub address: SocketAddr,
    /// The secret that opens it to claude's hooks.
    pub key: String,
    /// The absolute path of claude-mpm, which command hooks run.
    pub program: PathBuf,
    /// Where claude has no dialog (`-p`), somebody elsewhere is asked before it uses a tool.
    pub asks_elsewhere: bool,
}

/// Adds our hooks to the call of claude, if it is one that runs hooks. `hook_address` is where http hooks are answered,
/// `key` the secret that opens it. The program may be run for two seconds to ask its version; no thread is made.
pub fn prepare(options: &RunOptions, command: &Command, hook_address: SocketAddr, key: &str) -> Injection {
    let program = env::current_exe().unwrap_or_default();
    let asks_elsewhere = options.approve == Approve::Remote;
    let site = HookSite { address: hook_address, key: key.into(), program, asks_elsewhere };
    match options.claude_version {
        Some(version) => prepare_as(options.hooks(), command, &site, || Probed::Claude(Some(version))),
        None => prepare_for(options.hooks(), command, &site),
    }
}

/// As [`prepare`], for any place the hooks can lead to.
pub fn prepare_for(wish: Hooks, command: &Command, site: &HookSite) -> Injection {
    prepare_as(wish, command, site, || probe(&command.path))
}

/// `probed` says what the program is; it is only asked where hooks are wanted.
fn prepare_as(wish: Hooks, command: &Command, site: &HookSite, probed: impl FnOnce() -> Probed) -> Injection {
    let untouched = |note: Option<String>| Injection {
        arguments: command.arguments.clone(),
        environment: Vec::new(),
        notes: note.into_iter().collect(),
    };
    let Some((name, typed)) = command.arguments.split_first() else { return untouched(None) };
    let call = Invocation::read(typed);
    let chosen = if call.starts_session { choose(wish, probed) } else { None };
    let Some((version, delivery)) = chosen else { return untouched(None) };
    if call.may_show_agents && prefers_agents() {
        return untouched(None);
    }
    let merged = plan(&call, site, version, delivery).and_then(|plan| merge(&call, command, &plan));
    match merged {
        Err(note) => untouched(Some(note)),
        Ok((settings, note)) => {
            let mut arguments = vec![name.clone()];
            arguments.extend(call.with_settings(typed, &settings));
            let environment = environment(&site.key, delivery);
            Injection { arguments, environment, notes: note.into_iter().collect() }
        }
    }
}

/// Which hooks this program can be asked for. Nobody's wish makes a claude that is known not to take http hooks get
/// any: it would refuse all its settings.
fn choose(wish: Hooks, probed: impl FnOnce() -> Probed) -> Option<(Option<Version>, Delivery)> {
    if wish == Hooks::Off {
        return None;
    }
    let (version, takes_http) = match probed() {
        Probed::Other if wish == Hooks::Auto => return None,
        Probed::Other => (None, true),
        Probed::Claude(None) => (None, wish == Hooks::Http),
        Probed::Claude(version) => (version, hooks::knows_http(version)),
    };
    let http = takes_http && wish != Hooks::Command;
    let delivery = if http { Delivery::Http } else { Delivery::Command };
    (!hooks::events(version).is_empty()).then_some((version, delivery))
}

/// Which hooks go where; or why claude would run none.
fn plan(
    call: &Invocation,
    site: &HookSite,
    version: Option<Version>,
    delivery: Delivery,
) -> Result<HookPlan, String> {
    let switch = match call {
        Invocation { bare: true, .. } => Some("--bare"),
        Invocation { safe_mode: true, .. } => Some("--safe-mode"),
        _ => None,
    };
    if let Some(switch) = switch {
        return Err(format!("claude runs no hooks with {switch}: less is seen of what it does"));
    }
    let program = site.program.to_str().filter(|path| path.starts_with('/'));
    let program = program.ok_or("cannot add hooks: our own path is not known, or no text")?.to_owned();
    let asks_elsewhere = site.asks_elsewhere && call.print;
    Ok(HookPlan { version, delivery, address: site.address.to_string(), program, asks_elsewhere })
}

/// The user's settings with ours, as one argument, and what is odd about them; or why there can be none.
fn merge(call: &Invocation, command: &Command, plan: &HookPlan) -> Result<(String, Option<String>), String> {
    let user = match call.settings(&command.arguments[1..]) {
        Some(argument) => Some(users_settings(argument, command.directory.as_deref())?),
        None => None,
    };
    let off = user.as_ref().is_some_and(settings::turns_hooks_off);
    let merged = settings::inject(user, plan).to_string();
    if merged.len() > MAX_ARGUMENT_BYTES - "--settings=".len() {
        return Err("cannot add hooks: the settings are too long for an argument".into());
    }
    let note = "the settings have disableAllHooks: less is seen of what claude does";
    Ok((merged, off.then(|| note.into())))
}

/// What `--settings` names. What claude itself would refuse is not touched, so that claude says so.
fn users_settings(argument: &OsStr, directory: Option<&Path>) -> Result<Value, String> {
    let cannot = |cause: &str| format!("cannot add hooks to the settings: {cause}");
    if let Some(json) = argument.to_str().filter(|text| settings::is_json(text)) {
        return settings::parse(json.trim()).ok_or_else(|| cannot("they are not valid JSON"));
    }
    let path = directory.map_or_else(|| PathBuf::from(argument), |directory| directory.join(argument));
    let text = read(&path, MAX_SETTINGS_BYTES).ok_or_else(|| cannot("the file cannot be read"))?;
    let settings = settings::parse(&text).ok_or_else(|| cannot("the file is not valid JSON"))?;
    if settings::means_its_own_folder(&settings) {
        return Err(cannot("they name places relative to their own folder"));
    }
    Ok(settings)
}

/// A regular file of a sane size, as text.
fn read(path: &Path, most: u64) -> Option<String> {
    // A pipe, as in `--settings <(…)`, could be read only once, and that once is claude's.
    let found = path.metadata().ok().filter(|found| found.is_file() && found.len() <= most)?;
    let mut text = String::with_capacity(usize::try_from(found.len()).ok()?);
    File::open(path).ok()?.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Whether `claude` alone shows the view of its agents: with settings it would start a session instead.
fn prefers_agents() -> bool {
    const PREFERENCE: &str = "defaultToAgentsView";
    let folder = env::var_os("CLAUDE_CONFIG_DIR").or_else(|| env::var_os("HOME")).map(PathBuf::from);
    let Some(text) = folder.and_then(|folder| read(&folder.join(".claude.json"), MAX_MEMORY_BYTES)) else {
        return false;
    };
    let memory = || serde_json::from_str::<Value>(&text).ok();
    text.contains(PREFERENCE) && memory().is_some_and(|memory| memory[PREFERENCE] == true)
}

fn environment(key: &str, delivery: Delivery) -> Vec<(&'static str, OsString)> {
    let mut environment = vec![(ENV_HOOK_KEY, OsString::from(key))];
    if delivery == Delivery::Http {
        let [upper, lower] = ["NO_PROXY", "no_proxy"].map(env::var_os);
        environment.push(("NO_PROXY", without_proxy(upper.as_deref().or(lower.as_deref()))));
        environment.push(("no_proxy", without_proxy(lower.as_deref().or(upper.as_deref()))));
    }
    environment
}

/// Claude asks a proxy even for its own machine, unless that is excepted.
fn without_proxy(present: Option<&OsStr>) -> OsString {
    let mut hosts = present.unwrap_or_default().to_owned();
    let named = hosts.to_string_lossy().into_owned();
    let has = |host: &str| named.split([',', ' ']).any(|name| name == host || name == "*");
    for host in LOCAL.into_iter().filter(|host| !has(host)) {
        if !hosts.is_empty() {
            hosts.push(",");
        }
        hosts.push(host);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_proxy_are_added_to_those_that_were_there() {
        for (present, expected) in [
            (None, "127.0.0.1,localhost"),
            (Some(""), "127.0.0.1,localhost"),
            (Some("corp.example"), "corp.example,127.0.0.1,localhost"),
            (Some("localhost, 127.0.0.1"), "localhost, 127.0.0.1"),
            (Some("*"), "*"),
        ] {
            assert_eq!(without_proxy(present.map(OsStr::new)), expected, "{present:?}");
        }
    }
}
