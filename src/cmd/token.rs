//! `token`: make, list, take away and replace the tokens by which a hub knows who may do what. No hub is asked: each
//! reads the file by itself.

use super::escape::json_line;
use super::failure::{Exit, Failure};
use super::paint::{self, Paint};
use super::{column, moment, note, output};
use crate::cli::{Format, TokenChoice, TokenOptions, TokenVerb, TokenWish};
use crate::event::Timestamp;
use crate::hub;
use crate::instance::tokens::{Token, TokenError, TokenStore, Wish};
use crate::instance::{DirectoryError, Secret, StateDirectory};
use anstyle::Style;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

const HEADER: [&str; 5] = ["ID", "ROLE", "CREATED", "EXPIRES", "NOTE"];

/// Runs the verb.
pub(super) fn run(options: &TokenOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    let said = match &options.verb {
        TokenVerb::List(options) => {
            list(&known()?, options.output)?;
            return Ok(Exit::Ok.into());
        }
        TokenVerb::Create(wanted) => create(&store()?, wanted)?,
        TokenVerb::Revoke(chosen) => revoke(&store()?, chosen)?,
        TokenVerb::Rotate(old) => {
            let (token, secret) = store()?.rotate(&old.id).map_err(|cause| failed("rotate", &cause))?;
            hand_out(&secret)?;
            format!("{} takes the place of {}", describe(&token), old.id)
        }
    };
    if !quiet {
        note(&said);
    }
    Ok(Exit::Ok.into())
}

fn store() -> Result<TokenStore, Failure> {
    StateDirectory::open().map(|directory| TokenStore::new(&directory)).map_err(out_of_reach)
}

/// Who only looks makes no directory.
fn known() -> Result<Vec<Token>, Failure> {
    match StateDirectory::existing().map_err(out_of_reach)? {
        Some(directory) => TokenStore::new(&directory).list().map_err(|cause| failed("list", &cause)),
        None => Ok(Vec::new()),
    }
}

fn out_of_reach(cause: DirectoryError) -> Failure {
    Failure::new(Exit::Failed, format!("cannot reach tokens: {cause}"))
}

fn create(store: &TokenStore, wanted: &TokenWish) -> anyhow::Result<String> {
    let expires_at = wanted.expires.as_deref().map(end_of_life).transpose()?;
    let wish = Wish { role: wanted.role.into(), expires_at, note: wanted.note.clone() };
    let (token, secret) = store.create(wish).map_err(|cause| failed("create", &cause))?;
    hand_out(&secret)?;
    Ok(format!("{}; it is shown this once", describe(&token)))
}

fn revoke(store: &TokenStore, chosen: &TokenChoice) -> Result<String, Failure> {
    match &chosen.id {
        Some(id) => {
            let token = store.revoke(id).map_err(|cause| failed("revoke", &cause))?;
            Ok(format!("{} lets nobody in any more", describe(&token)))
        }
        None => {
            store.revoke_all().map_err(|cause| failed("revoke", &cause))?;
            Ok("no token that you have made lets anybody in any more; each running instance keeps its own"
                .into())
        }
    }
}

/// The one place where a secret is printed, and nothing else beside it.
fn hand_out(secret: &Secret) -> io::Result<()> {
    let mut out = output::standard();
    writeln!(out, "{}", secret.reveal())?;
    out.flush()
}

fn end_of_life(text: &str) -> Result<Timestamp, Failure> {
    let now = jiff::Zoned::now();
    let wrong = |cause: &str| Failure::new(Exit::Usage, format!("cannot read time {text:?}: {cause}"));
    let end = moment::ahead(text, &now).ok_or_else(|| wrong("it should look like 30d, 12h or 2026-12-31"))?;
    if end > hub::now() { Ok(end) } else { Err(wrong("it is over")) }
}

fn describe(token: &Token) -> String {
    let end = token.expires_at.map_or(String::new(), |end| format!(", until {end}"));
    format!("token {} with role {}{end}", token.id, token.role)
}

fn failed(doing: &str, cause: &TokenError) -> Failure {
    let failure = Failure::new(Exit::Failed, format!("cannot {doing} token: {cause}"));
    match cause {
        TokenError::Unknown(_) => failure.tip("claude-mpm token list shows those there are"),
        TokenError::Full => failure.tip("claude-mpm token revoke takes one away"),
        TokenError::File { cause, .. } if cause.kind() == io::ErrorKind::InvalidData => {
            failure.tip("claude-mpm token revoke --all begins anew, without any token")
        }
        TokenError::File { .. } | TokenError::Note | TokenError::Random(_) => failure,
    }
}

fn list(tokens: &[Token], output: Format) -> io::Result<()> {
    let now = hub::now();
    let mut out = output::standard();
    match output {
        Format::Json => {
            let list: Value = tokens.iter().map(|token| record(token, now)).collect();
            writeln!(out, "{}", json_line(&list)?)?;
        }
        Format::Text => {
            let paint = Paint::for_stdout();
            let rows = std::iter::once(HEADER.map(String::from).to_vec());
            let rows: Vec<_> = rows.chain(tokens.iter().map(|token| row(token, now))).collect();
            for (index, line) in column::align(&rows).iter().enumerate().filter(|_| !tokens.is_empty()) {
                let style = if index == 0 { paint::STRONG } else { Style::new() };
                writeln!(out, "{}", paint.paint(style, line))?;
            }
        }
    }
    Ok(())
}

fn record(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": token.id,
        "role": token.role,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "expired": token.is_expired(now),
        "note": token.note,
    })
}

fn row(token: &Token, now: Timestamp) -> Vec<String> {
    let end = match token.expires_at {
        None => "never".into(),
        Some(_) if token.is_expired(now) => "expired".into(),
        Some(end) => end.to_string(),
    };
    let note = token.note.clone().unwrap_or_default();
    vec![token.id.clone(), token.role.to_string(), token.created_at.to_string(), end, note]
}
