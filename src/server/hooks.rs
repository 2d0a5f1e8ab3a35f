//! The listener for hooks: its own port on 127.0.0.1 for the session's claude alone, beside everything else.
//!
//! Neither a flood at the public port nor its rate limits nor TLS touch claude's hooks. It keeps connections alive,
//! because claude posts several hooks for every tool call and waits for each. What a post is and where it goes is
//! `intake`'s.

use super::Shutdown;
use super::access::{self, Access, Claims};
use super::answer::{self, Answer};
use super::door::Door;
use super::intake::{HookIntake, Poster};
use super::listener::lengthen_queue;
use super::lobby::{Arrival, Lobby};
use crate::process::parked::{Parked, Parking};
use crate::process::peer::owner_of_tcp;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::unistd::geteuid;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

/// The answer to any hook.
const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// What becomes of a connection once its hook is answered.
#[derive(Debug, Clone)]
pub enum Afterwards {
    /// It is kept for the next hook.
    Kept,
    /// It is closed, and the answer says so. Where this process may be killed and another goes on at the same
    /// listener, a kept connection would fail the next hook. Whoever goes on answers those that are parked here.
    Closed(Parking),
}

/// What all connections share.
#[derive(Debug)]
struct Site {
    intake: HookIntake,
    door: Door,
    afterwards: Afterwards,
    permits: Arc<Semaphore>,
}

/// Takes hooks on the listener until the shutdown, then returns within [`Limits::shutdown`](super::Limits::shutdown).
pub async fn serve_hooks(
    listener: TcpListener,
    intake: HookIntake,
    afterwards: Afterwards,
    mut shutdown: Shutdown,
) {
    lengthen_queue(&listener);
    let port = listener.local_addr().map_or(0, |address| address.port());
    let permits = Arc::new(Semaphore::new(intake.limits().hook_connections));
    let site = Arc::new(Site { intake, door: Access::hook_door(port), afterwards, permits });
    let mut lobby = Lobby::default();
    let mut connections = JoinSet::new();
    let limits = site.intake.limits();
    for stream in site.left_by_another() {
        connections.spawn(answer_for_another(stream, limits.head));
    }
    loop {
        let has_place = lobby.make_room(limits, Instant::now());
        tokio::select! {
            () = signalled(&mut shutdown) => break,
            Some(ended) = connections.join_next() => note_panic(ended),
            () = lobby.stirred(limits), if !has_place => {}
            accepted = accept(&listener, &site), if has_place => match accepted {
                Ok((stream, permit)) => {
                    let arrival = lobby.arrival();
                    let life = attend(stream, site.clone(), arrival.clone(), shutdown.clone());
                    let task = connections.spawn(async move { life.await; drop(permit) });
                    lobby.enter(arrival, task);
                }
                Err(cause) => {
                    tracing::debug!("cannot accept connection: {cause}");
                    drop(timeout(limits.accept_pause, signalled(&mut shutdown)).await);
                }
            },
        }
    }
    lobby.close();
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown, all_ended).await.is_err() {
        tracing::debug!("{} connections for hooks did not end in time", connections.len());
    }
    connections.shutdown().await;
}

fn note_panic(ended: Result<(), JoinError>) {
    if let Err(cause) = ended
        && cause.is_panic()
    {
        tracing::error!("connection for hooks failed: {cause}");
    }
}

/// Waits for the shutdown; the sender dropped is an error to `watch`, and a signal too. Cancel-safe.
async fn signalled(shutdown: &mut Shutdown) {
    drop(shutdown.wait_for(|on| *on).await);
}

/// The next caller for whom there is a place, but for other users, who are hung up on. Cancel-safe.
async fn accept(listener: &TcpListener, site: &Site) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = site.permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        let (stream, remote) = listener.accept().await?;
        let owner = stream.local_addr().ok().and_then(|local| owner_of_tcp(local, remote));
        // Of whom nothing is known, the key is asked.
        if owner.is_none_or(|owner| owner.uid == geteuid().as_raw()) {
            return Ok((stream, permit));
        }
        tracing::debug!("refused hook: another user calls");
    }
}

/// One connection's whole life.
async fn attend(stream: TcpStream, site: Arc<Site>, arrival: Arrival, mut shutdown: Shutdown) {
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!("cannot set TCP_NODELAY: {cause}");
    }
    let limits = site.intake.limits();
    let _parked = site.park(&stream);
    let answer = |request| async { Ok::<_, Infallible>(site.answer(request, &arrival).await) };
    let mut exchange = pin!(
        http1::Builder::new()
            .max_headers(limits.headers)
            .max_buf_size(limits.head_bytes)
            .keep_alive(matches!(site.afterwards, Afterwards::Kept))
            .timer(TokioTimer::new())
            .header_read_timeout(limits.hook_idle)
            .serve_connection(TokioIo::new(stream), service_fn(answer))
    );
    let mut silence = pin!(sleep(limits.head));
    let (mut watched, mut leaving) = (true, false);
    loop {
        tokio::select! {
            ended = exchange.as_mut() => {
                return ended.unwrap_or_else(|cause| tracing::debug!("cannot finish HTTP exchange: {cause}"));
            }
            () = &mut silence, if watched => match arrival.is_marked() {
                true => watched = false,
                false => return tracing::debug!("no hook came in time"),
            },
            () = signalled(&mut shutdown), if !leaving => {
                leaving = true;
                exchange.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Answers a hook that was posted to one that was killed. How much of it that had read nobody knows, so it is not looked
/// at; claude shows any other answer to its user.
async fn answer_for_another(mut stream: TcpStream, patience: Duration) {
    let answered = async {
        stream.write_all(TAKEN).await?;
        stream.shutdown().await?;
        // Closed with something unread, the connection would be reset and the answer lost.
        while stream.read(&mut [0; 4096]).await? > 0 {}
        io::Result::Ok(())
    };
    if !matches!(timeout(patience, answered).await, Ok(Ok(()))) {
        tracing::debug!("cannot answer hook for another: its connection broke");
    }
}

impl Site {
    /// The hooks that one before us was to answer.
    fn left_by_another(&self) -> Vec<TcpStream> {
        let Afterwards::Closed(parking) = &self.afterwards else { return Vec::new() };
        let streams = parking.take_all().into_iter().map(std::net::TcpStream::from);
        streams
            .filter_map(|stream| stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)).ok())
            .collect()
    }

    fn park(&self, stream: &TcpStream) -> Option<Parked> {
        match &self.afterwards {
            Afterwards::Closed(parking) => parking.park(stream),
            Afterwards::Kept => None,
        }
    }

    async fn answer(&self, request: Request<Incoming>, arrival: &Arrival) -> Answer {
        let (parts, body) = request.into_parts();
        if let Err(refusal) = access::judge_hook(&self.door, &Claims::of(&parts)) {
            tracing::debug!("refused {:?}: {refusal}", parts.uri);
            return answer::refusal(refusal.status(), refusal);
        }
        let request = Request::from_parts(parts, body);
        self.intake.answer(request, Poster::Stranger, || arrival.mark(), || !self.is_crowded()).await
    }

    /// Kept connections must leave room for those that come anew.
    fn is_crowded(&self) -> bool {
        self.permits.available_permits() < self.intake.limits().hook_connections / 2
    }
}
