//! Claude's options and how many arguments each takes, as `claude --help` and the hidden ones of 2.1.197 have it.
//!
//! An option that stands in no list is taken for one without a value, as most are.

use Arity::{Many, Maybe, One};

/// How many of the following arguments are an option's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    /// None.
    Zero,
    /// The next, whatever it looks like.
    One,
    /// The next, unless it begins with a dash.
    Maybe,
    /// The next, and all behind it that do not begin with a dash.
    Many,
}

/// Options with a value, by every long name they have.
const WITH_VALUE: [(&str, Arity); 69] = [
    ("--add-dir", Many),
    ("--advisor", One),
    ("--agent", One),
    ("--agent-color", One),
    ("--agent-id", One),
    ("--agent-name", One),
    ("--agent-type", One),
    ("--agents", One),
    ("--allowed-tools", Many),
    ("--allowedTools", Many),
    ("--append-system-prompt", One),
    ("--append-system-prompt-file", One),
    ("--betas", Many),
    ("--channels", Many),
    ("--cloud", Maybe),
    ("--dangerously-load-development-channels", Many),
    ("--debug", Maybe),
    ("--debug-file", One),
    ("--deep-link-cwd-b64", One),
    ("--deep-link-last-fetch", One),
    ("--deep-link-repo", One),
    ("--disallowed-tools", Many),
    ("--disallowedTools", Many),
    ("--effort", One),
    ("--fallback-model", One),
    ("--file", Many),
    ("--from-pr", Maybe),
    ("--input-format", One),
    ("--json-schema", One),
    ("--managed-settings", One),
    ("--max-budget-usd", One),
    ("--max-thinking-tokens", One),
    ("--max-turns", One),
    ("--mcp-config", Many),
    ("--model", One),
    ("--name", One),
    ("--output-format", One),
    ("--parent-session-id", One),
    ("--permission-mode", One),
    ("--permission-prompt-tool", One),
    ("--plan-mode-instructions", One),
    ("--plugin-dir", One),
    ("--plugin-dir-no-mcp", One),
    ("--plugin-url", One),
    ("--prefill", One),
    ("--prefill-b64", One),
    ("--prompt-suggestions", Maybe),
    ("--rc", Maybe),
    ("--remote", Maybe),
    ("--remote-control", Maybe),
    ("--remote-control-session-name-prefix", One),
    ("--resume", Maybe),
    ("--resume-session-at", One),
    ("--rewind-files", One),
    ("--sdk-url", One),
    ("--session-id", One),
    ("--setting-sources", One),
    ("--settings", One),
    ("--system-prompt", One),
    ("--system-prompt-file", One),
    ("--task-budget", One),
    ("--team-name", One),
    ("--teammate-mode", One),
    ("--teleport", Maybe),
    ("--thinking", One),
    ("--thinking-display", One),
    ("--tools", Many),
    ("--workload", One),
    ("--worktree", Maybe),
];

/// Options of one letter, with the long names that mean the same.
const LETTERS: [(&str, &str); 8] = [
    ("-c", "--continue"),
    ("-d", "--debug"),
    ("-h", "--help"),
    ("-n", "--name"),
    ("-p", "--print"),
    ("-r", "--resume"),
    ("-v", "--version"),
    ("-w", "--worktree"),
];

/// How many arguments the option takes.
pub(super) fn arity(name: &[u8]) -> Arity {
    let found = WITH_VALUE.iter().find(|(known, _)| known.as_bytes() == name);
    found.map_or(Arity::Zero, |(_, arity)| *arity)
}

/// The long name of an option of one letter, `-p`.
pub(super) fn of_letter(name: &[u8]) -> Option<&'static [u8]> {
    LETTERS.iter().find(|(letter, _)| letter.as_bytes() == name).map(|(_, long)| long.as_bytes())
}
