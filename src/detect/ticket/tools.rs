//! The command lines of trackers that print a ticket's address: gh, glab, jira, linear; and which tools are known.
//!
//! The command says what was asked and with which title; the address in the output says that it happened.

use super::shell::{Invocation, UNKNOWN};
use super::{Change, TicketFact, field};
use regex::Regex;
use std::sync::LazyLock;

/// A tool, and how its commands are read.
struct Tool {
    programs: &'static [&'static str],
    system: &'static str,
    /// Options that take a value and have no other name; others are thought to take none.
    valued: &'static [&'static str],
    /// Short options and the long names they stand for.
    short: &'static [(&'static str, &'static str)],
    /// What follows the program, and the field it changes; an empty field says that the options tell.
    updating: &'static [(&'static str, &'static str)],
}

const TOOLS: [Tool; 4] = [
    Tool {
        programs: &["gh"],
        system: "github",
        valued: &[
            "title",
            "body",
            "body-file",
            "assignee",
            "label",
            "milestone",
            "project",
            "repo",
            "template",
            "recover",
            "add-assignee",
            "remove-assignee",
            "add-label",
            "remove-label",
            "add-project",
            "remove-project",
            "comment",
            "reason",
            "type",
            "parent",
        ],
        short: &[
            ("t", "title"),
            ("b", "body"),
            ("F", "body-file"),
            ("a", "assignee"),
            ("l", "label"),
            ("m", "milestone"),
            ("p", "project"),
            ("R", "repo"),
            ("T", "template"),
            ("c", "comment"),
            ("r", "reason"),
        ],
        updating: &[("edit", ""), ("close", "state"), ("reopen", "state")],
    },
    Tool {
        programs: &["glab"],
        system: "gitlab",
        valued: &[
            "title",
            "description",
            "assignee",
            "label",
            "unlabel",
            "milestone",
            "repo",
            "due-date",
            "weight",
            "epic",
            "linked-issues",
            "link-type",
            "template",
            "time-estimate",
            "time-spent",
        ],
        short: &[
            ("t", "title"),
            ("d", "description"),
            ("a", "assignee"),
            ("l", "label"),
            ("u", "unlabel"),
            ("m", "milestone"),
            ("R", "repo"),
            ("w", "weight"),
        ],
        updating: &[("update", ""), ("close", "state"), ("reopen", "state")],
    },
    Tool {
        programs: &["jira"],
        system: "jira",
        valued: &[
            "summary",
            "body",
            "priority",
            "assignee",
            "reporter",
            "label",
            "component",
            "fix-version",
            "affects-version",
            "parent",
            "type",
            "project",
            "custom",
            "template",
            "config",
            "comment",
            "resolution",
        ],
        short: &[
            ("s", "summary"),
            ("b", "body"),
            ("y", "priority"),
            ("a", "assignee"),
            ("r", "reporter"),
            ("l", "label"),
            ("C", "component"),
            ("P", "parent"),
            ("t", "type"),
            ("p", "project"),
            ("T", "template"),
            ("c", "config"),
        ],
        updating: &[("edit", ""), ("move", "state"), ("transition", "state"), ("assign", "assigned_to")],
    },
    Tool {
        programs: &["linear", "linear-cli"],
        system: "linear",
        valued: &[
            "title",
            "description",
            "assignee",
            "label",
            "priority",
            "project",
            "state",
            "team",
            "parent",
            "estimate",
            "due-date",
            "milestone",
            "cycle",
            "description-file",
        ],
        short: &[
            ("t", "title"),
            ("d", "description"),
            ("a", "assignee"),
            ("l", "label"),
            ("p", "parent"),
            ("s", "state"),
        ],
        updating: &[("update", "")],
    },
];

const AITRACKDOWN: [&str; 5] = ["aitrackdown", "aitrackdown-create", "ait", "atd", "ai-trackdown"];

/// An address alone on its line, or behind a word or two that say what it is.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\W*(?i:created|new|issue|ticket|url)\b[^:=]{0,40}[:=]\s*)?(https?://[^/\s@]+/\S+)$")
        .expect("it is tested")
});

static GITHUB: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^https?://[^/]+/([^/]+/[^/]+)/issues/([0-9]+)$").expect("it is tested"));
static GITLAB: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^https?://[^/]+/(.+?)/-/(?:issues|work_items|issues/incident)/([0-9]+)$")
        .expect("it is tested")
});
static JIRA: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^https?://.+/browse/([A-Z][A-Z0-9_]+-[0-9]+)$").expect("it is tested"));
static LINEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^https://linear\.app/[^/]+/issue/([A-Z][A-Z0-9]*-[0-9]+)(?:/[^/]*)?$").expect("it is tested")
});
/// `gh issue close` and `reopen` print no address (and this on stderr).
static CLOSED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\W*(?:Closed|Reopened) issue ([^/\s]+/[^/\s#]+#[0-9]+)(?: \((.*)\))?$")
        .expect("it is tested")
});

/// What one command asked for.
struct Asked {
    system: &'static str,
    change: Change,
    title: Option<String>,
    priority: Option<String>,
    assigned_to: Option<String>,
}

/// Every ticket whose address is in the output of a command that creates or changes some.
pub(super) fn find(invocations: &[Invocation], lines: &[String]) -> Vec<TicketFact> {
    let asked: Vec<_> = invocations.iter().filter_map(asked).collect();
    let mut facts: Vec<_> = TOOLS.iter().flat_map(|tool| of_tool(tool.system, &asked, lines)).collect();
    if asked.iter().any(|one| one.system == "github" && is_state(&one.change)) {
        facts.extend(lines.iter().filter_map(|line| closed(line)));
    }
    facts
}

/// Addresses belong to the commands in their order; where their numbers differ, nobody knows which is whose.
fn of_tool(system: &str, asked: &[Asked], lines: &[String]) -> Vec<TicketFact> {
    let prints = |one: &&Asked| one.system == system && !(system == "github" && is_state(&one.change));
    let asked: Vec<_> = asked.iter().filter(prints).collect();
    let urls: Vec<_> = lines.iter().filter_map(|line| address(system, line)).collect();
    let is_paired = asked.len() == urls.len();
    let fact = |(at, (id, url)): (usize, (String, String))| {
        let one = if is_paired { asked[at] } else { *asked.first()? };
        let knows = is_paired || asked.len() == 1;
        if !knows && asked.iter().any(|other| other.change != one.change) {
            return None;
        }
        let mut fact = TicketFact::new(one.change.clone(), id, system);
        fact.ticket.url = Some(url);
        if knows {
            fact.ticket.title.clone_from(&one.title);
            fact.ticket.priority.clone_from(&one.priority);
            fact.ticket.assigned_to.clone_from(&one.assigned_to);
        }
        Some(fact)
    };
    urls.into_iter().enumerate().filter_map(fact).collect()
}

/// The id in an address of the system, and the address.
fn address(system: &str, line: &str) -> Option<(String, String)> {
    let url = ADDRESS.captures(line)?.get(1)?.as_str();
    id_of(system, url).map(|id| (id, url.to_owned()))
}

/// The id that an address of the system names.
pub(super) fn id_of(system: &str, url: &str) -> Option<String> {
    let (regex, is_numbered) = match system {
        "github" => (&*GITHUB, true),
        "gitlab" => (&*GITLAB, true),
        "jira" => (&*JIRA, false),
        "linear" => (&*LINEAR, false),
        _ => return None,
    };
    let found = regex.captures(url)?;
    Some(if is_numbered { format!("{}#{}", &found[1], &found[2]) } else { found[1].to_owned() })
}

fn closed(line: &str) -> Option<TicketFact> {
    let found = CLOSED.captures(line)?;
    let mut fact = TicketFact::new(Change::Updated { changed: vec!["state".into()] }, &found[1], "github");
    fact.ticket.title = found.get(2).and_then(|title| field(title.as_str()));
    Some(fact)
}

fn is_state(change: &Change) -> bool {
    matches!(change, Change::Updated { changed } if changed[..] == ["state"])
}

fn tool_of(one: &Invocation) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.programs.contains(&one.program.as_str()))
}

/// Whether the program is a tracker's, whatever it was told to do.
pub(super) fn is_known(one: &Invocation) -> bool {
    tool_of(one).is_some() || is_aitrackdown(&one.program)
}

pub(super) fn is_aitrackdown(program: &str) -> bool {
    AITRACKDOWN.contains(&program)
}

/// The system, where the command is one that creates a ticket.
pub(super) fn speaks(one: &Invocation) -> Option<&'static str> {
    if is_aitrackdown(&one.program) {
        let creates =
            one.program.ends_with("create") || one.arguments.iter().take(2).any(|word| word == "create");
        return creates.then_some("aitrackdown");
    }
    asked(one).filter(|asked| asked.change == Change::Created).map(|asked| asked.system)
}

fn asked(one: &Invocation) -> Option<Asked> {
    let tool = tool_of(one)?;
    let (words, options) = tool.read(&one.arguments);
    let (["issue" | "issues" | "i", verb, ..] | ["incident", verb, ..]) = words[..] else { return None };
    if options.iter().any(|(name, _)| ["web", "help", "dry-run"].contains(&name.as_str())) {
        return None;
    }
    let value = |names: &[&str]| {
        let (_, value) = options.iter().find(|(name, _)| names.contains(&name.as_str()))?;
        value.filter(|value| !value.contains(UNKNOWN)).and_then(field)
    };
    let change = match tool.updating.iter().find(|(name, _)| *name == verb) {
        Some((_, "")) => Change::Updated { changed: changed(&options) },
        Some((_, name)) => Change::Updated { changed: vec![(*name).to_owned()] },
        None if ["create", "new"].contains(&verb) => Change::Created,
        None => return None,
    };
    Some(Asked {
        system: tool.system,
        change,
        title: value(&["title", "summary"]),
        priority: value(&["priority"]),
        assigned_to: value(&["assignee", "add-assignee"]),
    })
}

type Options<'a> = Vec<(String, Option<&'a str>)>;

impl Tool {
    /// Words that are no options, and options by their long names.
    fn read<'a>(&self, arguments: &'a [String]) -> (Vec<&'a str>, Options<'a>) {
        let (mut words, mut options) = (Vec::new(), Vec::new());
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let Some((name, value)) = self.option(argument) else {
                words.push(argument.as_str());
                continue;
            };
            let takes = value.is_none() && self.valued.contains(&name.as_str());
            let value = if takes { rest.next().map(String::as_str) } else { value };
            options.push((name, value));
        }
        (words, options)
    }

    /// `--name`, `--name=value`, `-n`, `-nvalue`; the long name, and the value where it is in the same word.
    fn option<'a>(&self, argument: &'a str) -> Option<(String, Option<&'a str>)> {
        if let Some(long) = argument.strip_prefix("--") {
            return Some(match long.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value)),
                None => (long.to_owned(), None),
            });
        }
        let short = argument.strip_prefix('-').filter(|short| !short.is_empty())?;
        let (letter, value) = short.split_at(short.chars().next()?.len_utf8());
        let long = self.short.iter().find(|(name, _)| *name == letter).map(|(_, long)| *long);
        let value = Some(value.strip_prefix('=').unwrap_or(value)).filter(|value| !value.is_empty());
        Some((long.unwrap_or(letter).to_owned(), value))
    }
}

/// The fields that options of an editing command change.
fn changed(options: &Options<'_>) -> Vec<String> {
    const NO_FIELD: [&str; 7] = ["repo", "no-input", "yes", "config", "project-path", "team", "plain"];
    let mut changed = Vec::new();
    for (option, _) in options.iter().filter(|(name, _)| !NO_FIELD.contains(&name.as_str())) {
        let bare = option.strip_prefix("add-").or(option.strip_prefix("remove-")).unwrap_or(option);
        let name = field_name(bare);
        if !changed.contains(&name) {
            changed.push(name);
        }
    }
    changed
}

/// One name for what every tracker calls otherwise; others stay.
pub(super) fn field_name(name: &str) -> String {
    match name {
        "summary" | "name" => "title",
        "assignee" | "assignees" | "unassign" | "assigneeId" | "assignee_id" | "assigned_to" => "assigned_to",
        "status" | "state" | "stateId" | "state_id" | "transition" | "transition_id" => "state",
        "label" | "unlabel" => "labels",
        "body" | "body-file" | "body_file" | "description-file" => "description",
        "project" => "projects",
        other => other,
    }
    .to_owned()
}
