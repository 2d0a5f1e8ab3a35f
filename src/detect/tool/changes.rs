//! The changes of the todo list in the order in which they were made, however late one of them is heard of.
//!
//! A change is told when the first source tells it. The transcript knows best when it was: where that comes later and
//! says otherwise, the list is put together again in the right order.

use super::delegation::PATIENCE_MILLIS;
use super::telling::Telling;
use super::todos::Todos;
use crate::detect::observation::{Agent, Call};
use crate::event::work::{Todo, TodoUpdate};
use crate::event::{Source, Timestamp};
use serde_json::Value;
use std::collections::VecDeque;

/// Most changes that may still find their place among one another.
const MAX_OPEN: usize = 64;
/// Most agents whose lists are not shown any more.
const MAX_GONE: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Before the open changes.
    base: Todos,
    open: VecDeque<Change>,
    now: Todos,
    /// What was told last.
    shown: TodoUpdate,
    gone: VecDeque<String>,
}

/// One change.
#[derive(Debug)]
struct Change {
    at: Timestamp,
    past: bool,
    what: What,
    said_by: Vec<Source>,
}

#[derive(Debug)]
enum What {
    Returned { call: Call, agent: Option<Agent>, response: Value },
    Named { id: String, subject: String },
}

impl Changes {
    /// A todo tool ran, which nobody has told before. The list, where it has changed.
    pub(super) fn returned(
        &mut self,
        call: &Call,
        agent: Option<&Agent>,
        response: &Value,
        telling: &Telling<'_>,
    ) -> Option<TodoUpdate> {
        let (call, agent, response) = (call.clone(), agent.cloned(), response.clone());
        let what = What::Returned { call, agent, response };
        let mut change = Change { at: telling.at, past: telling.past, what, said_by: Vec::new() };
        change.said_by.push(telling.source.clone());
        if *telling.source == Source::Transcript {
            return self.insert(change, usize::MAX);
        }
        // Each source keeps its own order: what it has not told yet comes later.
        let is_later = |other: &Change| {
            let is_recent = telling.at.millis_since(other.at) <= PATIENCE_MILLIS as u64;
            is_recent && !other.past && !other.said_by.is_empty() && !other.said_by.contains(telling.source)
        };
        let later = self.open.iter().position(is_later).unwrap_or(usize::MAX);
        if let Some(other) = self.open.get(later) {
            change.at = change.at.min(other.at);
        }
        self.insert(change, later)
    }

    /// A source tells of a change that is known already. The list, where the source knows better when it was and that
    /// changes the list.
    pub(super) fn repeated(&mut self, call_id: &str, telling: &Telling<'_>) -> Option<TodoUpdate> {
        let is_it =
            |change: &Change| matches!(&change.what, What::Returned { call, .. } if call.id == call_id);
        let place = self.open.iter().position(is_it)?;
        let change = &mut self.open[place];
        if !change.said_by.contains(telling.source) {
            change.said_by.push(telling.source.clone());
        }
        if *telling.source != Source::Transcript || change.at == telling.at {
            return None;
        }
        let change = self.open.remove(place)?;
        self.insert(Change { at: telling.at, ..change }, usize::MAX)
    }

    /// What a task is about.
    pub(super) fn named(&mut self, id: &str, subject: &str, at: Timestamp) {
        let (id, subject) = (id.to_owned(), subject.to_owned());
        let what = What::Named { id, subject };
        self.insert(Change { at, past: false, what, said_by: Vec::new() }, usize::MAX);
    }

    /// An agent has ended: its own list, if it kept one, is not shown any more, whoever still tells of it.
    pub(super) fn forget(&mut self, agent_id: &str) {
        if self.gone.iter().any(|gone| gone == agent_id) {
            return;
        }
        if self.gone.len() >= MAX_GONE {
            self.gone.pop_front();
        }
        self.gone.push_back(agent_id.to_owned());
        self.base.forget(agent_id);
        self.now.forget(agent_id);
        self.shown = self.now.shown();
    }

    /// Puts a change where it belongs by its time, and at the latest there. The list, where that changes it.
    fn insert(&mut self, change: Change, mut latest: usize) -> Option<TodoUpdate> {
        if self.open.len() >= MAX_OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            oldest.apply(&mut self.base, &self.gone);
            latest = latest.saturating_sub(1);
        }
        let place = self.open.partition_point(|other| other.at <= change.at).min(latest);
        let is_last = place == self.open.len();
        let counts = if is_last {
            let changed = change.apply(&mut self.now, &self.gone);
            self.open.push_back(change);
            changed
        } else {
            self.open.insert(place, change);
            self.now = self.base.clone();
            self.open.iter().for_each(|change| _ = change.apply(&mut self.now, &self.gone));
            true
        };
        let before = std::mem::replace(&mut self.shown, self.now.shown());
        (counts && !is_same(&before, &self.shown)).then(|| self.shown.clone())
    }
}

/// Whether two lists say the same; since when they do is no change.
fn is_same(one: &TodoUpdate, other: &TodoUpdate) -> bool {
    let untimed = |update: &TodoUpdate| -> Vec<Todo> {
        let untimed = |todo: &Todo| Todo {
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
            ..todo.clone()
        };
        update.todos.iter().map(untimed).collect()
    };
    one.todos.len() == other.todos.len() && untimed(one) == untimed(other)
}

impl Change {
    /// Whether the shown list has changed.
    fn apply(&self, todos: &mut Todos, gone: &VecDeque<String>) -> bool {
        let changed = match &self.what {
            What::Returned { agent: Some(agent), call, .. }
                if call.tool == "TodoWrite" && gone.contains(&agent.id) =>
            {
                false
            }
            What::Returned { call, agent, response } => {
                todos.returned(call, agent.as_ref(), response, self.at).is_some()
            }
            What::Named { id, subject } => {
                todos.named(id, subject, self.at);
                false
            }
        };
        if self.past {
            todos.is_of_the_past();
        }
        changed
    }
}
