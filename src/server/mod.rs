//! The server: lets clients read the log, over HTTP and WebSocket on the same port.
//!
//! It takes bound listeners and a shutdown signal; it never binds and never catches signals. It publishes what clients
//! publish, and of clients that they come and go and what they do with claude, which goes to the supervisor as orders: it
//! touches no child itself. Every connection is one owned task; every wait on a peer has a deadline ([`Limits`]).
//!
//! | situation | behaviour |
//! | --- | --- |
//! | the hub is closed | clients take what is left, then Close 1000; HTTP goes on until the shutdown |
//! | shutdown is signalled | Close 1001 (1000 when the hub is closed), then `serve` returns within [`Limits::shutdown`] |
//! | a caller has no role | 401, but for a WebSocket, which may show a token in its first message |
//! | accepting fails | a debug line, a pause, another try |
//!
//! Hooks of claude have a listener of their own, see [`serve_hooks`].

mod access;
mod answer;
mod apart;
mod auditing;
mod authenticate;
mod components;
mod connection;
mod control;
mod deflate;
mod delivery;
mod door;
mod ending;
mod extension;
mod frame;
mod gauge;
mod handshake;
mod header;
mod holding;
mod hook_key;
mod hooks;
mod http;
mod inbound;
mod intake;
mod keys;
mod limit;
mod listener;
mod load;
mod lobby;
mod metrics;
mod outbox;
mod past;
mod peer;
mod places;
mod post;
mod post_room;
mod presence;
mod publishing;
mod rate;
mod request;
mod role;
mod socket;
mod strangers;
mod subscription;
mod throttle;
mod upgrade;
mod visitors;

pub use access::Access;
pub use control::ControlDoor;
pub use hook_key::HookKey;
pub use hooks::{Afterwards, serve_hooks};
pub use intake::HookIntake;
pub use keys::Keys;
pub use limit::Limits;
pub use listener::Listener;

use crate::hub::Hub;
use auditing::Paces;
use components::Components;
use connection::Connection;
use listener::{Caller, Listeners};
use lobby::{Arrival, Lobby};
use places::Places;
use post_room::PostRoom;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use strangers::Strangers;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use visitors::Visitors;

/// The shutdown signal: `true`, or the sender dropped, means now.
pub type Shutdown = watch::Receiver<bool>;

/// Where callers come in.
#[derive(Debug)]
pub struct Doors {
    /// Bound listeners for everything that is public.
    pub listeners: Vec<Listener>,
    /// Where hooks go that come by a Unix socket among them; without it they are not taken there.
    pub hooks: Option<HookIntake>,
    /// The way to the supervisor of claude, where there is one.
    pub control: Option<ControlDoor>,
}

impl From<Vec<Listener>> for Doors {
    fn from(listeners: Vec<Listener>) -> Self {
        Self { listeners, hooks: None, control: None }
    }
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    hub: Hub,
    hooks: Option<HookIntake>,
    control: Option<ControlDoor>,
    access: Access,
    limits: Limits,
    components: Components,
    visitors: Visitors,
    /// What may be read of posted events at the same time, in bytes.
    post_room: PostRoom,
    places: Places,
    /// Turns to look where callers come from.
    looks: Arc<Semaphore>,
    strangers: Strangers,
    paces: Paces,
}

/// What time it is in the server's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Season {
    /// Events may come.
    Open,
    /// The hub is closed: take what is left.
    Over,
    /// The server goes while the session goes on.
    Leaving,
}

#[derive(Debug)]
enum Happened {
    Shutdown,
    HubClosed,
    Ended(Result<(), JoinError>),
    Rested,
    Stirred,
    Swept(Instant),
    Accepted(io::Result<Caller>),
}

/// Serves the hub at the doors until the shutdown, with the default [`Limits`]. Also runs the hub's pacer.
pub async fn serve(doors: impl Into<Doors>, hub: Hub, access: Access, shutdown: Shutdown) {
    serve_within(Limits::default(), doors, hub, access, shutdown).await;
}

/// As [`serve`], with other limits.
pub async fn serve_within(
    limits: Limits,
    doors: impl Into<Doors>,
    hub: Hub,
    access: Access,
    shutdown: Shutdown,
) {
    let Doors { listeners, hooks, control } = doors.into();
    let places = Places::new(&limits);
    let post_room = PostRoom::new(limits.post_bytes_in_flight);
    let (components, visitors) = (Components::default(), Visitors::new(Instant::now()));
    let shared = Arc::new(Shared {
        hub,
        hooks,
        control,
        access,
        limits,
        components,
        visitors,
        post_room,
        places,
        looks: Arc::new(Semaphore::new(apart::LOOKS)),
        strangers: Strangers::default(),
        paces: Paces::default(),
    });
    let mut server = Server {
        shared,
        lobby: Lobby::default(),
        connections: JoinSet::new(),
        season: watch::Sender::new(Season::Open),
        paused_until: None,
    };
    server.run(Listeners::new(listeners), shutdown).await;
    server.finish().await;
}

struct Server {
    shared: Arc<Shared>,
    lobby: Lobby,
    connections: JoinSet<()>,
    season: watch::Sender<Season>,
    paused_until: Option<Instant>,
}

impl Server {
    async fn run(&mut self, mut listeners: Listeners, mut shutdown: Shutdown) {
        let hub = self.shared.hub.clone();
        let mut pacer = pin!(hub.run_pacer());
        let mut closed = pin!(hub.closed());
        let mut sweeps = interval(self.shared.limits.sweep);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let paused = self.paused_until;
            let rest = async { sleep_until(paused.unwrap_or_else(Instant::now)).await };
            let open = *self.season.borrow() == Season::Open;
            let room = self.lobby.make_room(&self.shared.limits, Instant::now());
            let accepting = room && paused.is_none();
            let happened = tokio::select! {
                // The sender dropped is an error here, and a signal too.
                _ = shutdown.wait_for(|on| *on) => Happened::Shutdown,
                () = &mut closed, if open => Happened::HubClosed,
                () = &mut pacer => continue,
                now = sweeps.tick() => Happened::Swept(now),
                Some(ended) = self.connections.join_next() => Happened::Ended(ended),
                () = rest, if paused.is_some() => Happened::Rested,
                () = self.lobby.stirred(&self.shared.limits), if !room => Happened::Stirred,
                accepted = listeners.accept(), if accepting => Happened::Accepted(accepted),
            };
            if let Happened::Shutdown = happened {
                return;
            }
            self.handle(happened);
        }
    }

    fn handle(&mut self, happened: Happened) {
        match happened {
            Happened::Shutdown | Happened::Stirred => {}
            Happened::HubClosed => self.turn(Season::Over),
            Happened::Ended(Ok(())) => {}
            Happened::Ended(Err(cause)) if cause.is_panic() => tracing::error!("connection failed: {cause}"),
            Happened::Ended(Err(_)) => {}
            Happened::Rested => self.paused_until = None,
            Happened::Swept(now) => self.shared.tell_of_components(self.shared.components.sweep(now)),
            Happened::Accepted(Ok(caller)) => self.attend(caller),
            Happened::Accepted(Err(cause)) => {
                tracing::debug!("cannot accept connection: {cause}");
                self.paused_until = Some(Instant::now() + self.shared.limits.accept_pause);
            }
        }
    }

    fn attend(&mut self, caller: Caller) {
        if let Some(control) = &self.shared.control {
            control.see();
        }
        let arrival = self.lobby.arrival();
        let visit = attend(caller, self.shared.clone(), arrival.clone(), self.season.subscribe());
        let task = self.connections.spawn(visit);
        self.lobby.enter(arrival, task);
    }

    fn turn(&self, season: Season) {
        self.season.send_replace(season);
    }

    /// Lets every connection end, and drops those that do not.
    async fn finish(mut self) {
        self.turn(if self.shared.hub.is_closed() { Season::Over } else { Season::Leaving });
        self.lobby.close();
        let all_ended = async { while self.connections.join_next().await.is_some() {} };
        let in_time = timeout(self.shared.limits.shutdown, all_ended).await.is_ok();
        if !in_time {
            tracing::debug!("{} connections did not end in time", self.connections.len());
        }
        self.connections.shutdown().await;
    }
}

/// One connection's whole life. The parts are boxed, so that an idle client costs only the part it is in.
async fn attend(caller: Caller, shared: Arc<Shared>, arrival: Arrival, season: watch::Receiver<Season>) {
    // The head of the request has what is left of its time when hands are shaken.
    let head_by = Instant::now() + shared.limits.head;
    let stream = match caller {
        Caller::Plain(stream) => stream,
        Caller::Tls(tcp, identity) => match Box::pin(handshake::shake(tcp, &identity, head_by)).await {
            Some(stream) => stream,
            None => return,
        },
    };
    if let Some(upgraded) = Box::pin(http::attend(stream, shared.clone(), arrival, head_by)).await {
        let connection = Box::pin(Connection::open(upgraded, shared, season)).await;
        Box::pin(connection.run()).await;
    }
}
