//! Typed looks into a JSON object that a stranger wrote.
//!
//! A field that is `null` is absent. A name that stands twice makes the whole object wrong: two readers could
//! take it for two different requests. A message with more values than [`MAX_VALUES_AT_ONCE`] is refused before any of them
//! is made.

use super::fault::{Code, Fault};
use crate::event::Timestamp;
use crate::event::values::{self, MAX_VALUES_AT_ONCE};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Most fields of one object that is looked into.
const MAX_FIELDS: usize = 256;

/// How times are written.
const RFC_3339: &str = "an RFC 3339 time";
/// What is wrong with a time that has no text.
pub(super) const TOO_LATE: &str = "after 9999-12-30T22:00:00Z";

/// The fields of one object, each still as JSON text.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: BTreeMap<String, &'a RawValue>,
    twice: Option<String>,
    too_many: bool,
}

impl<'a> Fields<'a> {
    /// Reads an object; `what` names it in the fault.
    pub(super) fn parse(what: &str, raw: &'a RawValue) -> Result<Self, Fault> {
        if !raw.get().starts_with('{') {
            return Err(Fault::parameter(what, "not a JSON object"));
        }
        let fields: Self = serde_json::from_str(raw.get()).map_err(|e| Fault::parameter(what, e))?;
        match fields.twice {
            _ if fields.too_many => {
                Err(Fault::parameter(what, format_args!("more than {MAX_FIELDS} fields")))
            }
            Some(name) => Err(Fault::parameter(what, format_args!("{:?} stands there twice", brief(&name)))),
            None => Ok(fields),
        }
    }

    /// Reads a whole message, on the dialects that call everything else than an object no message.
    pub(super) fn message(text: &'a str) -> Result<Self, Fault> {
        let refused = |cause: &dyn fmt::Display| {
            Fault::new(Code::NotJson, format_args!("cannot read message: {cause}"))
        };
        let raw: &RawValue = serde_json::from_str(text).map_err(|cause| refused(&cause))?;
        if !raw.get().starts_with('{') {
            return Err(refused(&"not a JSON object"));
        }
        let fields = Self::parse("message", raw)?;
        bounded("message", raw, MAX_VALUES_AT_ONCE)?;
        Ok(fields)
    }

    /// The field as it stands, unless it is absent.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.values.get(name).copied().filter(|raw| raw.get() != "null")
    }

    /// Fields of `over` hide those of `self`.
    pub(super) fn overlaid(mut self, over: Fields<'a>) -> Self {
        self.values.extend(over.values.into_iter().filter(|(_, raw)| raw.get() != "null"));
        self
    }

    /// The names of all fields.
    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        self.typed(name, "a text")
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        self.typed(name, "an array of texts")
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        self.typed(name, "a whole number from 0 on")
    }

    /// A bound of time, in text.
    pub(super) fn bound(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        let Some(text) = self.typed::<String>(name, RFC_3339)? else { return Ok(None) };
        Timestamp::parse_bound(&text).map(Some).ok_or_else(|| unread(name, &format!("not {RFC_3339}")))
    }

    /// A bound of time, in text or in Unix milliseconds.
    pub(super) fn bound_or_millis(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        self.millis(name).unwrap_or_else(|| self.bound(name))
    }

    /// A point in time, in text or in Unix milliseconds.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        self.millis(name).unwrap_or_else(|| match self.bound(name)? {
            Some(_) if self.typed::<Timestamp>(name, RFC_3339).is_err() => Err(unread(name, TOO_LATE)),
            bound => Ok(bound),
        })
    }

    /// Unix milliseconds, unless it is a text.
    fn millis(&self, name: &str) -> Option<Result<Option<Timestamp>, Fault>> {
        let raw = self.raw(name).filter(|raw| !raw.get().starts_with('"'))?;
        Some(unix_millis(name, raw).map(Some))
    }

    /// The field as `T`; `wanted` says in words what that is.
    pub(super) fn typed<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        wanted: &str,
    ) -> Result<Option<T>, Fault> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get());
        let wrong = |_| unread(name, &format!("not {wanted}"));
        self.raw(name).map(read).transpose().map_err(wrong)
    }
}

fn unread(name: &str, cause: &str) -> Fault {
    Fault::new(Code::BadParameters, format_args!("cannot read {name}: {cause}"))
}

/// Refuses a text with more values than that, before they are made.
pub(super) fn bounded(what: &str, raw: &RawValue, most: usize) -> Result<(), Fault> {
    if values::count(raw.get().as_bytes()).values <= most {
        return Ok(());
    }
    let cause =
        format_args!("cannot read {what}: more than {most} values (a list or an object counts for 4)");
    Err(Fault::new(Code::TooLarge, cause))
}

/// Unix milliseconds, not negative (requirement R4); decimals are cut.
pub(super) fn unix_millis(name: &str, raw: &RawValue) -> Result<Timestamp, Fault> {
    /// 9999-12-31, the last day that has a text form.
    const LATEST: f64 = 253_402_300_799_999.0;
    let millis: f64 = serde_json::from_str(raw.get())
        .map_err(|_| Fault::parameter(name, "not a number of milliseconds"))?;
    if !(0.0..=LATEST).contains(&millis) {
        return Err(Fault::parameter(name, "negative, or too far away"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was held against its bounds")]
    let millis = millis as i64;
    Ok(Timestamp::from_millis(millis))
}

/// What of a request, or of an event, cannot be read.
pub(super) fn wrong(what: &str, cause: impl fmt::Display) -> Fault {
    Fault::new(Code::NotJson, format_args!("cannot read {what}: {cause}"))
}

/// At most 64 characters of a text that goes back to who sent it.
pub(super) fn brief(text: &str) -> String {
    text.chars().take(64).collect()
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Fields::default();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if fields.values.len() >= MAX_FIELDS {
                fields.too_many = true;
            } else if fields.values.insert(name.clone(), value).is_some() {
                fields.twice = Some(name);
            }
        }
        Ok(fields)
    }
}
