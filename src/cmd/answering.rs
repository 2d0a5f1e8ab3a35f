//! Claude's questions, asked on the terminal of `watch` one after another, and answered over connections of their own,
//! so that no event is lost meanwhile. What can still be answered is always the hub's word: its status.

mod dialogue;
mod keyboard;
mod keys;
mod line;

use super::calls::{Call, Calls};
use super::failure::Exit;
use super::order::{Order, Telling};
use super::permission;
use super::target::Target;
use super::{escape, report};
use crate::cli::Format;
use crate::client::Frame;
use crate::dialect::summary;
use crate::event::channel;
use crate::event::control::PermissionRequested;
use crate::process::signals::end_self;

use dialogue::{Dialogue, Step};
use keyboard::Keyboard;
use keys::Keys;
use line::Line;
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Keys that are pressed so soon after a question came were meant for something else.
const SETTLES: Duration = Duration::from_millis(700);
/// Stands in the last line until then.
const COMES: &str = "a moment ... ";
/// How long an answer may take, and how long we wait for those on their way when the watch ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most questions that wait to be asked, and most that are remembered.
const MOST: usize = 1_000;

/// What happens here.
pub(super) enum Happened {
    Typed(Vec<u8>),
    HungUp,
    Called(Call),
    Reported(Report),
    /// The question at hand has stood there for long enough to be answered.
    Settled,
}

/// What a task has done.
pub(super) enum Report {
    /// What a hub says is open; `None` where it could not be asked.
    Open(Arc<Target>, Option<Vec<PermissionRequested>>),
    /// An answer was given, or why not.
    Answered(Arc<Target>, String, anyhow::Result<()>),
}

/// A question that waits for its turn, or has it.
struct Waiting {
    target: Arc<Target>,
    dialogue: Dialogue,
}

/// Who asks.
pub(super) struct Asker {
    keyboard: Option<Keyboard>,
    calls: Calls,
    keys: Keys,
    line: Line,
    /// The first one is being asked.
    queue: VecDeque<Waiting>,
    /// Were asked, are answered or are over: not to be asked again.
    known: HashSet<String>,
    /// Hubs that are being asked what is open, and whether they are to be asked once more behind that.
    listing: HashMap<String, bool>,
    tasks: JoinSet<Report>,
    /// When the question at hand can be answered; `None` since then.
    settles: Option<Instant>,
}

impl Asker {
    /// To be called in a runtime.
    ///
    /// # Errors
    /// When there is no keyboard, or signals cannot be caught.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            keyboard: Some(Keyboard::of_stdin()?),
            calls: Calls::catch()?,
            keys: Keys::default(),
            line: Line::default(),
            queue: VecDeque::new(),
            known: HashSet::new(),
            listing: HashMap::new(),
            tasks: JoinSet::new(),
            settles: None,
        })
    }

    /// The next thing that happens here. Cancel-safe.
    pub(super) async fn next(&mut self) -> Happened {
        let Self { keyboard, calls, tasks, settles, .. } = self;
        let settled = async {
            match *settles {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        let typed = async {
            match keyboard {
                Some(keyboard) => keyboard.read().await,
                None => pending().await,
            }
        };
        tokio::select! {
            call = calls.next() => Happened::Called(call),
            Some(Ok(report)) = tasks.join_next() => Happened::Reported(report),
            () = settled => Happened::Settled,
            bytes = typed => match bytes {
                Ok(bytes) if !bytes.is_empty() => Happened::Typed(bytes),
                _ => Happened::HungUp,
            },
        }
    }

    /// Deals with it.
    ///
    /// # Errors
    /// When nothing can be written.
    pub(super) fn handle(&mut self, happened: Happened) -> io::Result<()> {
        match happened {
            Happened::Typed(bytes) => {
                let keys = self.keys.read(&bytes);
                self.press(&keys)
            }
            Happened::HungUp => {
                self.line.hide()?;
                self.queue.clear();
                self.keyboard = None;
                Ok(())
            }
            Happened::Called(call) => self.called(call),
            Happened::Settled => {
                self.settles = None;
                self.line.hide()?;
                self.show()
            }
            Happened::Reported(Report::Open(target, open)) => self.listed(target, open),
            Happened::Reported(Report::Answered(target, id, done)) => self.answered(&target, &id, done),
        }
    }

    /// Takes the last line away, so that something can be printed. [`Asker::show`] puts it back.
    pub(super) fn hide(&mut self) -> io::Result<()> {
        self.line.hide()
    }

    /// Shows the question at hand, where it is not shown.
    pub(super) fn show(&mut self) -> io::Result<()> {
        match self.queue.front() {
            Some(_) if self.settles.is_some() => self.line.show(COMES),
            Some(Waiting { dialogue, .. }) => self.line.show(&dialogue.prompt()),
            None => Ok(()),
        }
    }

    /// A hub was connected, or connected again: what is open there?
    pub(super) fn look(&mut self, target: &Arc<Target>) {
        if let Some(again) = self.listing.get_mut(&target.label) {
            *again = true;
            return;
        }
        self.listing.insert(target.label.clone(), false);
        let target = Arc::clone(target);
        self.tasks.spawn(async move {
            let open = open_at(&target).await;
            Report::Open(target, open)
        });
    }

    /// An event that came.
    ///
    /// # Errors
    /// When nothing can be written.
    pub(super) fn heard(&mut self, target: &Arc<Target>, frame: &Frame) -> io::Result<()> {
        match frame.kind() {
            channel::PERMISSION_REQUESTED => self.look(target),
            channel::PERMISSION_RESOLVED => {
                let id = frame.text("permission_id");
                self.remember(id);
                let how = summary::beside(channel::PERMISSION_RESOLVED, frame.data());
                self.withdraw(|waiting| waiting.dialogue.id() == id, &how)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives the terminal back, and answers that are on their way a moment.
    pub(super) async fn end(mut self) {
        drop(self.line.hide());
        self.keyboard = None;
        let given = async {
            while let Some(reported) = self.tasks.join_next().await {
                if let Ok(Report::Answered(_, _, Err(cause))) = reported {
                    report(&cause, Exit::Failed);
                }
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(2), given).await;
        if in_time.is_err() {
            tracing::warn!("an answer was still on its way");
        }
    }

    fn listed(&mut self, target: Arc<Target>, open: Option<Vec<PermissionRequested>>) -> io::Result<()> {
        if self.listing.remove(&target.label) == Some(true) {
            self.look(&target);
        }
        let Some(open) = open else { return Ok(()) };
        let is_open =
            |waiting: &Waiting| open.iter().any(|asked| asked.permission_id == waiting.dialogue.id());
        let label = target.label.clone();
        self.withdraw(|waiting| waiting.target.label == label && !is_open(waiting), "It is no longer asked")?;
        for asked in open {
            let can_be = asked.expires_at.is_some() && self.queue.len() < MOST;
            if can_be && !self.known.contains(&asked.permission_id) {
                self.remember(&asked.permission_id);
                let dialogue = Dialogue::new(asked);
                self.queue.push_back(Waiting { target: Arc::clone(&target), dialogue });
                if self.queue.len() == 1 {
                    self.begin(true)?;
                }
            }
        }
        Ok(())
    }

    /// Shows what the question at hand is about; one that comes by itself takes no answer for a moment.
    fn begin(&mut self, comes_by_itself: bool) -> io::Result<()> {
        self.line.hide()?;
        self.settles = (comes_by_itself && !self.queue.is_empty()).then(|| Instant::now() + SETTLES);
        let Some(Waiting { dialogue, .. }) = self.queue.front() else {
            if let Some(keyboard) = &mut self.keyboard {
                keyboard.give_back();
            }
            return Ok(());
        };
        if let Some(keyboard) = &mut self.keyboard {
            keyboard.take();
        }
        dialogue.lines().iter().try_for_each(|line| self.line.above(line))?;
        self.show()
    }

    fn press(&mut self, keys: &[keys::Key]) -> io::Result<()> {
        if let Some(settles) = &mut self.settles {
            // Whoever goes on typing has not seen it yet.
            *settles = Instant::now() + SETTLES;
            return Ok(());
        }
        let Some(Waiting { target, dialogue }) = self.queue.front_mut() else { return Ok(()) };
        let word = match dialogue.press(keys) {
            Step::Stay => {
                self.line.hide()?;
                return self.show();
            }
            Step::Next => return self.begin(false),
            Step::Skipped => "skip",
            Step::Decided(decision, word) => {
                let (target, id) = (Arc::clone(target), dialogue.id().to_owned());
                self.tasks.spawn(async move {
                    let done = give(&target, &id, decision).await;
                    Report::Answered(target, id, done)
                });
                word
            }
        };
        self.line.end_with(word)?;
        self.queue.pop_front();
        self.begin(true)
    }

    fn answered(&mut self, target: &Arc<Target>, id: &str, done: anyhow::Result<()>) -> io::Result<()> {
        let Err(cause) = done else { return Ok(()) };
        self.line.hide()?;
        report(&cause, Exit::Failed);
        // Where the question still stands, it can be answered in another way; who is not allowed to would be asked for ever.
        if !super::order::was_refused(&cause) {
            self.known.remove(id);
            self.look(target);
        }
        self.show()
    }

    /// Takes away what is over; the one that is being asked not without a word.
    fn withdraw(&mut self, is_over: impl Fn(&Waiting) -> bool, why: &str) -> io::Result<()> {
        let at_hand = self.queue.front().is_some_and(&is_over);
        self.queue.retain(|waiting| !is_over(waiting));
        if at_hand {
            self.line.end_with("")?;
            self.line.above(why)?;
            self.begin(true)?;
        }
        Ok(())
    }

    fn remember(&mut self, id: &str) {
        // Who has been asked a thousand times is asked anew rather than remembered for ever.
        if self.known.len() >= MOST {
            self.known.clear();
            self.known.extend(self.queue.iter().map(|waiting| waiting.dialogue.id().to_owned()));
        }
        self.known.insert(id.to_owned());
    }

    fn called(&mut self, call: Call) -> io::Result<()> {
        match call {
            Call::End(signal) => {
                drop(self.line.hide());
                self.keyboard = None;
                end_self(signal)
            }
            Call::Stop => {
                self.line.hide()?;
                if let Some(keyboard) = &mut self.keyboard {
                    keyboard.give_back();
                }
                crate::process::signals::stop_self(nix::libc::SIGSTOP, false);
                Ok(())
            }
            Call::Continued => {
                if let (Some(keyboard), false) = (&mut self.keyboard, self.queue.is_empty()) {
                    keyboard.take();
                }
                self.show()
            }
        }
    }
}

async fn open_at(target: &Target) -> Option<Vec<PermissionRequested>> {
    let mut connection = target.connect("ask").await.ok()?;
    let open = permission::open_ones(&mut connection).await.ok()?;
    connection.close().await;
    Some(open)
}

async fn give(target: &Target, id: &str, decision: Value) -> anyhow::Result<()> {
    let order = Order {
        doing: format!("answer permission {} of", escape::visible(id)),
        request: permission::respond(decision, id),
        patience: PATIENCE,
        telling: Telling::new(Format::Text, true),
        tip: None,
    };
    order.carry_out(target).await
}
