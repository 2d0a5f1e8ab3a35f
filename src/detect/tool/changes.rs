//! The changes of the todo list in the order in which they were made, however late one of them is heard of.
//!
//! A change is told when the first source tells it. The transcript knows best when it was: where that comes later and
//! says otherwise, the list is put together again in the right order.

use super::todos::Todos;
use crate::detect::observation::{Agent, Call};
use crate::event::Timestamp;
use crate::event::work::{Todo, TodoUpdate};
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
        at: Timestamp,
        past: bool,
    ) -> Option<TodoUpdate> {
        let (call, agent, response) = (call.clone(), agent.cloned(), response.clone());
        self.insert(Change { at, past, what: What::Returned { call, agent, response } })
    }

    /// The source that knows when it was tells of a change that is known already. The list, where that changes it.
    pub(super) fn was_at(&mut self, call_id: &str, at: Timestamp) -> Option<TodoUpdate> {
        let is_it = |change: &Change| matches!(&change.what, What::Returned { call, .. } if call.id == call_id);
        let place = self.open.iter().position(is_it)?;
        if self.open[place].at <= at {
            return None;
        }
        let change = self.open.remove(place)?;
        self.insert(Change { at, ..change })
    }

    /// What a task is about.
    pub(super) fn named(&mut self, id: &str, subject: &str, at: Timestamp) {
        let (id, subject) = (id.to_owned(), subject.to_owned());
        self.insert(Change { at, past: false, what: What::Named { id, subject } });
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

    /// Puts a change where it belongs. The list, where that changes it.
    fn insert(&mut self, change: Change) -> Option<TodoUpdate> {
        if self.open.len() >= MAX_OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            oldest.apply(&mut self.base, &self.gone);
        }
        let place = self.open.partition_point(|other| other.at <= change.at);
        let changed = if place == self.open.len() {
            let changed = change.apply(&mut self.now, &self.gone);
            self.open.push_back(change);
            changed
        } else {
            self.open.insert(place, change);
            self.now = self.base.clone();
            self.open.iter().for_each(|change| _ = change.apply(&mut self.now, &self.gone));
            !is_same(&self.now.shown(), &self.shown)
        };
        self.shown = self.now.shown();
        changed.then(|| self.shown.clone())
    }
}

/// Whether two lists say the same; since when they do is no change.
fn is_same(one: &TodoUpdate, other: &TodoUpdate) -> bool {
    let untimed = |update: &TodoUpdate| -> Vec<Todo> {
        let untimed = |todo: &Todo| Todo { created_at: Timestamp::from_millis(0), updated_at: Timestamp::from_millis(0), ..todo.clone() };
        update.todos.iter().map(untimed).collect()
    };
    one.todos.len() == other.todos.len() && untimed(one) == untimed(other)
}

impl Change {
    /// Whether the shown list has changed.
    fn apply(&self, todos: &mut Todos, gone: &VecDeque<String>) -> bool {
        let changed = match &self.what {
            What::Returned { agent: Some(agent), call, .. }
                if call.tool == "TodoWrite" && gone.contains(&agent.id) => false,
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
