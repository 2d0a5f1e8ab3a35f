//! The server that claude's hooks call: it keeps what they say, says nothing back, and so changes nothing. It also
//! knows the settings that make claude call it.

use super::Came;
use crate::tapes::What;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The events of claude 2.1.197 that call a server. Left out are `SessionStart`, whose hook is a command, `Setup`,
/// which calls no server either, and `WorktreeCreate`, whose hooks take the place of claude's own work.
const EVENTS: [&str; 27] = [
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "Notification",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "SessionEnd",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "PermissionRequest",
    "PermissionDenied",
    "TeammateIdle",
    "TaskCreated",
    "TaskCompleted",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "WorktreeRemove",
    "InstructionsLoaded",
    "CwdChanged",
    "FileChanged",
    "MessageDisplay",
];

/// Settings that have the hooks call a server on `port`, and the one at a session's start write to `starts`.
pub(super) fn settings(port: u16, starts: &Path) -> Value {
    let calls =
        json!([{ "hooks": [{ "type": "http", "url": format!("http://127.0.0.1:{port}/"), "timeout": 2 }] }]);
    let mut hooks: serde_json::Map<_, _> =
        EVENTS.iter().map(|event| ((*event).to_owned(), calls.clone())).collect();
    let starts = starts.display();
    let writes = format!("{{ cat; echo; }} >>'{starts}'");
    hooks.insert(
        "SessionStart".to_owned(),
        json!([{ "hooks": [{ "type": "command", "command": writes, "timeout": 2 }] }]),
    );
    json!({ "hooks": hooks })
}

type Kept = Arc<Mutex<Vec<Came>>>;

pub(super) struct Sink {
    /// The port on 127.0.0.1.
    pub(super) port: u16,
    kept: Kept,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Sink {
    pub(super) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let port = listener.local_addr().expect("the port").port();
        let (kept, (stop, stopped)) = (Kept::default(), oneshot::channel());
        let theirs = Arc::clone(&kept);
        let thread = std::thread::Builder::new()
            .name("hook-sink".to_owned())
            .spawn(move || run(listener, theirs, stopped))
            .expect("a thread");
        Self { port, kept, stop, thread }
    }

    /// Stops listening and gives everything that came.
    pub(super) fn stop(self) -> Vec<Came> {
        drop(self.stop);
        self.thread.join().expect("a sink that ends when it is told to");
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves until `stopped`; dropping the runtime then ends every connection.
fn run(listener: std::net::TcpListener, kept: Kept, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a listener");
        tokio::select! {
            _ = stopped => {}
            () = accept(listener, kept) => {}
        }
    });
}

async fn accept(listener: TcpListener, kept: Kept) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&kept)));
    }
}

async fn serve(stream: TcpStream, kept: Kept) {
    let keep = service_fn(move |request| keep(request, Arc::clone(&kept)));
    // Without it claude would wait for a delayed acknowledgement at every hook.
    if stream.set_nodelay(true).is_ok() {
        let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), keep).await;
    }
}

async fn keep(request: Request<Incoming>, kept: Kept) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let event = body["hook_event_name"].as_str().unwrap_or_default().to_owned();
    kept.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), What::Hook(event, body)));
    Ok(Response::builder().status(204).body(Empty::new()).expect("a response of valid parts"))
}
