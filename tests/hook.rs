//! `claude-mpm hook` from outside: whatever arrives and whatever state the hub is in, claude is not hindered.
#![expect(clippy::unwrap_used, reason = "test code")]

mod viewer;

use claude_mpm::instance::{Instance, Registration};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use viewer::place::{DEADLINE, Place, finish};

const SESSION: &str = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
/// Hard stops that are promised: nobody is there, somebody does not answer.
const DEAD: Duration = Duration::from_millis(250);
const HANGING: Duration = Duration::from_millis(1500);
const STOP: &[u8] = br#"{"hook_event_name":"Stop","session_id":"s"}"#;

/// What a hub does with each caller.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hub {
    /// There is no record of one.
    None,
    /// Its socket is there, and nobody listens.
    Refuses,
    /// It listens and never takes a call.
    NeverAccepts,
    /// It takes the call and says nothing.
    Hangs,
    Closes,
    Answers(&'static str),
    Slow,
}

/// What stands on standard input.
#[derive(Debug, Clone, Copy)]
enum Input {
    Bytes(fn() -> Vec<u8>),
    /// It never ends.
    Zeros,
    /// Nothing comes, and it does not end.
    Silence,
}

const INPUTS: [(&str, &str, Input); 11] = [
    ("good", "Stop", Input::Bytes(|| STOP.to_vec())),
    ("nothing", "Stop", Input::Bytes(Vec::new)),
    ("no JSON", "Stop", Input::Bytes(|| b"hello".to_vec())),
    ("no object", "Stop", Input::Bytes(|| b"[1]".to_vec())),
    ("deep", "Stop", Input::Bytes(|| [vec![b'['; 200_000], b"{\"a\":".repeat(100_000)].concat())),
    ("20 MB", "Stop", Input::Bytes(|| [b"{\"a\":\"", vec![b'x'; 20 << 20].as_slice(), b"\"}"].concat())),
    ("binary", "Stop", Input::Bytes(|| (0..=255).cycle().take(100_000).collect())),
    ("an unknown event", "NoSuchEvent", Input::Bytes(|| STOP.to_vec())),
    ("an event that is a path", "../../api/events", Input::Bytes(|| STOP.to_vec())),
    ("zeros without end", "Stop", Input::Zeros),
    ("silence without end", "Stop", Input::Silence),
];

/// A hub's socket and record in a place of its own; what callers sent comes out of `heard`.
struct Scene {
    place: Place,
    heard: Receiver<Vec<u8>>,
    _registration: Option<Registration>,
    _listener: Option<UnixListener>,
}

impl Scene {
    fn new(hub: Hub) -> Self {
        let place = Place::new();
        let instance = instance(&place);
        let (sender, heard) = channel();
        let path = instance.socket.as_ref().unwrap();
        let listener = (hub != Hub::None).then(|| UnixListener::bind(path).unwrap());
        let listener = match (hub, listener) {
            (Hub::NeverAccepts, listener) => listener,
            (Hub::None | Hub::Refuses, _) => None,
            (_, listener) => {
                let listener = listener.unwrap();
                thread::spawn(move || serve(&listener, hub, &sender));
                None
            }
        };
        let registration = (hub != Hub::None).then(|| place.register(&instance));
        Self { place, heard, _registration: registration, _listener: listener }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command(args);
        command.env("CLAUDE_MPM_SESSION", SESSION).env("CLAUDE_MPM_HOOK_KEY", "a-key");
        command
    }

    /// Runs it; panics unless it is silent and well, and says how long it took.
    #[track_caller]
    fn hook(&self, event: &str, input: Input, case: &str) -> Duration {
        let began = Instant::now();
        let (child, held) = start(self.command(&["hook", event]), input);
        let done = finish(child);
        let took = began.elapsed();
        drop(held);
        assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (Some(0), "", ""), "{case}");
        took
    }
}

fn instance(place: &Place) -> Instance {
    let mut instance = place.instance(SESSION, "web", None);
    instance.socket = place.directory.socket_path(SESSION);
    instance
}

/// Its stdin is given back where it has to stay open.
fn start(mut command: Command, input: Input) -> (Child, Option<ChildStdin>) {
    match input {
        Input::Zeros => command.stdin(File::open("/dev/zero").unwrap()),
        _ => command.stdin(Stdio::piped()),
    };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take();
    if let Input::Bytes(bytes) = input {
        let mut stdin = stdin.take().unwrap();
        // It may leave before it has read everything.
        thread::spawn(move || drop(stdin.write_all(&bytes())));
    }
    (child, stdin)
}

fn serve(listener: &UnixListener, hub: Hub, heard: &Sender<Vec<u8>>) {
    for caller in listener.incoming().map_while(Result::ok) {
        let heard = heard.clone();
        thread::spawn(move || answer(caller, hub, &heard));
    }
}

fn answer(mut caller: UnixStream, hub: Hub, heard: &Sender<Vec<u8>>) {
    if hub == Hub::Closes {
        return;
    }
    let request = request(&mut caller);
    let text = match hub {
        Hub::Answers(text) => text,
        Hub::Slow => {
            thread::sleep(Duration::from_millis(300));
            "HTTP/1.1 204 No Content\r\n\r\n"
        }
        _ => {
            // Until the caller is gone.
            drop(caller.read(&mut [0]));
            return;
        }
    };
    drop(caller.write_all(text.as_bytes()));
    drop(heard.send(request));
}

/// A whole request, or as much as came.
fn request(caller: &mut UnixStream) -> Vec<u8> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 65536]);
    while !is_whole(&bytes) {
        match caller.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
    bytes
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    request.len() >= end + 4 + length.parse::<usize>().unwrap()
}

/// Every input. A machine with other things to do may take its time once, so the best of three counts.
#[track_caller]
fn nothing_hinders(hub: Hub, bound: Duration) {
    let scene = Scene::new(hub);
    for (name, event, input) in INPUTS {
        let case = format!("{name}, {hub:?}");
        let in_time = (0..3).any(|_| scene.hook(event, input, &case) < bound);
        assert!(in_time, "{case}: it took longer than {bound:?}");
    }
}

#[test]
fn without_a_hub() {
    nothing_hinders(Hub::None, DEAD);
}

#[test]
fn with_a_socket_that_nobody_listens_on() {
    nothing_hinders(Hub::Refuses, DEAD);
}

#[test]
fn with_a_hub_that_never_takes_a_call() {
    nothing_hinders(Hub::NeverAccepts, HANGING);
}

#[test]
fn with_a_hub_that_takes_the_call_and_says_nothing() {
    nothing_hinders(Hub::Hangs, HANGING);
}

#[test]
fn with_a_hub_that_closes_at_once() {
    nothing_hinders(Hub::Closes, HANGING);
}

#[test]
fn with_a_hub_that_fails() {
    nothing_hinders(
        Hub::Answers("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno"),
        HANGING,
    );
}

#[test]
fn with_a_hub_that_speaks_another_language() {
    nothing_hinders(Hub::Answers("\u{0}\u{1b}[2Jhello, I am no HTTP"), HANGING);
}

#[test]
fn with_a_slow_hub() {
    nothing_hinders(Hub::Slow, HANGING);
}

#[test]
fn with_a_good_hub() {
    nothing_hinders(Hub::Answers("HTTP/1.1 204 No Content\r\n\r\n"), HANGING);
}

fn good() -> Scene {
    Scene::new(Hub::Answers("HTTP/1.1 204 No Content\r\n\r\n"))
}

fn heard(scene: &Scene) -> String {
    String::from_utf8(scene.heard.recv_timeout(DEADLINE).unwrap()).unwrap()
}

#[test]
fn the_hub_gets_the_body_as_it_was_under_the_event_with_the_key() {
    let scene = good();
    scene.hook("Stop", INPUTS[0].2, "good");
    let expected = format!(
        "POST /api/hooks/Stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nAuthorization: Bearer a-key\r\nConnection: close\r\n\r\n{}",
        STOP.len(),
        String::from_utf8_lossy(STOP)
    );
    assert_eq!(heard(&scene), expected);
}

#[test]
fn a_large_body_arrives_whole() {
    let scene = good();
    let input = Input::Bytes(|| [b"{\"a\":\"", vec![b'x'; 15 << 20].as_slice(), b"\"}"].concat());
    scene.hook("PostToolUse", input, "15 MB");
    assert!(heard(&scene).ends_with("xx\"}"));
}

#[test]
fn the_body_names_the_event_where_no_word_does() {
    let scene = good();
    let (child, _) = start(scene.command(&["hook"]), INPUTS[0].2);
    assert_eq!(finish(child).status, Some(0));
    assert!(heard(&scene).starts_with("POST /api/hooks/Stop HTTP/1.1\r\n"));
}

/// The long way, through the whole command line, ends the same.
#[test]
fn options_before_it_change_nothing() {
    let scene = good();
    let (child, _) = start(scene.command(&["-q", "hook", "Stop"]), INPUTS[0].2);
    let done = finish(child);
    assert_eq!((done.status, done.out.as_str()), (Some(0), ""));
    assert!(heard(&scene).starts_with("POST /api/hooks/Stop "));
}

#[test]
fn outside_of_a_session_the_instance_of_the_directory_is_told() {
    let place = Place::new();
    let mut here = instance(&place);
    here.working_dir = place.path("").canonicalize().unwrap().to_string_lossy().into_owned();
    let (sender, heard) = channel();
    let listener = UnixListener::bind(here.socket.as_ref().unwrap()).unwrap();
    thread::spawn(move || serve(&listener, Hub::Answers("HTTP/1.1 204 No Content\r\n\r\n"), &sender));
    let _registration = place.register(&here);
    let run = |command: Command| {
        let done = finish(start(command, INPUTS[0].2).0);
        assert_eq!(done.status, Some(0));
    };
    run(place.command(&["hook", "Stop"]));
    let told = heard.recv_timeout(DEADLINE).unwrap();
    assert!(!String::from_utf8(told).unwrap().contains("Authorization"));
    let mut elsewhere = place.command(&["hook", "Stop"]);
    elsewhere.current_dir("/");
    run(elsewhere);
    let mut of_another_session = place.command(&["hook", "Stop"]);
    of_another_session.env("CLAUDE_MPM_SESSION", "gone");
    run(of_another_session);
    assert!(heard.try_recv().is_err(), "nobody else's hub is told");
    let mut changed_directory = place.command(&["hook", "Stop"]);
    changed_directory.current_dir("/").env("CLAUDE_PROJECT_DIR", &here.working_dir);
    run(changed_directory);
    heard.recv_timeout(DEADLINE).unwrap();
}

#[test]
fn closed_descriptors_do_no_harm() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let place = Place::new();
        let script = format!("exec {} hook Stop {closed}", env!("CARGO_BIN_EXE_claude-mpm"));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).env_clear().env("XDG_RUNTIME_DIR", place.path(""));
        let done = finish(start(command, INPUTS[0].2).0);
        assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (Some(0), "", ""), "{closed}");
    }
}

#[test]
fn a_user_asking_for_help_gets_it() {
    let place = Place::new();
    let done = place.run(&["hook", "--help"]);
    assert_eq!(done.status, Some(0));
    assert!(done.out.contains("install") && done.out.contains("CLAUDE_MPM_SESSION"), "{}", done.out);
}
