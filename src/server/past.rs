//! Past events for one caller: as one reply on a WebSocket, or piece by piece as the body of an HTTP answer.
//!
//! Which events those are is the hub's to find.

use super::frame;
use crate::dialect::{Dialect, RequestId};
use crate::filter::Query;
use crate::hub::{History, Hub, Record};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::task::JoinHandle;

/// About this many bytes of a body exist at once.
const PIECE: usize = 64 << 10;

/// A client's question about the past that is being looked into: no other request of it is answered meanwhile.
#[derive(Debug, Default)]
pub(super) struct Looking(Option<(JoinHandle<History>, Option<RequestId>)>);

impl Looking {
    /// Begins to look.
    pub(super) fn begin(&mut self, hub: &Hub, query: Query, id: Option<RequestId>) {
        let hub = hub.clone();
        self.0 = Some((tokio::spawn(async move { hub.past(query).await }), id));
    }

    /// Whether something is being looked into.
    pub(super) fn is_busy(&self) -> bool {
        self.0.is_some()
    }

    /// What was found, once it is; never where nothing is looked into. Cancel-safe.
    pub(super) async fn found(&mut self) -> (History, Option<RequestId>) {
        let Some((task, _)) = &mut self.0 else { return std::future::pending().await };
        let history = task.await.unwrap_or_else(|cause| {
            tracing::error!("cannot look into the past: {cause}");
            History::default()
        });
        (history, self.0.take().and_then(|(_, id)| id))
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some((task, _)) = &self.0 {
            task.abort();
        }
    }
}

/// The newest of these whose frames fit in `most` bytes.
pub(super) fn fitting(records: &[Arc<Record>], dialect: Dialect, most: usize) -> &[Arc<Record>] {
    let mut bytes = 0;
    let fits = |record: &&Arc<Record>| {
        bytes += frame::payload_of(record, dialect).len() + 1;
        bytes <= most
    };
    let count = records.iter().rev().take_while(fits).count();
    &records[records.len() - count..]
}

/// The newest frames that fit in `most` bytes, oldest first, and whether those were all.
pub(super) fn newest(history: &History, dialect: Dialect, most: usize) -> (Vec<&[u8]>, bool) {
    let records = fitting(&history.records, dialect, most);
    let frames = records.iter().map(|record| frame::payload_of(record, dialect)).collect();
    (frames, records.len() == history.records.len())
}

/// A JSON array of events. It holds the records, which are shared with the log, and one piece of text.
#[derive(Debug)]
pub(super) struct PastBody {
    records: std::vec::IntoIter<Arc<Record>>,
    /// What stands in front of the next event: `[`, then `,`; `None` once the array is closed.
    separator: Option<u8>,
}

impl PastBody {
    pub(super) fn new(history: History) -> Self {
        Self { records: history.records.into_iter(), separator: Some(b'[') }
    }

    fn piece(&mut self) -> Option<Bytes> {
        let mut separator = self.separator?;
        let mut piece = Vec::new();
        while piece.len() < PIECE {
            let Some(record) = self.records.next() else {
                piece.extend_from_slice(if separator == b'[' { b"[]" } else { b"]" });
                self.separator = None;
                return Some(piece.into());
            };
            piece.push(separator);
            piece.extend_from_slice(frame::payload_of(&record, Dialect::Classic));
            separator = b',';
        }
        self.separator = Some(separator);
        Some(piece.into())
    }
}

impl Body for PastBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.piece().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.separator.is_none()
    }
}
