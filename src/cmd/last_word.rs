//! What is said when we were killed: by the guardian, once it has put everything in order, to whoever connects again.
//!
//! It has the listeners, the numbering and the record of the session, and of its events those that are in the journal.
//! Without one they are told to be missed.

use super::entrance::Entrance;
use super::going_on::go_on;
use super::hosting::Hosting;
use super::journal::Keeping;
use super::run_to_end;
use crate::client::uplink::Uplink;
use crate::event::Source;
use crate::event::body::SessionStart;
use crate::hub::{Hub, Progress};
use crate::instance::{Instance, Registration};
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
    pub(super) instance: Instance,
    pub(super) progress: Progress,
    /// How what is said is written down as well; `None` where it is not.
    pub(super) journal: Option<Keeping>,
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
        run_to_end(async {
            let journalist = go_on(&mut self.hub, &mut self.instance, self.progress, self.journal);
            let doorway = self.entrance.doorway([self.tcp], self.unix)?;
            let mut hosting = Hosting::reopen(&self.hub, doorway, self.uplink);
            hosting.journalist = journalist;
            let ending = match departed.exit {
                Some(Exit::Code(code)) => Ending::Exited(code),
                Some(Exit::Signal(signal)) => Ending::Signaled(signal),
                None => Ending::Unknown,
            };
            let publisher = self.hub.publisher(Source::Supervisor);
            announce::last_word(&publisher, self.session, departed.pid, ending).await;
            // Whoever comes to a closed hub is sent away.
            tokio::time::sleep(LISTEN).await;
            hosting.close().await;
            Ok(())
        })
        .flatten()
    }
}
