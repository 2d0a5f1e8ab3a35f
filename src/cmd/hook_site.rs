//! Where claude's hooks of one run lead: a listener of their own, a key, and the arguments that tell claude so.

use super::injection::{self, Injection};
use crate::cli::RunOptions;
use crate::control::HookMail;
use crate::hub::Gauges;
use crate::process::program::Command;
use crate::server::{self, Afterwards, HookIntake, HookKey, Shutdown};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Hooks that may wait to be looked at; their bytes are bounded apart.
const INBOX: usize = 1024;

/// What came of asking claude for hooks.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    /// The place. Hooks that the user has installed come here also where claude was not told of it.
    pub(super) site: Option<HookSite>,
    /// Claude was told of it, so hooks should come.
    pub(super) is_told: bool,
    /// Why hooks will not come that should.
    pub(super) missing: Option<String>,
}

/// A place for the hooks of one run.
#[derive(Debug)]
pub(super) struct HookSite {
    listener: TcpListener,
    key: HookKey,
}

/// The place while hooks are taken.
#[derive(Debug)]
pub(super) struct OpenHooks {
    /// The same door for posts that come another way.
    pub(super) intake: HookIntake,
    /// What was posted, in the order it was answered.
    pub(super) inbox: mpsc::Receiver<HookMail>,
    /// Ends with the shutdown.
    pub(super) task: JoinHandle<()>,
}

impl HookSite {
    /// Makes the place, and changes the call of claude so that its hooks come here. Where there are to be none, the
    /// call is as it was typed.
    pub(super) fn claim(options: &RunOptions, command: &mut Command) -> Claimed {
        let made = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| Ok((listener.local_addr()?, Self { listener, key: HookKey::mint()? })));
        let (address, site) = match made {
            Ok(made) => made,
            Err(cause) => {
                let missing = format!("cannot listen for hooks: {cause}; less is seen of what claude does");
                return Claimed { missing: Some(missing), ..Claimed::default() };
            }
        };
        let Injection { arguments, environment, notes } =
            injection::prepare(options, command, address, site.key.reveal());
        let missing = (!notes.is_empty()).then(|| notes.join("; "));
        let is_told = !environment.is_empty();
        if is_told {
            command.arguments = arguments;
            command.environment.extend(environment);
        }
        Claimed { site: Some(site), is_told, missing }
    }

    /// Takes hooks until the shutdown.
    pub(super) fn open(
        self,
        gauges: &Gauges,
        afterwards: Afterwards,
        shutdown: Shutdown,
    ) -> io::Result<OpenHooks> {
        self.listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let (posts, inbox) = mpsc::channel(INBOX);
        let intake = HookIntake::new(self.key, posts, gauges.clone()).holding();
        let task = tokio::spawn(server::serve_hooks(listener, intake.clone(), afterwards, shutdown));
        Ok(OpenHooks { intake, inbox, task })
    }
}
