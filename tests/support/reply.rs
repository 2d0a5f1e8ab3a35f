//! Turns a scripted turn into what the Messages API sends: a stream of server-sent events with the
//! waits between them, one JSON message, or an error. Pure, apart from the fresh ids.

use crate::scenarios::Block;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One step of sending a streamed message.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Send(String),
    Wait(Duration),
}

/// The steps that stream a message of these blocks.
pub(crate) fn stream(model: &str, blocks: &[Block], stop_reason: &str) -> Vec<Step> {
    let mut script = Script::default();
    let mut message = message(model, Vec::new(), None);
    message["usage"]["output_tokens"] = json!(1);
    script.event("message_start", json!({ "message": message }));
    let mut index = 0;
    for block in blocks {
        index += usize::from(script.block(index, block));
    }
    let delta = json!({ "stop_reason": stop_reason, "stop_sequence": null });
    let usage = json!({ "output_tokens": 20 });
    script.event("message_delta", json!({ "delta": delta, "usage": usage }));
    script.event("message_stop", json!({}));
    script.steps
}

/// The whole message in one piece, and how long the model takes to say it.
pub(crate) fn whole(model: &str, blocks: &[Block], stop_reason: &str) -> (Value, Duration) {
    let content = blocks.iter().filter_map(content).collect();
    let time = blocks.iter().map(duration).sum();
    (message(model, content, Some(stop_reason)), time)
}

/// The body of an API error.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

/// An id no other message or tool call of any run has, `<prefix>_<20 hex digits>`.
pub(crate) fn fresh_id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    let number = NEXT.fetch_add(1, Ordering::Relaxed) & 0xff_ffff;
    format!("{prefix}_{started:014x}{number:06x}")
}

#[derive(Default)]
struct Script {
    steps: Vec<Step>,
}

impl Script {
    /// Adds a block; true if it took a place in the message.
    fn block(&mut self, index: usize, block: &Block) -> bool {
        let deltas = match block {
            Block::Pause(time) => {
                self.wait(*time);
                return false;
            }
            Block::Text(pieces, gap) => {
                pieces.iter().map(|piece| (json!({ "type": "text_delta", "text": piece }), *gap)).collect()
            }
            Block::Tool(_, input) => {
                let delta = json!({ "type": "input_json_delta", "partial_json": input.to_string() });
                vec![(delta, Duration::ZERO)]
            }
        };
        let empty = opening(block);
        self.event("content_block_start", json!({ "index": index, "content_block": empty }));
        for (delta, gap) in deltas {
            self.event("content_block_delta", json!({ "index": index, "delta": delta }));
            self.wait(gap);
        }
        self.event("content_block_stop", json!({ "index": index }));
        true
    }

    /// Adds an event, to the last piece if nothing separates the two.
    fn event(&mut self, kind: &str, mut data: Value) {
        data["type"] = json!(kind);
        let event = format!("event: {kind}\ndata: {data}\n\n");
        match self.steps.last_mut() {
            Some(Step::Send(piece)) => piece.push_str(&event),
            _ => self.steps.push(Step::Send(event)),
        }
    }

    fn wait(&mut self, time: Duration) {
        if !time.is_zero() {
            self.steps.push(Step::Wait(time));
        }
    }
}

fn message(model: &str, content: Vec<Value>, stop_reason: Option<&str>) -> Value {
    json!({
        "id": fresh_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": { "input_tokens": 100, "output_tokens": 20 },
    })
}

/// A content block as it stands before its first delta.
fn opening(block: &Block) -> Value {
    match block {
        Block::Tool(name, _) => tool_use(name, &json!({})),
        _ => json!({ "type": "text", "text": "" }),
    }
}

fn content(block: &Block) -> Option<Value> {
    match block {
        Block::Text(pieces, _) => Some(json!({ "type": "text", "text": pieces.concat() })),
        Block::Tool(name, input) => Some(tool_use(name, input)),
        Block::Pause(_) => None,
    }
}

fn tool_use(name: &str, input: &Value) -> Value {
    json!({ "type": "tool_use", "id": fresh_id("toolu"), "name": name, "input": input })
}

fn duration(block: &Block) -> Duration {
    match block {
        Block::Text(pieces, gap) => *gap * u32::try_from(pieces.len()).unwrap_or(u32::MAX),
        Block::Tool(..) => Duration::ZERO,
        Block::Pause(time) => *time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of the stream, with the waits between them left out.
    fn events(steps: &[Step]) -> Vec<Value> {
        let sent = steps.iter().filter_map(|step| match step {
            Step::Send(piece) => Some(piece.as_str()),
            Step::Wait(_) => None,
        });
        let data = sent.flat_map(str::lines).filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
    }

    fn blocks() -> [Block; 3] {
        let gap = Duration::from_millis(5);
        [
            Block::Text(vec!["one ".to_owned(), "two".to_owned()], gap),
            Block::Pause(gap),
            Block::Tool("Bash", json!({ "command": "true" })),
        ]
    }

    #[test]
    fn a_stream_tells_its_events_in_order() {
        let events = events(&stream("m", &blocks(), "tool_use"));
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str()).collect();
        let expected = "message_start \
            content_block_start content_block_delta content_block_delta content_block_stop \
            content_block_start content_block_delta content_block_stop \
            message_delta message_stop";
        assert_eq!(kinds, expected.split(' ').map(Some).collect::<Vec<_>>());
        assert_eq!(events[5]["index"], 1);
        assert_eq!(events[6]["delta"]["partial_json"], r#"{"command":"true"}"#);
        assert_eq!(events[8]["delta"]["stop_reason"], "tool_use");
    }

    #[test]
    fn a_stream_waits_where_the_model_does() {
        let steps = stream("m", &blocks(), "tool_use");
        let waits = steps.iter().filter(|step| matches!(step, Step::Wait(_)));
        assert_eq!(waits.count(), 3);
    }

    #[test]
    fn a_whole_message_says_the_same() {
        let (message, time) = whole("m", &blocks(), "tool_use");
        assert_eq!(message["content"][0]["text"], "one two");
        assert_eq!(message["content"][1]["input"]["command"], "true");
        assert_eq!(message["stop_reason"], "tool_use");
        assert_eq!(time, Duration::from_millis(15));
    }
}
