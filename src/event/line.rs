//! How grave a line of output sounds (requirement R5: `severity` of `pane.output`).
//!
//! Output is text for people, so this is a judgement by its words: what compilers, test runners, shells and logs write where
//! something went wrong. It errs towards `info`: a line that merely speaks of errors is none.

use super::Body;
use super::body::Severity;
use super::channel::{self, Vocabulary};
use serde::Deserialize;

/// So much of a line is looked at, bytes: who reports an error says so in front.
const MOST: usize = 1024;
/// A level of a log stands so near to its front, words.
const LEVEL_PLACE: usize = 12;

/// Said nowhere but where something went wrong.
const FAILURES: [&str; 17] = [
    "Traceback (most recent call last)",
    "panicked at",
    "Segmentation fault",
    "core dumped",
    "command not found",
    "Permission denied",
    "Connection refused",
    "No such file or directory",
    "npm ERR!",
    "Uncaught ",
    "Unhandled ",
    "UnhandledPromiseRejection",
    "BUILD FAILED",
    "test result: FAILED",
    "API Error",
    "Out of memory",
    "AssertionError",
];
/// Said nowhere but in a warning.
const CAUTIONS: [&str; 3] = ["npm WARN", "npm warn", "⚠"];
/// In front of a colon or a bracket.
const ERRORS: [&str; 9] =
    ["error", "Error", "ERROR", "fatal", "Fatal", "FATAL", "panic", "CRITICAL", "Exception"];
const WARNINGS: [&str; 5] = ["warning", "Warning", "WARNING", "warn", "WARN"];
/// By themselves, as levels of a log and as verdicts.
const LOUD_ERRORS: [&str; 7] = ["ERROR", "FATAL", "CRITICAL", "FAILED", "FAIL", "PANIC", "ERR"];
const LOUD_WARNINGS: [&str; 2] = ["WARNING", "WARN"];
/// Behind a number.
const COUNTED_ERRORS: [&str; 6] = ["error", "errors", "failed", "failures", "failing", "problems"];
const COUNTED_WARNINGS: [&str; 2] = ["warning", "warnings"];
/// Behind `error:`, where there is none.
const NOTHING: [&str; 10] = ["[]", "null", "none", "None", "nil", "undefined", "false", "0", "\"\"", "ok"];

/// The severity of a line: `error`, `warning` or `info`.
pub fn severity(line: &str) -> Severity {
    let line = &line[..line.floor_char_boundary(MOST)];
    if FAILURES.iter().any(|words| line.contains(words)) {
        return Severity::Error;
    }
    let caution =
        if CAUTIONS.iter().any(|words| line.contains(words)) { Severity::Warning } else { Severity::Info };
    words(line).map(|word| word.severity()).fold(caution, Severity::max)
}

/// A word and what stands around it.
#[derive(Debug)]
struct Word<'a> {
    text: &'a str,
    place: usize,
    before: Option<&'a str>,
    /// What separates it from the one before.
    gap: &'a str,
    rest: &'a str,
}

/// Letters, digits and underscores together.
fn words(line: &str) -> impl Iterator<Item = Word<'_>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut rest, mut before, mut place) = (line, None, 0);
    std::iter::from_fn(move || {
        let start = rest.find(is_part)?;
        let (gap, tail) = rest.split_at(start);
        let end = tail.find(|c| !is_part(c)).unwrap_or(tail.len());
        let (text, behind) = tail.split_at(end);
        let word = Word { text, place, before, gap, rest: behind };
        (rest, before, place) = (behind, Some(text), place + 1);
        Some(word)
    })
}

impl Word<'_> {
    fn severity(&self) -> Severity {
        if self.is_announced(&ERRORS, &["Error", "Exception"])
            || self.is_level(&LOUD_ERRORS)
            || self.is_counted(&COUNTED_ERRORS)
        {
            return Severity::Error;
        }
        let cautions = self.is_announced(&WARNINGS, &["Warning"])
            || self.is_level(&LOUD_WARNINGS)
            || self.is_counted(&COUNTED_WARNINGS);
        if cautions { Severity::Warning } else { Severity::Info }
    }

    /// `error: x`, `error[E0308]: x`, `[warn] x`, `TypeError: x`, but neither `error: null` nor `no error: x`.
    fn is_announced(&self, words: &[&str], endings: &[&str]) -> bool {
        let is_named = words.contains(&self.text)
            || endings.iter().any(|ending| self.text.len() > ending.len() && self.text.ends_with(ending));
        let is_bracketed = self.gap.ends_with('[') && self.rest.starts_with(']');
        let opens = self.rest.starts_with(": ") || self.rest == ":" || self.is_coded();
        let value = self.rest.trim_start_matches([':', ' ']);
        let is_nothing = NOTHING.iter().any(|nothing| {
            value.strip_prefix(nothing).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        });
        is_named && (is_bracketed || opens && !is_nothing) && !self.is_denied()
    }

    /// `error[E0308]`, `error(TS2304)`, `error TS2304`.
    fn is_coded(&self) -> bool {
        let code = self.rest.strip_prefix(['[', '(', ' ']).unwrap_or_default();
        let code = code.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
        (1..=3).contains(&letters)
            && code.len() > letters
            && code.bytes().skip(letters).all(|b| b.is_ascii_digit())
    }

    fn is_level(&self, words: &[&str]) -> bool {
        let is_alone =
            self.rest.is_empty() || !self.rest.starts_with(['=', '-', '/', '.', '\'', '"', '`', '(']);
        self.place < LEVEL_PLACE
            && words.contains(&self.text)
            && is_alone
            && !self.is_denied()
            && !self.is_part()
    }

    /// Of a name like `ON_ERROR-2` or `"ERROR"`.
    fn is_part(&self) -> bool {
        self.gap.ends_with(['-', '/', '.', '\'', '"', '`', '$', '='])
    }

    /// `3 errors`, `2 failed`, but not `0 failed`.
    fn is_counted(&self, words: &[&str]) -> bool {
        let count = self.before.and_then(|before| before.parse::<u64>().ok());
        words.contains(&self.text) && self.gap == " " && count.is_some_and(|count| count > 0)
    }

    fn is_denied(&self) -> bool {
        self.before.is_some_and(|before| ["no", "No", "0", "without", "not"].contains(&before))
    }
}

impl Body {
    /// How grave it is in other words: the monitor dialect judges lines of output, and takes the word of whoever publishes
    /// the output of a pane.
    pub fn severity_in(&self, vocabulary: Vocabulary) -> Severity {
        match (vocabulary, self) {
            (Vocabulary::Monitor, Self::Output(output)) => severity(&output.content),
            (Vocabulary::Monitor, Self::Published(published))
                if published.channel == channel::PANE_OUTPUT =>
            {
                let told = published.data.get("severity").and_then(|told| Severity::deserialize(told).ok());
                told.unwrap_or(Severity::Info)
            }
            _ => self.severity(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_report_an_error_are_errors() {
        for line in [
            "Error: Connection refused",
            "  ⎿  Error: Exit code 1",
            "error: could not compile `x` (lib) due to 2 previous errors",
            "error[E0308]: mismatched types",
            "src/a.ts(3,5): error TS2304: Cannot find name 'x'.",
            "thread 'main' panicked at src/main.rs:2:5:",
            "Traceback (most recent call last):",
            "ValueError: invalid literal for int()",
            "java.lang.NullPointerException: x",
            "fatal: not a git repository",
            "bash: foo: command not found",
            "cat: x: No such file or directory",
            "npm ERR! code ELIFECYCLE",
            "2026-01-01T00:00:00Z ERROR hub: lost",
            "[error] cannot open",
            "[ERROR] cannot open",
            "test result: FAILED. 1 passed; 1 failed",
            "test a::b ... FAILED",
            "FAILED tests/test_a.py::test_x - assert 1 == 2",
            "2 failed, 10 passed in 0.3s",
            "Found 3 errors in 2 files",
            "✖ 5 problems (5 errors, 0 warnings)",
            "Segmentation fault (core dumped)",
            "panic: runtime error: index out of range",
            "API Error (500): overloaded",
        ] {
            assert_eq!(severity(line), Severity::Error, "{line}");
        }
    }

    #[test]
    fn lines_that_warn_are_warnings() {
        for line in [
            "warning: unused variable: `x`",
            "Warning: deprecated option",
            "DeprecationWarning: use y",
            "npm WARN deprecated x@1",
            "2026-01-01T00:00:00Z WARN hub: slow",
            "[warn] slow",
            "[WARNING] x",
            "generated 3 warnings",
            "⚠ MCP server failed to connect",
            "0 errors, 2 warnings",
        ] {
            assert_eq!(severity(line), Severity::Warning, "{line}");
        }
    }

    #[test]
    fn lines_that_only_speak_of_errors_are_not() {
        for line in [
            "",
            "all is well",
            "test result: ok. 5 passed; 0 failed; 0 ignored",
            "0 errors, 0 warnings",
            "● I'll improve the error handling in parser.rs.",
            "Added an Error type and its Display",
            "use std::error::Error;",
            "fn fail() -> Result<(), Error> {",
            "no error: all files read",
            "\"error\": null,",
            "error: null",
            "errors: []",
            "handled without warnings",
            "set -o errexit, LOG_LEVEL=ERROR",
            "grep -c \"ERROR\" log",
            "see ERROR.md",
            "the tests failed before my change",
            "error_handler.rs",
            "warnings as hints",
        ] {
            assert_eq!(severity(line), Severity::Info, "{line}");
        }
    }

    #[test]
    fn a_very_long_line_is_looked_at_in_front_only() {
        assert_eq!(severity(&format!("{} Error: x", "ä".repeat(40_000))), Severity::Info);
    }
}
