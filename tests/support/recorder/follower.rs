//! Follows the files that claude writes while it runs: the logs of its conversations, its record of itself, and what
//! the hook at a session's start leaves. A file tells nobody that it has changed, so a thread looks every few
//! milliseconds; a time is right to about that.

use super::Came;
use crate::stage::{Stage, files};
use crate::tapes::What;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(3);

pub(super) struct Follower {
    stop: Sender<()>,
    thread: JoinHandle<Vec<Came>>,
}

struct Place {
    projects: PathBuf,
    sessions: PathBuf,
    /// What the hook at a session's start appends to, since no other kind of hook is called then.
    starts: PathBuf,
}

#[derive(Default)]
struct Followed {
    came: Vec<Came>,
    /// How much of a log has been told.
    told: HashMap<PathBuf, u64>,
    /// What was last told of a file that is rewritten.
    whole: HashMap<PathBuf, String>,
    state: Option<Value>,
}

impl Follower {
    pub(super) fn start(stage: &Stage, starts: &Path) -> Self {
        let (projects, sessions) = (stage.projects(), stage.sessions());
        let place = Place { projects, sessions, starts: starts.to_owned() };
        let (stop, stopped) = channel();
        let follow = move || {
            let mut followed = Followed::default();
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                followed.look(&place);
            }
            followed.look(&place);
            followed.came
        };
        let thread = std::thread::Builder::new().name("follower".to_owned()).spawn(follow).expect("a thread");
        Self { stop, thread }
    }

    /// Looks once more and gives everything that came.
    pub(super) fn stop(self) -> Vec<Came> {
        drop(self.stop);
        self.thread.join().expect("a follower that ends when it is told to")
    }
}

impl Followed {
    fn look(&mut self, place: &Place) {
        for line in self.new_lines(&place.starts) {
            let body: Value = serde_json::from_str(&line).unwrap_or_default();
            if body.is_object() {
                self.came.push((Instant::now(), What::Hook("SessionStart".to_owned(), body)));
            }
        }
        for path in files(&place.projects) {
            self.look_at_log(place, &path);
        }
        self.look_at_state(&place.sessions);
    }

    fn look_at_log(&mut self, place: &Place, path: &Path) {
        let lines = match path.to_str() {
            Some(name) if name.ends_with(".jsonl") => self.new_lines(path),
            Some(name) if name.ends_with(".meta.json") => self.rewritten(path),
            _ => return,
        };
        // The first folder is the project's.
        let below = path.strip_prefix(&place.projects).expect("a file below it");
        let file: PathBuf = below.iter().skip(1).collect();
        let session =
            file.iter().next().unwrap_or_default().to_string_lossy().trim_end_matches(".jsonl").to_owned();
        for line in lines {
            let (session, file) = (session.clone(), file.display().to_string());
            self.came.push((Instant::now(), What::Transcript { session, file, line }));
        }
    }

    /// Whole lines behind those told before.
    fn new_lines(&mut self, path: &Path) -> Vec<String> {
        let told = self.told.entry(path.to_owned()).or_default();
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(*told))?;
            file.read_to_end(&mut bytes)
        });
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if read.is_err() || whole == 0 {
            return Vec::new();
        }
        *told += whole as u64;
        String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned).collect()
    }

    /// The whole file, if it is another than before.
    fn rewritten(&mut self, path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let whole = serde_json::from_str::<Value>(&text).is_ok();
        if !whole || self.whole.get(path) == Some(&text) {
            return Vec::new();
        }
        self.whole.insert(path.to_owned(), text.clone());
        vec![text.trim_end().to_owned()]
    }

    fn look_at_state(&mut self, sessions: &Path) {
        let mut texts = files(sessions).into_iter().filter_map(|path| std::fs::read(path).ok());
        let Some(state) = texts.next_back().map_or(Some(None), |text| serde_json::from_slice(&text).ok())
        else {
            // It is being written: the next look will see it.
            return;
        };
        if state != self.state {
            self.came.push((Instant::now(), What::State(state.clone())));
            self.state = state;
        }
    }
}
