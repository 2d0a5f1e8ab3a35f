//! What is said to a command line that cannot be read, and what might have been meant.

use super::arguments::run_option_like;
use super::failure::{Exit, Failure};
use crate::cli::Cli;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::process::ExitCode;

/// Why no verb is run: the command line asks for help, or makes no sense.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Help or the version was asked for.
    Answer(clap::Error),
    /// It makes no sense.
    Usage(Failure),
}

impl Refusal {
    /// What clap says, with better tips.
    pub(super) fn clap(cause: clap::Error, args: &[OsString]) -> Self {
        match cause.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Self::Answer(cause),
            _ => Self::Usage(explain(&cause, args)),
        }
    }

    /// An option of `run` with another verb.
    pub(super) fn run_option(option: &str, verb: &str) -> Self {
        Self::Usage(misplaced(option, verb))
    }

    /// Says it and gives the exit status.
    pub(super) fn print(&self) -> ExitCode {
        match self {
            // A closed pipe is nobody's loss.
            Self::Answer(answer) => {
                drop(answer.print());
                Exit::Ok.into()
            }
            Self::Usage(failure) => failure.print(),
        }
    }
}

fn usage(cause: String) -> Failure {
    Failure::new(Exit::Usage, format!("cannot read the command line: {cause}"))
}

fn misplaced(option: &str, verb: &str) -> Failure {
    let failure = usage(format!("{option} is an option of `run`, and means nothing to `{verb}`"));
    if verb_takes(verb, option) {
        return failure.tip(format!(
            "`{verb}` has one of its own, to be written behind it: claude-mpm {verb} {option}"
        ));
    }
    failure.tip(format!(
        "to run claude with it, leave out `{verb}`; claude-mpm {verb} --help shows what it takes"
    ))
}

fn verb_takes(verb: &str, option: &str) -> bool {
    let command = Cli::command();
    let verb = command.find_subcommand(verb);
    verb.is_some_and(|verb| verb.get_arguments().any(|arg| arg.get_long() == option.strip_prefix("--")))
}

fn explain(cause: &clap::Error, args: &[OsString]) -> Failure {
    let verb = verb_of(args);
    let wrong =
        context(cause, ContextKind::InvalidArg).or_else(|| context(cause, ContextKind::InvalidSubcommand));
    let unknown = matches!(cause.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
    if let (true, Some(verb), Some(option)) = (unknown, &verb, wrong.as_deref().and_then(run_option_like))
        && verb != "run"
    {
        return misplaced(&option, verb);
    }
    let (message, tips) = dissect(&cause.to_string().replace("subcommand", "verb"));
    let mut failure = tips.into_iter().fold(usage(message), Failure::tip);
    let runs_claude = verb.as_deref().is_none_or(|verb| verb == "run");
    if let (true, true, Some(wrong)) = (unknown, runs_claude, wrong) {
        failure = failure.tip(format!("to pass it to claude: {}", passed_on(&wrong, args)));
    }
    match verb {
        Some(verb) => failure.tip(format!("claude-mpm {verb} --help shows what it takes")),
        None => failure.tip("claude-mpm --help shows verbs and options"),
    }
}

fn context(cause: &clap::Error, kind: ContextKind) -> Option<String> {
    match cause.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Message and tips out of clap's own text, which goes on with usage and a pointer to `--help`.
fn dissect(text: &str) -> (String, Vec<String>) {
    let mut message: Vec<&str> = Vec::new();
    let head = text.lines().take_while(|line| !line.is_empty());
    message.extend(head.map(|line| line.trim().trim_start_matches("error: ")));
    let tip = |line: &str| line.trim().strip_prefix("tip: ").map(str::to_owned);
    let tips = text.lines().filter_map(tip).filter(|tip| !tip.starts_with("to pass "));
    (message.join(" "), tips.collect())
}

/// The first word that is a verb.
fn verb_of(args: &[OsString]) -> Option<String> {
    let command = Cli::command();
    let verbs = args.iter().skip(1).take_while(|arg| *arg != "--");
    verbs.filter_map(|arg| command.find_subcommand(arg)).map(|verb| verb.get_name().to_owned()).next()
}

/// The same command line with a `--` where claude's arguments seem to begin.
fn passed_on(wrong: &str, args: &[OsString]) -> String {
    let texts: Vec<String> = args.iter().map(|arg| quoted(&arg.to_string_lossy())).collect();
    let wrong = quoted(wrong);
    match texts.iter().position(|text| *text == wrong || text.starts_with(&format!("{wrong}="))) {
        Some(at) if at > 0 => {
            let ours: Vec<&str> =
                texts[1..at].iter().map(String::as_str).filter(|text| *text != "run").collect();
            [&["claude-mpm"], &ours[..], &["--"]].concat().join(" ") + " " + &texts[at..].join(" ")
        }
        _ => format!("claude-mpm -- {wrong}"),
    }
}

/// As a POSIX shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_passed_on_as_a_shell_reads_it() {
        let args = ["claude-mpm", "--websocket", "-p", "what's up", ""].map(OsString::from);
        assert_eq!(passed_on("-p", &args), r"claude-mpm --websocket -- -p 'what'\''s up' ''");
        assert_eq!(passed_on("-x", &args), "claude-mpm -- -x");
    }
}
