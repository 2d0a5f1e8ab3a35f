//! What clients do with claude: whether they may, and what is told of it. Doing it is the supervisor's, who reads the
//! orders; this is the one door from the wire to claude.
//!
//! Each step of an action is an event, a line of the audit log, and a reply to whoever asked.

mod subject;

use super::Shared;
use super::apart::Then;
use super::auditing::{self, Kind};
use super::connection::{Connection, Flow};
use super::ending::Ending;
use super::keys::ONCE_GOOD_FOR;
use super::role::{Visitor, root};
use crate::control::{Abilities, Command, Fate, Order};
use crate::dialect::{Close, Code, Fault, Reply, RequestId};
use crate::event::control::ControlAction;
use crate::event::{Body, Draft, Source};
use crate::hub::{self, Hub};
use crate::instance::Role;
use crate::instance::audit::{Entry, Subject};
use std::collections::VecDeque;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Refused for want of a role so often, and the connection ends.
const PATIENCE: u32 = 3;
/// Control actions of one client that have not come to their end.
const MAX_OPEN: usize = 32;
/// Processes that are remembered as claude's, of so many restarts.
const MAX_ROOTS: usize = 64;
/// Steps of them that wait to be told: each action has four at most.
const STEPS: usize = 4 * MAX_OPEN;

/// The way to the supervisor.
#[derive(Debug)]
pub struct ControlDoor {
    /// Where orders go.
    pub orders: mpsc::Sender<Order>,
    /// What can be done at all.
    pub abilities: Abilities,
    roots: Mutex<Roots>,
}

/// Processes that only claude and its tools are below, by pid and start time.
#[derive(Debug)]
struct Roots {
    /// Claude's process id, while it runs.
    child: watch::Receiver<Option<u32>>,
    known: VecDeque<(u32, u64)>,
}

impl ControlDoor {
    /// `child` is claude's process id, while it runs; `guardians` are processes of ours whose children are claude and its
    /// tools, and run now.
    pub fn new(
        orders: mpsc::Sender<Order>,
        abilities: Abilities,
        child: watch::Receiver<Option<u32>>,
        guardians: &[u32],
    ) -> Self {
        let known = guardians.iter().copied().filter_map(root).collect();
        Self { orders, abilities, roots: Mutex::new(Roots { child, known }) }
    }

    /// What has these above it, or in whose sessions it is, is claude or one of its tools; those too that have ended.
    pub(super) fn roots(&self) -> Vec<(u32, u64)> {
        self.seen().known.iter().copied().collect()
    }

    /// Takes note of claude's process, which is another after a restart. To be asked now and then while it runs.
    pub(super) fn see(&self) {
        drop(self.seen());
    }

    /// Locked for a moment, and never while waiting.
    fn seen(&self) -> MutexGuard<'_, Roots> {
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        let child = *roots.child.borrow();
        // One that has come while we looked elsewhere may have the pid of one before.
        let is_news = roots.child.has_changed().unwrap_or(false) || roots.known.is_empty();
        if let Some(child) = child.filter(|child| is_news || !roots.known.iter().any(|(pid, _)| pid == child))
            && let Some(root) = root(child)
        {
            roots.child.mark_unchanged();
            roots.known.retain(|known| *known != root);
            roots.known.push_back(root);
            if roots.known.len() > MAX_ROOTS {
                // The guardians stand in front.
                roots.known.remove(MAX_ROOTS / 2);
            }
        }
        roots
    }
}

/// Where one client hears of the steps of its actions. Most clients never do anything with claude, and cost nothing here.
#[derive(Debug, Default)]
pub(super) struct Steps {
    way: Option<(mpsc::Sender<Step>, mpsc::Receiver<Step>)>,
    open: usize,
}

impl Steps {
    /// Waits for the next. Cancel-safe.
    pub(super) async fn next(&mut self) -> Step {
        if let Some((_, steps)) = &mut self.way
            && let Some(step) = steps.recv().await
        {
            self.open = self.open.saturating_sub(usize::from(step.fate.is_last()));
            return step;
        }
        std::future::pending().await
    }

    /// For one action more.
    fn begin(&mut self) -> mpsc::Sender<Step> {
        self.open += 1;
        self.way.get_or_insert_with(|| mpsc::channel(STEPS)).0.clone()
    }
}

/// One step of a control action, for whoever asked.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) asked: Arc<Asked>,
    pub(super) fate: Fate,
}

/// A control action as it was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) control_id: String,
    pub(super) command: &'static str,
    pub(super) request_id: Option<RequestId>,
    detail: Option<String>,
    peer: String,
    pid: Option<u32>,
    uid: Option<u32>,
    role: Option<Role>,
}

impl Asked {
    fn new(visitor: &Visitor, hub: &Hub, command: &Command, request_id: Option<RequestId>) -> Self {
        Self {
            control_id: hub::fresh_id().to_string(),
            command: command.name(),
            request_id,
            detail: subject::of(command, hub),
            peer: visitor.description(),
            pid: visitor.peer.pid(),
            uid: visitor.peer.uid,
            role: visitor.role,
        }
    }
}

impl Shared {
    /// Tells everybody, and writes it down.
    fn tell_of_control(&self, asked: &Asked, outcome: &str, reason: Option<&str>) {
        let reason = reason.map(|reason| self.clean(reason));
        let detail = asked.detail.as_deref().map(|detail| self.clean(detail));
        self.write_down(asked, outcome, [detail.clone(), reason.clone()]);
        // Behind the end of the session comes nothing.
        if self.hub.is_session_over() {
            return;
        }
        let action = ControlAction {
            control_id: asked.control_id.clone(),
            action: asked.command.into(),
            outcome: outcome.into(),
            reason,
            detail,
            peer: asked.peer.clone(),
        };
        self.hub.submit(Draft::new(Source::System, Body::Control(action)), true);
    }
}

impl Shared {
    /// What is done, each step; what is refused, as far as there is not too much of it.
    fn write_down(&self, asked: &Asked, outcome: &str, [detail, reason]: [Option<String>; 2]) {
        let is_refused = outcome == "refused";
        let unwritten = if is_refused { self.paces.admit(Kind::MayNot, Instant::now()) } else { Some(0) };
        let Some(unwritten) = unwritten else { return };
        let parts = [detail, reason, auditing::others(unwritten)];
        self.access.audit.enter(&Entry {
            at: hub::now(),
            event: Subject::Control,
            peer: asked.peer.clone(),
            pid: asked.pid,
            uid: asked.uid,
            role: asked.role,
            action: asked.command.into(),
            session: Some(self.hub.session_id().to_string()),
            outcome: outcome.into(),
            detail: parts.into_iter().flatten().reduce(|a, b| format!("{a}: {b}")),
        });
    }
}

impl Connection {
    /// Has it done, or says why not.
    pub(super) fn control(&mut self, command: Command, id: Option<&RequestId>) -> Flow {
        match self.may_ask() {
            Ok(()) => self.once_known_apart(Then::Order(command, id.cloned())),
            refused => self.order(command, id, refused),
        }
    }

    /// The same, once it is known whether it may.
    pub(super) fn order(
        &mut self,
        command: Command,
        id: Option<&RequestId>,
        may: Result<(), String>,
    ) -> Flow {
        let asked = Arc::new(Asked::new(&self.visitor, &self.shared.hub, &command, id.cloned()));
        let refused = match may {
            Ok(()) => self.way_to(&command),
            Err(reason) => Err((Code::NotAllowed, reason)),
        };
        let orders = match refused {
            Ok(orders) => orders,
            Err((code, reason)) => {
                let reason = self.shared.clean(&reason);
                self.shared.tell_of_control(&asked, "refused", Some(&reason));
                let fault = Fault::new(code, format_args!("cannot run {}: {reason}", asked.command));
                self.refuse(&fault.of(id.cloned()));
                return if code == Code::NotAllowed { self.lose_patience() } else { Continue(()) };
            }
        };
        self.means_it();
        self.shared.tell_of_control(&asked, "requested", None);
        let reply = Reply::Accepted { control_id: &asked.control_id, command: asked.command };
        self.say(&reply, id);
        let (shared, steps) = (Arc::clone(&self.shared), self.steps.begin());
        let told = move |fate: Fate| {
            let fate = fate.in_words(|reason| shared.clean(reason));
            shared.tell_of_control(&asked, fate.name(), fate.reason());
            // Only a client that has left does not take it.
            let _left = steps.try_send(Step { asked: Arc::clone(&asked), fate });
        };
        // One that cannot be sent because nobody takes it tells so itself.
        if let Err(TrySendError::Full(mut order)) = orders.try_send(Order::new(command, told)) {
            order.tell(Fate::Rejected { reason: "too much is under way".into() });
        }
        Continue(())
    }

    /// All but whether it is apart from claude.
    fn may_ask(&self) -> Result<(), String> {
        if !self.visitor.may(Role::Control) {
            return Err("this needs the role control".into());
        }
        if self.shared.access.is_unaudited && !self.visitor.peer.is_unix() {
            return Err("it could not be written down: the audit log cannot be opened".into());
        }
        Ok(())
    }

    /// Where the order goes.
    fn way_to(&self, command: &Command) -> Result<mpsc::Sender<Order>, (Code, String)> {
        let nothing = |reason: &str| (Code::NothingToControl, reason.to_owned());
        let control = self.shared.control.as_ref();
        if self.shared.hub.is_recording() {
            return Err(nothing("this is a recording, and no claude runs here"));
        }
        let control = control.ok_or_else(|| nothing("no claude runs here: ask the instance it runs in"))?;
        control.abilities.allow(command).map_err(nothing)?;
        if self.shared.hub.is_session_over() || control.orders.is_closed() {
            return Err(nothing("the session is over"));
        }
        if self.steps.open >= MAX_OPEN || control.orders.capacity() == 0 {
            return Err((Code::TooMany, "too much is under way".into()));
        }
        Ok(control.orders.clone())
    }

    /// Whoever keeps trying what its role does not allow is not listened to any longer.
    pub(super) fn lose_patience(&mut self) -> Flow {
        self.refusals += 1;
        if self.refusals >= PATIENCE { Break(Ending::ByUs(Close::RoleNotAllowed)) } else { Continue(()) }
    }

    /// Says how far an action has come.
    pub(super) fn tell_step(&mut self, step: &Step) {
        let Step { asked, fate } = step;
        let id = asked.request_id.as_ref();
        match fate {
            Fate::Nothing { reason } => {
                let cause = format_args!("cannot run {}: {reason}", asked.command);
                let fault = Fault::new(Code::NothingToControl, cause);
                self.say(&Reply::Fault(&fault.of(id.cloned())), id);
            }
            fate => {
                let (control_id, command) = (asked.control_id.as_str(), asked.command);
                self.say(&Reply::Outcome { control_id, command, fate }, id);
            }
        }
    }

    /// A token that lets one page in, once; for those who need none themselves.
    pub(super) fn mint_token(&mut self, id: Option<&RequestId>) -> Flow {
        let allowed = match self.visitor.peer.is_unix() {
            true => self.may_ask().and_then(|()| self.shared.is_apart_from_claude(&self.visitor.peer)),
            false => Err("this is done by the Unix socket alone".into()),
        };
        let minted = allowed.map_err(|reason| (Code::NotAllowed, reason)).and_then(|()| {
            self.shared
                .access
                .keys
                .mint_once(Instant::now())
                .map_err(|cause| (Code::NothingToControl, cause.to_string()))
        });
        match minted {
            Ok(secret) => {
                self.shared.note(&self.visitor, (Subject::Token, "one_time_token"), "made", None);
                let expires_in_seconds = ONCE_GOOD_FOR.as_secs();
                self.say(&Reply::OneTimeToken { token: secret.reveal(), expires_in_seconds }, id);
                Continue(())
            }
            Err((code, reason)) => {
                self.shared.note(&self.visitor, (Subject::Token, "one_time_token"), "refused", Some(&reason));
                let fault = Fault::new(code, format_args!("cannot make token: {reason}"));
                self.refuse(&fault.of(id.cloned()));
                self.lose_patience()
            }
        }
    }
}
