//! What whoever answers from elsewhere is shown of a question, and what is not allowed unseen, or for longer than is said.

use super::place::Place;
use serde_json::json;
use test_support::DEADLINE;

#[test]
fn what_is_cut_is_allowed_only_by_who_says_that_it_does_not_matter() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch-behind-much");
    let asked = place.question(1);
    assert_eq!(asked["truncated"], json!(["command"]));
    assert!(!asked["tool_input"]["command"].as_str().unwrap().contains("touch"));
    let blind = place.verb(&["allow"]);
    let said = String::from_utf8_lossy(&blind.stderr).into_owned();
    assert!(!blind.status.success() && said.contains("allow --unseen"), "{said}");
    let listed = place.verb(&["permissions"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("it goes on"), "{listed}");
    assert!(!place.touched().exists());
    place.done(&["allow", "--unseen"]);
    assert_eq!(place.ends(1), ["allow remote"]);
    place.wait_activity("idle");
    assert!(place.touched().exists());
    let audit = place.audit();
    let detail =
        |(_, entry): &(String, serde_json::Value)| entry["detail"].as_str().unwrap_or_default().to_owned();
    let is_named =
        |detail: &String| detail.contains("allow unseen") && detail.contains(r#"Bash {"command":"true x"#);
    assert!(audit.iter().map(detail).any(|detail| is_named(&detail)), "{audit:?}");
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}

#[test]
fn a_command_that_claude_would_take_for_a_pattern_is_not_remembered() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch-any");
    place.question(1);
    let always = place.verb(&["allow", "--remember"]);
    let said = String::from_utf8_lossy(&always.stderr).into_owned();
    assert!(!always.status.success() && said.contains("no rule for exactly this command"), "{said}");
    place.done(&["allow"]);
    place.wait_activity("idle");
    place.send("DEMO:touch-any");
    place.question(2);
    place.done(&["deny"]);
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}

#[test]
fn a_question_in_which_something_is_hidden_is_answered_in_its_own_words() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:secret-question");
    let asked = place.question(1);
    let text = asked["questions"][0]["question"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Is [REDACTED:"), "{text}");
    assert_eq!(asked["redacted"], json!(["questions"]));
    let label = asked["questions"][0]["options"][1]["label"].as_str().unwrap().to_owned();
    place.done(&["allow", "--answer", &format!("1={label}")]);
    assert_eq!(place.ends(1), ["allow remote"]);
    place.terminal().wait_for(|screen| screen.contains("no, gh"), DEADLINE);
    place.wait_activity("idle");
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}
