//! What claude says: messages put together and told once, tokens counted once, changes of the model.
//!
//! Sources share no ids of messages. The n-th time a source says a text is the same message as the n-th time another
//! source says it.

use super::telling::{FactKind, Telling};
use crate::detect::observation::{Agent, Shown};
use crate::event::Source;
use crate::event::body::{Body, MAX_TEXT_BYTES};
use crate::event::talk::{Message, ModelSwitch, Role, Usage};
use std::collections::{HashMap, HashSet, VecDeque};

/// Most different texts that are remembered.
const MAX_TEXTS: usize = 1024;
/// Most messages that are being put together at once.
const MAX_PARTS: usize = 64;
/// Most answers that are remembered.
const MAX_ANSWERS: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Talk {
    texts: HashMap<Spoken, Times>,
    order: VecDeque<Spoken>,
    parts: VecDeque<Part>,
    /// Messages by the ids that each source gives them.
    heard: Remembered,
    counted: Remembered,
    answered: Remembered,
    model: Option<String>,
    told: u64,
}

/// A message that is being put together.
#[derive(Debug)]
struct Part {
    message_id: String,
    text: String,
    /// The number of the piece that comes next; `None` once one was lost.
    next: Option<u64>,
}

/// A text and who said it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spoken {
    role: Role,
    agent_id: Option<String>,
    text: String,
}

/// How often it was told, and said by each source; the number of the newest message.
#[derive(Debug, Default)]
struct Times {
    told: u32,
    said: [u32; 3],
    newest: u64,
}

/// Ids, the oldest of which are forgotten.
#[derive(Debug, Default)]
struct Remembered {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Talk {
    /// A whole text was said.
    pub(super) fn said(
        &mut self,
        role: Role,
        text: &str,
        message_id: Option<&str>,
        agent: Option<&Agent>,
        telling: &mut Telling<'_>,
    ) {
        let text = text.trim();
        if telling.past || text.is_empty() {
            return;
        }
        // Two prompts of one turn may share their id, but hardly their length.
        let is_repeat =
            |id: &str| !self.heard.is_new(&format!("{} {id} {}", slot(telling.source), text.len()));
        if message_id.is_some_and(is_repeat) {
            return;
        }
        let text = text[..text.floor_char_boundary(MAX_TEXT_BYTES)].to_owned();
        let agent_id = agent.map(|agent| agent.id.clone());
        let spoken = Spoken { role, agent_id, text };
        let number = self.told + 1;
        let times = self.times(&spoken);
        let said = &mut times.said[slot(telling.source)];
        *said += 1;
        if *said <= times.told {
            let newest = times.newest.to_string();
            return telling.confirm(FactKind::Message, &newest);
        }
        times.told = *said;
        times.newest = number;
        self.told = number;
        let Spoken { role, agent_id, text } = spoken;
        let message = Message { role, text, message_id: message_id.map(str::to_owned), agent_id };
        telling.tell(FactKind::Message, &number.to_string(), Body::Message(message));
    }

    fn times(&mut self, spoken: &Spoken) -> &mut Times {
        if !self.texts.contains_key(spoken) {
            if self.order.len() >= MAX_TEXTS
                && let Some(oldest) = self.order.pop_front()
            {
                self.texts.remove(&oldest);
            }
            self.order.push_back(spoken.clone());
        }
        self.texts.entry(spoken.clone()).or_default()
    }

    /// A piece of a text was shown. A message of which a piece was lost is left to other sources: half of it would be
    /// another message.
    pub(super) fn shown(&mut self, shown: &Shown, agent: Option<&Agent>, telling: &mut Telling<'_>) {
        let place = self.parts.iter().position(|part| part.message_id == shown.message_id);
        let place = place.unwrap_or_else(|| {
            if self.parts.len() >= MAX_PARTS {
                self.parts.pop_front();
            }
            let message_id = shown.message_id.clone();
            self.parts.push_back(Part { message_id, text: String::new(), next: Some(0) });
            self.parts.len() - 1
        });
        let is_repeat = self.parts[place].take(shown);
        if shown.is_final
            && !is_repeat
            && let Some(Part { text, next: Some(_), message_id }) = self.parts.remove(place)
        {
            self.said(Role::Assistant, &text, Some(&message_id), agent, telling);
        }
    }

    /// Tokens were used.
    pub(super) fn used(&mut self, message_id: Option<&str>, usage: &Usage, telling: &mut Telling<'_>) {
        if let Some(id) = message_id
            && !self.counted.is_new(id)
        {
            return telling.confirm(FactKind::Usage, id);
        }
        telling.tell(FactKind::Usage, message_id.unwrap_or_default(), Body::Usage(usage.clone()));
    }

    /// A model gave an answer of claude itself.
    pub(super) fn answered(&mut self, message_id: &str, model: &str, telling: &mut Telling<'_>) {
        if !self.answered.is_new(message_id) {
            return;
        }
        let before = self.model.replace(model.to_owned());
        if let Some(from_model) = before.filter(|before| before != model) {
            let claude_session = telling.claude_session.to_string();
            let switch = ModelSwitch { from_model, to_model: model.to_owned(), claude_session };
            telling.tell(FactKind::Model, message_id, Body::ModelSwitch(switch));
        }
    }
}

impl Part {
    /// Takes a piece in. Whether it was there already.
    fn take(&mut self, shown: &Shown) -> bool {
        let Some(next) = self.next else { return false };
        let index = shown.index.unwrap_or(next);
        if index < next {
            return true;
        }
        let room = MAX_TEXT_BYTES.saturating_sub(self.text.len());
        self.text.push_str(&shown.delta[..shown.delta.floor_char_boundary(room)]);
        self.next = (index == next).then_some(next + 1);
        false
    }
}

fn slot(source: &Source) -> usize {
    match source {
        Source::Hook => 0,
        Source::Stream => 1,
        _ => 2,
    }
}

impl Remembered {
    fn is_new(&mut self, id: &str) -> bool {
        if self.ids.contains(id) {
            return false;
        }
        if self.order.len() >= MAX_ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.order.push_back(id.to_owned());
        self.ids.insert(id.to_owned())
    }
}
