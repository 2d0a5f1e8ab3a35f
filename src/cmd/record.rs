//! The record and the socket of a hub, by which others on this machine find it, and the token of its run.

use super::note;
use crate::instance::{Instance, Registration, RunKey, RunToken, RuntimeDirectory};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// What came of it.
#[derive(Debug)]
pub(super) struct Settled {
    /// Removes record, socket and token when it is over.
    pub(super) registration: Registration,
    pub(super) unix: Option<UnixListener>,
    /// Knows the token of this run; `None` where it could not be made.
    pub(super) key: Option<RunKey>,
}

/// Writes the record, then makes the socket that it names: whoever sweeps the record of one that was killed in between
/// sweeps the socket too. Without a record there is none.
pub(super) fn settle(
    runtime: Result<RuntimeDirectory, String>,
    instance: &mut Instance,
) -> Result<Settled, String> {
    let runtime = runtime?;
    let (mut registration, unix) = record_and_socket(&runtime, instance)?;
    let key = match RunToken::create(&runtime, &instance.session_id) {
        Ok(token) => {
            registration.keep(&token);
            Some(token.key())
        }
        Err(cause) => {
            note(&format!("cannot write the token of this run: {cause}"));
            None
        }
    };
    Ok(Settled { registration, unix, key })
}

fn record_and_socket(
    runtime: &RuntimeDirectory,
    instance: &mut Instance,
) -> Result<(Registration, Option<UnixListener>), String> {
    let record = |instance: &Instance| runtime.register(instance).map_err(|cause| cause.to_string());
    let Some(socket) = instance.socket.clone() else { return Ok((record(instance)?, None)) };
    let first = record(instance).inspect_err(|_| instance.socket = None)?;
    let unix = listen_on_socket(&socket);
    if unix.is_some() {
        return Ok((first, unix));
    }
    // The record that takes its place is kept instead.
    first.leave_behind();
    instance.socket = None;
    Ok((record(instance)?, None))
}

/// Without a socket the hub is still reached over TCP.
fn listen_on_socket(path: &Path) -> Option<UnixListener> {
    let listen = UnixListener::bind(path)
        .and_then(|socket| std::fs::set_permissions(path, Permissions::from_mode(0o600)).map(|()| socket));
    match listen {
        Ok(listener) => Some(listener),
        Err(cause) => {
            note(&format!("cannot listen on {}: {cause}", path.display()));
            None
        }
    }
}
