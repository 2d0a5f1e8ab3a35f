//! What a control action is about, in a few words, for the audit log and the events. What is typed is not told; a question
//! is told of as everybody was told of it, without secrets.

use crate::control::{Answer, Command, Remember};
use crate::event::control::PermissionRequested;
use crate::hub::Hub;

/// Most characters of the input of a question.
const MAX_INPUT: usize = 160;

/// The words; `None` where there is nothing to say.
pub(super) fn of(command: &Command, hub: &Hub) -> Option<String> {
    match command {
        Command::SendInput(typing) => Some(format!("{} characters", typing.text.chars().count())),
        Command::SendKeys(keys) => Some(keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
        Command::Interrupt => None,
        Command::Stop { grace } | Command::Restart { grace } => Some(format!("grace {} s", grace.as_secs())),
        Command::Respond { permission_id, answer } => {
            let question = hub.question(permission_id);
            let tool = question.as_ref().map_or("", |question| question.tool_name.as_str());
            let what =
                question.as_ref().map_or_else(String::new, |question| format!(": {}", asked(question)));
            Some(format!("{} {permission_id}{what}", decision(answer, tool)))
        }
    }
}

fn decision(answer: &Answer, tool: &str) -> String {
    let Answer::Allow { updated_input, answers, remember, unseen } = answer else {
        let interrupts = matches!(answer, Answer::Deny { interrupt: true, .. });
        return if interrupts { "deny and interrupt".into() } else { "deny".into() };
    };
    let from_now_on = match remember {
        None => String::new(),
        Some(Remember::This) if tool == "Bash" => ", this command from now on,".into(),
        Some(Remember::This) => ", the tool with any input from now on,".into(),
        Some(Remember::Rules(rules)) => format!(", with {} rules from now on,", rules.len()),
    };
    let more = [
        (updated_input.is_some(), " with another input"),
        (answers.is_some(), " with answers"),
        (*unseen, " unseen"),
    ];
    let more: String = more.iter().filter(|(is_so, _)| *is_so).map(|(_, words)| *words).collect();
    format!("allow{more}{from_now_on}")
}

/// The tool, and the beginning of its input.
fn asked(question: &PermissionRequested) -> String {
    let input = question.tool_input.to_string();
    let end = input.char_indices().nth(MAX_INPUT).map_or(input.len(), |(at, _)| at);
    let more = if end < input.len() { "…" } else { "" };
    format!("{} {}{more}", question.tool_name, &input[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_said_how_much_is_allowed() {
        let allow = |remember, unseen| Answer::Allow { updated_input: None, answers: None, remember, unseen };
        for (answer, tool, expected) in [
            (allow(None, false), "Bash", "allow"),
            (allow(None, true), "Bash", "allow unseen"),
            (allow(Some(Remember::This), false), "Bash", "allow, this command from now on,"),
            (allow(Some(Remember::This), false), "Write", "allow, the tool with any input from now on,"),
            (Answer::Deny { message: None, interrupt: true }, "Bash", "deny and interrupt"),
        ] {
            assert_eq!(decision(&answer, tool), expected);
        }
    }

    #[test]
    fn a_question_is_named_by_its_tool_and_the_beginning_of_its_input() {
        let long = json!({ "permission_id": "p", "tool_name": "Bash", "tool_input": { "command": "é".repeat(500) },
            "agent": null, "suggestions": [], "questions": null, "expires_at": null });
        let said = asked(&serde_json::from_value(long).unwrap());
        assert!(said.starts_with(r#"Bash {"command":"é"#) && said.ends_with("é…"), "{said}");
        assert_eq!(said.chars().count(), MAX_INPUT + "Bash …".chars().count());
    }
}
