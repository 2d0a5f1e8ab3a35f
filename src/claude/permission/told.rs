//! Questions as those who answer were told of them: texts may have been cut, and secrets hidden. Claude knows only its own
//! words.

use super::Question;
use crate::control::Answer;
use crate::detect::redact::MARK;
use crate::event::control::{PermissionRequested, QUESTION_TOOL};
use serde_json::{Map, Value, json};

/// Whether whoever gives this answer has seen what it allows, or says that it does not matter.
pub(super) fn is_seen(answer: &Answer, shown: Option<&PermissionRequested>) -> Result<(), String> {
    let Answer::Allow { updated_input: None, answers: None, unseen: false, .. } = answer else {
        return Ok(());
    };
    let not_whole = shown.map_or(vec!["..."], PermissionRequested::not_whole);
    if not_whole.is_empty() {
        return Ok(());
    }
    Err(format!(
        "its input is not shown as it is ({}): look at claude's terminal, or say `unseen` (`claude-mpm allow --unseen`)",
        not_whole.join(", ")
    ))
}

/// What stands for a secret means nothing to claude: whoever sends it means the secret, and does not know it.
pub(super) fn has_nothing_hidden(original: &Value, given: &Value) -> Result<(), String> {
    let (original, given) = (original.to_string(), given.to_string());
    let mut marks = given.match_indices(MARK).map(|(at, _)| {
        let mark = &given[at..];
        &mark[..mark.find(']').map_or(mark.len(), |end| end + 1)]
    });
    match marks.find(|mark| !original.contains(mark)) {
        Some(mark) => Err(format!("{mark} stands for what is hidden, and would be taken as it is")),
        None => Ok(()),
    }
}

/// What was cut, sent back as it was shown, would be the whole of it.
pub(super) fn has_nothing_cut(shown: Option<&PermissionRequested>, given: &Value) -> Result<(), String> {
    let Some(shown) = shown else { return Ok(()) };
    let is_as_shown = |name: &&String| {
        let field = shown.tool_input.get(name.as_str());
        field.is_some() && field == given.get(name.as_str())
    };
    match shown.truncated.iter().find(is_as_shown) {
        Some(name) => Err(format!("{name} is cut as it is shown, and would be taken as it is")),
        None => Ok(()),
    }
}

/// The input of a question with the answers to it: by its text, as it was told or as it is, or by its number.
pub(super) fn with_answers(
    question: &Question,
    answers: &Map<String, Value>,
    shown: Option<&PermissionRequested>,
) -> Result<Value, String> {
    if question.tool != QUESTION_TOOL {
        return Err(format!("answers are for {QUESTION_TOOL}, and claude asks for {}", question.tool));
    }
    let asked = with_texts(question.input.get("questions"));
    let told = with_texts(shown.and_then(|shown| shown.questions.as_ref()));
    let mut given = Map::new();
    for (name, answer) in answers {
        let place = place(&asked, &told, name).ok_or_else(|| format!("claude does not ask {name:?}"))?;
        let (own, as_told) = (asked[place], told.get(place).copied());
        let words = words(answer, own, as_told).ok_or("an answer is a text, or a list of texts")?;
        if given.insert(text(own, "question").unwrap_or_default().to_owned(), words.into()).is_some() {
            return Err(format!("question {} has two answers", place + 1));
        }
    }
    let is_open = |own: &&Value| text(own, "question").is_some_and(|text| !given.contains_key(text));
    if let Some(place) = asked.iter().position(is_open) {
        let as_told = told.get(place).copied().unwrap_or(asked[place]);
        return Err(format!(
            "the question {:?} has no answer",
            text(as_told, "question").unwrap_or_default()
        ));
    }
    Ok(json!({ "questions": question.input.get("questions"), "answers": given }))
}

fn with_texts(questions: Option<&Value>) -> Vec<&Value> {
    let questions = questions.and_then(Value::as_array).into_iter().flatten();
    questions.filter(|question| text(question, "question").is_some()).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// Which question is meant. Of two with the same text as it was told, none is.
fn place(asked: &[&Value], told: &[&Value], name: &str) -> Option<usize> {
    let is_named = |question: &&Value| text(question, "question") == Some(name);
    let own = || asked.iter().position(is_named);
    let as_told = || {
        let mut places = (0..told.len().min(asked.len())).filter(|place| is_named(&told[*place]));
        places.next().filter(|_| places.next().is_none())
    };
    let number = || name.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < asked.len());
    own().or_else(as_told).or_else(number)
}

/// One answer as claude takes it; several are one text. An option is named in claude's own words.
fn words(answer: &Value, own: &Value, told: Option<&Value>) -> Option<String> {
    let label = |answer: &Value| Some(own_label(answer.as_str()?, own, told).to_owned());
    match answer {
        Value::String(_) => label(answer),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(label).collect();
            texts.map(|texts| texts.join(", "))
        }
        _ => None,
    }
}

fn own_label<'a>(answer: &'a str, own: &'a Value, told: Option<&Value>) -> &'a str {
    let own = labels(own);
    let told = told.map(labels).unwrap_or_default();
    let mut meant = (0..told.len()).filter(|place| told[*place] == answer);
    match (meant.next(), meant.next()) {
        (Some(place), None) if !own.contains(&answer) => own.get(place).copied().unwrap_or(answer),
        _ => answer,
    }
}

fn labels(question: &Value) -> Vec<&str> {
    let options = question.get("options").and_then(Value::as_array).into_iter().flatten();
    options.map(|option| text(option, "label").unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Hook;
    use super::*;

    fn question(questions: &Value) -> Question {
        let (hook, tool) = (Hook::PermissionRequest, QUESTION_TOOL.to_owned());
        Question { hook, tool, input: json!({ "questions": questions }) }
    }

    fn shown(more: &Value) -> PermissionRequested {
        let mut asked = json!({ "permission_id": "p", "tool_name": "Bash", "tool_input": { "command": "ls" },
            "agent": null, "suggestions": [], "questions": null, "expires_at": null });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(asked).unwrap()
    }

    #[test]
    fn what_was_not_shown_is_allowed_only_by_who_says_so() {
        let allow = |unseen, input: Option<Value>| Answer::Allow {
            updated_input: input.and_then(|input| input.as_object().cloned()),
            answers: None,
            remember: None,
            unseen,
        };
        let (whole, cut) = (shown(&json!({})), shown(&json!({ "truncated": ["command"] })));
        let hidden = shown(&json!({ "redacted": ["command"] }));
        assert_eq!(is_seen(&allow(false, None), Some(&whole)), Ok(()));
        for shown in [Some(&cut), Some(&hidden), None] {
            assert!(is_seen(&allow(false, None), shown).is_err_and(|reason| reason.contains("--unseen")));
            assert_eq!(is_seen(&allow(true, None), shown), Ok(()));
            assert_eq!(is_seen(&allow(false, Some(json!({ "command": "ls" }))), shown), Ok(()));
            assert_eq!(is_seen(&Answer::Deny { message: None, interrupt: false }, shown), Ok(()));
        }
    }

    #[test]
    fn a_question_is_answered_by_its_text_as_it_was_told_or_by_its_number() {
        let asks = question(&json!([
            { "question": "Use K1?", "options": [{ "label": "yes" }, { "label": "K2" }] },
            { "question": "Why?" },
        ]));
        let shown = shown(&json!({ "questions": [
            { "question": "Use [REDACTED:x]?", "options": [{ "label": "yes" }, { "label": "[REDACTED:x]" }] },
            { "question": "Why?" },
        ] }));
        let answered = |answers: &Value| {
            let given = with_answers(&asks, answers.as_object().unwrap(), Some(&shown))?;
            has_nothing_hidden(&asks.input, &given)?;
            Ok::<_, String>(given["answers"].clone())
        };
        for (answers, expected) in [
            (json!({ "Use [REDACTED:x]?": "yes", "Why?": "so" }), json!({ "Use K1?": "yes", "Why?": "so" })),
            (json!({ "1": "[REDACTED:x]", "2": "so" }), json!({ "Use K1?": "K2", "Why?": "so" })),
            (
                json!({ "Use K1?": ["yes", "[REDACTED:x]"], "2": "so" }),
                json!({ "Use K1?": "yes, K2", "Why?": "so" }),
            ),
        ] {
            assert_eq!(answered(&answers), Ok(expected));
        }
        for wrong in [
            json!({ "1": "yes" }),
            json!({ "1": "yes", "Use K1?": "no", "2": "so" }),
            json!({ "1": "yes", "3": "so" }),
            json!({ "1": "yes", "2": "because of [REDACTED:x]" }),
        ] {
            assert!(answered(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_cut_is_not_sent_back_as_if_it_were_whole() {
        let shown = shown(&json!({ "tool_input": { "a": "x", "b": 1 }, "truncated": ["a", "..."] }));
        for (given, is_right) in
            [(json!({ "a": "x", "b": 2 }), false), (json!({ "a": "y" }), true), (json!({ "b": 1 }), true)]
        {
            assert_eq!(has_nothing_cut(Some(&shown), &given).is_ok(), is_right, "{given}");
        }
    }

    #[test]
    fn what_stands_for_a_secret_is_not_taken_for_an_input() {
        let original = json!({ "command": "echo K1 # [REDACTED:y]" });
        for (given, is_right) in [
            (json!({ "command": "echo hi" }), true),
            (json!({ "command": "echo # [REDACTED:y]" }), true),
            (json!({ "command": "echo [REDACTED:x]" }), false),
            (json!({ "command": "echo", "[REDACTED:x]": 1 }), false),
        ] {
            assert_eq!(has_nothing_hidden(&original, &given).is_ok(), is_right, "{given}");
        }
    }
}
