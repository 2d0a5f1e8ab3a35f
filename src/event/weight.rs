//! What an event costs in memory, by the one walk over everything it is made of.

use super::Event;
use super::body::Body;
use super::texts::Visitor;
use super::work::Todo;
use serde_json::Map;
use serde_json::Value;

/// The event itself, its place in a log, and what every frame says of it, bytes.
const FIXED: usize = 576;
/// A text beside its letters: its place in what holds it, and what the allocator takes for it.
const TEXT: usize = 40;
/// A value beside its text: 72 bytes in a list, 104 in an object, and room for half as many more.
const VALUE: usize = 112;
/// A list or an object in which something stands: none has room for less than four values.
const LIST: usize = 4 * 80;

/// Adds up.
#[derive(Default)]
struct Scales(usize);

impl Visitor for Scales {
    fn text(&mut self, text: &mut String) {
        self.0 += TEXT + letters(text);
    }

    fn name(&mut self, name: &str) -> Option<String> {
        self.0 += TEXT + letters(name);
        None
    }

    fn value(&mut self, value: &Value) {
        let is_list = match value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !Map::is_empty(fields),
            _ => false,
        };
        self.0 += VALUE + if is_list { LIST } else { 0 };
    }
}

impl Event {
    /// How much of the weight is that of a frame, as numerator and denominator. One with many control characters, each of
    /// which is six letters, is larger.
    pub const FRAME: (usize, usize) = (2, 3);

    /// What it costs in memory together with one frame of it, bytes, from above; but for frames that are more than
    /// [`Event::FRAME`] of it.
    pub fn weight(&mut self) -> usize {
        let mut scales = Scales(FIXED);
        self.body.walk(&mut scales);
        if let Body::Todos(update) = &self.body {
            scales.0 += 2 * size_of::<Todo>() * update.todos.len();
        }
        if let Some(remarks) = &mut self.remarks {
            remarks.walk(&mut scales);
        }
        let origin = self.origin.as_ref().map_or("", |origin| origin.epoch.as_str());
        let names = [self.session_id.as_str(), self.source.as_str(), self.body.channel(), origin];
        scales.0 + names.into_iter().map(letters).sum::<usize>()
    }
}

impl Body {
    /// What it costs in memory, bytes, about.
    pub fn weight(&mut self) -> usize {
        let mut scales = Scales::default();
        self.walk(&mut scales);
        scales.0
    }
}

/// In memory, and in a frame where every letter is two: a quote or the end of a line.
fn letters(text: &str) -> usize {
    3 * text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::body::{Fault, Severity};
    use crate::event::surroundings::{ClientDisconnected, ConfigChanged};
    use crate::event::talk::{Meter, ModelSwitch, Usage};
    use crate::event::{Draft, Epoch, EventId, Remarks, SessionId, Source, Timestamp};
    use serde_json::json;

    fn weight(body: Body, remarks: Option<Remarks>) -> usize {
        let Draft { source, body, .. } = Draft::new(Source::Screen, body);
        let mut event = Event {
            id: EventId::from_u128(1),
            seq: 1,
            epoch: Epoch::new("e"),
            timestamp: Timestamp::from_millis(0),
            session_id: SessionId::new("s"),
            source,
            body,
            remarks: remarks.map(Box::new),
            origin: None,
        };
        event.weight()
    }

    #[test]
    fn every_text_weighs_whatever_the_event_is() {
        let long = || "x".repeat(100_000);
        let switch =
            ModelSwitch { from_model: long(), to_model: String::new(), claude_session: String::new() };
        let usage = Usage {
            model: Some(long()),
            input_tokens: 0,
            output_tokens: 0,
            cache_read_tokens: 0,
            cache_creation_tokens: 0,
            cost_usd: None,
            measured_by: Meter::Stream,
        };
        let left = ClientDisconnected {
            client_id: 1,
            dialect: long(),
            close_code: None,
            duration_seconds: 0.0,
            clients: 0,
        };
        let (error, error_code) = (String::new(), String::new());
        let fault = Fault { error, component: long(), severity: Severity::Info, error_code };
        let changed = ConfigChanged { path: String::new(), changed: vec![String::new(), long()] };
        for body in [
            Body::ModelSwitch(switch),
            Body::Usage(usage),
            Body::ClientDisconnected(left),
            Body::Error(fault.clone()),
            Body::ConfigChanged(changed),
        ] {
            assert!(weight(body.clone(), None) > 300_000, "{}", body.channel());
        }
        let remarks = Remarks { hook_event_type: Some(long()), ..Remarks::default() };
        let small = Body::Error(Fault { component: String::new(), ..fault });
        assert!(weight(small.clone(), Some(remarks)) > 300_000);
        assert!(weight(small, None) < 1_000);
    }

    #[test]
    fn values_without_a_letter_weigh_too() {
        let wide = json!({ "a": vec![json!([0]); 1_000] }).as_object().unwrap().clone();
        assert!(weight(Body::other("x.y", wide), None) > 1_000 * (72 + 4 * 72));
    }
}
