//! `--restart`: with which call claude is started again, so that it goes on with the same conversation.

use super::program;
use crate::claude::arguments::Invocation;
use crate::claude::conversation::Conversation;
use crate::cli::{RestartWhen, RunOptions};
use crate::hub::{self, Hub};
use crate::process::program::Command;
use crate::source::claude_folder::{ClaudeFolder, open_own};
use crate::supervisor::restart::{Policy, Restart};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Of a transcript, that much is looked through for its first word, bytes.
const MAX_HEAD: u64 = 4 << 20;

/// The wish, before there is a hub.
#[derive(Debug)]
pub(super) struct Restarting {
    policy: Policy,
    conversation: Option<Conversation>,
}

impl Restarting {
    /// `None` where claude is not restarted. Otherwise its conversation is given a name, in the arguments, where it has
    /// none and is claude's.
    pub(super) fn plan(options: &RunOptions, command: &mut Command) -> Option<Self> {
        let policy = match options.restart {
            RestartWhen::Never => return None,
            RestartWhen::OnFailure => Policy::OnFailure,
            RestartWhen::Always => Policy::Always,
        };
        let typed = command.arguments.get(1..).unwrap_or_default();
        let converses = program::is_claude(&command.path) && Invocation::read(typed).starts_session;
        let fresh = hub::fresh_id().to_string();
        let conversation = converses.then(|| Conversation::of(typed, &fresh)).flatten();
        if let Some(conversation) = &conversation {
            command.arguments.splice(1.., conversation.begun().iter().cloned());
        }
        Some(Self { policy, conversation })
    }

    /// With the command as claude is started at first, and the hub that knows in which conversation it is.
    pub(super) fn wish(self, command: &Command, hub: Option<Hub>, folder: Option<ClaudeFolder>) -> Restart {
        let arguments = command.arguments.clone();
        let directory = command.directory.clone().or_else(|| std::env::current_dir().ok());
        let Self { policy, conversation } = self;
        let again = move || match &conversation {
            Some(conversation) => {
                let newest = hub.as_ref().and_then(|hub| hub.status().claude_sessions.last().cloned());
                taken_up(conversation, &arguments, newest, folder.as_ref(), directory.as_ref())
            }
            None => arguments.clone(),
        };
        Restart { policy, arguments: Box::new(again) }
    }
}

/// Whether a word of the conversation is in its transcript. Claude makes the file at once and writes words later.
fn has_begun(transcript: &Path) -> bool {
    let mut head = Vec::new();
    let read = open_own(transcript).and_then(|file| file.take(MAX_HEAD).read_to_end(&mut head));
    read.is_ok() && memchr::memmem::find(&head, br#""type":"user""#).is_some()
}

/// Claude refuses to take up what it has not written yet, and to begin what it has.
fn taken_up(
    conversation: &Conversation,
    arguments: &[OsString],
    newest: Option<String>,
    folder: Option<&ClaudeFolder>,
    directory: Option<&PathBuf>,
) -> Vec<OsString> {
    let written = |id: &String| {
        let transcript =
            folder.zip(directory).and_then(|(folder, directory)| folder.transcript(directory, id));
        transcript.is_some_and(|transcript| has_begun(&transcript))
    };
    let named = conversation.id().map(str::to_owned);
    match newest.filter(written).or_else(|| named.filter(written)) {
        Some(id) => conversation.resumed(arguments, &id),
        None => arguments.to_vec(),
    }
}
