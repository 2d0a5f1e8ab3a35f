//! Keys that come from somebody else than the user at the terminal, on their way to the thread that writes the child's
//! keys. They wait in a bounded queue; what becomes of each is told once.

use super::draft::{Draft, Prompt, Work};
use crate::process::best_effort;
use nix::unistd::write;
use std::collections::VecDeque;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Injections that wait at most.
pub const MOST: usize = 8;
/// Most bytes of one.
pub const MAX_BYTES: usize = 80 << 10;

/// Marks of a bracketed paste (xterm, `CSI ? 2004 h`).
const PASTE: (&[u8], &[u8]) = (b"\x1b[200~", b"\x1b[201~");

/// What follows an Escape sooner is taken as one key with it.
const ESCAPE: Duration = Duration::from_millis(60);
/// Several of them that are read in one go are none (`^U`, and Backspace).
const KILLING: Duration = Duration::from_millis(5);
/// Claude knows by then where its cursor is.
const LETTING_GO: Duration = Duration::from_millis(50);
/// Claude 2.1.197 loses an Enter that follows a paste at once, more often than not: not before it has drawn that.
const PASTING: Duration = Duration::from_millis(150);

/// What became of an injection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was written, all of it.
    Typed,
    /// Nothing of it was written, because the check said so.
    Refused(String),
    /// It was not written, or not all of it.
    Unwritten(String),
}

/// Bytes that go out in one write, as far as the child takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A text without control characters but LF and TAB, marked as a paste.
    Paste(String),
    /// Keys.
    Keys(Vec<u8>),
}

impl Piece {
    /// As it is written.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Keys(bytes) => bytes.clone(),
            Self::Paste(text) => [PASTE.0, text.as_bytes(), PASTE.1].concat(),
        }
    }

    /// What must still be written when only `count` bytes were, so that what follows is not taken as part of it.
    pub(super) fn owed(&self, count: usize) -> Vec<u8> {
        let Self::Paste(text) = self else { return Vec::new() };
        let (start, end) = (PASTE.0.len(), PASTE.0.len() + text.len());
        let bytes = self.bytes();
        match count {
            0 => Vec::new(),
            _ if count < start => [&PASTE.0[count..], PASTE.1].concat(),
            _ if count < end => {
                let whole = start + text.ceil_char_boundary(count - start);
                [&bytes[count..whole], PASTE.1].concat()
            }
            _ => bytes[count..].to_vec(),
        }
    }

    /// The child shows it.
    pub(super) fn is_drawn(&self) -> bool {
        matches!(self, Self::Paste(_))
    }

    /// How long the child is left alone with it, so that what follows is not taken as part of it.
    pub(super) fn rest(&self) -> Duration {
        match self {
            Self::Paste(_) => PASTING,
            Self::Keys(bytes) if bytes.last() == Some(&0x1b) => ESCAPE,
            Self::Keys(bytes) if bytes[..] == [0x15] => KILLING,
            Self::Keys(bytes) if bytes[..] == [0x7f] => LETTING_GO,
            Self::Keys(_) => Duration::ZERO,
        }
    }
}

/// Run directly before the first byte of a piece is written, with the number of that piece. `Err` says why nothing is.
type Check = Box<dyn Fn(&Draft, usize) -> Result<(), String> + Send>;
type Told = Box<dyn FnOnce(Outcome) + Send>;

/// One injection. Dropped unwritten, it tells so.
pub struct Injection {
    pub(super) pieces: Vec<Piece>,
    pub(super) check: Check,
    told: Option<Told>,
    ticket: Ticket,
    /// A key of the user's in between ends it.
    pub(super) is_whole: bool,
}

/// With which an injection is taken back by whoever no longer wants it.
#[derive(Debug, Clone, Default)]
pub struct Ticket(Arc<AtomicU8>);

impl Ticket {
    const WAITS: u8 = 0;
    const BEGUN: u8 = 1;
    const WITHDRAWN: u8 = 2;

    /// Nothing of it is written any more; `false` when it was begun, and something may have been.
    pub fn withdraw(&self) -> bool {
        self.0.swap(Self::WITHDRAWN, SeqCst) != Self::BEGUN
    }

    /// The same, but where it was begun it goes on: `false`.
    pub fn withdraw_unbegun(&self) -> bool {
        self.0.compare_exchange(Self::WAITS, Self::WITHDRAWN, SeqCst, SeqCst) != Err(Self::BEGUN)
    }

    fn begins(&self) -> bool {
        self.0.compare_exchange(Self::WAITS, Self::BEGUN, SeqCst, SeqCst).is_ok()
    }

    fn goes_on(&self) -> bool {
        self.0.load(SeqCst) == Self::BEGUN
    }
}

impl Injection {
    /// `told` hears once what became of it, in another thread; it must not wait.
    pub fn new(
        pieces: Vec<Piece>,
        check: impl Fn(&Draft, usize) -> Result<(), String> + Send + 'static,
        told: impl FnOnce(Outcome) + Send + 'static,
    ) -> Self {
        let (check, told) = (Box::new(check), Some(Box::new(told) as Told));
        Self { pieces, check, told, ticket: Ticket::default(), is_whole: false }
    }

    /// The pieces belong together: when the user presses a key in between, the others are not written.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.is_whole = true;
        self
    }

    /// To take it back.
    pub fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }

    /// Whether it is still wanted, in front of its first piece.
    pub(super) fn begins(&self) -> bool {
        self.ticket.begins()
    }

    /// And in front of another.
    pub(super) fn goes_on(&self) -> bool {
        self.ticket.goes_on()
    }

    pub(super) fn tell(mut self, outcome: Outcome) {
        if let Some(told) = self.told.take() {
            told(outcome);
        }
    }

    fn is_small(&self) -> bool {
        let length = |piece: &Piece| match piece {
            Piece::Paste(text) => PASTE.0.len() + text.len() + PASTE.1.len(),
            Piece::Keys(bytes) => bytes.len(),
        };
        self.pieces.iter().map(length).sum::<usize>() <= MAX_BYTES
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told(Outcome::Unwritten("its terminal is gone".into()));
        }
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Injection").field("pieces", &self.pieces.len()).finish_non_exhaustive()
    }
}

/// What the thread and those who inject share. Its times are milliseconds since it was made, on a clock that is never set.
#[derive(Debug)]
pub(super) struct Door {
    made: Instant,
    /// `None` once the thread has ended. Never held while anything is written.
    queue: Mutex<Option<VecDeque<Injection>>>,
    /// A [`Prompt`] by its number.
    prompt: AtomicU8,
    /// When the child has last taken a prompt.
    taken: AtomicI64,
    /// When somebody else than the user has last answered a question.
    answered: AtomicI64,
    /// The child does not tell of the prompts that it takes.
    is_untold: AtomicBool,
    /// What the child does, and since when. Short: two words are copied.
    work: Mutex<(Work, i64)>,
}

impl Door {
    pub(super) fn new() -> Self {
        Self {
            made: Instant::now(),
            queue: Mutex::new(Some(VecDeque::new())),
            prompt: AtomicU8::new(Prompt::Empty as u8),
            taken: AtomicI64::new(i64::MIN),
            answered: AtomicI64::new(i64::MIN),
            is_untold: AtomicBool::new(false),
            work: Mutex::new((Work::Idle, i64::MIN)),
        }
    }

    /// The time.
    pub(super) fn now(&self) -> i64 {
        i64::try_from(self.made.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// When that was, by milliseconds since 1970: nothing has happened that is still to come, however the clock was set.
    fn when(&self, at: i64) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let today = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        self.now().saturating_sub(today.saturating_sub(at).max(0))
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Injection>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next(&self) -> Option<Injection> {
        self.lock().as_mut()?.pop_front()
    }

    /// Whether something waits.
    pub(super) fn is_wanted(&self) -> bool {
        self.lock().as_ref().is_some_and(|waiting| !waiting.is_empty())
    }

    /// Nothing is written any more.
    pub(super) fn close(&self) {
        let left = self.lock().take();
        // What they tell may take a lock of its own.
        drop(left);
    }

    /// Tells a draft what the child was told to do.
    pub(super) fn inform(&self, draft: &mut Draft) {
        if self.is_untold.load(SeqCst) {
            draft.is_untold();
        }
        draft.taken(self.taken.load(SeqCst));
        draft.answered_elsewhere(self.answered.load(SeqCst));
        let (work, since) = *self.work.lock().unwrap_or_else(PoisonError::into_inner);
        draft.works(work, since);
    }

    pub(super) fn show(&self, draft: &Draft) {
        self.prompt.store(draft.prompt() as u8, SeqCst);
    }
}

/// Where keys are injected. Clones share the queue.
#[derive(Debug, Clone)]
pub struct Injector {
    pub(super) door: Arc<Door>,
    /// The thread ends when this is gone everywhere.
    pub(super) bell: Weak<OwnedFd>,
}

impl Injector {
    /// Queues it behind those that wait. Never waits; where it cannot be queued, that is told.
    pub fn inject(&self, injection: Injection) {
        let mut queue = self.door.lock();
        let refusal = match queue.as_mut() {
            None => Outcome::Unwritten("its terminal is gone".into()),
            Some(waiting) if waiting.len() >= MOST => {
                Outcome::Unwritten("too many keys wait to be typed".into())
            }
            Some(_) if !injection.is_small() => Outcome::Unwritten("it is too long to be typed".into()),
            Some(waiting) => {
                waiting.push_back(injection);
                drop(queue);
                return self.ring();
            }
        };
        drop(queue);
        injection.tell(refusal);
    }

    /// What stands at the child's prompt.
    pub fn prompt(&self) -> Prompt {
        let number = self.door.prompt.load(SeqCst);
        let known = [Prompt::Empty, Prompt::Shell, Prompt::PutBack, Prompt::Draft];
        known.into_iter().find(|prompt| *prompt as u8 == number).unwrap_or(Prompt::Unsure)
    }

    /// The child has taken a prompt at this time, milliseconds since 1970.
    pub fn prompt_taken(&self, at: i64) {
        self.door.taken.fetch_max(self.door.when(at), SeqCst);
        self.ring();
    }

    /// Somebody else than the user has answered a question of the child's at this time, milliseconds since 1970.
    pub fn answered_elsewhere(&self, at: i64) {
        self.door.answered.fetch_max(self.door.when(at), SeqCst);
        self.ring();
    }

    /// The child does not tell of the prompts that it takes, as was expected.
    pub fn prompts_are_untold(&self) {
        if !self.door.is_untold.swap(true, SeqCst) {
            self.ring();
        }
    }

    /// What the child does since this time, milliseconds since 1970.
    pub fn works(&self, work: Work, since: i64) {
        let since = self.door.when(since);
        *self.door.work.lock().unwrap_or_else(PoisonError::into_inner) = (work, since);
        self.ring();
    }

    fn ring(&self) {
        if let Some(bell) = self.bell.upgrade() {
            // A pipe that is full of rings wakes as well.
            best_effort(write(&*bell, b"!"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_that_was_begun_is_ended_wherever_it_was_cut() {
        let paste = Piece::Paste("a\u{1f600}b".into());
        let bytes = paste.bytes();
        assert_eq!(bytes, b"\x1b[200~a\xf0\x9f\x98\x80b\x1b[201~");
        assert_eq!(paste.owed(0), b"");
        for count in 1..bytes.len() {
            let written = [&bytes[..count], &paste.owed(count)].concat();
            let text = std::str::from_utf8(&written).expect("whole characters");
            assert!(text.starts_with("\x1b[200~") && text.ends_with("\x1b[201~"), "{count}: {text:?}");
        }
        assert_eq!(paste.owed(bytes.len()), b"");
        assert_eq!(Piece::Keys(b"abc".to_vec()).owed(1), b"");
    }

    #[test]
    fn an_injection_that_cannot_be_queued_tells_so() {
        let door = Arc::new(Door::new());
        let injector = Injector { door: Arc::clone(&door), bell: Weak::new() };
        let told = Arc::new(Mutex::new(Vec::new()));
        let inject = |length: usize| {
            let told = Arc::clone(&told);
            let keys = vec![Piece::Keys(vec![b'x'; length])];
            injector.inject(Injection::new(
                keys,
                |_, _| Ok(()),
                move |outcome| told.lock().unwrap().push(outcome),
            ));
        };
        inject(MAX_BYTES + 1);
        (0..=MOST).for_each(|_| inject(MAX_BYTES));
        let expected = ["it is too long to be typed", "too many keys wait to be typed"]
            .map(|why| Outcome::Unwritten(why.into()));
        assert_eq!(*told.lock().unwrap(), expected);
        door.close();
        inject(1);
        assert_eq!(told.lock().unwrap().len(), 2 + MOST + 1);
    }
}
