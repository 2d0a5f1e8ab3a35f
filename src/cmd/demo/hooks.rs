//! The hooks the scripted program was asked for, told as claude tells them: the body is posted to the URL of the
//! settings, or written to the command they name, and the answer is waited for.
//!
//! Like claude, it goes on when nobody answers. It knows nothing of what the hooks say.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;

/// For each wait of one hook.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same, milliseconds.
const PATIENCE_MILLIS: u16 = 2_000;
/// Longest answer that is read, bytes.
const MAX_ANSWER: u64 = 16 << 10;

/// What the settings ask for.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    events: Value,
}

impl Hooks {
    /// Of settings as JSON; none where there are no settings, or they are not understood.
    pub(super) fn of(settings: Option<&str>) -> Self {
        let settings = settings.and_then(|text| serde_json::from_str::<Value>(text).ok());
        Self { events: settings.and_then(|mut all| Some(all.get_mut("hooks")?.take())).unwrap_or_default() }
    }

    /// Tells all who asked for this event.
    pub(super) fn tell(&self, event: &str, body: &Value) {
        let groups = self.events.get(event).and_then(Value::as_array).into_iter().flatten();
        let handlers = groups.filter_map(|group| group.get("hooks")?.as_array()).flatten();
        for handler in handlers {
            let told = match handler.get("command").and_then(Value::as_str) {
                Some(command) => run(command, body),
                None => post(handler, body),
            };
            // Nobody listens any more: claude would go on too.
            drop(told);
        }
    }
}

fn post(handler: &Value, body: &Value) -> io::Result<()> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidInput);
    let url = handler.get("url").and_then(Value::as_str).and_then(|url| url.strip_prefix("http://"));
    let (host, path) = url.and_then(|url| url.split_once('/')).ok_or_else(malformed)?;
    let address: SocketAddr = host.parse().map_err(|_| malformed())?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let body = body.to_string();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         {}Connection: close\r\n\r\n",
        body.len(),
        headers(handler)
    );
    stream.write_all((head + &body).as_bytes())?;
    stream.take(MAX_ANSWER).read_to_end(&mut Vec::new()).map(drop)
}

/// The headers of a handler, each variable it may use put in.
fn headers(handler: &Value) -> String {
    let allowed = handler.get("allowedEnvVars").and_then(Value::as_array).into_iter().flatten();
    let allowed: Vec<&str> = allowed.filter_map(Value::as_str).collect();
    let expanded = |text: &str| {
        allowed.iter().fold(text.to_owned(), |text, name| {
            text.replace(&format!("${name}"), &env::var(name).unwrap_or_default())
        })
    };
    let headers = handler.get("headers").and_then(Value::as_object).into_iter().flatten();
    let line = |(name, value): (&String, &Value)| Some(format!("{name}: {}\r\n", expanded(value.as_str()?)));
    headers.filter_map(line).collect()
}

fn run(command: &str, body: &Value) -> io::Result<()> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = shell.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read is as good as one that does.
        drop(stdin.write_all(body.to_string().as_bytes()));
    }
    if let Some(stdout) = &child.stdout {
        // The pipe is closed when the command is done.
        poll(&mut [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE_MILLIS))?;
    }
    child.kill()?;
    child.wait().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn a_hook_is_posted_where_the_settings_say_and_with_their_headers() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let listening = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            let mut piece = [0; 1024];
            while !request.ends_with("{\"a\":1}") {
                let count = stream.read(&mut piece).unwrap();
                request.push_str(std::str::from_utf8(&piece[..count]).unwrap());
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            request
        });
        let handler = json!({"type": "http", "url": format!("http://{address}/api/hooks/Stop"),
            "headers": {"X": "is $NOT_SET_ANYWHERE_X."}, "allowedEnvVars": ["NOT_SET_ANYWHERE_X"]});
        let settings = json!({"hooks": {"Stop": [{"hooks": [handler]}]}}).to_string();
        let hooks = Hooks::of(Some(&settings));
        hooks.tell("PreToolUse", &json!({}));
        hooks.tell("Stop", &json!({"a": 1}));
        let request = listening.join().unwrap();
        assert!(request.starts_with("POST /api/hooks/Stop HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        assert!(request.contains("\r\nX: is .\r\n"), "{request}");
    }

    #[test]
    fn a_command_gets_the_body_and_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("body");
        let command = format!("cat > '{}'", file.display());
        run(&command, &json!({"a": 1})).unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn without_settings_nobody_is_told() {
        for settings in [None, Some("{}"), Some("no json")] {
            Hooks::of(settings).tell("Stop", &json!({}));
        }
    }
}
