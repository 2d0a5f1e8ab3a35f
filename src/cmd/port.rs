//! The port of a hub: bound, or found beside a hub of ours that has it.

use super::failure::{Exit, Failure};
use super::{runtime, target::Target};
use crate::cli::PortChoice;
use crate::client::Connection;
use crate::instance::{DEFAULT_PORT, Holder, Instance, RuntimeDirectory, find_free_port, holder_of};
use nix::sys::socket::Backlog;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

/// Callers that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// How long a hub may take to show that it is the one its record tells of.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// What came of binding.
#[derive(Debug)]
pub(super) enum Bound {
    /// The port that was wanted.
    Free(TcpListener),
    /// Another one: the one that was wanted is that of this hub, which stands alone and answers.
    BesideHub(TcpListener, Box<Instance>),
}

/// Binds the port that is wanted.
pub(super) fn bind(host: IpAddr, port: Option<PortChoice>) -> Result<Bound, Failure> {
    let number = match port {
        Some(PortChoice::Auto) => return bind_first_free(host, DEFAULT_PORT).map(Bound::Free),
        Some(PortChoice::Number(number)) => number,
        None => DEFAULT_PORT,
    };
    let cause = match listen((host, number).into()) {
        Ok(listener) => return Ok(Bound::Free(listener)),
        Err(cause) => cause,
    };
    if cause.kind() != io::ErrorKind::AddrInUse {
        return Err(cannot_listen(&format!("{}: {cause}", SocketAddr::from((host, number)))));
    }
    match holder(number) {
        Holder::Instance(hub) if hub.stands_alone() && !hub.is_replay() && is_there(&hub) => {
            Ok(Bound::BesideHub(bind_first_free(host, number)?, hub))
        }
        holder => Err(taken((host, number).into(), &holder, "--websocket-port auto")),
    }
}

/// Binds the port that is wanted, for a hub.
pub(super) fn bind_exactly(host: IpAddr, number: u16) -> Result<TcpListener, Failure> {
    let address = SocketAddr::from((host, number));
    listen(address).map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => taken(address, &holder(number), "another with --websocket-port PORT"),
        _ => cannot_listen(&format!("{address}: {cause}")),
    })
}

/// The standard library lets 128 callers wait; a dashboard that reconnects everywhere at once is more.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    nix::sys::socket::listen(&listener, Backlog::new(BACKLOG)?)?;
    Ok(listener)
}

/// The first that is free from `from` on; somebody else may take a port between the look and the claim, then the next one is tried.
fn bind_first_free(host: IpAddr, mut from: u16) -> Result<TcpListener, Failure> {
    while let Some(port) = find_free_port(host, from) {
        match listen((host, port).into()) {
            Ok(listener) => return Ok(listener),
            Err(cause) if cause.kind() != io::ErrorKind::AddrInUse => return Err(cannot_listen(&cause)),
            Err(_) => match port.checked_add(1) {
                Some(next) => from = next,
                None => break,
            },
        }
    }
    Err(cannot_listen(&"no port is free"))
}

fn holder(port: u16) -> Holder {
    let running =
        RuntimeDirectory::existing().ok().flatten().map_or_else(Vec::new, |directory| directory.list());
    holder_of(port, &running)
}

/// Whether the hub of the record answers, and is that hub: something that only listens there is none.
fn is_there(hub: &Instance) -> bool {
    let endpoints = Target::of(hub.clone()).endpoints;
    let greeting = async {
        let (mut connection, _) = Connection::open_any(&endpoints).await.ok()?;
        let greeting = connection.next().await.ok()?;
        connection.close().await;
        greeting.epoch().map(str::to_owned)
    };
    let said =
        runtime().map(|runtime| runtime.block_on(async { tokio::time::timeout(HANDSHAKE, greeting).await }));
    matches!(said, Ok(Ok(Some(epoch))) if epoch == hub.epoch.as_str())
}

/// One line: who holds it, and what to do.
fn taken(address: SocketAddr, holder: &Holder, remedy: &str) -> Failure {
    cannot_listen(&format!("{address}: held by {holder}; use {remedy}"))
}

/// Why there is no hub.
pub(super) fn cannot_listen(cause: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::RunFailed, format!("cannot listen on {cause}"))
}
