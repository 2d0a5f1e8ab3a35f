//! The HTTP part of a connection: one request, judged and answered, or taken over as a WebSocket.
//!
//! Hyper reads the request and writes the answer; which paths exist and what they say is decided here. Hooks are
//! taken at the Unix socket too, from our own verbs; what a hook has to be is `intake`'s.

use super::access::{self, Claims};
use super::answer::{self, Answer};
use super::door::Door;
use super::extension::{self, Compression};
use super::intake::{HookIntake, Poster};
use super::listener::Stream;
use super::lobby::Arrival;
use super::peer::Peer;
use super::places::Place;
use super::role::Visitor;
use super::strangers::Seat;
use super::{Shared, metrics, post, upgrade};
use crate::dialect::reply::FaultData;
use crate::dialect::{Dialect, Fault, classic, query, schema};
use crate::instance::audit::Subject;
use crate::instance::{Instance, RuntimeDirectory};
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio::time::Instant;

const PAGE: &str = "\
claude-mpm watches a claude session; everything it sees is an event here.

  /               with Upgrade: websocket: events and commands (classic dialect)
  /ws             the same
  /events         with Upgrade: the envelope dialect (requirement R4)
  /monitor        with Upgrade: the monitor dialect (requirement R5)
  /api/status     what is true now, as JSON
  /api/history    past events, as JSON: ?channels=&session=&since=&until=&after=&limit=
  /api/events     POST: publish an event, or an array of them (requirement R4)
  /api/instances  instances that run on this machine, as JSON
  /api/schema     JSON Schema of every event, frame and request
  /api/asyncapi   the hub as an AsyncAPI 3.0 document
  /metrics        for Prometheus
  /healthz        whether the server answers

The dashboard is not part of this version.
";

/// Paths that are looked at.
const PATHS: [&str; 8] = [
    "/",
    "/healthz",
    "/metrics",
    "/api/status",
    "/api/history",
    "/api/instances",
    "/api/schema",
    "/api/asyncapi",
];

/// A connection that became a WebSocket.
#[derive(Debug)]
pub(super) struct Upgraded {
    pub(super) stream: Stream,
    /// What came right behind the handshake.
    pub(super) read: Bytes,
    /// What is spoken at the path.
    pub(super) dialect: Dialect,
    /// The query part of the URL.
    pub(super) query: String,
    /// Whether both ends may compress, and how.
    pub(super) compression: Option<Compression>,
    pub(super) visitor: Visitor,
    pub(super) place: Place,
    /// Held by who has not said who it is.
    pub(super) stranger: Option<Seat>,
}

/// One caller and its one request.
#[derive(Debug)]
struct Visit {
    shared: Arc<Shared>,
    door: Door,
    arrival: Arrival,
    peer: Peer,
    kept: Mutex<Kept>,
    /// By then the answer has to be taken; `None` while there is none to take and who waits for it sets the time.
    due: watch::Sender<Option<Instant>>,
}

/// What outlives the answer.
#[derive(Debug, Default)]
struct Kept {
    place: Option<Place>,
    upgrade: Option<Switch>,
    stranger: Option<Seat>,
}

/// A connection that becomes a WebSocket.
#[derive(Debug)]
struct Switch {
    on_upgrade: OnUpgrade,
    dialect: Dialect,
    query: String,
    compression: Option<Compression>,
    visitor: Visitor,
}

/// Answers the one request of a connection, the head of which has to be there by then. Ends within the limit for an
/// answer after that, or after a hook that was held is answered.
pub(super) async fn attend(
    stream: Stream,
    shared: Arc<Shared>,
    arrival: Arrival,
    head_by: Instant,
) -> Option<Upgraded> {
    let (limits, peer) = (&shared.limits, Peer::of(&stream));
    let door = shared.access.door(stream.bound(), stream.is_tls());
    let (kept, due) = (Mutex::default(), watch::Sender::new(Some(head_by + limits.answer)));
    let visit = Arc::new(Visit { shared: shared.clone(), door, arrival, peer, kept, due });
    let service = service_fn(|request| async { Ok::<_, Infallible>(visit.answer(request).await) });
    let exchange = http1::Builder::new()
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes)
        .timer(TokioTimer::new())
        .header_read_timeout(head_by.saturating_duration_since(Instant::now()))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let ended = tokio::select! {
        biased;
        ended = exchange => ended,
        () = passed(visit.due.subscribe()) => return ended_badly(&"the answer was not taken in time"),
    };
    match ended {
        Ok(()) => visit.upgraded().await,
        Err(cause) => ended_badly(&cause),
    }
}

/// Waits until this time has come, which may be put off meanwhile.
async fn passed(mut due: watch::Receiver<Option<Instant>>) {
    loop {
        let now = *due.borrow_and_update();
        let come = async {
            match now {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = come => return,
            Ok(()) = due.changed() => {}
        }
    }
}

fn ended_badly(cause: &dyn std::fmt::Display) -> Option<Upgraded> {
    tracing::debug!("cannot finish HTTP exchange: {cause}");
    None
}

impl Visit {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        self.arrival.mark();
        let (parts, body) = request.into_parts();
        if let Err(refusal) = access::judge(&self.door, &Claims::of(&parts)) {
            tracing::debug!("refused {:?}: {refusal}", parts.uri);
            self.turned_away(&parts, &refusal.to_string());
            return answer::refusal(refusal.status(), refusal);
        }
        if HookIntake::is_for(&parts) {
            return match self.keep(self.shared.place_for_hook()) {
                true => self.take_hook(Request::from_parts(parts, body)).await,
                false => crowded(),
            };
        }
        let visitor = match self.shared.visitor(self.peer.clone(), &parts) {
            Ok(visitor) => visitor,
            Err(wrong) => {
                self.turned_away(&parts, "a wrong token");
                return answer::unauthenticated(wrong);
            }
        };
        if !self.keep(self.shared.place_for(&visitor)) {
            return crowded();
        }
        if parts.uri.path() == post::PATH && visitor.role.is_some() {
            return post::answer(&self.shared, &visitor, &parts, body).await;
        }
        if visitor.role.is_none() && !is_for_everybody(&parts) {
            self.turned_away(&parts, "no token");
            return answer::unauthenticated(None);
        }
        if !body.is_end_stream() {
            return answer::refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "cannot accept request: no body is taken here",
            );
        }
        self.route(parts, visitor).await
    }

    /// Keeps the place until the connection ends; whether there is one.
    fn keep(&self, place: Option<Place>) -> bool {
        self.kept().place = place;
        self.kept().place.is_some()
    }

    fn turned_away(&self, parts: &Parts, why: &str) {
        let visitor = Visitor { peer: self.peer.clone(), role: None, token: None };
        let action = format!("{} {}", parts.method, parts.uri.path());
        self.shared.note(&visitor, (Subject::Refusal, &action), "refused", Some(why));
    }

    /// Only where the kernel says who calls; claude itself has a listener of its own.
    async fn take_hook(&self, request: Request<Incoming>) -> Answer {
        match (&self.door, &self.shared.hooks) {
            (Door::Unix, Some(intake)) => {
                let poster = if self.peer.is_own_user() { Poster::Own } else { Poster::Stranger };
                // Reading it has a time of its own, and so has what it waits for.
                self.due.send_replace(None);
                let answer = intake.answer(request, poster, || {}, || false).await;
                self.due.send_replace(Some(Instant::now() + self.shared.limits.answer));
                answer
            }
            _ if self.shared.hub.is_recording() => {
                answer::refusal(StatusCode::FORBIDDEN, "cannot take hook: this is a recording")
            }
            _ => no_such_path(),
        }
    }

    async fn route(&self, mut parts: Parts, visitor: Visitor) -> Answer {
        let path = parts.uri.path().to_owned();
        if !PATHS.contains(&path.as_str()) && Dialect::at_path(&path).is_none() {
            return no_such_path();
        }
        if ![Method::GET, Method::HEAD].contains(&parts.method) {
            return answer::wrong_method();
        }
        match path.as_str() {
            "/healthz" => answer::json(StatusCode::OK, &json!({ "status": "ok" })),
            "/metrics" => answer::text_of(metrics::CONTENT_TYPE, metrics::text(&self.shared)),
            "/api/status" => self.status(parts.uri.query().unwrap_or_default()),
            "/api/schema" => answer::json(StatusCode::OK, schema::document()),
            "/api/asyncapi" => answer::json(StatusCode::OK, schema::asyncapi()),
            "/api/instances" => answer::json(StatusCode::OK, &instances().await),
            "/api/history" => self.history(parts.uri.query().unwrap_or_default()).await,
            _ => match Dialect::at_path(&path) {
                Some(dialect) if upgrade::is_wanted(&parts.headers) => {
                    self.switch(&mut parts, dialect, visitor)
                }
                Some(_) if path != "/" => answer::upgrade_required(format!(
                    "cannot serve {path}: it is a WebSocket, ask for an upgrade"
                )),
                _ => answer::text(PAGE),
            },
        }
    }

    fn status(&self, query: &str) -> Answer {
        let hub = &self.shared.hub;
        let session = match query::object(query).and_then(|object| classic::decode_session(&object)) {
            Ok(session) => session,
            Err(fault) => return bad_query(&fault),
        };
        match session.map_or_else(|| Some(hub.status()), |session| hub.status_of(&session)) {
            Some(snapshot) => answer::json(StatusCode::OK, &snapshot),
            None => {
                answer::refusal(StatusCode::NOT_FOUND, "cannot find session: this hub knows none of that id")
            }
        }
    }

    async fn history(&self, query: &str) -> Answer {
        match query::object(query).and_then(|object| classic::decode_past(&object)) {
            Ok(query) => answer::past(self.shared.hub.past(query).await),
            Err(fault) => bad_query(&fault),
        }
    }

    fn switch(&self, parts: &mut Parts, dialect: Dialect, visitor: Visitor) -> Answer {
        if visitor.role.is_none() {
            let Some(stranger) = self.shared.strangers.admit(&self.shared.limits, Instant::now()) else {
                let cause = "cannot accept request: too many have not said who they are";
                return answer::refusal(StatusCode::SERVICE_UNAVAILABLE, cause);
            };
            self.kept().stranger = Some(stranger);
        }
        match (upgrade::accept(parts), parts.extensions.remove::<OnUpgrade>()) {
            (Ok(accept), Some(on_upgrade)) => {
                let query = parts.uri.query().unwrap_or_default().to_owned();
                let compression = self.compression(&query, parts);
                self.kept().upgrade = Some(Switch { on_upgrade, dialect, query, compression, visitor });
                answer::switching(&accept, compression)
            }
            (Err(cause @ upgrade::BadUpgrade::Version), _) => answer::upgrade_required(cause),
            (Err(cause), _) => answer::refusal(cause.status(), cause),
            (Ok(_), None) => answer::refusal(StatusCode::BAD_REQUEST, upgrade::BadUpgrade::Request),
        }
    }

    /// Compressing costs more than it saves on the way to a client of this machine, unless it asks for it.
    fn compression(&self, query: &str, parts: &Parts) -> Option<Compression> {
        let is_wanted = query::wants_compression(query).unwrap_or(!self.peer.is_near());
        if is_wanted { extension::accepted(&parts.headers) } else { None }
    }

    /// The raw connection, where the request was for one.
    async fn upgraded(&self) -> Option<Upgraded> {
        let Kept { place, upgrade, stranger } = std::mem::take(&mut *self.kept());
        let Switch { on_upgrade, dialect, query, compression, visitor } = upgrade?;
        let parts = on_upgrade.await.ok()?.downcast::<TokioIo<Stream>>().ok()?;
        Some(Upgraded {
            stream: parts.io.into_inner(),
            read: parts.read_buf,
            dialect,
            query,
            compression,
            visitor,
            place: place?,
            stranger,
        })
    }

    /// Locked for a moment, and never while waiting.
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those whose records are in the runtime directory.
async fn instances() -> Vec<Instance> {
    let read =
        || RuntimeDirectory::existing().ok().flatten().map_or_else(Vec::new, |directory| directory.list());
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// What needs no role: whether anybody is there, the page that asks for a token, and a WebSocket, whose first message may
/// show one. None of them tells anything of a session.
fn is_for_everybody(parts: &Parts) -> bool {
    let path = parts.uri.path();
    matches!(path, "/" | "/healthz")
        || (Dialect::at_path(path).is_some() && upgrade::is_wanted(&parts.headers))
}

fn no_such_path() -> Answer {
    answer::refusal(StatusCode::NOT_FOUND, "cannot find path: see / for those that exist")
}

fn crowded() -> Answer {
    answer::refusal(StatusCode::SERVICE_UNAVAILABLE, "cannot accept request: too many connections")
}

fn bad_query(fault: &Fault) -> Answer {
    answer::json(StatusCode::BAD_REQUEST, &FaultData::from(fault))
}
