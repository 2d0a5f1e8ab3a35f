//! Places for those whose request has arrived. Everybody shares most of them; some are the user's alone, who has to get in
//! and end what has taken all the others, and some are for hooks.

use super::Shared;
use super::limit::Limits;
use super::role::Visitor;
use crate::instance::Role;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All of them.
#[derive(Debug)]
pub(super) struct Places {
    shared: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    hooks: Arc<Semaphore>,
}

/// One, until it is dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Self {
            shared: of(limits.connections),
            reserve: of(limits.reserve),
            hooks: of(limits.hook_connections),
        }
    }
}

impl Shared {
    /// A place for this caller. One of the reserve is for who may control claude and comes by the Unix socket or from
    /// another machine: claude's own tools, which may have taken all the others, may not.
    pub(super) fn place_for(&self, visitor: &Visitor) -> Option<Place> {
        let is_owner = || {
            visitor.may(Role::Control)
                && visitor.peer.is_soon_known()
                && self.is_apart_from_claude(&visitor.peer).is_ok()
        };
        free(&self.places.shared).or_else(|| free(&self.places.reserve).filter(|_| is_owner()))
    }

    /// A place for a hook that came by the Unix socket.
    pub(super) fn place_for_hook(&self) -> Option<Place> {
        free(&self.places.hooks).or_else(|| free(&self.places.shared))
    }
}

fn free(places: &Arc<Semaphore>) -> Option<Place> {
    places.clone().try_acquire_owned().ok()
}
