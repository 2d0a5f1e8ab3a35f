//! The same hook twice: claude runs ours of this run beside ours that its user has installed.

use crate::control::HookPost;
use crate::event::Timestamp;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The hooks that came last.
#[derive(Debug, Default)]
pub(super) struct Repeats(VecDeque<(u64, Timestamp)>);

impl Repeats {
    /// Hooks that are compared, and for how long. Two that mean two things differ at least in an id, but for questions.
    const REMEMBERED: usize = 64;
    const MILLIS: u64 = 2_000;

    /// Whether the same came a moment ago; it is known from now on.
    pub(super) fn has(&mut self, post: &HookPost) -> bool {
        let (hash, now) = (hash(post), post.arrived);
        let is_same = |(known, at): &(u64, Timestamp)| *known == hash && now.millis_since(*at) < Self::MILLIS;
        if self.0.iter().any(is_same) {
            return true;
        }
        if self.0.len() >= Self::REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((hash, now));
        false
    }

    /// It looked the same, and is another one: the same comes again of this one.
    pub(super) fn renew(&mut self, post: &HookPost) {
        let hash = hash(post);
        if let Some((_, at)) = self.0.iter_mut().rev().find(|(known, _)| *known == hash) {
            *at = post.arrived;
        }
    }
}

fn hash(post: &HookPost) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Behind what a command is given there is a newline.
    (&post.event, post.body.trim_ascii()).hash(&mut hasher);
    hasher.finish()
}
