//! Tests of the transcript decoder, with lines shortened from recordings of claude 2.1.197.

use super::*;
use crate::detect::observation::{AgentFate, Outcome, Return};
use crate::event::talk::Meter;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_millis(7);

fn since() -> Timestamp {
    Timestamp::parse("2026-11-21T01:45:32.000Z").unwrap()
}

fn read_by(decoder: &mut TranscriptDecoder, lines: &[Value]) -> Vec<Observation> {
    let mut found = Vec::new();
    lines.iter().for_each(|line| decoder.line(line.to_string().as_bytes(), NOW, &mut |one| found.push(one)));
    found
}

fn main_file() -> TranscriptDecoder {
    TranscriptDecoder::new("s-1".into(), None, since())
}

fn agent_file() -> TranscriptDecoder {
    TranscriptDecoder::new("s-1".into(), Some(Agent { id: "a1".into(), name: None }), since())
}

fn facts(lines: &[Value]) -> Vec<Fact> {
    read_by(&mut main_file(), lines).into_iter().map(|one| one.fact).collect()
}

fn answer(text: &str, stop_reason: Value) -> Value {
    json!({"type": "assistant", "uuid": "u", "timestamp": "2026-11-21T01:45:33.000Z", "message": {"id": "m1",
        "model": "opus", "content": [{"type": "text", "text": text}], "stop_reason": stop_reason,
        "usage": {"input_tokens": 100, "output_tokens": 20}}})
}

fn prompt(content: Value) -> Value {
    json!({"type": "user", "uuid": "u", "timestamp": "2026-11-21T01:45:33.000Z", "message": {"role": "user", "content": content}})
}

fn said(role: Role, text: &str) -> Fact {
    Fact::Said { role, text: text.into(), message_id: Some("u".into()) }
}

const TOLD: &str =
    "<task-notification>\n<task-id>a1</task-id>\n<status>completed</status>\n</task-notification>";

#[test]
fn an_answer_is_counted_once_and_ends_the_turn() {
    let facts = facts(&[answer("Hello", json!("tool_use")), answer("World", json!("end_turn"))]);
    let answered = Fact::Answered { message_id: "m1".into(), model: "opus".into() };
    let [first, hello, Fact::Used { message_id, usage }, second, world, over] = &facts[..] else {
        panic!("{facts:?}")
    };
    assert_eq!([first, second], [&answered, &answered]);
    assert_eq!([hello, world], [&said(Role::Assistant, "Hello"), &said(Role::Assistant, "World")]);
    assert_eq!(over, &Fact::TurnOver { running: None });
    assert_eq!(message_id.as_deref(), Some("m1"));
    let numbers = (usage.input_tokens, usage.output_tokens, usage.model.as_deref(), usage.measured_by);
    assert_eq!(numbers, (100, 20, Some("opus"), Meter::Transcript));
}

#[test]
fn an_answer_without_end_is_counted_when_another_begins_or_a_person_interrupts() {
    let used = |facts: Vec<Fact>| facts.iter().filter(|fact| matches!(fact, Fact::Used { .. })).count();
    let mut other = answer("x", json!(null));
    other["message"]["id"] = json!("m2");
    assert_eq!(used(facts(&[answer("x", json!(null)), answer("y", json!(null))])), 0);
    assert_eq!(used(facts(&[answer("x", json!(null)), other])), 1);
    let interrupted = prompt(json!([{"type": "text", "text": "[Request interrupted by user]"}]));
    assert_eq!(used(facts(&[answer("x", json!(null)), interrupted])), 1);
}

#[test]
fn what_claude_says_itself_is_nobodys_answer() {
    let mut line = answer("API Error: 500", json!("stop_sequence"));
    line["message"]["model"] = json!("<synthetic>");
    assert_eq!(facts(&[line]), [said(Role::Assistant, "API Error: 500"), Fact::TurnOver { running: None }]);
}

#[test]
fn lines_from_before_the_run_are_past_and_those_without_time_take_the_last() {
    let mut old = prompt(json!("Fix it"));
    old["timestamp"] = json!("2026-11-20T00:00:00.000Z");
    let mut timeless = old.clone();
    timeless.as_object_mut().unwrap().remove("timestamp");
    let found =
        read_by(&mut main_file(), &[timeless.clone(), old, timeless.clone(), prompt(json!("x")), timeless]);
    let past: Vec<bool> = found.iter().step_by(2).map(|one| one.past).collect();
    assert_eq!(past, [true, true, true, false, false]);
    assert_eq!(found[0].at, NOW);
}

#[test]
fn a_person_is_told_from_claude_in_a_persons_mouth() {
    let told = [Fact::Prompted, said(Role::User, "Fix it")];
    assert_eq!(facts(&[prompt(json!("Fix it"))]), told);
    assert_eq!(facts(&[prompt(json!([{"type": "image"}, {"type": "text", "text": "Fix it"}]))]), told);
    for flag in ["isMeta", "isCompactSummary"] {
        let mut line = prompt(json!("Fix it"));
        line[flag] = json!(true);
        assert_eq!(facts(&[line]), [], "{flag}");
    }
    let mut foreign = prompt(json!("Fix it"));
    foreign["origin"] = json!({"kind": "channel"});
    assert_eq!(facts(&[foreign]), [Fact::Prompted]);
    assert_eq!(facts(&[prompt(json!("<command-name>/clear</command-name>"))]), []);
}

#[test]
fn a_rejected_tool_and_the_interruption_behind_it_are_told() {
    let text = "The user doesn't want to proceed with this tool use. The tool use was rejected";
    let block = json!({"type": "tool_result", "content": text, "is_error": true, "tool_use_id": "t1"});
    let mut line = prompt(json!([block]));
    line["toolUseResult"] = json!("User rejected tool use");
    let interrupted = prompt(json!([{"type": "text", "text": "[Request interrupted by user for tool use]"}]));
    let over = Return { id: "t1".into(), call: None, outcome: Outcome::Rejected, duration_ms: None };
    assert_eq!(facts(&[line, interrupted]), [Fact::Returned(over), Fact::Interrupted]);
}

#[test]
fn the_end_of_a_background_agent_is_told_in_the_queue_and_as_a_prompt() {
    let queued = json!({"type": "queue-operation", "operation": "enqueue", "content": TOLD});
    let facts = facts(&[queued, prompt(json!(TOLD))]);
    let [Fact::AgentEnded(first), Fact::AgentEnded(second), Fact::Prompted] = &facts[..] else {
        panic!("{facts:?}")
    };
    assert_eq!((first, first.how), (second, AgentFate::Completed));
}

#[test]
fn an_agents_file_tells_of_its_tools_and_neither_of_prompts_nor_of_turns() {
    let mut decoder = agent_file();
    decoder.name_agent("qa");
    let found = read_by(&mut decoder, &[prompt(json!("Do it")), answer("Done", json!("end_turn"))]);
    let agent = Agent { id: "a1".into(), name: Some("qa".into()) };
    assert!(found.iter().all(|one| one.agent.as_ref() == Some(&agent)));
    assert!(matches!(found[0].fact, Fact::Answered { .. }));
    assert_eq!(found[1].fact, said(Role::Assistant, "Done"));
    assert!(matches!(found[2].fact, Fact::Used { .. }));
    assert_eq!(found.len(), 3);
}

#[test]
fn garbage_is_counted() {
    let mut decoder = main_file();
    for line in ["", "  \r", "{\"type\":\"user\"", "[]", "7", "\u{1b}[0m", "{}"] {
        decoder.line(line.as_bytes(), NOW, &mut |one| panic!("{one:?}"));
    }
    assert_eq!(decoder.unread(), 4);
}

#[test]
fn what_stands_beside_an_agents_file_names_it_and_its_call() {
    let meta = AgentMeta::read(br#"{"agentType":"qa","description":"x","toolUseId":"t1","spawnDepth":1}"#);
    assert_eq!(meta, Some(AgentMeta { name: Some("qa".into()), tool_use_id: Some("t1".into()) }));
    assert_eq!(AgentMeta::read(br#"{"agentType":7}"#), Some(AgentMeta::default()));
    assert_eq!(AgentMeta::read(b"{"), None);
}

#[test]
fn values_of_wrong_types_say_nothing_and_never_panic() {
    let result = json!({"type": "tool_result", "content": "x", "is_error": true, "tool_use_id": "t1"});
    let mut returned = prompt(json!([result]));
    returned["toolUseResult"] = json!({"status": "completed"});
    let queued = json!({"type": "queue-operation", "operation": "enqueue", "content": TOLD});
    let system = json!({"type": "system", "subtype": "turn_duration", "isSidechain": true});
    let paths = [
        "/type",
        "/timestamp",
        "/message",
        "/message/id",
        "/message/model",
        "/message/content",
        "/message/content/0",
        "/message/content/0/content",
        "/message/content/0/is_error",
        "/message/stop_reason",
        "/message/usage",
        "/message/usage/input_tokens",
        "/toolUseResult",
        "/operation",
        "/content",
        "/subtype",
        "/isSidechain",
        "/uuid",
    ];
    for line in [returned, queued, system, prompt(json!("x")), answer("x", json!("end_turn"))] {
        for path in paths {
            for wrong in [json!(null), json!(-1), json!(1e300), json!("x"), json!([[]]), json!({"type": []})]
            {
                let mut line = line.clone();
                if let Some(place) = line.pointer_mut(path) {
                    *place = wrong;
                }
                read_by(&mut main_file(), &[line.clone(), line]);
            }
        }
    }
}
