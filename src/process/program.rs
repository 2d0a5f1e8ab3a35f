//! Finding the program to run, and becoming it: what a shell does with the first word of a command.

use super::at_start;
use crate::process::best_effort;
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{AccessFlags, access, execve};
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Why a program cannot be run. The exit statuses are a shell's.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Exit status 127.
    #[error("cannot run {}: not found", .0.display())]
    NotFound(PathBuf),
    /// Exit status 127: the kernel says of the file what it says of one that is missing.
    #[error("cannot run {}: its interpreter is not there", .0.display())]
    NoInterpreter(PathBuf),
    /// Exit status 126.
    #[error("cannot run {}: {cause}", .path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        cause: io::Error,
    },
}

impl RunError {
    /// The file is there, and exec(2) or what comes before it failed.
    pub fn exec_failed(path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            // It was found before: what the kernel misses is the program its first line names.
            io::ErrorKind::NotFound if path.exists() => Self::NoInterpreter(path.into()),
            _ => Self::NotExecutable { path: path.into(), cause },
        }
    }

    /// What exec(2) said, as a number.
    pub fn errno(&self) -> i32 {
        match self {
            Self::NotFound(_) | Self::NoInterpreter(_) => libc::ENOENT,
            Self::NotExecutable { cause, .. } => cause.raw_os_error().unwrap_or(libc::ENOENT),
        }
    }

    /// 127 when there is no such program or not what is to interpret it, 126 when it cannot be executed otherwise.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::NotFound(_) | Self::NoInterpreter(_) => 127,
            Self::NotExecutable { .. } => 126,
        }
    }
}

/// A program and what it is given.
#[derive(Debug, Clone)]
pub struct Command {
    /// The file to execute, as [`resolve`] found it.
    pub path: PathBuf,
    /// All arguments, the name it is called by first.
    pub arguments: Vec<OsString>,
    /// Environment variables set in addition to ours.
    pub environment: Vec<(&'static str, OsString)>,
    /// Directory it starts in; `None` for ours.
    pub directory: Option<PathBuf>,
}

/// Looks a program up as execvp(3) does: a name with a slash is a path (below `directory`, where it starts),
/// any other is searched in `PATH`.
///
/// # Errors
/// When there is no such file, or none that may be executed.
pub fn resolve(name: &OsStr, path: Option<&OsStr>, directory: Option<&Path>) -> Result<PathBuf, RunError> {
    if name.is_empty() {
        return Err(RunError::NotFound(PathBuf::new()));
    }
    if name.as_bytes().contains(&b'/') {
        let file = directory.map_or_else(|| PathBuf::from(name), |directory| directory.join(name));
        return check(&file).map(|()| file);
    }
    let mut denied = None;
    for folder in std::env::split_paths(path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"))) {
        let file = if folder.as_os_str().is_empty() { Path::new(".").join(name) } else { folder.join(name) };
        match check(&file) {
            Ok(()) => return Ok(file),
            Err(RunError::NotFound(_)) => {}
            Err(error) => denied = denied.or(Some(error)),
        }
    }
    Err(denied.unwrap_or_else(|| RunError::NotFound(name.into())))
}

fn check(file: &Path) -> Result<(), RunError> {
    match std::fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(RunError::exec_failed(file, error))
        }
        Err(_) => Err(RunError::NotFound(file.into())),
        Ok(found) if found.is_dir() => {
            Err(RunError::exec_failed(file, io::Error::from_raw_os_error(libc::EISDIR)))
        }
        Ok(_) => access(file, AccessFlags::X_OK).map_err(|errno| RunError::exec_failed(file, errno.into())),
    }
}

/// The command in the form the kernel takes, made before a fork, because nothing may be allocated after it.
#[derive(Debug)]
pub struct Image {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: Option<CString>,
}

impl Image {
    /// Makes it.
    ///
    /// # Errors
    /// When a text contains a NUL byte.
    pub fn of(command: &Command) -> io::Result<Self> {
        let text = |text: &OsStr| CString::new(text.as_bytes());
        let set = |name: &OsStr| command.environment.iter().any(|(ours, _)| name == *ours);
        let inherited = std::env::vars_os().filter(|(name, _)| !set(name));
        let added = command.environment.iter().map(|(name, value)| (OsString::from(name), value.clone()));
        let pair = |(name, value): (OsString, OsString)| {
            let mut pair = name;
            pair.push("=");
            pair.push(value);
            text(&pair)
        };
        Ok(Self {
            path: text(command.path.as_os_str())?,
            arguments: command.arguments.iter().map(|argument| text(argument)).collect::<Result<_, _>>()?,
            environment: inherited.chain(added).map(pair).collect::<Result<_, _>>()?,
            directory: command.directory.as_ref().map(|path| text(path.as_os_str())).transpose()?,
        })
    }

    /// Replaces the arguments, the name it is called by among them.
    pub(super) fn call_with(&mut self, arguments: Vec<CString>) {
        self.arguments = arguments;
    }

    /// Replaces this process. Returns only when that failed, with the reason.
    pub fn execute(&self) -> io::Error {
        if let Some(directory) = &self.directory
            && let Err(errno) = nix::unistd::chdir(directory.as_c_str())
        {
            return errno.into();
        }
        let Err(errno) = execve(&self.path, &self.arguments, &self.environment);
        if errno != nix::errno::Errno::ENOEXEC {
            return errno.into();
        }
        self.execute_by_shell().into()
    }

    /// A file without `#!` is a shell script, as execvp(3) and every shell have it.
    fn execute_by_shell(&self) -> nix::errno::Errno {
        let rest = self.arguments.iter().skip(1);
        let arguments: Vec<&std::ffi::CStr> =
            [c"/bin/sh", self.path.as_c_str()].into_iter().chain(rest.map(CString::as_c_str)).collect();
        let Err(errno) = execve(c"/bin/sh", &arguments, &self.environment);
        errno
    }
}

/// Becomes the program: same process id, same terminal, signal dispositions and descriptors as we were given.
/// Returns only when that failed.
pub fn become_program(command: &Command) -> io::Error {
    let image = match Image::of(command) {
        Ok(image) => image,
        Err(error) => return error,
    };
    give_back_sigpipe();
    (0..3).for_each(close_again);
    image.execute()
}

/// SIGPIPE as it was.
#[expect(unsafe_code, reason = "a disposition without a handler runs no code of ours")]
pub(super) fn give_back_sigpipe() {
    let handler = if at_start::ignored_sigpipe() { SigHandler::SigIgn } else { SigHandler::SigDfl };
    // SAFETY: no handler function is installed.
    best_effort(unsafe { signal(Signal::SIGPIPE, handler) });
}

/// Closes a standard descriptor that was closed when we came.
pub(super) fn close_again(fd: i32) {
    if at_start::was_closed(fd) {
        best_effort(nix::unistd::close(fd));
    }
}
