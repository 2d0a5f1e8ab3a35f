//! Secrets go no further than here: every event and note loses them before it is in the log. What an event tells is bounded
//! as a whole behind that.
//!
//! What a secret looks like is [`crate::detect::redact`]'s matter. Here stands which texts are looked at, what of a stream
//! is looked at together, and which rules are in force.

use super::Hub;
use crate::detect::cut::TRUNCATED;
use crate::detect::redact::{Flow, Redactor};
use crate::detect::whole;
use crate::event::body::{MAX_TEXT_BYTES, Output, SessionEnd, SessionStart, Stream};
use crate::event::control::PermissionRequested;
use crate::event::published::{Published, Remarks};
use crate::event::talk::Hook;
use crate::event::{Body, Draft, Epoch, Event, SessionId, Source, channel, cut_text, texts_of};
use crate::status::Note;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Streams that are followed at once; the one of which nothing came for longest is forgotten.
const MAX_FLOWS: usize = 64;
/// Where texts are cut, bytes: one of about such a length may end within a secret.
const CUTS: [usize; 2] = [4 << 10, MAX_TEXT_BYTES];

/// Stands for a name with a secret in it.
const HIDDEN_NAME: &str = "redacted";

/// The rules in force. Clones share them.
#[derive(Debug, Clone)]
pub struct Rules(Arc<RwLock<Arc<Redactor>>>);

impl Default for Rules {
    /// What is known without being told is hidden.
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Redactor::standard()))))
    }
}

impl Rules {
    /// These are in force from now on.
    pub fn replace(&self, redactor: Redactor) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(redactor);
    }

    /// Those in force now.
    pub fn now(&self) -> Arc<Redactor> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a hub hides.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    rules: Rules,
    lines: Flows<(SessionId, Source, Stream)>,
    messages: Flows<(SessionId, String)>,
}

/// The streams in which a secret may have begun.
#[derive(Debug)]
struct Flows<K> {
    flows: Mutex<VecDeque<(K, Flow)>>,
    /// How many there are: where there is none, a line without a mark needs no lock.
    count: AtomicUsize,
}

impl<K> Default for Flows<K> {
    fn default() -> Self {
        Self { flows: Mutex::default(), count: AtomicUsize::new(0) }
    }
}

impl Hub {
    /// What is hidden.
    pub fn rules(&self) -> &Rules {
        &self.shared.redaction.rules
    }

    /// Whether there is a secret in a name, which cannot be hidden because others know the named by it.
    pub fn finds_secret(&self, name: &str) -> bool {
        self.shared.redaction.finds(name)
    }

    pub(super) fn clean_draft(&self, draft: &mut Draft) {
        let session_id = draft.session_id.as_ref().unwrap_or(&self.shared.session_id);
        self.shared.redaction.clean(session_id, &draft.source, &mut draft.body);
        self.shared.redaction.remarks(draft.remarks.as_deref_mut());
        whole::bound(&mut draft.body, draft.remarks.as_deref_mut());
    }

    /// The instance may hide less than this hub; names it has taken in are names of others here. Its epoch and the
    /// session of its uplink have none: such an uplink is not let in.
    pub(super) fn clean_event(&self, event: &mut Event) {
        let redaction = &self.shared.redaction;
        redaction.clean(&event.session_id, &event.source, &mut event.body);
        redaction.remarks(event.remarks.as_deref_mut());
        if let Source::Component(name) = &mut event.source {
            redaction.clean_text(name);
        }
        match &mut event.body {
            Body::Published(published) if redaction.finds(&published.channel) => {
                published.channel = HIDDEN_NAME.into();
            }
            Body::Hook(hook) if redaction.finds(&hook.channel) => {
                *hook = Hook::of_type(channel::hook(HIDDEN_NAME), std::mem::take(&mut hook.data));
            }
            _ => {}
        }
        redaction.clean_id(&mut event.session_id);
        if let Some(origin) = event.origin.as_mut().filter(|origin| redaction.finds(origin.epoch.as_str())) {
            origin.epoch = Epoch::new(HIDDEN_NAME);
        }
        whole::bound(&mut event.body, event.remarks.as_deref_mut());
    }
}

impl Redaction {
    pub(super) fn with(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Takes the secrets out of what a source says of a session.
    pub(super) fn clean(&self, session: &SessionId, source: &Source, body: &mut Body) {
        let redactor = self.rules.now();
        if redactor.is_none() {
            return;
        }
        match body {
            Body::Output(output) => return self.output(&redactor, session, source, output),
            Body::Hook(hook) => self.shown(&redactor, session, hook),
            Body::SessionStart(SessionStart { session_id, .. })
            | Body::SessionEnd(SessionEnd { session_id, .. }) => self.clean_id(session_id),
            _ => {}
        }
        let mut asked_for = None;
        match body {
            Body::Hook(Hook { data, .. }) | Body::Published(Published { data, .. }) => {
                clean_cut(&redactor, &names_of_cut(data), data);
            }
            Body::PermissionRequested(PermissionRequested { tool_input, truncated, .. }) => {
                asked_for = Some(tool_input.clone());
                if let Value::Object(input) = tool_input {
                    clean_cut(&redactor, truncated, input);
                }
            }
            _ => {}
        }
        body.visit_texts(&mut |text| clean_text(&redactor, text, false));
        if let (Some(before), Body::PermissionRequested(asked)) = (asked_for, body) {
            name_hidden(&before, asked);
        }
    }

    fn remarks(&self, remarks: Option<&mut Remarks>) {
        if let Some(remarks) = remarks {
            remarks.visit_texts(&mut |text| self.clean_text(text));
        }
    }

    /// Takes the secrets out of a text that stands for itself.
    fn clean_text(&self, text: &mut String) {
        clean_text(&self.rules.now(), text, false);
    }

    fn clean_id(&self, id: &mut SessionId) {
        if self.finds(id.as_str()) {
            *id = SessionId::new(HIDDEN_NAME);
        }
    }

    /// Whether there is one in it.
    fn finds(&self, text: &str) -> bool {
        self.rules.now().redacted(text).is_some()
    }

    pub(super) fn note(&self, mut note: Note) -> Note {
        match &mut note {
            Note::Source(_, _, Some(text)) | Note::ClaudeSession(text) => self.clean_text(text),
            Note::Host(info, _) => info.visit_texts(&mut |text| self.clean_text(text)),
            Note::Source(..) | Note::Begun | Note::Over(_) => {}
        }
        note
    }

    /// A line; a secret may have begun in the one before.
    fn output(&self, redactor: &Redactor, session: &SessionId, source: &Source, output: &mut Output) {
        let text = &mut output.content;
        if self.lines.count.load(Relaxed) > 0 || Flow::may_begin(redactor, text) {
            let before = text.len();
            let key = (session.clone(), source.clone(), output.stream);
            self.lines.piece(redactor, (key, Flow::of_lines), text);
            output.truncated |= bound(before, text);
        } else if redactor.has_patterns() {
            clean_text(redactor, text, false);
        }
        if output.truncated {
            clean_text(redactor, &mut output.content, true);
        }
    }

    /// A piece of a message that claude writes; a secret may go over several.
    fn shown(&self, redactor: &Redactor, session: &SessionId, hook: &mut Hook) {
        let message = hook.data.get("message_id").and_then(Value::as_str).map(str::to_owned);
        let is_final = hook.data.get("final") == Some(&Value::Bool(true));
        let (Some(message), Some(Value::String(delta))) = (message, hook.data.get_mut("delta")) else {
            return;
        };
        let key = (session.clone(), message);
        self.messages.piece(redactor, (key.clone(), Flow::of_text), delta);
        if is_final {
            self.messages.forget(&key);
        }
    }
}

impl<K: PartialEq> Flows<K> {
    /// The next piece of this stream; where nothing is known of it, it is followed as `new` does.
    fn piece(&self, redactor: &Redactor, (key, new): (K, fn() -> Flow), text: &mut String) {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        let place = flows.iter().position(|(known, _)| *known == key);
        let (key, mut flow) = place.and_then(|place| flows.remove(place)).unwrap_or_else(|| (key, new()));
        if let Some(shown) = flow.piece(redactor, text) {
            *text = shown;
        }
        if !flow.is_idle() {
            if flows.len() >= MAX_FLOWS {
                flows.pop_front();
            }
            flows.push_back((key, flow));
        }
        self.count.store(flows.len(), Relaxed);
    }

    fn forget(&self, key: &K) {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        flows.retain(|(known, _)| known != key);
        self.count.store(flows.len(), Relaxed);
    }
}

/// Says in which fields of its input something is hidden: that runs all the same.
fn name_hidden(before: &Value, asked: &mut PermissionRequested) {
    for name in changed(before, &asked.tool_input) {
        if !asked.redacted.contains(&name) {
            asked.redacted.push(name);
        }
    }
}

/// Names of the fields that are not as they were; they stand in the same order.
fn changed(before: &Value, after: &Value) -> Vec<String> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let both = before.iter().zip(after);
            both.filter(|(before, after)| before != after).map(|(_, (name, _))| name.clone()).collect()
        }
        _ if before == after => Vec::new(),
        _ => vec!["...".into()],
    }
}

fn clean_text(redactor: &Redactor, text: &mut String, is_cut: bool) {
    let is_cut = is_cut || CUTS.iter().any(|cut| (cut.saturating_sub(4)..=*cut).contains(&text.len()));
    let shown = if is_cut { redactor.redacted_cut(text) } else { redactor.redacted(text) };
    if let Some(shown) = shown {
        let before = std::mem::replace(text, shown).len();
        bound(before, text);
    }
}

/// The fields of which it is said that they were cut.
fn names_of_cut(data: &Map<String, Value>) -> Vec<String> {
    let names = data.get(TRUNCATED).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).filter(|name| *name != TRUNCATED).map(str::to_owned).collect()
}

/// Of these fields, which were cut: one of their texts may end within a secret.
fn clean_cut(redactor: &Redactor, names: &[String], data: &mut Map<String, Value>) {
    for name in names {
        if let Some(value) = data.get_mut(name) {
            texts_of(value, &mut |text| clean_text(redactor, text, true));
        }
    }
}

/// What stands in the place of short secrets is longer than they; the bound of a text stays. Whether it was cut.
fn bound(before: usize, text: &mut String) -> bool {
    cut_text(text, MAX_TEXT_BYTES.max(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_question_says_in_which_fields_something_is_hidden() {
        let secret = format!("ghp_{}", "4bZ9".repeat(9));
        let asked = json!({ "permission_id": "p", "tool_name": "Bash", "agent": null, "suggestions": [],
            "tool_input": { "command": format!("echo {secret}"), "timeout": 1, "env": { "a": secret } },
            "questions": null, "expires_at": null });
        let mut body = Body::PermissionRequested(serde_json::from_value(asked).unwrap());
        // A hub that is told by another finds nothing more.
        for _ in 0..2 {
            Redaction::default().clean(&SessionId::new("s"), &Source::Hook, &mut body);
            let Body::PermissionRequested(asked) = &body else { panic!() };
            assert_eq!(asked.redacted, ["command", "env"]);
            assert!(!asked.tool_input.to_string().contains("4bZ9"), "{asked:?}");
        }
    }
}
