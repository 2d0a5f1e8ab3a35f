//! What a client can ask for, as values, whatever its dialect.
//!
//! Reading them out of a text is the dialects'; doing them is the server's.

use super::fault::{Code, Fault};
use super::fields::{Fields, brief};
use super::manner::Manner;
use crate::control::Command;
use crate::event::surroundings::ComponentStarted;
use crate::event::{Body, Draft, Epoch, Event, SessionId, Timestamp};
use crate::filter::{Filter, MAX_PATTERN_BYTES, MAX_PATTERNS, Pattern, Query};
use serde::Serialize;
use serde_json::value::RawValue;

/// Longest `request_id`, bytes of JSON.
pub const MAX_REQUEST_ID_BYTES: usize = 256;
/// How many past events are told when the request does not say.
pub const DEFAULT_LIMIT: usize = 100;
/// Most past events one answer may hold.
pub const MAX_LIMIT: usize = 10_000;

/// A command that all dialects know by the same name, or none does.
pub(super) fn common(command: &str, fields: &Fields<'_>) -> Result<Request, Fault> {
    let unknown = || Err(refused(&format!("{:?}", brief(command)), "unknown command"));
    super::control::read(command, fields).map_or_else(unknown, |command| command.map(Request::Control))
}

/// A command that cannot be run, whatever its parameters.
pub(super) fn refused(what: &str, cause: &str) -> Fault {
    Fault::new(Code::UnknownCommand, format_args!("cannot run {what}: {cause}"))
}

/// A client's own name for a request: any JSON value, given back letter by letter.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RequestId(Box<RawValue>);

impl RequestId {
    /// Takes it, unless it is longer than [`MAX_REQUEST_ID_BYTES`].
    pub(super) fn read(fields: &Fields<'_>) -> Result<Option<Self>, Fault> {
        match fields.raw("request_id") {
            Some(raw) if raw.get().len() > MAX_REQUEST_ID_BYTES => {
                let cause = format_args!("longer than {MAX_REQUEST_ID_BYTES} bytes");
                Err(Fault::parameter("request_id", cause))
            }
            raw => Ok(raw.map(|raw| Self(raw.to_owned()))),
        }
    }
}

/// One message of a client.
#[derive(Debug, Clone)]
pub struct Call {
    /// Given back in every answer.
    pub request_id: Option<RequestId>,
    /// What is asked.
    pub request: Request,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Send me these events.
    Subscribe(Subscribe),
    /// No longer these channels; `None`: none at all.
    Unsubscribe(Option<Vec<Pattern>>),
    /// What is true now, of the hub's own session or of this one?
    Status(Option<SessionId>),
    /// What has been?
    History(Query),
    /// Who told of this event, or (`None`) of all that are in memory?
    Explain(Option<String>),
    /// Are you there?
    Ping,
    /// R3's way to subscribe: everything of one session, or of all (`None`).
    Register(Option<String>),
    /// This is my token.
    Auth(String),
    /// These events have happened.
    Publish(Vec<Draft>),
    /// I am this component, and here as long as I am connected (requirement R4).
    Component(ComponentStarted),
    /// I am an instance, and am going to tell of my session.
    Uplink(Uplink),
    /// These events are in my log behind what I told before.
    Relay(Relay),
    /// I need a token that lets a page in, once.
    OneTimeToken,
    /// Do this with claude.
    Control(Command),
}

/// The instance behind an uplink.
#[derive(Debug, Clone, PartialEq)]
pub struct Uplink {
    /// Its session.
    pub session_id: SessionId,
    /// The numbering of its log.
    pub epoch: Epoch,
    /// Its secret: only who shows it again may go on with the session.
    pub key: String,
    /// Where the session stands.
    pub recollection: Vec<Body>,
}

/// A part of the log of an instance.
#[derive(Debug, Clone)]
pub struct Relay {
    /// In order.
    pub events: Vec<Event>,
    /// So many in front of them are lost.
    pub missed: u64,
}

impl PartialEq for Relay {
    /// By the ids of the events: events have no equality of their own.
    fn eq(&self, other: &Self) -> bool {
        let ids = |relay: &Self| relay.events.iter().map(|event| event.id).collect::<Vec<_>>();
        self.missed == other.missed && ids(self) == ids(other)
    }
}

/// Which events, and from where on. `after` is stronger than `since`, `since` than `replay`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subscribe {
    /// What the events must be.
    pub filter: Filter,
    /// The last this many of the ring first.
    pub replay: Option<usize>,
    /// Everything behind this number first.
    pub after: Option<u64>,
    /// The numbering `after` belongs to; `None`: the hub's.
    pub epoch: Option<String>,
    /// Everything not older than this first.
    pub since: Option<Timestamp>,
    /// How it wants to be told.
    pub manner: Manner,
}

impl Subscribe {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Fault> {
        let channels =
            patterns(fields, "channels")?.ok_or_else(|| Fault::parameter("channels", "missing"))?;
        Ok(Self {
            filter: filter(fields, channels)?,
            replay: fields.number("replay")?.map(saturated),
            after: fields.number("after")?,
            epoch: fields.text("epoch")?,
            since: fields.bound("since")?,
            manner: Manner::read(fields)?,
        })
    }

    /// R3's `register`: everything, of one session or of all.
    pub fn register(session_id: Option<&str>) -> Self {
        let sessions = session_id.map(str::to_owned).into_iter().collect();
        Self { filter: Filter { sessions, ..Filter::all() }, ..Self::default() }
    }
}

/// Which past events are asked for, at most [`MAX_LIMIT`].
pub(super) fn past(fields: &Fields<'_>) -> Result<Query, Fault> {
    let channels = match patterns(fields, "event_types")? {
        Some(channels) => channels,
        None => patterns(fields, "channels")?.unwrap_or_else(|| vec![Pattern::All]),
    };
    let limit = fields.number("limit")?.map_or(DEFAULT_LIMIT, saturated);
    if limit > MAX_LIMIT {
        return Err(Fault::parameter("limit", format_args!("more than {MAX_LIMIT}")));
    }
    Ok(Query {
        filter: filter(fields, channels)?,
        limit,
        after: fields.number("after")?,
        before: fields.number("before")?,
        epoch: fields.text("epoch")?.map(|epoch| Epoch::new(&epoch)),
        since: fields.bound("since")?,
        until: fields.bound("until")?,
    })
}
/// A text that is there.
pub(super) fn needed(fields: &Fields<'_>, name: &str) -> Result<String, Fault> {
    let text = fields.text(name)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| Fault::parameter(name, "missing"))
}

/// The channels named in a field; `None` when it is absent.
pub(super) fn patterns(fields: &Fields<'_>, name: &str) -> Result<Option<Vec<Pattern>>, Fault> {
    let Some(texts) = names(fields, name)? else { return Ok(None) };
    let parsed: Result<Vec<_>, _> = texts.iter().map(|text| Pattern::parse(text)).collect();
    parsed.map(Some).map_err(|cause| Fault::parameter(name, cause))
}

fn filter(fields: &Fields<'_>, channels: Vec<Pattern>) -> Result<Filter, Fault> {
    Ok(Filter {
        channels,
        sessions: names(fields, "sessions")?.unwrap_or_default(),
        sources: names(fields, "sources")?.unwrap_or_default(),
        min_severity: fields.typed("min_severity", "one of info, warning, error, critical")?,
        ..Filter::default()
    })
}

/// A list of names within the bounds that every list of a client has.
pub(super) fn names(fields: &Fields<'_>, name: &str) -> Result<Option<Vec<String>>, Fault> {
    let names = fields.texts(name)?;
    bounded_list(name, names.as_deref().unwrap_or_default().iter().map(String::as_str))?;
    Ok(names)
}

/// Refuses a list beyond the bounds that every list of a client has.
pub(super) fn bounded_list<'a>(
    name: &str,
    mut listed: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), Fault> {
    if listed.len() > MAX_PATTERNS {
        return Err(Fault::parameter(name, format_args!("more than {MAX_PATTERNS} entries")));
    }
    if listed.any(|text| text.len() > MAX_PATTERN_BYTES) {
        let cause = format_args!("an entry is longer than {MAX_PATTERN_BYTES} bytes");
        return Err(Fault::parameter(name, cause));
    }
    Ok(())
}

/// A count as large as it can be told.
pub(super) fn saturated(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
