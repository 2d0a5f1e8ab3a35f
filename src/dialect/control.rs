//! Requests to do something with claude, out of the fields of a message: the same on every dialect.

use super::fault::{Code, Fault};
use super::fields::{Fields, brief};
use super::request::needed;
use crate::control::{Answer, Command, Key, PermissionId, Remember, Typing};
use std::time::Duration;

/// Most keys of one request.
const MAX_KEYS: usize = 64;
/// Most bytes of what the model is told.
const MAX_MESSAGE: usize = 8 << 10;
/// Longest grace, seconds.
const MAX_GRACE: u64 = 600;
/// How long claude has to end where the request does not say, seconds.
const GRACE: u64 = 5;
/// Most rules of one answer.
const MAX_RULES: usize = 16;

/// Reads the command of that name; `None` where there is none of control.
pub(super) fn read(command: &str, fields: &Fields<'_>) -> Option<Result<Command, Fault>> {
    Some(match command {
        "send_input" => typing(fields).map(Command::SendInput),
        "send_keys" => keys(fields).map(Command::SendKeys),
        "interrupt" => Ok(Command::Interrupt),
        "stop" => grace(fields).map(|grace| Command::Stop { grace }),
        "restart" => grace(fields).map(|grace| Command::Restart { grace }),
        "respond_permission" => respond(fields),
        _ => return None,
    })
}

fn typing(fields: &Fields<'_>) -> Result<Typing, Fault> {
    let text = needed(fields, "text")?.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(odd) = text.chars().find(|c| c.is_control() && !"\n\t".contains(*c)) {
        let cause = format_args!("a control character, U+{:04X}: keys are for send_keys", u32::from(odd));
        return Err(Fault::parameter("text", cause));
    }
    let on = |name| fields.typed(name, "true or false");
    Ok(Typing {
        text,
        submit: on("submit")?.unwrap_or(true),
        raw: on("raw")?.unwrap_or(false),
        queue: on("queue")?.unwrap_or(false),
    })
}

fn keys(fields: &Fields<'_>) -> Result<Vec<Key>, Fault> {
    let names = fields.texts("keys")?.filter(|names| !names.is_empty());
    let names = names.ok_or_else(|| Fault::parameter("keys", "missing"))?;
    if names.len() > MAX_KEYS {
        return Err(Fault::parameter("keys", format_args!("more than {MAX_KEYS}")));
    }
    let key = |name: &String| {
        let wrong = |cause| Fault::parameter("keys", format_args!("{:?}: {cause}", brief(name)));
        name.parse::<Key>().map_err(wrong)
    };
    names.iter().map(key).collect()
}

fn grace(fields: &Fields<'_>) -> Result<Duration, Fault> {
    let seconds = fields.number("grace_seconds")?.unwrap_or(GRACE);
    if seconds > MAX_GRACE {
        return Err(Fault::parameter("grace_seconds", format_args!("more than {MAX_GRACE}")));
    }
    Ok(Duration::from_secs(seconds))
}

fn respond(fields: &Fields<'_>) -> Result<Command, Fault> {
    let permission_id: PermissionId = needed(fields, "permission_id")?.into();
    let message = fields.text("message")?.filter(|message| !message.is_empty());
    if message.as_ref().is_some_and(|message| message.len() > MAX_MESSAGE) {
        return Err(Fault::parameter("message", format_args!("longer than {MAX_MESSAGE} bytes")));
    }
    let only_with = |name: &str, decision: &str| match fields.raw(name) {
        Some(_) => Err(Fault::parameter(name, format_args!("only with the decision {decision:?}"))),
        None => Ok(()),
    };
    let answer = match needed(fields, "decision")?.as_str() {
        "allow" => {
            only_with("message", "deny")?;
            only_with("interrupt", "deny")?;
            Answer::Allow {
                updated_input: fields.typed("updated_input", "an object: the whole input")?,
                answers: fields.typed("answers", "an object: an answer by the text of each question")?,
                remember: remember(fields)?,
                unseen: fields.typed("unseen", "true or false")?.unwrap_or(false),
            }
        }
        "deny" => {
            ["updated_input", "answers", "remember", "unseen"]
                .iter()
                .try_for_each(|name| only_with(name, "allow"))?;
            Answer::Deny { message, interrupt: fields.typed("interrupt", "true or false")?.unwrap_or(false) }
        }
        _ => return Err(Fault::parameter("decision", "neither \"allow\" nor \"deny\"")),
    };
    Ok(Command::Respond { permission_id, answer })
}

/// `true`, or rules in claude's own form.
fn remember(fields: &Fields<'_>) -> Result<Option<Remember>, Fault> {
    const WANTED: &str = "true, or a list of rules in claude's own form";
    match fields.raw("remember").map(|raw| raw.get()) {
        None | Some("false") => Ok(None),
        Some("true") => Ok(Some(Remember::This)),
        Some(_) => {
            let rules: Option<Vec<_>> = fields.typed("remember", WANTED)?;
            let rules = rules.filter(|rules| (1..=MAX_RULES).contains(&rules.len()));
            let wrong =
                || Fault::new(Code::BadParameters, format_args!("cannot read remember: not {WANTED}"));
            rules.map(|rules| Some(Remember::Rules(rules))).ok_or_else(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::control::{Answer, Command, Key, Remember, Typing};
    use crate::dialect::{Dialect, Request};
    use serde_json::{Value, json};
    use std::time::Duration;

    fn read(dialect: Dialect, command: &str, parameters: &Value) -> Result<Command, &'static str> {
        let mut message = match dialect {
            Dialect::Classic => json!({ "command": command }),
            Dialect::Envelope => json!({ "type": command, "data": parameters }),
            Dialect::Monitor => json!({ "action": command }),
        };
        if dialect != Dialect::Envelope {
            let parameters = parameters.as_object().unwrap().clone();
            message.as_object_mut().unwrap().extend(parameters);
        }
        match dialect.decode(&message.to_string()) {
            Ok(call) => match call.request {
                Request::Control(command) => Ok(command),
                other => panic!("{other:?}"),
            },
            Err(fault) => Err(fault.code.as_str()),
        }
    }

    #[test]
    fn every_command_is_read_on_every_dialect() {
        let typing = |text: &str| Typing { text: text.into(), submit: true, raw: false, queue: false };
        let respond = |answer| Command::Respond { permission_id: "p".into(), answer };
        let grace = Duration::from_secs;
        for (command, parameters, expected) in [
            ("send_input", json!({ "text": "a\r\nb\rc" }), Command::SendInput(typing("a\nb\nc"))),
            (
                "send_input",
                json!({ "text": "x", "submit": false, "raw": true, "queue": true }),
                Command::SendInput(Typing { submit: false, raw: true, queue: true, ..typing("x") }),
            ),
            (
                "send_keys",
                json!({ "keys": ["Escape", "C-c"] }),
                Command::SendKeys(vec![Key::Escape, Key::Control(b'c')]),
            ),
            ("interrupt", json!({}), Command::Interrupt),
            ("stop", json!({}), Command::Stop { grace: grace(5) }),
            ("stop", json!({ "grace_seconds": 0 }), Command::Stop { grace: grace(0) }),
            ("restart", json!({ "grace_seconds": 600 }), Command::Restart { grace: grace(600) }),
            (
                "respond_permission",
                json!({ "permission_id": "p", "decision": "allow", "remember": true, "updated_input": { "a": 1 }, "unseen": true }),
                respond(Answer::Allow {
                    updated_input: json!({ "a": 1 }).as_object().cloned(),
                    answers: None,
                    remember: Some(Remember::This),
                    unseen: true,
                }),
            ),
            (
                "respond_permission",
                json!({ "permission_id": "p", "decision": "deny", "message": "no", "interrupt": true }),
                respond(Answer::Deny { message: Some("no".into()), interrupt: true }),
            ),
        ] {
            for dialect in [Dialect::Classic, Dialect::Envelope, Dialect::Monitor] {
                assert_eq!(read(dialect, command, &parameters), Ok(expected.clone()), "{parameters}");
            }
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let long = "x".repeat(9 << 10);
        for (command, parameters) in [
            ("send_input", json!({})),
            ("send_input", json!({ "text": "" })),
            ("send_input", json!({ "text": 7 })),
            ("send_input", json!({ "text": "a\u{1b}[201~" })),
            ("send_input", json!({ "text": "a\u{0}" })),
            ("send_input", json!({ "text": "a\u{9b}1m" })),
            ("send_input", json!({ "text": "a", "submit": "yes" })),
            ("send_keys", json!({})),
            ("send_keys", json!({ "keys": [] })),
            ("send_keys", json!({ "keys": ["!"] })),
            ("send_keys", json!({ "keys": vec!["Up"; 65] })),
            ("stop", json!({ "grace_seconds": -1 })),
            ("stop", json!({ "grace_seconds": 601 })),
            ("restart", json!({ "grace_seconds": "5" })),
            ("respond_permission", json!({ "decision": "allow" })),
            ("respond_permission", json!({ "permission_id": "p" })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "yes" })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "allow", "message": "m" })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "deny", "answers": {} })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "deny", "unseen": true })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "allow", "unseen": 1 })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "deny", "message": long })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "allow", "updated_input": [] })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "allow", "remember": [] })),
            ("respond_permission", json!({ "permission_id": "p", "decision": "allow", "remember": "x" })),
        ] {
            for dialect in [Dialect::Classic, Dialect::Envelope, Dialect::Monitor] {
                assert_eq!(read(dialect, command, &parameters), Err("REQ002"), "{command} {parameters}");
            }
        }
    }
}
