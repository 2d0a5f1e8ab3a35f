//! Todo lists: whole ones (TodoWrite), and tasks that are made and changed one by one (TaskCreate, TaskUpdate,
//! TaskList), as one list per claude session.
//!
//! Results may come out of order: a change of a task that nobody has made yet waits for its making.

use crate::detect::observation::{Agent, Call};
use crate::event::Timestamp;
use crate::event::work::{Todo, TodoStatus, TodoUpdate};
use serde_json::Value;

/// Most items of a list; what is beyond is left out.
const MAX_ITEMS: usize = 1000;
/// Longest text of an item, bytes.
const MAX_TEXT_BYTES: usize = 4 << 10;
/// Items of one agent's own list are numbered behind its id.
const BETWEEN_AGENT_AND_NUMBER: char = ':';

/// Whether this tool changes a todo list.
pub(super) fn is_todo_tool(tool: &str) -> bool {
    matches!(tool, "TodoWrite" | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet")
}

/// Where an item comes from; lists are shown in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    /// TodoWrite of claude itself.
    Own,
    /// TodoWrite of an agent, by its id.
    Agents(String),
    /// Tasks, which have numbers and belong to everybody.
    Tasks,
}

#[derive(Debug, Clone)]
struct Item {
    list: List,
    /// Nobody has said yet what it is about.
    is_partial: bool,
    /// It comes from before this run. A forked conversation tells of tasks that its own list does not have.
    is_past: bool,
    todo: Todo,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Todos {
    items: Vec<Item>,
}

/// What one result says of a task; `None` where it says nothing.
#[derive(Debug, Default)]
struct Said {
    content: Option<String>,
    status: Option<TodoStatus>,
    active_form: Option<String>,
    owner: Option<String>,
    priority: Option<String>,
}

impl Todos {
    /// Takes in the result of a todo tool that ran. Returns the list when it has changed.
    pub(super) fn returned(
        &mut self,
        call: &Call,
        agent: Option<&Agent>,
        response: &Value,
        at: Timestamp,
    ) -> Option<TodoUpdate> {
        if denies_past(call, response, &self.items) {
            self.items.retain(|item| !item.is_past);
        }
        let changed = match call.tool.as_str() {
            "TodoWrite" => self.write(call, agent, response, at),
            "TaskCreate" => self.create(call, response, at),
            "TaskUpdate" => self.update(call, response, at),
            "TaskList" => self.resync(response, at),
            "TaskGet" => response.get("task").is_some_and(|task| self.see(task, at)),
            _ => false,
        };
        changed.then(|| self.shown())
    }

    /// What there is now comes from before this run.
    pub(super) fn is_of_the_past(&mut self) {
        self.items.iter_mut().for_each(|item| item.is_past = true);
    }

    /// What a task is about. It is shown once something else is said of it: its making or a change.
    pub(super) fn named(&mut self, id: &str, subject: &str, at: Timestamp) {
        let Some(place) = self.place_of(id, at) else { return };
        let content = &mut self.items[place].todo.content;
        if content.is_empty() {
            subject[..subject.floor_char_boundary(MAX_TEXT_BYTES)].clone_into(content);
        }
    }

    /// An agent has ended: its own list, if it kept one, is not shown any more.
    pub(super) fn forget(&mut self, agent_id: &str) {
        self.items.retain(|item| !matches!(&item.list, List::Agents(id) if id == agent_id));
    }

    /// The list, without what nobody knows the content of.
    pub(super) fn shown(&self) -> TodoUpdate {
        let known = self.items.iter().filter(|item| !item.is_partial);
        TodoUpdate::from(known.map(|item| item.todo.clone()).collect::<Vec<_>>())
    }

    fn write(&mut self, call: &Call, agent: Option<&Agent>, response: &Value, at: Timestamp) -> bool {
        let items = |holder: &Value, name: &str| holder.get(name).and_then(Value::as_array).cloned();
        let Some(written) = items(response, "newTodos").or_else(|| items(&call.input, "todos")) else {
            return false;
        };
        let list = agent.map_or(List::Own, |agent| List::Agents(agent.id.clone()));
        let before = self.take(&list);
        let place = self.items.iter().position(|item| item.list > list).unwrap_or(self.items.len());
        let room = MAX_ITEMS.saturating_sub(self.items.len());
        let mut now = Vec::new();
        for (number, value) in written.iter().take(room).enumerate() {
            if let Some(todo) = written_todo(number + 1, value, agent, &before, at) {
                now.push(Item { list: list.clone(), is_partial: false, is_past: false, todo });
            }
        }
        let changed = !now.iter().map(|item| &item.todo).eq(before.iter());
        self.items.splice(place..place, now);
        changed
    }

    /// Takes a written list out.
    fn take(&mut self, list: &List) -> Vec<Todo> {
        let taken = self.items.extract_if(.., |item| item.list == *list);
        taken.map(|item| item.todo).collect()
    }

    fn create(&mut self, call: &Call, response: &Value, at: Timestamp) -> bool {
        let made = response.get("task");
        let id = made.and_then(|task| id_in(task, "id")).or_else(|| number_in_text(response));
        let Some(id) = id else { return false };
        let said = Said {
            content: made.and_then(|task| text(task, "subject")).or_else(|| text(&call.input, "subject")),
            active_form: text(&call.input, "activeForm"),
            priority: call.input.get("metadata").and_then(|metadata| text(metadata, "priority")),
            ..Said::default()
        };
        self.merge(&id, said, at)
    }

    fn update(&mut self, call: &Call, response: &Value, at: Timestamp) -> bool {
        if response.get("success") == Some(&Value::Bool(false)) {
            return false;
        }
        let Some(id) = id_in(response, "taskId").or_else(|| id_in(&call.input, "taskId")) else {
            return false;
        };
        let new_status = response.get("statusChange").and_then(|change| text(change, "to"));
        let status = new_status.or_else(|| text(&call.input, "status"));
        if status.as_deref() == Some("deleted") {
            return self.remove(&id);
        }
        let said = Said {
            content: text(&call.input, "subject"),
            status: status.as_deref().and_then(TodoStatus::parse),
            active_form: text(&call.input, "activeForm"),
            owner: text(&call.input, "owner"),
            priority: call.input.get("metadata").and_then(|metadata| text(metadata, "priority")),
        };
        self.merge(&id, said, at)
    }

    /// The whole list as claude has it.
    fn resync(&mut self, response: &Value, at: Timestamp) -> bool {
        let Some(tasks) = response.get("tasks").and_then(Value::as_array) else { return false };
        let ids: Vec<String> = tasks.iter().filter_map(|task| id_in(task, "id")).collect();
        let before = self.items.len();
        self.items.retain(|item| item.list != List::Tasks || ids.contains(&item.todo.id));
        let mut changed = self.items.len() != before;
        for task in tasks {
            changed |= self.see(task, at);
        }
        changed
    }

    /// One task as claude has it.
    fn see(&mut self, task: &Value, at: Timestamp) -> bool {
        let Some(id) = id_in(task, "id") else { return false };
        let said = Said {
            content: text(task, "subject"),
            status: text(task, "status").as_deref().and_then(TodoStatus::parse),
            owner: text(task, "owner"),
            ..Said::default()
        };
        self.merge(&id, said, at)
    }

    fn remove(&mut self, id: &str) -> bool {
        let is_it = |item: &Item| item.list == List::Tasks && item.todo.id == id;
        let Some(place) = self.items.iter().position(is_it) else { return false };
        !self.items.remove(place).is_partial
    }

    /// Whether the shown list has changed.
    fn merge(&mut self, id: &str, said: Said, at: Timestamp) -> bool {
        let Some(place) = self.place_of(id, at) else { return false };
        let item = &mut self.items[place];
        let before = (item.is_partial, item.todo.clone());
        item.is_partial &= said.content.is_none() && item.todo.content.is_empty();
        let todo = &mut item.todo;
        todo.content = said.content.unwrap_or_else(|| std::mem::take(&mut todo.content));
        todo.status = said.status.unwrap_or(todo.status);
        todo.active_form = said.active_form.or_else(|| todo.active_form.take());
        todo.owner = said.owner.or_else(|| todo.owner.take());
        todo.priority = said.priority.or_else(|| todo.priority.take());
        let changed = before.0 != item.is_partial || before.1 != item.todo;
        if changed {
            item.todo.updated_at = at;
        }
        changed && !item.is_partial
    }

    /// The task of this number, made where it is new; `None` where there is no room.
    fn place_of(&mut self, id: &str, at: Timestamp) -> Option<usize> {
        let is_it = |item: &Item| item.list == List::Tasks && item.todo.id == id;
        match self.items.iter().position(is_it) {
            Some(place) => Some(place),
            None if self.items.len() >= MAX_ITEMS => None,
            None => Some(self.insert(id, at)),
        }
    }

    /// A new task, in its place by number, of which nothing is known.
    fn insert(&mut self, id: &str, at: Timestamp) -> usize {
        let number = |id: &str| id.parse::<u64>().unwrap_or(u64::MAX);
        let comes_before = |item: &Item| item.list != List::Tasks || number(&item.todo.id) <= number(id);
        let place = self.items.iter().position(|item| !comes_before(item)).unwrap_or(self.items.len());
        let todo = Todo {
            id: id.to_owned(),
            content: String::new(),
            status: TodoStatus::Pending,
            priority: None,
            created_at: at,
            updated_at: at,
            active_form: None,
            owner: None,
        };
        self.items.insert(place, Item { list: List::Tasks, is_partial: true, is_past: false, todo });
        place
    }
}

/// Whether this result cannot be if the tasks of the past are there: one is not found, or its number is given anew.
fn denies_past(call: &Call, response: &Value, items: &[Item]) -> bool {
    let is_past = |id: &String| {
        items.iter().any(|item| item.is_past && item.list == List::Tasks && item.todo.id == *id)
    };
    match call.tool.as_str() {
        "TaskCreate" => {
            response.get("task").and_then(|task| id_in(task, "id")).is_some_and(|id| is_past(&id))
        }
        "TaskUpdate" if response.get("success") == Some(&Value::Bool(false)) => {
            id_in(&call.input, "taskId").is_some_and(|id| is_past(&id))
        }
        _ => false,
    }
}

/// An item of a written list. It is the same as the one before in its place, or one of the same words.
fn written_todo(
    number: usize,
    value: &Value,
    agent: Option<&Agent>,
    before: &[Todo],
    at: Timestamp,
) -> Option<Todo> {
    let content = text(value, "content")?;
    let status = TodoStatus::parse(&text(value, "status")?)?;
    let same_words = |todo: &&Todo| todo.content == content;
    let known =
        before.get(number - 1).filter(same_words).or_else(|| before.iter().find(|todo| same_words(todo)));
    let mut todo = Todo {
        id: match agent {
            Some(agent) => format!("{}{BETWEEN_AGENT_AND_NUMBER}{number}", agent.id),
            None => number.to_string(),
        },
        content,
        status,
        priority: text(value, "priority"),
        created_at: known.map_or(at, |todo| todo.created_at),
        updated_at: known.map_or(at, |todo| todo.updated_at),
        active_form: text(value, "activeForm"),
        owner: agent.map(|agent| agent.name.clone().unwrap_or_else(|| agent.id.clone())),
    };
    if known.is_some_and(|known| known != &todo) {
        todo.updated_at = at;
    }
    Some(todo)
}

fn text(holder: &Value, name: &str) -> Option<String> {
    let text = holder.get(name)?.as_str()?;
    let cut = text.floor_char_boundary(MAX_TEXT_BYTES);
    Some(text[..cut].to_owned())
}

/// An id, which claude writes as text; a number means the same.
fn id_in(holder: &Value, name: &str) -> Option<String> {
    match holder.get(name)? {
        Value::Number(number) => Some(number.to_string()),
        _ => text(holder, name),
    }
}

/// `Task #1 created successfully: ..`: what a source without structured results has.
fn number_in_text(response: &Value) -> Option<String> {
    let text = match response {
        Value::String(text) => text,
        Value::Array(blocks) => blocks.first()?.get("text")?.as_str()?,
        _ => return None,
    };
    let digits: String = text.strip_prefix("Task #")?.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn call(tool: &str, input: Value) -> Call {
        Call { id: "toolu_1".into(), tool: tool.into(), input }
    }

    fn lines(update: &Option<TodoUpdate>) -> Vec<String> {
        let todos = update.iter().flat_map(|update| &update.todos);
        todos.map(|todo| format!("{} {} {:?}", todo.id, todo.content, todo.status)).collect()
    }

    #[test]
    fn tasks_whose_results_come_out_of_order_are_one_list_by_number() {
        let mut todos = Todos::default();
        let create = |subject: &str| call("TaskCreate", json!({ "subject": subject, "activeForm": "x" }));
        let made = |id: &str, subject: &str| json!({ "task": { "id": id, "subject": subject } });
        let second = todos.returned(&create("Second"), None, &made("2", "Second"), at(1));
        assert_eq!(lines(&second), ["2 Second Pending"]);
        let early = call("TaskUpdate", json!({ "taskId": "1", "status": "in_progress" }));
        let response = json!({ "success": true, "taskId": "1", "updatedFields": ["status"] });
        assert_eq!(todos.returned(&early, None, &response, at(2)), None, "its words are not known yet");
        let first = todos.returned(&create("First"), None, &made("1", "First"), at(3));
        assert_eq!(lines(&first), ["1 First InProgress", "2 Second Pending"]);
        let ten = todos.returned(&create("Ten"), None, &made("10", "Ten"), at(4));
        assert_eq!(lines(&ten)[2], "10 Ten Pending");
    }

    #[test]
    fn a_change_that_changes_nothing_or_failed_is_none() {
        let mut todos = Todos::default();
        let create = call("TaskCreate", json!({ "subject": "A" }));
        assert!(todos.returned(&create, None, &json!({ "task": { "id": "1" } }), at(1)).is_some());
        let done = call("TaskUpdate", json!({ "taskId": "1", "status": "completed" }));
        let no = json!({ "success": false, "error": "no such task" });
        assert_eq!(todos.returned(&done, None, &no, at(2)), None);
        assert!(todos.returned(&done, None, &json!({ "success": true, "taskId": "1" }), at(3)).is_some());
        assert_eq!(todos.returned(&done, None, &json!({ "success": true, "taskId": "1" }), at(4)), None);
        let listed = json!({ "tasks": [{ "id": "1", "subject": "A", "status": "completed" }] });
        assert_eq!(todos.returned(&call("TaskList", json!({})), None, &listed, at(5)), None);
        let deleted = call("TaskUpdate", json!({ "taskId": "1", "status": "deleted" }));
        let update = todos.returned(&deleted, None, &json!({ "success": true, "taskId": "1" }), at(6));
        assert_eq!(update, Some(TodoUpdate::default()));
    }

    /// The transcript of a fork repeats the conversation it was forked from, whose tasks it does not have.
    #[test]
    fn a_number_that_is_given_anew_means_that_the_tasks_of_the_past_are_not_there() {
        let mut todos = Todos::default();
        let create = |subject: &str| call("TaskCreate", json!({ "subject": subject }));
        let made = |id: &str| json!({ "task": { "id": id } });
        for (subject, id) in [("Old", "1"), ("Older", "2")] {
            todos.returned(&create(subject), None, &made(id), at(1));
        }
        todos.is_of_the_past();
        assert_eq!(lines(&todos.returned(&create("New"), None, &made("1"), at(2))), ["1 New Pending"]);
    }

    #[test]
    fn a_written_list_keeps_the_times_of_what_stays_and_agents_have_their_own() {
        let mut todos = Todos::default();
        let write = |items: Value| call("TodoWrite", json!({ "todos": items }));
        let item =
            |content: &str, status: &str| json!({ "content": content, "status": status, "activeForm": "a" });
        let first = write(json!([item("A", "pending"), item("B", "pending")]));
        assert!(todos.returned(&first, None, &Value::Null, at(1)).is_some());
        let agent = Agent { id: "a1".into(), name: Some("qa".into()) };
        let theirs = todos.returned(&write(json!([item("T", "pending")])), Some(&agent), &Value::Null, at(2));
        assert_eq!(lines(&theirs), ["1 A Pending", "2 B Pending", "a1:1 T Pending"]);
        assert_eq!(theirs.unwrap().todos[2].owner.as_deref(), Some("qa"));
        let again = write(json!([item("A", "completed"), item("B", "pending")]));
        let update = todos.returned(&again, None, &Value::Null, at(3)).unwrap();
        let times: Vec<_> = update.todos.iter().map(|todo| (todo.created_at, todo.updated_at)).collect();
        assert_eq!(times, [(at(1), at(3)), (at(1), at(1)), (at(2), at(2))]);
        assert_eq!((update.stats.total, update.stats.completed, update.stats.pending), (3, 1, 2));
        assert_eq!(todos.returned(&again, None, &Value::Null, at(4)), None);
    }
}
