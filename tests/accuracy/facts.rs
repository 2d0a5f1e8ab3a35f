//! What events say of claude's work, as facts that can be counted, and how many of them are right.

use serde_json::Value;
use std::fmt;
use test_support::truth::{Ask, End, Reason, Truth};

/// An event as clients get it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// One fact that events told, or should tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// Agent, task, whether in the background, who gave it.
    Started(String, String, bool, Option<String>),
    /// Agent, task, and `completed` or why not.
    Ended(String, String, Vec<String>),
    /// The todo list changed.
    TodoChange,
    /// The todo list at the end: contents and states.
    TodoList(Vec<(String, String)>),
    /// Id and title.
    Ticket(String, String),
    /// Claude waits, for `permission` or `input`; the tool, where it is told.
    Waits(&'static str, Option<String>),
}

/// What a source cannot tell by its nature, and is not asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Carries {
    /// Who delegated.
    pub(crate) parents: bool,
    /// Todo lists.
    pub(crate) todos: bool,
    /// That claude waits for its user.
    pub(crate) waits: bool,
    /// Which tool claude waits for, and with it whether for a permission or for an answer.
    pub(crate) waits_for: bool,
    /// That a dialog was refused, and not the work interrupted.
    pub(crate) refusals: bool,
    /// The todo list that a conversation had before it was taken up again.
    pub(crate) earlier_lists: bool,
    /// Whether an agent works in the background, from its start.
    pub(crate) background: bool,
}

/// What is told, counted against what is true.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    pub(crate) expected: usize,
    pub(crate) found: usize,
    pub(crate) missed: usize,
    pub(crate) doubled: usize,
    pub(crate) invented: usize,
    /// What is wrong, in words.
    pub(crate) faults: Vec<String>,
}

/// The facts that events tell.
pub(crate) fn told(events: &[Event]) -> Vec<Fact> {
    let mut facts: Vec<Fact> = events.iter().filter_map(fact).collect();
    let last_list = events.iter().rev().find(|event| event.kind == "todo.update");
    facts.extend(last_list.map(|event| list(&event.data)));
    facts
}

fn fact(event: &Event) -> Option<Fact> {
    let data = &event.data;
    let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
    let optional = |name: &str| data[name].as_str().map(str::to_owned);
    Some(match event.kind.as_str() {
        "agent.delegation" if data["status"] == "started" => {
            let background = data["background"] == true;
            Fact::Started(text("agent"), text("task"), background, optional("parent_agent"))
        }
        "agent.delegation" => {
            let how = optional("reason").unwrap_or_else(|| text("status"));
            Fact::Ended(text("agent"), text("task"), vec![how])
        }
        "todo.update" => Fact::TodoChange,
        "ticket.created" => Fact::Ticket(text("id"), text("title")),
        "claude.activity" if data["activity"] == "needs_permission" => {
            Fact::Waits("permission", optional("tool_name"))
        }
        "claude.activity" if data["activity"] == "needs_input" => Fact::Waits("input", optional("tool_name")),
        _ => return None,
    })
}

fn list(data: &Value) -> Fact {
    let items = data["todos"].as_array().into_iter().flatten();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    Fact::TodoList(items.map(|item| (text(item, "content"), text(item, "status"))).collect())
}

/// The facts that are true, as far as a source that carries so much can tell them.
pub(crate) fn true_facts(truth: &Truth, carries: Carries) -> Vec<Fact> {
    let mut facts = Vec::new();
    for given in &truth.delegations {
        let parent = given.parent.filter(|_| carries.parents).map(str::to_owned);
        facts.push(Fact::Started(given.agent.into(), given.task.into(), given.background, parent));
        facts.push(Fact::Ended(given.agent.into(), given.task.into(), words(given.end, carries)));
    }
    if carries.todos && truth.todos.changes > 0 {
        facts.extend(std::iter::repeat_n(Fact::TodoChange, truth.todos.changes));
        let last = truth.todos.last.iter();
        facts.push(Fact::TodoList(
            last.map(|(text, status)| (text.to_string(), status.to_string())).collect(),
        ));
    }
    facts.extend(truth.tickets.iter().map(|(id, title)| Fact::Ticket(id.to_string(), title.to_string())));
    if carries.waits {
        facts.extend(truth.asks.iter().map(|ask| waits(*ask, carries)));
    }
    facts
}

/// The words that say this end rightly.
fn words(end: End, carries: Carries) -> Vec<String> {
    let admits = |word: &&str| match end {
        End::Completed => *word == "completed",
        End::Failed(Reason::Denied) if !carries.refusals => ["denied", "interrupted"].contains(word),
        End::Failed(reason) => reason.admits(word),
    };
    let all = ["completed", "denied", "interrupted", "error", "session_ended"];
    all.into_iter().filter(admits).map(str::to_owned).collect()
}

fn waits(ask: Ask, carries: Carries) -> Fact {
    let (what, tool) = match ask {
        Ask::Permission(tool) => ("permission", tool),
        Ask::Plan => ("permission", "ExitPlanMode"),
        Ask::Question => ("input", "AskUserQuestion"),
    };
    Fact::Waits(what, carries.waits_for.then(|| tool.to_owned()))
}

/// Whether what was told is what is true.
fn agrees(told: &Fact, true_fact: &Fact, carries: Carries) -> bool {
    match (told, true_fact) {
        (Fact::Started(agent, task, background, parent), Fact::Started(a, t, b, p)) => {
            (agent, task) == (a, t)
                && (!carries.background || background == b)
                && (!carries.parents || parent == p)
        }
        (Fact::Ended(agent, task, how), Fact::Ended(a, t, words)) => {
            (agent, task) == (a, t) && how.iter().all(|how| words.contains(how))
        }
        (Fact::Waits(what, tool), Fact::Waits(w, t)) => !carries.waits_for || (what, tool) == (w, t),
        (told, true_fact) => told == true_fact,
    }
}

/// What a source cannot tell whole is not held against it either.
fn is_asked_for(fact: &Fact, carries: Carries) -> bool {
    match fact {
        Fact::TodoChange | Fact::TodoList(_) => carries.todos,
        Fact::Waits(..) => carries.waits,
        _ => true,
    }
}

/// Counts. A fact told once too often is doubled, one that is not true is invented.
pub(crate) fn score(told: &[Fact], truth: &Truth, carries: Carries) -> Score {
    let expected = true_facts(truth, carries);
    let told: Vec<&Fact> = told.iter().filter(|fact| is_asked_for(fact, carries)).collect();
    let mut score = Score { expected: expected.len(), found: told.len(), ..Score::default() };
    let mut open: Vec<&Fact> = expected.iter().collect();
    for fact in told {
        if let Some(place) = open.iter().position(|expected| agrees(fact, expected, carries)) {
            open.remove(place);
        } else if expected.iter().any(|expected| agrees(fact, expected, carries)) {
            score.doubled += 1;
            score.faults.push(format!("doubled {fact:?}"));
        } else {
            score.invented += 1;
            score.faults.push(format!("invented {fact:?}"));
        }
    }
    score.missed = open.len();
    score.faults.extend(open.into_iter().map(|fact| format!("missed {fact:?}")));
    score
}

impl Score {
    pub(crate) fn add(&mut self, other: Self, whose: &impl fmt::Display) {
        self.expected += other.expected;
        self.found += other.found;
        self.missed += other.missed;
        self.doubled += other.doubled;
        self.invented += other.invented;
        self.faults.extend(other.faults.into_iter().map(|fault| format!("{whose}: {fault}")));
    }
}
