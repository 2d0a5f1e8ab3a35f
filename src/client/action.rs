//! One thing that is done with claude from elsewhere: the request, and what the hub tells of it until it is over.

use super::{ClientError, Connection, REPLY_DEADLINE};
use crate::dialect::close::{AfterClose, after_close};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

/// One step of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// As the hub said it; every text in it is the hub's own, whatever it holds.
    pub data: Value,
    /// `queued`, `typed`, `accepted`, `done`, `rejected`, or what newer hubs say.
    pub fate: String,
    /// Why not, where it was not done.
    pub reason: Option<String>,
    /// Nothing follows.
    pub last: bool,
}

/// An action that was asked for.
pub struct Action<'a> {
    connection: &'a mut Connection,
    request_id: String,
}

impl Connection {
    /// Asks for something to be done with claude; `request` must be an object. Waits until the hub takes it, within
    /// [`REPLY_DEADLINE`]. Nothing else should be going on here: events that come meanwhile are dropped.
    ///
    /// # Errors
    /// When the hub refuses, or does not answer.
    pub async fn control(
        &mut self,
        mut request: Value,
    ) -> Result<(Action<'_>, Option<Outcome>), ClientError> {
        let request_id = self.request_id();
        request["request_id"] = Value::from(request_id.as_str());
        let text = request.to_string();
        self.say(text).await?;
        let mut action = Action { connection: self, request_id };
        let limit = REPLY_DEADLINE;
        let first = timeout(limit, action.answer()).await;
        let first = first.map_err(|_| ClientError::TimedOut { what: "the answer", limit })??;
        Ok((action, first))
    }
}

impl Action<'_> {
    /// Waits for the next step; that has no deadline of its own, since claude may be busy for long.
    ///
    /// # Errors
    /// When the hub goes back on it, or is gone. Cancel-safe.
    pub async fn next(&mut self) -> Result<Outcome, ClientError> {
        loop {
            if let Some(outcome) = self.answer().await? {
                return Ok(outcome);
            }
        }
    }

    /// The next frame that answers the request; `None` where it only says that it was taken.
    async fn answer(&mut self) -> Result<Option<Outcome>, ClientError> {
        loop {
            let frame = self.connection.next().await?;
            if !frame.answers(&self.request_id) {
                continue;
            }
            return match frame.kind() {
                "error" => Err(frame.error()),
                "outcome" => outcome(frame.data()).map(Some),
                _ => Ok(None),
            };
        }
    }
}

impl ClientError {
    /// Whether the hub has said that its session is over.
    pub fn is_end_of_session(&self) -> bool {
        matches!(self, Self::Closed { code, .. } if after_close(*code) == AfterClose::Over)
    }
}

fn outcome(data: &Value) -> Result<Outcome, ClientError> {
    #[derive(Deserialize)]
    struct Told {
        fate: String,
        #[serde(default)]
        reason: Option<String>,
        #[serde(default)]
        last: bool,
    }
    let told = Told::deserialize(data).map_err(|cause| ClientError::Reply {
        code: "outcome".to_owned(),
        message: format!("it says nothing of what became of it: {cause}"),
    })?;
    let Told { fate, reason, last } = told;
    Ok(Outcome { data: data.clone(), last: last || fate == "rejected", fate, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rejection_is_the_end_whatever_else_is_said() {
        let read = |data: Value| outcome(&data).map(|outcome| (outcome.fate, outcome.reason, outcome.last));
        let typed = read(json!({ "fate": "typed", "reason": null, "last": false, "new": 1 })).unwrap();
        assert_eq!(typed, ("typed".into(), None, false));
        let rejected = read(json!({ "fate": "rejected", "reason": "busy" })).unwrap();
        assert_eq!(rejected, ("rejected".into(), Some("busy".into()), true));
        assert!(read(json!({})).is_err() && read(json!(null)).is_err());
    }
}
