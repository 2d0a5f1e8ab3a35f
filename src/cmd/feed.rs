//! Events of one or more hubs in one queue: a task for each hub, all ended when the queue is dropped.

use super::target::{self, Target};
use crate::client::{ClientError, Follow, Frame, Item, Start, Subscription};
use crate::event::SessionId;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Items that may wait; a full queue makes the tasks wait, and the hubs keep what they could not send.
const QUEUE: usize = 64;

/// What a task reports.
#[derive(Debug)]
pub(super) enum News {
    /// Something happened on the way.
    Item(Box<Item>),
    /// The process is gone and will not come back.
    Gone,
}

/// The queue.
pub(super) struct Feed {
    sender: mpsc::Sender<(Arc<Target>, News)>,
    receiver: mpsc::Receiver<(Arc<Target>, News)>,
    tasks: JoinSet<()>,
    known: HashSet<SessionId>,
}

impl Feed {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { sender, receiver, tasks: JoinSet::new(), known: HashSet::new() }
    }

    /// Follows one hub.
    pub(super) fn add(&mut self, target: Target, wanted: Subscription) {
        let follow = Follow::new(target.endpoints.clone(), wanted);
        self.tasks.spawn(report(Arc::new(target), follow, self.sender.clone()));
    }

    /// Follows the running instances that are not followed yet, and says how many those were.
    pub(super) fn add_new(&mut self, wanted: &Subscription, start: &Start) -> usize {
        // A directory that cannot be read now may be readable next time.
        let running = target::instances().unwrap_or_default();
        let new: Vec<_> = running.into_iter().filter(|i| self.known.insert(i.session_id.clone())).collect();
        let count = new.len();
        for instance in new {
            self.add(Target::of(instance), Subscription { start: start.clone(), ..wanted.clone() });
        }
        count
    }

    /// Whether the session of the event is that of an instance that is followed.
    pub(super) fn follows(&self, frame: &Frame) -> bool {
        frame.session_id().is_some_and(|id| self.known.contains(&SessionId::new(id)))
    }

    /// The next thing that happens anywhere. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<(Arc<Target>, News)> {
        // Tasks that are done leave the set, so that it does not grow.
        while self.tasks.try_join_next().is_some() {}
        self.receiver.recv().await
    }
}

async fn report(target: Arc<Target>, mut follow: Follow, sender: mpsc::Sender<(Arc<Target>, News)>) {
    while let Some(item) = follow.next().await {
        let gone = is_gone(&target, &item);
        let news = if gone { News::Gone } else { News::Item(Box::new(item)) };
        if sender.send((target.clone(), news)).await.is_err() || gone {
            return;
        }
    }
}

/// Nobody listens any more, and the process that did has ended.
fn is_gone(target: &Target, item: &Item) -> bool {
    let silent = matches!(item, Item::Lost { cause: ClientError::Connect { .. }, .. });
    silent && target.instance.as_ref().is_some_and(|instance| !instance.is_running())
}
