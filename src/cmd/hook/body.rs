//! What claude writes to a hook's standard input, read within bounds of size and time.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Deserialize;
use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

/// Largest body that is handed on, bytes.
pub(super) const MAX_BYTES: usize = 16 << 20;
const PIECE_BYTES: usize = 64 << 10;

/// Reads to the end of standard input. `None` when it does not end in time or is larger than [`MAX_BYTES`]; it is
/// read on then as long as there is time, so that claude is not left with a broken pipe.
pub(super) fn read(deadline: Instant) -> Option<Vec<u8>> {
    let stdin = io::stdin();
    let mut body = Vec::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut fits = true;
    loop {
        if !wait(&stdin, PollFlags::POLLIN, deadline) {
            return None;
        }
        match nix::unistd::read(&stdin, &mut piece) {
            Ok(0) => return fits.then_some(body),
            Ok(count) if fits && body.len() + count <= MAX_BYTES => body.extend_from_slice(&piece[..count]),
            Ok(_) => (fits, body) = (false, Vec::new()),
            Err(nix::Error::EINTR | nix::Error::EAGAIN) => {}
            Err(_) => return None,
        }
    }
}

/// Waits until something can be read or written, or the other end is gone; `false` when the time is over.
pub(super) fn wait(file: &impl AsFd, wanted: PollFlags, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // The clock is asked each time round: what is always ready must not hold us either.
        let (false, Ok(timeout)) = (left.is_zero(), PollTimeout::try_from(left)) else { return false };
        match poll(&mut [PollFd::new(file.as_fd(), wanted)], timeout) {
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

/// What a hook's body says of itself; everything else is not looked at, however deep it goes.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    /// The event, as claude names it.
    #[serde(borrow)]
    pub(super) hook_event_name: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    /// `None` when the body is no JSON object.
    pub(super) fn of(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|_| body.trim_ascii_start().starts_with(b"{"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_read_whatever_is_in_it() {
        let name = |body: &str| {
            Envelope::of(body.as_bytes()).map(|found| found.hook_event_name.map(Cow::into_owned))
        };
        assert_eq!(name(r#"{"hook_event_name":"Stop","x":[{}]}"#), Some(Some("Stop".into())));
        assert_eq!(name(r#"{"hook_event_name":"S\u0074op"}"#), Some(Some("Stop".into())));
        assert_eq!(name("{}"), Some(None));
        for other in ["", "[]", r#"["Stop"]"#, "null", "{", "\u{0}", r#"{"hook_event_name":7}"#, "{} {}"] {
            assert_eq!(name(other), None, "{other:?}");
        }
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(name(&deep), Some(None));
    }
}
