//! Everything that is made before there is a thread: the pseudo-terminal, the pipes, the forked guardian.

use crate::instance::ENV_SESSION;
use crate::process::descriptors::{Kind, Plan, Stdio, let_go_of_stdin};
use crate::process::family::Mark;
use crate::process::guardian::{self, Charge, Heir, Posted};
use crate::process::modes::Modes;
use crate::process::platform::pipe;
use crate::process::program::Command;
use crate::process::pty::Pty;
use crate::process::tap::{Tap, Way};
use crate::process::terminal::{Size, Terminal};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io;
use std::os::fd::OwnedFd;

/// How claude is to be run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// On a pseudo-terminal that nobody looks at, whatever our own descriptors are.
    pub headless: bool,
    /// A size that stays, instead of the terminal's.
    pub window_size: Option<Size>,
    /// Somebody wants to know what claude writes.
    pub read_along: bool,
    /// What goes on when claude has exited by itself is ended.
    pub reap: bool,
    /// It may be started more than once.
    pub restarts: bool,
}

/// Ready to run.
#[derive(Debug)]
pub struct Launch {
    pub(super) posted: Posted,
    pub(super) pty: Option<Pty>,
    /// The user's terminal, when the child is to appear on it.
    pub(super) terminal: Option<Terminal>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) modes: Modes,
    /// Size of the terminal that claude's stdout is, where it is one.
    pub(super) screen: Option<Size>,
    /// The size stays, whatever happens to the user's terminal.
    pub(super) fixed_size: bool,
    /// Nobody sits at claude's terminal.
    pub(super) headless: bool,
    /// What goes on when claude has exited by itself is ended.
    pub(super) reap: bool,
    /// What the processes of this run carry.
    pub(super) mark: Option<Mark>,
    /// A second child can be given what the first one had.
    pub(super) can_restart: bool,
    /// Where the terminal is recorded.
    pub(super) recording: Option<Tap>,
}

impl Launch {
    /// Process id of the guardian.
    pub fn guardian_pid(&self) -> u32 {
        self.posted.pid()
    }

    /// Size of the terminal that claude draws on, where it has one of ours.
    pub fn terminal_size(&self) -> Option<Size> {
        self.pty.as_ref().and(self.screen)
    }

    /// What passes on that terminal passes there too.
    pub fn recorded_at(self, recording: Option<Tap>) -> Self {
        Self { recording, ..self }
    }
}

/// A pumped descriptor: the reading end, where its bytes go, and which way it is.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) from: OwnedFd,
    pub(super) to: OwnedFd,
    pub(super) way: Way,
}

/// Prepares the run and forks the guardian, who waits for the order to start the child. The process must have
/// one thread. `heir` goes on in the guardian when we are killed.
///
/// # Errors
/// When the system has no pseudo-terminal, pipe or process left.
pub fn prepare(command: &Command, options: Options, heir: Option<Heir>) -> io::Result<Launch> {
    let plan = if options.headless { Plan::headless() } else { Plan::of_this_process(options.read_along) };
    let seen = plan.needs_terminal() && !options.headless;
    let terminal = if seen { Terminal::of_this_process()? } else { None };
    // A terminal may have no size: one over a serial line, or a container's before somebody tells it.
    let unseen = terminal.is_none().then(Size::default);
    let size = options.window_size.or_else(|| terminal.as_ref()?.size()).or(unseen);
    let pty = match plan.needs_terminal() {
        true => Some(Pty::open(size, terminal.as_ref().map(Terminal::settings_for_child).as_ref())?),
        false => None,
    };
    // What is no terminal of ours is let go of once the first child has it, unless it is kept for a second.
    let can_restart = options.restarts
        || plan.needs_terminal() && plan.0.iter().all(|kind| matches!(kind, Kind::Terminal | Kind::Closed));
    let (stdio, pipes) = wire(plan)?;
    let modes = Modes::shared()?;
    let tty = pty.as_ref().map(|pty| pty.slave_path().clone());
    let mark = mark(command);
    let charge = Charge::new(command, tty, stdio, terminal.as_ref(), modes)?;
    let charge = charge.marked(mark.clone()).leaving_to(heir).kept(options.restarts);
    let posted = guardian::post(charge)?;
    if plan.0[0] == Kind::Inherited {
        let_go_of_stdin()?;
    }
    let fixed_size = options.headless || options.window_size.is_some();
    let screen = (plan.0[1] == Kind::Terminal).then_some(size.unwrap_or_default());
    let Options { headless, reap, .. } = options;
    Ok(Launch {
        posted,
        pty,
        terminal,
        pipes,
        modes,
        screen,
        fixed_size,
        headless,
        reap,
        mark,
        can_restart,
        recording: None,
    })
}

/// What the processes of this run carry: the session's id, which claude gets and hands down.
fn mark(command: &Command) -> Option<Mark> {
    let session = command.environment.iter().find(|(name, _)| *name == ENV_SESSION);
    session.map(|(name, id)| Mark::new(name, id))
}

fn wire(plan: Plan) -> io::Result<([Stdio; 3], Vec<Pipe>)> {
    let mut pipes = Vec::new();
    let mut wired = Vec::new();
    for (number, kind) in plan.0.into_iter().enumerate() {
        wired.push(match kind {
            Kind::Pumped if number == 2 && plan.0[1] == Kind::Pumped && is_one_file() => match &wired[1] {
                Stdio::Pipe(theirs) => Stdio::Pipe(theirs.try_clone()?),
                _ => Stdio::Inherited,
            },
            Kind::Terminal => Stdio::Terminal,
            Kind::Inherited => Stdio::Inherited,
            Kind::Closed => Stdio::Closed,
            Kind::Pumped => {
                let (pipe, theirs) = pump(number)?;
                pipes.push(pipe);
                Stdio::Pipe(theirs)
            }
        });
    }
    let stdio = wired.try_into().map_err(|_| io::Error::other("there are three standard descriptors"))?;
    Ok((stdio, pipes))
}

/// Whether our stdout and stderr are one file (`2>&1`): what is written in turns must stay in order. In `/dev/null`
/// there is no order, and both are told apart.
fn is_one_file() -> bool {
    use nix::sys::stat::{SFlag, fstat};
    match (fstat(std::io::stdout()), fstat(std::io::stderr())) {
        (Ok(out), Ok(err)) => {
            let is_device = SFlag::from_bits_truncate(out.st_mode) & SFlag::S_IFMT == SFlag::S_IFCHR;
            (out.st_dev, out.st_ino) == (err.st_dev, err.st_ino) && !is_device
        }
        _ => false,
    }
}

/// A pipe for stdout (1) or stderr (2). Only our end does not block.
fn pump(number: usize) -> io::Result<(Pipe, OwnedFd)> {
    use std::os::fd::AsFd;
    let (from, theirs) = pipe(OFlag::empty())?;
    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let (to, way) = match number {
        1 => (std::io::stdout().as_fd().try_clone_to_owned()?, Way::Stdout),
        _ => (std::io::stderr().as_fd().try_clone_to_owned()?, Way::Stderr),
    };
    Ok((Pipe { from, to, way }, theirs))
}
