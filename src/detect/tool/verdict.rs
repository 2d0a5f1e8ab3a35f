//! What the result of a delegating call means, and the figures in it.

use crate::detect::observation::{Outcome, Return};
use crate::event::work::{DelegationStatus, FailureReason};
use serde_json::Value;

/// What is said at an end.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Figures {
    pub(super) duration_ms: Option<u64>,
    pub(super) tokens: Option<u64>,
    pub(super) tool_uses: Option<u64>,
}

/// What a result means. A rejection of what was asked for and never began was a refusal, any other an interruption.
pub(super) fn verdict(outcome: &Outcome, was_refused: bool) -> (DelegationStatus, Option<FailureReason>) {
    let reason = match outcome {
        Outcome::Ran(response) if is_api_error(response) => FailureReason::Error,
        Outcome::Ran(_) => return (DelegationStatus::Completed, None),
        Outcome::Failed(_) | Outcome::Unavailable => FailureReason::Error,
        Outcome::Denied => FailureReason::Denied,
        Outcome::Rejected if was_refused => FailureReason::Denied,
        Outcome::Rejected => FailureReason::Interrupted,
    };
    (DelegationStatus::Failed, Some(reason))
}

/// Claude calls an agent completed whose model could not be reached. Its answer is then a line of claude's own, for
/// which no model has written a token.
fn is_api_error(response: &Value) -> bool {
    let written = response.get("usage").and_then(|usage| usage.get("output_tokens")).and_then(Value::as_u64);
    let answer = response.get("content").and_then(|content| content.get(0)?.get("text")?.as_str());
    written == Some(0) && answer.is_some_and(|text| text.starts_with("API Error"))
}

/// The figures of a result.
pub(super) fn figures_of(end: &Return) -> Figures {
    let Outcome::Ran(response) = &end.outcome else {
        return Figures { duration_ms: end.duration_ms, ..Figures::default() };
    };
    let number = |name: &str| response.get(name).and_then(Value::as_u64);
    Figures {
        duration_ms: number("totalDurationMs").or(end.duration_ms),
        tokens: number("totalTokens"),
        tool_uses: number("totalToolUseCount"),
    }
}
