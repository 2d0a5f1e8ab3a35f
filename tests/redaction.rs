//! Secrets from outside: whatever claude prints, hooks tell or others publish, no client of any dialect and no log sees
//! one, and the user's own terminal shows everything as it is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use test_support::DEADLINE;
use test_support::conversation::Conversation;
use test_support::instance::url_in;
use test_support::piped;
use test_support::program::Program;
use test_support::standalone::{Hub, Place, named, request};
use test_support::terminal::Terminal;
use test_support::wire::{HANDSHAKE, Wire, upgraded_on};

const MPM: &str = env!("CARGO_BIN_EXE_claude-mpm");
const OPTIONS: [&str; 4] = ["--launch-method", "subprocess", "--websocket-port", "auto"];

const SESSION: &str = "0b1b2c3d-4e5f-6789-abcd-ef0123456789";

/// Prints what it is given, says it by hooks and publishes it, when it is told to; then it waits for its end.
const CLAUDE: &str = r#"
read _ < "$HOME/go"
cat "$HOME/secrets"; cat "$HOME/secrets" >&2
mkdir -p "$HOME/.claude/projects/p"; cp "$HOME/transcript" "$HOME/.claude/projects/p/$SESSION.jsonl"
for hook in "$HOME"/hooks/*; do "$MPM" hook < "$hook"; done
"$MPM" publish my.type "$(cat "$HOME/payload")" --summary "$(head -n 1 "$HOME/secrets")"
printf 'all is said\n'
read _ < "$HOME/end"
"#;

/// What no reader may see: put together here, so that no scanner stumbles over this file.
struct Secrets {
    lines: Vec<String>,
    /// A part of each that stands nowhere else.
    needles: Vec<String>,
}

impl Secrets {
    fn new() -> Self {
        let mut secrets = Self { lines: Vec::new(), needles: Vec::new() };
        let mut add = |front: &str, secret: String, behind: &str| {
            secrets.lines.push(format!("{front}{secret}{behind}"));
            secrets.needles.push(secret);
        };
        let body = |mark: &str| format!("{mark}4bZ9").repeat(12);
        for (mark, front) in [
            ("An", "sk-ant-api03-"),
            ("Op", "sk-proj-"),
            ("Gh", "ghp_"),
            ("Gp", "github_pat_"),
            ("Gl", "glpat-"),
            ("Sl", "xoxb-"),
            ("Go", "AIza"),
            ("Mp", "mpm_"),
            ("Be", "Authorization: Bearer "),
            ("Jw", "then Bearer eyJhbGciOi."),
        ] {
            add(front, body(mark), " and more");
        }
        add("AKIA", "QQ7ZIOSFODNN7WWW".into(), "");
        add("aws_secret_access_key = ", body("Aw")[..40].to_owned(), "");
        add("postgres://bob:", "hunter22hunter".into(), "@db.example.com/x");
        add("https://hooks.slack.com/services/", format!("T0001/B0001/{}", body("Hk")), "");
        add("-----BEGIN RSA PRIVATE KEY-----", String::new(), "");
        add("", body("Pk"), "");
        add("  ", body("Pl"), "");
        add("-----END RSA PRIVATE KEY-----", String::new(), "");
        add("badge ", "BADGE-77123".into(), " of ours");
        secrets.needles.retain(|needle| !needle.is_empty());
        secrets
    }

    /// Which of them the text shows.
    fn in_text(&self, text: &str) -> Vec<&str> {
        self.needles.iter().filter(|needle| text.contains(needle.as_str())).map(String::as_str).collect()
    }

    #[track_caller]
    fn assert_none(&self, text: &str, of: &str) {
        let shown = self.in_text(text);
        assert!(shown.is_empty(), "{of} shows {shown:?}: {}", &text[..text.floor_char_boundary(4000)]);
    }

    /// What claude is to print, and say by hooks: one text of all, and each as a value and a name.
    fn give_to(&self, home: &Path) {
        let text = self.lines.join("\n");
        fs::write(home.join("secrets"), format!("{text}\n")).unwrap();
        // A line of a private key says nothing by itself.
        let alone = self.lines.iter().filter(|line| !["Pk", "Pl"].iter().any(|mark| line.contains(mark)));
        let by_name: serde_json::Map<String, Value> =
            alone.map(|line| (line.clone(), json!([{"deep": line}]))).collect();
        fs::write(home.join("payload"), json!({"text": text, "by_name": by_name}).to_string()).unwrap();
        fs::create_dir(home.join("hooks")).unwrap();
        let said = json!({"type": "assistant", "uuid": "u1", "sessionId": SESSION, "message": {"id": "m1",
            "role": "assistant", "model": "m", "content": [{"type": "text", "text": format!("in the transcript\n{text}")}]}});
        fs::write(home.join("transcript"), format!("{said}\n")).unwrap();
        let todos = json!([{"content": text, "status": "pending", "activeForm": text}]);
        let mut hooks = vec![
            json!({"hook_event_name": "UserPromptSubmit", "prompt": text}),
            json!({"hook_event_name": "PreToolUse", "tool_name": "Agent", "tool_use_id": "t1",
                   "tool_input": {"subagent_type": "x", "prompt": text, "description": text}}),
            json!({"hook_event_name": "PreToolUse", "tool_name": "TodoWrite", "tool_use_id": "t2",
                   "tool_input": {"todos": todos}}),
            json!({"hook_event_name": "PostToolUse", "tool_name": "TodoWrite", "tool_use_id": "t2",
                   "tool_input": {"todos": todos}, "tool_response": {"oldTodos": [], "newTodos": todos}}),
            json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "t3",
                   "tool_input": {"command": text},
                   "tool_response": {"stdout": format!("Created ticket: ABC-1: {text}"), "stderr": text, "all": by_name}}),
            json!({"hook_event_name": "Notification", "message": text}),
            json!({"hook_event_name": "PermissionRequest", "tool_name": "Write",
                   "tool_input": {"file_path": "x", "content": text},
                   "permission_suggestions": [{"type": "addRules", "rules": [{"ruleContent": text}]}]}),
        ];
        for (index, line) in self.lines.iter().enumerate() {
            let is_final = index + 1 == self.lines.len();
            hooks.push(json!({"hook_event_name": "MessageDisplay", "turn_id": "u", "message_id": "m",
                              "index": index, "final": is_final, "delta": format!("{line}\n")}));
        }
        for (number, mut hook) in hooks.into_iter().enumerate() {
            hook["session_id"] = SESSION.into();
            let folder = home.join(".claude/projects/p");
            hook["transcript_path"] = folder.join(format!("{SESSION}.jsonl")).to_str().into();
            fs::write(home.join(format!("hooks/{number:03}")), hook.to_string()).unwrap();
        }
    }
}

fn home(secrets: &Secrets) -> Place {
    let place = Place::new(MPM);
    for pipe in ["go", "end"] {
        nix::unistd::mkfifo(&place.path(pipe), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    secrets.give_to(&place.path(""));
    fs::create_dir_all(place.path(".config/claude-mpm")).unwrap();
    let pattern = "[[redact.pattern]]\nname = 'badge'\npattern = 'BADGE-[0-9]+'\n";
    fs::write(place.path(".config/claude-mpm/config.toml"), pattern).unwrap();
    place
}

/// Opens the pipe that the program reads, which waits for it.
fn tell(place: &Place, pipe: &str) {
    fs::OpenOptions::new().write(true).open(place.path(pipe)).unwrap().write_all(b"\n").unwrap();
}

fn start(place: &Place, more: &[&str]) -> (Program, String) {
    let mut command = place.command(&[&OPTIONS[..], more].concat());
    command.args(["--claude", "sh", "--", "-c", CLAUDE]).env("MPM", MPM).env("SESSION", SESSION);
    let program = Program::start(command, b"");
    let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    let url = line.split([' ', ',']).find(|word| word.starts_with("ws://")).unwrap().to_owned();
    (program, url)
}

fn printed(place: &Place, args: &[&str]) -> String {
    let output = piped::run(place.command(args), b"", DEADLINE);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

/// What the hub has told, once it is so.
fn history(port: u16, is_so: impl Fn(&str) -> bool) -> String {
    let until = std::time::Instant::now() + DEADLINE;
    loop {
        let text = request(port, "GET /api/history?limit=10000 HTTP/1.1\r\n", "").1;
        if is_so(&text) {
            return text;
        }
        assert!(std::time::Instant::now() < until, "not told: {}", &text[..text.floor_char_boundary(4000)]);
        thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Everything that can be had of the hub, by name of where.
fn everything(place: &Place, url: &str, args: &[&str]) -> Vec<(String, String)> {
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let paths = ["/api/status", "/api/history?limit=10000", "/metrics", "/api/instances"];
    let get = |path: &str| (path.to_owned(), request(port, &format!("GET {path} HTTP/1.1\r\n"), "").1);
    let verbs: [&[&str]; 5] = [
        &["history", "-n", "10000"],
        &["history", "-n", "10000", "-o", "json"],
        &["status", "-o", "json"],
        &["watch", "--no-follow", "-n", "10000"],
        &["explain", "-o", "json"],
    ];
    let verb = |verb: &&[&str]| (verb.join(" "), printed(place, &[verb, args].concat()));
    paths.into_iter().map(get).chain(verbs.iter().map(verb)).collect()
}

#[test]
fn no_secret_is_on_the_wire_in_any_dialect_or_in_the_log() {
    let secrets = Secrets::new();
    let place = home(&secrets);
    let log = place.path("log");
    let (program, url) = start(&place, &["-vv", "--log-file", log.to_str().unwrap()]);
    let follow = |path: &str| {
        let client = Conversation::open(&format!("{url}{path}"));
        thread::spawn(move || client.hear_out().0)
    };
    let clients = ["/?channels=*&after=0", "/events?after=0", "/monitor?types=*&after=0"].map(follow);
    tell(&place, "go");
    program.wait_out(|line| line == "all is said");
    let told = history(port_of(&url), |text| text.contains("in the transcript") && text.contains("my.type"));
    for what in ["permission.requested", "hook.permission_request", "claude.message", "claude.output"] {
        assert!(told.contains(what), "{what} is not told");
    }
    for (of, text) in everything(&place, &url, &[]) {
        secrets.assert_none(&text, &of);
    }
    // Those who are turned away are written down with what they asked for.
    for needle in &secrets.needles {
        let path: String =
            needle.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let head = format!("GET /mpm_{path}4bZ9aQ7 HTTP/1.1\r\nOrigin: https://evil.example\r\n");
        assert_eq!(request(port_of(&url), &head, "").0, 403);
    }
    tell(&place, "end");
    let (status, out, _) = program.finish();
    assert!(status.success());
    let shown = secrets.in_text(&out.join("\n")).len();
    assert_eq!(shown, secrets.needles.len(), "what claude prints is left as it is");
    for client in clients {
        let text = Value::from(client.join().unwrap()).to_string();
        secrets.assert_none(&text, "a dialect");
        for kind in ["anthropic_key", "private_key", "url_password", "badge", "bearer", "aws_key"] {
            assert!(text.contains(&format!("[REDACTED:{kind}]")), "{kind}: {}", &text[..2000]);
        }
        assert!(text.contains("postgres://bob:[REDACTED:url_password]@db.example.com/x"));
        assert!(text.contains("hook.message_display") || text.contains("MessageDisplay"));
        assert!(text.contains("my.type") && text.contains("ABC-1"), "what was told is there");
    }
    secrets.assert_none(&fs::read_to_string(&log).unwrap(), "the log");
    let audit = fs::read_to_string(place.path(".local/state/claude-mpm/audit.log")).unwrap();
    secrets.assert_none(&audit, "the audit log");
    assert!(audit.contains("GET /[REDACTED:mpm_token]"), "{audit}");
}

/// A question of claude's is answered in a way that cannot be, which is said with its words.
#[test]
fn what_is_answered_to_who_controls_and_written_down_of_it_has_no_secret() {
    let secrets = Secrets::new();
    let place = home(&secrets);
    let text = secrets.lines.join("\n");
    let questions =
        json!([{ "question": text, "header": "h", "options": [{ "label": "a" }, { "label": "b" }] }]);
    let hook = json!({ "hook_event_name": "PermissionRequest", "session_id": SESSION, "tool_name": "AskUserQuestion",
        "tool_input": { "questions": questions } });
    fs::write(place.path("question"), hook.to_string()).unwrap();
    let script = r#"read _ < "$HOME/go"; "$MPM" hook PermissionRequest --wait 600 < "$HOME/question" >/dev/null & read _ < "$HOME/end"; kill $!"#;
    let mut command = place.command(&OPTIONS);
    command.args(["--claude", "sh", "--", "-c", script]).env("MPM", MPM);
    let program = Program::start(command, b"");
    let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    let url = line.split([' ', ',']).find(|word| word.starts_with("ws://")).unwrap().to_owned();
    tell(&place, "go");
    let told = history(port_of(&url), |text| text.contains("permission.requested"));
    secrets.assert_none(&told, "the history");
    let told: Value = serde_json::from_str(&told).unwrap();
    let events = told["events"].as_array().or(told.as_array()).unwrap();
    let asked = events.iter().find(|event| event["type"] == "permission.requested").unwrap();
    let socket = named(&place.path("run/claude-mpm"), ".sock").remove(0);
    let wire = Wire::unix(&socket).unwrap();
    let mut wire = upgraded_on(wire, &format!("GET / HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}\r\n")).unwrap();
    let answer = json!({ "command": "respond_permission", "permission_id": asked["data"]["permission_id"],
        "decision": "allow", "answers": {} });
    wire.say(&answer.to_string()).unwrap();
    let outcome = loop {
        let frame = wire.json().expect("an outcome");
        if frame["type"] == "outcome" {
            break frame.to_string();
        }
    };
    secrets.assert_none(&outcome, "the answer");
    assert!(outcome.contains("rejected") && outcome.contains("[REDACTED:anthropic_key]"), "{outcome}");
    tell(&place, "end");
    program.finish();
    let audit = fs::read_to_string(place.path(".local/state/claude-mpm/audit.log")).unwrap();
    secrets.assert_none(&audit, "the audit log");
    assert!(audit.contains("respond_permission") && audit.contains("[REDACTED:"), "{audit}");
}

#[test]
fn what_claudes_stream_says_has_no_secret() {
    let secrets = Secrets::new();
    let place = home(&secrets);
    let text = secrets.lines.join("\n");
    let line = |message: Value| json!({ "type": "assistant", "session_id": SESSION, "uuid": "u", "message": message });
    let said = json!({ "id": "m1", "role": "assistant", "model": "m",
        "content": [{ "type": "text", "text": format!("in the stream\n{text}") }] });
    let called = json!({ "id": "m2", "role": "assistant", "model": "m", "content": [{ "type": "tool_use", "id": "t1",
        "name": "Agent", "input": { "subagent_type": "qa", "description": text, "prompt": text } }] });
    fs::write(place.path("stream"), format!("{}\n{}\n", line(said), line(called))).unwrap();
    let program = place.path("program");
    fs::write(&program, "#!/bin/sh\nread _ < \"$HOME/go\"; cat \"$HOME/stream\"; read _ < \"$HOME/end\"\n")
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.command(&[&OPTIONS[..], &["--hooks", "off"]].concat());
    command.arg("--claude").arg(&program).args(["--", "-p", "--output-format", "stream-json", "--verbose"]);
    let program = Program::start(command, b"");
    let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    let url = line.split([' ', ',']).find(|word| word.starts_with("ws://")).unwrap().to_owned();
    tell(&place, "go");
    let is_told = |text: &str| text.contains("in the stream") && text.contains("agent.delegation");
    let told = history(port_of(&url), is_told);
    secrets.assert_none(&told, "the history");
    assert!(told.contains("[REDACTED:private_key]"), "{told}");
    tell(&place, "end");
    program.finish();
}

#[test]
fn with_no_redact_everything_is_shown_and_it_is_said() {
    let secrets = Secrets::new();
    let place = home(&secrets);
    let (program, url) = start(&place, &["--no-redact"]);
    program.wait_err(|line| line.contains("secrets are not redacted"));
    tell(&place, "go");
    program.wait_out(|line| line == "all is said");
    history(port_of(&url), |text| secrets.in_text(text).len() == secrets.needles.len());
    let status = &everything(&place, &url, &[])[0].1;
    assert!(!secrets.in_text(status).is_empty(), "{status}");
    tell(&place, "end");
    program.finish();
}

#[test]
fn a_hub_hides_what_an_instance_shows() {
    let secrets = Secrets::new();
    let place = home(&secrets);
    let hub = place.serve(0);
    let (program, url) = start(&place, &["--no-redact", "--hub", &hub.url()]);
    tell(&place, "go");
    program.wait_out(|line| line == "all is said");
    history(port_of(&url), |text| secrets.in_text(text).len() == secrets.needles.len());
    // At its end an instance tells for two seconds, which may be too few for all of it on a busy machine.
    history(hub.port, |text| text.contains("my.type") && text.contains("all is said"));
    tell(&place, "end");
    program.finish();
    let told = history(hub.port, |text| text.contains("session.end"));
    assert!(told.contains("session.end") && told.contains("my.type"), "{}", &told[..told.len().min(2000)]);
    secrets.assert_none(&told, "the hub");
    secrets.assert_none(&hub.get("/api/status").to_string(), "the hub's status");
    let name = secrets.lines[0].split(' ').next().unwrap();
    let (status, answer) =
        hub.post("/api/events", &json!({"type": "x.y", "source": name, "data": {}}).to_string());
    assert_eq!(status, 403, "{answer}");
    hub.stop();
}

fn on_terminal(place: &Place, url: &mut Option<String>, wrapped: bool, script: &str) -> Vec<u8> {
    let mut command = match wrapped {
        true => place.command(&[&["-q"], &OPTIONS[..], &["--claude", "sh", "--"]].concat()),
        false => Command::new("sh"),
    };
    command.args(["-c", script]).env("HOME", place.path("")).env("TERM", "xterm-256color");
    let terminal = Terminal::start(command, 40, 24);
    if wrapped {
        *url = Some(url_in(&place.path("run")));
    }
    tell(place, "go");
    terminal.wait_for(|screen| screen.contains("all is said"), DEADLINE);
    if let Some(url) = url {
        // A line is told when it has settled.
        *url = history(port_of(url), |text| text.contains("all is said"));
    }
    tell(place, "end");
    terminal.wait_exit(DEADLINE);
    terminal.raw_output()
}

#[test]
fn the_terminal_shows_what_claude_draws_and_the_lines_told_of_it_have_no_secret() {
    let secrets = Secrets::new();
    // Narrower than a key: the terminal wraps it. The second time the screen is drawn.
    for drawn in ["", "\\033[2J\\033[H"] {
        let place = home(&secrets);
        let script = format!(
            "read _ < \"$HOME/go\"; printf '{drawn}'; cat \"$HOME/secrets\"; printf 'all is said\\n'; read _ < \"$HOME/end\""
        );
        let (mut none, mut told) = (None, None);
        let bare = on_terminal(&place, &mut none, false, &script);
        let wrapped = on_terminal(&place, &mut told, true, &script);
        assert_eq!(String::from_utf8_lossy(&wrapped), String::from_utf8_lossy(&bare));
        assert_eq!(secrets.in_text(&String::from_utf8_lossy(&bare)).len(), secrets.needles.len());
        let told = told.unwrap();
        secrets.assert_none(&told, "the hub");
        for kind in ["anthropic_key", "openai_key", "github_token", "private_key", "url_password", "badge"] {
            assert!(told.contains(&format!("[REDACTED:{kind}]")), "{kind}: {told}");
        }
    }
}

#[test]
fn a_pattern_that_cannot_be_used_is_said_before_claude_starts() {
    let place = home(&Secrets::new());
    let wrong = "[[redact.pattern]]\nname = 'x'\npattern = '('\n";
    fs::write(place.path(".config/claude-mpm/config.toml"), wrong).unwrap();
    let mut command = place.command(&OPTIONS);
    command.args(["--claude", "sh", "--", "-c", "echo started"]);
    let output = piped::run(command, b"", DEADLINE);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(125), &b""[..]), "{error}");
    assert!(error.contains("line 3") && error.contains("pattern = '('"), "{error}");
}

#[test]
fn patterns_apply_when_the_file_is_saved() {
    let place = home(&Secrets::new());
    let hub = Hub::started(place.command(&["serve", "--websocket-port", "0"]));
    let say = || {
        let event = json!({"type": "x.y", "source": "s", "data": {"text": "BADGE-77 PIN-88"}});
        assert_eq!(hub.post("/api/events", &event.to_string()).0, 202);
        hub.get("/api/history?limit=1&channels=x.y").to_string()
    };
    assert!(say().contains("[REDACTED:badge] PIN-88"), "{}", say());
    let pattern = "[[redact.pattern]]\nname = 'pin'\npattern = 'PIN-[0-9]+'\n";
    fs::write(place.path(".config/claude-mpm/config.toml"), pattern).unwrap();
    let until = std::time::Instant::now() + DEADLINE;
    while !hub.get("/api/history?channels=config.changed").to_string().contains("redact.pattern") {
        assert!(std::time::Instant::now() < until, "never read again");
        thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(say().contains("BADGE-77 [REDACTED:pin]"), "{}", say());
    hub.stop();
}
