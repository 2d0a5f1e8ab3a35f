//! The hub that is told of a session beside the session's own: which one, and the telling while the session lives.

use super::caller;
use super::failure::{Exit, Failure};
use crate::client::Endpoint;
use crate::client::uplink::{self, Link, Over, Uplink};
use crate::event::Source;
use crate::event::body::{Body, Fault, Severity};
use crate::hub::{self, Hub};
use crate::instance::{Instance, RuntimeDirectory};
use crate::tls::Fingerprint;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the end of a session waits until the other hub has heard of it, where that is connected.
const LAST_TELLING: Duration = Duration::from_secs(2);
/// And where it is not: one attempt.
const LAST_ATTEMPT: Duration = Duration::from_millis(200);

/// The hub at an address (`--hub`); `insecure`: our token may be shown there, whoever reads it on the way. One of this
/// user's own is called by its socket.
pub(super) fn to_address(address: &str, pin: Option<Fingerprint>, insecure: bool) -> Result<Uplink, Failure> {
    let failed = |doing: &str, cause: String| {
        Failure::new(Exit::Usage, format!("cannot {doing} {address:?}: {cause}"))
    };
    let endpoint =
        Endpoint::parse(address, pin).map_err(|cause| failed("read address", cause.to_string()))?;
    caller::shown_at(endpoint.clone(), insecure).map_err(|cause| failed("tell", cause.into()))?;
    let records = RuntimeDirectory::existing().ok().flatten().map(|directory| directory.list());
    let own = records
        .unwrap_or_default()
        .into_iter()
        .find(|instance| Endpoint::of(instance).iter().any(|own| own.is_same_place(&endpoint)));
    Ok(own.as_ref().map_or_else(|| new(vec![endpoint]), to_hub))
}

/// The hub of a record.
pub(super) fn to_hub(hub: &Instance) -> Uplink {
    new(Endpoint::of(hub))
}

fn new(endpoints: Vec<Endpoint>) -> Uplink {
    let key = [hub::fresh_id(), hub::fresh_id()].map(|id| id.simple().to_string()).concat();
    let endpoints = endpoints.into_iter().map(|endpoint| endpoint.showing(caller::token())).collect();
    Uplink { endpoints, key }
}

/// The telling of one session.
#[derive(Debug)]
pub(super) struct Telling {
    task: JoinHandle<()>,
    link: watch::Receiver<Link>,
}

impl Telling {
    /// Begins; it ends by itself when the hub's log is closed and told.
    pub(super) fn begin(uplink: Uplink, hub: Hub) -> Self {
        let (tell_link, link) = watch::channel(Link::Begun);
        let mut news = link.clone();
        let task = tokio::spawn(async move {
            let place = uplink.place();
            let mut telling = std::pin::pin!(uplink::run(uplink, hub.clone(), tell_link));
            let mut was_down = false;
            loop {
                tokio::select! {
                    over = &mut telling => {
                        if let Over::Refused(cause) = over {
                            say(&hub, Severity::Warning, format!("cannot tell {place} of this session: {cause}"));
                        }
                        return;
                    }
                    Ok(()) = news.changed() => match news.borrow_and_update().clone() {
                        Link::Down(cause) => {
                            was_down = true;
                            let error = format!("cannot tell {place} of this session now: {cause}");
                            say(&hub, Severity::Warning, error);
                        }
                        Link::Up if was_down => {
                            was_down = false;
                            say(&hub, Severity::Info, format!("{place} is told of this session again"));
                        }
                        Link::Up | Link::Begun => {}
                    }
                }
            }
        });
        Self { task, link }
    }

    /// Waits until the rest is told, or nobody takes it.
    pub(super) async fn finish(self) {
        let Self { mut task, link } = self;
        let limit = if *link.borrow() == Link::Up { LAST_TELLING } else { LAST_ATTEMPT };
        if tokio::time::timeout(limit, &mut task).await.is_err() {
            tracing::warn!("cannot tell the other hub of the session's end in time");
            task.abort();
        }
    }
}

/// An instance that does not reach the other hub says so where it can be heard.
fn say(hub: &Hub, severity: Severity, error: String) {
    // Behind the end of the session comes nothing.
    if hub.is_session_over() {
        return;
    }
    let (component, error_code) = ("uplink".into(), "WS001".into());
    hub.publisher(Source::Supervisor).publish(Body::Error(Fault { error, component, severity, error_code }));
}
