//! The files of one session: its transcript, and beside it the transcripts of its agents.

use super::{Outlet, time_of};
use crate::detect::claude_json;
use crate::detect::observation::{Agent, Fact, Observation};
use crate::detect::transcript::{AgentMeta, TranscriptDecoder};
use crate::event::{Source, Timestamp};
use crate::hub;
use crate::process::folders::Folders;
use crate::source::claude_folder::{ClaudeFolder, open_own};
use crate::source::growing::GrowingFile;
use crate::source::seen::{FaultKind, Seen};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Most agents of a session that are followed.
const MAX_AGENTS: usize = 1_000;

/// Most of a `meta.json` that is read, bytes.
const MAX_META: u64 = 64 * 1024;

/// Most pieces of a file whose lines are put in order together: 1 MiB.
const MAX_PIECES: usize = 16;

/// How old the newest change of a folder has to be before its time is believed to tell the next one apart.
const SETTLED: Duration = Duration::from_secs(2);

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    claude_session: Arc<str>,
    main: Followed,
    agents: BTreeMap<String, AgentFiles>,
    /// When the agents' folder had changed last, when it was listed.
    listed: Option<SystemTime>,
}

#[derive(Debug)]
struct AgentFiles {
    transcript: Followed,
    meta: PathBuf,
    /// The agent's start was told.
    told: bool,
}

impl Session {
    pub(super) fn new(claude_session: &Arc<str>, path: PathBuf, since: Timestamp) -> Self {
        let main = Followed::new(path, TranscriptDecoder::new(Arc::clone(claude_session), None, since), true);
        Self { claude_session: Arc::clone(claude_session), main, agents: BTreeMap::new(), listed: None }
    }

    pub(super) fn id(&self) -> &Arc<str> {
        &self.claude_session
    }

    /// The transcript stands elsewhere than was thought.
    pub(super) fn moves_to(&mut self, path: PathBuf, since: Timestamp) {
        if self.main.file.path() != path {
            *self = Self::new(&self.claude_session, path, since);
        }
    }

    pub(super) fn listen(&self, folders: &Folders, top: &Path) {
        for folder in
            [self.main.file.path().parent(), Some(self.agents_folder().as_path())].into_iter().flatten()
        {
            let top = if folder.starts_with(top) { top } else { folder };
            folders.listen_down(top, folder);
        }
    }

    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut Followed> {
        let agents = self.agents.values_mut().map(|agent| &mut agent.transcript);
        std::iter::once(&mut self.main).chain(agents)
    }

    /// Looks which agents there are, and tells of those whose `meta.json` says who they are.
    pub(super) fn find_agents(&mut self, since: Timestamp, outlet: &mut Outlet) {
        self.list_agents(since);
        for (id, agent) in self.agents.iter_mut().filter(|(_, agent)| !agent.told) {
            let Ok((meta, at)) = read_meta(&agent.meta) else { continue };
            agent.told = true;
            meta.name.iter().for_each(|name| agent.transcript.decoder.name_agent(name));
            let fact = Fact::AgentStarted {
                agent: Agent { id: id.clone(), name: meta.name },
                tool_use_id: meta.tool_use_id,
            };
            let claude_session = Arc::clone(&self.claude_session);
            let observation = Observation { claude_session, agent: None, at, past: at < since, fact };
            outlet.waiting.push_back(Seen::Observed(Source::Transcript, observation));
        }
    }

    fn agents_folder(&self) -> PathBuf {
        self.main.file.path().with_extension("").join("subagents")
    }

    fn list_agents(&mut self, since: Timestamp) {
        let folder = self.agents_folder();
        let Ok(changed) = folder.symlink_metadata().and_then(|metadata| metadata.modified()) else { return };
        if self.listed == Some(changed) {
            return;
        }
        let Ok(entries) = folder.read_dir() else { return };
        let settled = changed.elapsed().is_ok_and(|age| age > SETTLED);
        self.listed = settled.then_some(changed);
        for entry in entries.flatten() {
            if self.agents.len() >= MAX_AGENTS {
                return;
            }
            let name = entry.file_name();
            if let Some(id) = name.to_str().and_then(agent_id)
                && !self.agents.contains_key(id)
            {
                self.agents.insert(id.to_owned(), self.agent_files(&folder, id, since));
            }
        }
    }

    fn agent_files(&self, folder: &Path, id: &str, since: Timestamp) -> AgentFiles {
        let agent = Agent { id: id.to_owned(), name: None };
        let decoder = TranscriptDecoder::new(Arc::clone(&self.claude_session), Some(agent), since);
        AgentFiles {
            transcript: Followed::new(folder.join(format!("agent-{id}.jsonl")), decoder, false),
            meta: folder.join(format!("agent-{id}.meta.json")),
            told: false,
        }
    }
}

/// The agent that a file belongs to.
fn agent_id(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("agent-")?;
    let id = rest.strip_suffix(".jsonl").or_else(|| rest.strip_suffix(".meta.json"))?;
    claude_json::session_id(id)
}

/// Also when it was written: that is when the agent started.
fn read_meta(path: &Path) -> io::Result<(AgentMeta, Timestamp)> {
    let file = open_own(path)?;
    let at = time_of(file.metadata()?.modified()?);
    let mut content = Vec::new();
    file.take(MAX_META).read_to_end(&mut content)?;
    let meta = AgentMeta::read(&content).ok_or(io::ErrorKind::InvalidData)?;
    Ok((meta, at))
}

/// A transcript and what it means.
#[derive(Debug)]
pub(super) struct Followed {
    file: GrowingFile,
    decoder: TranscriptDecoder,
}

impl Followed {
    fn new(path: PathBuf, decoder: TranscriptDecoder, stays_open: bool) -> Self {
        Self { file: GrowingFile::new(path, stays_open), decoder }
    }

    /// Reads on, and puts what the lines say in the order of their times: of what it writes within a moment, claude
    /// writes the later lines first now and then (2.1.197). `false` where there is nothing more now.
    pub(super) fn read_on(&mut self, folder: &ClaudeFolder, outlet: &mut Outlet) -> bool {
        let before = outlet.waiting.len();
        let is_more = (0..MAX_PIECES).all(|_| self.read_piece(folder, outlet));
        let time = |seen: &Seen| match seen {
            Seen::Observed(_, observation) => (false, Some(observation.at)),
            _ => (true, None),
        };
        outlet.waiting.make_contiguous()[before..].sort_by_key(time);
        is_more
    }

    /// Reads on by a piece; `false` where there is nothing more now.
    fn read_piece(&mut self, folder: &ClaudeFolder, outlet: &mut Outlet) -> bool {
        let (decoder, waiting, now) = (&mut self.decoder, &mut outlet.waiting, hub::now());
        let read = self.file.read_on(folder, |line| {
            decoder.line(line, now, &mut |one| waiting.push_back(Seen::Observed(Source::Transcript, one)));
        });
        let path = self.file.path().display();
        if self.decoder.unread() + self.file.too_long() > 0 {
            let what = format!("cannot read every line of transcript {path}: some are no JSON or too long");
            outlet.fault(FaultKind::Unreadable, what);
        }
        read.unwrap_or_else(|error| {
            outlet.fault(FaultKind::Refused, format!("cannot read transcript {path}: {error}"));
            false
        })
    }
}
