//! Which conversation a call of claude is about, so that a later call can go on with it.

use super::scan::Scan;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Options by which a call goes on with an earlier conversation: it does so again when it is made again.
const EARLIER: [&str; 4] = ["--resume", "--continue", "--from-pr", "--teleport"];
const NAMED: &str = "--session-id";

/// The call of a conversation that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its arguments, without the name claude is called by.
    arguments: Vec<OsString>,
    /// The conversation's id.
    id: OsString,
}

impl Conversation {
    /// Of these arguments, without the name claude is called by. A conversation that has no name yet is given `fresh`,
    /// a UUID. `None` where the call takes up an earlier conversation: the same call does so again.
    pub fn of(arguments: &[OsString], fresh: &str) -> Option<Self> {
        let prints = arguments.iter().any(|argument| argument == "-p" || argument == "--print");
        let scan = Scan::of(arguments, !prints);
        if EARLIER.iter().any(|name| scan.has(name)) {
            return None;
        }
        if let Some(id) = scan.value(NAMED) {
            return Some(Self { arguments: arguments.to_vec(), id: id.of(arguments).to_owned() });
        }
        let mut named = vec![NAMED.into(), fresh.into()];
        named.extend_from_slice(arguments);
        Some(Self { arguments: named, id: fresh.into() })
    }

    /// The arguments of the first call.
    pub fn begun(&self) -> &[OsString] {
        &self.arguments
    }

    /// Its id, as far as it is text.
    pub fn id(&self) -> Option<&str> {
        self.id.to_str()
    }

    /// Turns the arguments of a call that begins it, whatever was added to them, into those of one that takes up the
    /// conversation `id`. The first of them is the name claude is called by.
    pub fn resumed(&self, arguments: &[OsString], id: &str) -> Vec<OsString> {
        let joined = [NAMED.as_bytes(), b"=", self.id.as_bytes()].concat();
        let mut changed = Vec::with_capacity(arguments.len());
        let mut rest = arguments.iter().peekable();
        while let Some(argument) = rest.next() {
            if argument == NAMED && rest.peek().is_some_and(|value| **value == self.id) {
                rest.next();
                changed.extend(["--resume".into(), id.into()]);
            } else if argument.as_bytes() == joined {
                changed.push(OsStr::new(&format!("--resume={id}")).to_owned());
            } else {
                changed.push(argument.clone());
            }
        }
        if changed == arguments {
            // It was never given its name.
            changed.splice(changed.len().min(1)..changed.len().min(1), ["--resume".into(), id.into()]);
        }
        changed
    }
}

/// The arguments without the prompt that a call begins with, which was given already. Of a call that prints its answer
/// (`-p`), the prompt is all there is, and stays. The first of them is the name claude is called by.
pub fn without_prompt(arguments: &[OsString]) -> Vec<OsString> {
    let Some((name, typed)) = arguments.split_first() else { return Vec::new() };
    let scan = Scan::of(typed, false);
    if scan.has("--print") {
        return arguments.to_vec();
    }
    let kept = typed.iter().enumerate().filter(|(at, _)| !scan.words.contains(at));
    std::iter::once(name).chain(kept.map(|(_, argument)| argument)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_conversation_is_named_begun_and_taken_up_again() {
        for (typed, begun, resumed) in [
            (&["-p", "x"][..], &["--session-id", "new", "-p", "x"][..], &["--resume", "id", "-p", "x"][..]),
            (&["--session-id", "mine", "x"], &["--session-id", "mine", "x"], &["--resume", "id", "x"]),
            (&["--session-id=mine"], &["--session-id=mine"], &["--resume=id"]),
        ] {
            let conversation = Conversation::of(&words(typed), "new").unwrap();
            assert_eq!(conversation.begun(), words(begun));
            let added = |list: &[&str]| words(&[&["claude", "--settings", "{}"], list].concat());
            assert_eq!(conversation.resumed(&added(begun), "id"), added(resumed));
        }
    }

    #[test]
    fn a_conversation_that_was_never_given_its_name_is_taken_up_by_the_one_it_has() {
        let conversation = Conversation::of(&words(&["x"]), "unused").unwrap();
        let called = words(&["claude", "--settings", "{}", "x"]);
        let resumed = words(&["claude", "--resume", "id", "--settings", "{}", "x"]);
        assert_eq!(conversation.resumed(&called, "id"), resumed);
    }

    #[test]
    fn a_prompt_that_was_given_is_not_given_again() {
        for (called, without) in [
            (
                &["claude", "--model", "opus", "fix it", "--debug"][..],
                &["claude", "--model", "opus", "--debug"][..],
            ),
            (&["claude", "--resume", "id", "--", "-x"], &["claude", "--resume", "id"]),
            (&["claude", "-p", "fix it"], &["claude", "-p", "fix it"]),
            (&["claude"], &["claude"]),
        ] {
            assert_eq!(without_prompt(&words(called)), words(without));
        }
    }

    #[test]
    fn a_call_that_takes_up_an_earlier_one_stays_as_it_is() {
        for typed in [&["-c"][..], &["--resume"], &["-r", "id", "x"], &["--resume=id"], &["-pc", "x"]] {
            assert_eq!(Conversation::of(&words(typed), "new"), None, "{typed:?}");
        }
        assert!(Conversation::of(&words(&["--", "--continue"]), "new").is_some());
    }
}
