//! The mark of a run: a variable that everything the run starts carries in its environment.

use crate::process::processes::Environment;
use nix::libc;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// `NAME=VALUE`, as it stands in the environment a process was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    entry: Vec<u8>,
    /// Length of `NAME=`.
    name: usize,
}

/// Whose mark a process carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    /// This one.
    Ours,
    /// The same variable with another value.
    Another,
    /// None, or nobody may know.
    Nobody,
    /// It is just being executed, and has no environment yet; it soon has one.
    Unsettled,
}

impl Mark {
    /// Of this variable with this value.
    pub fn new(name: &str, value: &OsStr) -> Self {
        let mut entry = format!("{name}=").into_bytes();
        let name = entry.len();
        entry.extend_from_slice(value.as_bytes());
        Self { entry, name }
    }

    /// By whoever has this environment.
    pub(super) fn borne_by(&self, environment: &Environment) -> Bearer {
        match environment {
            Environment::Known(entries) => self.borne_in(entries),
            Environment::Unknown => Bearer::Nobody,
            Environment::Unsettled => Bearer::Unsettled,
        }
    }

    fn borne_in(&self, environment: &[u8]) -> Bearer {
        let name = &self.entry[..self.name];
        let words = || environment.split(|byte| *byte == 0).filter(|word| word.starts_with(name));
        match words().count() {
            0 => Bearer::Nobody,
            _ if words().any(|word| word == self.entry) => Bearer::Ours,
            _ => Bearer::Another,
        }
    }

    /// Makes this process a bearer of the mark where it carries another run's, so that who ends that run leaves it
    /// alone: it writes over the value it was started with. To be called by a forked process that has one thread.
    #[expect(unsafe_code, reason = "the environment a process was started with can only be changed in place")]
    pub fn put_over_anothers(&self) {
        let Ok(name) = CString::new(&self.entry[..self.name - 1]) else { return };
        let value = &self.entry[self.name..];
        // SAFETY: one thread, so nobody reads or moves the environment meanwhile; the value is a text of our own
        // process that may be written, and no more is written than it is long.
        unsafe {
            let theirs = libc::getenv(name.as_ptr());
            if !theirs.is_null() {
                let length = libc::strlen(theirs).min(value.len());
                std::ptr::copy_nonoverlapping(value.as_ptr(), theirs.cast(), length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_the_whole_entry_and_nothing_like_it() {
        let mark = Mark::new("RUN", OsStr::new("one"));
        for (environment, bearer) in [
            ("A=1\0RUN=one\0B=2\0", Bearer::Ours),
            ("RUN=one", Bearer::Ours),
            ("RUN=two\0RUN=one\0", Bearer::Ours),
            ("RUN=one1\0", Bearer::Another),
            ("RUN=\0", Bearer::Another),
            ("XRUN=one\0RUNS=one\0A=RUN=one\0", Bearer::Nobody),
            ("RUN\0", Bearer::Nobody),
            ("", Bearer::Nobody),
        ] {
            assert_eq!(mark.borne_in(environment.as_bytes()), bearer, "{environment:?}");
        }
    }
}
