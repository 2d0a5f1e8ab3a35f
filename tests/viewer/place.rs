//! The built binary as a viewer uses it, in a runtime directory of its own.

use claude_mpm::event::{Epoch, SessionId, Timestamp, body::LaunchMethod};
use claude_mpm::instance::{Instance, Registration, RuntimeDirectory};
use claude_mpm::process::processes;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// No verb of a viewer takes longer.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A user's place.
pub struct Place {
    base: tempfile::TempDir,
    pub directory: RuntimeDirectory,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let directory = RuntimeDirectory::at(&base.path().join("claude-mpm")).unwrap();
        Self { base, directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    /// A record of this test's own process.
    pub fn instance(&self, session: &str, name: &str, port: Option<u16>) -> Instance {
        let pid = std::process::id();
        Instance {
            name: name.into(),
            session_id: SessionId::new(session),
            replays: None,
            pid,
            start_time: processes::start_time(pid).unwrap(),
            host: "127.0.0.1".into(),
            port,
            socket: None,
            working_dir: format!("/home/user/{name}"),
            certificate: None,
            launch_method: Some(LaunchMethod::Subprocess),
            version: "0.1.0".into(),
            epoch: Epoch::new("e1"),
            started_at: Timestamp::from_millis(1_795_176_000_000),
        }
    }

    pub fn register(&self, instance: &Instance) -> Registration {
        self.directory.register(instance).unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claude-mpm"));
        command.args(args).env_clear().env("XDG_RUNTIME_DIR", self.base.path()).env("TZ", "UTC");
        command.env("PATH", "/usr/bin:/bin").current_dir(self.base.path()).stdin(Stdio::null());
        command
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn run(&self, args: &[&str]) -> Done {
        finish(self.start(args))
    }
}

/// Waits for the end, at most [`DEADLINE`].
pub fn finish(mut child: Child) -> Done {
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let output = Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() };
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            return Done { status: status.code(), out: text(output.stdout), err: text(output.stderr) };
        }
        if Instant::now() > deadline {
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}
