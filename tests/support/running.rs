//! A program on pipes that goes on while the test does something: what it wrote so far, and its end. A program that
//! is only waited for is [`crate::piped`]'s business.

use crate::DEADLINE;
use crate::exit_watch::ExitWatch;
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The program. Its stdin is empty; stdout and stderr are one pipe.
#[derive(Debug)]
pub struct Running {
    program: ExitWatch,
    output: Arc<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// The bytes, and whether the pipe has ended.
    output: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Running {
    /// Starts `command` in a process group of its own.
    ///
    /// # Panics
    /// If it cannot be started.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let errors = writer.try_clone().expect("a descriptor");
        command.stdin(Stdio::null()).stdout(writer).stderr(errors).process_group(0);
        let child = command.spawn().expect("a started program");
        // It holds the writing ends.
        drop(command);
        let output = Arc::new(Taken::default());
        let theirs = Arc::clone(&output);
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            loop {
                let read = reader.read(&mut bytes);
                let mut output = theirs.output.lock().unwrap_or_else(PoisonError::into_inner);
                match read {
                    Ok(count @ 1..) => output.0.extend_from_slice(&bytes[..count]),
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => output.1 = true,
                }
                theirs.changed.notify_all();
                if output.1 {
                    return;
                }
            }
        });
        Self { program: ExitWatch::over(child), output }
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// Waits until `seen` holds of what it wrote.
    ///
    /// # Panics
    /// If it does not within [`DEADLINE`], or the output ends before.
    #[track_caller]
    pub fn wait_for(&self, seen: impl Fn(&str) -> bool) -> String {
        let output = self.wait_while(|text, ended| !ended && !seen(text));
        assert!(seen(&output), "never seen in what it wrote:\n{output}");
        output
    }

    /// Waits for its end and the end of its output.
    ///
    /// # Panics
    /// If either does not come within [`DEADLINE`].
    #[track_caller]
    pub fn wait_exit(&self) -> (ExitStatus, String) {
        let status = self.program.wait(DEADLINE);
        let output = self.wait_while(|_, ended| !ended);
        (status.unwrap_or_else(|| panic!("it did not end in time, having written:\n{output}")), output)
    }

    fn wait_while(&self, waiting: impl Fn(&str, bool) -> bool) -> String {
        let Taken { output, changed } = &*self.output;
        let output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |output: &mut (Vec<u8>, bool)| waiting(&String::from_utf8_lossy(&output.0), output.1);
        let waited = changed.wait_timeout_while(output, DEADLINE, waiting);
        String::from_utf8_lossy(&waited.unwrap_or_else(PoisonError::into_inner).0.0).into_owned()
    }
}
