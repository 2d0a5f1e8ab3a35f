//! Orders that are passed on: claude's questions are answered by whoever holds their hooks.

use crate::control::{Fate, Order};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError::{Closed, Full};

/// Passes it on, or says that it cannot be.
pub(super) fn pass_on(permissions: &Sender<Order>, order: Order) {
    if let Err(Full(mut order) | Closed(mut order)) = permissions.try_send(order) {
        order.tell(Fate::Rejected { reason: "too many answers wait to be given".into() });
    }
}
