//! Callers from inside: what claude starts tries to control claude, by the Unix socket and with the token of the run; and
//! another user of this machine tries to look.
//!
//! Claude is a shell here, and who calls is this test program itself, with a task in its environment.

use serde_json::Value;
use std::fs::{self, Permissions};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::program::Program;
use test_support::standalone::{Place, named};
use test_support::wire::{HANDSHAKE, Wire, handshake, upgraded_on};

const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// `unix PATH` or `tcp PORT [FILE OF A TOKEN]`.
const TASK: &str = "EXAMPLE_ACCESS_TASK";
/// Where to write what came of it; standard output without.
const OUT: &str = "EXAMPLE_ACCESS_OUT";
/// The command that is tried.
const ORDER: &str = "EXAMPLE_ACCESS_ORDER";
/// Nothing is tried while this is the parent.
const PARENT: &str = "EXAMPLE_ACCESS_PARENT";

/// From which address of this machine it is tried by TCP; `elsewhere` is the first that is not loopback, where there is one.
const FROM: &str = "EXAMPLE_ACCESS_FROM";

/// What is said where no way leads to claude.
const NOWHERE: &str = "no claude runs here";

/// Ways in which a tool of claude's may be started; `$CALL` is the call of the attacker, `$T` its variables.
const WAYS: [(&str, &str); 8] = [
    ("plainly", r#"env $T "$CALL" $ARGS"#),
    ("from another address of this machine", r#"env $T EXAMPLE_ACCESS_FROM=elsewhere "$CALL" $ARGS"#),
    ("from another loopback address", r#"env $T EXAMPLE_ACCESS_FROM=127.9.9.9 "$CALL" $ARGS"#),
    ("in a session of its own", r#"setsid -w env $T "$CALL" $ARGS"#),
    ("without its environment", r#"env -i $T "$CALL" $ARGS"#),
    ("without its environment in a session of its own", r#"setsid -w env -i $T "$CALL" $ARGS"#),
    ("as an orphan", r#"sh -c 'env '"$T"' EXAMPLE_ACCESS_PARENT=$$ "$0" '"$ARGS"' &' "$CALL""#),
    ("hiding", r#"sh -c 'setsid env -i '"$T"' EXAMPLE_ACCESS_PARENT=$$ "$0" '"$ARGS"' &' "$CALL""#),
];

/// Every way by both roads, then the wait for all that came of it.
const CLAUDE: &str = r#"
out=$1 CALL=$2 ARGS='--exact inside::does_its_task --nocapture'
sock=$(echo "$XDG_RUNTIME_DIR"/claude-mpm/*.sock) token=$(echo "$XDG_RUNTIME_DIR"/claude-mpm/*.token)
port=${CLAUDE_MPM_URL##*:}
attack() {
  T="EXAMPLE_ACCESS_ORDER=TRIED EXAMPLE_ACCESS_TASK=unix:$sock EXAMPLE_ACCESS_OUT=$out/$1.unix"; eval "$2" >/dev/null 2>&1 </dev/null
  T="EXAMPLE_ACCESS_ORDER=TRIED EXAMPLE_ACCESS_TASK=tcp:$port:$token EXAMPLE_ACCESS_OUT=$out/$1.tcp"; eval "$2" >/dev/null 2>&1 </dev/null
}
ATTACKS
n=0; while [ "$(ls "$out" | grep -c -v new)" -lt COUNT ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done
"#;

/// What the attackers do; nothing, where there is no task.
#[test]
fn does_its_task() {
    let Ok(task) = std::env::var(TASK) else { return };
    if let Some(parent) = std::env::var(PARENT).ok().and_then(|text| text.parse::<i32>().ok()) {
        let until = Instant::now() + DEADLINE;
        while nix::unistd::getppid().as_raw() == parent && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let came = attack(&task.split(':').collect::<Vec<_>>());
    match std::env::var_os(OUT).map(PathBuf::from) {
        Some(out) => {
            // Of its own: orphans of one way by both roads are there at the same time.
            let mut new = out.clone().into_os_string();
            new.push(".new");
            fs::write(&new, came).unwrap();
            fs::rename(new, out).unwrap();
        }
        None => println!("came: {came}"),
    }
}

/// Tries to control claude and to get a token, and says what came of it, in a few words.
fn attack(task: &[&str]) -> String {
    let (wire, request) = match task {
        ["unix", path] => {
            (Wire::unix(Path::new(path)), format!("GET / HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}\r\n"))
        }
        ["tcp", port, rest @ ..] => {
            let port = port.parse().unwrap();
            let token = rest.first().map(|file| fs::read_to_string(file).unwrap_or_default());
            let shown =
                token.map_or(String::new(), |token| format!("Authorization: Bearer {}\r\n", token.trim()));
            let wire = source().map_or_else(|| Wire::tcp(port), |from| Wire::tcp_from(from, port));
            (wire, handshake(port, "/", &shown))
        }
        other => panic!("{other:?}"),
    };
    let wire = match wire {
        Ok(wire) => wire,
        Err(cause) => return format!("no connection: {:?}", cause.kind()),
    };
    let mut wire = match upgraded_on(wire, &request) {
        Ok(wire) => wire,
        Err(answer) => return format!("status {}", answer.status),
    };
    let order = std::env::var(ORDER).unwrap_or_else(|_| "interrupt".into());
    let mut came = Vec::new();
    for command in [order.as_str(), "one_time_token"] {
        let request = format!(r#"{{"command":{command:?},"request_id":1}}"#);
        if wire.say(&request).is_err() {
            break;
        }
        came.push(reply(&mut wire));
    }
    came.join(" ")
}

/// The address to call from, where one was named.
fn source() -> Option<Ipv4Addr> {
    let named = std::env::var(FROM).ok()?;
    if let Ok(address) = named.parse() {
        return Some(address);
    }
    let all = nix::ifaddrs::getifaddrs().ok()?;
    all.filter_map(|one| Some(one.address?.as_sockaddr_in()?.ip())).find(|address| !address.is_loopback())
}

/// The next reply to a request of ours: its code, or its type.
fn reply(wire: &mut Wire) -> String {
    while let Some((opcode, payload)) = wire.frame() {
        if opcode == 8 {
            return format!("close {}", u16::from_be_bytes([payload[0], payload[1]]));
        }
        let frame: Value = serde_json::from_slice(&payload).unwrap_or_default();
        match (&frame["data"]["error_code"], &frame["request_id"]) {
            (Value::String(code), _) => return code.clone(),
            (_, Value::Number(_)) => return frame["type"].as_str().unwrap_or_default().to_owned(),
            _ => {}
        }
    }
    "end".into()
}

/// What came of each attack inside a session that is started so, by its name; and the audit log.
fn attacked(options: &[&str], ways: &[(&str, &str)], order: &str) -> (Vec<(String, String)>, Vec<Value>) {
    let place = Place::new(WRAPPER);
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    let attacks: String = ways
        .iter()
        .map(|(name, way)| format!("attack {:?} {}\n", name.replace(' ', "_"), quoted(way)))
        .collect();
    let script = CLAUDE
        .replace("ATTACKS", &attacks)
        .replace("COUNT", &(2 * ways.len()).to_string())
        .replace("TRIED", order);
    let mut command = place.command(options);
    command
        .args(["--claude", "sh", "--", "-c", &script, "claude"])
        .arg(&out)
        .arg(std::env::current_exe().unwrap());
    let (status, _, err) = Program::start(command, b"").finish();
    assert!(status.success(), "{status}: {err:?}");
    let came = fs::read_dir(&out)
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()));
    let mut came: Vec<_> = came.collect();
    came.sort();
    assert_eq!(came.len(), 2 * ways.len(), "{came:?}");
    let log = fs::read_to_string(place.path(".local/state/claude-mpm/audit.log")).unwrap();
    (came, log.lines().map(|line| serde_json::from_str(line).expect(line)).collect())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Orders that were refused because of where they came from.
fn refused(log: &[Value]) -> usize {
    let is_one = |line: &&Value| {
        line["event"] == "control"
            && line["outcome"] == "refused"
            && line["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("supervised claude") || detail.contains("established"))
    };
    log.iter().filter(is_one).count()
}

#[test]
fn nothing_below_a_claude_with_a_guardian_gets_control_however_it_hides() {
    let options = ["--launch-method", "subprocess", "--websocket-port", "auto", "--headless"];
    let (came, log) = attacked(&options, &WAYS, "stop");
    // A hub from which no way leads to claude knows no guardian either, and has nothing to protect.
    let leads_nowhere =
        log.iter().any(|line| line["detail"].as_str().is_some_and(|detail| detail.contains(NOWHERE)));
    for (name, came) in &came {
        let is_refused = came.starts_with("AUTH002 AUTH002")
            || name.starts_with("hiding") && leads_nowhere && came.starts_with("CTL001");
        assert!(is_refused, "{name}: {came}: {log:#?}");
    }
    assert!(
        refused(&log) + 2 * usize::from(leads_nowhere) >= 2 * WAYS.len(),
        "each is written down: {log:#?}"
    );
}

#[test]
fn nothing_below_a_claude_that_took_our_place_gets_control_unless_it_hides_on_purpose() {
    let options = ["--websocket", "--websocket-port", "auto", "--launch-method", "exec"];
    let ways = &WAYS[..WAYS.len() - 1];
    let (came, log) = attacked(&options, ways, "stop");
    for (name, came) in &came {
        assert!(came.starts_with("AUTH002 AUTH002"), "{name}: {came}");
    }
    assert_eq!(refused(&log), 2 * ways.len(), "each is written down: {log:#?}");
}

/// The known limit of `--launch-method exec`: no process of ours is above claude, so an orphan without its environment, in
/// a session of its own, looks like the user's own. What it asks for is written down with its process id.
#[test]
fn where_claude_took_our_place_an_orphan_that_hides_on_purpose_is_taken_for_the_user_and_written_down() {
    let options = ["--websocket", "--websocket-port", "auto", "--launch-method", "exec"];
    let (came, log) = attacked(&options, &WAYS[WAYS.len() - 1..], "interrupt");
    println!("a hiding orphan in exec mode: {came:?}");
    let told: Vec<&Value> = log.iter().filter(|line| line["event"] == "control").collect();
    let orders = told.iter().filter(|line| line["action"] == "interrupt").count();
    assert!(orders >= 2, "{log:#?}");
    let by_unix =
        told.iter().find(|line| line["peer"].as_str().is_some_and(|peer| peer.starts_with("unix pid ")));
    assert!(by_unix.is_some_and(|line| line["pid"].is_u64()), "{told:#?}");
    assert!(told.iter().all(|line| line["uid"] == nix::unistd::geteuid().as_raw()), "{told:#?}");
}

/// What a call of this program as another user says; `None` where it cannot be made.
fn as_nobody(task: &str) -> Option<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "inside::does_its_task", "--nocapture"]).env_clear().env(TASK, task);
    let output = command.uid(65534).gid(65534).current_dir("/").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.split_once("came: ")).map(|(_, came)| came.to_owned())
}

#[test]
fn another_user_gets_nothing_by_tcp_and_is_refused_at_the_unix_socket() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: to call as another user takes root");
        return;
    }
    let place = Place::new(WRAPPER);
    let hub = place.serve(0);
    let Some(by_tcp) = as_nobody(&format!("tcp:{}", hub.port)) else {
        eprintln!("skipped: another user cannot start this program where it stands");
        return;
    };
    // Before it has shown a token, every request ends the connection.
    assert!(by_tcp.starts_with("AUTH001"), "{by_tcp}");
    let socket = named(&place.path("run/claude-mpm"), ".sock").pop().unwrap();
    let task = format!("unix:{}", socket.display());
    assert_eq!(as_nobody(&task).unwrap(), "no connection: PermissionDenied");
    // Even where every folder above it lets others through, and where the socket itself does.
    for folder in ["", "run", "run/claude-mpm"] {
        fs::set_permissions(place.path(folder), Permissions::from_mode(0o711)).unwrap();
    }
    assert_eq!(as_nobody(&task).unwrap(), "no connection: PermissionDenied");
    fs::set_permissions(&socket, Permissions::from_mode(0o777)).unwrap();
    let let_through = as_nobody(&task).unwrap();
    assert!(let_through.starts_with("AUTH001"), "{let_through}");
    let log = place.path(".local/state/claude-mpm/audit.log");
    let until = Instant::now() + DEADLINE;
    while !fs::read_to_string(&log).unwrap_or_default().contains("65534") {
        assert!(Instant::now() < until, "the other user is not written down");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(hub.stop().success());
}
