//! The command line, read: what belongs to claude is cut off first, then clap reads the rest.

use super::usage::Refusal;
use crate::cli::{Cli, RunOptions, Verb};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, CommandFactory, FromArgMatches};
use std::ffi::{OsStr, OsString};

/// Reads the whole command line, program name first.
pub(super) fn parse(args: Vec<OsString>) -> Result<Cli, Refusal> {
    let (ours, claudes) = split(&args);
    let matches = match read(ours) {
        // It may stand behind `--`, as what begins with a dash has to.
        Err(_) if lacks_something(ours) => read(&args)?,
        matches => matches?,
    };
    if !matches!(matches.subcommand_name(), None | Some("run")) {
        refuse_run_options(&matches)?;
        // Another verb starts no claude: what stands behind `--` is its own.
        return Cli::from_arg_matches(&read(&args)?)
            .map_err(|cause| Refusal::clap(cause, &args))
            .map(complete);
    }
    let matches = read(&without_run(ours, matches.subcommand_name()))?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|cause| Refusal::clap(cause, &args))?;
    debug_assert!(cli.verb.is_none(), "`run` takes no words of its own, so it stands there once");
    cli.run.claude_args = claudes.to_vec();
    Ok(complete(cli))
}

/// At the first `--`.
fn split(args: &[OsString]) -> (&[OsString], &[OsString]) {
    match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[]),
    }
}

fn read(args: &[OsString]) -> Result<ArgMatches, Refusal> {
    Cli::command().try_get_matches_from(args).map_err(|cause| Refusal::clap(cause, args))
}

/// Whether it is all right for another verb than `run`, as far as it goes.
fn lacks_something(args: &[OsString]) -> bool {
    let is_lacking = |cause: &clap::Error| cause.kind() == ErrorKind::MissingRequiredArgument;
    let verb = |matches: ArgMatches| matches.subcommand_name().map(str::to_owned);
    Cli::command().try_get_matches_from(args).is_err_and(|cause| is_lacking(&cause))
        && Cli::command()
            .ignore_errors(true)
            .try_get_matches_from(args)
            .is_ok_and(|matches| verb(matches).is_some_and(|verb| verb != "run"))
}

/// `run` is what is meant without a verb, so its options may stand on both sides of the word: it is the first
/// `run` before which everything is complete, and not the value of an option.
fn without_run(args: &[OsString], verb: Option<&str>) -> Vec<OsString> {
    let is_verb = |at: &usize| args[*at] == OsStr::new("run") && read(&args[..*at]).is_ok();
    let found = verb.and_then(|_| (1..args.len()).find(is_verb));
    args.iter().enumerate().filter(|(at, _)| Some(*at) != found).map(|(_, arg)| arg.clone()).collect()
}

fn refuse_run_options(matches: &ArgMatches) -> Result<(), Refusal> {
    let verb = matches.subcommand_name().unwrap_or_default();
    let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let options = run_options();
    match options.get_arguments().find(|option| typed(option.get_id().as_str())) {
        Some(option) => Err(Refusal::run_option(&long(option), verb)),
        None => Ok(()),
    }
}

/// The option of `run` that is written like this, as its long name.
pub(super) fn run_option_like(written: &str) -> Option<String> {
    let name = written.split('=').next().unwrap_or(written);
    let fits = |option: &&clap::Arg| {
        let longs = option.get_long().into_iter().chain(option.get_all_aliases().into_iter().flatten());
        let mut longs = longs.map(|long| format!("--{long}"));
        longs.any(|long| long == name) || option.get_short().is_some_and(|short| format!("-{short}") == name)
    };
    run_options().get_arguments().find(fits).map(long)
}

fn run_options() -> Command {
    RunOptions::augment_args(Command::new("run"))
}

fn long(option: &clap::Arg) -> String {
    format!("--{}", option.get_long().unwrap_or_else(|| option.get_id().as_str()))
}

fn complete(mut cli: Cli) -> Cli {
    cli.run.log = cli.log.clone();
    if let Some(Verb::Demo(demo)) = &mut cli.verb {
        demo.log = cli.log.clone();
    }
    cli
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn parsed(line: &str) -> Cli {
        parse(words(line)).unwrap_or_else(|_| panic!("refused: {line}"))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn run_is_meant_with_and_without_its_word_and_options_may_stand_on_both_sides() {
        for line in [
            "claude-mpm --websocket -n run --headless",
            "claude-mpm run --websocket -n run --headless",
            "claude-mpm --websocket run -n run --headless",
            "claude-mpm --websocket -n run run --headless",
            "claude-mpm -n run --headless --monitor run",
        ] {
            let cli = parsed(line);
            assert!(cli.verb.is_none(), "{line}");
            assert!(
                cli.run.websocket && cli.run.headless && cli.run.name.as_deref() == Some("run"),
                "{line}"
            );
        }
        assert!(parse(words("claude-mpm run run")).is_err());
    }

    #[test]
    fn everything_behind_the_first_double_dash_reaches_claude_byte_for_byte() {
        let mut args = words("claude-mpm -v run -- -p -- --websocket watch");
        args.push(OsString::from_vec(vec![0xff, b'-', 0xfe]));
        args.push(OsString::new());
        let cli = parse(args.clone()).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(cli.run.claude_args, args[4..]);
        assert_eq!(cli.run.log.verbose, 1);
        assert!(!cli.run.websocket);
        assert!(parsed("claude-mpm --").run.claude_args.is_empty());
    }

    #[test]
    fn general_options_go_with_every_verb_on_both_sides() {
        for line in
            ["claude-mpm -v watch", "claude-mpm watch -v", "claude-mpm -v tail", "claude-mpm logs --verbose"]
        {
            let cli = parsed(line);
            assert!(matches!(cli.verb, Some(Verb::Watch(_))) && cli.log.verbose == 1, "{line}");
        }
        let Some(Verb::Demo(demo)) = parsed("claude-mpm -q demo -n x --websocket-port auto").verb else {
            panic!()
        };
        assert!(demo.log.quiet && demo.websocket_port.is_some());
    }

    #[test]
    fn another_verb_keeps_what_stands_behind_its_double_dash() {
        let Some(Verb::Watch(watch)) = parsed("claude-mpm watch a -- b").verb else { panic!() };
        assert_eq!(watch.channels, ["a", "b"]);
        assert!(parse(words("claude-mpm list -- b")).is_err());
    }

    #[test]
    fn what_another_verb_needs_may_stand_behind_its_double_dash() {
        let Some(Verb::Export(export)) = parsed("claude-mpm export --after 3 -- -x my.event").verb else {
            panic!()
        };
        assert_eq!(
            (export.session_word.as_str(), &export.channels[..]),
            ("-x", &["my.event".to_owned()][..])
        );
        let Some(Verb::Replay(replay)) = parsed("claude-mpm replay --print -- -x -y").verb else { panic!() };
        assert_eq!((replay.recording.as_str(), &replay.channels[..]), ("-x", &["-y".to_owned()][..]));
        for line in [
            "claude-mpm export --",
            "claude-mpm replay -- -x -y",
            "claude-mpm --websocket export -- x",
            "claude-mpm export --bogus -- x",
            "claude-mpm --tls-key x -- -x",
        ] {
            assert!(parse(words(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn options_of_run_are_refused_with_another_verb() {
        for line in [
            "claude-mpm --websocket watch",
            "claude-mpm --monitor list",
            "claude-mpm -n x watch",
            "claude-mpm --websocket-host ::1 status",
            "claude-mpm watch --websocket",
            "claude-mpm list -C /",
        ] {
            assert!(parse(words(line)).is_err(), "{line}");
        }
    }
}
