//! The newest of many, bounded in number and in bytes; and how much of other parts of a status is kept.

use crate::event::body::SessionStart;
use crate::event::work::TodoUpdate;
use crate::event::{Body, cut_text};
use std::collections::VecDeque;

/// Most items of one list.
const MAX_ITEMS: usize = 256;
/// Most bytes of one list, as [`Body::weight`] has them; the newest item stays whatever it weighs.
const MAX_BYTES: usize = 1 << 20;
/// Longest name of an instance, bytes, and longest path.
const MAX_NAME: usize = 256;
const MAX_PATH: usize = 4096;

/// A list; the oldest make room.
#[derive(Debug)]
pub(super) struct Kept<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), bytes: 0 }
    }
}

impl<T: Clone> Kept<T> {
    /// The newest; `body` is what it weighs as.
    pub(super) fn push(&mut self, item: T, body: impl FnOnce(T) -> Body) {
        let bytes = body(item.clone()).weight();
        self.items.push_back((item, bytes));
        self.bytes += bytes;
        while self.items.len() > 1 && (self.items.len() > MAX_ITEMS || self.bytes > MAX_BYTES) {
            self.bytes -= self.items.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    /// Puts it in the place of the one that is meant, or behind all.
    pub(super) fn put(&mut self, item: T, is_meant: impl Fn(&T) -> bool, body: impl FnOnce(T) -> Body) {
        let Some(place) = self.items.iter().position(|(known, _)| is_meant(known)) else {
            return self.push(item, body);
        };
        let bytes = body(item.clone()).weight();
        let (_, before) = std::mem::replace(&mut self.items[place], (item, bytes));
        self.bytes = self.bytes + bytes - before;
        while self.items.len() > 1 && self.bytes > MAX_BYTES {
            self.bytes -= self.items.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    pub(super) fn remove(&mut self, is_meant: impl Fn(&T) -> bool) {
        self.items.retain(|(known, _)| !is_meant(known));
        self.bytes = self.items.iter().map(|(_, bytes)| bytes).sum();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether it has none.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The first that is meant.
    pub(super) fn find(&self, is_meant: impl Fn(&T) -> bool) -> Option<&T> {
        self.items.iter().map(|(item, _)| item).find(|item| is_meant(item))
    }

    /// In order, the oldest first.
    pub(super) fn to_vec(&self) -> Vec<T> {
        self.items.iter().map(|(item, _)| item.clone()).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A list of todos of which as many are kept as there is room for, counted all, and what they weigh.
pub(super) fn todos(update: &TodoUpdate) -> (TodoUpdate, usize) {
    let mut kept = update.clone();
    loop {
        let bytes = Body::Todos(kept.clone()).weight();
        if bytes <= MAX_BYTES {
            return (kept, bytes);
        }
        kept.todos.truncate(kept.todos.len() / 2);
        kept.todos.shrink_to_fit();
    }
}

/// A beginning whose texts are no longer than such texts are.
pub(super) fn start(start: &SessionStart) -> SessionStart {
    let mut start = start.clone();
    let cut = |text: &mut String, most: usize| _ = cut_text(text, most);
    cut(&mut start.working_directory, MAX_PATH);
    let info = &mut start.instance_info;
    [&mut info.working_dir, &mut info.host].into_iter().for_each(|text| cut(text, MAX_PATH));
    cut(&mut info.name, MAX_NAME);
    if let Some(certificate) = &mut info.certificate {
        cut(certificate, MAX_NAME);
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Timestamp;
    use crate::event::work::{Ticket, Todo, TodoStats, TodoStatus};

    fn ticket(id: usize, bytes: usize) -> Ticket {
        let title = Some("x".repeat(bytes));
        Ticket { id: id.to_string(), title, priority: None, assigned_to: None, url: None, system: "s".into() }
    }

    #[test]
    fn the_oldest_make_room_in_number_and_in_bytes() {
        let mut kept = Kept::default();
        (0..300).for_each(|id| kept.push(ticket(id, 10), Body::TicketCreated));
        assert_eq!((kept.to_vec().len(), kept.to_vec()[0].id.as_str()), (MAX_ITEMS, "44"));
        (0..50).for_each(|id| kept.push(ticket(id, 60_000), Body::TicketCreated));
        assert!(kept.bytes() <= MAX_BYTES && kept.to_vec().len() >= 5, "{}", kept.to_vec().len());
        kept.put(ticket(49, 64), |known| known.id == "49", Body::TicketCreated);
        assert_eq!(kept.to_vec().last().unwrap().title.as_ref().unwrap().len(), 64);
        kept.remove(|known| known.id == "49");
        assert!(kept.to_vec().iter().all(|known| known.id != "49"));
    }

    #[test]
    fn of_todos_without_end_the_first_are_kept() {
        let todo = Todo {
            id: "1".into(),
            content: "x".repeat(60_000),
            status: TodoStatus::Pending,
            priority: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
            active_form: None,
            owner: None,
        };
        let update = TodoUpdate { todos: vec![todo; 60], stats: TodoStats::default() };
        let (kept, bytes) = todos(&update);
        assert!(bytes <= MAX_BYTES && !kept.todos.is_empty());
        assert_eq!(kept.stats, update.stats);
    }
}
