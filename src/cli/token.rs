//! What can be typed about tokens.

use super::Format;
use crate::instance::Role;
use clap::{Args, Subcommand, ValueEnum};

/// Options of `token`.
#[derive(Debug, Clone, Args)]
#[command(subcommand_value_name = "ACTION", disable_help_subcommand = true)]
pub struct TokenOptions {
    /// What to do.
    #[command(subcommand)]
    pub verb: TokenVerb,
}

/// What to do with the tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenVerb {
    /// Make a token, and print it: this once
    Create(TokenWish),
    /// List the tokens there are, without their secrets
    List(TokenList),
    /// Take a token away: nobody is let in with it any more
    Revoke(TokenChoice),
    /// Put a new secret in the place of an old one, and print it: this once
    Rotate(TokenId),
}

/// What a new token is to be.
#[derive(Debug, Clone, Args)]
pub struct TokenWish {
    /// What it allows
    #[arg(long, value_name = "ROLE", value_enum, default_value_t)]
    pub role: TokenRole,
    /// What it is for, to know it again
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// When it stops to count: in 30d, 12h; 2026-12-31 [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
}

/// Options of `token list`.
#[derive(Debug, Clone, Args)]
pub struct TokenList {
    /// Form of the output
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

/// Which tokens.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct TokenChoice {
    /// This one, as `token list` names it
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// All of them
    #[arg(long)]
    pub all: bool,
}

/// Which token.
#[derive(Debug, Clone, Args)]
pub struct TokenId {
    /// As `token list` names it
    #[arg(value_name = "ID")]
    pub id: String,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TokenRole {
    /// Follow events, ask for status and history
    #[default]
    Read,
    /// Also put events on the hub
    Publish,
    /// Everything
    Control,
}

impl From<TokenRole> for Role {
    fn from(role: TokenRole) -> Self {
        match role {
            TokenRole::Read => Self::Read,
            TokenRole::Publish => Self::Publish,
            TokenRole::Control => Self::Control,
        }
    }
}
