//! What a hub that runs has, and its journal not yet.

use crate::client::Frame;
use crate::cmd::failure::Failure;
use crate::cmd::history;
use crate::cmd::target::Target;
use crate::event::Epoch;
use serde_json::{Map, Value, json};

/// All that it has of this epoch behind a number, oldest first, wanted or not: numbers that are missing in it are kept
/// nowhere. One answer holds the newest of them, and the others are asked for until there are none.
pub(super) async fn behind(target: &Target, epoch: &Epoch, seq: u64) -> Result<Vec<Frame>, Failure> {
    let (mut answers, mut before) = (Vec::new(), None);
    loop {
        let past = history::ask(target, params(epoch, seq, before)).await?;
        let first = past.events.first().and_then(Frame::seq);
        answers.push(past.events);
        let has_more = |first: &u64| {
            !past.complete && first.saturating_sub(1) > seq && before.is_none_or(|before| *first < before)
        };
        match first.filter(has_more) {
            Some(first) => before = Some(first),
            None => return Ok(answers.into_iter().rev().flatten().collect()),
        }
    }
}

fn params(epoch: &Epoch, after: u64, before: Option<u64>) -> Map<String, Value> {
    let all = json!(["*"]);
    let fields = [("event_types", all), ("limit", history::MOST.into()), ("epoch", epoch.as_str().into())];
    let place = [("after", Some(after)), ("before", before)];
    let place = place.into_iter().filter_map(|(name, number)| Some((name, number?.into())));
    fields.into_iter().chain(place).map(|(name, value)| (name.to_owned(), value)).collect()
}
