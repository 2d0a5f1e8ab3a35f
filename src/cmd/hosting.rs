//! A hub while it is open: the server at its doors, the door for claude's hooks, the meter of the machine.

use super::entrance::Doorway;
use super::hook_site::{Claimed, OpenHooks};
use super::uplink::Telling;
use super::user_settings::UserSettings;
use crate::client::uplink::Uplink;
use crate::control::HookMail;
use crate::event::Source;
use crate::hub::{Hub, Journalist};
use crate::server::Afterwards;
use crate::source::system;
use std::io;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What runs beside the session.
#[derive(Debug)]
pub(super) struct Hosting {
    hub: Hub,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    /// They end with the hub.
    meters: Vec<JoinHandle<()>>,
    taker: Option<JoinHandle<()>>,
    telling: Option<Telling>,
    /// Writes down what is published.
    pub(super) journalist: Option<Journalist>,
}

/// What is measured, and against what.
#[derive(Debug)]
pub(super) struct Measured {
    /// Claude's process id, while it runs. Its sender lives as long as is measured.
    pub(super) child: watch::Receiver<Option<u32>>,
    /// Our own processes.
    pub(super) ours: Vec<u32>,
    /// Where the thresholds stand.
    pub(super) settings: UserSettings,
}

/// Where claude's hooks come out.
#[derive(Debug)]
pub(super) struct Inbox {
    /// What was posted; `None` where nothing can be.
    pub(super) hooks: Option<mpsc::Receiver<HookMail>>,
    /// Claude was told where to post.
    pub(super) is_told: bool,
    /// Why hooks will not come that should.
    pub(super) missing: Option<String>,
}

impl Hosting {
    /// Opens the doors.
    pub(super) fn open(
        hub: &Hub,
        doorway: Doorway,
        hooks: (Claimed, Afterwards),
        uplink: Option<Uplink>,
        measured: Measured,
    ) -> io::Result<(Self, Inbox)> {
        let (stop, stopped) = watch::channel(false);
        let (Claimed { site, is_told, missing }, afterwards) = hooks;
        let open = site.map(|site| site.open(hub.gauges(), afterwards, stopped.clone())).transpose()?;
        let (intake, hooks, taker) = match open {
            Some(OpenHooks { intake, inbox, task }) => (Some(intake), Some(inbox), Some(task)),
            None => (None, None, None),
        };
        let server = doorway.serve(hub, intake, stopped);
        let meters = measured.start(hub);
        let telling = uplink.map(|uplink| Telling::begin(uplink, hub.clone()));
        Ok((
            Self { hub: hub.clone(), stop, server, meters, taker, telling, journalist: None },
            Inbox { hooks, is_told, missing },
        ))
    }

    /// Opens the doors for what was published already.
    pub(super) fn reopen(hub: &Hub, doorway: Doorway, uplink: Option<Uplink>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let server = doorway.serve(hub, None, stopped);
        let telling = uplink.map(|uplink| Telling::begin(uplink, hub.clone()));
        Self { hub: hub.clone(), stop, server, meters: Vec::new(), taker: None, telling, journalist: None }
    }

    /// Ends when every client has what it is owed.
    pub(super) async fn close(self) {
        for meter in self.meters {
            meter.abort();
        }
        self.hub.close();
        self.stop.send_replace(true);
        let served = async {
            for task in [Some(self.server), self.taker].into_iter().flatten() {
                if let Err(cause) = task.await {
                    tracing::error!("the server failed: {cause}");
                }
            }
        };
        let told = async {
            if let Some(telling) = self.telling {
                telling.finish().await;
            }
        };
        let written = async {
            if let Some(journalist) = self.journalist {
                journalist.end().await;
            }
        };
        tokio::join!(served, told, written);
    }
}

impl Measured {
    /// Measures, and follows the settings, until these tasks are ended.
    pub(super) fn start(self, hub: &Hub) -> Vec<JoinHandle<()>> {
        let publisher = hub.publisher(Source::System);
        let (settings, followed) = self.settings.follow(publisher.clone());
        let meter = tokio::spawn(system::run(publisher, self.child, self.ours, settings));
        followed.into_iter().chain([meter]).collect()
    }
}
