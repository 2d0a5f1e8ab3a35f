//! The newest events that a hub has, as many as are asked for. One answer has about 1 MiB of them from the journal, so
//! what is older is asked for by its numbers; what is older than a numbering, by its time.

use super::{Answer, MOST, ask};
use crate::client::Frame;
use crate::cmd::failure::Failure;
use crate::cmd::target::Target;
use crate::event::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// No event has this type. Whether all that might have it is kept is answered all the same.
const NOTHING: &str = "claude-mpm.nothing";

/// What a hub has of the past, or a journal.
pub(super) struct Past {
    /// Oldest first.
    pub(super) events: Vec<Frame>,
    /// More fits than was asked for.
    pub(super) is_cut: bool,
    /// Of what fits, something may be missing.
    pub(super) has_holes: bool,
}

/// The newest of those that fit the parameters, at most so many.
pub(super) async fn newest(target: &Target, params: Map<String, Value>, most: u64) -> Result<Past, Failure> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let pages = Pages { target, params, most, pages: Vec::new() };
    match most {
        0 => Ok(Past { events: Vec::new(), is_cut: false, has_holes: false }),
        _ => pages.turn().await,
    }
}

struct Pages<'a> {
    target: &'a Target,
    params: Map<String, Value>,
    most: usize,
    /// The newest first; none is empty.
    pages: Vec<Vec<Frame>>,
}

impl Pages<'_> {
    async fn turn(mut self) -> Result<Past, Failure> {
        let Answer { events, complete } = self.ask([("limit", self.room().into())]).await?;
        let mut may_be_more = self.add(events) && !complete;
        while may_be_more && self.room() > 0 {
            let older = self.older().await?;
            may_be_more = self.add(older);
        }
        let is_cut = self.room() == 0;
        let has_holes = !complete && !is_cut && !self.is_whole().await?;
        let mut events: Vec<Frame> = self.pages.into_iter().rev().flatten().collect();
        drop(events.drain(..events.len().saturating_sub(self.most)));
        Ok(Past { events, is_cut, has_holes })
    }

    /// How many more are asked for: one more than are wanted tells whether there are more.
    fn room(&self) -> u64 {
        let found = self.pages.iter().map(Vec::len).sum::<usize>();
        (self.most.saturating_add(1).saturating_sub(found) as u64).min(MOST)
    }

    /// False where there are none.
    fn add(&mut self, events: Vec<Frame>) -> bool {
        let has_some = !events.is_empty();
        self.pages.extend(Some(events).filter(|_| has_some));
        has_some
    }

    /// The next that are older than all so far; none where there are none, or the hub does not tell.
    async fn older(&self) -> Result<Vec<Frame>, Failure> {
        let Some(oldest) = self.pages.last().and_then(|page| page.first()) else { return Ok(Vec::new()) };
        let (Some(epoch), Some(seq)) = (oldest.epoch(), oldest.seq()) else { return Ok(Vec::new()) };
        let rest = self.of(epoch, Some(seq)).await?;
        // Numbers that were asked for are of the newest numbering alone.
        if !rest.is_empty() || self.params.contains_key("after") {
            return Ok(rest);
        }
        let all = self.pages.iter().flatten().filter(|event| event.epoch() == Some(epoch));
        // Times need not rise: the oldest may have a time that is older than all that was before.
        for time in [oldest.timestamp(), all.filter_map(Frame::timestamp).max()] {
            if let Some(epoch) = self.another_until(time).await? {
                return self.of(&epoch, None).await;
            }
        }
        Ok(Vec::new())
    }

    /// The newest of a numbering below a number. A hub that knows neither answers with others.
    async fn of(&self, epoch: &str, before: Option<u64>) -> Result<Vec<Frame>, Failure> {
        let mut place = vec![("limit", self.room().into()), ("epoch", epoch.into())];
        place.extend(before.map(|before| ("before", before.into())));
        let mut events = self.ask(place).await?.events;
        events.retain(|event| {
            event.epoch() == Some(epoch)
                && before.is_none_or(|before| event.seq().is_some_and(|seq| seq < before))
        });
        Ok(events)
    }

    /// The newest other numbering that has an event which is not newer than this.
    async fn another_until(&self, time: Option<Timestamp>) -> Result<Option<String>, Failure> {
        let asked = self.params.get("until").and_then(Value::as_str).and_then(Timestamp::parse);
        let Some(until) = [time, asked].into_iter().flatten().min() else { return Ok(None) };
        let found = self.ask([("limit", MOST.into()), ("until", until.to_string().into())]).await?;
        let known: HashSet<_> = self.pages.iter().flatten().filter_map(Frame::epoch).collect();
        let newest = found.events.iter().rev().filter_map(Frame::epoch).find(|epoch| !known.contains(epoch));
        Ok(newest.map(str::to_owned))
    }

    /// Whether nothing is missing of what was looked through.
    async fn is_whole(&self) -> Result<bool, Failure> {
        let nothing = self.ask([("limit", 1.into()), ("event_types", json!([NOTHING]))]).await?;
        Ok(nothing.complete)
    }

    /// The same question, but for these.
    async fn ask(&self, more: impl IntoIterator<Item = (&str, Value)>) -> Result<Answer, Failure> {
        let mut params = self.params.clone();
        params.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        ask(self.target, params).await
    }
}
