//! Tickets in the answers of MCP servers' tools: GitHub's, GitLab's, Atlassian's, Linear's, and others built alike.
//!
//! The tool's name says that it creates or changes an issue; the answer says which, as JSON inside of text blocks, as
//! an object, or as a sentence. An answer that is an error, or says nothing, is no ticket.

use super::{Change, TicketFact, field, plain_lines, text, tools};
use serde_json::{Map, Value};

const CREATING: [&str; 8] = [
    "createissue",
    "createticket",
    "createjiraissue",
    "createworkitem",
    "createlinearissue",
    "ticketcreate",
    "saveissue",
    "issuecreate",
];
const UPDATING: [&str; 8] = [
    "updateissue",
    "editissue",
    "updateticket",
    "updateworkitem",
    "editjiraissue",
    "updatejiraissue",
    "updatelinearissue",
    "ticketupdate",
];
/// Things beside an issue that names like `create_issue_comment` mean.
const BESIDES: [&str; 11] = [
    "comment",
    "link",
    "label",
    "relation",
    "attachment",
    "type",
    "template",
    "reaction",
    "worklog",
    "watcher",
    "list",
];
/// Where an answer keeps the issue.
const INSIDE: [&str; 9] = [
    "structuredContent",
    "data",
    "result",
    "issueCreate",
    "issueUpdate",
    "issue",
    "ticket",
    "work_item",
    "workItem",
];
/// How deep an answer is looked into.
const DEPTH: usize = 4;
/// Issues of one answer.
const MOST: usize = 100;
/// Names by which an input says which issue is meant; the first are unambiguous.
const WHICH: [&str; 12] = [
    "issueIdOrKey",
    "issue_key",
    "issueKey",
    "ticket_id",
    "ticketId",
    "identifier",
    "key",
    "issue_id",
    "issueId",
    "issue_iid",
    "issue_number",
    "id",
];
/// Parts of an input that are no field of the issue.
const NO_FIELD: [&str; 13] = [
    "owner",
    "repo",
    "project_id",
    "projectId",
    "cloudId",
    "method",
    "number",
    "iid",
    "expand",
    "team",
    "teamId",
    "fields",
    "additional_fields",
];

/// A tool's name, taken apart.
struct Called {
    system: String,
    updates: bool,
    is_transition: bool,
}

pub(super) fn find(tool_name: &str, input: &Value, response: &Value) -> Vec<TicketFact> {
    let Some(called) = called(tool_name, input) else { return Vec::new() };
    if is_error(response) {
        return Vec::new();
    }
    let mut facts = Vec::new();
    for answer in answers(response) {
        match answer {
            Answer::Json(value) => {
                let issues = issues(&value, DEPTH);
                facts.extend(issues.into_iter().take(MOST).filter_map(|issue| called.fact(issue, input)));
            }
            Answer::Text(sentence) => facts.extend(called.told(&sentence)),
        }
    }
    // An update often answers with a word only; the input knew which one.
    if facts.is_empty() && called.updates {
        facts.extend(called.fact(&Map::new(), input));
    }
    facts
}

fn called(tool_name: &str, input: &Value) -> Option<Called> {
    let (server, tool) = tool_name.strip_prefix("mcp__")?.rsplit_once("__")?;
    let flat: String =
        tool.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if BESIDES.iter().any(|other| flat.contains(other)) {
        return None;
    }
    let is_transition = flat.contains("transition") && !flat.starts_with("get");
    let creates = CREATING.iter().any(|name| flat.contains(name));
    let updates = is_transition || UPDATING.iter().any(|name| flat.contains(name));
    let method = input.get("method").and_then(Value::as_str);
    let updates = match (flat.as_str(), method) {
        ("issuewrite", Some("create")) => false,
        ("issuewrite", Some("update")) => true,
        _ if flat.contains("saveissue") => input.get("id").is_some_and(|id| !id.is_null()),
        _ if creates || updates => !creates,
        _ => return None,
    };
    Some(Called { system: system(server), updates, is_transition })
}

fn system(server: &str) -> String {
    let flat = server.to_ascii_lowercase();
    let known = [
        ("github", "github"),
        ("gitlab", "gitlab"),
        ("atlassian", "jira"),
        ("jira", "jira"),
        ("linear", "linear"),
    ];
    known
        .iter()
        .find(|(part, _)| flat.contains(part))
        .map_or_else(|| server.to_owned(), |(_, name)| (*name).to_owned())
}

fn is_error(response: &Value) -> bool {
    ["isError", "is_error"].iter().any(|name| response.get(name) == Some(&Value::Bool(true)))
}

enum Answer {
    Json(Value),
    Text(String),
}

/// What the tool said, whichever way it is wrapped.
fn answers(response: &Value) -> Vec<Answer> {
    match response {
        Value::String(text) => vec![read(text)],
        Value::Array(blocks) if blocks.iter().any(is_block) => {
            blocks.iter().filter_map(|block| block.get("text")?.as_str()).map(read).collect()
        }
        Value::Object(object) => match object.get("content") {
            Some(content @ Value::Array(blocks)) if blocks.iter().any(is_block) => answers(content),
            _ => vec![Answer::Json(response.clone())],
        },
        other => vec![Answer::Json(other.clone())],
    }
}

fn is_block(block: &Value) -> bool {
    block.get("type").and_then(Value::as_str) == Some("text")
}

fn read(text: &str) -> Answer {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Answer::Json(value),
        _ => Answer::Text(text.to_owned()),
    }
}

/// The issues in an answer: the innermost of the known wrappings.
fn issues(value: &Value, depth: usize) -> Vec<&Map<String, Value>> {
    match value {
        Value::Array(all) if depth > 0 => all.iter().flat_map(|one| issues(one, depth - 1)).collect(),
        Value::Object(object) if is_failure(object) => Vec::new(),
        Value::Object(object) => {
            let lists = ["issues", "tickets"]
                .iter()
                .filter_map(|name| object.get(*name).filter(|list| list.is_array()));
            let single = INSIDE.iter().filter_map(|name| object.get(*name));
            let inside = lists.chain(single).find(|inner| inner.is_object() || inner.is_array());
            match inside {
                Some(inner) if depth > 0 => issues(inner, depth - 1),
                _ => vec![object],
            }
        }
        _ => Vec::new(),
    }
}

fn is_failure(object: &Map<String, Value>) -> bool {
    let told =
        |name: &str| object.get(name).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
    let lists = ["errors", "errorMessages"].iter().any(|name| {
        object.get(*name).is_some_and(|value| value.as_array().is_some_and(|list| !list.is_empty()))
    });
    told("error") || told("isError") || lists || object.get("success") == Some(&Value::Bool(false))
}

impl Called {
    fn fact(&self, issue: &Map<String, Value>, input: &Value) -> Option<TicketFact> {
        let url = ["html_url", "web_url", "webUrl", "browse_url", "url", "permalink"]
            .iter()
            .filter_map(|name| word(issue.get(*name)?))
            .find(|url| url.starts_with("https://") || url.starts_with("http://"));
        let mut fact =
            TicketFact::new(self.change(input), self.id(issue, url.as_deref(), input)?, &*self.system);
        fact.ticket.url = url;
        let own = |names: &[&str]| look(issue, names);
        // What a creation was asked for is what it made; an update's input may have been refused in part.
        let asked = |names: &[&str]| input.as_object().and_then(|input| look(input, names));
        let either = |names: &[&str]| own(names).or_else(|| asked(names));
        fact.ticket.title = either(&["title", "summary", "name", "subject"]);
        fact.ticket.priority = either(&["priority"]);
        fact.ticket.assigned_to = either(&["assignee", "assignees", "assigned_to"]);
        Some(fact)
    }

    fn id(&self, issue: &Map<String, Value>, url: Option<&str>, input: &Value) -> Option<String> {
        let of = |names: &[&str]| names.iter().find_map(|name| word(issue.get(*name)?));
        if let Some(id) =
            url.and_then(|url| tools::id_of(&self.system, url)).or_else(|| of(&["key", "identifier"]))
        {
            return Some(id);
        }
        if let Some(number) =
            of(&["number", "iid"]).or_else(|| input_word(input, &["issue_number", "issue_iid"]))
        {
            return Some(numbered(&number, input));
        }
        of(&["id", "ticket_id"]).or_else(|| self.updates.then(|| input_word(input, &WHICH)).flatten())
    }

    fn change(&self, input: &Value) -> Change {
        if !self.updates {
            return Change::Created;
        }
        if self.is_transition {
            return Change::Updated { changed: vec!["state".into()] };
        }
        let mut changed = Vec::new();
        let nested = ["fields", "additional_fields"].iter().filter_map(|name| input.get(*name)?.as_object());
        let names = input.as_object().into_iter().chain(nested).flat_map(Map::keys);
        for name in names.filter(|name| !WHICH.contains(&name.as_str()) && !NO_FIELD.contains(&name.as_str()))
        {
            let name = tools::field_name(name);
            if !changed.contains(&name) {
                changed.push(name);
            }
        }
        Change::Updated { changed }
    }

    /// `Created issue ENG-1: title`, said by a server that knows no JSON.
    fn told(&self, sentence: &str) -> Vec<TicketFact> {
        if self.updates { Vec::new() } else { text::find(&plain_lines(sentence), &self.system) }
    }
}

fn numbered(number: &str, input: &Value) -> String {
    let part = |names: &[&str]| input_word(input, names);
    match (part(&["owner"]), part(&["repo", "project_id", "projectId"])) {
        (Some(owner), Some(repo)) => format!("{owner}/{repo}#{number}"),
        (None, Some(repo)) => format!("{repo}#{number}"),
        _ => format!("#{number}"),
    }
}

fn input_word(input: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| word(input.get(*name)?))
}

/// A field by any of its names, here or among Jira's `fields`.
fn look(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let nested = object.get("fields").and_then(Value::as_object);
    [Some(object), nested]
        .into_iter()
        .flatten()
        .find_map(|place| names.iter().find_map(|name| word(place.get(*name)?)))
}

/// Text, a number, what an object calls itself, or the first of several.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => field(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(several) => match several.first()? {
            Value::Array(_) => None,
            first => word(first),
        },
        Value::Object(object) => {
            let names = ["name", "displayName", "display_name", "login", "username"];
            names.iter().find_map(|name| field(object.get(*name)?.as_str()?))
        }
        _ => None,
    }
}
