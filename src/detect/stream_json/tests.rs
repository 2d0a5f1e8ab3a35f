//! Tests of the stream decoder, with lines shortened from recordings of claude 2.1.197.

use super::*;
use crate::detect::observation::{AgentFate, Call};
use crate::event::talk::Meter;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_millis(7);

fn observations(chunks: &[&[u8]]) -> (Vec<Observation>, u64) {
    let (mut decoder, mut found) = (StreamDecoder::default(), Vec::new());
    chunks.iter().for_each(|chunk| decoder.feed(chunk, NOW, &mut |one| found.push(one)));
    decoder.finish(NOW, &mut |one| found.push(one));
    (found, decoder.unread())
}

fn stream(lines: &[Value]) -> Vec<u8> {
    let mut text = String::new();
    for line in lines {
        let mut line = line.clone();
        line["session_id"] = json!("s-1");
        text += &format!("{line}\n");
    }
    text.into_bytes()
}

/// Facts of the lines, without the start of the session.
fn facts(lines: &[Value]) -> Vec<Fact> {
    let found = observations(&[&stream(lines)]).0;
    assert_eq!(found[0].fact, Fact::SessionStarted);
    found.into_iter().skip(1).map(|one| one.fact).collect()
}

fn call_line(id: &str, tool: &str, parent: Value) -> Value {
    let block = json!({"type": "tool_use", "id": id, "name": tool, "input": {}});
    json!({"type": "assistant", "uuid": "u", "parent_tool_use_id": parent,
        "message": {"id": "m1", "model": "opus", "content": [block]}})
}

fn result_line(id: &str, text: &str, is_error: bool) -> Value {
    let block = json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": is_error});
    json!({"type": "user", "message": {"role": "user", "content": [block]}, "parent_tool_use_id": null})
}

fn called(id: &str, tool: &str) -> Fact {
    Fact::Called(Call { id: id.into(), tool: tool.into(), input: json!({}) })
}

fn answered() -> Fact {
    Fact::Answered { message_id: "m1".into(), model: "opus".into() }
}

fn background() -> Vec<Value> {
    let notification = json!({"type": "system", "subtype": "task_notification", "task_id": "a1", "tool_use_id": "t1",
        "status": "completed", "usage": {"total_tokens": 102, "tool_uses": 1, "duration_ms": 1365}});
    vec![
        json!({"type": "system", "subtype": "init"}),
        call_line("t1", "Agent", Value::Null),
        json!({"type": "system", "subtype": "task_started", "task_id": "a1", "tool_use_id": "t1",
            "subagent_type": "qa", "task_type": "local_agent"}),
        json!({"type": "system", "subtype": "task_started", "task_id": "b1", "tool_use_id": "t2",
            "task_type": "local_bash"}),
        call_line("t2", "Bash", json!("t1")),
        json!({"type": "system", "subtype": "task_updated", "task_id": "a1", "patch": {"status": "completed"}}),
        json!({"type": "system", "subtype": "task_notification", "task_id": "b1", "status": "completed"}),
        notification,
    ]
}

#[test]
fn an_agent_is_known_by_its_task_and_its_calls_by_the_call_that_started_it() {
    let found = observations(&[&stream(&background())]).0;
    let agent = Agent { id: "a1".into(), name: Some("qa".into()) };
    let facts: Vec<&Fact> = found.iter().map(|one| &one.fact).collect();
    let started = Fact::AgentStarted { agent: agent.clone(), tool_use_id: Some("t1".into()) };
    let expected = [
        &Fact::SessionStarted,
        &Fact::Prompted,
        &answered(),
        &called("t1", "Agent"),
        &started,
        &answered(),
        &called("t2", "Bash"),
    ];
    assert_eq!(facts[..7], expected);
    assert_eq!(found[6].agent, Some(agent));
    let [Fact::AgentEnded(end)] = facts[7..] else { panic!("{facts:?}") };
    assert_eq!((end.agent_id.as_str(), end.how), ("a1", AgentFate::Completed));
    assert_eq!((end.duration_ms, end.tokens, end.tool_uses), (Some(1365), Some(102), Some(1)));
}

#[test]
fn an_end_that_no_notification_follows_is_told_at_the_end_of_the_stream() {
    let mut lines = background();
    lines.pop();
    let found = observations(&[&stream(&lines)]).0;
    assert!(matches!(&found.last().unwrap().fact, Fact::AgentEnded(end) if end.tokens.is_none()));
}

#[test]
fn the_same_is_found_wherever_the_bytes_are_cut() {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(stream(&background()));
    bytes.extend(b"no json\n[1]\n\n\x1b[?1l\x1b>\x1b[?25h\r\n");
    let whole = observations(&[&bytes]);
    assert_eq!(whole.1, 2);
    for cut in 0..=bytes.len() {
        assert_eq!(observations(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    }
}

#[test]
fn carriage_returns_and_escapes_of_a_terminal_are_no_part_of_a_line() {
    let line = String::from_utf8(stream(&[json!({"type": "system", "subtype": "init"})])).unwrap();
    let dressed = format!("\x1b[0m{}\x1b[?1006l\r\n\x1b[?25h\x1b[r\x1b8", line.trim_end());
    let (found, unread) = observations(&[dressed.as_bytes()]);
    assert_eq!((found.len(), unread), (2, 0));
}

#[test]
fn a_refused_call_is_told_when_it_returns_or_else_at_the_end_of_the_turn() {
    let denied = "Claude requested permissions to use Bash, but you haven't granted it yet.";
    let lines = [
        call_line("t1", "Bash", Value::Null),
        call_line("t2", "Write", Value::Null),
        result_line("t1", denied, true),
        json!({"type": "result", "permission_denials": [{"tool_use_id": "t1"}, {"tool_use_id": "t2"}]}),
    ];
    let over = |id: &str| {
        Fact::Returned(Return { id: id.into(), call: None, outcome: Outcome::Denied, duration_ms: None })
    };
    let facts = facts(&lines);
    assert_eq!(facts[4..], [over("t1"), over("t2"), Fact::TurnOver { running: None }]);
}

#[test]
fn a_turn_costs_what_the_session_cost_more_since_the_last() {
    let result = |total: f64, tokens: u64| {
        json!({"type": "result", "total_cost_usd": total, "usage": {"input_tokens": tokens, "output_tokens": 40},
            "modelUsage": {"opus[1m]": {}}})
    };
    let facts = facts(&[result(0.003, 200), result(0.005, 100), result(0.001, 1)]);
    let used: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Used { message_id: None, usage } => Some((usage.cost_usd, usage.input_tokens)),
            _ => None,
        })
        .collect();
    assert_eq!(used, [(Some(0.003), 200), (Some(0.002), 100), (Some(0.001), 1)]);
    let Fact::Used { usage, .. } = &facts[0] else { panic!("{facts:?}") };
    assert_eq!((usage.model.as_deref(), usage.measured_by), (Some("opus[1m]"), Meter::Stream));
}

#[test]
fn a_person_is_heard_where_the_stream_repeats_them() {
    let line = |text: &str, extra: &str| json!({"type": "user", "uuid": "u", "message": {"role": "user", "content": [{"type": "text", "text": text}]}, extra: true});
    let said = Fact::Said { role: Role::User, text: "Fix it".into(), message_id: Some("u".into()) };
    assert_eq!(facts(&[line("Fix it", "isReplay")]), [said]);
    assert_eq!(facts(&[line("Fix it", "x")]), []);
    assert_eq!(facts(&[line("[Request interrupted by user]", "x")]), [Fact::Interrupted]);
    let mut prompt_of_agent = line("Fix it", "isReplay");
    prompt_of_agent["parent_tool_use_id"] = json!("t1");
    assert_eq!(facts(&[prompt_of_agent]), []);
}

#[test]
fn values_of_wrong_types_say_nothing_and_never_panic() {
    let paths = [
        "/type",
        "/subtype",
        "/message",
        "/message/content",
        "/message/content/0",
        "/message/content/0/type",
        "/message/content/0/id",
        "/message/content/0/input",
        "/task_id",
        "/patch",
        "/usage",
        "/parent_tool_use_id",
        "/task_type",
        "/status",
        "/message/id",
        "/message/model",
    ];
    for line in background() {
        for path in paths {
            for wrong in
                [json!(null), json!(1), json!("x"), json!([]), json!({}), json!([{"type": "tool_use"}])]
            {
                let mut line = line.clone();
                if let Some(place) = line.pointer_mut(path) {
                    *place = wrong;
                }
                observations(&[&stream(&[line])]);
            }
        }
    }
    assert_eq!(observations(&[b"{\"type\":\"system\",\"session_id\":\"../x\"}\n"]), (vec![], 0));
}
