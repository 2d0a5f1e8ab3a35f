//! Events on their way to a hub, so many at once as a hub takes.

use crate::dialect::publish;
use crate::event::channel;
use serde_json::value::RawValue;

/// Most events in a parcel.
const MOST: usize = 200;
/// Most bytes of events in a parcel of several; a hub takes messages of 64 KiB.
const MOST_BYTES: usize = 48 << 10;
/// Most bytes of one event.
const LARGEST: usize = 63 << 10;

/// An event, found to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The line it stood on, from 1; `None`: it stood on the command line.
    pub(super) line: Option<u64>,
    text: String,
    /// It goes alone: a hub may refuse it after it has taken those before it.
    alone: bool,
}

impl Item {
    /// # Errors
    /// Why the text is no event that a hub takes.
    pub(super) fn new(line: Option<u64>, text: String) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!("it is longer than {} KiB", LARGEST >> 10));
        }
        let raw: &RawValue =
            serde_json::from_str(&text).map_err(|cause| format!("it is no JSON: {cause}"))?;
        let draft = publish::event(raw).map_err(|fault| fault.message)?;
        let alone = draft.body.channel() == channel::COMPONENT_STARTED;
        Ok(Self { line, text, alone })
    }
}

/// Some events, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parcel {
    items: Vec<Item>,
    bytes: usize,
}

impl Parcel {
    pub(super) fn of(item: Item) -> Self {
        Self { bytes: item.text.len(), items: vec![item] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// An empty one has room for every event.
    pub(super) fn has_room_for(&self, item: &Item) -> bool {
        let fits = self.items.len() < MOST && self.bytes + item.text.len() < MOST_BYTES;
        self.is_empty() || (fits && !item.alone && !self.items.iter().any(|item| item.alone))
    }

    pub(super) fn add(&mut self, item: Item) {
        self.bytes += item.text.len() + 1;
        self.items.push(item);
    }

    /// The events as text.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.text.as_str())
    }

    /// Its two halves, or the only event in it.
    pub(super) fn halve(mut self) -> Result<(Self, Self), Item> {
        let second = self.items.split_off(self.items.len().div_ceil(2));
        match (self.items.len(), second.is_empty()) {
            (1, true) => Err(self.items.remove(0)),
            _ => Ok((Self::from(self.items), Self::from(second))),
        }
    }
}

impl From<Vec<Item>> for Parcel {
    fn from(items: Vec<Item>) -> Self {
        let mut parcel = Self::default();
        items.into_iter().for_each(|item| parcel.add(item));
        parcel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(line: u64, bytes: usize) -> Item {
        let text = format!(r#"{{"type":"x.y","data":{{"pad":"{}"}}}}"#, "p".repeat(bytes));
        Item::new(Some(line), text).unwrap()
    }

    #[test]
    fn a_parcel_holds_200_events_or_48_kib_or_one_that_is_larger() {
        let mut parcel = Parcel::default();
        let small = item(1, 1);
        while parcel.has_room_for(&small) {
            parcel.add(small.clone());
        }
        assert_eq!(parcel.items.len(), MOST);
        let (large, mut parcel) = (item(1, 20_000), Parcel::default());
        while parcel.has_room_for(&large) {
            parcel.add(large.clone());
        }
        assert_eq!(parcel.items.len(), 2);
        assert!(Parcel::default().has_room_for(&item(1, 60_000)));
        assert!(!parcel.has_room_for(&item(1, 60_000)));
        assert_eq!(Item::new(None, " ".repeat(LARGEST + 1)).unwrap_err(), "it is longer than 63 KiB");
    }

    #[test]
    fn what_announces_a_component_goes_alone() {
        let text = r#"{"type":"component.started","source":"x","data":{}}"#;
        let (started, other) = (Item::new(None, text.into()).unwrap(), item(1, 1));
        assert!(!Parcel::of(started.clone()).has_room_for(&other));
        assert!(!Parcel::of(other).has_room_for(&started));
    }

    #[test]
    fn halves_of_halves_end_at_every_single_event_in_order() {
        let mut waiting = vec![Parcel::from((1..=5).map(|line| item(line, 1)).collect::<Vec<_>>())];
        let mut lines = Vec::new();
        while let Some(parcel) = waiting.pop() {
            match parcel.halve() {
                Ok((first, second)) => waiting.extend([second, first]),
                Err(item) => lines.extend(item.line),
            }
        }
        assert_eq!(lines, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_no_event_is_refused_here_already() {
        for (text, cause) in [
            ("{", "it is no JSON: "),
            ("[]", "cannot read event: not a JSON object"),
            ("{}", "cannot read event_type: missing"),
            (r#"{"type":"x.*"}"#, "cannot read event_type: a pattern"),
            (r#"{"type":"x","data":7}"#, "cannot read payload: not an object"),
        ] {
            let found = Item::new(Some(1), text.into()).unwrap_err();
            assert!(found.starts_with(cause), "{found}");
        }
    }
}
