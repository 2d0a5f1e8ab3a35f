//! What can be typed about claude's questions.

use super::{Format, Target, value};
use clap::Args;
use serde_json::{Map, Value};
use std::time::Duration;

/// Options of `permissions`.
#[derive(Debug, Clone, Args)]
pub struct PermissionsOptions {
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Which question is answered, and how long that may take.
#[derive(Debug, Clone, Args)]
pub struct QuestionOptions {
    /// As `permissions` and `permission.requested` name it, or the beginning of that [default: the only one]
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Which instance.
    #[command(flatten)]
    pub target: Target,
    /// How long to wait for what becomes of it
    #[arg(long, value_name = "TIME", value_parser = value::length, default_value = "30s")]
    pub timeout: Duration,
    /// Form of the output; json: each step on a line of standard output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `allow`.
#[derive(Debug, Clone, Args)]
pub struct AllowOptions {
    /// Which question.
    #[command(flatten)]
    pub question: QuestionOptions,
    /// Also whenever claude asks for this again, until its session is over: for exactly this command where the tool is
    /// Bash, for any other tool whatever its input
    #[arg(long)]
    pub remember: bool,
    /// Also where the input is not shown as it is: cut, or with something hidden
    #[arg(long)]
    pub unseen: bool,
    /// Let the tool run with this input instead: a JSON object, the whole of it
    #[arg(long, value_name = "JSON", value_parser = value::object, conflicts_with = "answers")]
    pub input: Option<Map<String, Value>>,
    /// Where claude asks for an answer and not for a permission; QUESTION: its text, header or number. May be repeated,
    /// also for one question of which several answers may be true
    #[arg(long = "answer", value_name = "QUESTION=ANSWER")]
    pub answers: Vec<String>,
}

/// Options of `deny`.
#[derive(Debug, Clone, Args)]
pub struct DenyOptions {
    /// Which question.
    #[command(flatten)]
    pub question: QuestionOptions,
    /// What claude is told
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// End what claude is doing, too
    #[arg(long)]
    pub interrupt: bool,
}
