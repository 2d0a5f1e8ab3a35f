//! Which hub a verb speaks to.

use super::caller;
use super::failure::{Exit, Failure};
use crate::cli;
use crate::client::{ClientError, Connection, Endpoint};
use crate::instance::{self, Choice, ENV_SESSION, Instance, RuntimeDirectory};
use crate::tls::{Distrust, Fingerprint};

/// A hub to speak to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// What it is called in messages: `name:port`, or its address.
    pub(super) label: String,
    /// Where it is, the best first.
    pub(super) endpoints: Vec<Endpoint>,
    /// Its record, unless it was named by address.
    pub(super) instance: Option<Instance>,
}

impl Target {
    /// The hub of an instance.
    pub(super) fn of(instance: Instance) -> Self {
        let showing = |endpoint: Endpoint| endpoint.showing(caller::token());
        let endpoints = Endpoint::of(&instance).into_iter().map(showing).collect();
        Self { label: instance.label(), endpoints, instance: Some(instance) }
    }

    /// The hub at an address; `insecure`: our token may be shown there, whoever reads it on the way.
    pub(super) fn at(
        url: &str,
        pin: Option<Fingerprint>,
        insecure: bool,
        doing: &str,
    ) -> Result<Self, Failure> {
        let failed = |cause: String| Failure::new(Exit::Usage, format!("cannot {doing} {url:?}: {cause}"));
        let endpoint = Endpoint::parse(url, pin).map_err(|cause| failed(cause.to_string()))?;
        let label = endpoint.to_string();
        let endpoint = caller::shown_at(endpoint, insecure).map_err(|cause| failed(cause.into()))?;
        Ok(Self { label, endpoints: vec![endpoint], instance: None })
    }

    /// The record of a hub that stands alone, with many sessions; `None` where it is an instance, or has no record.
    pub(super) fn hub(&self) -> Option<Instance> {
        self.record().filter(Instance::stands_alone)
    }

    /// Whether it tells again what was recorded.
    pub(super) fn is_replay(&self) -> bool {
        self.instance.as_ref().is_some_and(Instance::is_replay)
    }

    /// Its record, where there is one on this machine.
    pub(super) fn record(&self) -> Option<Instance> {
        let is_this = |instance: &Instance| {
            let own = Endpoint::of(instance);
            self.endpoints.iter().any(|endpoint| own.iter().any(|own| own.is_same_place(endpoint)))
        };
        self.instance.clone().or_else(|| instances().ok()?.into_iter().find(is_this))
    }

    /// Connects; `doing` is the verb, for the message.
    pub(super) async fn connect(&self, doing: &str) -> Result<Connection, Failure> {
        let opened = Connection::open_any(&self.endpoints).await;
        opened.map(|(connection, _)| connection).map_err(|cause| self.failure(doing, &cause))
    }

    /// What could not be done with this hub.
    pub(super) fn failure(&self, doing: &str, cause: &ClientError) -> Failure {
        let failure = Failure::client(&format!("{doing} {}", self.label), cause);
        match cause {
            ClientError::Connect { .. } => failure.tip("`claude-mpm list` shows what is running"),
            ClientError::Untrusted { cause: Distrust::Unknown { found, .. }, .. } => failure.tip(format!(
                "if the hub itself says that this is its certificate: --tls-fingerprint {found}"
            )),
            _ => failure,
        }
    }
}

/// The running instances.
pub(super) fn instances() -> Result<Vec<Instance>, Failure> {
    let directory =
        RuntimeDirectory::existing().map_err(|cause| Failure::new(Exit::Failed, cause.to_string()))?;
    Ok(directory.map(|directory| directory.list()).unwrap_or_default())
}

/// The hub that is meant; `doing` is the verb, for the message.
pub(super) fn resolve(wanted: &cli::Target, doing: &str) -> Result<Target, Failure> {
    match &wanted.url {
        Some(url) => Target::at(url, wanted.tls_fingerprint, wanted.insecure, doing),
        None => by_word(wanted.instance.as_deref(), doing),
    }
}

/// The hub that is meant; within a session, that of the session.
pub(super) fn resolve_from_inside(wanted: &cli::Target, doing: &str) -> Result<Target, Failure> {
    let session = std::env::var_os(ENV_SESSION).filter(|session| !session.is_empty());
    let (None, None, Some(session)) = (&wanted.url, &wanted.instance, session) else {
        return resolve(wanted, doing);
    };
    let session = session.to_string_lossy();
    let directory =
        RuntimeDirectory::existing().map_err(|cause| Failure::new(Exit::Failed, cause.to_string()))?;
    let found = directory.and_then(|directory| directory.find(&session));
    found.map(Target::of).ok_or_else(|| {
        let failure =
            Failure::new(Exit::NoInstance, format!("cannot {doing} session {session:?}: it has no hub"));
        failure.tip("this is inside of it; choose another with -i")
    })
}

/// The instance meant by a word, or by this directory.
pub(super) fn by_word(word: Option<&str>, doing: &str) -> Result<Target, Failure> {
    let running = instances()?;
    let here = std::env::current_dir().ok();
    let failure = |cause: &str| {
        let object = word.map_or("an instance".to_owned(), |word| format!("instance {word:?}"));
        Failure::new(Exit::NoInstance, format!("cannot {doing} {object}: {cause}"))
    };
    match instance::choose(&running, word, here.as_deref()) {
        Choice::One(found) => Ok(Target::of(found.clone())),
        Choice::Several(several) => {
            let failure = failure("several instances are meant")
                .tip(format!("choose one with -i: {}", labels(&several)));
            Err(if doing == "watch" { failure.tip("or watch all with --all") } else { failure })
        }
        Choice::None if running.is_empty() => Err(failure("no instance is running")
            .tip("start one that can be watched: claude-mpm --websocket --launch-method subprocess")),
        Choice::None => {
            let all: Vec<&Instance> = running.iter().collect();
            Err(failure("none has this name, session id, pid or port")
                .tip(format!("running: {}", labels(&all))))
        }
    }
}

fn labels(instances: &[&Instance]) -> String {
    instances.iter().map(|instance| instance.label()).collect::<Vec<_>>().join(", ")
}
