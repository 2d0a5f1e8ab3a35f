//! `serve`: a hub that stands alone. Hooks, publishers and instances tell it of their sessions; it has none of its own.
//!
//! It may be started by systemd: its sockets are taken where they are handed over, and it says when it is ready, that
//! it goes on and that it stops.

use super::entrance::Entrance;
use super::failure::Exit;
use super::hosting::Measured;
use super::hub_site::claude_folder;
use super::journal::{self, Keeping, Standing};
use super::port::{self, cannot_listen};
use super::record::{Settled, settle};
use super::user_settings::UserSettings;
use super::{note, redaction, run_to_end};
use crate::cli::ServeOptions;
use crate::event::SessionId;
use crate::hub::{self, Bounds, Hub, Journalist, Numbers};
use crate::instance::{Instance, Registration, RunKey, RuntimeDirectory};
use crate::process::activation::{self, Handed};
use crate::process::processes;
use crate::server::{HookIntake, HookKey};
use crate::source::hook_sessions::{self, Site};
use crate::status::Note;
use anyhow::Context;
use sd_notify::NotifyState;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Hooks that may wait to be looked at; their bytes are bounded apart.
const INBOX: usize = 1024;
/// How long what was taken in may take to be told at the end.
const LAST_WORD: Duration = Duration::from_secs(3);

/// Runs the verb until it is told to stop.
pub(super) fn run(options: &ServeOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    if options.no_redact {
        redaction::show_everything();
    }
    let handed = activation::handed_over().context("cannot take sockets of the service manager")?;
    let mut sockets = Sockets::default();
    for socket in handed {
        match socket {
            Handed::Tcp(tcp) => sockets.tcp.push(tcp),
            Handed::Unix(unix) => sockets.unix.push(unix),
        }
    }
    let host = options.listen.websocket_host;
    let addresses = match sockets.addresses()? {
        handed if !handed.is_empty() => handed,
        _ => vec![host],
    };
    let entrance = Entrance::prepare(&options.listen, &addresses)?;
    if sockets.tcp.is_empty() {
        sockets.tcp.push(port::bind_exactly(host, options.websocket_port)?);
    }
    run_to_end(serve(options, (sockets, entrance), quiet))??;
    Ok(Exit::Ok.into())
}

/// Where callers come in, beside the socket of the record.
#[derive(Debug, Default)]
struct Sockets {
    /// At least one.
    tcp: Vec<TcpListener>,
    unix: Vec<UnixListener>,
}

impl Sockets {
    /// Those of TCP.
    fn addresses(&self) -> io::Result<Vec<IpAddr>> {
        self.tcp.iter().map(|tcp| tcp.local_addr().map(|address| address.ip())).collect()
    }
}

/// What was claimed for the hub.
struct Place {
    hub: Hub,
    instance: Instance,
    unix: Option<UnixListener>,
    /// Knows the token of this run.
    run_key: Option<RunKey>,
    /// Removes record, socket and token when it is over.
    _registration: Option<Registration>,
    journalist: Option<Journalist>,
}

impl Place {
    fn claim(
        options: &ServeOptions,
        address: SocketAddr,
        certificate: Option<String>,
        keeping: Keeping,
    ) -> Self {
        let standing = (!options.no_journal).then(|| Standing::at(address));
        let (journal, known, numbers) = match standing {
            Some(Standing { journal, session_id, numbers }) => (Some(journal), session_id, numbers),
            None => (None, None, Numbers::fresh()),
        };
        let session_id = known.unwrap_or_else(|| SessionId::new(&hub::fresh_id().to_string()));
        let bounds = Bounds::of_records(options.listen.history);
        let hub = Hub::numbered(session_id.clone(), bounds, redaction::rules().clone(), numbers);
        let runtime = RuntimeDirectory::open();
        if let Ok(runtime) = &runtime {
            // What one that was killed has left under the same name makes room.
            runtime.list();
        }
        let socket = runtime.as_ref().ok().and_then(|runtime| runtime.socket_path(session_id.as_str()));
        let directory = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let mut instance = Instance {
            name: options.name.clone(),
            host: address.ip().to_string(),
            port: Some(address.port()),
            certificate,
            socket,
            working_dir: directory.to_string_lossy().into_owned(),
            session_id,
            replays: None,
            pid: std::process::id(),
            start_time: processes::start_time(std::process::id()).unwrap_or(0),
            launch_method: None,
            version: env!("CARGO_PKG_VERSION").into(),
            epoch: hub.epoch().clone(),
            started_at: hub::now(),
        };
        let (registration, unix, run_key) =
            match settle(runtime.map_err(|cause| cause.to_string()), &mut instance) {
                Ok(Settled { registration, unix, key }) => (Some(registration), unix, key),
                Err(cause) => {
                    note(&format!(
                        "cannot register this hub, others will not find it by themselves: {cause}"
                    ));
                    (None, None, None)
                }
            };
        let journalist = journal.and_then(|journal| journal::keep(&hub, &instance, journal, keeping));
        hub.note(Note::Host(instance.info(), instance.started_at));
        Self { hub, instance, unix, run_key, _registration: registration, journalist }
    }
}

async fn serve(
    options: &ServeOptions,
    (sockets, entrance): (Sockets, Entrance),
    quiet: bool,
) -> anyhow::Result<()> {
    let address = sockets.tcp[0].local_addr().map_err(|cause| cannot_listen(&cause))?;
    let settings = UserSettings::read()?;
    let tickets = settings.tickets()?;
    let mut stopping = Stopping::new()?;
    let mut place = Place::claim(options, address, entrance.certificate(), settings.keeping());
    let (stop, stopped) = watch::channel(false);
    let (posts, inbox) = mpsc::channel(INBOX);
    let hub = &place.hub;
    let intake = HookIntake::new(HookKey::mint()?, posts, hub.gauges().clone());
    let unix = place.unix.as_ref().map(UnixListener::try_clone).transpose()?;
    let entrance = entrance.keyed(place.run_key.clone()).within(settings.limits());
    let doorway = entrance.doorway(sockets.tcp, sockets.unix.into_iter().chain(unix))?;
    let server = doorway.serve(hub, Some(intake), stopped);
    let site = Site { hub: hub.clone(), tickets, claude_folder: claude_folder() };
    let hooks = tokio::spawn(hook_sessions::run(site, inbox));
    let (_no_child, child) = watch::channel(None);
    let meters = Measured { child, ours: vec![std::process::id()], settings }.start(hub);
    if !quiet {
        note(&format!("hub {} on {}", place.instance.name, entrance.introduction(address)));
        if redaction::rules().now().is_none() {
            note("secrets are not redacted");
        }
    }
    redaction::warn_of_none();
    tell_manager(&[NotifyState::Ready, NotifyState::Status(&format!("serving on {address}"))]);
    stopping.wait().await;
    tell_manager(&[NotifyState::Stopping]);
    meters.iter().for_each(JoinHandle::abort);
    stop.send_replace(true);
    // The server ends within its own limit, and with it the last who can post a hook.
    if let Err(cause) = server.await {
        tracing::error!("the server failed: {cause}");
    }
    if tokio::time::timeout(LAST_WORD, hooks).await.is_err() {
        tracing::warn!("cannot take in all hooks in time");
    }
    hub.close();
    if let Some(journalist) = place.journalist.take() {
        journalist.end().await;
    }
    Ok(())
}

/// Waits for the word to stop, and tells the manager in time that we go on.
struct Stopping {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    watchdog: Option<Duration>,
}

impl Stopping {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            // Twice as often as is asked for.
            watchdog: sd_notify::watchdog_enabled().map(|period| period / 2),
        })
    }

    async fn wait(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                // A daemon has no terminal to lose.
                _ = self.hang_up.recv() => {}
                () = pause(self.watchdog) => tell_manager(&[NotifyState::Watchdog]),
            }
        }
    }
}

async fn pause(period: Option<Duration>) {
    match period {
        Some(period) => tokio::time::sleep(period).await,
        None => std::future::pending().await,
    }
}

fn tell_manager(states: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(states) {
        tracing::warn!("cannot tell the service manager: {cause}");
    }
}
