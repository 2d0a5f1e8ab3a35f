//! Finding a program as a shell does, and asking it for its version.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::env;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to say its version.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_ANSWER: usize = 4096;

/// The file that would be executed; a name without a slash is looked for in `PATH`.
pub(super) fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 || program.is_absolute() {
        return is_executable(program).then(|| program.to_owned());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// Whether this is claude, by its name or by where it is installed: only claude is asked anything.
pub(super) fn is_claude(file: &Path) -> bool {
    let resolved = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let place = resolved.to_string_lossy();
    file.file_name().is_some_and(|name| name == "claude")
        || place.contains("/@anthropic-ai/claude-code")
        || place.contains("/claude/versions/")
}

/// The first line `--version` prints, within [`PATIENCE`]; the program is ended, whatever happens. It makes no
/// thread, so it may be asked before a fork.
pub(super) fn version(file: &Path) -> Result<String, String> {
    let mut command = Command::new(file);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = command.spawn().map_err(|cause| format!("it cannot be started: {cause}"))?;
    let answer = first_line(&mut child, Instant::now() + PATIENCE);
    end(&mut child);
    answer
}

fn first_line(child: &mut Child, deadline: Instant) -> Result<String, String> {
    let mut output = child.stdout.take().ok_or("it has no output")?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < LONGEST_ANSWER {
        await_output(&output, deadline)?;
        let mut piece = [0; 512];
        match output.read(&mut piece).map_err(|cause| format!("its output cannot be read: {cause}"))? {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().trim().to_owned();
    if line.is_empty() { Err("--version prints nothing".into()) } else { Ok(line) }
}

fn await_output(output: &impl AsFd, deadline: Instant) -> Result<(), String> {
    loop {
        let left = PollTimeout::try_from(deadline.saturating_duration_since(Instant::now()));
        let mut wanted = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wanted, left.unwrap_or(PollTimeout::ZERO)) {
            Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(format!("its output cannot be awaited: {errno}")),
            Ok(0) => return Err(format!("no answer to --version within {} s", PATIENCE.as_secs())),
            Ok(_) => return Ok(()),
        }
    }
}

/// With everything it started.
fn end(child: &mut Child) {
    let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let killed = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    debug_assert!(killed != Err(nix::Error::EINVAL), "SIGKILL is a signal; a group that is gone is as good");
    drop(child.wait());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn script(body: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("claude");
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        (directory, file)
    }

    #[test]
    fn a_version_is_the_first_line() {
        let (_directory, file) = script("echo '2.1.197 (Claude Code)'; echo more");
        assert!(is_claude(&file));
        assert_eq!(version(&file).unwrap(), "2.1.197 (Claude Code)");
        assert_eq!(find(&file), Some(file));
    }

    #[test]
    fn a_program_that_never_answers_is_ended() {
        let (_directory, file) = script("sleep 600 & wait");
        let asked = Instant::now();
        assert!(version(&file).unwrap_err().contains("within 2 s"));
        assert!(asked.elapsed() < PATIENCE * 2);
    }

    #[test]
    fn a_program_is_looked_for_as_a_shell_does() {
        assert!(find(Path::new("sh")).is_some());
        assert!(find(Path::new("/etc/passwd")).is_none());
        assert!(find(Path::new("no-such-program-anywhere")).is_none());
        assert!(!is_claude(Path::new("/bin/sh")));
    }
}
