//! Writing to a child that may not read, and waiting, as long as somebody wants that.

use crate::process::best_effort;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// A child that reads nothing for so long is not typed to.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits so long, unless the switch is dropped: `true`.
pub(super) fn is_dropped(ring: BorrowedFd<'_>, time: Duration) -> bool {
    let mut end = [PollFd::new(ring, PollFlags::empty())];
    matches!(poll(&mut end, PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO)), Ok(1..))
}

/// Writes to a master side that may be full, until the switch is dropped; where there is an `until`, until then, or
/// nothing was taken for as long as [`PATIENCE`]. Gives how much was written.
pub(super) fn write_all(
    to: BorrowedFd<'_>,
    bytes: &[u8],
    ring: BorrowedFd<'_>,
    until: Option<Instant>,
) -> usize {
    let mut written = 0;
    let next = || until.map(|until| until.min(Instant::now() + PATIENCE));
    let mut limit = next();
    while written < bytes.len() {
        match write(to, &bytes[written..]) {
            Ok(count) => {
                written += count;
                limit = next();
            }
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
                let timeout = left.map_or(PollTimeout::NONE, |left| {
                    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
                });
                let mut ends = [PollFd::new(to, PollFlags::POLLOUT), PollFd::new(ring, PollFlags::empty())];
                best_effort(poll(&mut ends, timeout));
                let hung_up = ends[1].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP));
                if hung_up || left == Some(Duration::ZERO) {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    written
}
