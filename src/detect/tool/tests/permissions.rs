//! Questions of claude's: each that is told has exactly one end, and that is the right one.

use super::*;
use crate::event::control::{Decision, PermissionRequested, PermissionResolved};

/// `p` is asked for the call `t`, of `ls`.
fn ask(bench: &mut Bench) -> &mut Bench {
    bench.hear(&HOOK, Fact::Prompted).hear(&HOOK, call("t", "Bash", json!({ "command": "ls" })));
    bench.hear(&HOOK, named("p", "ls", None))
}

fn named(id: &str, command: &str, until: Option<i64>) -> Fact {
    Fact::PermissionAsked(Asked {
        tool: "Bash".into(),
        input: json!({ "command": command }),
        id: Some(id.into()),
        until: until.map(Timestamp::from_millis),
        ..Asked::default()
    })
}

impl Bench {
    /// `p? Bash` and `p Allow Local`.
    fn permissions(&self) -> Vec<String> {
        let show = |told: &Told| match &told.body {
            Some(Body::PermissionRequested(PermissionRequested { permission_id, tool_name, .. })) => {
                Some(format!("{permission_id}? {tool_name}"))
            }
            Some(Body::PermissionResolved(PermissionResolved { permission_id, decision, by, .. })) => {
                Some(format!("{permission_id} {decision:?} {by:?}"))
            }
            _ => None,
        };
        self.told.iter().filter_map(show).collect()
    }

    fn left(&mut self, id: &str) -> &mut Self {
        self.detector.left(id, Timestamp::from_millis(self.now));
        self
    }

    fn decide(&mut self, id: &str, decision: Decision) -> &mut Self {
        let told = self.detector.decided(id, decision, None, Timestamp::from_millis(self.now));
        self.told.extend(told);
        self
    }
}

/// What happens behind the question, and what became of it.
type Story = (&'static str, fn(&mut Bench) -> &mut Bench, &'static str);

#[test]
fn every_way_a_question_ends_is_told_once() {
    let stories: [Story; 15] = [
        ("the tool has run", |b| b.hear(&HOOK, ran("t", json!({}))), "Allow Local"),
        ("it ran and failed", |b| b.hear(&HOOK, back("t", Outcome::Failed("x".into()))), "Allow Local"),
        ("refused, says the transcript", |b| b.hear(&TRANSCRIPT, back("t", Outcome::Rejected)), "Deny Local"),
        (
            "failed, says the transcript, and no hook",
            |b| b.hear(&TRANSCRIPT, back("t", Outcome::Failed("no".into()))).wait(5_000),
            "Deny Local",
        ),
        (
            "failed, says the transcript, and then the hook",
            |b| {
                let failed = || back("t", Outcome::Failed("no".into()));
                b.hear(&TRANSCRIPT, failed()).wait(100).hear(&HOOK, failed())
            },
            "Allow Local",
        ),
        ("the batch is over", |b| b.hear(&HOOK, Fact::BatchOver { calls: vec!["t".into()] }), "Deny Local"),
        ("the hook is left, and nothing else", |b| b.left("p").wait(5_000), "Deny Local"),
        ("the hook is left, and claude ends", |b| b.left("p").wait(2_000).finish(), "Cancelled Session"),
        (
            "claude works again",
            |b| b.wait(10).hear(&TRANSCRIPT, Fact::State(ActivityState::Busy)).wait(5_000),
            "Allow Local",
        ),
        (
            "claude works again, and the hook is left",
            |b| b.wait(10).hear(&TRANSCRIPT, Fact::State(ActivityState::Busy)).left("p").wait(5_000),
            "Deny Local",
        ),
        (
            "claude is idle",
            |b| b.wait(10).hear(&TRANSCRIPT, Fact::State(ActivityState::Idle)).wait(5_000),
            "Cancelled Local",
        ),
        ("the turn is over", |b| b.hear(&HOOK, Fact::TurnOver { running: None }), "Cancelled Local"),
        (
            "a new turn begins after the hook was left",
            |b| b.left("p").hear(&HOOK, Fact::Prompted),
            "Deny Local",
        ),
        ("claude's session is over", |b| b.hear(&HOOK, Fact::SessionOver), "Cancelled Session"),
        ("answered from elsewhere", |b| b.decide("p", Decision::Allow), "Allow Remote"),
    ];
    for (story, happens, end) in stories {
        let mut bench = bench();
        happens(ask(&mut bench));
        assert_eq!(bench.permissions(), ["p? Bash".to_owned(), format!("p {end}")], "{story}");
        assert!(!bench.detector.is_open("p"));
        // What comes behind says nothing new.
        bench.left("p").hear(&HOOK, ran("t", json!({}))).hear(&HOOK, Fact::TurnOver { running: None });
        assert_eq!(bench.decide("p", Decision::Deny).wait(9_000).finish().permissions().len(), 2, "{story}");
    }
}

#[test]
fn what_lags_behind_answers_nothing() {
    let mut bench = bench();
    ask(&mut bench);
    let before = bench.now - 1;
    bench.hear_at(&TRANSCRIPT, None, before, Fact::State(ActivityState::Busy));
    bench.hear_at(&TRANSCRIPT, None, before, Fact::TurnOver { running: None });
    assert_eq!(bench.wait(9_000).permissions(), ["p? Bash"]);
    assert!(bench.detector.is_open("p"));
}

#[test]
fn while_claude_waits_it_is_asked() {
    let mut bench = bench();
    ask(&mut bench).hear(&TRANSCRIPT, Fact::State(ActivityState::Busy));
    assert!(bench.detector.is_presumed("p"));
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission));
    assert!(!bench.detector.is_presumed("p"), "it was the end of the one before");
    assert_eq!(bench.wait(9_000).permissions(), ["p? Bash"]);
    bench.left("p").hear(&TRANSCRIPT, Fact::State(ActivityState::NeedsPermission));
    assert_eq!(bench.wait(9_000).permissions()[1..], ["p Deny Local"]);
}

#[test]
fn one_that_can_no_longer_be_answered_expires() {
    let mut bench = bench();
    bench.hear(&HOOK, call("t", "Bash", json!({ "command": "ls" })));
    bench.hear(&HOOK, named("p", "ls", Some(60_000))).wait(59_000 - 1_010);
    assert_eq!(bench.permissions().len(), 1);
    assert_eq!(bench.wait(2_000).permissions()[1..], ["p Expired Session"]);
}

#[test]
fn of_two_that_are_open_each_has_its_own_end() {
    let mut bench = bench();
    for (id, call_id, who, command) in
        [("p1", "t1", "a1", "ls"), ("p2", "t2", "a2", "ls"), ("p3", "t3", "a2", "rm")]
    {
        bench.hear_in(&HOOK, agent(who, "qa"), call(call_id, "Bash", json!({ "command": command })));
        bench.hear_in(&HOOK, agent(who, "qa"), named(id, command, None));
    }
    bench.hear(&TRANSCRIPT, Fact::State(ActivityState::Busy)).wait(5_000);
    bench.hear_in(&HOOK, agent("a2", "qa"), ran("t2", json!({})));
    bench.decide("p3", Decision::Deny).hear(&HOOK, Fact::TurnOver { running: None }).hear(&HOOK, ended("a1"));
    assert_eq!(bench.permissions()[3..], ["p2 Allow Local", "p3 Deny Remote", "p1 Cancelled Local"]);
}

#[test]
fn a_question_that_comes_behind_its_answer_is_not_told() {
    let mut bench = bench();
    bench
        .hear(&TRANSCRIPT, call("t", "Bash", json!({ "command": "ls" })))
        .hear(&TRANSCRIPT, ran("t", json!({})));
    bench.hear(&HOOK, named("p", "ls", None));
    assert_eq!(bench.wait(9_000).finish().permissions(), [""; 0]);
}

#[test]
fn a_refusal_from_elsewhere_that_may_come_too_late_is_told_once_it_is_seen_what_became_of_the_call() {
    let endings: [Story; 5] = [
        (
            "its user had allowed it",
            |b| b.hear_in(&HOOK, agent("a1", "qa"), ran("t1", json!({}))),
            "Allow Local",
        ),
        ("it came in time", |b| b.hear(&HOOK, Fact::BatchOver { calls: vec!["t1".into()] }), "Deny Remote"),
        (
            "it failed, says the transcript, and no hook",
            |b| b.hear(&TRANSCRIPT, back("t1", Outcome::Failed("no".into()))).wait(5_000),
            "Deny Remote",
        ),
        ("its agent is over", |b| b.hear(&HOOK, ended("a1")), "Deny Remote"),
        (
            "claude works",
            |b| b.decide("p2", Decision::Allow).hear(&TRANSCRIPT, Fact::State(ActivityState::Busy)),
            "",
        ),
    ];
    for (story, happens, end) in endings {
        let mut bench = bench();
        for (id, call_id, who) in [("p1", "t1", "a1"), ("p2", "t2", "a2")] {
            bench.hear_in(&HOOK, agent(who, "qa"), call(call_id, "Bash", json!({ "command": "ls" })));
            bench.hear_in(&HOOK, agent(who, "qa"), named(id, "ls", None));
        }
        bench.detector.refused("p1", None, Timestamp::from_millis(bench.now));
        assert_eq!(bench.wait(9_000).permissions().len(), 2, "{story}");
        happens(&mut bench).wait(9_000);
        let told =
            bench.permissions().into_iter().find_map(|line| Some(line.strip_prefix("p1 ")?.to_owned()));
        assert_eq!(told.unwrap_or_default(), end, "{story}");
    }
}

#[test]
fn what_claude_does_since_before_it_was_refused_does_not_come_of_that() {
    for (told_at, end) in [(1, "p Deny Remote"), (20, "p Allow Local")] {
        let mut bench = bench();
        ask(&mut bench);
        let asked_at = bench.now;
        bench.detector.refused("p", None, Timestamp::from_millis(asked_at + told_at));
        bench.hear_at(&TRANSCRIPT, None, asked_at + 10, Fact::State(ActivityState::Busy)).wait(5_000);
        assert_eq!(bench.permissions()[1..], [end], "{told_at}");
    }
}

#[test]
fn a_dialog_of_the_same_words_asks_anew_only_where_a_call_of_them_was_not_asked_for() {
    let mut bench = bench();
    let at = |bench: &Bench| {
        let at = Timestamp::from_millis(bench.now);
        Observation { claude_session: "s".into(), agent: None, at, past: false, fact: named("p", "ls", None) }
    };
    assert_eq!(bench.detector.asks_anew(&at(&bench)), None, "no call is known");
    bench.hear(&HOOK, call("t1", "Bash", json!({ "command": "ls" })));
    assert_eq!(bench.detector.asks_anew(&at(&bench)), Some(true));
    bench.hear(&HOOK, named("p1", "ls", None));
    assert_eq!(bench.detector.asks_anew(&at(&bench)), Some(false), "another hook of the same question");
    bench.hear(&HOOK, ran("t1", json!({})));
    assert_eq!(bench.detector.asks_anew(&at(&bench)), Some(false), "a late one");
    bench.hear(&HOOK, call("t2", "Bash", json!({ "command": "ls" })));
    assert_eq!(bench.detector.asks_anew(&at(&bench)), Some(true));
}
