//! Standard output, for those verbs whose answer goes there: what cannot be written is said to be that.

use std::fmt;
use std::io::{self, StdoutLock, Write};

/// Standard output, locked.
pub(super) fn standard() -> Standard {
    Standard(io::stdout().lock())
}

pub(super) struct Standard(StdoutLock<'static>);

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

/// Of the same kind: a closed pipe is known by it, and what is interrupted is tried again.
fn named(cause: io::Error) -> io::Error {
    io::Error::new(cause.kind(), Unwritten(cause))
}

#[derive(Debug)]
struct Unwritten(io::Error);

impl fmt::Display for Unwritten {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot write standard output: {}", self.0)
    }
}

impl std::error::Error for Unwritten {}
