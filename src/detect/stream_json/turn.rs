//! What one turn of a stream used: `result` lines give tokens per turn, and the cost of the whole session so far.

use crate::detect::claude_json::{id, model, usage};
use crate::detect::observation::Fact;
use crate::event::talk::Meter;
use serde_json::Value;

/// What the turns so far have shown.
#[derive(Debug, Default)]
pub(super) struct Turns {
    model: Option<String>,
    /// US dollars, of all turns of the session.
    cost: f64,
}

impl Turns {
    /// Another session counts from nothing.
    pub(super) fn begin_session(&mut self) {
        self.cost = 0.0;
    }

    /// A message of claude itself.
    pub(super) fn answered(&mut self, message: &Value) {
        if let Some(model) = model(message) {
            self.model = Some(model.to_owned());
        }
    }

    /// `result`.
    pub(super) fn over(&mut self, line: &Value) -> Option<Fact> {
        let mut usage = usage(line.get("usage")?, Meter::Stream)?;
        usage.cost_usd =
            line.get("total_cost_usd").and_then(Value::as_f64).map(|total| self.cost_since(total));
        usage.model = self.model.clone().or_else(|| only_model(line));
        let message_id = id(line, "uuid").map(Into::into);
        Some(Fact::Used { message_id, usage })
    }

    /// Claude begins to count anew with a new conversation; a total that falls is one.
    fn cost_since(&mut self, total: f64) -> f64 {
        let before = std::mem::replace(&mut self.cost, total);
        let cost = if total < before { total } else { total - before };
        // Far below what claude charges by, and free of the noise that a difference has.
        (cost * 1e10).round() / 1e10
    }
}

fn only_model(line: &Value) -> Option<String> {
    let models = line.get("modelUsage")?.as_object()?;
    let name = models.keys().next().filter(|_| models.len() == 1)?;
    Some(name.clone())
}
