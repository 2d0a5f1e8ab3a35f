//! The detector by tables: what sources say, in the order they say it, and the events that follow.

use super::delegation::PATIENCE_MILLIS;
use super::*;
use crate::detect::observation::{Agent, Shown};
use crate::event::Body;
use crate::event::body::Activity;
use crate::event::talk::{Meter, Role, Usage};
use crate::event::work::Delegation;
use serde_json::{Value, json};

mod late;
mod permissions;
mod waiting;

const HOOK: Source = Source::Hook;
const STREAM: Source = Source::Stream;
const TRANSCRIPT: Source = Source::Transcript;

/// A detector and a clock that goes on by one millisecond an observation.
struct Bench {
    detector: Detector,
    now: i64,
    told: Vec<Told>,
}

fn bench() -> Bench {
    Bench { detector: Detector::new(Tickets::default(), false), now: 1000, told: Vec::new() }
}

fn agent(id: &str, name: &str) -> Agent {
    Agent { id: id.into(), name: Some(name.into()) }
}

fn call(id: &str, tool: &str, input: Value) -> Fact {
    Fact::Called(Call { id: id.into(), tool: tool.into(), input })
}

/// A question without a name: no more than a sign that claude waits.
fn asked(tool: &str, input: Value) -> Fact {
    Fact::PermissionAsked(Asked { tool: tool.into(), input, ..Asked::default() })
}

fn delegate(id: &str, name: &str) -> Fact {
    call(id, "Agent", json!({ "subagent_type": name, "description": "work", "prompt": "do" }))
}

fn begins(agent_id: &str, call: &str) -> Fact {
    Fact::AgentStarted { agent: agent(agent_id, "qa"), tool_use_id: Some(call.into()) }
}

fn back(id: &str, outcome: Outcome) -> Fact {
    Fact::Returned(Return { id: id.into(), call: None, outcome, duration_ms: None })
}

fn ran(id: &str, response: Value) -> Fact {
    back(id, Outcome::Ran(response))
}

fn launched(id: &str, agent: &str) -> Fact {
    ran(id, json!({ "status": "async_launched", "agentId": agent }))
}

fn ended(agent_id: &str) -> Fact {
    Fact::AgentEnded(AgentEnd {
        agent_id: agent_id.into(),
        tool_use_id: None,
        how: AgentFate::Completed,
        duration_ms: None,
        tokens: None,
        tool_uses: None,
    })
}

fn said(text: &str) -> Fact {
    Fact::Said { role: Role::Assistant, text: text.into(), message_id: None }
}

impl Bench {
    fn hear(&mut self, source: &Source, fact: Fact) -> &mut Self {
        self.hear_at(source, None, self.now + 1, fact)
    }

    fn hear_in(&mut self, source: &Source, agent: Agent, fact: Fact) -> &mut Self {
        self.hear_at(source, Some(agent), self.now + 1, fact)
    }

    fn hear_at(&mut self, source: &Source, agent: Option<Agent>, at: i64, fact: Fact) -> &mut Self {
        self.now = self.now.max(at);
        let at = Timestamp::from_millis(at);
        let seen = Observation { claude_session: "s".into(), agent, at, past: false, fact };
        self.told.extend(self.detector.feed(source, &seen));
        self
    }

    /// Nobody says anything for so long.
    fn wait(&mut self, millis: i64) -> &mut Self {
        self.now += millis;
        while let Some(due) = self.detector.due().filter(|due| due.as_millis() <= self.now) {
            let told = self.detector.tick(due);
            self.told.extend(told);
        }
        self
    }

    fn finish(&mut self) -> &mut Self {
        self.told.extend(self.detector.finish(Timestamp::from_millis(self.now)));
        self
    }

    /// New delegations as `id agent status reason`.
    fn delegations(&self) -> Vec<String> {
        let show = |told: &Told| match &told.body {
            Some(Body::Delegation(Delegation { agent, delegation_id, status, reason, .. })) => {
                let reason = reason.map_or(String::new(), |reason| format!(" {reason:?}"));
                Some(format!("{delegation_id} {agent} {status:?}{reason}"))
            }
            _ => None,
        };
        self.told.iter().filter_map(show).collect()
    }

    fn activities(&self) -> Vec<String> {
        let show = |told: &Told| match &told.body {
            Some(Body::Activity(Activity { activity, tool_name, .. })) => {
                let tool = tool_name.as_ref().map_or(String::new(), |tool| format!(" {tool}"));
                Some(format!("{activity:?}{tool}"))
            }
            _ => None,
        };
        self.told.iter().filter_map(show).collect()
    }

    fn messages(&self) -> Vec<&str> {
        let texts = self.told.iter().filter_map(|told| match &told.body {
            Some(Body::Message(message)) => Some(message.text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    fn confirmed(&self, kind: FactKind) -> usize {
        self.told.iter().filter(|told| told.key.kind == kind && told.body.is_none()).count()
    }
}

#[test]
fn three_sources_that_tell_the_same_delegation_make_one() {
    let mut bench = bench();
    for source in [&STREAM, &HOOK, &TRANSCRIPT] {
        bench.hear(source, delegate("t1", "qa"));
    }
    for source in [&HOOK, &TRANSCRIPT, &STREAM] {
        bench.hear(source, ran("t1", json!({ "status": "completed", "agentId": "a1", "totalTokens": 9 })));
    }
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Completed"]);
    assert_eq!(bench.confirmed(FactKind::DelegationStarted), 2);
    assert_eq!(bench.confirmed(FactKind::DelegationEnded), 2);
    assert_eq!(bench.finish().delegations().len(), 2);
}

#[test]
fn the_old_name_of_the_tool_and_a_call_without_agent_are_delegations() {
    let mut bench = bench();
    bench.hear(&HOOK, call("t1", "Task", json!({ "prompt": "First line\nsecond" })));
    let Some(Body::Delegation(started)) = &bench.told[0].body else { panic!("{:?}", bench.told) };
    assert_eq!((started.agent.as_str(), started.task.as_str()), ("general-purpose", "First line"));
}

#[test]
fn a_result_whose_call_nobody_saw_tells_the_start_first() {
    let mut bench = bench();
    let input = json!({ "subagent_type": "qa", "description": "work" });
    let call = Some(Call { id: "t1".into(), tool: "Agent".into(), input });
    let outcome = Outcome::Failed("Agent type 'qa' not found".into());
    bench.hear(&HOOK, Fact::Returned(Return { id: "t1".into(), call, outcome, duration_ms: Some(3) }));
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Failed Error"]);
}

#[test]
fn a_background_agent_ends_with_itself_and_not_with_its_launch() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, launched("t1", "a1"));
    bench.hear(&HOOK, Fact::BatchOver { calls: vec!["t1".into()] });
    bench.hear(&HOOK, Fact::TurnOver { running: None }).hear(&HOOK, Fact::Prompted);
    assert_eq!(bench.delegations(), ["t1 qa Started"]);
    bench.hear(&HOOK, ended("a1")).hear(&TRANSCRIPT, ended("a1"));
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Completed"]);
}

#[test]
fn a_background_agent_may_end_before_its_launch_is_known() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, ended("a1")).hear(&HOOK, launched("t1", "a1"));
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Completed"]);
}

#[test]
fn the_end_of_an_agent_nobody_started_is_nothing() {
    let mut bench = bench();
    bench.hear(&HOOK, ended("a9")).finish();
    assert!(bench.told.is_empty());
}

#[test]
fn what_is_still_open_when_its_batch_is_over_was_refused() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, Fact::BatchOver { calls: vec!["t1".into()] });
    bench.hear(&STREAM, back("t1", Outcome::Denied));
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Failed Denied"]);
}

#[test]
fn an_interruption_ends_what_is_open_and_a_rejection_after_a_dialog_is_a_refusal() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, begins("a1", "t1"));
    bench.hear(&TRANSCRIPT, back("t1", Outcome::Rejected));
    bench.hear(&HOOK, delegate("t2", "qa")).hear(&HOOK, Fact::Prompted).wait(PATIENCE_MILLIS);
    let input = json!({ "subagent_type": "qa", "description": "work", "prompt": "do" });
    bench.hear(&HOOK, delegate("t3", "qa"));
    bench.hear(&HOOK, asked("Agent", input));
    bench.hear(&TRANSCRIPT, back("t3", Outcome::Rejected));
    let ends: Vec<_> = bench.delegations().into_iter().filter(|line| line.contains("Failed")).collect();
    assert_eq!(ends, ["t1 qa Failed Interrupted", "t2 qa Failed Interrupted", "t3 qa Failed Denied"]);
}

/// The transcript lags behind: the prompt it tells of is the one before the call that hooks have told already.
#[test]
fn a_source_that_lags_behind_ends_nothing_it_has_not_seen_begin() {
    let mut bench = bench();
    bench.hear(&HOOK, Fact::Prompted).hear(&HOOK, delegate("t1", "qa"));
    bench.hear(&TRANSCRIPT, Fact::Prompted).hear(&TRANSCRIPT, Fact::TurnOver { running: None });
    assert_eq!(bench.delegations(), ["t1 qa Started"]);
    bench.hear(&TRANSCRIPT, delegate("t1", "qa")).hear(&TRANSCRIPT, Fact::Interrupted).wait(PATIENCE_MILLIS);
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Failed Interrupted"]);
}

#[test]
fn a_nested_delegation_names_its_parent_and_ends_with_it() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "engineer"));
    bench.hear(&HOOK, Fact::AgentStarted { agent: agent("a1", "engineer"), tool_use_id: None });
    bench.hear_in(&HOOK, Agent { id: "a1".into(), name: None }, delegate("t2", "qa"));
    let parents = bench.told.iter().filter_map(|told| match &told.body {
        Some(Body::Delegation(delegation)) => Some(delegation.parent_agent.as_deref()),
        _ => None,
    });
    assert_eq!(parents.collect::<Vec<_>>(), [None, Some("engineer")]);
    bench.hear(&HOOK, Fact::Settled).wait(PATIENCE_MILLIS);
    let ends = &bench.delegations()[2..];
    assert!(ends.contains(&"t1 engineer Failed Interrupted".to_owned()), "{ends:?}");
    assert!(ends.contains(&"t2 qa Failed Interrupted".to_owned()), "{ends:?}");
}

#[test]
fn what_a_background_agent_delegates_outlives_the_turn() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "engineer")).hear(&HOOK, launched("t1", "a1"));
    bench.hear_in(&HOOK, agent("a1", "engineer"), delegate("t2", "qa"));
    bench.hear_in(&HOOK, agent("a2", "qa"), delegate("t3", "qa"));
    bench.hear(&HOOK, Fact::TurnOver { running: Some(vec!["a1".into()]) }).hear(&HOOK, Fact::Prompted);
    assert_eq!(bench.delegations(), ["t1 engineer Started", "t2 qa Started", "t3 qa Started"]);
    assert_eq!(bench.finish().delegations().len(), 6, "the end of the process ends all");
}

#[test]
fn an_agent_that_has_ended_is_not_taken_for_interrupted() {
    let mut bench = bench();
    bench.hear(&HOOK, delegate("t1", "qa"));
    bench.hear(&HOOK, Fact::AgentStarted { agent: agent("a1", "qa"), tool_use_id: None });
    bench.hear(&HOOK, ended("a1")).finish();
    assert_eq!(bench.delegations(), ["t1 qa Started", "t1 qa Completed"]);
}

#[test]
fn the_past_is_known_and_not_told() {
    let mut bench = bench();
    let create = call("t1", "TaskCreate", json!({ "subject": "Old" }));
    for fact in [delegate("t0", "qa"), create, ran("t1", json!({ "task": { "id": "1", "subject": "Old" } }))]
    {
        let at = Timestamp::from_millis(1);
        let seen = Observation { claude_session: "s".into(), agent: None, at, past: true, fact };
        assert_eq!(bench.detector.feed(&TRANSCRIPT, &seen), []);
    }
    bench.hear(&HOOK, call("t2", "TaskUpdate", json!({ "taskId": "1", "status": "completed" })));
    bench.hear(&HOOK, ran("t2", json!({ "success": true, "taskId": "1" }))).finish();
    let todos = bench.told.iter().find_map(|told| match &told.body {
        Some(Body::Todos(update)) => Some(update),
        _ => None,
    });
    assert_eq!(
        todos.map(|update| (update.todos[0].content.as_str(), update.stats.completed)),
        Some(("Old", 1))
    );
    assert_eq!(bench.delegations(), [""; 0], "what was open in the past is not open now");
}

#[test]
fn a_list_is_told_once_however_many_sources_tell_it_and_never_for_a_tool_that_is_not_there() {
    let mut bench = bench();
    let write = || call("t1", "TodoWrite", json!({ "todos": [{ "content": "A", "status": "pending" }] }));
    bench.hear(&STREAM, write()).hear(&STREAM, back("t1", Outcome::Unavailable)).hear(&TRANSCRIPT, write());
    assert!(!bench.told.iter().any(|told| matches!(told.body, Some(Body::Todos(_)))));
    let write = || call("t2", "TodoWrite", json!({ "todos": [{ "content": "A", "status": "pending" }] }));
    for source in [&HOOK, &TRANSCRIPT, &STREAM] {
        bench.hear(source, write()).hear(source, ran("t2", Value::Null));
    }
    assert_eq!(bench.told.iter().filter(|told| matches!(told.body, Some(Body::Todos(_)))).count(), 1);
    assert_eq!(bench.confirmed(FactKind::TodoChange), 3);
}

#[test]
fn a_text_said_twice_is_two_messages_and_by_two_sources_one() {
    let mut bench = bench();
    for (source, text) in
        [(&HOOK, "a"), (&TRANSCRIPT, "a\n"), (&TRANSCRIPT, "a"), (&HOOK, "a"), (&STREAM, "a")]
    {
        bench.hear(source, said(text));
    }
    let shown = |index, delta: &str| {
        let (message_id, is_final) = ("m".into(), delta == "c");
        Fact::Shown(Shown { message_id, index: Some(index), delta: delta.into(), is_final })
    };
    bench
        .hear(&HOOK, shown(0, "b\n"))
        .hear(&HOOK, shown(0, "b\n"))
        .hear(&HOOK, shown(1, "c"))
        .hear(&TRANSCRIPT, said("b\nc"));
    assert_eq!(bench.messages(), ["a", "a", "b\nc"]);
}

#[test]
fn tokens_are_counted_by_one_source_and_once_an_answer() {
    let mut bench = bench();
    let usage = Usage {
        model: None,
        input_tokens: 1,
        output_tokens: 1,
        cache_read_tokens: 0,
        cache_creation_tokens: 0,
        cost_usd: None,
        measured_by: Meter::Transcript,
    };
    let used = |id: Option<&str>| Fact::Used { message_id: id.map(str::to_owned), usage: usage.clone() };
    bench.hear(&TRANSCRIPT, used(Some("m1"))).hear(&TRANSCRIPT, used(Some("m1"))).hear(&STREAM, used(None));
    assert_eq!(bench.told.iter().filter(|told| matches!(told.body, Some(Body::Usage(_)))).count(), 1);
}

#[test]
fn another_model_is_told_when_the_answers_change() {
    let mut bench = bench();
    let answered = |id: &str, model: &str| Fact::Answered { message_id: id.into(), model: model.into() };
    for (source, id, model) in [
        (&STREAM, "1", "opus"),
        (&STREAM, "2", "haiku"),
        (&TRANSCRIPT, "1", "opus"),
        (&TRANSCRIPT, "2", "haiku"),
    ] {
        bench.hear(source, answered(id, model));
    }
    let switches = bench.told.iter().filter(|told| matches!(told.body, Some(Body::ModelSwitch(_))));
    assert_eq!(switches.count(), 1);
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut bench = bench();
    for number in 0..6000 {
        bench.hear(&HOOK, delegate(&format!("t{number}"), "qa")).hear(&HOOK, said(&number.to_string()));
        bench.hear(&HOOK, ended(&format!("x{number}")));
        bench.told.clear();
    }
    assert!(bench.finish().delegations().len() <= 1024);
    for number in 0..100 {
        let at = Timestamp::from_millis(1);
        let session = format!("s{number}").into();
        let seen =
            Observation { claude_session: session, agent: None, at, past: false, fact: Fact::Prompted };
        bench.detector.feed(&HOOK, &seen);
    }
    assert_eq!(bench.detector.conversations.len(), MAX_SESSIONS);
}

#[test]
fn what_is_forgotten_while_it_is_open_ends() {
    let mut bench = bench();
    for number in 0..1030 {
        bench.hear(&HOOK, delegate(&format!("t{number}"), "qa"));
    }
    for number in 0..MAX_SESSIONS {
        let session = format!("other{number}").into();
        let (at, fact) = (Timestamp::from_millis(99_999), Fact::Prompted);
        let seen = Observation { claude_session: session, agent: None, at, past: false, fact };
        bench.told.extend(bench.detector.feed(&HOOK, &seen));
    }
    let count = |kind| bench.told.iter().filter(|told| told.key.kind == kind && told.body.is_some()).count();
    assert_eq!((count(FactKind::DelegationStarted), count(FactKind::DelegationEnded)), (1030, 1030));
}

/// A clock that is set back makes the transcript speak of the past while hooks speak of now.
#[test]
fn what_was_told_to_begin_is_told_to_end_by_a_source_that_says_it_is_long_over() {
    let mut bench = bench();
    let asked = Asked { tool: "Bash".into(), id: Some("q".into()), ..Asked::default() };
    bench.hear(&HOOK, delegate("t1", "qa")).hear(&HOOK, call("t2", "Bash", Value::Null));
    bench.hear(&HOOK, Fact::PermissionAsked(asked));
    for id in ["t1", "t2"] {
        let (at, fact) = (Timestamp::from_millis(1), ran(id, json!({})));
        let seen = Observation { claude_session: "s".into(), agent: None, at, past: true, fact };
        bench.told.extend(bench.detector.feed(&TRANSCRIPT, &seen));
    }
    let count = |kind| bench.told.iter().filter(|told| told.key.kind == kind && told.body.is_some()).count();
    assert_eq!((count(FactKind::DelegationEnded), count(FactKind::PermissionEnded)), (1, 1));
}
