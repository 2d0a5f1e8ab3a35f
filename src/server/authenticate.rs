//! A client shows a token, and what becomes of one that does not, or shows a wrong one.

use super::apart::Then;
use super::connection::{Connection, Flow};
use super::ending::Ending;
use super::keys::Wrong;
use super::strangers::Seat;
use crate::dialect::{Close, Code, Dialect, Fault, Reply, RequestId};
use crate::instance::Role;
use crate::instance::audit::Subject;
use std::ops::ControlFlow::{Break, Continue};
use tokio::time::Instant;

/// What is kept for a client until it is known who it is.
#[derive(Debug)]
pub(super) struct Stranger {
    /// The query part of its URL.
    query: String,
    /// Then it is too late.
    until: Instant,
    seat: Option<Seat>,
}

impl Stranger {
    pub(super) fn new(query: String, until: Instant, seat: Option<Seat>) -> Self {
        Self { query, until, seat }
    }

    /// Waits until somebody else needs the place, where there is one to give. Cancel-safe.
    pub(super) async fn in_the_way(stranger: Option<&Self>) {
        match stranger.and_then(|stranger| stranger.seat.as_ref()) {
            Some(seat) => seat.needed().await,
            None => std::future::pending().await,
        }
    }

    /// By then it has to have shown a token.
    pub(super) fn until(&self) -> Instant {
        self.until
    }
}

impl Connection {
    /// It may do something here: it is greeted, and subscribed where the URL asked for that.
    pub(super) fn is_known_now(&mut self) {
        let Some(Stranger { query, .. }) = self.stranger.take() else { return };
        self.shared.note(&self.visitor, (Subject::Connection, self.dialect.name()), "accepted", None);
        if self.dialect == Dialect::Envelope {
            self.next_heartbeat = Some(Instant::now() + self.shared.limits.heartbeat);
            return self.begin_with_the_past(&query);
        }
        let snapshot = self.shared.hub.status();
        self.say(&Reply::Status(&snapshot), None);
        self.subscribe_from_url(&query);
    }

    /// From now on the client may do what the token is for, and nothing else.
    pub(super) fn authenticate(&mut self, token: &str, id: Option<&RequestId>) -> Flow {
        let granted = match self.shared.access.keys.verify(token.as_bytes(), Instant::now()) {
            Ok(granted) => granted,
            Err(wrong) => {
                self.shared.note(&self.visitor, (Subject::Refusal, "auth"), "refused", Some("a wrong token"));
                return self.close_unauthenticated("the token is wrong", wrong, id);
            }
        };
        (self.visitor.role, self.visitor.token) = (Some(granted.role), Some(granted.token));
        self.means_it();
        // It has its answer soon, and no longer a stranger's time for it.
        let stranger = self.stranger.take();
        match granted.role {
            Role::Control => self.once_known_apart(Then::Greet(id.cloned(), stranger)),
            Role::Read | Role::Publish => self.greet(true, id, stranger),
        }
    }

    /// Says what it can really do: behind a supervised claude there is no control.
    pub(super) fn greet(
        &mut self,
        is_apart: bool,
        id: Option<&RequestId>,
        stranger: Option<Stranger>,
    ) -> Flow {
        let role = self.visitor.role.unwrap_or(Role::Read);
        let role = if role == Role::Control && !is_apart { Role::Publish } else { role };
        self.say(&Reply::Authenticated { role: role.as_str() }, id);
        self.stranger = stranger;
        self.is_known_now();
        Continue(())
    }

    /// Who has to show a token first has not.
    pub(super) fn turn_away(&mut self, id: Option<&RequestId>) -> Flow {
        self.shared.note(&self.visitor, (Subject::Refusal, "auth"), "refused", Some("no token"));
        self.close_unauthenticated("a token is needed first", Wrong::Token, id)
    }

    /// Whether the token it was let in with still counts; the file of tokens is asked whether it is another.
    pub(super) fn is_still_let_in(&self) -> bool {
        self.visitor.token.as_ref().is_none_or(|token| self.shared.access.keys.still_valid(token))
    }

    /// Its token was taken away.
    pub(super) fn token_is_gone(&mut self) -> Flow {
        self.shared.note(&self.visitor, (Subject::Refusal, "token"), "refused", Some("it was revoked"));
        self.close_unauthenticated("the token no longer counts", Wrong::Token, None)
    }

    fn close_unauthenticated(&mut self, cause: &str, wrong: Wrong, id: Option<&RequestId>) -> Flow {
        let fault = Fault::new(Code::NotAuthenticated, format_args!("cannot let you in: {cause}"));
        self.refuse(&fault.of(id.cloned()));
        Break(Ending::ByUs(match wrong {
            Wrong::Token => Close::NotAuthenticated,
            Wrong::Again => Close::RateLimit,
        }))
    }
}
