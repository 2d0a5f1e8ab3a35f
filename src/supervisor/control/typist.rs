//! Prompts: typed one after the other, each only when claude is idle and nothing else stands at its prompt, and followed
//! until claude says that it has taken it. Nothing is typed twice.

use super::eyes::{Doing, Eyes, may_type};
use super::handed::Handed;
use super::prompt::{as_taken, is_same};
use super::reading::Taken;
use super::wish::Child;
use crate::control::{Command, Fate, Order, Typing};
use crate::process::draft::Prompt;
use crate::process::injection::{MAX_BYTES, Outcome, Piece};
use std::time::{Duration, Instant};

/// Prompts that wait at most.
const WAITING: usize = 16;
/// How long one waits at most.
const PATIENCE: Duration = Duration::from_secs(600);
/// So long after claude is idle again, it takes no prompt any more that it has not taken.
const TAKES: Duration = Duration::from_secs(5);
/// Between the end of a turn and the word that claude waits for the next prompt.
const SETTLES: Duration = Duration::from_millis(1500);
/// `^U` takes away what is in front of the cursor in its line, and then the line. (`^C` would take all, and a second one
/// ends claude.)
const KILL_LINE: u8 = 0x15;
/// In an empty prompt, Backspace lets go of the `!` that makes claude run a shell, and does nothing else (2.1.197). It is
/// pressed where nobody knows of one, too.
const LET_GO: u8 = 0x7f;
/// Most presses of `^U`.
const PRESSES: usize = 60;
/// Claude's terminal has at least so many columns for a line of the prompt.
const COLUMNS: usize = 16;
/// Room for the marks of a paste, Enter, and what clears a prompt.
const MARKS: usize = 16 + PRESSES;

const PUT_BACK: &str = "the prompt that was interrupted stands there again, and is too long to be cleared";
pub(super) const DRAFT: &str = "something is typed at claude's prompt that was not submitted";
const UNSURE: &str = "it is not known whether claude's prompt is empty, since keys were pressed there that may have brought a text or opened a menu: the next prompt typed there makes it known";

/// A prompt that waits.
#[derive(Debug)]
struct Waiting {
    order: Order,
    until: Instant,
    /// It does not count as waiting until then: claude may just be putting things in order.
    settles: Instant,
    /// That it waits was told.
    is_told: bool,
}

/// What is being done.
#[derive(Debug)]
enum Work {
    /// Nothing.
    None,
    /// It is being written.
    Writing { waiting: Waiting, id: u64, seq: u64, handed: Option<Handed> },
    /// It was submitted, and claude has not said that it took it.
    Submitted { order: Order, text: String, seq: u64, until: Instant, idle_since: Option<Instant> },
}

/// All prompts.
#[derive(Debug)]
pub(super) struct Typist {
    work: Work,
    /// Prompts that claude has taken while one was being written, and whether their ends are missing.
    early: Vec<(String, bool)>,
    waiting: Vec<Waiting>,
    /// The prompt that claude has taken last, where it is known whole.
    newest: Option<String>,
}

/// What is to be written, and where.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) pieces: Vec<Piece>,
    /// What stands at the prompt, which must still be so when it is written.
    pub(super) stands: Prompt,
    /// The paste is marked, so the child must want that.
    pub(super) is_marked: bool,
}

impl Typist {
    pub(super) fn new() -> Self {
        Self { work: Work::None, early: Vec::new(), waiting: Vec::new(), newest: None }
    }

    /// Whether something is followed, or waits.
    pub(super) fn is_at_work(&self) -> bool {
        !matches!(self.work, Work::None) || !self.waiting.is_empty()
    }

    /// A prompt; it is tried by [`Typist::next`]. There may be nobody yet who could take it.
    pub(super) fn take(&mut self, mut order: Order, is_starting: bool, now: Instant) {
        let Some(typing) = typing(&order) else { return };
        let is_free = !is_starting && !self.is_at_work();
        if let Err(reason) = check_text(typing) {
            return order.tell(Fate::Rejected { reason: reason.into() });
        }
        if !is_free {
            if !typing.queue {
                let reason =
                    if is_starting { "claude is starting" } else { "another prompt is on its way to claude" };
                return order.tell(Fate::Rejected { reason: reason.into() });
            }
            if self.waiting.len() >= WAITING {
                return order.tell(Fate::Rejected { reason: format!("{WAITING} prompts wait already") });
            }
            order.tell(Fate::Queued);
        }
        let (until, settles) = (now + PATIENCE, now + SETTLES);
        self.waiting.push(Waiting { order, until, settles, is_told: !is_free });
    }

    /// The next one that can be written now, if any. `id` and `seq`: of this writing, and of the newest event. One that
    /// may not wait is rejected where it cannot.
    pub(super) fn next(
        &mut self,
        child: &Child,
        eyes: &Eyes,
        (id, seq): (u64, u64),
        now: Instant,
    ) -> Option<Writing> {
        self.expire(now);
        if !matches!(self.work, Work::None) {
            return None;
        }
        if self.waiting.is_empty() {
            return None;
        }
        let first = self.waiting.remove(0);
        let typing = typing(&first.order)?.clone();
        let doing = eyes.doing(child.pid);
        match writing(&typing, child, doing, self.newest.as_deref()) {
            Ok(writing) => {
                self.early.clear();
                self.work = Work::Writing { waiting: first, id, seq, handed: None };
                Some(writing)
            }
            Err(reason) => {
                if doing == Doing::Settles && now < first.settles {
                    self.waiting.insert(0, first);
                } else {
                    self.put_off(first, reason);
                }
                None
            }
        }
    }

    /// It was handed over.
    pub(super) fn hands(&mut self, it: Handed) {
        if let Work::Writing { id, handed, .. } = &mut self.work
            && *id == it.id
        {
            *handed = Some(it);
        }
    }

    /// It cannot be typed now.
    fn put_off(&mut self, mut waiting: Waiting, reason: &str) {
        match typing(&waiting.order) {
            Some(Typing { queue: true, .. }) => {
                if !std::mem::replace(&mut waiting.is_told, true) {
                    waiting.order.tell(Fate::Queued);
                }
                self.waiting.insert(0, waiting);
            }
            _ => waiting.order.tell(Fate::Rejected { reason: reason.into() }),
        }
    }

    fn expire(&mut self, now: Instant) {
        let minutes = PATIENCE.as_secs() / 60;
        for mut waiting in self.waiting.extract_if(.., |waiting| waiting.until <= now) {
            let reason = format!("claude was not free to take it for {minutes} minutes");
            waiting.order.tell(Fate::Rejected { reason });
        }
    }

    /// What became of a writing.
    pub(super) fn written(&mut self, id: u64, outcome: Outcome, eyes: &Eyes, now: Instant) {
        let work = std::mem::replace(&mut self.work, Work::None);
        let (mut waiting, seq) = match work {
            Work::Writing { waiting, id: ours, seq, .. } if ours == id => (waiting, seq),
            other => {
                self.work = other;
                return;
            }
        };
        match (outcome, typing(&waiting.order)) {
            (Outcome::Typed, Some(typing)) => {
                let is_followed = typing.submit && eyes.is_told_of_prompts();
                let text = as_taken(&typing.literal());
                waiting.order.tell(Fate::Typed { is_last: !is_followed });
                if is_followed {
                    if std::mem::take(&mut self.early)
                        .iter()
                        .any(|(told, is_cut)| is_same(&text, told, *is_cut))
                    {
                        return waiting.order.tell(Fate::Accepted);
                    }
                    let (order, until, idle_since) = (waiting.order, now + PATIENCE, Some(now));
                    self.work = Work::Submitted { order, text, seq, until, idle_since };
                }
            }
            (Outcome::Refused(reason), _) => self.put_off(waiting, &reason),
            (Outcome::Unwritten(reason), _) => waiting.order.tell(Fate::Rejected { reason }),
            (Outcome::Typed, None) => {}
        }
    }

    /// Claude has taken a prompt.
    pub(super) fn taken(&mut self, taken: &Taken) {
        if taken.text.is_some() {
            self.newest = taken.text.clone().filter(|_| !taken.is_cut);
        }
        // Claude may be quicker than the thread that types.
        if let Work::Writing { seq, .. } = &self.work
            && taken.seq > *seq
            && let Some(told) = &taken.text
        {
            self.early.push((told.clone(), taken.is_cut));
        }
        if let Work::Submitted { order, text, seq, .. } = &mut self.work
            && taken.seq > *seq
            && taken.text.as_ref().is_some_and(|told| is_same(text, told, taken.is_cut))
        {
            order.tell(Fate::Accepted);
            self.work = Work::None;
        }
    }

    /// Time has passed, and claude does this now.
    pub(super) fn look(&mut self, doing: Doing, now: Instant) {
        if let Work::Writing { waiting, handed: Some(handed), .. } = &mut self.work
            && let Some(reason) = handed.given_up(now)
        {
            waiting.order.tell(Fate::Rejected { reason: reason.into() });
            self.work = Work::None;
        }
        let Work::Submitted { order, until, idle_since, .. } = &mut self.work else { return };
        match doing {
            Doing::Idle | Doing::Settles | Doing::Unsure => {
                idle_since.get_or_insert(now);
            }
            Doing::Busy | Doing::Asks | Doing::Starting => *idle_since = None,
        }
        if now >= *until || idle_since.is_some_and(|since| now >= since + TAKES) {
            let reason = "no UserPromptSubmit with this text came: look at claude's terminal".into();
            order.tell(Fate::Rejected { reason });
            self.work = Work::None;
        }
    }

    /// Claude is over: nothing is typed any more.
    pub(super) fn give_up(&mut self, reason: &str) {
        let work = std::mem::replace(&mut self.work, Work::None);
        let at_work = match work {
            Work::None => None,
            Work::Writing { waiting, .. } => Some(waiting.order),
            Work::Submitted { order, .. } => Some(order),
        };
        for mut order in at_work.into_iter().chain(self.waiting.drain(..).map(|waiting| waiting.order)) {
            order.tell(Fate::Rejected { reason: reason.into() });
        }
    }
}

/// What is to be written so that claude takes this prompt; `Err` says why nothing is.
fn writing(
    typing: &Typing,
    child: &Child,
    doing: Doing,
    newest: Option<&str>,
) -> Result<Writing, &'static str> {
    let (keys, modes) = child.keys.as_ref().ok_or("claude has no terminal of ours")?;
    may_type(doing)?;
    let stands = keys.prompt();
    let (mut pieces, is_marked) = pieces(typing, modes.marks_pastes())?;
    let (key, presses) = match stands {
        Prompt::Empty if is_marked => (LET_GO, 1),
        Prompt::Empty => (LET_GO, 0),
        // One that is read in one go with a key of the user's does nothing, and neither did that.
        Prompt::Shell => (KILL_LINE, 4),
        Prompt::PutBack => (KILL_LINE, presses(newest)?),
        Prompt::Draft => return Err(DRAFT),
        Prompt::Unsure => return Err(UNSURE),
    };
    pieces.splice(0..0, vec![Piece::Keys(vec![key]); presses]);
    Ok(Writing { pieces, stands, is_marked })
}

fn typing(order: &Order) -> Option<&Typing> {
    match &order.command {
        Command::SendInput(typing) => Some(typing),
        _ => None,
    }
}

/// Control characters are keys, and one of them would end a paste.
fn check_text(typing: &Typing) -> Result<(), &'static str> {
    if typing.text.trim().is_empty() {
        return Err("the text is empty");
    }
    if typing.text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("the text has control characters: lines end with LF, and keys are sent with send_keys");
    }
    if typing.text.len() > MAX_BYTES - MARKS {
        return Err("the text is too long to be typed");
    }
    Ok(())
}

/// As a paste where those are marked, else as keys; with whether it is a marked paste.
fn pieces(typing: &Typing, is_marked: bool) -> Result<(Vec<Piece>, bool), &'static str> {
    let mut text = typing.literal();
    if typing.submit && text.ends_with('\\') {
        // Enter would begin another line behind it; the blank is trimmed.
        text.push(' ');
    }
    if is_marked {
        let enter = typing.submit.then(|| Piece::Keys(b"\r".to_vec()));
        return Ok(([Piece::Paste(text)].into_iter().chain(enter).collect(), true));
    }
    if text.contains(['\n', '\t']) {
        return Err("claude's terminal does not mark pastes now, and the text is not one plain line");
    }
    let enter = if typing.submit { "\r" } else { "" };
    Ok((vec![Piece::Keys([text.as_str(), enter].concat().into_bytes())], false))
}

/// How often `^U` is pressed to clear this prompt, which was put back; more of them do no harm.
fn presses(text: Option<&str>) -> Result<usize, &'static str> {
    let lines = text.into_iter().flat_map(str::lines).map(|line| 2 + line.chars().count() / COLUMNS);
    let presses = lines.sum::<usize>();
    if (1..=PRESSES).contains(&presses) { Ok(presses) } else { Err(PUT_BACK) }
}
