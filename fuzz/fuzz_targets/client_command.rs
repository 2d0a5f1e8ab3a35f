//! Requests of clients: messages on the three dialects, and (`?` first) the query of a URL.

#![no_main]

use claude_mpm::control::{Answer, Command};
use claude_mpm::dialect::{Call, Dialect, Fault, Manner, Reply, Request, Stamp, Subscribe, classic, query};
use claude_mpm::event::{Body, Draft, Epoch, EventId, SessionId, Source};
use claude_mpm::filter::rates::Rates;
use claude_mpm::filter::{Filter, Pattern, Query};
use claude_mpm_fuzz::events::{DIALECTS, NOW, holds, is_json, stamped};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.strip_prefix('?') {
        Some(query) => of_url(query),
        None => DIALECTS.into_iter().for_each(|dialect| message(dialect, text)),
    }
});

fn of_url(text: &str) {
    let Ok(object) = query::object(text) else { return };
    is_json(object.get().as_bytes());
    for dialect in DIALECTS {
        if let Ok(Some(subscribe)) = dialect.decode_subscription(&object) {
            admits(dialect, &subscribe.filter);
        }
    }
    _ = classic::decode_past(&object).map(|past| admits(Dialect::Classic, &past.filter));
    _ = classic::decode_session(&object);
}

fn message(dialect: Dialect, text: &str) {
    match dialect.decode(text) {
        Ok(Call { request_id, request }) => {
            let reply = dialect.reply(
                &Reply::Pong,
                request_id.as_ref(),
                &stamp(&Epoch::new("e"), &SessionId::new("s")),
            );
            is_json(&reply);
            asked(dialect, &request);
        }
        Err(fault) => refused(dialect, text, &fault),
    }
}

fn stamp<'a>(epoch: &'a Epoch, session_id: &'a SessionId) -> Stamp<'a> {
    Stamp { timestamp: NOW, epoch, session_id, message_id: EventId::from_u128(1), components: &[] }
}

/// A fault has the id of its request wherever one can be read, letter by letter, and a frame that says so.
fn refused(dialect: Dialect, text: &str, fault: &Fault) {
    let told = serde_json::to_string(&fault.request_id).expect("an id has a text");
    if let Some(id) = id_of(text) {
        assert_eq!(told, id, "{} loses the id of {text}", dialect.name());
    }
    let (epoch, session_id) = (Epoch::new("e"), SessionId::new("s"));
    let frame = dialect.reply(&Reply::Fault(fault), fault.request_id.as_ref(), &stamp(&epoch, &session_id));
    if fault.request_id.is_none() || !told.contains('\n') {
        is_json(&frame);
    }
    assert!(fault.request_id.is_none() || String::from_utf8_lossy(&frame).contains(&told), "{told}");
}

/// The id of a message that is an object without doubled names.
fn id_of(text: &str) -> Option<String> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let all: Vec<(String, &RawValue)> = entries(text)?;
    let id = fields.get("request_id")?.get();
    (all.len() == fields.len() && id.len() <= 256 && id != "null").then(|| id.to_owned())
}

fn entries(text: &str) -> Option<Vec<(String, &RawValue)>> {
    /// As they stand, doubled names as well.
    struct Entries<'a>(Vec<(String, &'a RawValue)>);

    impl<'de> serde::Deserialize<'de> for Entries<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Entries<'de>;
                fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    out.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut entries = Vec::new();
                    while let Some(entry) = map.next_entry()? {
                        entries.push(entry);
                    }
                    Ok(Entries(entries))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }

    serde_json::from_str::<Entries<'_>>(text).ok().map(|entries| entries.0)
}

fn asked(dialect: Dialect, request: &Request) {
    match request {
        Request::Subscribe(subscribe) => admits(dialect, &subscribe.filter),
        Request::History(past) => admits(dialect, &past.filter),
        Request::Publish(drafts) => drafts.iter().cloned().for_each(|draft| holds(&stamped(draft))),
        Request::Relay(relay) => relay.events.iter().for_each(holds),
        Request::Control(Command::Respond { answer: Answer::Allow { updated_input, .. }, .. }) => {
            is_json(&serde_json::to_vec(updated_input).expect("an input has a text"));
        }
        _ => {}
    }
    if dialect == Dialect::Classic
        && let Some(message) = written(request)
    {
        let again = dialect.decode(&message.to_string()).expect("what we write can be read").request;
        assert_eq!(&again, request, "{message}");
    }
}

/// The message of the classic dialect that asks for this.
fn written(request: &Request) -> Option<Value> {
    Some(match request {
        Request::Subscribe(subscribe) => subscribing(subscribe),
        Request::Unsubscribe(channels) => json!({
            "command": "unsubscribe", "channels": channels.as_deref().map(texts),
        }),
        Request::Status(id) => json!({ "command": "get_status", "session_id": id }),
        Request::Explain(event) => json!({ "command": "explain", "event": event }),
        Request::Ping => json!({ "command": "ping" }),
        Request::Register(id) => json!({ "type": "register", "session_id": id }),
        Request::Auth(token) => json!({ "command": "auth", "token": token }),
        Request::History(past) => asking(past),
        _ => return None,
    })
}

// Each names every field, so that none can come along unwritten.

fn asking(past: &Query) -> Value {
    let Query { filter, limit, after, before, epoch, since, until } = past;
    let mut message = json!({
        "command": "get_history", "limit": limit, "after": after, "before": before, "epoch": epoch,
        "since": since, "until": until,
    });
    choosing(filter, "event_types", &mut message);
    message
}

fn subscribing(subscribe: &Subscribe) -> Value {
    let Subscribe { filter, replay, after, epoch, since, manner } = subscribe;
    let Manner { batch, max_rate } = manner;
    let mut message = json!({
        "command": "subscribe", "replay": replay, "after": after, "epoch": epoch, "since": since,
        "batch": batch, "max_rate": max_rate.as_ref().map(by_pattern),
    });
    choosing(filter, "channels", &mut message);
    message
}

/// The classic dialect has no words for the other parts of a filter.
fn choosing(filter: &Filter, name_of_channels: &str, message: &mut Value) {
    let Filter {
        channels,
        sessions,
        sources,
        min_severity,
        except: _,
        since: _,
        until: _,
        windows: _,
        vocabulary: _,
    } = filter;
    message[name_of_channels] = json!(texts(channels));
    message["sessions"] = json!(sessions);
    message["sources"] = json!(sources);
    message["min_severity"] = json!(min_severity);
}

fn by_pattern(rates: &Rates) -> Map<String, Value> {
    rates.iter().map(|(pattern, rate)| (pattern.to_string(), json!(rate))).collect()
}

fn texts(patterns: &[Pattern]) -> Vec<String> {
    patterns.iter().map(Pattern::to_string).collect()
}

/// What the filter names is admitted, and what it does not is not.
fn admits(dialect: Dialect, filter: &Filter) {
    for pattern in &filter.channels {
        assert_eq!(Pattern::parse(&pattern.to_string()).as_ref(), Ok(pattern));
        assert!(pattern.covers(pattern) && Pattern::All.covers(pattern), "{pattern}");
    }
    let is_open = filter.min_severity.is_none() && filter.windows.is_empty();
    let Some(pattern) = filter.channels.first().filter(|_| is_open && filter.except.is_empty()) else {
        return;
    };
    let channel = match pattern {
        Pattern::All => "x".to_owned(),
        Pattern::Below(prefix) => format!("{prefix}x"),
        Pattern::Exact(name) => name.clone(),
    };
    let source = Source::named(filter.sources.first().map_or("x", String::as_str));
    let mut event = stamped(Draft::new(source, Body::other(&channel, Map::new())));
    event.session_id = SessionId::new(filter.sessions.first().map_or("x", String::as_str));
    event.timestamp = filter.since.or(filter.until).unwrap_or(NOW);
    let is_meant = filter.until.is_none_or(|until| event.timestamp <= until)
        && event.body.channel_in(dialect.vocabulary()) == channel;
    assert!(!is_meant || filter.admits(&event, None), "{filter:?} does not admit {channel}");
    let stranger = format!("{}x", filter.sessions.concat());
    event.session_id = SessionId::new(&stranger);
    assert!(filter.sessions.is_empty() || !filter.admits(&event, None), "{filter:?} admits {stranger}");
}
