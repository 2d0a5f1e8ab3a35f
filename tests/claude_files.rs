//! The real claude's own stream and files, read by the decoders and followers: the same work has to be seen in both.

use claude_mpm::detect::observation::{Fact, Observation, Outcome};
use claude_mpm::detect::stream_json::StreamDecoder;
use claude_mpm::event::body::ActivityState::{Busy, Idle};
use claude_mpm::event::talk::Role;
use claude_mpm::hub;
use claude_mpm::source::claude_folder::ClaudeFolder;
use claude_mpm::source::seen::{Seen, Track};
use claude_mpm::source::{claude_state, transcript};
use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use test_support::DEADLINE;
use test_support::messages_api::MessagesApi;
use test_support::real_claude::Sandbox;
use test_support::terminal::Terminal;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

const SESSION: &str = "7a5b0c5e-6f0e-4b52-9c39-0d7f1a2b3c4d";

/// Starts claude on a prompt, its stream on a pipe.
fn start(sandbox: &Sandbox, prompt: &str, options: &[&str]) -> Child {
    let stream = ["--output-format", "stream-json", "--verbose"];
    let mut claude = sandbox.direct(&["-p", prompt, "--session-id", SESSION]);
    claude.args(stream).args(options).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    claude.spawn().expect("claude starts")
}

/// Reads the stream to its end, in small pieces.
fn read_stream(claude: &mut Child) -> (Vec<Observation>, u64) {
    use std::io::Read;
    let mut stream = claude.stdout.take().expect("a piped stream");
    let (mut decoder, mut found, mut piece) = (StreamDecoder::default(), Vec::new(), [0; 1000]);
    loop {
        match stream.read(&mut piece).expect("a readable pipe") {
            0 => break,
            count => decoder.feed(&piece[..count], hub::now(), &mut |one| found.push(one)),
        }
    }
    decoder.finish(hub::now(), &mut |one| found.push(one));
    claude.wait().expect("claude ends");
    (found, decoder.unread())
}

fn calls(observations: &[Observation]) -> BTreeSet<(String, String)> {
    let called = observations.iter().filter_map(|one| match &one.fact {
        // The stream keeps what the model said; the transcript may say it by the tool's newer name.
        Fact::Called(call) => {
            let name = if call.tool == "Task" { "Agent" } else { call.tool.as_str() };
            Some((call.id.clone(), name.to_owned()))
        }
        _ => None,
    });
    called.collect()
}

fn results(observations: &[Observation]) -> BTreeSet<String> {
    let returned = observations.iter().filter_map(|one| match &one.fact {
        Fact::Returned(over) if matches!(over.outcome, Outcome::Ran(_)) => Some(over.id.clone()),
        _ => None,
    });
    returned.collect()
}

fn counted(observations: &[Observation], is_meant: impl Fn(&Fact) -> bool) -> usize {
    observations.iter().filter(|one| is_meant(&one.fact)).count()
}

/// Both followers of one claude.
struct Followers {
    child: watch::Sender<Option<u32>>,
    tracks: mpsc::Sender<Track>,
    seen: mpsc::Receiver<Seen>,
    stop: oneshot::Sender<()>,
    transcripts: JoinHandle<()>,
    states: JoinHandle<()>,
}

impl Followers {
    fn start(sandbox: &Sandbox) -> Self {
        let folder = ClaudeFolder::new(sandbox.home().join(".claude"));
        let (tracks, to_follow) = mpsc::channel(8);
        let (out, seen) = mpsc::channel(4096);
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or(()) };
        let (child, child_is) = watch::channel(None);
        let following = transcript::follow(to_follow, folder.clone(), hub::now(), out.clone(), stopped);
        let transcripts = tokio::spawn(following);
        let states = tokio::spawn(claude_state::follow(child_is, folder, tracks.clone(), out));
        Self { child, tracks, seen, stop, transcripts, states }
    }

    /// Waits for a fact.
    async fn wait_for(&mut self, is_meant: impl Fn(&Fact) -> bool) -> Observation {
        loop {
            match tokio::time::timeout(DEADLINE, self.seen.recv()).await.expect("in time") {
                Some(Seen::Observed(_, observation)) if is_meant(&observation.fact) => return observation,
                Some(Seen::Observed(..)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Ends both, and returns what is left to be told.
    async fn finish(mut self) -> Vec<Observation> {
        drop(self.child);
        self.states.await.expect("no panic");
        self.stop.send(()).expect("a follower");
        self.transcripts.await.expect("no panic");
        let mut rest = Vec::new();
        while let Some(seen) = self.seen.recv().await {
            match seen {
                Seen::Drawn(_) | Seen::Looks(_) | Seen::Over => panic!("no follower says so: {seen:?}"),
                Seen::Observed(_, observation) => rest.push(observation),
                Seen::Fault { what, .. } => panic!("{what}"),
            }
        }
        rest
    }
}

#[tokio::test(flavor = "current_thread")]
async fn stream_and_transcript_of_one_run_tell_of_the_same_work() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let followers = Followers::start(&sandbox);
    let mut claude = start(&sandbox, "DEMO:full", &[]);
    followers.child.send(Some(claude.id())).expect("a follower");
    let read = tokio::task::spawn_blocking(move || read_stream(&mut claude));
    let (streamed, unread) = tokio::time::timeout(DEADLINE, read).await.expect("in time").expect("a stream");
    let cwd = sandbox.project().canonicalize().expect("a project");
    let track = Track { claude_session: SESSION.into(), path: None, cwd: Some(cwd) };
    followers.tracks.send(track).await.expect("a follower");
    let written = followers.finish().await;
    assert_eq!(unread, 0);
    assert!(calls(&streamed).len() > 5, "{streamed:#?}");
    assert_eq!(calls(&written), calls(&streamed));
    assert_eq!(results(&written), results(&streamed));
    for (what, observations) in [("stream", &streamed), ("transcript", &written)] {
        let is_over = |fact: &Fact| matches!(fact, Fact::TurnOver { .. });
        let has_started = |fact: &Fact| matches!(fact, Fact::AgentStarted { tool_use_id: Some(_), .. });
        let within = observations.iter().filter(|one| one.agent.is_some()).count();
        assert_eq!(counted(observations, is_over), 1, "{what}");
        assert_eq!(counted(observations, has_started), 1, "{what}");
        assert!(within > 0, "{what}");
        assert!(observations.iter().all(|one| one.claude_session.as_ref() == SESSION && !one.past), "{what}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn an_interrupted_turn_is_told_by_the_files_though_no_hook_is() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let mut followers = Followers::start(&sandbox);
    let terminal = Terminal::start(sandbox.direct(&[]), 110, 40);
    followers.child.send(Some(terminal.pid())).expect("a follower");
    terminal.wait_for(|screen| screen.contains('❯'), DEADLINE);
    followers.wait_for(|fact| *fact == Fact::State(Idle)).await;
    followers.wait_for(|fact| *fact == Fact::Settled).await;
    terminal.type_text("DEMO:slow\r");
    followers.wait_for(|fact| *fact == Fact::State(Busy)).await;
    let is_prompt =
        |fact: &Fact| matches!(fact, Fact::Said { role: Role::User, text, .. } if text == "DEMO:slow");
    followers.wait_for(is_prompt).await;
    terminal.type_text("\x1b");
    let mut left = BTreeSet::from(["interrupted", "idle", "settled"]);
    while !left.is_empty() {
        let seen = followers.wait_for(|fact| names(fact).is_some()).await;
        left.remove(names(&seen.fact).expect("as waited for"));
    }
    terminal.type_text("/exit\r");
    assert!(terminal.wait_exit(DEADLINE).success());
    followers.finish().await;
}

fn names(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::Interrupted => Some("interrupted"),
        Fact::State(Idle) => Some("idle"),
        Fact::Settled => Some("settled"),
        _ => None,
    }
}

fn outcomes(observations: &[Observation]) -> Vec<Outcome> {
    let returned = observations.iter().filter_map(|one| match &one.fact {
        Fact::Returned(over) => Some(over.outcome.clone()),
        _ => None,
    });
    returned.collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_call_that_may_not_run_is_told_from_one_that_failed() {
    let denies = r#"{"permissions":{"deny":["Bash(echo:*)"]}}"#;
    let asks = r#"{"permissions":{"ask":["Bash(echo:*)"]}}"#;
    for (options, outcome) in [
        (["--settings", denies], Outcome::Denied),
        (["--settings", asks], Outcome::Denied),
        (["--disallowedTools", "Bash"], Outcome::Unavailable),
    ] {
        let api = MessagesApi::start();
        let sandbox = Sandbox::new(&api);
        let followers = Followers::start(&sandbox);
        let mut claude = start(&sandbox, "DEMO:bash", &options);
        let read = tokio::task::spawn_blocking(move || read_stream(&mut claude));
        let (streamed, _) = tokio::time::timeout(DEADLINE, read).await.expect("in time").expect("a stream");
        let cwd = sandbox.project().canonicalize().expect("a project");
        let track = Track { claude_session: SESSION.into(), path: None, cwd: Some(cwd) };
        followers.tracks.send(track).await.expect("a follower");
        let written = followers.finish().await;
        for (what, observations) in [("stream", &streamed), ("transcript", &written)] {
            assert_eq!(outcomes(observations), std::slice::from_ref(&outcome), "{what}, {options:?}");
        }
    }
}
