//! How a client wants to be told, whatever it wants to be told of: several events in one message, and how many a second.

use super::fault::Fault;
use super::fields::Fields;
use super::request::bounded_list;
use crate::filter::Pattern;
use crate::filter::rates::{MAX_RATE, MIN_RATE, Rates};

/// What of it a request changes; the rest stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manner {
    /// Events come in arrays.
    pub batch: Option<bool>,
    /// No more than so many a second.
    pub max_rate: Option<Rates>,
}

impl Manner {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Fault> {
        Ok(Self { batch: fields.typed("batch", "true or false")?, max_rate: rates(fields)? })
    }
}

/// A number for all types, or an object with one for each pattern; an empty one bounds nothing.
fn rates(fields: &Fields<'_>) -> Result<Option<Rates>, Fault> {
    const NAME: &str = "max_rate";
    let Some(raw) = fields.raw(NAME) else { return Ok(None) };
    let wrong = || {
        let wanted =
            format_args!("not a number from {MIN_RATE} to {MAX_RATE}, or an object of them by pattern");
        Fault::parameter(NAME, wanted)
    };
    if !raw.get().starts_with('{') {
        let rate = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
        return Rates::all(rate).map(Some).ok_or_else(wrong);
    }
    let given = Fields::parse(NAME, raw)?;
    bounded_list(NAME, given.names())?;
    let mut rates = Vec::new();
    for name in given.names() {
        let pattern = Pattern::parse(name).map_err(|cause| Fault::parameter(NAME, cause))?;
        let rate = given.raw(name).and_then(|raw| serde_json::from_str(raw.get()).ok());
        rates.push((pattern, rate.ok_or_else(wrong)?));
    }
    Rates::new(rates).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Dialect, Request};

    fn manner(max_rate: &str) -> Result<Manner, Fault> {
        let text = format!(r#"{{"command":"subscribe","channels":["*"],"max_rate":{max_rate}}}"#);
        match Dialect::Classic.decode(&text)?.request {
            Request::Subscribe(wanted) => Ok(wanted.manner),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_rate_is_a_number_or_an_object_of_numbers() {
        let rate = |text: &str, channel: &str| manner(text).unwrap().max_rate.unwrap().of(channel);
        assert_eq!(rate("2.5", "x.y"), Some(2.5));
        assert_eq!(rate(r#"{"x.*":1,"x.y":3}"#, "x.y"), Some(3.0));
        assert_eq!(rate(r#"{"x.*":1}"#, "z"), None);
        assert!(manner("{}").unwrap().max_rate.unwrap().is_empty());
        assert_eq!(manner("null").unwrap().max_rate, None);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        let many = (0..200).map(|n| format!(r#""a{n}":1"#)).collect::<Vec<_>>().join(",");
        for text in [
            "-1",
            "0",
            "1e9",
            "1e-9",
            "1e999",
            "\"NaN\"",
            "\"10\"",
            "true",
            "[1]",
            "[]",
            r#"{"*":"1"}"#,
            r#"{"*":0}"#,
            r#"{"*":null}"#,
            r#"{"a..b":1}"#,
            r#"{"*":1,"*":1}"#,
            r#"{"*":{}}"#,
            &format!("{{{many}}}"),
        ] {
            assert_eq!(manner(text).map_err(|fault| fault.code.as_str()).err(), Some("REQ002"), "{text:.60}");
        }
    }

    #[test]
    fn every_dialect_knows_both_and_so_do_urls() {
        for (dialect, text) in [
            (
                Dialect::Classic,
                r#"{"command":"subscribe","params":{"channels":["*"],"batch":true,"max_rate":2}}"#,
            ),
            (Dialect::Envelope, r#"{"type":"subscribe","data":{"batch":true,"max_rate":2}}"#),
            (Dialect::Monitor, r#"{"action":"subscribe","batch":true,"max_rate":2}"#),
        ] {
            let Request::Subscribe(wanted) = dialect.decode(text).unwrap().request else { panic!("{text}") };
            assert_eq!(wanted.manner, Manner { batch: Some(true), max_rate: Rates::all(2.0) }, "{text}");
            let url = crate::dialect::query::object("batch=1&max_rate=2").unwrap();
            assert_eq!(dialect.decode_manner(&url).unwrap(), wanted.manner);
        }
    }
}
