//! Tests of the transcript follower: real files in a private folder, no claude.

use super::*;
use crate::detect::observation::{Agent, Fact, Observation};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(30);

struct Site {
    _home: tempfile::TempDir,
    folder: ClaudeFolder,
    tracks: mpsc::Sender<Track>,
    seen: mpsc::Receiver<Seen>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = ClaudeFolder::new(home.path().join(".claude"));
        let (tracks, to_follow) = mpsc::channel(8);
        // One place only: everything waits for the test, and nothing may be lost by it.
        let (out, seen) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or(()) };
        let since = Timestamp::from_millis(1_000_000);
        let task = tokio::spawn(follow(to_follow, folder.clone(), since, out, stopped));
        Self { _home: home, folder, tracks, seen, stop, task }
    }

    /// The transcript of session `s-1`, which need not exist.
    fn transcript(&self) -> PathBuf {
        self.folder.projects().join("-w/s-1.jsonl")
    }

    async fn track(&self, path: Option<PathBuf>) {
        let track = Track { claude_session: "s-1".into(), path, cwd: Some("/w".into()) };
        self.tracks.send(track).await.unwrap();
    }

    async fn next(&mut self) -> Seen {
        let next = tokio::time::timeout(DEADLINE, self.seen.recv()).await;
        next.expect("in time").expect("the follower runs")
    }

    async fn observation(&mut self) -> Observation {
        match self.next().await {
            Seen::Observed(Source::Transcript, observation) => observation,
            other => panic!("{other:?}"),
        }
    }

    /// The next text that somebody said.
    async fn said(&mut self) -> String {
        loop {
            if let Fact::Said { text, .. } = self.observation().await.fact {
                return text;
            }
        }
    }

    async fn fault(&mut self) -> String {
        match self.next().await {
            Seen::Fault { what, .. } => what,
            other => panic!("{other:?}"),
        }
    }
}

fn line(text: &str) -> String {
    line_at("1970-01-01T01:00:00.000Z", text)
}

fn line_at(time: &str, text: &str) -> String {
    format!(
        "{{\"type\":\"user\",\"timestamp\":\"{time}\",\"message\":{{\"role\":\"user\",\"content\":\"{text}\"}}}}\n"
    )
}

fn append(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_transcript_is_followed_before_it_exists_and_as_it_grows_in_pieces() {
    let mut site = Site::new();
    site.track(None).await;
    let path = site.transcript();
    append(&path, &line("one"));
    assert_eq!(site.said().await, "one");
    let two = line("two");
    append(&path, &two[..20]);
    append(&path, &two[20..]);
    append(&path, &line("three"));
    assert_eq!(site.said().await, "two");
    assert_eq!(site.said().await, "three");
}

/// In a terminal claude sometimes writes the lines of its second answer into the new file before those of its first.
#[tokio::test(flavor = "current_thread")]
async fn the_first_lines_of_a_new_transcript_are_told_in_the_order_of_their_times() {
    let mut site = Site::new();
    site.track(None).await;
    let path = site.transcript();
    append(&path, &line_at("1970-01-01T01:00:02.000Z", "second"));
    append(&path, &line_at("1970-01-01T01:00:01.000Z", "first"));
    append(&path, &line_at("1970-01-01T01:00:03.000Z", "third"));
    for expected in ["first", "second", "third"] {
        assert_eq!(site.said().await, expected);
    }
    append(&path, &line_at("1970-01-01T01:00:01.000Z", "late"));
    assert_eq!(site.said().await, "late");
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_said_before_the_run_is_past() {
    let mut site = Site::new();
    append(&site.transcript(), &line("old").replace("01:00", "00:00"));
    append(&site.transcript(), &line("new"));
    site.track(Some(site.transcript())).await;
    let mut past = Vec::new();
    for _ in 0..4 {
        past.push(site.observation().await.past);
    }
    assert_eq!(past, [true, true, false, false]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_transcript_that_is_cut_short_or_replaced_is_read_anew() {
    let mut site = Site::new();
    site.track(None).await;
    let path = site.transcript();
    append(&path, &line("first and long"));
    assert_eq!(site.said().await, "first and long");
    fs::write(&path, line("cut")).unwrap();
    assert_eq!(site.said().await, "cut");
    let other = path.with_extension("new");
    fs::write(&other, line("replaced")).unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(site.said().await, "replaced");
    fs::remove_file(&path).unwrap();
    append(&path, &line("again"));
    assert_eq!(site.said().await, "again");
}

#[tokio::test(flavor = "current_thread")]
async fn agents_are_told_with_their_call_and_followed() {
    let mut site = Site::new();
    site.track(None).await;
    let agents = site.transcript().with_extension("").join("subagents");
    let meta = r#"{"agentType":"qa","description":"x","toolUseId":"t1","spawnDepth":1}"#;
    append(&agents.join("agent-a1.meta.json"), meta);
    let agent = Agent { id: "a1".into(), name: Some("qa".into()) };
    let started = site.observation().await;
    let expected = Fact::AgentStarted { agent: agent.clone(), tool_use_id: Some("t1".into()) };
    assert_eq!((started.fact, started.past), (expected, false));
    let text = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"Done"}]}}"#;
    append(&agents.join("agent-a1.jsonl"), &format!("{text}\n"));
    let said = site.observation().await;
    assert_eq!(said.agent, Some(agent));
    assert!(matches!(said.fact, Fact::Said { text, .. } if text == "Done"));
}

#[tokio::test(flavor = "current_thread")]
async fn hostile_paths_are_refused_once_and_the_right_one_is_followed_instead() {
    let mut site = Site::new();
    let outside = site.folder.path().join("s-1.jsonl");
    append(&outside, &line("secret"));
    site.track(Some(outside.clone())).await;
    site.track(Some(outside)).await;
    assert!(site.fault().await.ends_with("not below claude's projects folder"));
    append(&site.transcript(), &line("right"));
    assert_eq!(site.said().await, "right");
}

#[tokio::test(flavor = "current_thread")]
async fn a_link_in_place_of_a_transcript_is_not_read() {
    let mut site = Site::new();
    let outside = site.folder.path().join("secret.jsonl");
    append(&outside, &line("secret"));
    fs::create_dir_all(site.transcript().parent().unwrap()).unwrap();
    symlink(&outside, site.transcript()).unwrap();
    site.track(Some(site.transcript())).await;
    let fault = site.fault().await;
    assert!(fault.starts_with("cannot read transcript") && fault.ends_with("it is a link"), "{fault}");
}

#[tokio::test(flavor = "current_thread")]
async fn garbage_is_told_once_and_what_follows_is_read() {
    let mut site = Site::new();
    append(&site.transcript(), "garbage\nmore\n");
    append(&site.transcript(), &line("one"));
    site.track(None).await;
    assert_eq!(site.said().await, "one");
    assert!(site.fault().await.starts_with("cannot read every line of transcript"));
    append(&site.transcript(), "garbage\n");
    append(&site.transcript(), &line("two"));
    assert_eq!(site.said().await, "two");
}

#[tokio::test(flavor = "current_thread")]
async fn at_the_end_everything_is_read_once_more() {
    let mut site = Site::new();
    site.track(None).await;
    append(&site.transcript(), &line("one"));
    assert_eq!(site.said().await, "one");
    // On one thread nothing is looked at before the test waits.
    append(&site.transcript(), &line("last"));
    site.stop.send(()).unwrap();
    let mut said = Vec::new();
    while let Some(seen) = tokio::time::timeout(DEADLINE, site.seen.recv()).await.unwrap() {
        if let Seen::Observed(_, Observation { fact: Fact::Said { text, .. }, .. }) = seen {
            said.push(text);
        }
    }
    assert_eq!(said, ["last"]);
    site.task.await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn it_ends_in_time_though_nobody_takes_what_is_seen() {
    let site = Site::new();
    append(&site.transcript(), &line("one").repeat(1_000));
    site.track(None).await;
    site.stop.send(()).unwrap();
    tokio::time::timeout(DEADLINE, site.task).await.unwrap().unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn many_agents_are_followed_within_a_bound() {
    let mut site = Site::new();
    let agents = site.transcript().with_extension("").join("subagents");
    let text = r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"x"}]}}"#;
    for number in 0..1_050 {
        append(&agents.join(format!("agent-a{number}.jsonl")), &format!("{text}\n"));
    }
    site.track(None).await;
    for _ in 0..1_000 {
        site.observation().await;
    }
    append(&site.transcript(), &line("main"));
    assert_eq!(site.said().await, "main");
}
