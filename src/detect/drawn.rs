//! Facts from the lines a screen has settled on: the weakest source, asked only where no other has spoken.
//!
//! A line of prose can look like anything, so nothing is believed for its own looks: an agent is one when what claude
//! draws below it is drawn below agents alone, and a ticket counts in a command's output, never in the command or in
//! prose. What claude does not draw (todo lists, nested agents) is not guessed.

use super::observation::{AgentEnd, AgentFate, Call, Fact, Outcome, Return};
use regex::Regex;
use serde_json::json;
use std::sync::LazyLock;

/// Most agents that are open at once.
const MAX_OPEN: usize = 64;
/// What lines begin with that go on with what stands above.
const CONTINUED: &str = "     ";
/// Runs commands; its output stands below its line.
const SHELL: &str = "Bash";

/// `● engineer(Implement feature X)`, or a tool's line, which looks the same.
static ITEM: LazyLock<Regex> = LazyLock::new(|| pattern(r"^● ([A-Za-z][\w:-]*)\((.+)\)$"));
/// `  ⎿  what came of it`, in a tree behind a line
static BELOW: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\s│]+⎿\s+(.+)$"));
/// `   ├ engineer (Build part A) · 1 tool use`
static BRANCH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s+[├└]─?\s+([\w:-]+) \((.+)\)(?: · \d+ tool uses?.*)?$"));
static DONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Done(?: \((\d+) tool uses?|$)"));
static FINISHED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^● Agent "(.+)" finished"#));
static ALL_FINISHED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^● \d+ agents finished"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern that the tests compile")
}

/// What the lines so far have said.
#[derive(Debug, Default)]
pub struct Drawn {
    above: Above,
    open: Vec<Open>,
    /// Names and tasks of a tree that has ended: claude draws it once more as ended.
    ended: Vec<(String, String)>,
    count: u64,
}

/// What stands above the next line.
#[derive(Debug, Default)]
enum Above {
    /// Nothing that matters.
    #[default]
    Other,
    /// A name and words in brackets: an agent, perhaps.
    Item(String, String),
    /// An agent that is known: the last one opened.
    Agent(String),
    /// A command.
    Command,
    /// The output of a command.
    Output,
}

#[derive(Debug)]
struct Open {
    id: String,
    name: String,
    task: String,
    in_tree: bool,
}

impl Drawn {
    /// Takes the next settled line.
    pub fn line(&mut self, line: &str) -> Vec<Fact> {
        if !may_matter(line) && !line.starts_with(CONTINUED) {
            self.above = Above::Other;
            return Vec::new();
        }
        let line = line.replace('\u{a0}', " ");
        let mut facts = Vec::new();
        if let Some(found) = FINISHED.captures(&line) {
            self.finished(&found[1], &mut facts);
        } else if ALL_FINISHED.is_match(&line) {
            self.all_finished(&mut facts);
        } else if let Some(found) = ITEM.captures(&line) {
            self.above = match &found[1] {
                SHELL => Above::Command,
                name => Above::Item(name.to_owned(), found[2].to_owned()),
            };
        } else if let Some(found) = BRANCH.captures(&line) {
            self.branch(&found[1], &found[2], &mut facts);
        } else if let Some(found) = BELOW.captures(&line) {
            self.below(&found[1], &mut facts);
        } else if line.starts_with(CONTINUED) {
            if let Above::Output = self.above {
                self.printed(line.trim(), &mut facts);
            }
        } else {
            self.above = Above::Other;
        }
        facts
    }

    fn below(&mut self, text: &str, facts: &mut Vec<Fact>) {
        match std::mem::take(&mut self.above) {
            Above::Item(name, task) if is_agents(text) => {
                let id = self.start(&name, &task, false, facts);
                self.outcome(id, text, facts);
            }
            Above::Agent(id) => self.outcome(id, text, facts),
            Above::Command | Above::Output => self.printed(text, facts),
            other => self.above = other,
        }
    }

    /// What became of the agent above.
    fn outcome(&mut self, id: String, text: &str, facts: &mut Vec<Fact>) {
        if text.starts_with("Backgrounded agent") {
            let response = json!({ "status": "async_launched", "agentId": id });
            facts.push(returned(&id, Outcome::Ran(response)));
            return;
        }
        let outcome = match DONE.captures(text) {
            Some(done) => {
                let tools = done.get(1).and_then(|count| count.as_str().parse::<u64>().ok());
                Some(Outcome::Ran(json!({ "totalToolUseCount": tools })))
            }
            None if text.starts_with("Interrupted") => Some(Outcome::Rejected),
            None if text.starts_with("Error") => Some(Outcome::Failed(text.to_owned())),
            None => None,
        };
        match outcome {
            Some(outcome) => {
                self.open.retain(|open| open.id != id);
                facts.push(returned(&id, outcome));
            }
            None => self.above = Above::Agent(id),
        }
    }

    fn branch(&mut self, name: &str, task: &str, facts: &mut Vec<Fact>) {
        let is_it = |open: &&Open| open.in_tree && open.name == name && open.task == task;
        let known = self.open.iter().find(is_it).map(|open| open.id.clone());
        let ended = self.ended.iter().position(|(n, t)| n == name && t == task);
        self.above = match (known, ended) {
            (Some(id), _) => Above::Agent(id),
            (None, Some(place)) => {
                self.ended.remove(place);
                Above::Other
            }
            (None, None) => Above::Agent(self.start(name, task, true, facts)),
        };
    }

    fn start(&mut self, name: &str, task: &str, in_tree: bool, facts: &mut Vec<Fact>) -> String {
        self.count += 1;
        let id = format!("screen-{}", self.count);
        if self.open.len() >= MAX_OPEN {
            self.open.remove(0);
        }
        self.open.push(Open { id: id.clone(), name: name.into(), task: task.into(), in_tree });
        // Claude draws an agent that was called without a name as `Agent`.
        let agent = if name == "Agent" { None } else { Some(name) };
        let input = json!({ "subagent_type": agent, "description": task });
        facts.push(Fact::Called(Call { id: id.clone(), tool: "Agent".into(), input }));
        id
    }

    fn all_finished(&mut self, facts: &mut Vec<Fact>) {
        if self.open.iter().any(|open| open.in_tree) {
            self.ended.clear();
        }
        for open in self.open.extract_if(.., |open| open.in_tree) {
            facts.push(returned(&open.id, Outcome::Ran(json!({}))));
            self.ended.push((open.name, open.task));
        }
        self.above = Above::Other;
    }

    fn finished(&mut self, task: &str, facts: &mut Vec<Fact>) {
        if let Some(place) = self.open.iter().position(|open| open.task == task) {
            let id = self.open.remove(place).id;
            facts.push(Fact::AgentEnded(AgentEnd {
                agent_id: id.clone(),
                tool_use_id: Some(id),
                how: AgentFate::Completed,
                duration_ms: None,
                tokens: None,
                tool_uses: None,
            }));
        }
        self.above = Above::Other;
    }

    /// A line of a command's output.
    fn printed(&mut self, text: &str, facts: &mut Vec<Fact>) {
        self.above = Above::Output;
        self.count += 1;
        let id = format!("screen-{}", self.count);
        let call = Call { id: id.clone(), tool: SHELL.into(), input: json!({}) };
        let outcome = Outcome::Ran(json!({ "stdout": text }));
        facts.push(Fact::Returned(Return { id, call: Some(call), outcome, duration_ms: None }));
    }
}

/// Whether claude could have drawn an agent or an outcome so. Most lines of a busy terminal end here, unread.
fn may_matter(line: &str) -> bool {
    line.starts_with('●') || (line.starts_with([' ', '\u{a0}']) && line.contains(['⎿', '├', '└']))
}

/// Whether this stands below agents alone.
fn is_agents(text: &str) -> bool {
    text.starts_with("Initializing")
        || text.starts_with("Backgrounded agent")
        || text.starts_with("Error: Agent type")
        || DONE.is_match(text)
        || ITEM.is_match(&format!("● {text}"))
}

fn returned(id: &str, outcome: Outcome) -> Fact {
    Fact::Returned(Return { id: id.into(), call: None, outcome, duration_ms: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+agent task` for a start, `=id outcome` for an end, `$output` for a line of output.
    fn facts(lines: &str) -> Vec<String> {
        let mut drawn = Drawn::default();
        let show = |fact| match fact {
            Fact::Called(call) => format!("+{} {}", call.input["subagent_type"], call.input["description"]),
            Fact::Returned(Return { call: Some(_), outcome: Outcome::Ran(output), .. }) => {
                format!("${}", output["stdout"])
            }
            Fact::Returned(Return { id, outcome: Outcome::Ran(ran), .. }) => format!("={id} {ran}"),
            Fact::Returned(Return { id, outcome, .. }) => format!("={id} {outcome:?}"),
            Fact::AgentEnded(end) => format!("={} ended", end.agent_id),
            other => panic!("{other:?}"),
        };
        lines.lines().flat_map(|line| drawn.line(line)).map(show).collect()
    }

    #[test]
    fn an_agent_is_known_by_what_stands_below_it() {
        assert_eq!(
            facts("● engineer(Do it)\n  ⎿  Initializing…\n  ⎿  Bash(ls)\n     Running…\n"),
            [r#"+"engineer" "Do it""#]
        );
        assert_eq!(
            facts("● engineer(Do it)\n  ⎿  Done (1 tool use · 120 tokens · 0s)\n"),
            [r#"+"engineer" "Do it""#, r#"=screen-1 {"totalToolUseCount":1}"#]
        );
        assert_eq!(
            facts("● Agent(No type)\n  ⎿  Bash(sleep 9)\n     Running…\n  ⎿  Interrupted · What should\n"),
            [r#"+null "No type""#, "=screen-1 Rejected"]
        );
        assert_eq!(
            facts("● qa(T)\n  ⎿  Backgrounded agent (↓ to manage)\n● Agent \"T\" finished · 1s\n"),
            [
                r#"+"qa" "T""#,
                r#"=screen-1 {"status":"async_launched","agentId":"screen-1"}"#,
                "=screen-1 ended"
            ]
        );
    }

    #[test]
    fn a_tree_is_several_agents_however_often_it_is_drawn() {
        let tree = "● Running 2 agents… (ctrl+o to expand)\n   ├ engineer (A) · 0 tool uses\n   └ qa (B) · 0 tool uses\n   ├ engineer (A) · 1 tool use · 101 tokens\n● 2 agents finished (ctrl+o to expand)\n";
        let events = [r#"+"engineer" "A""#, r#"+"qa" "B""#, "=screen-1 {}", "=screen-2 {}"];
        assert_eq!(facts(tree), events);
        let ended = "● 2 agents finished (ctrl+o to expand)\n   ├ engineer (A) · 1 tool use\n   │ ⎿  Done\n   └ qa (B) · 1 tool use · 101 tokens\n     ⎿  Done\n";
        assert_eq!(facts(&format!("{tree}{ended}")), events, "drawn once more as ended");
        let done = |id| format!(r#"=screen-{id} {{"totalToolUseCount":null}}"#);
        assert_eq!(facts(ended), [events[0].to_owned(), done(1), events[1].to_owned(), done(2)]);
    }

    #[test]
    fn tools_and_prose_are_no_agents_and_only_output_is_read_for_tickets() {
        for lines in [
            "● Read(src/main.rs)\n  ⎿  Read 20 lines\n",
            "● engineer(looks like one)\n\n● and goes on\n",
            "● Created ticket FAKE-9: x\n",
            "  ⎿  Created ticket FAKE-8\n",
        ] {
            assert_eq!(facts(lines), [""; 0], "{lines}");
        }
        let bash = "● Bash(echo 'Created ticket A-1: x')\n  ⎿  Created ticket A-1: x\n     Created ticket A-2: y\nprose\n     Created ticket A-3: z\n";
        assert_eq!(facts(bash), [r#"$"Created ticket A-1: x""#, r#"$"Created ticket A-2: y""#]);
    }
}
