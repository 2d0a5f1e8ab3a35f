//! Several lines of output as one event, for a client that wants fewer: the newest line, with the content of all and how
//! many those are in `coalesced`.

use super::Dialect;
use super::reply::json_bytes;
use crate::event::body::Output;
use crate::event::{Body, Event, Timestamp};
use crate::status::Standing;
use serde_json::Value;

impl Dialect {
    /// The frame of these lines, oldest first, that belong to the same session, source and stream, which stood so `before`
    /// the newest; made at `now`, without the WebSocket header. Nothing where there is no line.
    pub fn joined(self, lines: &[&Event], before: &Standing, now: Timestamp) -> Vec<u8> {
        let Some(newest) = lines.last() else { return Vec::new() };
        let outputs = || lines.iter().filter_map(|line| output_of(line));
        let contents: Vec<&str> = outputs().map(|output| output.content.as_str()).collect();
        let mut joined = (*newest).clone();
        if let Body::Output(output) = &mut joined.body {
            output.content = contents.join("\n");
            output.truncated = outputs().any(|output| output.truncated);
        }
        let frame = self.event(&joined, before, now);
        let Ok(mut frame) = serde_json::from_slice::<Value>(&frame) else { return frame };
        let place = if self == Self::Envelope { "/data/payload" } else { "/data" };
        if let Some(Value::Object(data)) = frame.pointer_mut(place) {
            data.insert("coalesced".to_owned(), lines.len().into());
            // By the words of each line, not by those of all together.
            if let Some(severity) = data.get_mut("severity") {
                let worst = lines.iter().map(|line| line.body.severity_in(self.vocabulary())).max();
                *severity = serde_json::to_value(worst).unwrap_or_default();
            }
        }
        json_bytes(&frame)
    }
}

fn output_of(event: &Event) -> Option<&Output> {
    match &event.body {
        Body::Output(output) => Some(output),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::samples::{self, NOON};
    use serde_json::json;

    const LONG: &str = match std::str::from_utf8(&[b'x'; 5_000]) {
        Ok(long) => long,
        Err(_) => "",
    };

    fn joined(dialect: Dialect) -> Value {
        // Its words are looked for at the beginning of a line, so an error behind a long one is seen only by itself.
        let lines = [LONG, "Error: two", "three"].map(|line| samples::event(samples::output(line)));
        let lines: Vec<Event> = lines.into_iter().zip(5..).map(|(line, seq)| Event { seq, ..line }).collect();
        let lines: Vec<&Event> = lines.iter().collect();
        serde_json::from_slice(&dialect.joined(&lines, &Standing::default(), NOON)).unwrap()
    }

    #[test]
    fn joined_lines_are_the_newest_with_the_content_of_all() {
        let classic = joined(Dialect::Classic);
        assert_eq!((&classic["seq"], &classic["type"]), (&json!(7), &json!("claude.output")));
        let content = format!("{LONG}\nError: two\nthree");
        assert_eq!(classic["data"], json!({ "content": content, "stream": "stdout", "coalesced": 3 }));
        let monitor = joined(Dialect::Monitor);
        assert_eq!(
            (&monitor["data"]["severity"], &monitor["data"]["coalesced"]),
            (&json!("error"), &json!(3))
        );
        let envelope = joined(Dialect::Envelope);
        assert_eq!(envelope["data"]["payload"]["content"], content);
        assert_eq!(
            (&envelope["data"]["seq"], &envelope["data"]["payload"]["coalesced"]),
            (&json!(7), &json!(3))
        );
    }
}
