//! Where hooks are taken in: a post is judged, read and put into the inbox, then answered. What it says is not looked at.
//!
//! Claude waits for the answer to every hook, shows any other than an empty 2xx to its user, and posts the next hook
//! of a tool call only behind it. So a post is answered as soon as it is in the inbox and not before, which keeps the
//! order, and one that cannot be taken in is answered alike, in [`Limits::hook_wait`] at most, and counted:
//! whatever comes with the right key and does not reach the inbox is in [`Gauges::hooks_lost`].

use super::answer::{self, Answer};
use super::holding::{Held, Holding};
use super::hook_key::HookKey;
use super::limit::Limits;
use super::load::{self, Patience, Spoilt};
use crate::control::{Hold, HookMail, HookPost};
use crate::hub::{self, Gauges};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

const PATH: &str = "/api/hooks/";
/// Letters of an event's name.
const NAME: std::ops::RangeInclusive<usize> = 1..=64;

/// The door for hooks: its key, its inbox and its bounds. Clones share them.
#[derive(Debug, Clone)]
pub struct HookIntake {
    key: HookKey,
    inbox: mpsc::Sender<HookMail>,
    gauges: Gauges,
    limits: Limits,
    /// What may be in flight together, in bytes.
    room: Arc<Semaphore>,
    holding: Holding,
}

/// Why a post is refused. With [`Unfit::Slow`] and [`Unfit::TooLarge`] a hook is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Unfit {
    #[error("cannot find path: only /api/hooks/EVENT is here")]
    Path,
    #[error("cannot do this: hooks are posted")]
    Method,
    #[error("cannot take hook: its key is missing or wrong")]
    Key,
    #[error("cannot take hook: its content type has to be application/json")]
    ContentType,
    #[error("cannot take hook: an event's name is 1 to 64 letters")]
    Event,
    #[error("cannot take hook: it is too large")]
    TooLarge,
    #[error("cannot take hook: it did not arrive whole in time")]
    Slow,
}

impl Unfit {
    fn status(self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Key => StatusCode::UNAUTHORIZED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Event => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    fn answer(self) -> Answer {
        let mut answer = answer::refusal(self.status(), self);
        let hint = match self {
            Self::Method => Some((header::ALLOW, "POST")),
            Self::Key => Some((header::WWW_AUTHENTICATE, "Bearer")),
            _ => None,
        };
        if let Some((name, value)) = hint {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }
}

/// Who posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poster {
    /// It has to show the key.
    Stranger,
    /// The kernel says that it is the same user.
    Own,
}

/// A post counts as lost until it is told otherwise, whichever way it ends.
struct Unsettled<'a>(Option<&'a Gauges>);

impl Unsettled<'_> {
    fn settle(mut self) {
        self.0 = None;
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if let Some(gauges) = self.0 {
            gauges.lose_hook();
        }
    }
}

impl HookIntake {
    /// Takes what is posted with this key into the inbox, with the default [`Limits`].
    pub fn new(key: HookKey, inbox: mpsc::Sender<HookMail>, gauges: Gauges) -> Self {
        Self::within(Limits::default(), key, inbox, gauges)
    }

    /// As [`HookIntake::new`], with other limits.
    pub fn within(limits: Limits, key: HookKey, inbox: mpsc::Sender<HookMail>, gauges: Gauges) -> Self {
        let room = Arc::new(Semaphore::new(limits.hook_bytes_in_flight));
        Self { key, inbox, gauges, limits, room, holding: Holding::none() }
    }

    /// Somebody is there who answers claude's questions: hooks that may wait are held.
    #[must_use]
    pub fn holding(self) -> Self {
        let holding = Holding::of(self.limits.held_hooks);
        Self { holding, ..self }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the request is for this door, rightly or not.
    pub(super) fn is_for(parts: &Parts) -> bool {
        parts.uri.path().starts_with(PATH)
    }

    /// Answers one request. `known` is called once the caller has proved to be claude, or ours; `stays` says whether
    /// the connection may go on.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        poster: Poster,
        known: impl FnOnce(),
        stays: impl FnOnce() -> bool,
    ) -> Answer {
        let (parts, body) = request.into_parts();
        let event = match self.admit(&parts, poster) {
            Ok(event) => event.to_owned(),
            Err(unfit) => return refuse(unfit),
        };
        known();
        let held = self.holding.hold(&parts, &self.inbox);
        let (hold, held) = held.unzip();
        match self.take(event, body, hold).await {
            Ok(()) => match held.map(Held::answer) {
                Some(answer) => answer.await.map_or_else(|| answer::taken(stays()), answer::decided),
                None => answer::taken(stays()),
            },
            Err(unfit) => refuse(unfit),
        }
    }

    /// What can be told from the head; the event's name.
    fn admit<'a>(&self, parts: &'a Parts, poster: Poster) -> Result<&'a str, Unfit> {
        let event = parts.uri.path().strip_prefix(PATH).ok_or(Unfit::Path)?;
        if parts.method != Method::POST {
            return Err(Unfit::Method);
        }
        if poster == Poster::Stranger && !bearer(parts).is_some_and(|key| self.key.is(key)) {
            return Err(Unfit::Key);
        }
        if !is_json(parts) {
            return Err(Unfit::ContentType);
        }
        let is_name = NAME.contains(&event.len()) && event.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_name.then_some(event).ok_or(Unfit::Event)
    }

    /// Reads the body and hands it on with the right to answer; a post for which there is no room is lost without a word.
    async fn take(&self, event: String, body: Incoming, hold: Option<Hold>) -> Result<(), Unfit> {
        let unsettled = Unsettled(Some(&self.gauges));
        let arrived = hub::now();
        let mut patience = Patience(self.limits.hook_wait);
        let size = body.size_hint().exact();
        let reading = load::read(body, self.limits.hook_bytes, &self.room, &mut patience);
        let body = match timeout(self.limits.hook_body, reading).await.map_err(|_| Unfit::Slow)? {
            Ok(body) => body,
            Err(Spoilt::TooLarge) => return Err(Unfit::TooLarge),
            Err(spoilt) => {
                tracing::debug!("lost hook {event} of {size:?} bytes: {spoilt:?}");
                return Ok(());
            }
        };
        match patience.wait(self.inbox.reserve()).await {
            Some(Ok(place)) => {
                place.send(HookMail::Post(HookPost { event, body, arrived, hold }));
                unsettled.settle();
            }
            Some(Err(_)) => tracing::debug!("lost hook {event}: nobody takes it"),
            None => tracing::debug!("lost hook {event}: the inbox is full"),
        }
        Ok(())
    }
}

fn refuse(unfit: Unfit) -> Answer {
    tracing::debug!("{unfit}");
    unfit.answer()
}

/// The one value of a header; none where there are several.
pub(super) fn only(parts: &Parts, name: HeaderName) -> Option<&[u8]> {
    let mut values = parts.headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
}

fn bearer(parts: &Parts) -> Option<&[u8]> {
    let (scheme, key) = only(parts, header::AUTHORIZATION)?.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(key)
}

/// `application/json`, whatever its parameters.
pub(super) fn is_json(parts: &Parts) -> bool {
    let essence =
        only(parts, header::CONTENT_TYPE).and_then(|value| value.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}
