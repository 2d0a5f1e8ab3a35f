//! What a run of a scenario really contains, written down by hand from its script and from what claude does with it.
//! It is the measure for whatever tells what claude did, so nothing here may come from such a teller.

/// The facts of one run: what whoever watched claude from its start to its end should know then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Everything that was delegated, in the order in which the model asked for it.
    pub delegations: Vec<Delegation>,
    /// The list of what is to do.
    pub todos: Todos,
    /// Tickets that were created: id and title, in order.
    pub tickets: Vec<(&'static str, &'static str)>,
    /// What the user was asked, in order.
    pub asks: Vec<Ask>,
}

/// One piece of delegated work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Whom it was given to.
    pub agent: &'static str,
    /// Its short description.
    pub task: &'static str,
    /// How it ended.
    pub end: End,
    /// Whether whoever gave it went on meanwhile.
    pub background: bool,
    /// The agent that gave it, if it was not the main conversation.
    pub parent: Option<&'static str>,
}

/// How delegated work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With an answer.
    Completed,
    /// Without one.
    Failed(Reason),
}

/// Why delegated work has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was not allowed to begin.
    Denied,
    /// The user or the model stopped it.
    Interrupted,
    /// It could not be done: no such agent, or the API failed.
    Error,
    /// claude ended before it did, and had no time for a word about it.
    SessionEnded,
    /// claude was told to end, and interrupted it first: both reasons are right.
    InterruptedByEnd,
}

impl Reason {
    /// Whether this word (`denied`, `interrupted`, `error`, `session_ended`) says it rightly.
    pub fn admits(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Self::Denied => &["denied"],
            Self::Interrupted => &["interrupted"],
            Self::Error => &["error"],
            Self::SessionEnded => &["session_ended"],
            Self::InterruptedByEnd => &["interrupted", "session_ended"],
        };
        words.contains(&word)
    }
}

/// The list of what is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Todos {
    /// How many calls of a tool changed the list. One that leaves it as it was does not count.
    pub changes: usize,
    /// The list at the end: content and status (`pending`, `in_progress`, `completed`). Where a run takes up an earlier
    /// conversation, it begins with that one's list.
    pub last: Vec<(&'static str, &'static str)>,
}

/// Something that waits for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Whether this tool may be used.
    Permission(&'static str),
    /// A question of the model's.
    Question,
    /// Whether a plan is good.
    Plan,
}

impl Delegation {
    /// Work that the main conversation gave and waited for, and that was done.
    pub fn done(agent: &'static str, task: &'static str) -> Self {
        Self { agent, task, end: End::Completed, background: false, parent: None }
    }

    /// Work that the main conversation gave and waited for in vain.
    pub fn failed(agent: &'static str, task: &'static str, reason: Reason) -> Self {
        Self { end: End::Failed(reason), ..Self::done(agent, task) }
    }

    /// The same, while whoever gave it went on.
    pub fn in_background(self) -> Self {
        Self { background: true, ..self }
    }

    /// The same, given by `parent`.
    pub fn given_by(self, parent: &'static str) -> Self {
        Self { parent: Some(parent), ..self }
    }
}
