//! What we show a hub to be let in: the token of this process, from a file or from the environment. It is taken before
//! anything else runs, so that no child gets it.

use super::failure::{Exit, Failure};
use crate::cli::{Cli, Verb};
use crate::client::Endpoint;
use crate::instance::{ENV_TOKEN, Secret, SecretError};
use crate::process::taken_variable;
use std::ffi::OsString;
use std::sync::OnceLock;

/// Set once, before there is a second thread; what is forked later has it too.
static TOKEN: OnceLock<Secret> = OnceLock::new();

/// The token, where there is one.
pub(super) fn token() -> Option<&'static Secret> {
    TOKEN.get()
}

/// The place as a caller that shows the token, where that may be shown.
///
/// # Errors
/// When everybody on the way could read it; what follows "cannot VERB ADDRESS: ".
pub(super) fn shown_at(endpoint: Endpoint, insecure: bool) -> Result<Endpoint, &'static str> {
    match token() {
        Some(_) if !insecure && endpoint.shows_others() => {
            Err("the token would be read by everybody on the way; take wss://, or --insecure to show it")
        }
        token => Ok(endpoint.showing(token)),
    }
}

/// What the environment holds; from now on it is gone from there. To be called while there is one thread.
pub(super) fn take() -> Option<OsString> {
    taken_variable::take(ENV_TOKEN).filter(|token| !token.is_empty())
}

/// Reads the token that the command line or the environment names, where a hub is to be called.
pub(super) fn settle(cli: &Cli, from_environment: Option<OsString>) -> Result<(), Failure> {
    let Call::Hub { file } = call_of(cli) else { return Ok(()) };
    let failed = |cause: SecretError| {
        let runs_claude = matches!(cli.verb, None | Some(Verb::Run(_)));
        let exit = if runs_claude { Exit::RunFailed } else { Exit::Failed };
        (exit, cause)
    };
    let token = match (file, from_environment) {
        (Some(file), _) => Secret::from_file(file)
            .map_err(failed)
            .map_err(|(exit, cause)| Failure::new(exit, format!("cannot read token: {cause}")))?,
        (None, Some(text)) => Secret::parse(&text.to_string_lossy())
            .map_err(failed)
            .map_err(|(exit, cause)| Failure::new(exit, format!("cannot use {ENV_TOKEN}: {cause}")))?,
        (None, None) => return Ok(()),
    };
    // Nobody has set it before.
    drop(TOKEN.set(token));
    Ok(())
}

/// Whether a verb calls a hub, and where it is told to find the token.
enum Call<'a> {
    Nobody,
    Hub { file: Option<&'a std::path::Path> },
}

fn call_of(cli: &Cli) -> Call<'_> {
    let file = match &cli.verb {
        None | Some(Verb::Run(_)) => return call_of_run(cli),
        Some(Verb::Watch(options)) => options.target.token_file.as_deref(),
        Some(Verb::Status(options)) => options.target.token_file.as_deref(),
        Some(Verb::History(options)) => options.target.token_file.as_deref(),
        Some(Verb::Explain(options)) => options.target.token_file.as_deref(),
        Some(Verb::Publish(options)) => options.target.token_file.as_deref(),
        Some(Verb::Send(options)) => options.target.token_file.as_deref(),
        Some(Verb::Interrupt(options)) => options.target.token_file.as_deref(),
        Some(Verb::Stop(options)) => options.end.target.token_file.as_deref(),
        Some(Verb::Restart(options)) => options.target.token_file.as_deref(),
        Some(Verb::Permissions(options)) => options.target.token_file.as_deref(),
        Some(Verb::Allow(options)) => options.question.target.token_file.as_deref(),
        Some(Verb::Deny(options)) => options.question.target.token_file.as_deref(),
        Some(Verb::Open(options)) => options.target.token_file.as_deref(),
        Some(Verb::List(_) | Verb::Check(_) | Verb::Export(_)) => None,
        Some(
            Verb::Demo(_)
            | Verb::Serve(_)
            | Verb::Replay(_)
            | Verb::Hook(_)
            | Verb::Schema(_)
            | Verb::Token(_),
        ) => return Call::Nobody,
    };
    Call::Hub { file }
}

/// Beside a hub that has the port, it calls that one without being told.
fn call_of_run(cli: &Cli) -> Call<'_> {
    let options = match &cli.verb {
        Some(Verb::Run(options)) => options,
        _ => &cli.run,
    };
    let serves = options.websocket || options.websocket_port.is_some() || options.hub.is_some();
    if serves { Call::Hub { file: options.hub_token_file.as_deref() } } else { Call::Nobody }
}
