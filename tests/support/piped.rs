//! Runs a program to its end with its standard streams on pipes, as a script would: input, output,
//! exit status, all within a deadline. Programs that want a terminal go to [`crate::terminal`].

use crate::exit_watch::ExitWatch;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs `command`, gives it `input` and then end of file, and returns what it wrote and how it
/// ended.
///
/// # Panics
/// If it cannot be started, or it runs or somebody holds its output open when `deadline` has
/// passed; it is killed then.
#[track_caller]
pub fn run(mut command: Command, input: &[u8], deadline: Duration) -> Output {
    let until = Instant::now() + deadline;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = command.process_group(0).spawn();
    let mut child =
        started.unwrap_or_else(|error| panic!("cannot start {}: {error}", command.get_program().display()));
    let (holding, released) = channel();
    feed(child.stdin.take(), input.to_owned());
    let stdout = collect(child.stdout.take(), holding.clone());
    let stderr = collect(child.stderr.take(), holding);
    let program = ExitWatch::over(child);

    // Nothing is ever sent: the channel closes when both outputs have ended.
    let output_ended = released.recv_timeout(deadline) == Err(RecvTimeoutError::Disconnected);
    let status = program.wait(until.saturating_duration_since(Instant::now()));
    let (stdout, stderr) = (taken(&stdout), taken(&stderr));
    match status {
        Some(status) if output_ended => Output { status, stdout, stderr },
        _ => panic!(
            "the program did not end in time (status {status:?}); it wrote:\n{}\n{}\n",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr),
        ),
    }
}

type Collected = Arc<Mutex<Vec<u8>>>;

/// The threads end with the pipes: at the latest when the program's group is killed, or with the
/// test process if somebody outside that group holds them.
fn collect<R: Read + Send + 'static>(stream: Option<R>, holding: Sender<()>) -> Collected {
    let collected = Collected::default();
    let mine = Arc::clone(&collected);
    std::thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        let mut stream = stream.expect("a piped stream");
        loop {
            match stream.read(&mut bytes) {
                Ok(count @ 1..) => lock_and_add(&mine, &bytes[..count]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        drop(holding);
    });
    collected
}

fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) {
    std::thread::spawn(move || {
        // A program may leave its input unread; that is no failure.
        let _unread = stdin.expect("a piped stream").write_all(&input);
    });
}

fn lock_and_add(collected: &Collected, bytes: &[u8]) {
    collected.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
}

fn taken(collected: &Collected) -> Vec<u8> {
    std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner))
}
