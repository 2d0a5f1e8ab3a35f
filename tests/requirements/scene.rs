//! A supervised session in which everything happens that the documents' examples show: a program that prints their lines
//! and tells their agents, todos and tickets with `claude-mpm hook`, as claude does. It waits twice to be let go on.

use crate::WRAPPER;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::conversation::Conversation;
use test_support::program::Program;
use test_support::standalone::Place;

/// Named by the example of requirement R5.
pub(crate) const NAME: &str = "ai-chat";
/// Opening a FIFO waits for its other end.
const SCRIPT: &str = "\
: <\"$HOME/$1.go\"
echo 'Claude output line'
echo 'Error: Connection refused'
echo 'On the other stream' >&2
for hook in \"$HOME\"/hooks/*; do \"$MPM\" hook \"${hook##*-}\" <\"$hook\"; done
: <\"$HOME/$1.end\"
echo 'Last line'
sleep 60 </dev/null >/dev/null 2>&1 &
echo $! >\"$HOME/$1.left\"
";
/// How often a wait looks where nothing tells.
const LOOK: Duration = Duration::from_millis(2);

/// One such session.
pub(crate) struct Scene<'a> {
    place: &'a Place,
    name: &'a str,
    program: Program,
    /// `ws://127.0.0.1:PORT`
    pub(crate) url: String,
}

impl<'a> Scene<'a> {
    /// Starts it under a supervisor; nothing happens yet.
    #[track_caller]
    pub(crate) fn start(place: &'a Place, name: &'a str, options: &[&str]) -> Self {
        write_hooks(place);
        for gate in ["go", "end"] {
            let path = place.path(&format!("{name}.{gate}"));
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        }
        let mut command = place.command(&["--websocket-port", "auto", "--launch-method", "subprocess"]);
        command.env("MPM", WRAPPER).args(["-n", name]).args(options);
        command.args(["--claude", "sh", "--", "-c", SCRIPT, "sh", name]);
        let program = Program::start(command, b"");
        let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
        let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap().to_owned();
        Self { place, name, program, url }
    }

    /// Lets everything happen.
    #[track_caller]
    pub(crate) fn go(&self) {
        self.open("go");
    }

    /// Lets the program end; what it leaves running is ended.
    #[track_caller]
    pub(crate) fn end(self) {
        self.open("end");
        let left = self.place.path(&format!("{}.left", self.name));
        assert!(self.program.finish().0.success());
        let pid = fs::read_to_string(left).unwrap().trim().parse().unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it was left running");
    }

    #[track_caller]
    fn open(&self, gate: &str) {
        let until = Instant::now() + DEADLINE;
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).custom_flags(libc::O_NONBLOCK);
        while let Err(cause) = options.open(self.place.path(&format!("{}.{gate}", self.name))) {
            assert!(Instant::now() < until, "the program does not stand at {gate:?}: {cause}");
            std::thread::sleep(LOOK);
        }
    }
}

/// One file for each hook, named so that their order is that of their names.
fn write_hooks(place: &Place) {
    let folder = place.path("hooks");
    fs::create_dir_all(&folder).unwrap();
    for (number, (event, fields)) in hooks().into_iter().enumerate() {
        let mut body = json!({"session_id": "0b5fd1a5-6c0e-4b0e-8a32-1f2f3f4f5f6f", "cwd": "/path/to/project",
            "permission_mode": "default", "hook_event_name": event});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        fs::write(folder.join(format!("{number:02}-{event}")), body.to_string()).unwrap();
    }
}

/// What the program tells.
fn hooks() -> Vec<(&'static str, Value)> {
    let feature = json!({"description": "Implement feature X", "prompt": "Do", "subagent_type": "engineer"});
    let answer = json!({"status": "completed", "agentId": "a1", "totalDurationMs": 5000, "totalTokens": 10,
        "totalToolUseCount": 1, "content": [{"type": "text", "text": "Done"}]});
    let test = json!({"description": "Test feature X", "prompt": "Do", "subagent_type": "qa"});
    let todos = json!([{"content": "[Engineer] Implement WebSocket server", "status": "in_progress",
        "priority": "high", "activeForm": "Implementing", "id": "1"},
        {"content": "[QA] Test it", "status": "pending", "activeForm": "Testing", "id": "2"}]);
    let ticket = json!({"id": "TICKET-123", "title": "Add WebSocket monitoring", "priority": "high",
        "assigned_to": "engineer"});
    let said = json!([{"type": "text", "text": ticket.to_string()}]);
    let called = |tool: &str, id: &str, input: &Value| json!({"tool_name": tool, "tool_use_id": id, "tool_input": input});
    let with = |mut call: Value, name: &str, value: Value| {
        call[name] = value;
        call
    };
    let list = json!({"todos": todos});
    let npm = json!({"command": "npm test", "description": "Run the tests"});
    let printed = json!({"stdout": "ok", "stderr": "", "interrupted": false});
    vec![
        ("SessionStart", json!({"source": "startup", "model": "scripted"})),
        ("UserPromptSubmit", json!({"prompt": "User's prompt text", "prompt_id": "p"})),
        ("PreToolUse", called("Agent", "t1", &feature)),
        ("PostToolUse", with(called("Agent", "t1", &feature), "tool_response", answer)),
        ("PreToolUse", called("Agent", "t2", &test)),
        ("PostToolUseFailure", with(called("Agent", "t2", &test), "error", json!("It went wrong"))),
        ("PreToolUse", called("TodoWrite", "t3", &list)),
        (
            "PostToolUse",
            with(
                called("TodoWrite", "t3", &list),
                "tool_response",
                json!({"oldTodos": [], "newTodos": todos}),
            ),
        ),
        ("PreToolUse", called("Bash", "t4", &npm)),
        (
            "PostToolUse",
            with(with(called("Bash", "t4", &npm), "tool_response", printed), "duration_ms", json!(12)),
        ),
        (
            "PostToolUse",
            with(
                called("mcp__tracker__create_ticket", "t5", &json!({"title": "Add"})),
                "tool_response",
                said,
            ),
        ),
        ("Notification", json!({"message": "Claude is waiting for your input"})),
        ("PreCompact", json!({"trigger": "manual", "custom_instructions": ""})),
        ("SubagentStop", json!({"stop_hook_active": false, "agent_id": "a1", "agent_type": "engineer"})),
        ("Stop", json!({"stop_hook_active": false, "last_assistant_message": "All done"})),
        ("UserPromptSubmit", json!({"prompt": "Is it?", "prompt_id": "q"})),
        ("Stop", json!({"stop_hook_active": false, "last_assistant_message": "It is"})),
    ]
}

/// What clients of each dialect were sent of one such session, from its first event on: the frames as they came.
#[derive(Debug)]
pub(crate) struct Told {
    /// Events as requirements R1 to R3 show them.
    pub(crate) classic: Vec<Value>,
    /// Messages of requirement R4.
    pub(crate) envelope: Vec<Value>,
    /// Events as requirement R5 shows them.
    pub(crate) monitor: Vec<Value>,
}

/// It is played once for all tests.
pub(crate) fn told() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(play)
}

fn play() -> Told {
    let place = crate::place();
    let scene = Scene::start(&place, NAME, &[]);
    let mut classic = Conversation::open(&format!("{}/?channels=*&after=0", scene.url));
    let envelope = Conversation::open(&format!("{}/events?after=0", scene.url));
    let monitor = Conversation::open(&format!("{}/monitor?types=*&after=0", scene.url));
    scene.go();
    let mut first = classic.hear_until(|frame| frame["type"] == "system.stats");
    scene.end();
    let mut messages = vec![envelope.greeting.clone()];
    let (rest, code) = classic.hear_out();
    assert_eq!(code, 1000, "the session is over");
    first.extend(rest);
    messages.extend(envelope.hear_out().0);
    Told { classic: events(first), envelope: messages, monitor: events(monitor.hear_out().0) }
}

/// Replies have no number.
fn events(frames: Vec<Value>) -> Vec<Value> {
    frames.into_iter().filter(|frame| frame["seq"].is_u64()).collect()
}

impl Told {
    /// The events of requirement R4, out of their messages.
    pub(crate) fn hook_events(&self) -> Vec<&Value> {
        let inside = |message: &'static str| {
            self.envelope.iter().filter(move |sent| sent["type"] == message).map(|sent| &sent["data"])
        };
        let initial = inside("initial").filter_map(Value::as_array).flatten();
        initial.chain(inside("event")).collect()
    }
}
