//! `permissions`, `allow` and `deny`: what claude asks, and the answer to it.

pub(super) mod fields;
pub(super) mod questions;

use super::failure::{Exit, Failure};
use super::order::{Order, Telling};
use super::target::{self, Target};
use super::usage::quoted;
use super::{column, escape, note, output, runtime};
use crate::claude::permission::scope;
use crate::cli::{AllowOptions, DenyOptions, Format, PermissionsOptions, QuestionOptions};
use crate::client::{ClientError, Connection, Frame};
use crate::dialect::summary;
use crate::event::control::PermissionRequested;
use crate::event::{Timestamp, channel};
use crate::hub;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

const LISTING: &str = "list permissions of";

/// Runs `permissions`.
pub(super) fn list(options: &PermissionsOptions) -> anyhow::Result<ExitCode> {
    let target = target::resolve(&options.target, LISTING)?;
    let open = runtime()?.block_on(async {
        let mut connection = target.connect(LISTING).await?;
        let open = open_ones(&mut connection).await.map_err(|cause| target.failure(LISTING, &cause))?;
        connection.close().await;
        Ok::<_, anyhow::Error>(open)
    })?;
    let mut out = output::standard();
    match options.output {
        Format::Json => writeln!(out, "{}", escape::json_line(&open)?)?,
        Format::Text => lines(&open).iter().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    Ok(Exit::Ok.into())
}

/// What the hub's claude asks and waits for.
pub(super) async fn open_ones(connection: &mut Connection) -> Result<Vec<PermissionRequested>, ClientError> {
    let status = connection.request(json!({ "command": "get_status" })).await?;
    let asked = status.data().get("permissions").and_then(Value::as_array);
    let asked = asked.map(Vec::as_slice).unwrap_or_default();
    Ok(asked.iter().filter_map(|asked| serde_json::from_value(asked.clone()).ok()).collect())
}

/// The two commands that answer a `permission.requested`, as a shell takes them; none where it cannot be answered from
/// elsewhere, or no more.
pub(super) fn commands(label: &str, frame: &Frame) -> Vec<String> {
    let id = frame.text("permission_id");
    let until = frame.data().get("expires_at").and_then(Value::as_str).and_then(Timestamp::parse);
    let is_open = until.is_some_and(|until| until > hub::now());
    let hub = match frame.session_id().filter(|_| frame.came_over_uplink()) {
        Some(session) => format!("-i {}", quoted(session)),
        None if label.contains("://") => format!("--url {}", quoted(label)),
        None => format!("-i {}", quoted(label)),
    };
    // What is not shown as it is cannot be copied.
    let is_plain = !id.is_empty() && escape::visible(id) == id && escape::visible(&hub) == hub;
    let verbs: &[&str] = if is_open && is_plain { &["allow", "deny"] } else { &[] };
    verbs.iter().map(|verb| format!("claude-mpm {verb} {hub} {}", word(id))).collect()
}

/// Even one that begins with a dash is no option.
fn word(id: &str) -> String {
    if id.starts_with('-') { format!("-- {}", quoted(id)) } else { quoted(id) }
}

/// What is asked, in a sentence.
pub(super) fn sentence(asked: &PermissionRequested) -> String {
    summary::beside(channel::PERMISSION_REQUESTED, &json!(asked))
}

fn lines(open: &[PermissionRequested]) -> Vec<String> {
    let mut lines = Vec::new();
    for asked in open {
        let row = [vec![
            asked.permission_id.clone(),
            sentence(&PermissionRequested { permission_id: String::new(), ..asked.clone() })
                + where_else(asked),
        ]];
        lines.extend(column::align(&row));
        lines.extend(fields::lines(asked).iter().map(|line| escape::visible(line).into_owned()));
        let questions = questions::read(asked.questions.as_ref());
        lines.extend(questions::lines(&questions).iter().map(|line| format!("  {}", escape::visible(line))));
    }
    lines
}

fn where_else(asked: &PermissionRequested) -> &'static str {
    if asked.expires_at.is_none() { " [only claude's terminal can answer it]" } else { "" }
}

/// Runs `allow`.
pub(super) fn allow(options: &AllowOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    answer("allow", &options.question, quiet, |asked| {
        let mut request = json!({ "decision": "allow" });
        let questions = questions::read(asked.questions.as_ref());
        if !options.answers.is_empty() && questions.is_empty() {
            return Err("it asks for a permission, and takes no answer".to_owned());
        }
        if options.remember {
            scope(&asked.tool_name, &asked.tool_input)?;
            request["remember"] = true.into();
        }
        if options.unseen {
            request["unseen"] = true.into();
        }
        if let Some(input) = &options.input {
            request["updated_input"] = input.clone().into();
        } else if !questions.is_empty() {
            request["answers"] = questions::answers(&questions, &options.answers)?.into();
        }
        Ok(request)
    })
}

/// Runs `deny`.
pub(super) fn deny(options: &DenyOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    answer("deny", &options.question, quiet, |_| {
        let mut request = json!({ "decision": "deny" });
        if let Some(message) = &options.message {
            request["message"] = message.as_str().into();
        }
        if options.interrupt {
            request["interrupt"] = true.into();
        }
        Ok(request)
    })
}

/// Finds the question and gives it the answer that `request` makes of it.
fn answer(
    verb: &str,
    options: &QuestionOptions,
    quiet: bool,
    request: impl Fn(&PermissionRequested) -> Result<Value, String>,
) -> anyhow::Result<ExitCode> {
    let doing = format!("{verb} permission of");
    let target = target::resolve(&options.target, &doing)?;
    runtime()?.block_on(async {
        let mut connection = target.connect(&doing).await?;
        let open = open_ones(&mut connection).await.map_err(|cause| target.failure(&doing, &cause))?;
        let asked = choose(&open, options.id.as_deref())
            .map_err(|refusal| refusal.failure(&doing, &target, options.id.as_deref()))?;
        let request = request(asked).map_err(|cause| {
            let failure = Failure::new(Exit::Usage, format!("cannot {doing} {}: {cause}", target.label));
            hint_of(asked).into_iter().fold(failure, Failure::tip)
        })?;
        // Another one than was looked at before may be the only one by now.
        if options.id.is_none() && !quiet && options.output == Format::Text {
            note(&escape::visible(&sentence(asked)));
            fields::lines(asked).iter().for_each(|line| note(&escape::visible(line)));
        }
        let order = Order {
            doing: format!("{verb} permission {} of", asked.permission_id),
            request: respond(request, &asked.permission_id),
            patience: options.timeout,
            telling: Telling::new(options.output, quiet),
            tip: None,
        };
        order.carry_out_on(&mut connection, &target).await?;
        connection.close().await;
        Ok(Exit::Ok.into())
    })
}

/// The decision as a request.
pub(super) fn respond(mut decision: Value, id: &str) -> Value {
    decision["command"] = "respond_permission".into();
    decision["permission_id"] = id.into();
    decision
}

/// How the questions are answered, where there are some.
fn hint_of(asked: &PermissionRequested) -> Vec<String> {
    let questions = questions::read(asked.questions.as_ref());
    let Some(first) = questions.first() else { return Vec::new() };
    let example = first.options.first().map_or("TEXT", |option| option.label.as_str());
    let mut hints = vec![format!("--answer '1={example}', once for each question")];
    hints.extend(questions::lines(&questions));
    hints
}

/// Why no question is meant.
enum Refusal<'a> {
    None,
    Unknown(&'a [PermissionRequested]),
    Several(Vec<&'a PermissionRequested>),
}

/// The question with this id, or with this beginning of one; without, the only one that can be answered.
fn choose<'a>(
    open: &'a [PermissionRequested],
    id: Option<&str>,
) -> Result<&'a PermissionRequested, Refusal<'a>> {
    if let Some(exact) = open.iter().find(|asked| Some(asked.permission_id.as_str()) == id) {
        return Ok(exact);
    }
    let is_meant = |asked: &&PermissionRequested| match id {
        Some(id) => !id.is_empty() && asked.permission_id.starts_with(id),
        None => asked.expires_at.is_some(),
    };
    let found: Vec<_> = open.iter().filter(is_meant).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] if open.is_empty() => Err(Refusal::None),
        [] => Err(Refusal::Unknown(open)),
        _ => Err(Refusal::Several(found)),
    }
}

impl Refusal<'_> {
    fn failure(&self, doing: &str, target: &Target, id: Option<&str>) -> Failure {
        let failure = |exit, cause: &str| {
            let id = id.map_or_else(String::new, |id| format!(" {id:?}"));
            let doing = doing.replacen(" permission", &format!(" permission{id}"), 1);
            Failure::new(exit, format!("cannot {doing} {}: {cause}", target.label))
        };
        let named = |failure: Failure, asked: &PermissionRequested| {
            let only = where_else(asked);
            failure.tip(format!("{}{only}", sentence(asked)))
        };
        match self {
            Self::None => failure(Exit::Failed, "claude asks for nothing"),
            Self::Unknown(open) => {
                open.iter().fold(failure(Exit::Failed, "there is no such question, only:"), named)
            }
            Self::Several(found) => {
                found.iter().copied().fold(failure(Exit::Usage, "several are meant, so name one:"), named)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(ids: &[&str]) -> Vec<PermissionRequested> {
        let asked = |id: &&str| {
            json!({ "permission_id": id, "tool_name": "Bash", "tool_input": { "command": "ls" }, "agent": null,
                "suggestions": [], "questions": null, "expires_at": "2026-11-21T12:00:00.000Z" })
        };
        ids.iter().map(|id| serde_json::from_value(asked(id)).unwrap()).collect()
    }

    #[test]
    fn a_question_is_meant_by_its_id_its_beginning_or_by_being_the_only_one() {
        let (one, several) = (open(&["abc"]), open(&["abc", "abd", "ab"]));
        let chosen = |open: &[PermissionRequested], id| match choose(open, id) {
            Ok(asked) => asked.permission_id.clone(),
            Err(Refusal::None) => "none".into(),
            Err(Refusal::Unknown(_)) => "unknown".into(),
            Err(Refusal::Several(found)) => format!("{} of them", found.len()),
        };
        assert_eq!((chosen(&one, None), chosen(&several, None)), ("abc".into(), "3 of them".into()));
        assert_eq!(chosen(&several, Some("ab")), "ab", "whole ids are no beginnings");
        assert_eq!(
            (chosen(&several, Some("a")), chosen(&several, Some("abd"))),
            ("3 of them".into(), "abd".into())
        );
        assert_eq!(
            (chosen(&several, Some("x")), chosen(&several, Some(""))),
            ("unknown".into(), "unknown".into())
        );
        assert_eq!(chosen(&[], None), "none");
    }

    #[test]
    fn what_only_the_terminal_can_answer_is_not_chosen_by_itself() {
        let mut several = open(&["a", "b"]);
        several[0].expires_at = None;
        assert!(matches!(choose(&several, None), Ok(asked) if asked.permission_id == "b"));
    }

    #[test]
    fn the_commands_are_there_as_long_as_they_help() {
        let frame = |id: &str, until: &str, more: Value| {
            let mut frame = json!({ "type": "permission.requested", "session_id": "s1",
                "data": { "permission_id": id, "expires_at": until } });
            frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Frame::parse(frame.to_string().into()).unwrap()
        };
        let future = "2999-01-01T00:00:00.000Z";
        let asked = frame("p1", future, json!({}));
        assert_eq!(
            commands("web:1", &asked),
            ["claude-mpm allow -i web:1 p1", "claude-mpm deny -i web:1 p1"]
        );
        assert_eq!(commands("my web:1", &asked)[0], "claude-mpm allow -i 'my web:1' p1");
        assert_eq!(commands("ws://h:1", &asked)[1], "claude-mpm deny --url ws://h:1 p1");
        let relayed = frame("$(x)", future, json!({ "origin": {} }));
        assert_eq!(commands("hub:1", &relayed)[0], "claude-mpm allow -i s1 '$(x)'");
        let (late, hostile) =
            (frame("p1", "2020-01-01T00:00:00.000Z", json!({})), frame("p\n", future, json!({})));
        assert!(commands("web:1", &late).is_empty() && commands("web:1", &hostile).is_empty());
    }

    #[test]
    fn the_list_is_visible_text() {
        let mut asked = open(&["a\u{1b}"]).remove(0);
        asked.tool_name = "Bash\u{202e}\n".into();
        let lines = lines(&[asked]);
        assert_eq!(lines, [r"a\u{1b}  Claude asks for Bash\u{202e}\n: ls", "  command: ls"]);
    }
}
