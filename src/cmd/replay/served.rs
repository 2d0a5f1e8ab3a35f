//! A recording on a hub of its own: found, watched and asked as a session that runs.

use super::player::{Clock, Player, Span};
use super::recorded::Recorded;
use crate::cli::{PortChoice, ReplayOptions};
use crate::cmd::calls::Calls;
use crate::cmd::entrance::{Doorway, Entrance};
use crate::cmd::failure::{Exit, Failure};
use crate::cmd::port::{self, Bound, cannot_listen};
use crate::cmd::record::{Settled, settle};
use crate::cmd::user_settings::UserSettings;
use crate::cmd::{note, run_to_end};
use crate::dialect::summary;
use crate::event::SessionId;
use crate::hub::{self, Bounds, Hub, Record};
use crate::instance::{Instance, Registration, RunKey, RuntimeDirectory};
use crate::process::processes;
use crate::status::Note;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::sleep_until;

/// A pause from which on it is said that there is one.
const LONG: Duration = Duration::from_secs(30);

/// Serves it until it is told to stop, or `--once` is over.
pub(super) fn run(
    recorded: Recorded,
    options: &ReplayOptions,
    span: Span,
    quiet: bool,
) -> anyhow::Result<ExitCode> {
    let host = options.listen.websocket_host;
    let entrance = Entrance::prepare(&options.listen, &[host])?;
    let tcp = match options.websocket_port {
        Some(PortChoice::Number(number)) => port::bind_exactly(host, number)?,
        auto => match port::bind(host, auto.or(Some(PortChoice::Auto)))? {
            Bound::Free(tcp) | Bound::BesideHub(tcp, _) => tcp,
        },
    };
    let player = Player::new(recorded.open()?, options, span);
    run_to_end(serve(
        &recorded,
        options,
        (tcp, entrance),
        Stage { player, span, quiet, clock: Clock::default() },
    ))??;
    Ok(Exit::Ok.into())
}

/// What was claimed for the hub.
struct Place {
    instance: Instance,
    unix: Option<UnixListener>,
    /// Knows the token of this run.
    run_key: Option<RunKey>,
    /// Removes record, socket and token when it is over.
    _registration: Option<Registration>,
}

impl Place {
    fn claim(
        recorded: &Instance,
        name: Option<&str>,
        address: SocketAddr,
        certificate: Option<String>,
    ) -> Self {
        // Of its own: the session itself may be running, or be told again elsewhere.
        let session_id = SessionId::new(&hub::fresh_id().to_string());
        let runtime = RuntimeDirectory::open();
        let socket = runtime.as_ref().ok().and_then(|runtime| runtime.socket_path(session_id.as_str()));
        let mut instance = Instance {
            name: name.unwrap_or(&recorded.name).to_owned(),
            session_id,
            replays: Some(recorded.session_id.clone()),
            pid: std::process::id(),
            start_time: processes::start_time(std::process::id()).unwrap_or(0),
            host: address.ip().to_string(),
            port: Some(address.port()),
            certificate,
            socket,
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: hub::now(),
            ..recorded.clone()
        };
        match settle(runtime.map_err(|cause| cause.to_string()), &mut instance) {
            Ok(Settled { registration, unix, key }) => {
                Self { instance, unix, run_key: key, _registration: Some(registration) }
            }
            Err(cause) => {
                note(&format!("cannot register this replay, others will not find it by themselves: {cause}"));
                Self { instance, unix: None, run_key: None, _registration: None }
            }
        }
    }
}

async fn serve(
    recorded: &Recorded,
    options: &ReplayOptions,
    (tcp, entrance): (TcpListener, Entrance),
    mut stage: Stage,
) -> anyhow::Result<()> {
    let address = tcp.local_addr().map_err(|cause| cannot_listen(&cause))?;
    let limits = UserSettings::read()?.limits();
    let mut told_to_stop = Calls::catch_ends()?;
    let instance = Instance { epoch: recorded.epoch.clone(), ..recorded.instance.clone() };
    let hub = Hub::of_recording(
        instance.session_id.clone(),
        recorded.epoch.clone(),
        &recorded.directory,
        Bounds::of_records(options.listen.history),
    )
    .telling_until(stage.span.until());
    if instance.stands_alone() {
        hub.note(Note::Host(instance.info(), instance.started_at));
    }
    let place = Place::claim(&instance, options.name.as_deref(), address, entrance.certificate());
    let unix = place.unix.as_ref().map(UnixListener::try_clone).transpose()?;
    let entrance = entrance.keyed(place.run_key.clone()).within(limits);
    let doorway: Doorway = entrance.doorway([tcp], unix)?;
    let (stop, stopped) = watch::channel(false);
    let server = doorway.serve(&hub, None, stopped);
    let begins = if options.now { "" } else { "; it begins with the first client" };
    stage.say(&format!(
        "replaying {} ({}) on {}{begins}",
        place.instance.name,
        instance.session_id.as_str().chars().take(8).collect::<String>(),
        entrance.introduction(address)
    ));
    let told = tokio::select! {
        told = stage.tell(&hub, options.now) => Some(told),
        _ = told_to_stop.next() => None,
    };
    match &told {
        Some(Ok(())) if !options.once => {
            stage.say("the recording is over; ^C ends the replay");
            told_to_stop.next().await;
        }
        _ => {}
    }
    // Who is sent away in the middle may come back; behind the end there is nothing to come back for.
    if matches!(told, Some(Ok(()))) {
        hub.close();
    }
    stop.send_replace(true);
    if let Err(cause) = server.await {
        tracing::error!("the server failed: {cause}");
    }
    Ok(told.unwrap_or(Ok(()))?)
}

/// Where it is told.
struct Stage {
    player: Player,
    span: Span,
    quiet: bool,
    clock: Clock,
}

impl Stage {
    /// Tells all of it, each event when it is due.
    async fn tell(&mut self, hub: &Hub, now: bool) -> Result<(), Failure> {
        if !now {
            hub.first_reader().await;
        }
        let failed = |cause: io::Error| Failure::new(Exit::Failed, format!("cannot read journal: {cause}"));
        let mut said = false;
        // About 128 KiB at once; whoever watches a recording does not notice what the disk takes for that.
        while self.player.read().map_err(failed)? {
            while let Some((wait, record)) = self.player.next() {
                if wait >= LONG && !std::mem::replace(&mut said, true) {
                    self.say_that_it_pauses(wait);
                }
                if !self.span.is_behind(record.event.timestamp) {
                    self.tell_in_time(hub, wait, &record).await;
                }
            }
            // Where there are no pauses clients have their turn here.
            tokio::task::yield_now().await;
        }
        let passed_over = self.player.passed_over();
        if passed_over > 0 {
            self.say(&format!("{passed_over} records of the journal are damaged and left out"));
        }
        Ok(())
    }

    async fn tell_in_time(&mut self, hub: &Hub, wait: Duration, record: &Arc<Record>) {
        if let Some(due) = self.clock.due_behind(wait, Instant::now()) {
            sleep_until(due.into()).await;
        }
        hub.tell_again(record);
    }

    fn say_that_it_pauses(&self, wait: Duration) {
        let length = summary::duration(wait.as_secs_f64());
        self.say(&format!("nothing happens for {length}; --idle SECONDS makes pauses shorter"));
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            note(text);
        }
    }
}
