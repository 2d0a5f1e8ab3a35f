//! Claude's own arguments, read as it reads them: does this call start a session here, and with which settings?
//!
//! Claude reads its options with commander.js, in front of which stand a few words and flags that are looked for by
//! hand. Arguments are bytes; only the settings are ever replaced, everything else stays as it was.

use super::options::{Arity, arity, of_letter};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Words that are a command where they stand first among the words. The last two are those of older versions.
const COMMANDS: [&str; 19] = [
    "agents",
    "auth",
    "auto-mode",
    "doctor",
    "gateway",
    "import-conversations",
    "install",
    "mcp",
    "plugin",
    "plugins",
    "project",
    "rc",
    "remote-control",
    "setup-token",
    "ultrareview",
    "update",
    "upgrade",
    "config",
    "migrate-installer",
];

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

/// Where the value of an option stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// It is the argument with this index.
    Whole(usize),
    /// It is the rest of that argument, from this byte on.
    Rest(usize, usize),
}

impl Value {
    fn of(self, arguments: &[OsString]) -> &OsStr {
        match self {
            Self::Whole(at) => &arguments[at],
            Self::Rest(at, from) => OsStr::from_bytes(&arguments[at].as_bytes()[from..]),
        }
    }
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

/// One pass over the arguments.
#[derive(Debug, Default)]
struct Scan<'a> {
    options: Vec<(&'a [u8], Option<Value>)>,
    /// The first word is a command, and what stands behind it is the command's.
    is_command: bool,
    /// An option lacks its value: claude refuses that.
    incomplete: bool,
}

impl<'a> Scan<'a> {
    /// Reads all; `commands` is whether a word can be a command.
    fn of(arguments: &'a [OsString], commands: bool) -> Self {
        let mut scan = Self::default();
        let (mut at, mut words) = (0, 0);
        while let Some(argument) = arguments.get(at) {
            let argument = argument.as_bytes();
            let word = match argument {
                b"--" => arguments.get(at + 1).map(|next| next.as_bytes()),
                _ if is_option(argument) => None,
                _ => Some(argument),
            };
            if let Some(word) = word {
                scan.is_command |= words == 0 && commands && is_command(word);
                words += 1;
            }
            if argument == b"--" || scan.is_command {
                break;
            }
            at = if is_option(argument) { scan.option(arguments, at) } else { at + 1 };
        }
        scan
    }

    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| *known == name.as_bytes())
    }

    /// The last value given.
    fn value(&self, name: &str) -> Option<Value> {
        self.options.iter().rev().find(|(known, _)| *known == name.as_bytes()).and_then(|(_, value)| *value)
    }

    /// Reads the option at `at`, and says where the next argument stands.
    fn option(&mut self, arguments: &'a [OsString], at: usize) -> usize {
        let argument = arguments[at].as_bytes();
        if argument[1] != b'-' {
            return self.letters(arguments, at);
        }
        match argument.iter().position(|byte| *byte == b'=') {
            Some(sign) if arity(&argument[..sign]) != Arity::Zero => {
                self.options.push((&argument[..sign], Some(Value::Rest(at, sign + 1))));
                at + 1
            }
            _ => self.values(arguments, at, argument),
        }
    }

    /// Reads one or more options of one letter, the last of which may have a value: `-p`, `-cr ID`, `-rID`.
    fn letters(&mut self, arguments: &'a [OsString], at: usize) -> usize {
        let letters = arguments[at].as_bytes();
        for place in 1..letters.len() {
            let Some(name) = of_letter(&[b'-', letters[place]]) else { break };
            let rest = place + 1;
            if rest == letters.len() {
                return self.values(arguments, at, name);
            }
            if arity(name) != Arity::Zero {
                self.options.push((name, Some(Value::Rest(at, rest))));
                return at + 1;
            }
            self.options.push((name, None));
        }
        at + 1
    }

    /// Notes an option with the values behind it.
    fn values(&mut self, arguments: &[OsString], at: usize, name: &'a [u8]) -> usize {
        let arity = arity(name);
        let plain =
            |at: usize| arguments.get(at).is_some_and(|next| !is_option(next.as_bytes()) && next != "--");
        let next = at + 1;
        let taken = match arity {
            Arity::Zero => 0,
            Arity::Maybe => usize::from(plain(next)),
            Arity::One | Arity::Many => usize::from(next < arguments.len()),
        };
        self.incomplete |= taken == 0 && matches!(arity, Arity::One | Arity::Many);
        self.options.push((name, (taken == 1).then_some(Value::Whole(next))));
        let more =
            if arity == Arity::Many { (next + taken..).take_while(|at| plain(*at)).count() } else { 0 };
        next + taken + more
    }
}

/// As commander has it: a dash alone is a word.
fn is_option(argument: &[u8]) -> bool {
    argument.len() > 1 && argument[0] == b'-' && argument != b"--"
}

fn is_command(word: &[u8]) -> bool {
    COMMANDS.iter().any(|command| command.as_bytes() == word)
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

    #[test]
    fn a_call_that_says_nothing_may_show_the_view_of_agents() {
        assert!(read(&[]).may_show_agents);
        assert!(read(&["-d", "--debug-file", "x"]).may_show_agents);
        assert!(!read(&["-c"]).may_show_agents && !read(&["--debug", "api"]).may_show_agents);
    }
}
