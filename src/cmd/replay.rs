//! `replay`: a recorded session told again, on a hub of its own as if it were live, or printed.

mod pacing;
mod player;
mod printed;
mod recorded;
mod served;

use super::failure::{Exit, Failure};
use crate::cli::{ListenOptions, ReplayOptions};
use recorded::Recorded;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

/// Runs the verb.
pub(super) fn run(options: &ReplayOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    if options.print {
        nobody_listens(&options.listen)?;
    }
    let span = player::Span::read(options)?;
    let recorded = Recorded::find(&options.recording, options.epoch.as_deref())?;
    if !quiet {
        recorded.tell_of_others();
    }
    match options.print {
        true => printed::run(recorded, options, span, quiet),
        false => served::run(recorded, options, span, quiet),
    }
}

/// What says where to listen has no meaning with `--print`.
fn nobody_listens(listen: &ListenOptions) -> Result<(), Failure> {
    let host = (listen.websocket_host != IpAddr::V4(Ipv4Addr::LOCALHOST)).then_some("--websocket-host");
    match listen.needless().or(host) {
        Some(option) => Err(Failure::new(
            Exit::Usage,
            format!("cannot use {option} with --print: the events are not served then"),
        )),
        None => Ok(()),
    }
}
