//! Reads a Messages API request: which scenario it names and how far that has got. Pure; it keeps
//! no state between requests, so subagents, retries and resumed sessions cannot be mixed up.

use serde_json::Value;

const MARK: &str = "DEMO:";

/// What the answer to a request depends on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    /// The scenario that the newest marked user text names.
    pub(crate) scenario: Option<String>,
    /// The number of assistant turns after that text.
    pub(crate) turn: usize,
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Whether the model is offered tools. It is in a conversation, and is not in claude's side
    /// requests (a title for the session, a summary), which may quote the prompt.
    pub(crate) tools: bool,
    /// The newest thing in the background that claude has told the id of: an agent or a command.
    pub(crate) background: Option<String>,
}

impl Question {
    pub(crate) fn read(body: &Value) -> Self {
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let named = messages.iter().enumerate().rev().find_map(|(at, message)| {
            let name = name_in(message)?;
            Some((name.to_owned(), turns_in(&messages[at..])))
        });
        let (scenario, turn) = named.map_or((None, 0), |(name, turn)| (Some(name), turn));
        Self {
            scenario,
            turn,
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            stream: body["stream"].as_bool().unwrap_or(false),
            tools: body["tools"].as_array().is_some_and(|tools| !tools.is_empty()),
            background: messages.iter().rev().find_map(background_in),
        }
    }
}

fn turns_in(messages: &[Value]) -> usize {
    messages.iter().filter(|m| m["role"] == "assistant").count()
}

/// The last scenario that a user message names. Tool results are no user text: a command may print
/// anything.
fn name_in(message: &Value) -> Option<&str> {
    if message["role"] != "user" {
        return None;
    }
    match &message["content"] {
        Value::String(text) => name_in_text(text),
        Value::Array(blocks) => blocks
            .iter()
            .rev()
            .filter(|block| block["type"] == "text")
            .find_map(|block| name_in_text(block["text"].as_str()?)),
        _ => None,
    }
}

/// The id in a tool result that says what has been launched.
fn background_in(message: &Value) -> Option<String> {
    let mut newest_first = message["content"].as_array()?.iter().rev();
    newest_first.find_map(|block| match block["type"].as_str() {
        Some("tool_result") => background_in_text(&block["content"].to_string()),
        _ => None,
    })
}

fn background_in_text(text: &str) -> Option<String> {
    let after =
        ["in background with ID: ", "agentId: "].iter().find_map(|mark| Some(text.split_once(mark)?.1))?;
    let id: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
    (!id.is_empty()).then_some(id)
}

fn name_in_text(text: &str) -> Option<&str> {
    let (_, after) = text.rsplit_once(MARK)?;
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(after.len());
    (end > 0).then(|| &after[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn place(messages: Value) -> (Option<String>, usize) {
        let question = Question::read(&json!({ "model": "m", "messages": messages }));
        (question.scenario, question.turn)
    }

    fn user(content: impl Into<Value>) -> Value {
        json!({ "role": "user", "content": content.into() })
    }

    fn text(text: &str) -> Value {
        json!([{ "type": "text", "text": text }])
    }

    fn assistant() -> Value {
        json!({ "role": "assistant", "content": [] })
    }

    fn result(output: &str) -> Value {
        user(json!([{ "type": "tool_result", "tool_use_id": "t", "content": output }]))
    }

    #[test]
    fn a_prompt_names_its_scenario_and_the_turns_after_it_count() {
        let at = |turn| (Some("full".to_owned()), turn);
        assert_eq!(place(json!([user("DEMO:full, please")])), at(0));
        assert_eq!(place(json!([user(text("x DEMO:full"))])), at(0));
        let (ask, work) = (user("DEMO:full"), [assistant(), result("done")]);
        assert_eq!(place(json!([ask, work[0], work[1]])), at(1));
        assert_eq!(place(json!([ask, work[0], work[1], work[0], work[1]])), at(2));
    }

    #[test]
    fn the_newest_prompt_counts() {
        let conversation = json!([user("DEMO:hello"), assistant(), user("DEMO:sub-eng go")]);
        assert_eq!(place(conversation), (Some("sub-eng".to_owned()), 0));
    }

    #[test]
    fn what_a_tool_or_the_model_says_names_nothing() {
        let model = json!({ "role": "assistant", "content": text("DEMO:hello") });
        assert_eq!(place(json!([user("hi"), model, result("DEMO:full")])), (None, 0));
        assert_eq!(place(json!([user("DEMO: hi")])), (None, 0));
    }

    #[test]
    fn the_newest_thing_in_the_background_is_known_by_its_id() {
        let launched = |text: &str| {
            let body = json!({ "messages": [result("agentId: a1 (internal)"), assistant(), result(text), result("x")] });
            Question::read(&body).background
        };
        let shell = launched("Command running in background with ID: b2x. Output is being written");
        assert_eq!(shell.as_deref(), Some("b2x"));
        assert_eq!(launched("nothing").as_deref(), Some("a1"));
    }

    #[test]
    fn a_request_that_is_none_is_a_question_about_nothing() {
        assert_eq!(Question::read(&Value::Null).scenario, None);
    }
}
