//! Claude's own arguments, read as it reads them: does this call start a session here, and with which settings?
//!
//! Claude looks for a few words and flags by hand before it reads its options (`scan`). Arguments are bytes;
//! only the settings are ever replaced, everything else stays as it was.

use super::scan::{Scan, Value};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Words and flags that are a command where they stand before everything else, even with `-p` behind them.
const FIRST: [&str; 21] = [
    "attach",
    "bridge",
    "daemon",
    "kill",
    "logs",
    "rc",
    "remote",
    "remote-control",
    "respawn",
    "rm",
    "stop",
    "sync",
    "--bg-pty-host",
    "--bg-spare",
    "--chrome-native-host",
    "--claude-in-chrome-mcp",
    "--computer-use-mcp",
    "--daemon-worker",
    "--preload",
    "--update",
    "--upgrade",
];

/// Flags that make it another thing wherever they stand: a session of a daemon, which outlives us, or none.
const ANYWHERE: [&str; 3] = ["--bg", "--background", "--handle-uri"];

/// Options with which no session starts in this process: help, or a session somewhere else.
const ELSEWHERE: [&str; 6] = ["--help", "--version", "--cloud", "--remote", "--tmux", "--tmux=classic"];

/// What a call of claude is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Invocation {
    /// A session starts, in this very process.
    pub starts_session: bool,
    /// It prints its answer and ends (`-p`).
    pub print: bool,
    /// It prints its answer as events, one on a line.
    pub stream_json: bool,
    /// `--bare`: no hooks are run.
    pub bare: bool,
    /// `--safe-mode`: no hooks are run.
    pub safe_mode: bool,
    /// Nothing is said but how to debug: claude may show the view of its agents, if the user prefers that.
    pub may_show_agents: bool,
    settings: Option<Value>,
}

impl Invocation {
    /// Reads the arguments, without the name claude is called by.
    pub fn read(arguments: &[OsString]) -> Self {
        let says = |word: &str| arguments.iter().any(|argument| argument == word);
        let prints = says("-p") || says("--print");
        let scan = Scan::of(arguments, !prints);
        let value_is = |name: &str, text: &str| scan.value(name).is_some_and(|v| v.of(arguments) == text);
        let first = arguments.first().and_then(|argument| argument.to_str());
        let other = scan.incomplete
            || scan.is_command
            || first.is_some_and(|first| FIRST.contains(&first))
            || ANYWHERE.iter().any(|flag| says(flag))
            || ELSEWHERE.iter().any(|name| scan.has(name));
        Self {
            starts_session: !other,
            print: scan.has("--print"),
            stream_json: value_is("--output-format", "stream-json"),
            bare: scan.has("--bare"),
            safe_mode: scan.has("--safe-mode"),
            may_show_agents: says_only_how_to_debug(arguments),
            settings: scan.value("--settings"),
        }
    }

    /// The user's settings, a file or JSON; the last of several, as with claude. `arguments` are those it was read
    /// from.
    pub fn settings<'a>(&self, arguments: &'a [OsString]) -> Option<&'a OsStr> {
        Some(self.settings?.of(arguments))
    }

    /// The same arguments with these settings: in the place of the user's own, or else before everything, where
    /// neither an option that takes many values nor `--` can reach them.
    pub fn with_settings(&self, arguments: &[OsString], settings: &str) -> Vec<OsString> {
        let mut changed = arguments.to_vec();
        match self.settings {
            Some(Value::Whole(at)) => changed[at] = settings.into(),
            Some(Value::Rest(at, from)) => {
                let mut argument = changed[at].as_bytes()[..from].to_vec();
                argument.extend_from_slice(settings.as_bytes());
                changed[at] = OsString::from_vec(argument);
            }
            None => drop(changed.splice(0..0, ["--settings".into(), settings.into()])),
        }
        changed
    }
}

fn says_only_how_to_debug(arguments: &[OsString]) -> bool {
    let mut rest = arguments.iter().map(|argument| argument.as_bytes());
    while let Some(argument) = rest.next() {
        let fits = match argument {
            b"--debug" | b"-d" | b"--debug-to-stderr" | b"-d2e" => true,
            b"--debug-file" => rest.next().is_some(),
            _ => argument.starts_with(b"--debug=") || argument.starts_with(b"--debug-file="),
        };
        if !fits {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn read(arguments: &[&str]) -> Invocation {
        Invocation::read(&words(arguments))
    }

    /// Each judged by the real claude 2.1.197, where it can be without an account.
    #[test]
    fn a_session_is_told_from_a_command() {
        for session in [
            &[][..],
            &["mcp list"],
            &["fix it", "mcp"],
            &["-p", "mcp"],
            &["mcp", "-p"],
            &["-c"],
            &["-r", "mcp"],
            &["--model", "mcp"],
            &["--allowedTools", "Bash", "mcp"],
            &["--debug", "mcp"],
            &["--mcp-config", "a.json", "doctor"],
            &["-nmcp", "x"],
            &["-", "mcp"],
            &["--", "fix it"],
            &["--", "--help"],
            &["--append-system-prompt", "--help"],
            &["help"],
            &["-w", "update", "hello"],
            &["hello", "logs"],
            &["--init-only"],
            &["--resume=x", "--fork-session"],
        ] {
            assert!(read(session).starts_session, "{session:?}");
        }
        for other in [
            &["mcp"][..],
            &["mcp", "list"],
            &["--", "mcp"],
            &["--model", "x", "mcp", "--help"],
            &["--allowedTools=Bash", "mcp"],
            &["--verbose", "doctor"],
            &["--name=x", "plugins"],
            &["-cv"],
            &["-v"],
            &["--verbose", "-v"],
            &["-p", "--help"],
            &["hello", "-h"],
            &["logs", "-p"],
            &["rc"],
            &["stop", "x"],
            &["--bg", "do it"],
            &["-p", "x", "--background"],
            &["--cloud"],
            &["--remote", "x"],
            &["-w", "x", "--tmux"],
            &["--update"],
            &["--settings"],
            &["setup-token"],
            &["install", "latest"],
        ] {
            assert!(!read(other).starts_session, "{other:?}");
        }
    }

    #[test]
    fn the_way_it_prints_is_read() {
        for (arguments, print, stream_json) in [
            (&["-p", "--output-format", "stream-json", "--verbose", "x"][..], true, true),
            (&["--print", "--output-format=stream-json"], true, true),
            (&["-cp", "x"], true, false),
            (&["--output-format=stream-json", "--output-format", "text"], false, false),
            (&["--", "-p"], false, false),
            (&["--append-system-prompt", "-p"], false, false),
            (&["-p", "--", "--output-format=stream-json"], true, false),
        ] {
            let invocation = read(arguments);
            assert_eq!((invocation.print, invocation.stream_json), (print, stream_json), "{arguments:?}");
        }
        assert!(read(&["--bare"]).bare && read(&["--safe-mode"]).safe_mode);
        assert!(!read(&["--", "--bare", "--safe-mode"]).bare);
    }

    #[test]
    fn ours_stand_in_the_place_of_the_users_settings_or_before_everything() {
        for (given, expected) in [
            (&[][..], &["--settings", "J"][..]),
            (&["hello"], &["--settings", "J", "hello"]),
            (&["--", "--settings", "x"], &["--settings", "J", "--", "--settings", "x"]),
            (&["--tools", "a", "--settings", "s", "hi"], &["--tools", "a", "--settings", "J", "hi"]),
            (&["--settings=s", "hi"], &["--settings=J", "hi"]),
            (&["--settings", "a", "--settings=b"], &["--settings", "a", "--settings=J"]),
            (&["--settings", "--settings"], &["--settings", "J"]),
            (&["--settings="], &["--settings=J"]),
        ] {
            let given = words(given);
            assert_eq!(Invocation::read(&given).with_settings(&given, "J"), words(expected), "{given:?}");
        }
    }

    #[test]
    fn the_last_settings_are_the_users() {
        for (arguments, expected) in [
            (&["--settings", "a", "--settings=b"][..], Some("b")),
            (&["--settings=b=c"], Some("b=c")),
            (&["--settings", "-x"], Some("-x")),
            (&["--append-system-prompt", "--settings", "x"], None),
            (&["mcp", "--settings", "x"], None),
        ] {
            let arguments = words(arguments);
            let found = Invocation::read(&arguments).settings(&arguments).map(OsStr::to_owned);
            assert_eq!(found, expected.map(OsString::from), "{arguments:?}");
        }
    }

    #[test]
    fn other_arguments_stay_byte_for_byte() {
        let strange = OsString::from_vec(vec![b'-', 0xff, 0xfe]);
        let given = vec![strange.clone(), OsString::new(), "--settings".into(), "s".into()];
        let changed = Invocation::read(&given).with_settings(&given, "J");
        assert_eq!(changed, [strange, OsString::new(), "--settings".into(), "J".into()]);
    }

    /// Every call of up to four of these: ours are the settings claude finds, and nothing else is read otherwise.
    #[test]
    fn settings_change_nothing_but_the_settings_whatever_stands_around_them() {
        let parts = [
            "mcp",
            "x",
            "-",
            "--",
            "-p",
            "-c",
            "-nx",
            "-n",
            "-r",
            "--tools",
            "--settings",
            "--settings=s",
            "-d",
        ];
        let mut calls: Vec<Vec<&str>> = vec![vec![]];
        for at in 0..4 {
            let longest: Vec<_> = calls.iter().filter(|call| call.len() == at).cloned().collect();
            calls.extend(
                longest.iter().flat_map(|call| parts.map(|part| [call.as_slice(), &[part]].concat())),
            );
        }
        for call in calls {
            let given = words(&call);
            let before = Invocation::read(&given);
            // Claude looks for `-p` even where it is the value of an option, but refuses settings of that name.
            let refused = before.settings(&given).is_some_and(|settings| settings == "-p");
            if !before.starts_session || refused {
                continue;
            }
            let changed = before.with_settings(&given, "{}");
            let after = Invocation::read(&changed);
            assert_eq!(after.settings(&changed), Some(OsStr::new("{}")), "{call:?}");
            let plain = |call: Invocation| Invocation { settings: None, may_show_agents: false, ..call };
            assert_eq!(plain(after), plain(before), "{call:?}");
        }
    }

    #[test]
    fn a_call_that_says_nothing_may_show_the_view_of_agents() {
        assert!(read(&[]).may_show_agents);
        assert!(read(&["-d", "--debug-file", "x"]).may_show_agents);
        assert!(!read(&["-c"]).may_show_agents && !read(&["--debug", "api"]).may_show_agents);
    }
}
