//! Whether a client is apart from claude, where it takes a while to find out: by TCP everything that the user's processes
//! hold is looked at, and nobody else waits for that.

use super::Shared;
use super::authenticate::Stranger;
use super::connection::{Connection, Flow};
use super::peer::Peer;
use crate::control::Command;
use crate::dialect::RequestId;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Such looks at the same time; the others wait.
pub(super) const LOOKS: usize = 2;

/// A request that waits for it.
#[derive(Debug)]
pub(super) struct Asking {
    look: JoinHandle<Result<(), String>>,
    then: Then,
}

/// What is done when it is known.
#[derive(Debug)]
pub(super) enum Then {
    /// Who has shown a token that allows control is told what it can really do.
    Greet(Option<RequestId>, Option<Stranger>),
    /// It is done, or refused.
    Order(Command, Option<RequestId>),
}

impl Asking {
    fn begin(shared: &Arc<Shared>, peer: &Peer, then: Then) -> Self {
        let (shared, peer) = (Arc::clone(shared), peer.clone());
        let look = tokio::spawn(async move {
            let _turn = shared.looks.clone().acquire_owned().await;
            let look = move || shared.is_apart_from_claude(&peer);
            tokio::task::spawn_blocking(look).await.unwrap_or_else(|cause| Err(cause.to_string()))
        });
        Self { look, then }
    }

    /// Waits for the answer, where there is a question. Cancel-safe.
    pub(super) async fn answered(asking: Option<&mut Self>) -> Result<(), String> {
        match asking {
            Some(asking) => (&mut asking.look).await.unwrap_or_else(|cause| Err(cause.to_string())),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Asking {
    /// One that waits for its turn need not look for who has left.
    fn drop(&mut self) {
        self.look.abort();
    }
}

impl Connection {
    /// Goes on once it is known whether it is apart from claude; at once where that is soon found out.
    pub(super) fn once_known_apart(&mut self, then: Then) -> Flow {
        if self.visitor.peer.is_soon_known() {
            let apart = self.shared.is_apart_from_claude(&self.visitor.peer);
            return self.go_on(then, apart);
        }
        self.asking = Some(Asking::begin(&self.shared, &self.visitor.peer, then));
        Flow::Continue(())
    }

    /// What was asked is answered.
    pub(super) fn is_known_apart(&mut self, apart: Result<(), String>) -> Flow {
        match self.asking.take() {
            Some(mut asking) => {
                let then = std::mem::replace(&mut asking.then, Then::Greet(None, None));
                self.go_on(then, apart)
            }
            None => Flow::Continue(()),
        }
    }

    fn go_on(&mut self, then: Then, apart: Result<(), String>) -> Flow {
        match then {
            Then::Greet(id, stranger) => self.greet(apart.is_ok(), id.as_ref(), stranger),
            Then::Order(command, id) => self.order(command, id.as_ref(), apart),
        }
    }
}
