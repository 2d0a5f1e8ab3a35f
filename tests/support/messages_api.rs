//! A Messages API on loopback that plays the scenarios of [`crate::scenarios`]. It runs on a
//! thread of its own, so tests need no runtime, and stops when it is dropped.
//!
//! It keeps no conversation state: every request is answered from itself alone. It does remember
//! what was asked, for tests to look at. Keys are not checked and nothing leaves the machine.

use crate::reply::{self, Step};
use crate::request::Question;
use crate::scenarios::{Turn, scenario, unscripted};
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The running server.
#[derive(Debug)]
pub struct MessagesApi {
    /// The port on 127.0.0.1.
    pub port: u16,
    asked: Log,
    gate: watch::Sender<bool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Method and path without the query, such as `POST /v1/messages`.
    pub what: String,
    /// The model asked for; empty where the request names none.
    pub model: String,
    /// The scenario and the turn of it that answered; `None` for an unscripted answer.
    pub played: Option<(String, usize)>,
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// What every connection shares.
#[derive(Debug, Clone)]
struct Place {
    log: Log,
    /// Closed while a test gets ready.
    gate: watch::Receiver<bool>,
}

impl MessagesApi {
    /// Starts a server on a free port; it accepts connections when this returns.
    ///
    /// # Panics
    /// If the machine has no loopback port or no thread to give.
    pub fn start() -> Self {
        Self::with_gate(true)
    }

    /// Starts a server that answers no message before [`MessagesApi::release`], so that a test can get ready while
    /// claude waits.
    ///
    /// # Panics
    /// As [`MessagesApi::start`].
    pub fn start_held() -> Self {
        Self::with_gate(false)
    }

    /// Lets a held server answer.
    pub fn release(&self) {
        self.gate.send_replace(true);
    }

    fn with_gate(open: bool) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let port = listener.local_addr().expect("the port").port();
        let asked = Log::default();
        let (stop, stopped) = oneshot::channel();
        let gate = watch::Sender::new(open);
        let place = Place { log: Arc::clone(&asked), gate: gate.subscribe() };
        let thread = std::thread::Builder::new()
            .name("messages-api".to_owned())
            .spawn(move || run(listener, place, stopped))
            .expect("a thread");
        Self { port, asked, gate, stop: Some(stop), thread: Some(thread) }
    }

    /// The value for `ANTHROPIC_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far, in order of arrival.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for MessagesApi {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there was reported there; a second one here would abort the test.
            let _reported = thread.join();
        }
    }
}

/// Serves until `stopped`; dropping the runtime then ends every connection.
fn run(listener: std::net::TcpListener, place: Place, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a listener");
        tokio::select! {
            _ = stopped => {}
            () = accept(listener, place) => {}
        }
    });
}

async fn accept(listener: TcpListener, place: Place) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, place.clone()));
    }
}

async fn serve(stream: TcpStream, place: Place) {
    let answer = service_fn(move |request| answer(request, place.clone()));
    // Without it small events wait for the client's delayed acknowledgement.
    if stream.set_nodelay(true).is_ok() {
        // The client may go away at any time: that is its right, not a fault of the test.
        let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
    }
}

async fn answer(request: Request<Incoming>, mut place: Place) -> Result<Response<Body>, hyper::Error> {
    let what = format!("{} {}", request.method(), request.uri().path());
    let body = request.into_body().collect().await?.to_bytes();
    if what == "POST /v1/messages" {
        let question = Question::read(&serde_json::from_slice(&body).unwrap_or_default());
        let (turn, played) = choose(&question);
        record(&place.log, Asked { what, model: question.model.clone(), played });
        // The server that held the other end is gone: so is this task, at its next wait.
        let _open = place.gate.wait_for(|open| *open).await.map(drop);
        return Ok(speak(&question, turn).await);
    }
    let harmless = match what.as_str() {
        "POST /v1/messages/count_tokens" => json!({ "input_tokens": 100 }),
        _ => json!({}),
    };
    record(&place.log, Asked { what, model: String::new(), played: None });
    Ok(json_response(200, &harmless))
}

fn record(log: &Log, asked: Asked) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
}

/// The turn to play, and its place in the table.
fn choose(question: &Question) -> (Turn, Option<(String, usize)>) {
    let scripted = question.scenario.as_deref().filter(|_| question.tools);
    let turn = scripted.and_then(|name| {
        let turn = scenario(name)?.into_iter().nth(question.turn)?;
        let turn = turn.with_background_id(question.background.as_deref().unwrap_or_default());
        Some((turn, Some((name.to_owned(), question.turn))))
    });
    turn.unwrap_or_else(|| (unscripted(), None))
}

async fn speak(question: &Question, turn: Turn) -> Response<Body> {
    match turn {
        Turn::Fails(status, kind, message) => json_response(status, &reply::error(kind, message)),
        Turn::Says(blocks, stop_reason) if question.stream => {
            streamed(reply::stream(&question.model, &blocks, stop_reason))
        }
        Turn::Says(blocks, stop_reason) => {
            let (message, time) = reply::whole(&question.model, &blocks, stop_reason);
            tokio::time::sleep(time).await;
            json_response(200, &message)
        }
    }
}

fn streamed(steps: Vec<Step>) -> Response<Body> {
    // Two pieces ahead of the client at most; the player then waits for it.
    let (sender, body) = Channel::new(2);
    tokio::spawn(play(steps, sender));
    response(200, "text/event-stream", body.boxed_unsync())
}

async fn play(steps: Vec<Step>, mut sender: Sender<Bytes>) {
    for step in steps {
        match step {
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Send(piece) => {
                if sender.send_data(Bytes::from(piece)).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn json_response(status: u16, value: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(value.to_string()));
    response(status, "application/json", body.boxed_unsync())
}

fn response(status: u16, content_type: &str, body: Body) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("request-id", reply::fresh_id("req"))
        .body(body)
        .expect("a response of valid parts")
}
