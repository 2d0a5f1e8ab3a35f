//! Tokens from outside: given out and taken away by the verb `token`, shown to a hub by the others, and kept from
//! claude and all it starts.

#![expect(clippy::unwrap_used, reason = "test code")]

mod viewer;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use viewer::place::{Done, Place};

const SHOWN: &str = "mpm_from-variable";
/// Of its own, because all processes are searched for it.
const SECRET: &str = "mpm_kept-from-claude";

fn token(place: &Place, args: &[&str]) -> Done {
    let mut command = place.command(&[&["token"], args].concat());
    let output = command.env("XDG_STATE_HOME", place.path("state")).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn listed(place: &Place) -> Vec<serde_json::Value> {
    let done = token(place, &["list", "-o", "json"]);
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
    serde_json::from_str(&done.out).unwrap()
}

#[test]
fn a_token_is_printed_once_listed_without_its_secret_replaced_and_revoked() {
    let place = Place::new();
    assert_eq!(listed(&place), <[serde_json::Value; 0]>::default());
    assert!(!place.path("state").exists());
    let made = token(&place, &["create", "--role", "publish", "--note", "for ci", "--expires", "30d"]);
    let secret = made.out.trim_end().to_owned();
    assert_eq!((made.status, secret.len(), &secret[..4]), (Some(0), 47, "mpm_"), "{}", made.err);
    assert!(made.err.contains("with role publish, until ") && !made.err.contains(&secret), "{}", made.err);
    let known = listed(&place);
    assert_eq!((known.len(), &known[0]["role"], &known[0]["note"]), (1, &"publish".into(), &"for ci".into()));
    let id = known[0]["id"].as_str().unwrap();
    let file = place.path("state/claude-mpm/tokens.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = format!("{}{}", token(&place, &["list"]).out, fs::read_to_string(&file).unwrap());
    assert!(shown.contains(id) && !shown.contains(&secret[4..]), "{shown}");
    let rotated = token(&place, &["rotate", id]);
    assert_eq!(rotated.status, Some(0), "{}", rotated.err);
    assert_ne!(rotated.out, made.out);
    let id = listed(&place)[0]["id"].as_str().unwrap().to_owned();
    let plain = token(&place, &["create"]);
    assert!(plain.err.contains("with role read;"), "{}", plain.err);
    assert_eq!(token(&place, &["-q", "revoke", &id]).err, "");
    assert_eq!(listed(&place).len(), 1);
    assert_eq!(token(&place, &["revoke", "--all"]).status, Some(0));
    assert!(listed(&place).is_empty());
}

#[test]
fn what_cannot_be_done_to_a_token_is_said_with_what_helps() {
    let place = Place::new();
    for (args, status, cause) in [
        (&["revoke", "0123abcd"][..], 1, "there is none with the id \"0123abcd\""),
        (&["rotate", "x"], 1, "tip: claude-mpm token list"),
        (&["revoke"], 2, "required"),
        (&["revoke", "x", "--all"], 2, "cannot be used with"),
        (&["create", "--role", "admin"], 2, "read, publish, control"),
        (&["create", "--expires", "soon"], 2, "it should look like 30d"),
        (&["create", "--expires", "2020-01-01"], 2, "it is over"),
        (&["create", "--note", "a\u{1b}b"], 1, "control characters"),
        (&[], 2, ""),
    ] {
        let done = token(&place, args);
        assert_eq!((done.status, done.out.as_str()), (Some(status), ""), "{args:?}: {}", done.err);
        assert!(done.err.contains(cause), "{args:?}: {}", done.err);
    }
    token(&place, &["create"]);
    let file = place.path("state/claude-mpm/tokens.json");
    fs::write(&file, "{").unwrap();
    let done = token(&place, &["create"]);
    assert_eq!(done.status, Some(1));
    assert!(done.err.contains("tip: claude-mpm token revoke --all"), "{}", done.err);
    assert_eq!(token(&place, &["revoke", "--all"]).status, Some(0));
    assert!(listed(&place).is_empty());
}

/// What a hub is told when `status` calls it: the head of its request.
fn told(place: &Place, options: &[&str], variable: &str) -> (Done, String) {
    let hub = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", hub.local_addr().unwrap());
    let mut command = place.command(&[&["status", "--url", &url], options].concat());
    command.env("CLAUDE_MPM_TOKEN", variable).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let (mut caller, _) = hub.accept().unwrap();
    caller.set_read_timeout(Some(viewer::place::DEADLINE)).unwrap();
    let (mut head, mut part) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let length = caller.read(&mut part).unwrap();
        assert!(length > 0, "the caller went away");
        head.extend(&part[..length]);
    }
    caller.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let done = Done { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    (done, String::from_utf8(head).unwrap().to_ascii_lowercase())
}

/// To an address of a network for documentation (RFC 5737), where nobody is.
#[test]
fn a_token_is_not_shown_to_another_machine_where_everybody_on_the_way_can_read_it() {
    let place = Place::new();
    for words in [
        &["status", "--url", "ws://203.0.113.7:1"][..],
        &["watch", "--url", "http://box.example:1"],
        &["check", "--connect", "ws://203.0.113.7:1"],
        &["--hub", "ws://203.0.113.7:1", "--claude", "true"],
    ] {
        let output = place.command(words).env("CLAUDE_MPM_TOKEN", SHOWN).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("everybody on the way") && !err.contains(SHOWN), "{words:?}: {err}");
        assert!(!output.status.success(), "{words:?}");
    }
}

#[test]
fn a_token_is_shown_in_the_handshake_and_the_file_goes_before_the_variable() {
    let place = Place::new();
    let file = place.path("token");
    fs::write(&file, "mpm_from-file\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let (done, head) = told(&place, &[], SHOWN);
    assert!(head.contains(&format!("authorization: bearer {SHOWN}\r\n")), "{head}");
    assert!(!head.lines().next().unwrap().contains("mpm_"), "{head}");
    assert_eq!((done.status, done.err.contains(SHOWN)), (Some(4), false), "{}", done.err);
    let (_, head) = told(&place, &["--token-file", file.to_str().unwrap()], SHOWN);
    assert!(head.contains("authorization: bearer mpm_from-file\r\n"), "{head}");
    let (_, head) = told(&place, &[], "");
    assert!(!head.contains("authorization"), "{head}");
}

#[test]
fn a_token_that_others_can_read_or_that_is_none_is_not_shown() {
    let place = Place::new();
    let file = place.path("token");
    fs::write(&file, "mpm_x").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let done = place.run(&["status", "--token-file", file.to_str().unwrap()]);
    assert_eq!(done.status, Some(1), "{}", done.err);
    assert!(done.err.contains("cannot read token: ") && done.err.contains("0644"), "{}", done.err);
    let output = place.command(&["status"]).env("CLAUDE_MPM_TOKEN", "two words").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot use CLAUDE_MPM_TOKEN") && !said.contains("two words"), "{said}");
}

/// Says what its own environment holds and that of all the processes it may look at, then which tokens there are.
const LOOK: &str = "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep kept-from; env | grep kept-from; \
                    cd \"$XDG_RUNTIME_DIR/claude-mpm\" 2>/dev/null && ls; echo looked";

fn claude(place: &Place, options: &[&str]) -> Command {
    let mut command = place.command(&[options, &["--claude", "sh", "--", "-c", LOOK]].concat());
    command.env("CLAUDE_MPM_TOKEN", SECRET);
    command
}

#[test]
fn neither_claude_nor_any_process_of_ours_has_the_token_in_its_environment() {
    for options in [
        &[][..],
        &["--launch-method", "subprocess"],
        &["--websocket-port", "auto", "--launch-method", "subprocess"],
        &["--websocket-port", "auto"],
    ] {
        let place = Place::new();
        let output = claude(&place, options).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("looked") && !said.contains("kept-from"), "{options:?}: {said}");
        let tokens = said.lines().filter(|line| line.ends_with(".token")).count();
        assert_eq!(tokens, usize::from(options.contains(&"--websocket-port")), "{options:?}: {said}");
        wait_for_none(&place.directory.path().join(""), options);
    }
}

/// The companion ends a moment after claude.
fn wait_for_none(folder: &Path, options: &[&str]) {
    let deadline = Instant::now() + viewer::place::DEADLINE;
    let tokens = || {
        let entries = fs::read_dir(folder).unwrap().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "token")).count()
    };
    while tokens() > 0 {
        assert!(Instant::now() < deadline, "the token of the run stays: {options:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
