//! With which call claude is started again, by `--restart` or because somebody asks, so that it goes on with the same
//! conversation.

use super::program;
use crate::claude::arguments::Invocation;
use crate::claude::conversation::{Conversation, without_prompt};
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
    /// `None` where nobody restarts claude: it is not wished, and without a hub nobody can ask. By `--restart` its
    /// conversation is given a name, in the arguments, where it has none and is claude's; one that may be asked for is
    /// taken up by the name that it is found to have.
    pub(super) fn plan(options: &RunOptions, with_hub: bool, command: &mut Command) -> Option<Self> {
        let policy = match options.restart {
            RestartWhen::Never if with_hub => Policy::Asked,
            RestartWhen::Never => return None,
            RestartWhen::OnFailure => Policy::OnFailure,
            RestartWhen::Always => Policy::Always,
        };
        let typed = command.arguments.get(1..).unwrap_or_default();
        let converses = program::is_claude(&command.path) && Invocation::read(typed).starts_session;
        let fresh = hub::fresh_id().to_string();
        let conversation = converses.then(|| Conversation::of(typed, &fresh)).flatten();
        if let (Some(conversation), true) = (&conversation, policy != Policy::Asked) {
            command.arguments.splice(1.., conversation.begun().iter().cloned());
        }
        Some(Self { policy, conversation })
    }

    /// With the command as claude is started at first, and the hub that knows in which conversation it is.
    pub(super) fn wish(self, command: &Command, hub: Option<Hub>, folder: Option<ClaudeFolder>) -> Restart {
        let arguments = command.arguments.clone();
        let directory = command.directory.clone().or_else(|| std::env::current_dir().ok());
        let Self { policy, conversation } = self;
        let again = move |is_asked| match &conversation {
            Some(conversation) => {
                let newest = hub.as_ref().and_then(|hub| hub.status().claude_sessions.last().cloned());
                let taken_up =
                    taken_up(conversation, &arguments, newest, folder.as_ref(), directory.as_ref());
                match taken_up {
                    Some(taken_up) if is_asked => without_prompt(&taken_up),
                    taken_up => taken_up.unwrap_or_else(|| arguments.clone()),
                }
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

/// `None` where the call stays as it was: claude refuses to take up what it has not written yet, and to begin what it
/// has.
fn taken_up(
    conversation: &Conversation,
    arguments: &[OsString],
    newest: Option<String>,
    folder: Option<&ClaudeFolder>,
    directory: Option<&PathBuf>,
) -> Option<Vec<OsString>> {
    let written = |id: &String| {
        let transcript =
            folder.zip(directory).and_then(|(folder, directory)| folder.transcript(directory, id));
        transcript.is_some_and(|transcript| has_begun(&transcript))
    };
    let named = conversation.id().map(str::to_owned);
    let id = newest.filter(written).or_else(|| named.filter(written))?;
    Some(conversation.resumed(arguments, &id))
}
