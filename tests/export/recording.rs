//! `run --record`: what is recorded and what is not, what it needs, and how long it is kept.

use crate::cast::Cast;
use crate::session::Place;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use test_support::DEADLINE;
use test_support::terminal::Terminal;

/// Shows bytes in pieces that are no characters, takes a password, and waits to be told of another size.
const CLAUDE: &str = r#"
printf 'a\342'; sleep 0.05; printf '\227\217 \033[31mred\033[0m\n'
stty -echo; printf 'password? '; read -r _; stty echo
trap 'stty size; exit 0' WINCH
printf 'ready\n'
while :; do sleep 0.05; done
"#;

#[test]
fn a_recording_has_every_byte_of_the_terminal_and_nothing_that_was_typed() {
    let place = Place::new();
    let mut command = place.0.command(&["-q", "-n", "rec", "--launch-method", "subprocess", "--record"]);
    command
        .args(["--websocket-port", "auto", "--claude", "sh", "--", "-c", CLAUDE])
        .env("TERM", "xterm-256color");
    let terminal = Terminal::start(command, 90, 30);
    terminal.wait_for(|screen| screen.contains("password?"), DEADLINE);
    terminal.type_text("hunter2\n");
    terminal.wait_for(|screen| screen.contains("ready"), DEADLINE);
    terminal.resize(100, 40);
    assert!(terminal.wait_exit(DEADLINE).success());

    let [path] = &place.recordings()[..] else { panic!("{:?}", place.recordings()) };
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(path).unwrap();
    let cast = Cast::read(&text);
    assert_eq!((&cast.header["width"], &cast.header["height"]), (&90.into(), &30.into()));
    assert_eq!(cast.header["env"], serde_json::json!({"TERM": "xterm-256color"}));
    assert_eq!(cast.all('o').concat().as_bytes(), terminal.raw_output());
    assert!(cast.all('o').concat().contains("a● \u{1b}[31mred"));
    assert_eq!((cast.all('r'), cast.all('m')), (vec!["100x40"], vec![]));
    assert!(!text.contains("hunter2"), "{text}");

    let exported = place.run(&["export", "rec", "--format", "asciicast"]);
    assert_eq!((exported.status, exported.out), (Some(0), text));
}

#[test]
fn whoever_records_is_told_that_secrets_are_in_it() {
    let place = Place::new();
    let done = place.session("loud", &["--record"], "echo x");
    assert!(
        done.err.contains("the terminal is recorded, with the secrets that it shows, in "),
        "{}",
        done.err
    );
    let quiet = place.session("quiet", &["--record", "-q"], "echo x");
    assert_eq!((quiet.status, quiet.err.as_str()), (Some(0), ""));
    assert_eq!(place.recordings().len(), 2);
    place.session("none", &[], "echo x");
    assert_eq!(place.recordings().len(), 2, "off unless it is asked for");
}

#[test]
fn a_recording_needs_a_terminal_of_ours_and_a_session_that_is_kept() {
    let place = Place::new();
    let hub = ["--websocket-port", "auto"];
    for (options, cause, tip) in [
        (&["--websocket-port", "auto"][..], "--launch-method exec", "add --launch-method subprocess"),
        (&["--launch-method", "subprocess"], "without a hub", "add --websocket"),
        (&[&hub[..], &["--launch-method", "subprocess"]].concat(), "to a pipe or a file", "--headless"),
    ] {
        let done = place.run(&[&["--record"], options, &["--claude", "touch", "--", "started"]].concat());
        assert_eq!(done.status, Some(2), "{options:?}: {}", done.err);
        assert!(done.err.contains("cannot record terminal: ") && done.err.contains(cause), "{}", done.err);
        assert!(done.err.contains(&format!("tip: {tip}")), "{}", done.err);
    }
    assert!(!place.0.path("work/started").exists(), "claude does not start");
}

#[test]
fn where_it_cannot_be_kept_claude_is_not_started() {
    let place = Place::new();
    fs::create_dir_all(place.0.path(".local/state/claude-mpm")).unwrap();
    std::os::unix::fs::symlink(place.0.path("work"), place.0.path(".local/state/claude-mpm/sessions"))
        .unwrap();
    fs::set_permissions(place.0.path(".local/state/claude-mpm"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(place.0.path(".local/state/claude-mpm/sessions")).unwrap();
    fs::write(place.0.path(".local/state/claude-mpm/sessions"), "in the way").unwrap();
    let done = place.session("no", &["--record"], "touch started");
    assert_eq!(done.status, Some(125), "{}", done.err);
    assert!(done.err.contains("cannot record terminal: cannot"), "{}", done.err);
    assert!(!place.0.path("work/started").exists());
}

#[test]
fn it_goes_on_where_claude_is_started_again_and_does_without_a_journal() {
    let place = Place::new();
    let script = "if [ -e again ]; then echo second; exit 0; fi; touch again; echo first; exit 1";
    let done = place.session("twice", &["--record", "--no-journal", "--restart", "on-failure"], script);
    assert_eq!(done.status, Some(0), "{}", done.err);
    let exported = place.run(&["export", "twice", "-o", "t.cast"]);
    assert_eq!(exported.status, Some(0), "{}", exported.err);
    let cast = Cast::read(&fs::read_to_string(place.0.path("work/t.cast")).unwrap());
    assert_eq!(cast.all('o').concat(), "first\r\nsecond\r\n");
    let events = place.run(&["export", "twice"]);
    assert_eq!((events.status, events.out.as_str()), (Some(0), ""), "{}", events.err);
}
