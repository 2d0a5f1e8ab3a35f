//! A hub that goes on for another process of the same session, which was killed.

use super::journal::{self, Keeping};
use super::redaction;
use crate::hub::{Hub, Journalist, Numbers, Progress};
use crate::instance::{Instance, RuntimeDirectory};

/// Takes up what there was, or begins where there was nothing; the journal is written from then on, where one is to be
/// kept. To be called before anything is published in this process.
///
/// The numbers go on where the journal has them all, or there is none; otherwise another numbering begins, for nobody
/// shall take one of those that are lost for one of ours.
pub(super) fn go_on(
    hub: &mut Hub,
    instance: &mut Instance,
    progress: Progress,
    keeping: Option<Keeping>,
) -> Option<Journalist> {
    let journal = keeping.map(|_| journal::open(instance.session_id.as_str(), journal::TURN));
    if let Some(before) = progress.numbers() {
        let numbers = match &journal {
            Some(Ok(journal)) if !before.are_all_in(journal.last()) => {
                let fresh = Numbers::fresh_behind(before.epoch.as_str());
                progress.begin_anew(&fresh.epoch);
                fresh
            }
            _ => before,
        };
        if numbers.epoch != *hub.epoch() {
            renumber(hub, instance, numbers);
        }
    }
    hub.keep_progress(progress);
    journal.zip(keeping).and_then(|(journal, keeping)| journal::keep(hub, instance, journal, keeping))
}

fn renumber(hub: &mut Hub, instance: &mut Instance, numbers: Numbers) {
    instance.epoch = numbers.epoch.clone();
    let (session_id, rules) = (instance.session_id.clone(), redaction::rules().clone());
    *hub = Hub::numbered(session_id, hub.bounds(), rules, numbers);
    let record = RuntimeDirectory::open().map_err(|cause| cause.to_string());
    match record.and_then(|runtime| runtime.register(instance).map_err(|cause| cause.to_string())) {
        // Whoever keeps the record already removes it.
        Ok(record) => record.leave_behind(),
        Err(cause) => tracing::warn!("cannot write the epoch into the record: {cause}"),
    }
}
