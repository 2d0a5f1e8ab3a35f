//! The task that takes orders, has them done, and tells what becomes of them.

use super::eyes::{Doing, Eyes, NOT_SEEN, may_type};
use super::handed::Handed;
use super::interrupts::Interrupts;
use super::manner::{Manner, Program, abilities};
use super::passed_on::pass_on;
use super::reading::{Read, Reading, hooks_are_missing};
use super::typist::{Typist, Writing};
use super::wish::{Child, DeskLines, Lines, Phase, Wish};
use crate::control::{Command, Fate, Key, Order};
use crate::hub::{Hub, Next};
use crate::process::draft::Draft;
use crate::process::injection::{Injection, MOST, Outcome, Piece};
use crate::process::processes;
use crate::source::watchers::Watchers;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How often it is looked how claude is, while something is under way.
const LOOK: Duration = Duration::from_millis(40);
/// Keys that are under way.
const OUTCOMES: usize = 2 * MOST;
/// Orders of one kind that are under way.
const UNDER_WAY: usize = 32;

const ASKED: &str = "a permission is pending: answer it with respond_permission";
const NOT_IDLE: &str = "claude is idle: there is nothing to interrupt";
const OVER: &str = "claude has ended";
const STOPPED: &str = "claude is stopped (^Z): continue it first";

/// Hears what came of it.
type Told = Box<dyn FnOnce(Outcome) + Send>;
/// Where it is heard what came of what was typed, by the number of the order.
type Outcomes = (mpsc::Sender<(u64, Outcome)>, mpsc::Receiver<(u64, Outcome)>);

/// The desk.
#[derive(Debug)]
pub(in crate::supervisor) struct Desk {
    orders: mpsc::Receiver<Order>,
    permissions: mpsc::Sender<Order>,
    lines: DeskLines,
    hub: Hub,
    manner: Manner,
    eyes: Eyes,
    reading: Reading,
    outcomes: Outcomes,
    newest: u64,
    typist: Typist,
    interrupts: Interrupts,
    keys: HashMap<u64, (Order, Handed)>,
    stops: Vec<Order>,
    /// With the start they were asked in.
    restarts: Vec<(Order, u32)>,
    child: Option<Child>,
    /// There is none yet, and there will be.
    is_starting: bool,
}

enum Event {
    Order(Order),
    Phase(Phase),
    Written(u64, Outcome),
    Told(Next),
    Looked,
}

impl Desk {
    /// Opens it. It ends when claude is over for good.
    pub(in crate::supervisor) fn open(
        orders: mpsc::Receiver<Order>,
        manner: Manner,
        hub: Hub,
        watchers: &Watchers,
    ) -> (Lines, JoinHandle<()>) {
        let (lines, ours) = Lines::new();
        let folder = watchers.claude_folder().cloned();
        let eyes = Eyes::new(hub.clone(), folder, manner.program(), watchers.expects_hooks());
        let desk = Self {
            orders,
            permissions: watchers.permissions(),
            lines: ours,
            reading: Reading::of(&hub),
            hub,
            manner,
            eyes,
            outcomes: mpsc::channel(OUTCOMES),
            newest: 0,
            typist: Typist::new(),
            interrupts: Interrupts::default(),
            keys: HashMap::new(),
            stops: Vec::new(),
            restarts: Vec::new(),
            child: None,
            is_starting: true,
        };
        (lines, tokio::spawn(desk.run()))
    }

    async fn run(mut self) {
        loop {
            let event = self.event().await;
            let now = Instant::now();
            let mut told = None;
            match event {
                Event::Order(order) => {
                    // What it depends on may have been told in the same moment.
                    self.keep_up(None);
                    self.take(order, now);
                }
                Event::Phase(Phase::Over) => return self.over(),
                Event::Phase(phase) => self.stands(phase),
                Event::Written(id, outcome) => self.written(id, outcome, now),
                Event::Told(next) => told = Some(next),
                Event::Looked => {}
            }
            self.keep_up(told);
            self.look(now);
        }
    }

    async fn event(&mut self) -> Event {
        let is_at_work = self.is_at_work();
        tokio::select! {
            biased;
            changed = self.lines.phase.changed() => match changed {
                Ok(()) => Event::Phase(self.lines.phase.borrow_and_update().clone()),
                // The loop is gone.
                Err(_) => Event::Phase(Phase::Over),
            },
            Some((id, outcome)) = self.outcomes.1.recv() => Event::Written(id, outcome),
            Some(order) = self.orders.recv() => Event::Order(order),
            next = self.reading.next() => Event::Told(next),
            () = tokio::time::sleep(LOOK), if is_at_work => Event::Looked,
        }
    }

    /// Whether something is under way that goes through claude's terminal.
    fn is_at_work(&self) -> bool {
        self.typist.is_at_work() || !self.interrupts.is_empty() || !self.keys.is_empty()
    }

    fn keep_up(&mut self, told: Option<Next>) {
        let keys = self.child.as_ref().and_then(|child| child.keys.as_ref()).map(|(keys, _)| keys);
        for read in self.reading.take(told, &self.eyes) {
            match read {
                Read::Taken(taken) => {
                    self.typist.taken(&taken);
                    keys.inspect(|keys| keys.prompt_taken(taken.at));
                }
                Read::Elsewhere(at) => {
                    keys.inspect(|keys| keys.answered_elsewhere(at));
                }
                Read::Works(work, since) => {
                    keys.inspect(|keys| keys.works(work, since));
                }
            }
        }
    }

    fn take(&mut self, mut order: Order, now: Instant) {
        if let Err(reason) = abilities(self.manner).allow(&order.command) {
            return order.tell(Fate::Nothing { reason: reason.into() });
        }
        match &order.command {
            Command::SendInput(_) => match self.awake() {
                Err(_) if self.is_starting => self.typist.take(order, true, now),
                Ok(_) => self.typist.take(order, false, now),
                Err(reason) => order.tell(Fate::Nothing { reason: reason.into() }),
            },
            Command::SendKeys(keys) => {
                let keys = keys.clone();
                self.send_keys(order, &keys, now);
            }
            Command::Interrupt => self.interrupt(order, now),
            Command::Stop { grace } => {
                let wish = Wish::Stop { grace: *grace };
                if let Some(order) = self.wish(order, wish, self.stops.len()) {
                    self.stops.push(order);
                }
            }
            Command::Restart { grace } => {
                let wish = Wish::Restart { grace: *grace };
                let start = self.child.as_ref().map_or(0, |child| child.start);
                if let Some(order) = self.wish(order, wish, self.restarts.len()) {
                    self.restarts.push((order, start));
                }
            }
            Command::Respond { .. } => pass_on(&self.permissions, order),
        }
    }

    /// The loop is wished it; `None` where it cannot be.
    fn wish(&self, mut order: Order, wish: Wish, under_way: usize) -> Option<Order> {
        if under_way < UNDER_WAY && self.lines.wishes.try_send(wish).is_ok() {
            return Some(order);
        }
        order.tell(Fate::Rejected { reason: "too much of the kind is under way".into() });
        None
    }

    /// The child, if it can take keys; `Err` says why there is none.
    fn awake(&self) -> Result<&Child, &'static str> {
        match &self.child {
            None => Err("claude does not run now"),
            Some(child) if processes::is_stopped(child.pid) => Err(STOPPED),
            Some(child) => Ok(child),
        }
    }

    fn send_keys(&mut self, mut order: Order, keys: &[Key], now: Instant) {
        let child = match self.awake() {
            Ok(child) => child.clone(),
            Err(reason) => return order.tell(Fate::Nothing { reason: reason.into() }),
        };
        let (eyes, pid) = (self.eyes.clone(), child.pid);
        let only_leave = keys.iter().all(|key| key.only_leaves());
        self.eyes.doing(pid);
        let check = move || match eyes.seen(pid) {
            None => Err(NOT_SEEN.to_owned()),
            Some(Doing::Asks) if !only_leave => Err(ASKED.to_owned()),
            Some(_) => Ok(()),
        };
        if let Err(reason) = check() {
            return order.tell(Fate::Rejected { reason });
        }
        let injection = |told| Injection::new(pieces(keys), move |_, _| check(), told);
        let handed = self.inject(&child, injection, now);
        self.keys.insert(handed.id, (order, handed));
    }

    fn interrupt(&mut self, mut order: Order, now: Instant) {
        let child = match self.awake() {
            Ok(child) => child.clone(),
            Err(reason) => return order.tell(Fate::Nothing { reason: reason.into() }),
        };
        if !self.manner.takes_keys() {
            if let Some(order) = self.wish(order, Wish::Interrupt, self.interrupts.len()) {
                self.interrupts.push(order, None, now);
            }
            return;
        }
        let is_claude = self.manner.program() == Program::Claude;
        let (eyes, pid) = (self.eyes.clone(), child.pid);
        self.eyes.doing(pid);
        let check = move || match eyes.seen(pid) {
            None => Err(NOT_SEEN.to_owned()),
            Some(Doing::Idle | Doing::Settles | Doing::Unsure) if is_claude => Err(NOT_IDLE.to_owned()),
            Some(Doing::Starting) if is_claude => Err("claude is starting".to_owned()),
            Some(_) => Ok(()),
        };
        if let Err(reason) = check() {
            return order.tell(Fate::Nothing { reason });
        }
        let key = if is_claude { Key::Escape } else { Key::Control(b'c') };
        let injection = |told| Injection::new(pieces(&[key]), move |_, _| check(), told);
        let handed = self.inject(&child, injection, now);
        self.interrupts.push(order, Some(handed), now);
    }

    fn inject(&mut self, child: &Child, injection: impl FnOnce(Told) -> Injection, now: Instant) -> Handed {
        self.newest += 1;
        let (id, outcomes) = (self.newest, self.outcomes.0.clone());
        let injection = injection(Box::new(move |outcome| {
            // There is room for all that can be under way.
            let _over = outcomes.try_send((id, outcome));
        }));
        let handed = Handed::new(id, injection.ticket(), now);
        match &child.keys {
            Some((keys, _)) => keys.inject(injection),
            None => drop(injection),
        }
        handed
    }

    fn written(&mut self, id: u64, outcome: Outcome, now: Instant) {
        if let Some((mut order, _)) = self.keys.remove(&id) {
            return order.tell(match outcome {
                Outcome::Typed => Fate::Typed { is_last: true },
                Outcome::Refused(reason) | Outcome::Unwritten(reason) => Fate::Rejected { reason },
            });
        }
        let is_interrupt = match &outcome {
            Outcome::Typed => self.interrupts.written(id, now),
            Outcome::Refused(reason) => self.interrupts.end(id, Fate::Nothing { reason: reason.clone() }),
            Outcome::Unwritten(reason) => self.interrupts.end(id, Fate::Rejected { reason: reason.clone() }),
        };
        if is_interrupt {
            return;
        }
        self.typist.written(id, outcome, &self.eyes, now);
    }

    fn look(&mut self, now: Instant) {
        if hooks_are_missing(&self.hub) {
            self.eyes.hooks_are_missing();
            let keys = self.child.as_ref().and_then(|child| child.keys.as_ref());
            keys.inspect(|(keys, _)| keys.prompts_are_untold());
        }
        let Some(child) = self.child.clone() else { return };
        if !self.is_at_work() {
            return;
        }
        let doing = self.eyes.doing(child.pid);
        self.keys.retain(|_, (order, handed)| {
            let reason = handed.given_up(now);
            reason.inspect(|reason| order.tell(Fate::Rejected { reason: (*reason).into() }));
            reason.is_none()
        });
        self.interrupts.look(doing, now);
        self.typist.look(doing, now);
        let id = self.newest + 1;
        if let Some(writing) = self.typist.next(&child, &self.eyes, (id, self.hub.last_seq()), now) {
            self.type_prompt(&child, writing, now);
        }
    }

    fn type_prompt(&mut self, child: &Child, writing: Writing, now: Instant) {
        let Writing { pieces, stands, is_marked } = writing;
        let (eyes, pid) = (self.eyes.clone(), child.pid);
        let modes = child.keys.as_ref().map(|(_, modes)| *modes);
        let check = move |draft: &Draft, number: usize| {
            let doing = eyes.seen(pid).ok_or(NOT_SEEN)?;
            if number > 0 {
                // What is left must not become an answer, nor the beginning of another claude.
                return match doing {
                    Doing::Asks => Err("claude asked something".to_owned()),
                    Doing::Starting => Err(OVER.to_owned()),
                    _ => Ok(()),
                };
            }
            may_type(doing)?;
            if draft.prompt() != stands {
                return Err(super::typist::DRAFT.to_owned());
            }
            match modes.is_some_and(|modes| modes.marks_pastes() == is_marked) {
                true => Ok(()),
                false => Err("claude changed its terminal in that moment".to_owned()),
            }
        };
        let handed = self.inject(child, |told| Injection::new(pieces, check, told).whole(), now);
        self.typist.hands(handed);
    }

    fn stands(&mut self, phase: Phase) {
        match phase {
            Phase::Running(child) => {
                // That the last one was over may not have been heard.
                if self.child.as_ref().is_some_and(|last| last.start != child.start) {
                    self.leaves();
                }
                let (done, waiting) = std::mem::take(&mut self.restarts)
                    .into_iter()
                    .partition::<Vec<_>, _>(|(_, start)| *start < child.start);
                self.restarts = waiting;
                done.into_iter().for_each(|(mut order, _)| order.tell(Fate::Done));
                self.child = Some(child);
                self.is_starting = false;
            }
            Phase::Starting => self.is_starting = true,
            Phase::Pausing | Phase::Over => self.leaves(),
        }
    }

    /// This claude is over.
    fn leaves(&mut self) {
        self.child = None;
        self.is_starting = false;
        self.eyes.forget();
        self.typist.give_up(OVER);
        self.interrupts.over();
        // What waited in its thread tells so itself.
        for (_, (mut order, _)) in self.keys.drain() {
            order.tell(Fate::Nothing { reason: OVER.into() });
        }
    }

    /// For good: whoever asks from now on is told so.
    fn over(mut self) {
        self.leaves();
        self.stops.drain(..).for_each(|mut order| order.tell(Fate::Done));
        for (mut order, _) in self.restarts.drain(..) {
            order.tell(Fate::Rejected { reason: "claude is over and was not started again".into() });
        }
        self.orders.close();
        while let Ok(mut order) = self.orders.try_recv() {
            order.tell(Fate::Nothing { reason: OVER.into() });
        }
    }
}

/// What follows an Escape must not become one key with it.
fn pieces(keys: &[Key]) -> Vec<Piece> {
    let of = |keys: &[Key]| Piece::Keys(keys.iter().flat_map(|key| key.bytes()).collect());
    keys.split_inclusive(|key| *key == Key::Escape).map(of).collect()
}
