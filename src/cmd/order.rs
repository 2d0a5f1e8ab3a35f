//! One thing to be done with claude, from the command line: asked of its hub, told step by step, waited for until it is
//! over or takes too long.

use super::failure::{Exit, Failure};
use super::target::Target;
use super::{escape, note, output};
use crate::cli::Format;
use crate::client::{ClientError, Connection, Outcome};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;
use tokio::time::timeout;

/// What is wanted.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// What could not be done, in front of the hub's name: `send prompt to`.
    pub(super) doing: String,
    /// The request, an object.
    pub(super) request: Value,
    /// How long to wait for its end.
    pub(super) patience: Duration,
    /// How its steps are told.
    pub(super) telling: Telling,
    /// What may help where claude's side refuses.
    pub(super) tip: Option<&'static str>,
}

/// How the steps are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    /// Json: on standard output, as they came.
    pub(super) output: Format,
    /// Text: not at all.
    pub(super) quiet: bool,
    /// Of which instance it is, where there are several.
    pub(super) with_name: bool,
}

impl Telling {
    /// Of one instance.
    pub(super) fn new(output: Format, quiet: bool) -> Self {
        Self { output, quiet, with_name: false }
    }

    fn tell(self, label: &str, outcome: &Outcome) -> io::Result<()> {
        if self.output == Format::Json {
            let mut data = outcome.data.clone();
            if let (true, Value::Object(data)) = (self.with_name, &mut data) {
                data.insert("instance".to_owned(), label.into());
            }
            let mut out = output::standard();
            writeln!(out, "{}", escape::json_line(&data)?)?;
            return out.flush();
        }
        // A rejection is told as what could not be done.
        if !self.quiet && outcome.fate != "rejected" {
            let name = if self.with_name { format!("{label}: ") } else { String::new() };
            note(&escape::visible(&format!("{name}{}", outcome.fate)));
        }
        Ok(())
    }
}

impl Order {
    /// Connects, and carries it out.
    pub(super) async fn carry_out(self, target: &Target) -> anyhow::Result<()> {
        let mut connection = target.connect(&self.doing).await?;
        self.carry_out_on(&mut connection, target).await?;
        connection.close().await;
        Ok(())
    }

    /// Carries it out on a connection that is there.
    pub(super) async fn carry_out_on(
        self,
        connection: &mut Connection,
        target: &Target,
    ) -> anyhow::Result<()> {
        let mut last = None;
        let Ok(steps) = timeout(self.patience, self.steps(connection, target, &mut last)).await else {
            return Err(self.timed_out(target, last.as_deref()).into());
        };
        let Some(reason) = steps? else { return Ok(()) };
        let failure = Failure::new(Exit::Failed, format!("cannot {} {}: {reason}", self.doing, target.label));
        Err(self.tip.into_iter().fold(failure, Failure::tip).into())
    }

    /// Every step up to the last; why it was rejected, where it was.
    async fn steps(
        &self,
        connection: &mut Connection,
        target: &Target,
        last: &mut Option<String>,
    ) -> anyhow::Result<Option<String>> {
        let asked = connection.control(self.request.clone()).await;
        let (mut action, mut first) = match asked {
            Err(cause) if self.is_done_by(&cause) => return self.done(target),
            other => other.map_err(|cause| self.failure(target, &cause))?,
        };
        loop {
            let outcome = match first.take() {
                Some(outcome) => outcome,
                None => match action.next().await {
                    Err(cause) if self.is_done_by(&cause) => return self.done(target),
                    other => other.map_err(|cause| self.failure(target, &cause))?,
                },
            };
            self.telling.tell(&target.label, &outcome)?;
            let Outcome { fate, reason, last: is_last, .. } = outcome;
            if is_last {
                return Ok((fate == "rejected").then(|| reason.unwrap_or_else(|| "no reason is told".into())));
            }
            *last = Some(fate);
        }
    }

    /// A hub may be gone with its claude before it can say that this is done.
    fn is_done_by(&self, cause: &ClientError) -> bool {
        self.request["command"] == "stop" && cause.is_end_of_session()
    }

    fn done(&self, target: &Target) -> anyhow::Result<Option<String>> {
        let data =
            json!({ "command": self.request["command"], "fate": "done", "reason": null, "last": true });
        let outcome = Outcome { data, fate: "done".to_owned(), reason: None, last: true };
        self.telling.tell(&target.label, &outcome)?;
        Ok(None)
    }

    fn failure(&self, target: &Target, cause: &ClientError) -> Failure {
        let failure = target.failure(&self.doing, cause);
        if !is_refusal(cause) {
            return failure;
        }
        failure
            .tip("it takes the instance's own user, on its machine, or a token with the role control")
            .tip("claude, and what it started, never may")
    }

    fn timed_out(&self, target: &Target, last: Option<&str>) -> Failure {
        let seconds = self.patience.as_secs_f64();
        let so_far = last.map_or_else(String::new, |fate| format!(", so far it is {fate}"));
        let cause = format!("what became of it was not told within {seconds} s{so_far}");
        let failure =
            Failure::new(Exit::Unreachable, format!("cannot {} {}: {cause}", self.doing, target.label));
        failure
            .tip("it may still be done: `claude-mpm watch control.action` shows it; --timeout waits longer")
    }
}

/// Whether an order failed because of whoever gave it.
pub(super) fn was_refused(cause: &anyhow::Error) -> bool {
    cause.downcast_ref::<Failure>().is_some_and(|failure| failure.exit() == Exit::NotAuthorised)
}

/// Whether the hub refuses whoever asks, and not what is asked.
fn is_refusal(cause: &ClientError) -> bool {
    match cause {
        ClientError::Refused(_) => true,
        ClientError::Reply { code, .. } => code.starts_with("AUTH"),
        _ => false,
    }
}
