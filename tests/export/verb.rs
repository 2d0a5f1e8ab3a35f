//! `export` as it is typed: which session, which events, where to, and what it says where it cannot.

use crate::cast::Cast;
use crate::session::Place;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::processes::Process;
use test_support::program::Program;
use test_support::standalone;

/// Says by hooks that somebody asked something and a tool ran, and prints lines.
const CLAUDE: &str = r#"
hook() { printf '{"session_id":"0b1b2c3d-4e5f-6789-abcd-ef0123456789",%s}' "$1" | "$MPM" hook; }
hook '"hook_event_name":"UserPromptSubmit","prompt":"=1+1 <b>bold</b> `x`"'
hook '"hook_event_name":"PreToolUse","tool_name":"Bash","tool_use_id":"t1","tool_input":{"command":"ls"}'
hook '"hook_event_name":"PostToolUse","tool_name":"Bash","tool_use_id":"t1","tool_input":{"command":"ls"},"tool_response":{"stdout":"x"}'
echo one; echo '```'; echo ready
"#;

fn events(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn lines_are_those_of_history_while_it_runs_and_afterwards() {
    let place = Place::new();
    let program = place.start("web", &[], &format!("{CLAUDE}\nread -r _ < /dev/tty; exit 0"));
    let history = || place.run(&["history", "-i", "web", "-o", "json", "-n", "10000"]).out;
    let [before, exported, after] = [history(), place.run(&["export", "web"]).out, history()];
    assert!(exported.starts_with(&before) && after.starts_with(&exported), "{before}\n{exported}\n{after}");
    assert!(events(&exported).iter().any(|event| event["type"] == "hook.user_prompt"), "{exported}");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(program.pid().cast_signed()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    program.finish();

    let [exported, history] =
        [place.run(&["export", "web"]), place.run(&["history", "-i", "web", "-o", "json", "-n", "10000"])];
    assert_eq!((exported.status, exported.out.as_str()), (Some(0), history.out.as_str()), "{}", exported.err);
    assert_eq!(events(&exported.out).last().unwrap()["type"], "session.end");
}

#[test]
fn a_hub_that_keeps_no_journal_tells_what_it_remembers() {
    let place = Place::new();
    let _program = place.start("web", &["--no-journal"], "echo ready; sleep 1000");
    let done = place.run(&["export", "web", "claude.output"]);
    let found = events(&done.out);
    assert_eq!((done.status, found.len()), (Some(0), 1), "{}", done.err);
    assert_eq!(found[0]["data"]["content"], "ready");
}

#[test]
fn what_a_hub_that_was_killed_had_is_told_once_by_the_next_one() {
    let place = Place::new();
    let hub = place.0.serve(0);
    let event = |n: u64| format!(r#"{{"type":"my.line","source":"x","data":{{"n":{n}}}}}"#);
    assert_eq!(hub.post("/api/events", &event(1)).0, 202);
    let told = |expected: &[u64]| -> bool {
        let found = events(&place.run(&["export", "hub", "my.line"]).out);
        found.iter().map(|event| event["data"]["n"].as_u64().unwrap()).eq(expected.iter().copied())
    };
    let journal = place.0.path(&format!(".local/state/claude-mpm/sessions/hub-{}", hub.port));
    let until = Instant::now() + DEADLINE;
    while !standalone::named(&journal, ".ndjson")
        .iter()
        .any(|file| fs::read_to_string(file).unwrap().contains("my.line"))
    {
        assert!(Instant::now() < until, "it was never written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let port = hub.port;
    hub.kill();
    // Its journal has nothing of its own numbering yet.
    let hub = place.0.serve(port);
    assert!(told(&[1]));
    assert_eq!(hub.post("/api/events", &event(2)).0, 202);
    assert!(told(&[1, 2]));
    assert!(hub.stop().success());
}

#[test]
fn events_are_chosen_as_by_history() {
    let place = Place::new();
    place.session("web", &[], CLAUDE);
    let all = events(&place.run(&["export", "web"]).out);
    let numbers = |args: &[&str]| -> Vec<u64> {
        let done = place.run(&[&["export", "web"], args].concat());
        assert_eq!(done.status, Some(0), "{args:?}: {}", done.err);
        events(&done.out).iter().map(|event| event["seq"].as_u64().unwrap()).collect()
    };
    let those = |wanted: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        all.iter().filter(|event| wanted(event)).map(|event| event["seq"].as_u64().unwrap()).collect()
    };
    let session = all[0]["session_id"].as_str().unwrap();
    let third = all[2]["timestamp"].as_str().unwrap();
    let time = |event: &Value| event["timestamp"].as_str().unwrap().to_owned();
    assert!(all.len() > 8);
    for (args, expected) in [
        (&["claude.output"][..], those(&|event| event["type"] == "claude.output")),
        (
            &["hook.*", "session.end"],
            those(&|event| {
                let kind = event["type"].as_str().unwrap();
                kind.starts_with("hook.") || kind == "session.end"
            }),
        ),
        (&["--after", "3"], those(&|event| event["seq"].as_u64() > Some(3))),
        (&["--since", third], those(&|event| *time(event) >= *third)),
        (&["--until", third], those(&|event| *time(event) <= *third)),
        (&["--session", session], those(&|_| true)),
        (&["--session", "another"], vec![]),
    ] {
        assert_eq!(numbers(args), expected, "{args:?}");
    }
}

#[test]
fn a_file_is_whole_private_and_replaced_only_where_that_is_wanted() {
    let place = Place::new();
    place.session("web", &[], "echo one");
    let file = place.0.path("work/web.html");
    let export = |args: &[&str]| place.run(&[&["export", "web", "-o", "web.html"], args].concat());
    assert_eq!(export(&[]).status, Some(0));
    let page = fs::read_to_string(&file).unwrap();
    assert!(
        page.starts_with("<!doctype html>") && page.ends_with("</html>\n"),
        "the form is that of the ending"
    );
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);

    let refused = export(&["--format", "csv"]);
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    assert!(refused.err.contains("cannot write web.html: it is there already"), "{}", refused.err);
    assert!(refused.err.contains("tip: --force replaces it"), "{}", refused.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), page);
    assert_eq!(export(&["--format", "csv", "--force"]).status, Some(0));
    assert!(fs::read_to_string(&file).unwrap().starts_with("seq,epoch,"));

    for letter in ["x", "\u{e9}"] {
        let longest = letter.repeat(252 / letter.len()) + ".md";
        let done = place.run(&["export", "web", "-o", &longest]);
        assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
        fs::remove_file(place.0.path("work").join(longest)).unwrap();
    }

    std::os::unix::fs::symlink("elsewhere", place.0.path("work/link.md")).unwrap();
    assert_eq!(place.run(&["export", "web", "-o", "link.md"]).status, Some(1), "a link is there, too");
    assert_eq!(place.run(&["export", "web", "-o", "."]).status, Some(1));
    let device = place.run(&["export", "web", "-o", "/dev/stdout", "--format", "markdown"]);
    assert!(device.out.starts_with("# Session web\n"), "{}", device.err);
    let full = place.run(&["export", "web", "-o", "/dev/full"]);
    assert_eq!(full.status, Some(1), "{}", full.err);
    assert!(full.err.contains("cannot write /dev/full: No space left"), "{}", full.err);
    let left: Vec<_> =
        fs::read_dir(place.0.path("work")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "no draft stays: {left:?}");
}

#[test]
fn nothing_is_left_of_a_file_that_somebody_did_not_wait_for() {
    let place = Place::new();
    let web = place.start("web", &[], "echo ready; sleep 1000");
    let files = || -> Vec<_> {
        fs::read_dir(place.0.path("work")).unwrap().flatten().map(|file| file.file_name()).collect()
    };
    // Its hub does not answer: what it remembers is waited for.
    let hub = Process::of(web.pid());
    assert!(hub.signal(nix::libc::SIGSTOP));
    for signal in [nix::libc::SIGINT, nix::libc::SIGTERM] {
        let export = Program::start(place.0.command(&["export", "web", "-o", "web.md"]), b"");
        let until = Instant::now() + DEADLINE;
        while files().is_empty() {
            assert!(Instant::now() < until, "it was never begun");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(Process::of(export.pid()).signal(signal));
        assert_eq!(export.finish().0.signal(), Some(signal));
        assert_eq!(files(), [""; 0]);
    }
    assert!(hub.signal(nix::libc::SIGCONT));
}

#[test]
fn what_cannot_be_exported_is_said_with_what_may_help() {
    let place = Place::new();
    place.session("web", &[], "echo one");
    for (args, status, says) in [
        (&["web", "--format", "asciicast"][..], 1, "cannot export terminal: the session was not recorded"),
        (
            &["web", "--format", "asciicast"],
            1,
            "tip: record the next one: claude-mpm --websocket --launch-method subprocess --record",
        ),
        (&["web", "claude.output", "-o", "x.cast"], 2, "cannot choose events of a recording"),
        (&["web", "-o", "csv"], 2, "tip: --format names the format"),
        (&["web", "-o", "csv"], 2, "tip: for a file of that name: -o ./csv"),
        (&["nobody"], 3, "cannot export \"nobody\": no session that runs or is over has this name or id"),
        (&["nobody"], 3, "tip: sessions that are over: claude-mpm list --ended"),
        (&["web", "a b"], 2, "a b"),
        (&[], 2, "SESSION"),
    ] {
        let done = place.run(&[&["export"], args].concat());
        assert_eq!(done.status, Some(status), "{args:?}: {}", done.err);
        assert!(done.err.contains(says) && done.out.is_empty(), "{args:?}: {}{}", done.out, done.err);
    }
    assert!(!place.0.path("work/x.cast").exists());
}

#[test]
fn a_recording_that_goes_on_is_exported_up_to_its_last_whole_line() {
    let place = Place::new();
    let _program = place.start("web", &["--record"], "echo ready; sleep 1000");
    let [path] = &place.recordings()[..] else { panic!() };
    let mut torn = fs::OpenOptions::new().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut torn, b"[9.0, \"o").unwrap();
    let done = place.run(&["export", "web", "--format", "asciicast"]);
    assert_eq!(done.status, Some(0), "{}", done.err);
    assert_eq!(Cast::read(&done.out).all('o').concat(), "ready\r\n");
}
