//! What aitrackdown prints: a frame with a sentence and `ID: TSK-0001`, or one sentence.

use super::shell::Invocation;
use super::text::{add_details, detail};
use super::{Change, TicketFact, tools};
use regex::Regex;
use std::sync::LazyLock;

static DONE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\W*(?i:task|issue|epic|bug|ticket|story) (created|updated|resolved) successfully\W*$")
        .expect("it is tested")
});

static ENDED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\W*(?i:task|issue|epic|bug) ([A-Z][A-Z0-9]*-[0-9]+) (?:closed|reopened|completed) successfully\W*$",
    )
    .expect("it is tested")
});

static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[A-Z][A-Z0-9]*-[0-9]+$").expect("it is tested"));

/// Lines from the sentence to the id.
const BEHIND: usize = 4;

pub(super) fn find(invocations: &[Invocation], lines: &[String]) -> Vec<TicketFact> {
    if !invocations.iter().any(|one| tools::is_aitrackdown(&one.program)) {
        return Vec::new();
    }
    (0..lines.len()).filter_map(|number| done(&lines[number..]).or_else(|| ended(&lines[number]))).collect()
}

fn done(lines: &[String]) -> Option<TicketFact> {
    let found = DONE.captures(lines.first()?)?;
    let is_id = |(name, _): &(&str, &str)| name.rsplit(' ').next().is_some_and(|last| last == "ID");
    let behind = lines.iter().enumerate().skip(1).take(BEHIND);
    let (at, (_, id)) = behind
        .filter_map(|(at, line)| Some((at, detail(line)?)))
        .find(|(_, detail)| is_id(detail) && ID.is_match(detail.1))?;
    let change = match &found[1] {
        "created" => Change::Created,
        "resolved" => Change::Updated { changed: vec!["state".into()] },
        _ => Change::Updated { changed: applied(lines.get(at + 1)) },
    };
    let mut fact = TicketFact::new(change, id, "aitrackdown");
    add_details(&mut fact, &lines[at + 1..]);
    Some(fact)
}

/// `Updates applied: status, priority`
fn applied(line: Option<&String>) -> Vec<String> {
    match line.and_then(|line| detail(line)) {
        Some(("Updates applied", names)) => {
            let mut changed = Vec::new();
            for name in names.split(", ").filter(|name| *name != "metadata").map(tools::field_name) {
                if !changed.contains(&name) {
                    changed.push(name);
                }
            }
            changed
        }
        _ => Vec::new(),
    }
}

fn ended(line: &str) -> Option<TicketFact> {
    let found = ENDED.captures(line)?;
    Some(TicketFact::new(Change::Updated { changed: vec!["state".into()] }, &found[1], "aitrackdown"))
}
