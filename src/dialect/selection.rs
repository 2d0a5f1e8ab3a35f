//! What the filters of the envelope and monitor dialects select. Both leave out more than the classic dialect lets a client
//! leave out: no types are all types, times may be Unix milliseconds.

use super::fault::Fault;
use super::fields::Fields;
use super::manner::Manner;
use super::request::{DEFAULT_LIMIT, MAX_LIMIT, Subscribe, names, patterns, saturated};
use crate::event::Epoch;
use crate::event::channel::Vocabulary;
use crate::filter::{Filter, MAX_PATTERNS, Pattern, Query};

/// How a dialect speaks of events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// The field that holds patterns of event types.
    pub(super) types: &'static str,
    /// In whose words those are.
    pub(super) vocabulary: Vocabulary,
}

impl Words {
    /// A subscription. Where nothing else says from where on, `since` does.
    pub(super) fn subscribe(self, fields: &Fields<'_>) -> Result<Subscribe, Fault> {
        let filter = self.filter(fields)?;
        let replay = fields.number("replay")?.map(saturated);
        let since = if replay.is_none() { filter.since } else { None };
        let (after, epoch) = (fields.number("after")?, fields.text("epoch")?);
        Ok(Subscribe { filter, replay, after, epoch, since, manner: Manner::read(fields)? })
    }

    /// Types that are no longer wanted; `None`: all.
    pub(super) fn unsubscribe(self, fields: &Fields<'_>) -> Result<Option<Vec<Pattern>>, Fault> {
        let wanted = patterns(fields, self.types)?;
        let others = ["sessions", "session_id", "sources", "windows"];
        match others.iter().find(|name| wanted.is_none() && fields.raw(name).is_some()) {
            Some(name) => Err(Fault::parameter(
                name,
                format_args!("only {} are unsubscribed; subscribe anew for the rest", self.types),
            )),
            None => Ok(wanted),
        }
    }

    /// Past events.
    pub(super) fn past(self, fields: &Fields<'_>) -> Result<Query, Fault> {
        let limit = fields.number("limit")?.map_or(DEFAULT_LIMIT, saturated);
        if limit > MAX_LIMIT {
            return Err(Fault::parameter("limit", format_args!("more than {MAX_LIMIT}")));
        }
        let filter = self.filter(fields)?;
        let (after, before) = (fields.number("after")?, fields.number("before")?);
        let epoch = fields.text("epoch")?.map(|epoch| Epoch::new(&epoch));
        Ok(Query { limit, after, before, epoch, since: filter.since, until: filter.until, filter })
    }

    fn filter(self, fields: &Fields<'_>) -> Result<Filter, Fault> {
        let one_session = fields.text("session_id")?;
        let sessions = match names(fields, "sessions")? {
            Some(sessions) => sessions,
            None => one_session.into_iter().collect(),
        };
        Ok(Filter {
            channels: patterns(fields, self.types)?.unwrap_or_else(|| vec![Pattern::All]),
            sessions,
            sources: names(fields, "sources")?.unwrap_or_default(),
            min_severity: fields.typed("min_severity", "one of info, warning, error, critical")?,
            since: fields.bound_or_millis("since")?,
            until: fields.bound_or_millis("until")?,
            windows: windows(fields)?,
            except: Vec::new(),
            vocabulary: self.vocabulary,
        })
    }
}

fn windows(fields: &Fields<'_>) -> Result<Vec<u64>, Fault> {
    let windows: Vec<u64> = fields.typed("windows", "an array of window numbers")?.unwrap_or_default();
    if windows.len() > MAX_PATTERNS {
        return Err(Fault::parameter("windows", format_args!("more than {MAX_PATTERNS} entries")));
    }
    Ok(windows)
}
