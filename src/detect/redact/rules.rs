//! The secrets that are known without being told: what each looks like, by which mark a text that may hold it is known,
//! and how one begins that a cut has left half.
//!
//! Formats are those their issuers document; a format that ordinary text may have as well has a judge. A mark that words
//! end with counts where no word is in front of it: at an end of what a terminal or a string does not show ([`FRONT`]).

use super::judge;
use regex::Regex;
use std::sync::OnceLock;

/// Whether a text is what it looks like.
type Judge = fn(&str) -> bool;

/// A kind of secret.
pub(super) struct Rule {
    /// What stands in its place: `[REDACTED:kind]`.
    pub(super) kind: &'static str,
    /// None of these, no secret of the kind.
    pub(super) marks: &'static [&'static str],
    /// The secret, or the group `secret` of it.
    pattern: &'static str,
    /// The secret from its beginning to the end of a text that was cut.
    beginning: &'static str,
    /// Whether what was found is one.
    pub(super) is_secret: Judge,
    /// Whether what was found of one in front of a cut may be its beginning.
    pub(super) may_begin: Judge,
    /// It is known by itself, and not by what stands before it: so it is when it is put together of two rows, too.
    pub(super) is_known_by_itself: bool,
    compiled: OnceLock<Regex>,
    compiled_beginning: OnceLock<Regex>,
}

impl Rule {
    const fn new(
        (kind, marks): (&'static str, &'static [&'static str]),
        (pattern, beginning): (&'static str, &'static str),
        (is_secret, may_begin, is_known_by_itself): (Judge, Judge, bool),
    ) -> Self {
        Self {
            kind,
            marks,
            pattern,
            beginning,
            is_secret,
            may_begin,
            is_known_by_itself,
            compiled: OnceLock::new(),
            compiled_beginning: OnceLock::new(),
        }
    }

    /// Compiled when the first mark is seen: most runs never need it.
    pub(super) fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| compile(self.pattern))
    }

    pub(super) fn beginning(&self) -> &Regex {
        self.compiled_beginning.get_or_init(|| compile(self.beginning))
    }
}

/// What may stand in front of a secret: nothing, what is neither letter nor digit, a terminal's sequence with or without
/// its ESC (`ESC[32m`, `ESC[K`, `ESC(B`), an escape of a string (`\\n`, `\\u003d`), a percent sign's (`%20`).
const FRONT: &str = r"(?:\A|[^A-Za-z0-9]|\[[0-9;:?]{0,24}[A-Za-z]|\x1b[()][0-9A-Z]|\\[nrtbfv0]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})";

/// Between a name and its secret: no end of a line, behind which another command would stand.
const GAP: &str = r"[^\S\r\n]";

/// `FRONT` and `GAP` stand for themselves in a pattern.
fn compile(pattern: &str) -> Regex {
    Regex::new(&pattern.replace("FRONT", FRONT).replace("GAP", GAP)).expect("the tests compile every pattern")
}

/// All of them but blocks of private keys. Where two find the same, the first gives the name.
pub(super) static RULES: [Rule; 14] = [
    Rule::new(
        ("anthropic_key", &["sk-ant-"]),
        ("sk-ant-[A-Za-z0-9_-]{12,}", r"sk-ant-[A-Za-z0-9_-]*\z"),
        (judge::always, judge::always, true),
    ),
    Rule::new(
        ("openai_key", &["sk-"]),
        (
            r"FRONT(?<secret>sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|or-v1-[0-9a-f]{32,}|[A-Za-z0-9]{32,}))",
            r"FRONT(?<secret>sk-[A-Za-z0-9_-]*)\z",
        ),
        (judge::has_digit, judge::always, true),
    ),
    Rule::new(
        ("aws_key", &["AKIA", "ASIA", "ABIA", "ACCA"]),
        (
            r"FRONT(?<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?:_|(?-u:\b))",
            r"FRONT(?<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]*)\z",
        ),
        (judge::always, judge::always, true),
    ),
    Rule::new(
        (
            "aws_key",
            &[
                "ccess_key",
                "ccess-key",
                "ccess key",
                "ccess Key",
                "ccess-Key",
                "ccessKey",
                "CCESS_KEY",
                "CCESS-KEY",
                "CCESS KEY",
                "ession_token",
                "ession-token",
                "ession token",
                "ession Token",
                "ession-Token",
                "essionToken",
                "ESSION_TOKEN",
                "ESSION-TOKEN",
                "ESSION TOKEN",
            ],
        ),
        (
            r#"(?i)(?:secret[-_ ]?access[-_ ]?key|session[-_ ]?token)(?:GAP\[[^\]\s]{0,40}\])?\\{0,3}["']?(?:GAP{0,8}[:=>,]GAP{0,8}|GAP{1,8})\\{0,3}["']?(?<secret>[A-Za-z0-9/+=]{40,})"#,
            r#"(?i)(?:secret[-_ ]?access[-_ ]?key|session[-_ ]?token)(?:GAP\[[^\]\s]{0,40}\])?\\{0,3}["']?(?:GAP{0,8}[:=>,]GAP{0,8}|GAP{1,8})\\{0,3}["']?(?<secret>[A-Za-z0-9/+=]*)\z"#,
        ),
        (judge::always, judge::always, true),
    ),
    Rule::new(
        ("github_token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"]),
        (
            r"(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})",
            r"(?:gh[pousr]_[A-Za-z0-9]*|github_pat_[A-Za-z0-9_]*)\z",
        ),
        (judge::has_digit, judge::always, true),
    ),
    Rule::new(
        ("gitlab_token", &["glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "glagent-"]),
        (
            r"gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9]+)*",
            r"gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_.-]*\z",
        ),
        (judge::has_digit, judge::always, true),
    ),
    Rule::new(
        ("slack_token", &["xox"]),
        (r"xox[abcdeprs]-[A-Za-z0-9%-]{10,}", r"xox[abcdeprs]-[A-Za-z0-9%-]*\z"),
        (judge::has_digit, judge::always, true),
    ),
    Rule::new(
        ("slack_token", &["xapp-"]),
        (r"FRONT(?<secret>xapp-[A-Za-z0-9-]{20,})", r"FRONT(?<secret>xapp-[A-Za-z0-9-]*)\z"),
        (judge::has_digit, judge::always, true),
    ),
    Rule::new(
        ("slack_token", &["hooks.slack.com"]),
        (
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9+/_-]{20,})",
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9+/_-]*)\z",
        ),
        (judge::has_digit, judge::always, true),
    ),
    Rule::new(
        ("google_key", &["AIza", "GOCSPX-", "ya29."]),
        (
            r"FRONT(?<secret>AIza[A-Za-z0-9_-]{35,}|GOCSPX-[A-Za-z0-9_-]{24,}|ya29\.[A-Za-z0-9_.-]{20,})",
            r"FRONT(?<secret>AIza[A-Za-z0-9_-]*|GOCSPX-[A-Za-z0-9_-]*|ya29\.[A-Za-z0-9_.-]*)\z",
        ),
        (judge::always, judge::always, true),
    ),
    // A name that ends with ours may go on with many words; a token is 43 characters.
    Rule::new(
        ("mpm_token", &["mpm_"]),
        (r"(?:(?-u:\b)mpm_[A-Za-z0-9_-]{16,}|mpm_[A-Za-z0-9_-]{40,})", r"mpm_[A-Za-z0-9_-]*\z"),
        (judge::is_random, judge::always, true),
    ),
    Rule::new(
        ("bearer", &["uthorization", "UTHORIZATION"]),
        (
            r#"(?i)authorization\\{0,3}["']?GAP{0,8}[:=,]GAP{0,8}\\{0,3}["']?(?:bearer|basic|token|apikey)GAP{1,8}(?<secret>[A-Za-z0-9._~+/=:%-]{4,})"#,
            r#"(?i)authorization\\{0,3}["']?GAP{0,8}[:=,]GAP{0,8}\\{0,3}["']?(?:bearer|basic|token|apikey)GAP{1,8}(?<secret>[A-Za-z0-9._~+/=:%-]*)\z"#,
        ),
        (judge::is_credential, judge::is_no_word, false),
    ),
    Rule::new(
        ("bearer", &["earer ", "EARER "]),
        (
            r"FRONT(?i:bearer) {1,8}(?<secret>[A-Za-z0-9._~+/=-]{16,})",
            r"FRONT(?i:bearer) {1,8}(?<secret>[A-Za-z0-9._~+/=-]*)\z",
        ),
        (judge::is_random, judge::is_no_word, false),
    ),
    // No character of a password that is one of a shell (RFC 3986 has `$&'();` among those of a user): nothing that runs
    // shall be hidden from who is to allow it.
    Rule::new(
        ("url_password", &["://"]),
        (
            r#"://[^\s/?#:"'`<>\\\[;&|$(){}]*:(?<secret>[^\s/"'`<>?#\\;&|$(){}]+)@(?:[A-Za-z0-9_]|\[[0-9A-Fa-f:])"#,
            r#"://[^\s/?#:"'`<>\\\[;&|$(){}]*:(?<secret>[^\s/"'`<>?#\\;&|$(){}]*)\z"#,
        ),
        (judge::is_password, judge::is_no_port, false),
    ),
];
