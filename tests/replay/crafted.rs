//! Journals as a session would have written them, with the times and holes that a test needs.

use claude_mpm::journal::{Batch, Journal, Writer, set_label};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// When crafted sessions begin, Unix milliseconds.
const BEGAN: i64 = 1_795_176_000_000;

/// A journal.
pub(crate) struct Crafted {
    directory: PathBuf,
}

/// An event with that number, so many milliseconds after the beginning.
pub(crate) fn at(seq: u64, millis: i64) -> (u64, i64) {
    (seq, millis)
}

impl Crafted {
    /// An empty one of a session with that id and name.
    pub(crate) fn new(sessions: &Path, session: &str, name: &str) -> Self {
        let crafted = Self::unlabelled(sessions, session);
        let label = json!({
            "name": name, "session_id": session, "pid": 1, "start_time": 1, "host": "127.0.0.1", "port": 8765,
            "socket": null, "working_dir": "/home/user/web", "launch_method": "subprocess", "version": "0.1.0",
            "epoch": "e1", "started_at": "2026-11-20T12:00:00.000Z",
        });
        set_label(&crafted.directory, label.to_string().as_bytes()).expect("a label");
        crafted
    }

    /// One that does not say what it is of.
    pub(crate) fn unlabelled(sessions: &Path, session: &str) -> Self {
        let directory = sessions.join(session);
        drop(writer(&directory, "none"));
        Self { directory }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes events of that numbering.
    pub(crate) fn records(&self, epoch: &str, records: impl IntoIterator<Item = (u64, i64)>) {
        self.write(epoch, records.into_iter().map(|(seq, millis)| event(epoch, seq, millis)));
    }

    /// Writes these, whatever they are.
    pub(crate) fn write(&self, epoch: &str, events: impl IntoIterator<Item = Value>) {
        self.write_in_batches(epoch, [events]);
    }

    /// Writes these, each batch by one write.
    pub(crate) fn write_in_batches<B: IntoIterator<Item = Value>>(
        &self,
        epoch: &str,
        batches: impl IntoIterator<Item = B>,
    ) {
        let mut writer = writer(&self.directory, epoch);
        let (mut batch, mut last) = (Batch::default(), 0);
        for events in batches {
            batch.clear();
            for event in events {
                last = event["seq"].as_u64().expect("a number");
                assert!(batch.push(last, BEGAN, event.to_string().as_bytes()));
            }
            writer.append(&batch).expect("space");
        }
        writer.finish(last).expect("an end");
    }

    /// The one segment that it has.
    pub(crate) fn segment(&self) -> PathBuf {
        let mut segments = claude_mpm::journal::segments(&self.directory).expect("a directory");
        assert_eq!(segments.len(), 1);
        segments.remove(0).path
    }
}

fn writer(directory: &Path, epoch: &str) -> Writer {
    std::fs::create_dir_all(directory.parent().expect("below sessions")).expect("a folder");
    Journal::open(directory).expect("a journal").writer(epoch, u64::MAX)
}

/// An event that means nothing.
pub(crate) fn event(epoch: &str, seq: u64, millis: i64) -> Value {
    let time = jiff::Timestamp::from_millisecond(BEGAN + millis).expect("a time");
    json!({
        "type": "my.event", "timestamp": format!("{time:.3}"), "data": {"number": seq},
        "id": format!("00000000-0000-4000-8000-{seq:012x}"), "seq": seq, "epoch": epoch, "session_id": "s1", "source": "system",
    })
}
