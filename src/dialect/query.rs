//! The query part of a URL as a JSON object, so that a URL and a message are read by the same rules.
//!
//! Only the split and the types are decided here; what a name means is `request`'s.

use super::fault::{Code, Fault};
use super::fields::Fields;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Names whose value is a list with commas.
const LISTS: [&str; 5] = ["channels", "event_types", "sessions", "sources", "types"];
/// Names whose value is a whole number.
const NUMBERS: [&str; 4] = ["after", "before", "limit", "replay"];
/// Names whose value is any number.
const RATES: [&str; 1] = ["max_rate"];
/// Names whose value is yes (`1`) or no (`0`).
const CHOICES: [&str; 2] = ["batch", COMPRESS];
const COMPRESS: &str = "compress";

/// Makes an object of `a=1&b=x,y`. An empty value counts as absent; `session` is a list of one.
///
/// # Errors
/// [`Code::BadParameters`] for escapes that are none, text that is not UTF-8, and a name that stands twice.
pub fn object(query: &str) -> Result<Box<RawValue>, Fault> {
    let mut object = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (unescaped(name)?, unescaped(value)?);
        let key = if name == "session" { "sessions" } else { &name };
        if object.contains_key(key) {
            return Err(Fault::parameter("query", format_args!("{key:?} stands there twice")));
        }
        object.insert(key.to_owned(), typed(&name, value));
    }
    let text = Value::Object(object).to_string();
    RawValue::from_string(text).map_err(|cause| Fault::parameter("query", cause))
}

/// Whether the client wants what it gets compressed: `compress=1`, `compress=0`; `None` where it does not say.
pub fn wants_compression(query: &str) -> Option<bool> {
    let object = object(query).ok()?;
    Fields::parse("query", &object).ok()?.typed(COMPRESS, "").ok()?
}

fn typed(name: &str, value: String) -> Value {
    match value.parse::<u64>() {
        _ if value.is_empty() => Value::Null,
        Ok(number @ 0..=1) if CHOICES.contains(&name) => (number == 1).into(),
        Ok(number) if NUMBERS.contains(&name) => number.into(),
        _ if RATES.contains(&name) && value.parse().is_ok_and(f64::is_finite) => {
            value.parse::<f64>().unwrap_or_default().into()
        }
        _ if name == "session" => vec![value].into(),
        _ if LISTS.contains(&name) => value.split(',').map(str::to_owned).collect::<Vec<_>>().into(),
        _ => value.into(),
    }
}

/// Undoes percent escapes. `+` stays: it belongs to the offset of a time more often than it means a space.
fn unescaped(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = if byte == b'%' { escape(tail)? } else { (byte, tail) };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| Fault::parameter("query", "not UTF-8"))
}

fn escape(tail: &[u8]) -> Result<(u8, &[u8]), Fault> {
    let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    match (digit(0), digit(1)) {
        (Some(high), Some(low)) => Ok(((high * 16 + low) as u8, &tail[2..])),
        _ => Err(Fault::new(Code::BadParameters, "cannot read query: a '%' without two hexadecimal digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_the_object_a_message_would_be() {
        for (query, expected) in [
            ("", "{}"),
            ("channels=agent.*,todo.*&replay=5", r#"{"channels":["agent.*","todo.*"],"replay":5}"#),
            ("channels=%2A&session=a%2Cb", r#"{"channels":["*"],"sessions":["a,b"]}"#),
            ("limit=-1&after=x", r#"{"limit":"-1","after":"x"}"#),
            ("since=2026-01-01T00:00:00+01:00", r#"{"since":"2026-01-01T00:00:00+01:00"}"#),
            ("channels=&&x", r#"{"channels":null,"x":null}"#),
            ("batch=1&compress=0", r#"{"batch":true,"compress":false}"#),
            ("max_rate=0.5&limit=0.5", r#"{"max_rate":0.5,"limit":"0.5"}"#),
            ("max_rate=NaN", r#"{"max_rate":"NaN"}"#),
            ("batch=yes&compress=2", r#"{"batch":"yes","compress":"2"}"#),
        ] {
            assert_eq!(object(query).unwrap().get(), expected, "{query}");
        }
    }

    #[test]
    fn bad_escapes_and_doubled_names_are_refused() {
        for query in ["a=%", "a=%2", "a=%zz", "a=%ff", "a=1&a=2", "session=a&sessions=b"] {
            assert!(object(query).is_err(), "{query}");
        }
    }
}
