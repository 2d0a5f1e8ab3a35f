//! Somebody at a second terminal: the real claude is given prompts, its questions are answered, it is interrupted and
//! stopped, by our own verbs; and all of it stands in the audit log.

mod place;
mod sight;
mod together;

use place::{Place, WRAPPER};
use serde_json::json;
use std::time::Duration;
use test_support::DEADLINE;
use test_support::instance::url_in;
use test_support::piped;
use test_support::program::Program;
use test_support::subscriber::Subscriber;

#[test]
fn from_a_second_terminal_claude_is_prompted_allowed_interrupted_and_stopped() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch");
    let asked = place.question(1);
    assert_eq!(
        (&asked["tool_name"], &asked["tool_input"]["command"]),
        (&json!("Bash"), &json!("touch touched"))
    );
    place.terminal().wait_for(|screen| screen.contains("1. Yes"), DEADLINE);
    assert!(!place.touched().exists());
    let listed = place.verb(&["permissions", "-o", "json"]);
    let id = asked["permission_id"].as_str().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains(id), "{listed:?}");
    place.done(&["allow", id]);
    assert_eq!(place.ends(1), ["allow remote"]);
    place.terminal().wait_for(|screen| screen.contains("Allowed by PermissionRequest hook"), DEADLINE);
    place.wait_activity("idle");
    assert!(place.touched().exists());

    place.send("DEMO:sub-endless");
    place.wait_for(|received| received.of("hook.pre_tool").len() >= 2);
    place.done(&["interrupt"]);
    place.wait_activity("idle");
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
    let ended = place.client.as_ref().unwrap().wait_close();
    assert_eq!(ended.of("session.end")[0]["reason"], "stopped");

    let audit = place.audit();
    let written: Vec<&str> = audit.iter().map(|(what, _)| what.as_str()).collect();
    for expected in [
        "send_input requested",
        "send_input typed",
        "send_input accepted",
        "respond_permission requested",
        "respond_permission done",
        "interrupt requested",
        "interrupt done",
        "stop requested",
        "stop done",
    ] {
        assert!(written.contains(&expected), "no {expected:?} in {written:#?}");
    }
    for (_, entry) in &audit {
        assert_eq!(entry["role"], "control", "{entry}");
        assert!(entry["peer"].as_str().unwrap().starts_with("unix pid "), "{entry}");
        assert_eq!(entry["uid"], nix::unistd::geteuid().as_raw(), "{entry}");
        assert!(!entry.to_string().contains("DEMO:"), "what is typed is not written down: {entry}");
    }
    let told: Vec<String> = ended
        .of("control.action")
        .iter()
        .map(|data| format!("{} {}", data["action"], data["outcome"]))
        .collect();
    assert!(told.contains(&r#""respond_permission" "done""#.to_owned()), "{told:#?}");
}

#[test]
fn a_question_is_answered_here_or_there_and_whoever_is_first_wins() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch");
    place.question(1);
    place.done(&["deny", "--message", "Not on a Friday"]);
    place.terminal().wait_for(|screen| screen.contains("Not on a Friday"), DEADLINE);
    place.wait_activity("idle");
    assert!(!place.touched().exists());

    place.send("DEMO:touch");
    let id = place.question(2)["permission_id"].as_str().unwrap().to_owned();
    place.terminal().wait_for(|screen| screen.contains("1. Yes"), DEADLINE);
    place.terminal().type_text("1");
    assert_eq!(place.ends(2), ["deny remote", "allow local"]);
    let late = place.verb(&["deny", &id]);
    assert!(!late.status.success());
    assert!(String::from_utf8_lossy(&late.stderr).contains("claude asks for nothing"), "{late:?}");
    place.wait_activity("idle");
    assert!(place.touched().exists());

    std::fs::remove_file(place.touched()).unwrap();
    place.send("DEMO:touch");
    place.question(3);
    place.terminal().wait_for(|screen| screen.contains("1. Yes"), DEADLINE);
    place.terminal().type_text("\x1b");
    assert_eq!(place.ends(3)[2], "deny local");
    place.wait_activity("idle");
    assert!(!place.touched().exists());

    place.done(&["send", "--keys", "C-c"]);
    place.send("DEMO:touch");
    place.question(4);
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
    assert_eq!(place.ends(4)[3], "cancelled session");
}

#[test]
fn another_input_a_rule_and_the_answers_to_a_question_are_given_back() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch");
    place.question(1);
    let input = json!({ "command": "touch instead", "description": "Another" }).to_string();
    place.done(&["allow", "--input", &input]);
    place.wait_activity("idle");
    assert!(place.sandbox.project().join("instead").exists());
    assert!(!place.touched().exists());

    place.send("DEMO:touch");
    place.question(2);
    place.done(&["allow", "--remember"]);
    place.wait_activity("idle");
    std::fs::remove_file(place.touched()).expect("it was touched");
    place.send("DEMO:touch");
    place.wait_for(|received| received.of("hook.stop").len() >= 3);
    assert!(place.touched().exists(), "claude remembers the rule and does not ask");

    place.send("DEMO:question");
    let asked = place.question(3);
    assert_eq!(asked["questions"][0]["question"], "Which database?");
    let unanswered = place.verb(&["allow", asked["permission_id"].as_str().unwrap()]);
    assert!(!unanswered.status.success(), "a question is not answered by yes");
    place.done(&["allow", "--answer", "Which database?=Postgres"]);
    place.terminal().wait_for(|screen| screen.contains("Postgres"), DEADLINE);
    let received = place.wait_for(|received| received.of("hook.stop").len() >= 4);
    let answered = received
        .of("hook.post_tool")
        .into_iter()
        .any(|data| data["tool_response"]["answers"]["Which database?"] == "Postgres");
    assert!(answered, "claude has the answer");
    assert_eq!(received.of("permission.requested").len(), 3);
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}

#[test]
fn in_exec_mode_questions_are_answered_and_claude_is_stopped_and_the_rest_says_that_it_cannot_be_done() {
    let place = Place::on_terminal("exec", &["DEMO:touch"]);
    place.question(1);
    for cannot in [&["send", "hello"][..], &["interrupt"], &["restart"], &["send", "--keys", "Enter"]] {
        let output = place.verb(cannot);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--launch-method exec"), "{output:?}");
    }
    place.done(&["allow"]);
    assert_eq!(place.ends(1), ["allow remote"]);
    place.wait_activity("idle");
    assert!(place.touched().exists());
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}

#[test]
fn without_a_dialog_somebody_is_asked_where_that_is_wanted() {
    for (decision, exists) in [(&["allow"][..], true), (&["deny", "--message", "no"], false)] {
        let place = Place::new();
        let options = ["--websocket-port", "auto", "--launch-method", "subprocess", "--approve", "remote"];
        let mut command = place.sandbox.wrapped(WRAPPER, &options, &["-p", "DEMO:touch"]);
        command.env("XDG_RUNTIME_DIR", place.runtime.path());
        let run = Program::start(command, b"");
        let client = Subscriber::connect(&url_in(place.runtime.path()));
        let place = Place { client: Some(client), ..place };
        place.question(1);
        place.done(decision);
        let (status, out, err) = run.finish();
        assert!(status.success(), "{out:?} {err:?}");
        assert_eq!(place.touched().exists(), exists, "{decision:?}");
    }
}

#[test]
fn without_that_wish_claude_decides_as_it_does_alone() {
    let place = Place::new();
    let options = ["--websocket-port", "auto", "--launch-method", "subprocess"];
    let mut command = place.sandbox.wrapped(WRAPPER, &options, &["-p", "DEMO:touch"]);
    command.env("XDG_RUNTIME_DIR", place.runtime.path());
    let output = piped::run(command, b"", DEADLINE.max(Duration::from_secs(30)));
    assert!(output.status.success(), "{output:?}");
    assert!(!place.touched().exists());
}
