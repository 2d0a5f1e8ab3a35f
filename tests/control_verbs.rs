//! The verbs that do something with claude from elsewhere, against a scripted hub: what is asked, what is told, and the
//! exit statuses.

mod viewer;

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use test_support::piped;
use viewer::fake_hub::{Ending, FakeHub, Said, Script};
use viewer::place::{DEADLINE, Done, Place};

fn hub(command: &'static str, said: Vec<Said>) -> FakeHub {
    FakeHub::start(Script::new(Vec::new(), Ending::Stay).saying(command, said))
}

fn accepted(command: &str) -> Said {
    Said::Reply("accepted", json!({ "control_id": "c1", "command": command }))
}

fn fate(fate: &str, reason: Option<&str>) -> Said {
    let last = !["queued", "typed"].contains(&fate);
    Said::Reply(
        "outcome",
        json!({ "control_id": "c1", "command": "x", "fate": fate, "reason": reason, "last": last }),
    )
}

fn error(code: &str, message: &str) -> Said {
    Said::Reply("error", json!({ "error_code": code, "error_message": message }))
}

/// `claude-mpm VERB --url URL ARGS`.
fn run(place: &Place, hub: &FakeHub, verb: &str, args: &[&str]) -> Done {
    let url = hub.url();
    place.run(&[&[verb, "--url", &url], args].concat())
}

#[test]
fn a_prompt_is_sent_and_each_step_is_told_until_the_last() {
    let place = Place::new();
    let steps =
        vec![accepted("send_input"), fate("queued", None), fate("typed", None), fate("accepted", None)];
    let hub = hub("send_input", steps);
    let done = run(&place, &hub, "send", &["now", "run", "it"]);
    assert_eq!((done.status, done.out.as_str()), (Some(0), ""));
    assert_eq!(done.err, "claude-mpm: queued\nclaude-mpm: typed\nclaude-mpm: accepted\n");
    let asked = &hub.requests("send_input")[0];
    assert_eq!(asked["text"], "now run it");
    assert_eq!(
        (&asked["submit"], &asked["raw"], &asked["queue"]),
        (&json!(true), &json!(false), &json!(false))
    );
    let quiet = run(&place, &hub, "send", &["-q", "--raw", "--queue", "--no-submit", "/clear"]);
    assert_eq!((quiet.status, quiet.err.as_str()), (Some(0), ""));
    let asked = &hub.requests("send_input")[1];
    assert_eq!(
        (&asked["submit"], &asked["raw"], &asked["queue"]),
        (&json!(false), &json!(true), &json!(true))
    );
}

#[test]
fn json_is_what_the_hub_said_of_each_step() {
    let place = Place::new();
    let hub = hub("send_input", vec![accepted("send_input"), fate("typed", None), fate("accepted", None)]);
    let done = run(&place, &hub, "send", &["-o", "json", "x"]);
    assert_eq!((done.status, done.err.as_str()), (Some(0), ""));
    let steps: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(steps.iter().map(|step| &step["fate"]).collect::<Vec<_>>(), ["typed", "accepted"]);
    assert_eq!(steps[0]["control_id"], "c1");
}

#[test]
fn every_way_it_goes_wrong_has_its_status_and_says_why() {
    let place = Place::new();
    let taken = || accepted("send_input");
    for (said, status, cause) in [
        (
            vec![taken(), fate("rejected", Some("claude asks\u{1b}[2J something"))],
            1,
            r"asks\u{1b}[2J something",
        ),
        (vec![taken(), fate("rejected", None)], 1, "no reason is told"),
        (vec![fate("rejected", Some("at once"))], 1, "at once"),
        (
            vec![error("CTL001", "cannot type:\u{202e} no terminal")],
            1,
            r"CTL001: cannot type:\u{202e} no terminal",
        ),
        (vec![error("REQ002", "cannot read text: no")], 1, "REQ002"),
        (vec![error("RATE001", "cannot go on: too many")], 1, "RATE001"),
        (vec![error("AUTH001", "cannot control: who are you")], 4, "AUTH001"),
        (vec![error("AUTH002", "cannot control: not with read")], 4, "a token with the role control"),
        (vec![taken(), error("AUTH002", "cannot go on")], 4, "AUTH002"),
        (vec![taken(), Said::Break], 5, "connection lost"),
        (
            vec![taken(), fate("typed", None), Said::Close(1001)],
            5,
            "the hub closed the connection: code 1001",
        ),
        (vec![taken(), Said::Close(1000)], 5, "code 1000"),
        (vec![Said::Close(4403)], 4, "refuses this client"),
        (vec![taken(), Said::Reply("outcome", json!({}))], 1, "nothing of what became of it"),
    ] {
        let hub = hub("send_input", said.clone());
        let done = run(&place, &hub, "send", &["x"]);
        assert_eq!(done.status, Some(status), "{said:?}: {}", done.err);
        let label = hub.url();
        let complaint = format!("claude-mpm: cannot send prompt to {label}: ");
        assert!(done.err.contains(&complaint) && done.err.contains(cause), "{said:?}: {}", done.err);
        assert!(!done.err.contains(['\u{1b}', '\u{202e}']), "{}", done.err);
    }
}

#[test]
fn a_rejection_says_what_may_help() {
    let place = Place::new();
    let hub = hub("send_input", vec![accepted("send_input"), fate("rejected", Some("claude is busy"))]);
    let done = run(&place, &hub, "send", &["x"]);
    assert!(
        done.err.ends_with("claude is busy\n  tip: --queue waits until claude can take it\n"),
        "{}",
        done.err
    );
    assert!(!run(&place, &hub, "send", &["--queue", "x"]).err.contains("tip"));
}

#[test]
fn waiting_has_an_end() {
    let place = Place::new();
    for (said, so_far) in [
        (vec![accepted("send_input")], "within 0.3 s\n"),
        (vec![accepted("send_input"), fate("queued", None)], "within 0.3 s, so far it is queued\n"),
        (vec![], "within 0.3 s\n"),
    ] {
        let hub = hub("send_input", said);
        let began = Instant::now();
        let done = run(&place, &hub, "send", &["--timeout", "300ms", "x"]);
        assert_eq!(done.status, Some(5), "{}", done.err);
        assert!(began.elapsed() < Duration::from_secs(8) && done.err.contains(so_far), "{}", done.err);
        assert!(done.err.contains("it may still be done"), "{}", done.err);
    }
}

#[test]
fn standard_input_is_a_prompt_too() {
    let place = Place::new();
    let hub = hub("send_input", vec![accepted("send_input"), fate("accepted", None)]);
    let url = hub.url();
    for args in [&["send", "--url", &url, "-"][..], &["send", "--url", &url]] {
        let done = piped::run(place.command(args), b"two\nlines\n", DEADLINE);
        assert!(done.status.success(), "{done:?}");
    }
    assert!(hub.requests("send_input").iter().all(|asked| asked["text"] == "two\nlines"));
    assert_eq!(hub.requests("send_input").len(), 2);
    for (input, cause) in [
        (&b"\n\n"[..], "there is no text"),
        (b"\xff\xfe", "it is not UTF-8"),
        (&[b'x'; (64 << 10) + 1], "it is longer than 64 KiB"),
        (&[b'"'; 40 << 10], "it is longer than 64 KiB"),
    ] {
        let done = piped::run(place.command(&["send", "--url", &url, "-"]), input, DEADLINE);
        assert_eq!(done.status.code(), Some(2), "{done:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains(cause), "{done:?}");
    }
    assert_eq!(hub.requests("send_input").len(), 2, "nothing of it was sent");
}

#[test]
fn keys_are_pressed_by_name() {
    let place = Place::new();
    let hub = hub("send_keys", vec![accepted("send_keys"), fate("done", None)]);
    let done = run(&place, &hub, "send", &["--keys", "Escape", "C-c"]);
    assert_eq!((done.status, done.err.as_str()), (Some(0), "claude-mpm: done\n"));
    assert_eq!(hub.requests("send_keys")[0]["keys"], json!(["Escape", "C-c"]));
    assert_eq!(run(&place, &hub, "send", &["--keys", "hello"]).status, Some(2));
}

#[test]
fn nobody_there_is_said_by_the_status() {
    let place = Place::new();
    for verb in [
        &["send", "x"][..],
        &["interrupt"],
        &["stop"],
        &["restart"],
        &["permissions"],
        &["allow"],
        &["deny"],
        &["open"],
    ] {
        assert_eq!(place.run(verb).status, Some(3), "{verb:?}");
        let gone = place.run(&[verb, &["--url", "ws://127.0.0.1:1"]].concat());
        assert_eq!(gone.status, Some(if verb == ["open"] { 1 } else { 5 }), "{verb:?}: {}", gone.err);
    }
    assert_eq!(place.run(&["stop", "--all"]).status, Some(3));
    for usage in [
        &["stop", "--grace", "11m"][..],
        &["send", "--timeout", "0", "x"],
        &["stop", "-a", "-i", "x"],
        &["allow", "--input", "[]"],
    ] {
        assert_eq!(place.run(usage).status, Some(2), "{usage:?}");
    }
}

#[test]
fn claude_is_interrupted_stopped_and_restarted() {
    let place = Place::new();
    for (verb, args, asked) in [
        ("interrupt", &[][..], json!({ "command": "interrupt" })),
        ("stop", &[][..], json!({ "command": "stop", "grace_seconds": 5 })),
        ("kill", &["--grace", "0"], json!({ "command": "stop", "grace_seconds": 0 })),
        ("restart", &["--grace", "1m"], json!({ "command": "restart", "grace_seconds": 60 })),
    ] {
        let command: &'static str = if verb == "kill" { "stop" } else { verb };
        let hub = hub(command, vec![accepted(command), fate("done", None)]);
        let done = run(&place, &hub, verb, args);
        assert_eq!((done.status, done.err.as_str()), (Some(0), "claude-mpm: done\n"), "{verb}");
        let mut got = hub.requests(command)[0].clone();
        got.as_object_mut().unwrap().remove("request_id");
        assert_eq!(got, asked);
    }
}

#[test]
fn a_session_that_is_over_was_stopped_and_never_restarted() {
    let place = Place::new();
    for (verb, status, told) in [("stop", 0, "claude-mpm: done\n"), ("restart", 5, "code 1000")] {
        let hub = hub(verb, vec![accepted(verb), Said::Close(1000)]);
        let done = run(&place, &hub, verb, &[]);
        assert_eq!(done.status, Some(status), "{verb}: {}", done.err);
        assert!(done.err.contains(told), "{}", done.err);
    }
}

#[test]
fn all_instances_are_stopped_each_with_a_line() {
    let place = Place::new();
    let well = hub("stop", vec![accepted("stop"), fate("done", None)]);
    let ill = hub("stop", vec![error("AUTH002", "cannot stop: no")]);
    let _web = place.register(&place.instance("s1", "web", Some(well.port)));
    let _api = place.register(&place.instance("s2", "api", Some(ill.port)));
    let mut alone = place.instance("s3", "hub", Some(1));
    alone.launch_method = None;
    let _hub = place.register(&alone);
    let done = place.run(&["stop", "--all"]);
    assert_eq!(done.status, Some(4), "{}", done.err);
    assert!(done.err.contains(&format!("claude-mpm: web:{}: done\n", well.port)), "{}", done.err);
    assert!(
        done.err.contains(&format!("cannot stop api:{}: the hub answers AUTH002", ill.port)),
        "{}",
        done.err
    );
    assert!(!done.err.contains("hub:1"), "a hub without claude is left alone: {}", done.err);
    let json = place.run(&["stop", "-a", "-o", "json"]);
    let line: Value = serde_json::from_str(json.out.trim()).unwrap();
    assert_eq!((&line["instance"], &line["fate"]), (&json!(format!("web:{}", well.port)), &json!("done")));
}

fn permission(id: &str, tool: &str, questions: Value) -> Value {
    json!({ "permission_id": id, "tool_name": tool, "tool_input": { "command": "rm -rf x\u{1b}[2J" }, "agent": null,
        "suggestions": [], "questions": questions, "expires_at": "2999-01-01T00:00:00.000Z" })
}

fn asking(permissions: Vec<Value>) -> FakeHub {
    let said = vec![accepted("respond_permission"), fate("done", None)];
    let script = Script::new(Vec::new(), Ending::Stay).saying("respond_permission", said);
    FakeHub::start(script.asking(permissions))
}

/// What a hub was asked last, without what every request has.
fn answer(hub: &FakeHub) -> Value {
    let mut answer = hub.requests("respond_permission").pop().expect("it was asked");
    let fields = answer.as_object_mut().expect("an object");
    fields.remove("request_id");
    fields.remove("command");
    answer
}

#[test]
fn what_is_asked_is_listed() {
    let place = Place::new();
    let mut local = permission("p2", "Write\u{202e}", Value::Null);
    local["expires_at"] = Value::Null;
    let hub = asking(vec![permission("p1", "Bash", Value::Null), local]);
    let list = run(&place, &hub, "permissions", &[]);
    assert_eq!(list.status, Some(0), "{}", list.err);
    let lines: Vec<_> = list.out.lines().collect();
    assert_eq!(lines[0], r"p1  Claude asks for Bash: rm -rf x\u{1b}[2J");
    assert_eq!(
        lines[2],
        r"p2  Claude asks for Write\u{202e}: rm -rf x\u{1b}[2J [only claude's terminal can answer it]"
    );
    let json: Value = serde_json::from_str(&run(&place, &hub, "permissions", &["-o", "json"]).out).unwrap();
    assert_eq!((&json[0]["permission_id"], json.as_array().unwrap().len()), (&json!("p1"), 2));
    let none = run(&place, &asking(vec![]), "permissions", &[]);
    assert_eq!((none.status, none.out.as_str()), (Some(0), ""));
}

#[test]
fn the_only_question_is_meant_or_one_is_named() {
    let place = Place::new();
    let one = asking(vec![permission("abc", "Bash", Value::Null)]);
    let done = run(&place, &one, "allow", &[]);
    let said = "claude-mpm: Claude asks for Bash: rm -rf x\\u{1b}[2J (abc)\n\
                claude-mpm:   command: rm -rf x\\u{1b}[2J\nclaude-mpm: done\n";
    assert_eq!((done.status, done.err.as_str()), (Some(0), said), "it is said what was allowed");
    assert_eq!(answer(&one), json!({ "permission_id": "abc", "decision": "allow" }));
    run(&place, &one, "allow", &["--unseen"]);
    assert_eq!(answer(&one)["unseen"], true);
    run(&place, &one, "allow", &["ab", "--remember", "--input", r#"{"command":"ls"}"#]);
    let more = json!({ "permission_id": "abc", "decision": "allow", "remember": true, "updated_input": { "command": "ls" } });
    assert_eq!(answer(&one), more);
    run(&place, &one, "deny", &["-m", "no", "--interrupt"]);
    assert_eq!(
        answer(&one),
        json!({ "permission_id": "abc", "decision": "deny", "message": "no", "interrupt": true })
    );
    let several =
        asking(vec![permission("abc", "Bash", Value::Null), permission("abd", "Bash", Value::Null)]);
    for (args, status, cause) in [
        (&[][..], 2, "several are meant"),
        (&["ab"], 2, "several are meant"),
        (&["x"], 1, "there is no such question"),
        (&["abd", "--answer", "1=x"], 2, "it asks for a permission"),
    ] {
        let refused = run(&place, &several, "allow", args);
        assert_eq!(refused.status, Some(status), "{args:?}: {}", refused.err);
        assert!(refused.err.contains(cause) && !refused.err.contains('\u{1b}'), "{args:?}: {}", refused.err);
    }
    assert!(several.requests("respond_permission").is_empty());
    let listed = run(&place, &several, "deny", &[]).err;
    assert!(listed.contains(r"Claude asks for Bash: rm -rf x\u{1b}[2J (abd)"), "{listed}");
    assert_eq!(run(&place, &asking(vec![]), "allow", &[]).status, Some(1));
}

#[test]
fn questions_are_answered_by_their_number_or_text() {
    let place = Place::new();
    let questions = json!([
        { "question": "Which DB?", "header": "DB", "options": [{ "label": "SQLite" }, { "label": "PG\u{1b}c" }] },
        { "question": "Which caches?", "multiSelect": true, "options": [{ "label": "Redis" }] },
    ]);
    let hub = asking(vec![permission("q1", "AskUserQuestion", questions)]);
    let missing = run(&place, &hub, "allow", &[]);
    assert_eq!(missing.status, Some(2), "{}", missing.err);
    assert!(
        missing.err.contains("\"Which DB?\" needs an answer") && missing.err.contains(r"2) PG\u{1b}c"),
        "{}",
        missing.err
    );
    let done = run(
        &place,
        &hub,
        "allow",
        &["--answer", "1=SQLite", "--answer", "2=Redis", "--answer", "Which caches?=own"],
    );
    assert_eq!(done.status, Some(0), "{}", done.err);
    let answers = json!({ "Which DB?": "SQLite", "Which caches?": ["Redis", "own"] });
    assert_eq!(answer(&hub), json!({ "permission_id": "q1", "decision": "allow", "answers": answers }));
    assert_eq!(run(&place, &hub, "deny", &["q"]).status, Some(0));
}

#[test]
fn an_answer_that_comes_too_late_says_so() {
    let place = Place::new();
    let late = vec![
        accepted("respond_permission"),
        fate("rejected", Some("it was denied at claude's terminal already")),
    ];
    let script = Script::new(Vec::new(), Ending::Stay).saying("respond_permission", late);
    let hub = FakeHub::start(script.asking(vec![permission("p1", "Bash", Value::Null)]));
    let done = run(&place, &hub, "allow", &["p1"]);
    assert_eq!(done.status, Some(1));
    assert!(
        done.err.contains("cannot allow permission p1 of")
            && done.err.contains("denied at claude's terminal already"),
        "{}",
        done.err
    );
}

const TOKEN: &str = "mpm_0123456789abcdefghijklmnopqrstuvwxyzABCDE-GH";

/// A hub on a socket that makes this token, and its record.
fn with_socket(place: &Place, token: &str) -> (FakeHub, claude_mpm::instance::Registration) {
    let said = Said::Reply("one_time_token", json!({ "token": token, "expires_in_seconds": 60 }));
    let script = Script::new(Vec::new(), Ending::Stay).saying("one_time_token", vec![said]);
    let hub = FakeHub::on_socket(script, &place.path("h.sock"));
    let mut instance = place.instance("s1", "web", Some(hub.port));
    instance.socket = hub.socket.clone();
    let guard = place.register(&instance);
    (hub, guard)
}

#[test]
fn the_address_of_the_dashboard_is_printed_with_its_token() {
    let place = Place::new();
    let (hub, _guard) = with_socket(&place, TOKEN);
    let expected = format!("http://127.0.0.1:{}/#token={TOKEN}\n", hub.port);
    for args in [&["open", "--print"][..], &["open", "--print", "--url", &hub.url()]] {
        let done = place.run(args);
        assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (Some(0), expected.as_str(), ""));
    }
    let elsewhere = FakeHub::start(Script::new(Vec::new(), Ending::Stay));
    let done = place.run(&["open", "--print", "--url", &elsewhere.url()]);
    assert_eq!((done.status, done.out.as_str()), (Some(1), ""), "{}", done.err);
    assert!(elsewhere.requests("one_time_token").is_empty());
}

#[test]
fn what_is_no_token_goes_nowhere() {
    let place = Place::new();
    let (_hub, _guard) = with_socket(&place, "mpm_\"</script>");
    let done = place.run(&["open", "--print"]);
    assert_eq!((done.status, done.out.as_str()), (Some(1), ""), "{}", done.err);
}

#[test]
fn the_browser_gets_a_private_page_and_never_the_token() {
    let place = Place::new();
    let (hub, _guard) = with_socket(&place, TOKEN);
    let browser = place.path("browser");
    let seen = place.path("seen");
    let script = format!("#!/bin/sh\necho \"$@\" > {0}.new\nmv {0}.new {0}\n", seen.display());
    fs::write(&browser, script).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.command(&["open"]);
    command.env("BROWSER", format!("/nonexistent/browser %s:{}", browser.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let arguments = fs::read_to_string(&seen).unwrap();
    assert!(!arguments.contains("mpm_"), "{arguments}");
    let page = arguments.trim().strip_prefix("file://").unwrap();
    assert_eq!(fs::metadata(page).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(page).unwrap();
    let address = format!("http://127.0.0.1:{}/#token={TOKEN}", hub.port);
    assert!(text.contains(&format!("location.replace(\"{address}\")")), "{text}");
    let mut without = place.command(&["open"]);
    let failed = without.env("BROWSER", "/nonexistent/browser").output().unwrap();
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(String::from_utf8_lossy(&failed.stderr).contains("--print"), "{failed:?}");
    let pages = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".html");
    let left = fs::read_dir(place.directory.path()).unwrap().flatten().filter(pages).count();
    assert_eq!(left, 1, "a page that no browser took is removed");
}

#[test]
fn a_real_hub_makes_the_address_and_has_nothing_asked() {
    let place = test_support::standalone::Place::new(env!("CARGO_BIN_EXE_claude-mpm"));
    let live = test_support::headless::Headless::start(&place);
    let run = |args: &[&str]| piped::run(place.command(args), b"", DEADLINE);
    let opened = run(&["open", "--print"]);
    assert!(opened.status.success(), "{opened:?}");
    let address = String::from_utf8(opened.stdout).unwrap();
    let port = live.url.rsplit(':').next().unwrap().trim_end_matches('/');
    assert!(address.starts_with(&format!("http://127.0.0.1:{port}/#token=mpm_")), "{address} {}", live.url);
    let asked = run(&["permissions", "-o", "json"]);
    assert_eq!((asked.status.code(), asked.stdout.as_slice()), (Some(0), &b"[]\n"[..]), "{asked:?}");
    assert_eq!(run(&["allow"]).status.code(), Some(1));
}
