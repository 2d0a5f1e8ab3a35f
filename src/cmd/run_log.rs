//! The log of a run: in a file, because claude owns the terminal.

use super::failure::{Exit, Failure};
use super::log_level;
use super::redaction::Entries;
use crate::cli::LogOptions;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing_subscriber::filter::LevelFilter;

/// Begins the log where one is asked for: in `--log-file`, or with `-v` alone in
/// `$XDG_STATE_HOME/claude-mpm/claude-mpm.log`.
pub(super) fn start(options: &LogOptions) -> Result<(), Failure> {
    let wanted = options.verbose > 0 || options.log_level.is_some();
    let path = match &options.log_file {
        Some(path) => path.clone(),
        None if wanted => default_path()?,
        None => return Ok(()),
    };
    in_file(&path, log_level(options)).map_err(|cause| cannot_log(&path, &cause))
}

/// Begins the log of any verb in this file, which others may not read where it is new.
pub(super) fn in_file(path: &Path, level: LevelFilter) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let log = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
    log.with_writer(Entries(Mutex::new(file))).init();
    Ok(())
}

fn default_path() -> Result<PathBuf, Failure> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state"));
    let Some(folder) = state.or_else(home).map(|folder| folder.join("claude-mpm")) else {
        return Err(Failure::new(Exit::RunFailed, "cannot log: neither XDG_STATE_HOME nor HOME is set")
            .tip("name a file: --log-file FILE"));
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|cause| cannot_log(&folder, &cause))?;
    Ok(folder.join("claude-mpm.log"))
}

fn cannot_log(path: &std::path::Path, cause: &std::io::Error) -> Failure {
    Failure::new(Exit::RunFailed, format!("cannot log to {}: {cause}", path.display()))
}
