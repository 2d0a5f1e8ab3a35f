//! The text of an event: requirement R4's shape for what is named as claude names its hooks, else the classic one.

use crate::cli::PublishOptions;
use crate::event::Timestamp;
use crate::hub::{fresh_id, now};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Who says so, where nobody is named.
const SOURCE: &str = "publish";
/// The same of a test event (requirement R4, Test Event Generator).
const TEST_SOURCE: &str = "test-generator";

/// Everything of an event but its content.
#[derive(Debug, Clone)]
pub(super) struct Template {
    kind: String,
    source: Option<String>,
    session: Option<String>,
    summary: Option<String>,
}

#[derive(Serialize)]
struct Classic<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    data: &'a RawValue,
}

#[derive(Serialize)]
struct Envelope<'a> {
    id: Uuid,
    /// Unix milliseconds.
    timestamp: i64,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    event_type: &'a str,
    hook_event_type: &'a str,
    version: &'a str,
    payload: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

impl Template {
    pub(super) fn of(options: &PublishOptions) -> Self {
        Self {
            kind: options.kind.clone(),
            source: options.source.clone(),
            session: options.session.clone(),
            summary: options.summary.clone(),
        }
    }

    /// The event with this content, which happens now.
    ///
    /// # Errors
    /// Why the content is no JSON.
    pub(super) fn event(&self, data: &str) -> Result<String, String> {
        let data: &RawValue =
            serde_json::from_str(data).map_err(|cause| format!("its content is no JSON: {cause}"))?;
        let source = self.source.as_deref().unwrap_or(SOURCE);
        let (session_id, summary) = (self.session.as_deref(), self.summary.as_deref());
        let written = if self.is_hook() {
            serde_json::to_string(&Envelope { session_id, summary, ..self.envelope(source, data) })
        } else {
            let (timestamp, kind) = (now(), &self.kind);
            serde_json::to_string(&Classic { r#type: kind, timestamp, source, session_id, summary, data })
        };
        Ok(written.expect("it is made of texts, numbers and JSON"))
    }

    /// The event that R4's generator makes.
    ///
    /// # Errors
    /// Never.
    pub(super) fn test_event(&self) -> Result<String, String> {
        let payload = json!({ "test": true, "random": random() }).to_string();
        let payload: &RawValue = serde_json::from_str(&payload).map_err(|cause| cause.to_string())?;
        let source = self.source.as_deref().unwrap_or(TEST_SOURCE);
        let envelope = self.envelope(source, payload);
        let session = self.session.clone().unwrap_or_else(|| format!("test_{}", envelope.timestamp));
        let summary = self.summary.clone().unwrap_or_else(|| format!("Test {} event", self.kind));
        let event = Envelope {
            source_app: Some("test"),
            session_id: Some(&session),
            summary: Some(&summary),
            ..envelope
        };
        Ok(serde_json::to_string(&event).expect("it is made of texts, numbers and JSON"))
    }

    fn envelope<'a>(&'a self, source: &'a str, payload: &'a RawValue) -> Envelope<'a> {
        Envelope {
            id: fresh_id(),
            timestamp: now().as_millis(),
            source,
            source_app: None,
            session_id: None,
            event_type: &self.kind,
            hook_event_type: &self.kind,
            version: "1.0",
            payload,
            summary: None,
        }
    }

    /// As claude names its hooks: `PreToolUse`.
    fn is_hook(&self) -> bool {
        self.kind.starts_with(|first: char| first.is_ascii_uppercase())
    }
}

/// At least 0, less than 1: 53 bits of a fresh id, as many as a number of JSON holds.
#[expect(clippy::cast_precision_loss, reason = "it has 53 bits")]
fn random() -> f64 {
    let (high, low) = fresh_id().as_u64_pair();
    // The two highest bits of the lower half say which kind of id it is.
    let bits = ((high ^ (low << 2)) >> 11) as f64;
    bits / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn template(kind: &str) -> Template {
        Template { kind: kind.into(), source: None, session: None, summary: None }
    }

    fn read(text: Result<String, String>) -> Value {
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    #[test]
    fn a_type_of_ones_own_goes_in_the_classic_shape_and_its_content_letter_by_letter() {
        let build = Template {
            source: Some("ci".into()),
            session: Some("s".into()),
            summary: Some("It failed".into()),
            ..template("build.done")
        };
        let text = build.event(r#"{"n": 1.50, "big": 12345678901234567890123}"#).unwrap();
        assert!(text.ends_with(r#""data":{"n": 1.50, "big": 12345678901234567890123}}"#), "{text}");
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&event["type"], &event["source"]), (&json!("build.done"), &json!("ci")));
        assert_eq!((&event["session_id"], &event["summary"]), (&json!("s"), &json!("It failed")));
        assert!(Timestamp::parse(event["timestamp"].as_str().unwrap()).is_some());
        assert!(template("build.done").event("{").unwrap_err().starts_with("its content is no JSON: "));
    }

    #[test]
    fn a_hook_goes_in_the_shape_of_requirement_4() {
        let event = read(template("PreToolUse").event(r#"{"tool_name":"Bash"}"#));
        assert_eq!((&event["event_type"], &event["version"]), (&json!("PreToolUse"), &json!("1.0")));
        assert_eq!(event["payload"]["tool_name"], "Bash");
        assert!(event["timestamp"].is_i64() && event["id"].is_string() && event.get("session_id").is_none());
    }

    #[test]
    fn a_test_event_is_that_of_the_generator_of_requirement_4() {
        let event = read(template("resource.alert").test_event());
        assert_eq!((&event["source"], &event["source_app"]), (&json!("test-generator"), &json!("test")));
        assert_eq!(event["summary"], "Test resource.alert event");
        assert_eq!(event["hook_event_type"], "resource.alert");
        assert_eq!(event["session_id"], format!("test_{}", event["timestamp"]));
        assert_eq!(event["payload"]["test"], true);
        assert!((0.0..1.0).contains(&event["payload"]["random"].as_f64().unwrap()));
        let named = Template { session: Some("s".into()), ..template("Stop") };
        assert_eq!(read(named.test_event())["session_id"], "s");
    }
}
