//! Where an instance's hub stands: its listeners, its record, and the server while a session is hosted there.

use super::entrance::Entrance;
use super::failure::Failure;
use super::going_on::go_on;
use super::hook_site::{Claimed, HookSite};
use super::hosting::{Hosting, Measured};
use super::journal::Keeping;
use super::last_word::LastWord;
use super::port::{self, Bound, cannot_listen};
use super::record::{Settled, settle};
use super::user_settings::UserSettings;
use super::{note, program, redaction, uplink};
use crate::claude::arguments::Invocation;
use crate::cli::{self, RunOptions};
use crate::client::uplink::Uplink;
use crate::detect::ticket::Tickets;
use crate::event::body::{LaunchMethod, SessionStart};
use crate::event::{SessionId, Source};
use crate::hub::{self, Bounds, Hub, Progress};
use crate::instance::{ENV_SESSION, Instance, Registration, RuntimeDirectory};
use crate::process::family::Mark;
use crate::process::followed::Followed;
use crate::process::keeper::Turn;
use crate::process::left_terminal::LeftTerminal;
use crate::process::parked::Parking;
use crate::process::processes;
use crate::process::program::Command;
use crate::process::shared_memory::shared_words;
use crate::server::{Afterwards, ControlDoor};
use crate::source::claude_folder::ClaudeFolder;
use crate::source::watchers::{Output, Plan, Watchers};
use crate::supervisor::companion::Charge;
use crate::supervisor::control::{Manner, Program, abilities};
use crate::supervisor::launch::Launch;
use crate::supervisor::restart::Restart;
use crate::supervisor::state::Ending;
use crate::supervisor::{self, Audience, companion};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Control actions that wait to be looked at.
const ORDERS: usize = 32;

/// Everything that was claimed for a hub before claude starts.
#[derive(Debug)]
pub(super) struct HubSite {
    hub: Hub,
    address: SocketAddr,
    entrance: Entrance,
    tcp: TcpListener,
    unix: Option<UnixListener>,
    instance: Instance,
    hooks: Claimed,
    tickets: Tickets,
    settings: UserSettings,
    output: Output,
    claude_folder: Option<ClaudeFolder>,
    progress: Progress,
    /// For hooks that nobody has answered when a companion is killed.
    parking: Parking,
    /// How what is published is written down as well; `None` where it is not.
    journal: Option<Keeping>,
    /// What goes on when claude has exited by itself is ended.
    reap: bool,
    launch_method: LaunchMethod,
    program: Program,
    /// The hub that is told of the session as well.
    uplink: Option<Uplink>,
    /// Removes record, socket and token when the session is over.
    registration: Option<Registration>,
}

impl HubSite {
    /// Binds the port, makes the socket and writes the record, and adds hooks to the call of claude.
    pub(super) fn claim(
        options: &RunOptions,
        session_id: &SessionId,
        command: &mut Command,
    ) -> Result<Self, Failure> {
        let settings = UserSettings::read()?;
        let tickets = settings.tickets()?;
        let keeping = settings.keeping();
        let launch_method = match options.launch_method {
            cli::LaunchMethod::Exec => LaunchMethod::Exec,
            cli::LaunchMethod::Subprocess => LaunchMethod::Subprocess,
        };
        let call = Invocation::read(command.arguments.get(1..).unwrap_or_default());
        let program = program_of(command, &call);
        let entrance = Entrance::prepare(&options.listen, &[options.listen.websocket_host])?;
        let (tcp, uplink) = listen(options)?;
        let address = tcp.local_addr().map_err(|cause| cannot_listen(&cause))?;
        let bounds = Bounds::of_records(options.listen.history);
        let hub = Hub::with_rules(session_id.clone(), bounds, redaction::rules().clone());
        let progress = Progress::kept_in(shared_words().map_err(|cause| cannot_listen(&cause))?);
        let directory = working_directory(options);
        let runtime = RuntimeDirectory::open();
        let socket = runtime.as_ref().ok().and_then(|runtime| runtime.socket_path(session_id.as_str()));
        let mut instance = Instance {
            name: options.name.clone().unwrap_or_else(|| directory_name(&directory)),
            host: address.ip().to_string(),
            port: Some(address.port()),
            certificate: entrance.certificate(),
            socket,
            working_dir: directory.to_string_lossy().into_owned(),
            session_id: session_id.clone(),
            replays: None,
            pid: std::process::id(),
            start_time: processes::start_time(std::process::id()).unwrap_or(0),
            launch_method: Some(launch_method),
            version: env!("CARGO_PKG_VERSION").into(),
            epoch: hub.epoch().clone(),
            started_at: hub::now(),
        };
        let (registration, unix, run_key) =
            match settle(runtime.map_err(|cause| cause.to_string()), &mut instance) {
                Ok(Settled { registration, unix, key }) => (Some(registration), unix, key),
                Err(cause) => {
                    note(&format!("cannot register this instance, `list` will not show it: {cause}"));
                    (None, None, None)
                }
            };
        let entrance = entrance.keyed(run_key).within(settings.limits());
        let hooks = HookSite::claim(options, command);
        let output = output_of(launch_method, &call);
        Ok(Self {
            hub,
            address,
            entrance,
            tcp,
            unix,
            instance,
            hooks,
            tickets,
            settings,
            output,
            claude_folder: claude_folder(),
            progress,
            parking: Parking::new().map_err(|cause| cannot_listen(&cause))?,
            journal: (!options.no_journal).then_some(keeping),
            reap: options.reap,
            launch_method,
            program,
            uplink,
            registration,
        })
    }

    /// One line for the user, before claude starts.
    pub(super) fn introduce(&self) {
        let told =
            self.uplink.as_ref().map_or(String::new(), |uplink| format!(", told to {}", uplink.place()));
        let place = self.entrance.introduction(self.address);
        note(&format!("session {} on {place}{told}", self.instance.name));
        if redaction::rules().now().is_none() {
            note("secrets are not redacted");
        }
    }

    /// `ws://host:port` or `wss://host:port`, as it is reached from this machine.
    pub(super) fn url(&self) -> String {
        self.instance.url().unwrap_or_default()
    }

    /// Hosts the session: serves while claude runs, and until every client has what it is owed.
    pub(super) async fn host(mut self, launch: Launch, restart: Option<Restart>) -> io::Result<Ending> {
        let guardian = launch.guardian_pid();
        let manner = Manner::of(&launch, self.program);
        let (hosting, audience) = self.open((std::process::id(), guardian), manner, Afterwards::Kept)?;
        let ending = supervisor::run(launch, restart, Some(audience)).await;
        hosting.close().await;
        ending
    }

    /// Hosts the session of a claude that has taken the place of the process that claimed all this, and has `terminal`
    /// for itself.
    pub(super) async fn accompany(
        mut self,
        claude: Arc<Followed>,
        terminal: Option<LeftTerminal>,
        turn: Turn,
    ) -> io::Result<Ending> {
        if let Some(registration) = &mut self.registration {
            registration.adopt();
        }
        let record = |folder: &ClaudeFolder| folder.sessions().join(format!("{}.json", claude.pid()));
        let record = self.claude_folder.as_ref().map(record);
        let mark = Mark::new(ENV_SESSION, self.instance.session_id.as_str().as_ref());
        let nested = std::env::var_os(ENV_SESSION).is_some();
        let charge = Charge { claude, mark, reap: self.reap, nested, terminal, record };
        let parking = self.parking.clone();
        let ours = (std::process::id(), turn.keeper);
        let manner = Manner::Exec(self.program);
        let (hosting, audience) = self.open(ours, manner, Afterwards::Closed(parking))?;
        let ending = companion::run(charge, turn, audience).await;
        hosting.close().await;
        ending
    }

    /// What its record says.
    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The log of this session.
    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// For the case that we are killed.
    pub(super) fn last_word(&self) -> io::Result<LastWord> {
        Ok(LastWord {
            hub: self.hub.clone(),
            instance: self.instance.clone(),
            progress: self.progress,
            journal: self.journal,
            session: self.session_start(),
            entrance: self.entrance.clone(),
            tcp: self.tcp.try_clone()?,
            unix: self.unix.as_ref().map(UnixListener::try_clone).transpose()?,
            uplink: self.uplink.clone(),
            registration: self.registration.as_ref().map(Registration::for_another),
        })
    }

    /// Leaves record and socket to another process that has adopted them.
    pub(super) fn leave_behind(&mut self) {
        if let Some(registration) = self.registration.take() {
            registration.leave_behind();
        }
    }

    /// `ours` are we and who is forked from us: what is below that one is claude and its tools.
    fn open(
        &mut self,
        ours: (u32, u32),
        manner: Manner,
        afterwards: Afterwards,
    ) -> io::Result<(Hosting, Audience)> {
        let journalist = go_on(&mut self.hub, &mut self.instance, self.progress, self.journal);
        redaction::warn_of_none();
        let (child, child_is) = watch::channel(None);
        let hooks = (std::mem::take(&mut self.hooks), afterwards);
        let unix = self.unix.as_ref().map(UnixListener::try_clone).transpose()?;
        let (sender, orders) = mpsc::channel(ORDERS);
        let mut doorway = self.entrance.doorway([self.tcp.try_clone()?], unix)?;
        doorway.control = Some(ControlDoor::new(sender, abilities(manner), child_is.clone(), &[ours.1]));
        let (mut hosting, inbox) = Hosting::open(
            &self.hub,
            doorway,
            hooks,
            self.uplink.clone(),
            Measured {
                child: child_is.clone(),
                ours: vec![ours.0, ours.1],
                settings: std::mem::take(&mut self.settings),
            },
        )?;
        hosting.journalist = journalist;
        let session = self.session_start();
        let plan = Plan {
            child: child_is,
            hooks: inbox.hooks,
            hooks_expected: inbox.is_told,
            hooks_missing: inbox.missing,
            output: self.output,
            tickets: std::mem::take(&mut self.tickets),
            claude_folder: self.claude_folder.take(),
            since: self.progress.taken_in().unwrap_or(session.start_time),
        };
        let publisher = self.hub.publisher(Source::Supervisor);
        let watchers = Watchers::start(&publisher, plan);
        let (orders, program) = (Some(orders), self.program);
        Ok((hosting, Audience { publisher, session, child, watchers, orders, program }))
    }

    fn session_start(&self) -> SessionStart {
        SessionStart {
            session_id: self.instance.session_id.clone(),
            start_time: self.instance.started_at,
            launch_method: self.launch_method,
            working_directory: self.instance.working_dir.clone(),
            websocket_port: self.instance.port,
            instance_info: self.instance.info(),
        }
    }
}

/// The port, and the hub that is told of the session: the one that was named, or the one beside which we listen.
fn listen(options: &RunOptions) -> Result<(TcpListener, Option<Uplink>), Failure> {
    let named = options
        .hub
        .as_deref()
        .map(|hub| uplink::to_address(hub, options.tls_fingerprint, options.listen.insecure));
    let named = named.transpose()?;
    match port::bind(options.listen.websocket_host, options.websocket_port)? {
        Bound::Free(tcp) => Ok((tcp, named)),
        Bound::BesideHub(tcp, hub) => Ok((tcp, Some(named.unwrap_or_else(|| uplink::to_hub(&hub))))),
    }
}

/// Where claude keeps its files, as it decides itself.
pub(super) fn claude_folder() -> Option<ClaudeFolder> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = set("CLAUDE_CONFIG_DIR").or_else(|| set("HOME").map(|home| home.join(".claude")))?;
    // Whoever goes on for us may do so in another directory.
    Some(ClaudeFolder::new(std::path::absolute(&path).unwrap_or(path)))
}

fn program_of(command: &Command, call: &Invocation) -> Program {
    match (program::is_claude(&command.path), call.print) {
        (false, _) => Program::Other,
        (true, false) => Program::Claude,
        (true, true) => Program::Printing,
    }
}

/// What of its output can be seen, and as what.
fn output_of(launch_method: LaunchMethod, call: &Invocation) -> Output {
    match (launch_method, call.print && call.stream_json) {
        (LaunchMethod::Exec, _) => Output::Unseen,
        (LaunchMethod::Subprocess, true) => Output::Stream,
        (LaunchMethod::Subprocess, false) => Output::Text,
    }
}

fn working_directory(options: &RunOptions) -> PathBuf {
    match &options.cwd {
        Some(directory) => directory.canonicalize().unwrap_or_else(|_| directory.clone()),
        None => std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
    }
}

fn directory_name(directory: &Path) -> String {
    directory.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy().into_owned())
}
