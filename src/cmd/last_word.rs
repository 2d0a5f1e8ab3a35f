//! What is said when we were killed: by the guardian, once it has put everything in order, to whoever connects again.
//!
//! It has the listeners, the numbering and the record of the session, and none of its events: those are told to be
//! missed.

use super::entrance::Entrance;
use super::hosting::Hosting;
use super::runtime;
use crate::client::uplink::Uplink;
use crate::event::Source;
use crate::event::body::SessionStart;
use crate::hub::{Hub, Progress};
use crate::instance::Registration;
use crate::process::followed::Exit;
use crate::process::guardian::{Departed, Heir};
use crate::supervisor::announce;
use crate::supervisor::state::Ending;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// How long clients have to come back for it.
const LISTEN: Duration = Duration::from_secs(2);

/// Everything it takes.
#[derive(Debug)]
pub(super) struct LastWord {
    pub(super) hub: Hub,
    pub(super) progress: Progress,
    pub(super) session: SessionStart,
    pub(super) entrance: Entrance,
    pub(super) tcp: TcpListener,
    pub(super) unix: Option<UnixListener>,
    pub(super) uplink: Option<Uplink>,
    pub(super) registration: Option<Registration>,
}

impl LastWord {
    /// For the guardian to say.
    pub(super) fn heir(self) -> Heir {
        let keeps = [Some(self.tcp.as_raw_fd()), self.unix.as_ref().map(AsRawFd::as_raw_fd)];
        Heir::new(keeps.into_iter().flatten().collect(), |departed| {
            // Nobody is left who could be told that it failed.
            let _unheard = self.say(departed);
        })
    }

    fn say(mut self, departed: Departed) -> io::Result<()> {
        if let Some(registration) = &mut self.registration {
            registration.adopt();
        }
        runtime()?.block_on(async {
            self.hub.keep_progress(self.progress);
            let doorway = self.entrance.doorway([self.tcp], self.unix)?;
            let hosting = Hosting::reopen(&self.hub, doorway, self.uplink);
            let ending = match departed.exit {
                Some(Exit::Code(code)) => Ending::Exited(code),
                Some(Exit::Signal(signal)) => Ending::Signaled(signal),
                None => Ending::Unknown,
            };
            let publisher = self.hub.publisher(Source::Supervisor);
            announce::last_word(&publisher, self.session, departed.pid, ending);
            // Whoever comes to a closed hub is sent away.
            tokio::time::sleep(LISTEN).await;
            hosting.close().await;
            Ok(())
        })
    }
}
