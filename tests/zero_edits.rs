//! Nothing of the user's is edited: after a run under claude-mpm, claude's home and project hold the same files as after
//! a run without it, and what was there before is there byte for byte.
#![expect(clippy::unwrap_used, reason = "test code")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use test_support::catalogue::{self, Scenario};
use test_support::performance::Performance;
use test_support::stage::Stage;

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 5] = ["-q", "--websocket-port", "auto", "--launch-method", "subprocess"];
/// Claude keeps its own memory here and writes it all the time.
const MEMORY: &str = "home/.claude.json";

/// Claude counts there by itself how long hooks took, whoever's they are.
const METRIC: &str = "/lastSessionMetrics/hook_duration_ms";

/// What a user has, beside what the stage puts there.
const USERS: [(&str, &str); 8] = [
    ("home/.claude/CLAUDE.md", "Be brief.\n"),
    ("home/.claude/commands/mine.md", "Do mine.\n"),
    ("home/.claude/settings.local.json", "{ \"cleanupPeriodDays\" : 30 }"),
    ("home/.bashrc", "# mine\n"),
    ("project/CLAUDE.md", "# Project\n"),
    ("project/.claude/settings.json", "{\"env\": {\"A\": \"1\"}}\n"),
    ("project/.claude/settings.local.json", "{\n  \"permissions\": {\"allow\": [\"Bash(ls:*)\"]}\n}\n"),
    ("project/.mcp.json", "{\"mcpServers\": {}}"),
];

/// What stands at a path: permission bits, and the content of a file or the target of a link.
type Found = (u32, Vec<u8>);

/// Everything below a folder, by its path there.
fn snapshot(root: &Path) -> BTreeMap<String, Found> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let mode = path.symlink_metadata().unwrap().permissions().mode();
            let content = match () {
                () if kind.is_symlink() => {
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                }
                () if kind.is_file() => fs::read(&path).unwrap(),
                () => Vec::new(),
            };
            found.insert(path.strip_prefix(root).unwrap().display().to_string(), (mode, content));
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// The path with what differs from run to run taken out: ids, times, the name of the sandbox.
fn neutral(path: &str, root: &Path) -> String {
    let sandbox = root.file_name().unwrap().to_str().unwrap();
    let path = path.replace(sandbox, "SANDBOX");
    let is_apart = |letter: char| !letter.is_ascii_alphanumeric();
    // Part of an id, unless by chance; the ids of claude's tasks have any letters.
    let is_hex = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_chance = |word: &str| is_hex(word) || word.bytes().any(|byte| byte.is_ascii_digit());
    let neutral = path.split_inclusive(is_apart).map(|word| match word.strip_suffix(is_apart) {
        Some(bare) if is_chance(bare) || path.ends_with(&format!("/{bare}.output")) => {
            format!("N{}", &word[bare.len()..])
        }
        None if is_chance(word) => "N".to_owned(),
        _ => word.to_owned(),
    });
    neutral.collect()
}

/// Every value of a JSON text, by where it stands.
fn leaves(value: &Value, place: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &format!("{place}/{name}"), found));
        }
        leaf => drop(found.insert(place.to_owned(), leaf.clone())),
    }
}

/// What a run left of a stage.
struct Left {
    /// What there is now, neutral, with its permissions.
    names: BTreeSet<(String, u32)>,
    /// What of that which was there before is different now.
    changed: Vec<String>,
    /// Where claude's memory is different.
    memory: BTreeSet<String>,
}

fn memory_of(found: &BTreeMap<String, Found>, root: &Path) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    leaves(&serde_json::from_slice(&found[MEMORY].1).unwrap(), "", &mut values);
    values.into_iter().map(|(place, value)| (neutral(&place, root), value)).collect()
}

/// Plays the scenario where nothing was played before.
fn play(scenario: &Scenario, command: impl Fn(&Stage) -> Command) -> Left {
    let stage = Stage::set(scenario);
    let root = stage.sandbox.home().parent().unwrap().to_owned();
    for (path, content) in USERS {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), content).unwrap();
    }
    let before = snapshot(&root);
    Performance::start(&stage, &scenario.runs[0], command(&stage)).finish();
    let after = snapshot(&root);
    let is_changed = |(path, found): &(&String, &Found)| {
        path.as_str() != MEMORY && path.as_str() != "tmp" && after.get(*path) != Some(found)
    };
    let [old, new] = [&before, &after].map(|found| memory_of(found, &root));
    let places = old.keys().chain(new.keys()).filter(|place| old.get(*place) != new.get(*place));
    Left {
        names: after.iter().map(|(path, (mode, _))| (neutral(path, &root), *mode)).collect(),
        changed: before.iter().filter(is_changed).map(|(path, _)| path.clone()).collect(),
        memory: places.cloned().collect(),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Our own audit log, and the way there.
fn is_audit(path: &str) -> bool {
    ["home/.local", "home/.local/state"].contains(&path) || path.starts_with("home/.local/state/claude-mpm")
}

#[track_caller]
fn assert_nothing_is_edited(name: &str) {
    let scenario = catalogue::named(name).unwrap();
    let run = &scenario.runs[0];
    let bare = play(&scenario, |stage| stage.bare(run, &[]));
    assert!(bare.changed.is_empty(), "claude itself edits {:?}", bare.changed);
    for hooks in ["http", "command"] {
        let runtime = tempfile::tempdir().unwrap();
        let wrapped = play(&scenario, |stage| {
            let mut command = stage.wrapped(run, WRAPPER, &[&OPTIONS[..], &["--hooks", hooks]].concat());
            command.env("XDG_RUNTIME_DIR", runtime.path());
            command
        });
        assert!(wrapped.changed.is_empty(), "{hooks}: {:?}", wrapped.changed);
        let other = wrapped.names.symmetric_difference(&bare.names);
        let other: Vec<_> = other.filter(|(path, _)| !is_audit(path)).collect();
        assert!(other.is_empty(), "{hooks}: there with or without us alone: {other:#?}");
        let more = wrapped.memory.difference(&bare.memory).filter(|place| !place.contains(METRIC));
        let more: Vec<_> = more.collect();
        assert!(more.is_empty(), "{hooks}: claude remembers more: {more:#?}");
        let left = files(&runtime.path().join("claude-mpm"));
        assert!(left.is_empty(), "{hooks}: left in the runtime directory: {left:?}");
    }
}

#[test]
fn a_run_that_prints_leaves_what_it_leaves_without_us() {
    assert_nothing_is_edited("full");
}

#[test]
fn a_run_on_a_terminal_leaves_what_it_leaves_without_us() {
    assert_nothing_is_edited("tui-full");
}
