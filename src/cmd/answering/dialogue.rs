//! One question of claude's, asked on a terminal: what is shown, what a key does, and the answer in the end. No terminal
//! is touched here.

use super::keys::Key;
use crate::claude::permission::{Scope, scope};
use crate::cmd::permission::questions::{self, Question};
use crate::cmd::permission::{fields, sentence};
use crate::event::control::PermissionRequested;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Most characters of a typed answer.
const MAX_TEXT: usize = 4_000;

/// What follows from a key.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nothing is new, or only the last line.
    Stay,
    /// The next question of the same permission, with its lines.
    Next,
    /// It is decided; what a hub is asked, and the decision in a word.
    Decided(Value, &'static str),
    /// It is left to others.
    Skipped,
}

/// A question that is being asked.
#[derive(Debug)]
pub(super) struct Dialogue {
    asked: PermissionRequested,
    questions: Vec<Question>,
    /// By what names each question.
    answers: Map<String, Value>,
    /// Places of options that are chosen, of the question at hand.
    chosen: BTreeSet<usize>,
    /// What is being typed.
    text: Option<String>,
}

impl Dialogue {
    pub(super) fn new(asked: PermissionRequested) -> Self {
        let questions = questions::read(asked.questions.as_ref());
        Self { asked, questions, answers: Map::new(), chosen: BTreeSet::new(), text: None }
    }

    pub(super) fn id(&self) -> &str {
        &self.asked.permission_id
    }

    /// What stands above the last line, as it is: the caller makes it visible.
    pub(super) fn lines(&self) -> Vec<String> {
        match self.at_hand() {
            None => {
                let fields = fields::lines(&self.asked);
                [sentence(&self.asked)].into_iter().chain(fields).collect()
            }
            Some(question) => {
                let options = question.options.iter().enumerate();
                let options = options.map(|(place, option)| option.line(place + 1));
                [question.text.clone()].into_iter().chain(options).collect()
            }
        }
    }

    /// The last line, as it is.
    pub(super) fn prompt(&self) -> String {
        let Some(question) = self.at_hand() else {
            return self.permission_prompt();
        };
        if let Some(text) = &self.text {
            return format!("Enter ends it, Escape leaves it: {text}");
        }
        let count = question.options.len();
        let digits = match count {
            0 => String::new(),
            1 => "[1], ".to_owned(),
            _ => format!("[1-{count}], "),
        };
        let done = match self.chosen.iter().map(|place| (place + 1).to_string()).collect::<Vec<_>>() {
            _ if !question.several => String::new(),
            none if none.is_empty() => "several, then Enter, ".to_owned(),
            chosen => format!("Enter for {}, ", chosen.join(" and ")),
        };
        format!("{digits}{done}[t]ext, [d]eny, [s]kip? ")
    }

    fn permission_prompt(&self) -> String {
        let tool = &self.asked.tool_name;
        let not_whole = self.asked.not_whole();
        if !not_whole.is_empty() {
            let names = not_whole.join(", ");
            return format!("{tool}, not shown as it is ({names}): allow [u]nseen, [d]eny, [s]kip? ");
        }
        let always = match self.scope() {
            None => String::new(),
            Some(Scope::Command) => "a[l]ways this command in this session, ".into(),
            Some(Scope::Tool) => format!("a[l]ways any {tool} in this session, "),
        };
        format!("{tool}: [a]llow, [d]eny, {always}[s]kip? ")
    }

    /// How much "always" would allow; `None` where it cannot be said.
    fn scope(&self) -> Option<Scope> {
        scope(&self.asked.tool_name, &self.asked.tool_input).ok().filter(|_| self.is_whole())
    }

    fn is_whole(&self) -> bool {
        self.asked.not_whole().is_empty()
    }

    /// The question that needs an answer now; `None` where a permission is asked for.
    fn at_hand(&self) -> Option<&Question> {
        self.questions.iter().find(|question| !self.answers.contains_key(&question.key))
    }

    /// What these keys do. A decision is one key alone: what comes in a crowd was pasted, or typed for somebody else.
    pub(super) fn press(&mut self, keys: &[Key]) -> Step {
        if self.text.is_some() {
            return self.edit(keys);
        }
        let [key] = keys else { return Step::Stay };
        let decided = |decision: Value, word| Step::Decided(decision, word);
        match (key, self.at_hand().is_some()) {
            (Key::Char('d'), _) => decided(json!({ "decision": "deny" }), "deny"),
            (Key::Char('s'), _) => Step::Skipped,
            (Key::Char('a'), false) if self.is_whole() => decided(json!({ "decision": "allow" }), "allow"),
            (Key::Char('u'), false) if !self.is_whole() => {
                decided(json!({ "decision": "allow", "unseen": true }), "allow")
            }
            (Key::Char('l'), false) if self.scope().is_some() => {
                decided(json!({ "decision": "allow", "remember": true }), "always")
            }
            (Key::Char('t'), true) => {
                self.text = Some(String::new());
                Step::Stay
            }
            (Key::Char(digit @ '1'..='9'), true) => self.choose(*digit as usize - '1' as usize),
            (Key::Enter, true) => self.take_chosen(),
            _ => Step::Stay,
        }
    }

    fn choose(&mut self, place: usize) -> Step {
        let Some(question) = self.at_hand() else { return Step::Stay };
        let Some(option) = question.options.get(place) else { return Step::Stay };
        if !question.several {
            let label = option.label.clone().into();
            return self.answer(label);
        }
        if !self.chosen.remove(&place) {
            self.chosen.insert(place);
        }
        Step::Stay
    }

    fn take_chosen(&mut self) -> Step {
        if self.chosen.is_empty() {
            return Step::Stay;
        }
        let labels = self.chosen_labels();
        self.answer(labels.into())
    }

    fn chosen_labels(&self) -> Vec<String> {
        let options = self.at_hand().map_or(&[][..], |question| question.options.as_slice());
        self.chosen.iter().filter_map(|place| Some(options.get(*place)?.label.clone())).collect()
    }

    fn edit(&mut self, keys: &[Key]) -> Step {
        for key in keys {
            let Some(text) = &mut self.text else { return Step::Stay };
            match key {
                Key::Char(c) if text.chars().count() < MAX_TEXT => text.push(*c),
                Key::Backspace => drop(text.pop()),
                Key::Escape => self.text = None,
                Key::Enter if !text.trim().is_empty() => {
                    let typed = text.trim().to_owned();
                    self.text = None;
                    let mut all = self.chosen_labels();
                    all.push(typed);
                    return match all.as_slice() {
                        [one] => self.answer(one.as_str().into()),
                        _ => self.answer(all.into()),
                    };
                }
                Key::Char(_) | Key::Enter | Key::Other => {}
            }
        }
        Step::Stay
    }

    /// Answers the question at hand.
    fn answer(&mut self, answer: Value) -> Step {
        let Some(question) = self.at_hand().map(|question| question.key.clone()) else { return Step::Stay };
        self.answers.insert(question, answer);
        self.chosen.clear();
        match self.at_hand() {
            Some(_) => Step::Next,
            None => {
                let answers = std::mem::take(&mut self.answers);
                Step::Decided(json!({ "decision": "allow", "answers": answers }), "answered")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::answering::keys::Keys;

    fn dialogue(questions: &Value) -> Dialogue {
        let asked = json!({ "permission_id": "p", "tool_name": "Bash", "tool_input": { "command": "ls" },
            "agent": null, "suggestions": [], "questions": questions, "expires_at": null });
        Dialogue::new(serde_json::from_value(asked).unwrap())
    }

    fn asks_two() -> Dialogue {
        dialogue(&json!([
            { "question": "DB?", "options": [{ "label": "SQLite", "description": "a file" }, { "label": "PG" }] },
            { "question": "Caches?", "multiSelect": true, "options": [{ "label": "Redis" }, { "label": "Mem" }] },
        ]))
    }

    /// Each text is one read.
    fn typed(dialogue: &mut Dialogue, reads: &[&str]) -> Step {
        let mut keys = Keys::default();
        reads.iter().map(|read| dialogue.press(&keys.read(read.as_bytes()))).last().unwrap()
    }

    #[test]
    fn a_permission_is_decided_by_one_key_alone() {
        for (key, expected) in [
            ("a", Step::Decided(json!({ "decision": "allow" }), "allow")),
            ("d", Step::Decided(json!({ "decision": "deny" }), "deny")),
            ("l", Step::Decided(json!({ "decision": "allow", "remember": true }), "always")),
            ("s", Step::Skipped),
            ("aa", Step::Stay),
            ("allow\r", Step::Stay),
            ("A", Step::Stay),
            ("\r", Step::Stay),
            ("\x1b[a", Step::Stay),
            ("1", Step::Stay),
            ("t", Step::Stay),
        ] {
            assert_eq!(typed(&mut dialogue(&Value::Null), &[key]), expected, "{key:?}");
        }
    }

    #[test]
    fn what_is_not_shown_as_it_is_is_allowed_by_another_key() {
        for field in ["truncated", "redacted"] {
            let mut asked = json!({ "permission_id": "p", "tool_name": "Bash", "tool_input": { "command": "ls" },
                "agent": null, "suggestions": [], "questions": null, "expires_at": null });
            asked[field] = json!(["command"]);
            let mut dialogue = Dialogue::new(serde_json::from_value(asked).unwrap());
            assert!(dialogue.prompt().contains("not shown as it is (command): allow [u]nseen"));
            assert_eq!(typed(&mut dialogue, &["a", "l"]), Step::Stay);
            let allow = Step::Decided(json!({ "decision": "allow", "unseen": true }), "allow");
            assert_eq!(typed(&mut dialogue, &["u"]), allow);
        }
        assert_eq!(typed(&mut dialogue(&Value::Null), &["u"]), Step::Stay);
    }

    #[test]
    fn always_says_how_much_it_allows_and_is_not_offered_where_claude_would_take_it_for_more() {
        let prompt = |tool: &str, command: &str| {
            let asked = json!({ "permission_id": "p", "tool_name": tool, "tool_input": { "command": command },
                "agent": null, "suggestions": [], "questions": null, "expires_at": null });
            let mut dialogue = Dialogue::new(serde_json::from_value(asked).unwrap());
            (dialogue.prompt(), typed(&mut dialogue, &["l"]) != Step::Stay)
        };
        let (this, is_offered) = prompt("Bash", "ls");
        assert!(this.contains("a[l]ways this command in this session") && is_offered, "{this}");
        let (any, is_offered) = prompt("Write", "ls");
        assert!(any.contains("a[l]ways any Write in this session") && is_offered, "{any}");
        let (none, is_offered) = prompt("Bash", "cat *");
        assert!(!none.contains("ways") && !is_offered, "{none}");
    }

    #[test]
    fn digits_choose_and_every_question_is_asked() {
        let mut asks = asks_two();
        assert_eq!(asks.lines(), ["DB?", "   1) SQLite: a file", "   2) PG"]);
        assert_eq!(typed(&mut asks, &["a"]), Step::Stay, "a question cannot be allowed");
        assert_eq!(typed(&mut asks, &["3"]), Step::Stay);
        assert_eq!(typed(&mut asks, &["2"]), Step::Next);
        assert_eq!(asks.lines()[0], "Caches?");
        assert_eq!(typed(&mut asks, &["\r"]), Step::Stay, "nothing is chosen");
        assert_eq!(typed(&mut asks, &["2", "1", "2", "2"]), Step::Stay);
        assert_eq!(asks.prompt(), "[1-2], Enter for 1 and 2, [t]ext, [d]eny, [s]kip? ");
        let answers = json!({ "DB?": "PG", "Caches?": ["Redis", "Mem"] });
        let decided = Step::Decided(json!({ "decision": "allow", "answers": answers }), "answered");
        assert_eq!(typed(&mut asks, &["\r"]), decided);
    }

    #[test]
    fn an_answer_may_be_typed_and_edited() {
        let mut asks = asks_two();
        assert_eq!(typed(&mut asks, &["t", "x\x1b"]), Step::Stay);
        assert!(asks.prompt().starts_with("[1-2]"), "Escape leaves it");
        assert_eq!(typed(&mut asks, &["t", "\r", " dudÿ", "\x7f\x7f", "ü\x1b[A "]), Step::Stay);
        assert_eq!(asks.prompt(), "Enter ends it, Escape leaves it:  duü ");
        assert_eq!(typed(&mut asks, &["\r"]), Step::Next);
        let Step::Decided(request, _) = typed(&mut asks, &["1", "t", "own", "\r"]) else { panic!() };
        assert_eq!(request["answers"], json!({ "DB?": "duü", "Caches?": ["Redis", "own"] }));
    }
}
