//! Events in the shape of requirement R4: HookEvent, alone and as a message.

use super::message::{Metadata, message};
use super::payload::Payload;
use crate::dialect::reply::json_bytes;
use crate::dialect::summary::sentence;
use crate::event::channel::Vocabulary;
use crate::event::talk::Role;
use crate::event::{Body, Epoch, Event, EventId, Origin, SCHEMA_VERSION, SessionId, Source, Timestamp};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// Who tells what is true now; [`Source::System`] on the wire.
const SYSTEM: &str = "system";
/// The application behind hooks of ours.
const CLAUDE_CODE: &str = "claude-code";
/// The application behind everything else that is ours.
pub(super) const CLAUDE_MPM: &str = "claude-mpm";

/// Requirement R4's HookEvent, and what we add to it behind `summary`.
#[derive(Debug, Serialize)]
pub(super) struct HookEvent<'a, P: Serialize> {
    pub(super) id: EventId,
    /// Unix milliseconds.
    pub(super) timestamp: i64,
    pub(super) source: &'a str,
    pub(super) session_id: &'a SessionId,
    pub(super) event_type: &'a str,
    pub(super) version: &'static str,
    pub(super) source_app: &'a str,
    pub(super) hook_event_type: &'a str,
    pub(super) payload: P,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chat: Option<Chat<'a>>,
    pub(super) summary: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<u64>,
    pub(super) epoch: &'a Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<&'a Origin>,
}

/// The conversation an event belongs to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Chat<'a> {
    /// As its publisher gave it.
    Given(&'a Value),
    /// What was just said.
    Said([ChatMessage<'a>; 1]),
}

#[derive(Debug, Serialize)]
pub(super) struct ChatMessage<'a> {
    role: Role,
    content: &'a str,
}

/// The message of an event, that is sent at `now`.
pub fn event(event: &Event, now: Timestamp) -> Vec<u8> {
    message("event", &hook_event(event), &Metadata::new(now, event.id))
}

/// The event alone, as it stands in an `initial`.
pub fn hook_event(event: &Event) -> Vec<u8> {
    let event_type = event.body.channel_in(Vocabulary::Envelope);
    let remarks = event.remarks.as_deref();
    let hook_event_type = remarks.and_then(|remarks| remarks.hook_event_type.as_deref());
    json_bytes(&HookEvent {
        id: event.id,
        timestamp: event.timestamp.as_millis(),
        source: event.source.as_str(),
        session_id: &event.session_id,
        event_type,
        version: SCHEMA_VERSION,
        source_app: remarks
            .and_then(|remarks| remarks.source_app.as_deref())
            .unwrap_or_else(|| application(event)),
        hook_event_type: hook_event_type.unwrap_or(event_type),
        payload: Payload::of(&event.body),
        chat: chat(event),
        summary: summary(event),
        seq: Some(event.seq),
        epoch: &event.epoch,
        origin: event.origin.as_ref(),
    })
}

impl<'a, P: Serialize> HookEvent<'a, P> {
    /// What is true now and no event: it has no number.
    pub(super) fn of_now(
        (id, now): (EventId, Timestamp),
        (session_id, epoch): (&'a SessionId, &'a Epoch),
        (event_type, summary): (&'a str, String),
        payload: P,
    ) -> Self {
        Self {
            id,
            timestamp: now.as_millis(),
            source: SYSTEM,
            session_id,
            event_type,
            version: SCHEMA_VERSION,
            source_app: CLAUDE_MPM,
            hook_event_type: event_type,
            payload,
            chat: None,
            summary: summary.into(),
            seq: None,
            epoch,
            origin: None,
        }
    }
}

fn application(event: &Event) -> &str {
    match (&event.source, &event.body) {
        (Source::Component(name), _) => name,
        (_, Body::Hook(_)) => CLAUDE_CODE,
        _ => CLAUDE_MPM,
    }
}

fn chat(event: &Event) -> Option<Chat<'_>> {
    if let Some(given) = event.remarks.as_ref().and_then(|remarks| remarks.chat.as_ref()) {
        return Some(Chat::Given(given));
    }
    let (role, content) = match &event.body {
        Body::Message(message) => (message.role, message.text.as_str()),
        Body::Hook(hook) if hook.name == "UserPromptSubmit" => {
            (Role::User, hook.data.get("prompt")?.as_str()?)
        }
        _ => return None,
    };
    Some(Chat::Said([ChatMessage { role, content }]))
}

fn summary(event: &Event) -> Cow<'_, str> {
    if let Some(given) = event.remarks.as_ref().and_then(|remarks| remarks.summary.as_deref()) {
        return given.into();
    }
    let kind = event.body.channel();
    match &event.body {
        Body::Hook(hook) => sentence(kind, &hook.data),
        Body::Published(published) => sentence(kind, &published.data),
        typed => {
            let data = serde_json::to_value(typed).unwrap_or_default();
            sentence(kind, data.as_object().unwrap_or(&serde_json::Map::new()))
        }
    }
    .into()
}
