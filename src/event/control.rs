//! Questions of claude's that somebody may answer, and what somebody did with claude from elsewhere. The fields the
//! wire shows.

use super::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The tool by which claude asks a person something; its dialog is no question of permission.
pub const QUESTION_TOOL: &str = "AskUserQuestion";

/// `permission.requested`: claude asks whether it may use a tool, whether its plan is right, or what its user wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionRequested {
    /// Names it in `respond_permission`.
    pub permission_id: String,
    /// The tool claude wants to use.
    pub tool_name: String,
    /// What with; long texts are cut, and secrets are hidden.
    pub tool_input: Value,
    /// Fields of it that were cut; `...` where some were left out. What is not shown runs all the same.
    #[serde(default)]
    pub truncated: Vec<String>,
    /// Fields of it in which something is hidden. What is not shown runs all the same.
    #[serde(default)]
    pub redacted: Vec<String>,
    /// The agent that asks; `null` for claude itself.
    pub agent: Option<String>,
    /// Rules claude suggests to remember, in its own form.
    pub suggestions: Vec<Value>,
    /// What is asked, where it is no permission (AskUserQuestion), in claude's own form.
    pub questions: Option<Value>,
    /// Until then it can be answered from elsewhere; `null` where only claude's terminal can.
    pub expires_at: Option<Timestamp>,
}

impl PermissionRequested {
    /// Fields of the input that are not shown as they are, each once.
    pub fn not_whole(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.truncated.iter().map(String::as_str).collect();
        names.extend(
            self.redacted
                .iter()
                .map(String::as_str)
                .filter(|name| !self.truncated.iter().any(|cut| cut == name)),
        );
        names
    }
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Yes, or an answer.
    Allow,
    /// No.
    Deny,
    /// Nobody answered it: claude was interrupted, or is over.
    Cancelled,
    /// It can no longer be answered from elsewhere; at claude's terminal it may still stand.
    Expired,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// Somebody at claude's terminal.
    Local,
    /// Somebody who answered it here.
    Remote,
    /// Nobody: the session went on without, or is over.
    Session,
}

/// `permission.resolved`: the end of what `permission.requested` began. There is exactly one for each, but where who tells it
/// is killed: what `session.end`, or a `system.error` RES001 of the supervisor, finds open is over, and `get_status` names what
/// is open behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionResolved {
    /// Which.
    pub permission_id: String,
    /// How.
    pub decision: Decision,
    /// By whom.
    pub by: DecidedBy,
    /// What the model was told, where it was told something.
    pub message: Option<String>,
}

/// `control.action`: somebody did something with claude from elsewhere, or tried to. One event for each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlAction {
    /// The same in each step of one action.
    pub control_id: String,
    /// `send_input`, `send_keys`, `interrupt`, `stop`, `restart` or `respond_permission`.
    pub action: String,
    /// `requested`, `queued`, `typed`, `accepted`, `done`, `rejected` or `refused`.
    pub outcome: String,
    /// Why it was not done.
    pub reason: Option<String>,
    /// What it was about, in a few words; never a typed text.
    pub detail: Option<String>,
    /// Who: `unix` or `tcp`, with the process and the token as far as they are known.
    pub peer: String,
}
