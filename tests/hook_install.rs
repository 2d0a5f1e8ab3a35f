//! `claude-mpm hook install|uninstall|status`: what becomes of claude's settings files.
#![expect(clippy::unwrap_used, reason = "test code")]

mod viewer;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use test_support::messages_api::MessagesApi;
use test_support::piped;
use test_support::real_claude::Sandbox;
use viewer::place::{Done, Place, finish};

const BINARY: &str = env!("CARGO_BIN_EXE_claude-mpm");

/// A user with a home, in whose `PATH` there is no claude.
struct User {
    place: Place,
}

impl User {
    fn new() -> Self {
        let place = Place::new();
        fs::create_dir_all(place.path("home/.claude")).unwrap();
        Self { place }
    }

    fn settings(&self) -> PathBuf {
        self.place.path("home/.claude/settings.json")
    }

    fn hook(&self, args: &[&str]) -> Done {
        let mut command = self.place.command(&["hook"]);
        command.args(args).env("HOME", self.place.path("home"));
        finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    #[track_caller]
    fn succeeds(&self, args: &[&str]) -> String {
        let done = self.hook(args);
        assert_eq!((done.status, done.err.as_str()), (Some(0), ""), "{args:?}");
        done.out
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Keys out of order, hooks of the user's, a number with a point.
const USERS: &str = r#"{
  "zebra": 1.0,
  "hooks": {
    "Stop": [
      {
        "matcher": "x",
        "hooks": [
          {
            "type": "command",
            "command": "notify; /usr/bin/claude-mpm hook Stop"
          }
        ]
      }
    ],
    "PreCompact": []
  },
  "alpha": "é"
}
"#;

#[test]
fn what_is_installed_is_uninstalled_and_everything_else_stays() {
    let user = User::new();
    fs::write(user.settings(), USERS).unwrap();
    fs::set_permissions(user.settings(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(user.succeeds(&["install"]).ends_with("13 hooks added, 0 were there\n"));
    let installed = json(&user.settings());
    let keys: Vec<_> = installed.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["zebra", "hooks", "alpha"]);
    assert_eq!(installed["hooks"]["Stop"].as_array().unwrap().len(), 2);
    assert_eq!(
        installed["hooks"]["PreToolUse"][0]["hooks"][0]["command"],
        format!("'{BINARY}' hook PreToolUse")
    );
    assert_eq!(fs::metadata(user.settings()).unwrap().permissions().mode() & 0o777, 0o640);
    let folder = user.place.path("home/.claude");
    assert_eq!(files(&folder), ["settings.json", "settings.json.before-claude-mpm"]);
    assert_eq!(fs::read_to_string(folder.join("settings.json.before-claude-mpm")).unwrap(), USERS);

    let text = fs::read_to_string(user.settings()).unwrap();
    assert!(user.succeeds(&["install"]).ends_with("0 hooks added, 13 were there\n"));
    assert_eq!(fs::read_to_string(user.settings()).unwrap(), text);
    assert!(user.succeeds(&["status"]).contains(": Stop PreCompact PreToolUse "));

    assert!(user.succeeds(&["uninstall"]).ends_with("13 hooks removed\n"));
    assert!(user.succeeds(&["uninstall"]).ends_with("0 hooks removed\n"));
    let left = fs::read_to_string(user.settings()).unwrap();
    // An empty list of the user's own that ours went into and out of is the one thing that may go.
    assert_eq!(left, USERS.replace(",\n    \"PreCompact\": []", ""));
    assert_eq!(user.hook(&["status"]).status, Some(1));
    assert_eq!(fs::read_to_string(folder.join("settings.json.before-claude-mpm")).unwrap(), USERS);
}

#[test]
fn settings_that_are_not_there_are_made_for_the_user_alone() {
    let user = User::new();
    fs::remove_dir(user.place.path("home/.claude")).unwrap();
    assert_eq!(user.hook(&["status"]).status, Some(1));
    user.succeeds(&["uninstall"]);
    assert!(!user.place.path("home/.claude").exists(), "looking makes nothing");
    user.succeeds(&["install"]);
    assert_eq!(fs::metadata(user.settings()).unwrap().permissions().mode() & 0o777, 0o600);
    user.succeeds(&["uninstall"]);
    assert_eq!(fs::read_to_string(user.settings()).unwrap(), "{}\n");
    for (option, name) in [("--project", "settings.json"), ("--local", "settings.local.json")] {
        user.succeeds(&["install", option]);
        assert!(user.place.path(".claude").join(name).is_file());
        user.succeeds(&["status", option]);
    }
}

#[test]
fn another_configuration_directory_is_honoured_and_a_link_stays_a_link() {
    let user = User::new();
    let elsewhere = user.place.path("dotfiles");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("claude.json"), "{}").unwrap();
    let configuration = user.place.path("configuration");
    fs::create_dir_all(&configuration).unwrap();
    symlink(elsewhere.join("claude.json"), configuration.join("settings.json")).unwrap();
    let mut command = user.place.command(&["hook", "install"]);
    command.env("CLAUDE_CONFIG_DIR", &configuration).stdout(Stdio::piped()).stderr(Stdio::piped());
    assert_eq!(finish(command.spawn().unwrap()).status, Some(0));
    assert!(configuration.join("settings.json").symlink_metadata().unwrap().is_symlink());
    assert_eq!(json(&elsewhere.join("claude.json"))["hooks"].as_object().unwrap().len(), 13);
    assert!(!user.settings().exists());
}

#[test]
fn settings_that_are_not_understood_are_refused_and_not_touched() {
    for text in ["{", "[]", "// comment\n{}", "{\"a\":1,}", "\u{0}"] {
        let user = User::new();
        fs::write(user.settings(), text).unwrap();
        for action in ["install", "uninstall", "status"] {
            let done = user.hook(&[action]);
            assert_eq!((done.status, done.out.as_str()), (Some(1), ""), "{action} {text:?}");
            assert!(done.err.contains("not valid JSON") && done.err.contains("not touched"), "{}", done.err);
        }
        assert_eq!(fs::read_to_string(user.settings()).unwrap(), text);
        assert_eq!(files(&user.place.path("home/.claude")), ["settings.json"]);
    }
}

#[test]
fn a_place_for_hooks_that_is_none_stays_as_it_is_and_is_told() {
    let user = User::new();
    let text = r#"{"hooks":7}"#;
    fs::write(user.settings(), text).unwrap();
    let done = user.hook(&["install"]);
    assert_eq!(done.status, Some(1));
    assert!(done.err.contains("cannot add hooks for PreToolUse "), "{}", done.err);
    assert_eq!(fs::read_to_string(user.settings()).unwrap(), text);
    fs::write(user.settings(), r#"{"hooks":{"Stop":7}}"#).unwrap();
    let done = user.hook(&["install"]);
    assert_eq!((done.status, done.out.ends_with("12 hooks added, 0 were there\n")), (Some(1), true));
    assert!(done.err.contains("cannot add hooks for Stop:"), "{}", done.err);
}

/// Where a shell finds us by our name, settings call us by it, and the claude in `PATH` says which events there are.
#[test]
fn in_the_path_we_are_called_by_name_and_claudes_version_decides() {
    let user = User::new();
    let bin = user.place.path("bin");
    fs::create_dir_all(&bin).unwrap();
    symlink(BINARY, bin.join("claude-mpm")).unwrap();
    fs::write(bin.join("claude"), "#!/bin/sh\necho '2.1.197 (Claude Code)'\n").unwrap();
    fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = user.place.command(&["hook", "install"]);
    command.env("HOME", user.place.path("home")).env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let done = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(done.out.ends_with("29 hooks added, 0 were there\n"), "{done:?}");
    assert_eq!(json(&user.settings())["hooks"]["Stop"][0]["hooks"][0]["command"], "claude-mpm hook Stop");
}

/// With no hub anywhere, and not a word more than without them.
#[test]
fn the_real_claude_takes_the_installed_hooks_and_is_not_disturbed() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let args = ["-p", "DEMO:bash"];
    let before = piped::run(sandbox.direct(&args), b"", test_support::DEADLINE);
    let mut install = sandbox.command(BINARY);
    let bin = sandbox.claude().parent().unwrap().display().to_string();
    install.args(["hook", "install"]).env("PATH", format!("{bin}:/usr/bin:/bin"));
    let done = piped::run(install, b"", test_support::DEADLINE);
    assert!(String::from_utf8_lossy(&done.stdout).contains("29 hooks added"), "{done:?}");
    let after = piped::run(sandbox.direct(&args), b"", test_support::DEADLINE);
    assert_eq!(after, before);
}
