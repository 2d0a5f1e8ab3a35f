//! The command line from outside: help, usage errors with their tips, exit statuses, and what needs no hub.

mod viewer;

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use viewer::place::Place;

const USAGE: Option<i32> = Some(2);

#[test]
fn help_and_version_are_answers_not_errors() {
    let place = Place::new();
    for (args, expected) in [
        (&["--help"][..], "EXIT STATUS"),
        (&["-h"], "--websocket-port"),
        (&["--version"], "claude-mpm 0.1.0"),
        (&["watch", "--help"], "EXAMPLES"),
        (&["ps", "-h"], "--output"),
        (&["run", "--help"], "[-- CLAUDE ARGS...]"),
        (&["demo", "--help"], "--speed"),
    ] {
        let done = place.run(args);
        assert_eq!((done.status, done.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(done.out.contains(expected), "{args:?}: {}", done.out);
    }
    assert!(place.run(&["--help"]).out.len() > place.run(&["-h"]).out.len());
    assert!(!place.run(&["demo", "--help"]).out.contains("--play"));
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_with_a_tip_and_status_2() {
    let place = Place::new();
    for (args, cause, tip) in [
        (&["-p", "hi"][..], "unexpected argument '-p'", "to pass it to claude: claude-mpm -- -p hi"),
        (&["--websocket", "-p", "a b"], "'-p'", "claude-mpm --websocket -- -p 'a b'"),
        (&["--bogus=1", "--", "x"], "'--bogus'", "claude-mpm -- --bogus=1"),
        (&["--websoket"], "'--websoket'", "'--websocket'"),
        (&["wach"], "'wach'", "'watch'"),
        (&["hello"], "'hello'", "claude-mpm -- hello"),
        (&["watch", "--cuont", "1"], "'--cuont'", "'--count'"),
        (&["--websocket", "watch"], "--websocket is an option of `run`", "leave out `watch`"),
        (&["watch", "--monitor"], "--websocket is an option of `run`", "leave out `watch`"),
        (&["list", "-C", "/"], "--cwd is an option of `run`", "leave out `list`"),
        (&["--name", "x", "demo"], "--name is an option of `run`", "claude-mpm demo --name"),
        (&["--websocket-host", "box.local"], "a numeric address", "--help"),
        (&["--websocket-port", "0"], "`auto` takes a free one", "--help"),
        (&["--window-size", "80"], "80x24", "--help"),
        (&["--launch-method", "fork"], "exec, subprocess", "--help"),
        (&["watch", "-n", "1", "-S", "1m"], "cannot be used with", "claude-mpm watch --help"),
        (&["watch", "a..b"], "bad pattern", "a channel is"),
        (&["watch", "--since", "soon"], "cannot read time", "10m"),
        (&["watch", "-g", "("], "regex", "--help"),
        (&["watch", "--url", "ftp://h"], "it should look like ws://", ""),
        (&["-v", "--log-level", "info"], "cannot be used with", "--help"),
        (&["run", "run"], "'run'", "claude-mpm -- run"),
    ] {
        let done = place.run(args);
        assert_eq!((done.status, done.out.as_str()), (USAGE, ""), "{args:?}: {}", done.err);
        assert!(done.err.starts_with("claude-mpm: cannot "), "{args:?}: {}", done.err);
        assert!(done.err.contains(cause), "{args:?}: {}", done.err);
        let tips: Vec<&str> = done.err.lines().skip(1).filter(|line| line.starts_with("  tip: ")).collect();
        assert!(tip.is_empty() || tips.iter().any(|line| line.contains(tip)), "{args:?}: {}", done.err);
    }
}

#[test]
fn an_instance_that_is_not_there_is_status_3_and_none_at_all_is_no_failure_of_list() {
    let place = Place::new();
    for args in
        [&["-v", "watch"][..], &["status"], &["history"], &["tail", "-i", "x"], &["check", "--connect"]]
    {
        let done = place.run(args);
        assert_eq!(done.status, Some(3), "{args:?}: {}", done.err);
        assert!(done.err.contains("no instance is running\n  tip: start one"), "{}", done.err);
    }
    let said = "claude-mpm: cannot read history of an instance: no instance is running\n";
    assert!(place.run(&["history"]).err.starts_with(said));
    let done = place.run(&["list"]);
    assert_eq!(
        (done.status, done.out.as_str(), done.err.as_str()),
        (Some(0), "", "claude-mpm: no instance is running\n")
    );
    assert_eq!(place.run(&["ls", "-o", "json", "-q"]).out, "[]\n");
}

#[test]
fn the_instances_one_could_have_meant_are_named() {
    let place = Place::new();
    let (web, api) = (place.instance("aa1", "web", Some(1)), place.instance("aa2", "api", Some(2)));
    let _guards = [place.register(&web), place.register(&api)];
    let several = place.run(&["watch"]);
    assert_eq!(several.status, Some(3));
    assert!(several.err.contains("several instances") && several.err.contains("--all"), "{}", several.err);
    assert!(several.err.contains("web:1") && several.err.contains("api:2"), "{}", several.err);
    let none = place.run(&["status", "-i", "nope"]);
    assert_eq!(none.status, Some(3));
    assert!(none.err.contains("tip: running: ") && none.err.contains("web:1"), "{}", none.err);
}

#[test]
fn a_hub_that_nobody_serves_is_status_5() {
    let place = Place::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _guard = place.register(&place.instance("s1", "web", Some(port)));
    let url = format!("ws://127.0.0.1:{port}");
    for args in [&["watch"][..], &["status", "--url", &url], &["history"], &["check", "--connect", &url]] {
        let done = place.run(args);
        assert_eq!(done.status, Some(5), "{args:?}: {}", done.err);
        assert!(done.err.contains("no connection to ws://127.0.0.1:"), "{}", done.err);
    }
    let listed = place.run(&["list"]);
    assert!(listed.out.contains("?") && listed.status == Some(0), "{}", listed.out);
}

#[test]
fn a_runtime_directory_that_is_not_ours_is_refused_with_a_reason() {
    let place = Place::new();
    std::fs::remove_dir(place.directory.path()).unwrap();
    symlink("/tmp", place.directory.path()).unwrap();
    let done = place.run(&["list"]);
    assert_eq!(done.status, Some(1));
    assert!(done.err.contains("it is not a directory but a link"), "{}", done.err);
}

#[test]
fn a_taken_port_names_its_holder_and_a_free_one_can_be_found() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let word = port.to_string();
    let taken = place.run(&["check", "--port", &word]);
    assert_eq!(taken.status, Some(1));
    assert!(taken.out.contains(&format!("(pid {})", std::process::id())), "{}", taken.out);
    let guard = place.register(&place.instance("s1", "web", Some(port)));
    let taken = place.run(&["check", "--port", &word]);
    assert!(taken.out.contains("held by claude-mpm instance \"web\""), "{}", taken.out);
    let found: u16 = place.run(&["check", "--find-port", &word]).out.trim().parse().unwrap();
    assert!(found > port);
    drop((listener, guard));
    let free = place.run(&["check", "--port", &word]);
    assert_eq!((free.status, free.out), (Some(0), format!("port {port} is free\n")));
}

#[test]
fn check_looks_at_everything_and_fails_without_claude() {
    let place = Place::new();
    let missing = place.run(&["check", "--claude", "/nowhere/claude"]);
    assert_eq!(missing.status, Some(1));
    assert!(
        missing.out.contains("fail  claude: ") && missing.out.contains("tip: npm install"),
        "{}",
        missing.out
    );
    let other = place.run(&["check", "--claude", "sh", "-o", "json"]);
    assert_eq!(other.status, Some(0), "{}", other.out);
    let findings: serde_json::Value = serde_json::from_str(&other.out).unwrap();
    assert_eq!(findings[0]["verdict"], "ok");
    assert_eq!(findings[1]["verdict"], "warn");
}

#[test]
fn a_monitoring_verb_makes_no_files() {
    let place = Place::new();
    std::fs::remove_dir(place.directory.path()).unwrap();
    for args in [&["list"][..], &["watch"], &["status"], &["check"]] {
        place.run(args);
        assert!(!place.directory.path().exists(), "{args:?}");
    }
}
