//! What claude asks where it wants an answer and not a permission (AskUserQuestion): its questions, their options, and
//! the answers as a hub takes them.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One question, in claude's own form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::cmd) struct Question {
    /// What it asks.
    #[serde(rename = "question")]
    pub(in crate::cmd) text: String,
    /// What names it in the answer: its text, or its number where another one has that text.
    #[serde(skip)]
    pub(in crate::cmd) key: String,
    /// The same in a word.
    #[serde(default)]
    pub(in crate::cmd) header: String,
    /// What can be chosen.
    #[serde(default)]
    pub(in crate::cmd) options: Vec<Choice>,
    /// More than one of them.
    #[serde(default, rename = "multiSelect")]
    pub(in crate::cmd) several: bool,
}

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::cmd) struct Choice {
    /// The answer.
    pub(in crate::cmd) label: String,
    /// What it means.
    #[serde(default)]
    pub(in crate::cmd) description: String,
}

/// The questions of a `permission.requested`; none where it asks for a permission.
pub(in crate::cmd) fn read(questions: Option<&Value>) -> Vec<Question> {
    let questions = questions.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |question: &Value| question.get("question").and_then(Value::as_str).map(str::to_owned);
    let texts: Vec<String> = questions.iter().filter_map(text).collect();
    let with_text = questions.iter().filter(|question| text(question).is_some()).enumerate();
    let read = |(place, question): (usize, &Value)| {
        let mut question = Question::deserialize(question).ok()?;
        // Where secrets are hidden, two may look the same.
        let is_only = texts.iter().filter(|text| **text == question.text).count() == 1;
        question.key = if is_only { question.text.clone() } else { (place + 1).to_string() };
        Some(question)
    };
    with_text.filter_map(read).collect()
}

/// The answers by the text of each question, out of `QUESTION=ANSWER` each.
///
/// # Errors
/// What is wrong with them, or missing.
pub(super) fn answers(asked: &[Question], given: &[String]) -> Result<Map<String, Value>, String> {
    let mut answers = Map::new();
    for text in given {
        let (question, answer) =
            split(asked, text).ok_or_else(|| format!("{text:?} names no question of it, or no answer"))?;
        match answers.get_mut(&question.key) {
            None => drop(answers.insert(question.key.clone(), answer.into())),
            Some(_) if !question.several => return Err(format!("{:?} takes one answer", question.text)),
            Some(Value::Array(several)) => several.push(answer.into()),
            Some(first) => *first = Value::Array(vec![first.take(), answer.into()]),
        }
    }
    match asked.iter().find(|question| !answers.contains_key(&question.key)) {
        Some(open) => Err(format!("{:?} needs an answer", open.text)),
        None => Ok(answers),
    }
}

/// At the first `=` before which a question stands: its text may hold some itself.
fn split<'a, 't>(asked: &'a [Question], given: &'t str) -> Option<(&'a Question, &'t str)> {
    let named = |(at, _): (usize, &str)| {
        let (name, answer) = (given[..at].trim(), given[at + 1..].trim());
        let number = name.parse::<usize>().ok().and_then(|number| asked.get(number.checked_sub(1)?));
        let by_text = asked.iter().find(|question| question.text == name);
        let by_header = || asked.iter().find(|question| !name.is_empty() && question.header == name);
        let question = by_text.or_else(by_header).or(number)?;
        (!answer.is_empty()).then_some((question, answer))
    };
    given.match_indices('=').find_map(named)
}

/// The questions with their options, a line each, as they are.
pub(in crate::cmd) fn lines(asked: &[Question]) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, question) in asked.iter().enumerate() {
        let several = if question.several { " (several may be chosen)" } else { "" };
        lines.push(format!("{}. {}{several}", place + 1, question.text));
        lines.extend(question.options.iter().enumerate().map(|(place, option)| option.line(place + 1)));
    }
    lines
}

impl Choice {
    /// With its number in front.
    pub(in crate::cmd) fn line(&self, number: usize) -> String {
        let means =
            if self.description.is_empty() { String::new() } else { format!(": {}", self.description) };
        format!("   {number}) {}{means}", self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked() -> Vec<Question> {
        read(Some(&json!([
            { "question": "a = b?", "header": "Sum", "options": [{ "label": "yes", "description": "it is" }] },
            { "question": "Which caches?", "header": "Caches", "multiSelect": true,
              "options": [{ "label": "Redis" }, { "label": "Mem" }] },
            { "header": "no question" },
        ])))
    }

    #[test]
    fn a_question_is_named_by_its_text_its_header_or_its_number() {
        for first in ["a = b?=yes", "Sum=yes", "1=yes", " 1 = yes"] {
            let given = [first, "Which caches?=Redis", "2=a=b"].map(String::from);
            let expected = json!({ "a = b?": "yes", "Which caches?": ["Redis", "a=b"] });
            assert_eq!(answers(&asked(), &given).map(Value::Object), Ok(expected), "{first}");
        }
    }

    #[test]
    fn two_that_look_the_same_are_named_by_their_numbers() {
        let same =
            read(Some(&json!([{ "question": "[x]?" }, { "question": "[x]?" }, { "question": "Why?" }])));
        let given = ["1=a", "2=b", "3=c"].map(String::from);
        let expected = json!({ "1": "a", "2": "b", "Why?": "c" });
        assert_eq!(answers(&same, &given).map(Value::Object), Ok(expected));
    }

    #[test]
    fn what_is_missing_or_too_much_is_said() {
        for (given, cause) in [
            (&["1=yes"][..], "\"Which caches?\" needs an answer"),
            (&["3=x"], "names no question"),
            (&["0=x"], "names no question"),
            (&["1="], "or no answer"),
            (&["x"], "or no answer"),
            (&["1=a", "1=b"], "takes one answer"),
        ] {
            let given: Vec<_> = given.iter().map(ToString::to_string).collect();
            let refused = answers(&asked(), &given).unwrap_err();
            assert!(refused.contains(cause), "{refused}");
        }
    }

    #[test]
    fn questions_are_lines_with_numbered_options() {
        let expected = ["1. a = b?", "   1) yes: it is", "2. Which caches? (several may be chosen)"];
        assert_eq!(lines(&asked())[..3], expected);
        assert_eq!((read(None), read(Some(&json!(7)))), (vec![], vec![]));
    }
}
