//! Text that wants to act instead of being read: whatever claude prints, hooks tell, others publish or a command line
//! says, nothing of it reaches a terminal or a log as anything but visible text, one line per entry; and no answer of
//! the hub lets a page do anything with it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "hostile_text/answers.rs"]
mod answers;
mod viewer;

use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use test_support::DEADLINE;
use test_support::piped;
use test_support::program::Program;
use test_support::standalone::{Place, request};
use test_support::wire::{Wire, ask_bytes, upgraded};
use viewer::fake_hub::{Ending, FakeHub, Said, Script, event};

const MPM: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// Stands in every piece, so that it is seen that it was told at all.
const MARK: &str = "SHOWN";

/// Prints what it is given, says it by hooks and publishes it, when it is told to; then it waits for its end.
const CLAUDE: &str = r#"
read _ < "$HOME/go"
cat "$HOME/hostile"; cat "$HOME/hostile" >&2
for hook in "$HOME"/hooks/*; do "$MPM" hook < "$hook" >> "$HOME/said" 2>&1; done
printf 'all is said\n'
read _ < "$HOME/end"
"#;

/// What acts where it should only be seen: written down here once more, not taken from the program.
fn acts(c: char) -> bool {
    matches!(c,
        '\0'..='\x09' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// The pieces, each with the mark in it and none with LF.
fn pieces() -> Vec<String> {
    let controls = (0..=0x1f_u32).chain(0x7f..=0x9f).filter(|code| *code != 0x0a).filter_map(char::from_u32);
    let mut pieces: Vec<String> = controls.map(|c| format!("{MARK}{c}[2J{c}]0;x{c}{MARK}")).collect();
    for piece in [
        "\x1b[2J\x1b[H\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1bPq#0;2;0;0;0\x1b\\",
        "\x1b[6n\x1b[?1049h\x1b[?25l\x1bc",
        "\u{9b}31m\u{9d}0;title\u{9c}\u{90}x\u{9c}\u{85}",
        "\u{202e}desrever\u{202c}\u{202d}\u{202a}\u{202b}",
        "\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}",
        "\u{200b}\u{2060}\u{2061}\u{feff}\u{ad}\u{180e}\u{3164}",
        "\u{e0001}\u{e0041}\u{e0042}\u{e007f}\u{e0100}",
        "\u{2028}2026-01-01 fake\u{2029}fake",
        "\r2026-01-01T00:00:00Z fake\r\u{b}\u{c}fake",
        "\u{fff9}a\u{fffa}b\u{fffb}\u{206a}\u{206f}",
    ] {
        pieces.push(format!("{MARK}{piece}{MARK}"));
    }
    pieces
}

#[track_caller]
fn assert_still(text: &str, of: &str) {
    if let Some((line, c)) = text.lines().find_map(|line| Some((line, line.chars().find(|c| acts(*c))?))) {
        panic!("{of} has U+{:04X}: {:?}", u32::from(c), line.chars().take(400).collect::<String>());
    }
}

/// What claude is to print, and say by hooks.
fn give_to(home: &Path) {
    let pieces = pieces();
    let mut printed = pieces.join("\n").into_bytes();
    // No UTF-8, half a character, a surrogate.
    printed.extend_from_slice(b"\nSHOWN\xff\xfe\xc3\nSHOWN\xed\xa0\x80\x80\x9b2J\n");
    fs::write(home.join("hostile"), printed).unwrap();
    fs::create_dir(home.join("hooks")).unwrap();
    let text = pieces.join("\n");
    let by_name: serde_json::Map<String, Value> =
        pieces.iter().map(|piece| (piece.clone(), json!([{ "deep": piece }]))).collect();
    let todos = json!([{"content": text, "status": "pending", "activeForm": text}]);
    let session = "0b1b2c3d-4e5f-6789-abcd-ef0123456789";
    let mut hooks = vec![
        json!({"hook_event_name": "SessionStart", "source": text, "model": text, "cwd": text, "transcript_path": text}),
        json!({"hook_event_name": "UserPromptSubmit", "prompt": text}),
        json!({"hook_event_name": "PreToolUse", "tool_name": text, "tool_use_id": text, "tool_input": by_name}),
        json!({"hook_event_name": "PreToolUse", "tool_name": "Agent", "tool_use_id": "t1",
               "tool_input": {"subagent_type": text, "prompt": text, "description": text}}),
        json!({"hook_event_name": "PostToolUse", "tool_name": "TodoWrite", "tool_use_id": "t2",
               "tool_input": {"todos": todos}, "tool_response": {"oldTodos": [], "newTodos": todos}}),
        json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "t3", "tool_input": {"command": text},
               "tool_response": {"stdout": format!("Created ticket: ABC-1: {}", pieces[30]), "stderr": text}}),
        json!({"hook_event_name": "Notification", "message": text, "notification_type": text}),
        json!({"hook_event_name": text, "x": text}),
        json!({"hook_event_name": "Stop", "last_assistant_message": text}),
    ];
    hooks.extend(pieces.iter().map(|piece| json!({"hook_event_name": "Notification", "message": piece})));
    // The last word: a question ends with the turn.
    hooks.extend([
        json!({"hook_event_name": "PermissionRequest", "tool_name": pieces[40], "tool_input": by_name}),
        json!({"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": {"command": text}}),
    ]);
    for (number, hook) in hooks.iter_mut().enumerate() {
        hook["session_id"] = session.into();
        // A surrogate alone is a text of JSON that no program can show.
        let text = hook.to_string().replacen(MARK, r"SHOWN\ud83d", 1);
        fs::write(home.join(format!("hooks/{number:03}")), text).unwrap();
    }
}

fn home() -> Place {
    let place = Place::new(MPM);
    for pipe in ["go", "end"] {
        nix::unistd::mkfifo(&place.path(pipe), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    give_to(&place.path(""));
    place
}

fn tell(place: &Place, pipe: &str) {
    fs::OpenOptions::new().write(true).open(place.path(pipe)).unwrap().write_all(b"\n").unwrap();
}

/// Both streams of a verb, whatever its end.
fn printed(place: &Place, args: &[&str]) -> String {
    let output = piped::run(place.command(args), b"", DEADLINE);
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// What others say: events, components, requests that are none.
fn publish(port: u16) {
    for piece in pieces() {
        let json_head = "POST /api/events HTTP/1.1\r\nContent-Type: application/json\r\n";
        for event in [
            json!({"type": "my.type", "summary": piece, "data": {"text": piece, piece.clone(): piece}}),
            json!({"type": piece, "data": {}}),
            json!({"event_type": "component.started", "source": piece, "payload": {"version": piece}, "timestamp": 1}),
            json!({"event_type": "component.started", "source": "c", "payload": {"version": piece}, "timestamp": 1,
                   "summary": piece, "source_app": piece}),
        ] {
            request(port, json_head, &event.to_string());
        }
    }
    let mut wire = upgraded(port, "/events", "").unwrap();
    for piece in pieces().iter().take(20) {
        let register = json!({"type": "register", "data": {"component": piece, "version": piece, "capabilities": [piece]}});
        let _refused = wire.say(&register.to_string());
    }
}

#[test]
fn nothing_that_is_told_acts_on_the_terminal_of_who_looks_at_it_or_in_a_log() {
    let place = home();
    // Where it runs, and so what it is called, is hostile too.
    let work = place.path("work/\u{1b}[2J\u{9b}31m\u{202e}x");
    fs::create_dir(&work).unwrap();
    let log = place.path("log");
    let mut command = place.command(&["--launch-method", "subprocess", "--websocket-port", "auto", "-vvv"]);
    command.args(["--log-file", log.to_str().unwrap(), "--claude", "sh", "--", "-c", CLAUDE]).env("MPM", MPM);
    let program = Program::start(
        {
            command.current_dir(&work);
            command
        },
        b"",
    );
    let line = program.wait_err(|line| line.contains("on ws://127.0.0.1:"));
    let port: u16 = line.split(':').next_back().unwrap().trim().parse().unwrap();
    tell(&place, "go");
    program.wait_out(|line| line == "all is said");
    publish(port);
    let is_asked =
        || request(port, "GET /api/status HTTP/1.1\r\n", "").1.matches("permission_id").count() == 2;
    let until = std::time::Instant::now() + DEADLINE;
    while !is_asked() {
        assert!(std::time::Instant::now() < until, "no permission is requested");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for path in ["/\u{9b}2J", "/%1b%5b2J", "/\u{202e}", "/?\u{1b}[2J"] {
        ask_bytes(port, format!("GET {path} HTTP/1.1\r\nHost: \u{9b}2J\u{202e}evil\r\n\r\n").as_bytes());
    }
    for verb in [
        &["history", "-n", "10000"][..],
        &["history", "-n", "10000", "-o", "json"],
        &["watch", "--no-follow", "-n", "10000"],
        &["watch", "--no-follow", "-n", "10000", "-o", "json"],
        &["status"],
        &["status", "-o", "json"],
        &["list"],
        &["list", "-o", "json"],
        &["explain"],
        &["explain", "-o", "json"],
        &["check"],
        &["check", "--connect"],
        &["check", "--connect", "-o", "json"],
        &["check", "--port", &port.to_string(), "-o", "json"],
        &["permissions"],
        &["permissions", "-o", "json"],
    ] {
        let text = printed(&place, verb);
        let of = verb.join(" ");
        assert_still(&text, &of);
        assert!(!text.is_empty() && !text.contains("claude-mpm: cannot"), "{of} fails: {text}");
        if verb.contains(&"json") {
            text.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).expect(line)));
        }
        if verb[0] == "permissions" {
            assert!(text.contains(MARK), "{of} shows what is asked: {text}");
        }
        let is_of_events = ["history", "watch"].contains(&verb[0]);
        for line in text.lines().filter(|_| is_of_events) {
            let begins = if verb.contains(&"json") {
                line.starts_with("{\"")
            } else {
                line.as_bytes()[0].is_ascii_digit()
            };
            assert!(begins, "{of}: no entry begins so: {line:?}");
        }
        for line in text.lines().filter(|line| is_of_events && line.starts_with('{')) {
            serde_json::from_str::<Value>(line).expect(line);
        }
        if is_of_events {
            assert!(
                text.matches(MARK).count() > 100,
                "{of} shows what was told: {}",
                text.matches(MARK).count()
            );
        }
    }
    for piece in pieces().iter().map(|piece| piece.replace('\0', "")) {
        for verb in [&["allow", &piece][..], &["deny", &piece, "-m", &piece], &["send", &piece]] {
            let text = printed(&place, verb);
            assert_still(&text, verb[0]);
            assert!(text.starts_with("claude-mpm: cannot "), "{verb:?}: {text}");
        }
    }
    tell(&place, "end");
    let (status, out, err) = program.finish();
    assert!(status.success(), "{err:?}");
    assert!(out.iter().any(|line| line.contains("\x1b[2J")), "claude's own terminal has it as it is");
    let own: Vec<&String> = err.iter().filter(|line| line.starts_with("claude-mpm")).collect();
    own.iter().for_each(|line| assert_still(line, "what the program says"));
    for (path, of) in [(log, "the log"), (place.path(".local/state/claude-mpm/audit.log"), "the audit log")] {
        let text = fs::read_to_string(path).unwrap();
        assert_still(&text, of);
        let begins =
            |line: &str| if of == "the log" { line.starts_with("20") } else { line.starts_with("{\"") };
        assert!(text.lines().all(begins), "{of}: an entry is a line: {text}");
    }
    // Claude reads what hooks say.
    assert_eq!(fs::read_to_string(place.path("said")).unwrap_or_default(), "");
}

/// Command lines with such text in every place.
#[test]
fn no_error_message_acts() {
    let place = Place::new(MPM);
    let hub = place.serve(0);
    let url = hub.url();
    for piece in pieces() {
        // No argument holds a NUL.
        let word = piece.replace('\0', "");
        let word = word.as_str();
        for args in [
            &["status", word][..],
            &["watch", "--no-follow", word],
            &["history", "--since", word],
            &["publish", "--url", &url, word, "{}"],
            &["explain", "--url", &url, word],
            &["hook", word],
            &["token", "create", "--note", word],
            &["token", "revoke", word],
            &["--launch-method", word],
            &["--claude", word, "--websocket-port", "auto"],
            &["serve", "--allow-origin", word],
            &["--name", word, "--websocket-port", "auto", "--claude", "true"],
        ] {
            assert_still(&printed(&place, args), &format!("{args:?}"));
        }
    }
    let no_text = OsString::from_vec(b"\xff\xfe\x1b[2J\x9b31m".to_vec());
    for verb in ["status", "watch", "nonsense", "--claude", "--nonsense"] {
        let mut command = place.command(&[verb]);
        command.arg(&no_text);
        let output = piped::run(command, b"", DEADLINE);
        assert_still(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()), verb);
    }
    for config in [
        "x = \"\u{1b}[2J\u{9b}31m\"",
        "\u{202e} = 1",
        "[[ticket]]\npattern = '(\u{200b}'\nsystem = '\u{feff}'",
    ] {
        let path = place.path("config\u{1b}[2J\u{202e}.toml");
        fs::write(&path, config).unwrap();
        let mut command = place.command(&["serve", "--websocket-port", "0"]);
        command.env("CLAUDE_MPM_CONFIG", &path);
        let output = piped::run(command, b"", DEADLINE);
        assert!(!output.status.success());
        assert_still(&String::from_utf8_lossy(&output.stderr), config);
    }
    assert!(hub.stop().success());
}

/// A hub that is none may say what it likes.
#[test]
fn a_hostile_hub_does_not_act_either() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let replies: Vec<String> = pieces();
    let count = replies.len();
    let hub = std::thread::spawn(move || {
        for reply in replies {
            let (stream, _) = listener.accept().unwrap();
            let mut wire = Wire::Tcp(stream);
            wire.hurry(DEADLINE);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if std::io::Read::read(&mut wire, &mut byte).unwrap_or(0) == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            let body = json!({"error": reply}).to_string();
            let line = reply.replace(['\r', '\n', '\0'], "");
            let answer = format!("HTTP/1.1 403 {line}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _sent = wire.send(answer.as_bytes());
        }
    });
    let place = Place::new(MPM);
    for number in 0..count {
        let url = format!("ws://127.0.0.1:{port}");
        let text = printed(&place, &["status", "--url", &url]);
        assert_still(&text, "what is said of a hub");
        assert!(!text.is_empty(), "{number}");
    }
    hub.join().unwrap();
}

/// What the hub of a scripted session says: everything it can.
fn scripted(pieces: &[String]) -> Script {
    let text = pieces.join("");
    let output = |(seq, piece): (u64, &String)| {
        event(seq, "claude.output", json!({ "content": piece, "stream": "stdout" }))
    };
    let mut log: Vec<String> = (1..).zip(pieces).map(output).collect();
    let next = log.len() as u64 + 1;
    let asked = json!({ "permission_id": text, "tool_name": text, "tool_input": { "command": text }, "agent": text,
        "suggestions": [], "questions": null, "expires_at": "2999-01-01T00:00:00.000Z" });
    log.push(event(next, "permission.requested", asked.clone()));
    log.push(event(next + 1, &pieces[0], json!({ "x": text })));
    log.push(event(next + 2, "hook.stop", json!({ text.clone(): text })));
    let info = json!({ "port": 1, "host": text, "working_dir": text, "name": text, "pid": 1 });
    let mut script = Script::new(log, Ending::Stay).asking(vec![asked]);
    for (name, value) in [
        ("session_id", json!(text)),
        ("claude_status", json!(text)),
        ("activity", json!(text)),
        ("active_agents", json!([text])),
        ("todos", json!([{ "id": text, "content": text, "status": text }])),
        ("tickets", json!([{ "id": text, "title": text, "system": text }])),
        ("sources", json!([{ "name": text, "state": text, "note": text }])),
        ("instance_info", info),
        ("epoch", json!(text)),
    ] {
        script.more.insert(name.to_owned(), value);
    }
    script
}

/// Nor one that speaks as hubs do, and says it in every place.
#[test]
fn a_hub_that_speaks_as_one_does_not_act_either() {
    let pieces: Vec<String> = pieces().into_iter().skip(25).collect();
    let text = pieces.join("");
    let place = Place::new(MPM);
    let accepted = || Said::Reply("accepted", json!({ "control_id": text, "command": text }));
    let fate = |fate: &str, last: bool| {
        let data = json!({ "control_id": text, "command": text, "fate": fate, "reason": text, "last": last });
        Said::Reply("outcome", data)
    };
    let error = || Said::Reply("error", json!({ "error_code": text, "error_message": text }));
    let explained = || {
        let told: Value = serde_json::from_str(&event(1, &pieces[0], json!({ "x": text }))).unwrap();
        let also = json!([{ "source": text, "at": "2026-11-21T12:00:00.000Z" }]);
        Said::Reply(
            "explanation",
            json!({ "event": told, "told_by": text, "also_told_by": also, "silent": [text] }),
        )
    };
    let verbs: [&[&str]; 19] = [
        &["status"],
        &["status", "-o", "json"],
        &["history"],
        &["history", "-o", "json"],
        &["watch", "--no-follow"],
        &["watch", "--no-follow", "-o", "json"],
        &["explain", "1"],
        &["explain", "1", "-o", "json"],
        &["permissions"],
        &["permissions", "-o", "json"],
        &["allow"],
        &["allow", "-o", "json"],
        &["deny"],
        &["deny", "-o", "json"],
        &["send", "hello"],
        &["send", "hello", "-o", "json"],
        &["interrupt", "-o", "json"],
        &["stop", "-o", "json"],
        &["restart", "-o", "json"],
    ];
    let controls = ["respond_permission", "send_input", "interrupt", "stop", "restart"];
    for steps in [
        vec![accepted(), fate("done", true)],
        vec![accepted(), fate("queued", false), fate("rejected", true)],
        vec![accepted(), fate(&text, true)],
        vec![error()],
    ] {
        let explain = if steps.len() == 1 { vec![error()] } else { vec![explained()] };
        let script =
            controls.iter().fold(scripted(&pieces), |script, command| script.saying(command, steps.clone()));
        let hub = FakeHub::start(script.saying("explain", explain));
        let url = hub.url();
        for verb in verbs {
            let text = printed(&place, &[&verb[..1], &["--url", &url], &verb[1..]].concat());
            assert_still(&text, &verb.join(" "));
            let is_quiet = text.contains("claude-mpm: done") || text.contains("claude-mpm: queued");
            assert!(text.contains(MARK) || is_quiet, "{verb:?} shows what was told: {text}");
            for line in text.lines().filter(|line| line.starts_with('{')) {
                serde_json::from_str::<Value>(line).expect(line);
            }
        }
    }
}
