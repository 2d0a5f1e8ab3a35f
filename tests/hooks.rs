//! Hooks over real sockets: what is taken, what is refused, what is lost, and that claude is never kept waiting.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "server/eventually.rs"]
mod eventually;
#[expect(dead_code, reason = "only its start and stop are needed")]
#[path = "server/hub_server.rs"]
mod hub_server;
#[expect(dead_code, reason = "headers are looked at in other ways")]
#[path = "server/raw_http.rs"]
mod raw_http;

use claude_mpm::control::{HookMail, HookPost};
use claude_mpm::event::SessionId;
use claude_mpm::hub::{Bounds, Gauges, Hub};
use claude_mpm::server::{
    Access, Afterwards, Doors, HookIntake, HookKey, Limits, Listener, serve_hooks, serve_within,
};
use eventually::eventually;
use hub_server::{PATIENCE, TestServer};
use raw_http::{Answer, exchange};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

const JSON: &str = "Content-Type: application/json\r\n";
const TAKEN: &str = "HTTP/1.1 204 No Content";

/// A listener for hooks and the other end of its inbox.
struct HookServer {
    address: SocketAddr,
    key: String,
    gauges: Gauges,
    inbox: mpsc::Receiver<HookMail>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HookServer {
    async fn start() -> Self {
        Self::with(Limits::default(), 1024).await
    }

    async fn with(limits: Limits, inbox: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (key, gauges) = (HookKey::mint().unwrap(), Gauges::default());
        let (posts, inbox) = mpsc::channel(inbox);
        let (shutdown, signal) = watch::channel(false);
        let secret = key.reveal().to_owned();
        let intake = HookIntake::within(limits, key, posts, gauges.clone());
        let task = tokio::spawn(serve_hooks(listener, intake, Afterwards::Kept, signal));
        Self { address, key: secret, gauges, inbox, shutdown, task }
    }

    /// A request's head up to the empty line; `PORT` and `KEY` in it become ours.
    fn fill(&self, head: &str) -> String {
        head.replace("PORT", &self.address.port().to_string()).replace("KEY", &self.key)
    }

    fn head(&self, event: &str, more: &str) -> String {
        let line = format!("POST /api/hooks/{event} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n");
        self.fill(&format!("{line}Authorization: Bearer KEY\r\n{JSON}{more}\r\n"))
    }

    fn post(&self, event: &str, body: &str) -> Vec<u8> {
        let head = self.head(event, &format!("Content-Length: {}\r\n", body.len()));
        [head.as_bytes(), body.as_bytes()].concat()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, request: &[u8]) -> Answer {
        exchange(self.connect().await, request).await
    }

    async fn next(&mut self) -> HookPost {
        posted(timeout(PATIENCE, self.inbox.recv()).await.expect("a post comes").unwrap())
    }

    /// Nothing is in the inbox, and so much was lost.
    fn assert_nothing_came(&mut self, lost: u64) {
        assert!(self.inbox.try_recv().is_err());
        assert_eq!(self.gauges.hooks_lost(), lost);
    }

    async fn stop(self) {
        self.shutdown.send_replace(true);
        timeout(PATIENCE, self.task).await.expect("serve_hooks returns").unwrap();
    }
}

fn posted(mail: HookMail) -> HookPost {
    match mail {
        HookMail::Post(post) => post,
        HookMail::Left(id) => panic!("nothing is held, yet {id} was left"),
    }
}

/// Reads one answer without a body and leaves the connection as it is.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("an answer comes");
        head.push(byte.unwrap_or_else(|cause| panic!("{cause}: {}", String::from_utf8_lossy(&head))));
    }
    String::from_utf8(head).unwrap()
}

async fn post_on(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    read_head(stream).await
}

#[tokio::test]
async fn a_post_is_in_the_inbox_before_its_empty_answer() {
    let mut server = HookServer::start().await;
    let mut stream = server.connect().await;
    let head = post_on(&mut stream, &server.post("PreToolUse", r#"{"tool_name":"Bash"}"#)).await;
    let post = posted(server.inbox.try_recv().expect("it is there already"));
    assert_eq!((post.event.as_str(), &post.body[..]), ("PreToolUse", &br#"{"tool_name":"Bash"}"#[..]));
    assert!(post.arrived.as_millis() > 1_700_000_000_000);
    assert!(head.starts_with(TAKEN), "{head}");
    for absent in ["content-length", "content-type", "connection: close", "access-control"] {
        assert!(!head.to_ascii_lowercase().contains(absent), "{absent} in {head}");
    }
    server.assert_nothing_came(0);
    server.stop().await;
}

#[tokio::test]
async fn whatever_is_not_a_hook_of_our_claude_is_refused_and_never_reaches_the_inbox() {
    let mut server = HookServer::start().await;
    let other_key = HookKey::mint().unwrap();
    let wrong = format!("Authorization: Bearer {}\r\n{JSON}", other_key.reveal());
    let short = format!("Authorization: Bearer {}\r\n{JSON}", &server.key[1..]);
    let right = format!("Authorization: Bearer KEY\r\n{JSON}");
    let host = "Host: 127.0.0.1:PORT\r\n";
    let with = |more: &str| format!("{host}{right}{more}");
    let long = format!("POST /api/hooks/{}", "a".repeat(65));
    let stop = "POST /api/hooks/Stop";
    for (line, headers, status) in [
        (stop, format!("{host}{JSON}"), 401),
        (stop, format!("{host}{wrong}"), 401),
        (stop, format!("{host}{short}"), 401),
        (stop, format!("{host}{right}{right}"), 401),
        (stop, format!("{host}Authorization: Basic KEY\r\n{JSON}"), 401),
        (stop, format!("{host}Authorization: KEY\r\n{JSON}"), 401),
        (stop, format!("{host}Authorization: Bearer \r\n{JSON}"), 401),
        ("POST /api/hooks/Stop?key=KEY", format!("{host}{JSON}"), 401),
        (stop, right.clone(), 400),
        (stop, format!("Host: evil.example\r\n{right}"), 403),
        (stop, format!("Host: evil.example:PORT\r\n{right}"), 403),
        (stop, format!("Host: [::1]:PORT\r\n{right}"), 403),
        (stop, format!("Host: 127.0.0.1\r\n{right}"), 403),
        (stop, format!("{host}{host}{right}"), 400),
        (stop, with("Origin: http://127.0.0.1:PORT\r\n"), 403),
        (stop, with("Origin: null\r\n"), 403),
        (stop, with("Origin:\r\n"), 403),
        (stop, with("Sec-Fetch-Site: cross-site\r\n"), 403),
        (stop, format!("{host}Authorization: Bearer KEY\r\n"), 415),
        (stop, format!("{host}Authorization: Bearer KEY\r\nContent-Type: text/plain\r\n"), 415),
        (stop, format!("{host}Authorization: Bearer KEY\r\nContent-Type: application/jsonp\r\n"), 415),
        ("POST /api/hooks/", with(""), 400),
        ("POST /api/hooks/Pre-Tool", with(""), 400),
        ("POST /api/hooks/Stop/", with(""), 400),
        ("POST /api/hooks/..", with(""), 400),
        ("POST /api/hooks/../status", with(""), 400),
        ("POST /api/hooks/%53top", with(""), 400),
        ("POST /api/hooks/Stop2", with(""), 400),
        (&long, with(""), 400),
        ("POST /api/hooks", with(""), 404),
        ("POST /", with(""), 404),
        ("GET /api/status", with(""), 404),
        ("GET /healthz", with(""), 404),
        ("GET /", with("Upgrade: websocket\r\nConnection: Upgrade\r\n"), 404),
        ("GET /api/hooks/Stop", with(""), 405),
        ("PUT /api/hooks/Stop", with(""), 405),
        ("OPTIONS /api/hooks/Stop", with(""), 405),
        (stop, with(&"X: y\r\n".repeat(80)), 431),
        (stop, with(&format!("X: {}\r\n", "y".repeat(20 << 10))), 431),
    ] {
        let request = format!("{line} HTTP/1.1\r\n{headers}Content-Length: 2\r\n\r\n{{}}");
        let answer = server.ask(server.fill(&request).as_bytes()).await;
        assert_eq!(answer.status, status, "{request} {answer:?}");
        assert!(!answer.head.to_ascii_lowercase().contains("access-control"), "{answer:?}");
        assert!(!answer.body.contains(&server.key), "{answer:?}");
    }
    server.assert_nothing_came(0);
    server.stop().await;
}

#[tokio::test]
async fn headers_may_be_spelled_as_http_allows() {
    let mut server = HookServer::start().await;
    for headers in [
        "host: LocalHost:PORT\r\nauthorization: bearer KEY\r\ncontent-type: Application/JSON; charset=utf-8\r\n",
        "HOST: 127.0.0.1:PORT\r\nAUTHORIZATION: BEARER KEY\r\nCONTENT-TYPE: application/json ;charset=utf-8\r\n",
    ] {
        let request = format!(
            "POST /api/hooks/Stop HTTP/1.1\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        assert_eq!(server.ask(server.fill(&request).as_bytes()).await.status, 204, "{headers}");
        assert_eq!(server.next().await.event, "Stop");
    }
    server.stop().await;
}

#[tokio::test]
async fn sixteen_mebibytes_are_taken_and_seventeen_are_not() {
    let mut server = HookServer::start().await;
    let body = "x".repeat(16 << 20);
    let mut stream = server.connect().await;
    assert!(post_on(&mut stream, &server.post("PostToolUse", &body)).await.starts_with(TAKEN));
    assert_eq!(server.next().await.body.len(), 16 << 20);
    for more in
        [format!("Content-Length: {}\r\n", 17 << 20), "Content-Length: 18446744073709551000\r\n".into()]
    {
        let answer = server.ask(server.head("PostToolUse", &more).as_bytes()).await;
        assert_eq!(answer.status, 413, "{answer:?}");
    }
    server.assert_nothing_came(2);
    server.stop().await;
}

#[tokio::test]
async fn a_chunked_body_is_put_together_and_bounded_too() {
    let mut server = HookServer::with(Limits { hook_bytes: 1 << 10, ..Limits::default() }, 8).await;
    let head = server.head("Stop", "Transfer-Encoding: chunked\r\n");
    let mut stream = server.connect().await;
    let request = format!("{head}3\r\n{{\"a\r\n4;x=y\r\n\":1}}\r\n0\r\nTrailer: t\r\n\r\n");
    assert!(post_on(&mut stream, request.as_bytes()).await.starts_with(TAKEN));
    assert_eq!(&server.next().await.body[..], br#"{"a":1}"#);
    let request = format!("{head}400\r\n{}\r\n1\r\ny\r\n0\r\n\r\n", "x".repeat(1 << 10));
    assert_eq!(server.ask(request.as_bytes()).await.status, 413);
    server.assert_nothing_came(1);
    server.stop().await;
}

#[tokio::test]
async fn one_connection_carries_many_posts_in_their_order() {
    let mut server = HookServer::start().await;
    let mut stream = server.connect().await;
    for number in 0..200 {
        let head = post_on(&mut stream, &server.post("PreToolUse", &number.to_string())).await;
        assert!(head.starts_with(TAKEN), "{head}");
    }
    // Also where nobody waits for the answers.
    let pipelined: Vec<u8> =
        (200..300).flat_map(|number| server.post("PreToolUse", &number.to_string())).collect();
    stream.write_all(&pipelined).await.unwrap();
    for number in 0..300 {
        assert_eq!(server.next().await.body, number.to_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_hundred_parallel_posts_are_each_there_once() {
    let mut server = HookServer::start().await;
    let mut callers = JoinSet::new();
    for number in 0..100 {
        let (address, request) = (server.address, server.post("PostToolUse", &number.to_string()));
        callers.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            post_on(&mut stream, &request).await
        });
    }
    assert!(callers.join_all().await.iter().all(|head| head.starts_with(TAKEN)));
    let mut bodies = Vec::new();
    while let Ok(mail) = server.inbox.try_recv() {
        bodies.push(String::from_utf8_lossy(&posted(mail).body).parse::<u32>().unwrap());
    }
    bodies.sort_unstable();
    assert_eq!(bodies, (0..100).collect::<Vec<_>>());
    server.assert_nothing_came(0);
    server.stop().await;
}

#[tokio::test]
async fn slow_callers_are_cut() {
    let moment = Duration::from_millis(50);
    let mut server =
        HookServer::with(Limits { head: moment, hook_body: moment, ..Limits::default() }, 8).await;
    assert_eq!(server.ask(b"").await.status, 0, "says nothing");
    assert_eq!(server.ask(b"POST /api/hooks/Stop HTT").await.status, 0, "half a head");
    server.assert_nothing_came(0);
    let half = format!("{}{{", server.head("Stop", "Content-Length: 2\r\n"));
    assert_eq!(server.ask(half.as_bytes()).await.status, 408, "half a body");
    server.assert_nothing_came(1);
    server.stop().await;
}

/// Nobody else would end that connection for an hour.
#[tokio::test]
#[cfg_attr(feature = "portable", ignore = "nobody tells whose a connection by TCP is")]
async fn another_user_is_hung_up_on() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: to call as another user takes root");
        return;
    }
    let server = HookServer::with(Limits { head: Duration::from_secs(3600), ..Limits::default() }, 8).await;
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{} && cat <&3 || true", server.address.port());
    let call = move || {
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", &script]).uid(65533).gid(65533).current_dir("/").output()
    };
    let ended = timeout(PATIENCE, tokio::task::spawn_blocking(call)).await.expect("it is hung up on");
    assert!(ended.unwrap().unwrap().stdout.is_empty());
    let mut stream = server.connect().await;
    assert!(post_on(&mut stream, &server.post("Stop", "{}")).await.starts_with(TAKEN));
    server.stop().await;
}

#[tokio::test]
async fn a_kept_connection_outlives_the_deadline_for_a_head() {
    let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
    let mut server = HookServer::with(limits.clone(), 8).await;
    let mut stream = server.connect().await;
    post_on(&mut stream, &server.post("Stop", "1")).await;
    // A caller that comes later and is cut for its silence shows that the deadline is over for the first one too.
    assert_eq!(server.ask(b"").await.status, 0);
    assert!(post_on(&mut stream, &server.post("Stop", "2")).await.starts_with(TAKEN));
    assert_eq!((server.next().await.body, server.next().await.body), ("1".into(), "2".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_full_inbox_holds_claude_up_for_its_bound_and_no_longer() {
    let wait = Duration::from_millis(100);
    let mut server = HookServer::with(Limits { hook_wait: wait, ..Limits::default() }, 1).await;
    let mut stream = server.connect().await;
    post_on(&mut stream, &server.post("Stop", "first")).await;
    let began = Instant::now();
    assert!(post_on(&mut stream, &server.post("Stop", "lost")).await.starts_with(TAKEN));
    assert!(began.elapsed() >= wait);
    assert_eq!(server.gauges.hooks_lost(), 1);
    assert_eq!(server.next().await.body, "first");
    assert!(post_on(&mut stream, &server.post("Stop", "third")).await.starts_with(TAKEN));
    assert_eq!(server.next().await.body, "third");
    server.inbox.close();
    assert!(post_on(&mut stream, &server.post("Stop", "nobody")).await.starts_with(TAKEN));
    server.assert_nothing_came(2);
    server.stop().await;
}

#[tokio::test]
async fn bytes_in_flight_are_bounded_until_the_posts_are_dropped() {
    let limits = Limits {
        hook_wait: Duration::from_millis(50),
        hook_bytes_in_flight: 1500,
        hook_bytes: 1000,
        ..Limits::default()
    };
    let mut server = HookServer::with(limits, 8).await;
    let mut stream = server.connect().await;
    let chunked = format!(
        "{}3e8\r\n{}\r\n0\r\n\r\n",
        server.head("Stop", "Transfer-Encoding: chunked\r\n"),
        "x".repeat(1000)
    );
    let requests = [server.post("Stop", &"x".repeat(1000)), chunked.into_bytes()];
    for request in &requests {
        let lost = server.gauges.hooks_lost();
        assert!(post_on(&mut stream, request).await.starts_with(TAKEN));
        let slice = server.next().await.body.slice(..1);
        for request in &requests {
            assert!(post_on(&mut stream, request).await.starts_with(TAKEN));
        }
        server.assert_nothing_came(lost + 2);
        drop(slice);
    }
    assert!(post_on(&mut stream, &requests[1]).await.starts_with(TAKEN));
    assert_eq!(server.next().await.body.len(), 1000);
    server.stop().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_is_counted() {
    let server = HookServer::start().await;
    let mut stream = server.connect().await;
    let half = format!("{}{{", server.head("Stop", "Content-Length: 2\r\n"));
    stream.write_all(half.as_bytes()).await.unwrap();
    drop(stream);
    eventually("the loss is counted", || server.gauges.hooks_lost() == 1).await;
    server.stop().await;
}

#[tokio::test]
async fn kept_connections_leave_room_for_new_ones() {
    let limits = Limits { hook_connections: 4, ..Limits::default() };
    let server = HookServer::with(limits, 1024).await;
    let mut kept = Vec::new();
    for number in 0..50 {
        let mut stream = server.connect().await;
        let head = post_on(&mut stream, &server.post("Stop", &number.to_string())).await;
        assert!(head.starts_with(TAKEN), "{head}");
        kept.push(stream);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_shutdown_ends_idle_callers_at_once_and_busy_ones_within_the_limit() {
    let limits = Limits { shutdown: Duration::from_millis(50), ..Limits::default() };
    let server = HookServer::with(limits, 8).await;
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    post_on(&mut idle, &server.post("Stop", "{}")).await;
    let half = format!("{}{{", server.head("Stop", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
    busy.write_all(half.as_bytes()).await.unwrap();
    assert!(read_head(&mut busy).await.starts_with("HTTP/1.1 100"));
    let gauges = server.gauges.clone();
    server.stop().await;
    for stream in [&mut idle, &mut busy] {
        let mut rest = Vec::new();
        drop(timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the connection ends"));
    }
    assert_eq!(gauges.hooks_lost(), 1, "the post that was cut");
}

#[tokio::test]
async fn nothing_that_is_printed_shows_the_key() {
    let key = HookKey::mint().unwrap();
    let secret = key.reveal().to_owned();
    let (posts, _inbox) = mpsc::channel(1);
    let intake = HookIntake::new(key.clone(), posts, Gauges::default());
    for shown in [format!("{key:?}"), format!("{intake:?}"), format!("{intake:#?}")] {
        assert!(!shown.contains(&secret), "{shown}");
    }
}

#[tokio::test]
async fn our_own_verbs_post_hooks_at_the_unix_socket_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let (posts, mut inbox) = mpsc::channel(8);
    let hub = Hub::new(SessionId::new("session-1"), Bounds::default());
    let intake = HookIntake::new(HookKey::mint().unwrap(), posts, hub.gauges().clone());
    let tcp = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listeners = vec![Listener::Unix(UnixListener::bind(&path).unwrap()), Listener::Tcp(tcp)];
    let doors = Doors { listeners, hooks: Some(intake), control: None };
    let (shutdown, signal) = watch::channel(false);
    let task = tokio::spawn(serve_within(Limits::default(), doors, hub, Access::loopback(), signal));
    for (request, status) in [
        (format!("POST /api/hooks/SessionStart HTTP/1.1\r\n{JSON}Content-Length: 2\r\n\r\n{{}}"), 204),
        (format!("POST /api/hooks/Session2 HTTP/1.1\r\n{JSON}Content-Length: 2\r\n\r\n{{}}"), 400),
        (
            format!("POST /api/hooks/Stop HTTP/1.1\r\nOrigin: null\r\n{JSON}Content-Length: 2\r\n\r\n{{}}"),
            403,
        ),
        ("POST /api/hooks/Stop HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}".into(), 415),
        (format!("GET /api/hooks/Stop HTTP/1.1\r\n{JSON}\r\n"), 405),
        (format!("POST /api/status HTTP/1.1\r\n{JSON}Content-Length: 2\r\n\r\n{{}}"), 413),
        ("GET /healthz HTTP/1.1\r\n\r\n".into(), 200),
    ] {
        let answer = exchange(UnixStream::connect(&path).await.unwrap(), request.as_bytes()).await;
        assert_eq!(answer.status, status, "{request} {answer:?}");
    }
    for body in ["", "{}"] {
        let headers = format!("Host: {address}\r\n{JSON}Content-Length: {}", body.len());
        let public = format!("POST /api/hooks/Stop HTTP/1.1\r\n{headers}\r\n\r\n{body}");
        let answer = exchange(TcpStream::connect(address).await.unwrap(), public.as_bytes()).await;
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    assert_eq!(posted(inbox.try_recv().unwrap()).event, "SessionStart");
    assert!(inbox.try_recv().is_err());
    shutdown.send_replace(true);
    timeout(PATIENCE, task).await.expect("serve returns").unwrap();
}

/// Another request, begun later and never finished, is cut at its deadline meanwhile.
#[tokio::test]
async fn a_hook_that_is_held_at_the_unix_socket_waits_longer_than_any_other_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let (posts, mut inbox) = mpsc::channel(8);
    let hub = Hub::new(SessionId::new("session-1"), Bounds::default());
    let moment = Duration::from_millis(100);
    let limits = Limits { head: moment, answer: moment, ..Limits::default() };
    let intake =
        HookIntake::within(limits.clone(), HookKey::mint().unwrap(), posts, hub.gauges().clone()).holding();
    let listeners = vec![Listener::Unix(UnixListener::bind(&path).unwrap())];
    let doors = Doors { listeners, hooks: Some(intake), control: None };
    let (shutdown, signal) = watch::channel(false);
    let task = tokio::spawn(serve_within(limits, doors, hub, Access::loopback(), signal));
    let head = format!("POST /api/hooks/PermissionRequest HTTP/1.1\r\n{JSON}Content-Length: 2\r\n");
    let mut held = UnixStream::connect(&path).await.unwrap();
    held.write_all(
        format!("{head}{}: 3600\r\n\r\n{{}}", claude_mpm::claude::settings::WAIT_HEADER).as_bytes(),
    )
    .await
    .unwrap();
    let post = posted(timeout(PATIENCE, inbox.recv()).await.expect("the hook comes").unwrap());
    let unfinished = format!("POST /api/events HTTP/1.1\r\n{JSON}Content-Length: 9\r\n\r\n[");
    let cut = exchange(UnixStream::connect(&path).await.unwrap(), unfinished.as_bytes()).await;
    assert_eq!(cut.status, 0, "{cut:?}");
    assert!(inbox.try_recv().is_err(), "it is taken for one that has left");
    assert!(post.hold.unwrap().answer("{}".into()), "nobody waits any more");
    assert_eq!(exchange(held, b"").await.body, "{}");
    shutdown.send_replace(true);
    timeout(PATIENCE, task).await.expect("serve returns").unwrap();
}

#[tokio::test]
async fn a_server_without_an_intake_knows_no_hooks() {
    let server = TestServer::start().await;
    let request = format!(
        "POST /api/hooks/Stop HTTP/1.1\r\nHost: {}\r\n{JSON}Content-Length: 0\r\n\r\n",
        server.address
    );
    let answer = exchange(TcpStream::connect(server.address).await.unwrap(), request.as_bytes()).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    server.stop().await;
}
