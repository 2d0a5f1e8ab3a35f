//! The real claude's own stream and files, read by the decoders and followers: the same work has to be seen in both.

use claude_mpm::detect::observation::{Fact, Observation, Outcome};
use claude_mpm::detect::stream_json::StreamDecoder;
use claude_mpm::event::Timestamp;
use claude_mpm::hub;
use claude_mpm::source::claude_folder::ClaudeFolder;
use claude_mpm::source::seen::{Seen, Track};
use claude_mpm::source::{claude_state, transcript};
use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use test_support::DEADLINE;
use test_support::messages_api::MessagesApi;
use test_support::real_claude::Sandbox;
use tokio::sync::{mpsc, oneshot, watch};

const SESSION: &str = "7a5b0c5e-6f0e-4b52-9c39-0d7f1a2b3c4d";

/// Starts claude on a whole piece of work, its stream on a pipe.
fn start(sandbox: &Sandbox) -> Child {
    let stream = ["--output-format", "stream-json", "--verbose"];
    let mut claude = sandbox.direct(&["-p", "DEMO:full", "--session-id", SESSION]);
    claude.args(stream).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
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

#[tokio::test(flavor = "current_thread")]
async fn stream_and_transcript_of_one_run_tell_of_the_same_work() {
    let api = MessagesApi::start();
    let sandbox = Sandbox::new(&api);
    let folder = ClaudeFolder::new(sandbox.home().join(".claude"));
    let (to_follow, tracks) = mpsc::channel(8);
    let (out, mut seen) = mpsc::channel(4096);
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { stopped.await.unwrap_or(()) };
    let since: Timestamp = hub::now();
    let transcripts = tokio::spawn(transcript::follow(tracks, folder.clone(), since, out.clone(), stopped));
    let (child, child_is) = watch::channel(None);
    let states = tokio::spawn(claude_state::follow(child_is, folder, to_follow.clone(), out));

    let mut claude = start(&sandbox);
    child.send(Some(claude.id())).expect("a follower");
    let read = tokio::task::spawn_blocking(move || read_stream(&mut claude));
    let (streamed, unread) = tokio::time::timeout(DEADLINE, read).await.expect("in time").expect("a stream");
    let cwd = sandbox.project().canonicalize().expect("a project");
    let track = Track { claude_session: SESSION.into(), path: None, cwd: Some(cwd) };
    to_follow.send(track).await.expect("a follower");
    drop(child);
    states.await.expect("no panic");
    stop.send(()).expect("a follower");
    transcripts.await.expect("no panic");

    let mut written = Vec::new();
    while let Some(seen) = seen.recv().await {
        match seen {
            Seen::Observed(_, observation) => written.push(observation),
            Seen::Fault { what, .. } => panic!("{what}"),
        }
    }
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
