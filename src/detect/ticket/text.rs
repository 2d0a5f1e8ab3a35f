//! Lines by which any program may tell of a new ticket: `Created ticket: ABC-123: its title`, and details behind.
//!
//! The line has to say nothing else, and a program that only shows files or other people's text is not believed.

use super::shell::Invocation;
use super::{Change, TicketFact, field, tools};
use regex::Regex;
use std::sync::LazyLock;

static CREATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\W*(?i:created (?:ticket|issue|task|bug|story)):?\s+([A-Z][A-Z0-9]+-[0-9]+)(?:(?:\s*[:–—]|\s+-)\s*(.+))?$",
    )
    .expect("it is tested")
});

static DETAIL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\W*([A-Za-z][A-Za-z _-]{0,30}):\s*(.*)$").expect("it is tested"));

/// Lines behind a ticket that may be details of it.
const DETAILS: usize = 12;

/// Programs that show what stands elsewhere, or show nothing.
const SHOWING: [&str; 46] = [
    "cat",
    "bat",
    "less",
    "more",
    "head",
    "tail",
    "tac",
    "nl",
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "rg",
    "ag",
    "sed",
    "awk",
    "diff",
    "git",
    "hg",
    "ls",
    "find",
    "fd",
    "strings",
    "journalctl",
    "history",
    "man",
    "jq",
    "yq",
    "tee",
    "sort",
    "uniq",
    "wc",
    "cut",
    "tr",
    "column",
    "cd",
    "pwd",
    "true",
    "export",
    "set",
    "sleep",
    "wait",
    "curl",
    "wget",
    "test",
    "[",
];

/// The system that lines of this output are credited to; none where no program in it can have made a ticket.
pub(super) fn speaker(invocations: &[Invocation]) -> Option<&'static str> {
    if let Some(system) = invocations.iter().find_map(tools::speaks) {
        return Some(system);
    }
    let may_create = |one: &Invocation| !(SHOWING.contains(&one.program.as_str()) || tools::is_known(one));
    (invocations.is_empty() || invocations.iter().any(may_create)).then_some("text")
}

/// Every ticket that a line tells of.
pub(super) fn find(lines: &[String], system: &str) -> Vec<TicketFact> {
    let at = |number: usize| {
        let found = CREATED.captures(&lines[number])?;
        let mut fact = TicketFact::new(Change::Created, &found[1], system);
        fact.ticket.title = found.get(2).and_then(|title| field(title.as_str()));
        add_details(&mut fact, &lines[number + 1..]);
        Some(fact)
    };
    (0..lines.len()).filter_map(at).collect()
}

/// Takes over what the lines directly behind say, up to the first that is no detail.
pub(super) fn add_details(fact: &mut TicketFact, lines: &[String]) {
    for line in lines.iter().take(DETAILS) {
        if let Some(url) = line.strip_prefix("https://") {
            fact.ticket.url.get_or_insert(format!("https://{url}"));
            continue;
        }
        let Some((name, value)) = detail(line) else { return };
        let place = match name.to_ascii_lowercase().as_str() {
            "title" | "summary" => &mut fact.ticket.title,
            "priority" | "severity" => &mut fact.ticket.priority,
            "assigned to" | "assignee" | "assignees" => &mut fact.ticket.assigned_to,
            "url" | "link" => &mut fact.ticket.url,
            _ => continue,
        };
        if place.is_none() {
            *place = field(value).filter(|value| !["None", "Unassigned"].contains(&value.as_str()));
        }
    }
}

/// `Name: value`, inside a drawn frame or not.
pub(super) fn detail(line: &str) -> Option<(&str, &str)> {
    let found = DETAIL.captures(line.trim_end_matches(['│', '┃', '|', ' ']))?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str()))
}
