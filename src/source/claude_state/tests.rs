//! Tests of the state follower: real files in a private folder, no claude.

use super::*;
use std::fs;
use tokio::task::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(30);

struct Site {
    _home: tempfile::TempDir,
    folder: ClaudeFolder,
    child: watch::Sender<Option<u32>>,
    tracks: mpsc::Receiver<Track>,
    seen: mpsc::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = ClaudeFolder::new(home.path().join(".claude"));
        let (child, watched) = watch::channel(None);
        let (found, tracks) = mpsc::channel(8);
        let (out, seen) = mpsc::channel(8);
        let task = tokio::spawn(follow(watched, folder.clone(), found, out));
        Self { _home: home, folder, child, tracks, seen, task }
    }

    /// As claude does: the whole file anew.
    fn write(&self, session: &str, status: &str, more: &str) {
        let pid = std::process::id();
        let text = format!(
            r#"{{"pid":{pid},"sessionId":"{session}","cwd":"/w",{more}"status":"{status}","updatedAt":9,"statusUpdatedAt":8}}"#
        );
        fs::create_dir_all(self.folder.sessions()).unwrap();
        fs::write(self.folder.sessions().join(format!("{pid}.json")), text).unwrap();
    }

    fn start(&self) {
        self.child.send(Some(std::process::id())).unwrap();
    }

    async fn next(&mut self) -> Observation {
        match tokio::time::timeout(DEADLINE, self.seen.recv()).await.unwrap() {
            Some(Seen::Observed(Source::Transcript, observation)) => observation,
            other => panic!("{other:?}"),
        }
    }

    async fn session(&mut self) -> Track {
        tokio::time::timeout(DEADLINE, self.tracks.recv()).await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn changes_are_told_as_of_when_claude_says_and_rest_once() {
    let mut site = Site::new();
    site.start();
    site.write("s-1", "busy", "");
    let busy = site.next().await;
    assert_eq!((&busy.fact, busy.at), (&Fact::State(ActivityState::Busy), Timestamp::from_millis(8)));
    assert_eq!(busy.claude_session.as_ref(), "s-1");
    site.write("s-1", "waiting", r#""waitingFor":"permission prompt","#);
    assert_eq!(site.next().await.fact, Fact::State(ActivityState::NeedsPermission));
    site.write("s-1", "idle", "");
    assert_eq!(site.next().await.fact, Fact::State(ActivityState::Idle));
    let settled = site.next().await;
    // A prompt that came since is not over with it.
    assert_eq!((&settled.fact, settled.at), (&Fact::Settled, Timestamp::from_millis(8)));
    site.write("s-1", "busy", "");
    assert_eq!(site.next().await.fact, Fact::State(ActivityState::Busy));
}

#[tokio::test(flavor = "current_thread")]
async fn every_session_is_handed_to_whoever_follows_transcripts() {
    let mut site = Site::new();
    site.write("s-1", "idle", "");
    site.start();
    let track = |session: &str| Track { claude_session: session.into(), path: None, cwd: Some("/w".into()) };
    assert_eq!(site.session().await, track("s-1"));
    site.write("s-2", "idle", "");
    assert_eq!(site.session().await, track("s-2"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_file_left_over_from_another_process_is_not_believed() {
    // Where nobody counts as claude does, nothing tells the file of another process.
    let Some(started) = processes::start_ticks(std::process::id()) else { return };
    let mut site = Site::new();
    site.write("s-old", "busy", r#""procStart":"1","#);
    let path = site.folder.sessions().join(format!("{}.json", std::process::id()));
    assert_eq!(read(&path, std::process::id()), None);
    site.write("s-new", "busy", &format!(r#""procStart":"{started}","#));
    site.start();
    assert_eq!(site.session().await.claude_session.as_ref(), "s-new");
}

#[tokio::test(flavor = "current_thread")]
async fn it_ends_with_the_child() {
    let site = Site::new();
    site.start();
    drop(site.child);
    tokio::time::timeout(DEADLINE, site.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_word_that_is_not_known_is_no_silence() {
    let site = Site::new();
    let said = || now(&site.folder, std::process::id());
    assert_eq!(said(), None);
    for (status, expected) in [
        ("idle", Said::Activity(ActivityState::Idle)),
        ("shell", Said::Activity(ActivityState::Idle)),
        ("busy", Said::Activity(ActivityState::Busy)),
        ("dreaming", Said::Unknown),
    ] {
        site.write("s-1", status, "");
        assert_eq!(said(), Some(expected), "{status}");
    }
}
