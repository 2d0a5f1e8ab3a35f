//! The secrets that are known without being told: what each looks like, by which mark a text that may hold it is known,
//! and how one begins that a cut has left half.
//!
//! Formats are those their issuers document; a format that ordinary text may have as well has a judge.

use super::judge;
use regex::Regex;
use std::sync::OnceLock;

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
    pub(super) is_secret: fn(&str) -> bool,
    compiled: OnceLock<Regex>,
    compiled_beginning: OnceLock<Regex>,
}

impl Rule {
    const fn new(
        (kind, marks): (&'static str, &'static [&'static str]),
        (pattern, beginning): (&'static str, &'static str),
        is_secret: fn(&str) -> bool,
    ) -> Self {
        Self {
            kind,
            marks,
            pattern,
            beginning,
            is_secret,
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

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the tests compile every pattern")
}

/// All of them but blocks of private keys. Where two find the same, the first gives the name.
pub(super) static RULES: [Rule; 12] = [
    Rule::new(
        ("anthropic_key", &["sk-ant-"]),
        ("sk-ant-[A-Za-z0-9_-]{12,}", r"sk-ant-[A-Za-z0-9_-]*\z"),
        judge::always,
    ),
    Rule::new(
        ("openai_key", &["sk-"]),
        (
            r"(?-u:\b)sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|or-v1-[0-9a-f]{32,}|[A-Za-z0-9]{32,})",
            r"(?-u:\b)sk-[A-Za-z0-9_-]*\z",
        ),
        judge::has_digit,
    ),
    Rule::new(
        ("aws_key", &["AKIA", "ASIA", "ABIA", "ACCA"]),
        (
            r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)",
            r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]*\z",
        ),
        judge::always,
    ),
    Rule::new(
        ("aws_key", &["ccess_key", "CCESS_KEY", "ccessKey", "ession_token", "ESSION_TOKEN", "essionToken"]),
        (
            r#"(?i)(?:secret_?access_?key|session_?token)\\{0,3}["']?(?:\s{0,8}[:=>,]\s{0,8}|\s{1,8})\\{0,3}["']?(?<secret>[A-Za-z0-9/+=]{40,})"#,
            r#"(?i)(?:secret_?access_?key|session_?token)\\{0,3}["']?(?:\s{0,8}[:=>,]\s{0,8}|\s{1,8})\\{0,3}["']?(?<secret>[A-Za-z0-9/+=]*)\z"#,
        ),
        judge::always,
    ),
    Rule::new(
        ("github_token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"]),
        (
            r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})",
            r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]*|github_pat_[A-Za-z0-9_]*)\z",
        ),
        judge::always,
    ),
    Rule::new(
        ("gitlab_token", &["glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "glagent-"]),
        (
            r"(?-u:\b)gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9]+)*",
            r"(?-u:\b)gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_.-]*\z",
        ),
        judge::always,
    ),
    Rule::new(
        ("slack_token", &["xox", "xapp-", "hooks.slack.com"]),
        (
            r"(?-u:\b)(?:xox[abcdeprs]-[A-Za-z0-9%-]{10,}|xapp-[A-Za-z0-9-]{20,}|hooks\.slack\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9+/_-]{20,}))",
            r"(?-u:\b)(?:xox[abcdeprs]-[A-Za-z0-9%-]*|xapp-[A-Za-z0-9-]*|hooks\.slack\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9+/_-]*))\z",
        ),
        judge::has_digit,
    ),
    Rule::new(
        ("google_key", &["AIza", "GOCSPX-", "ya29."]),
        (
            r"(?-u:\b)(?:AIza[A-Za-z0-9_-]{35,}|GOCSPX-[A-Za-z0-9_-]{24,}|ya29\.[A-Za-z0-9_.-]{20,})",
            r"(?-u:\b)(?:AIza[A-Za-z0-9_-]*|GOCSPX-[A-Za-z0-9_-]*|ya29\.[A-Za-z0-9_.-]*)\z",
        ),
        judge::always,
    ),
    Rule::new(
        ("mpm_token", &["mpm_"]),
        (r"(?-u:\b)mpm_[A-Za-z0-9_-]{16,}", r"(?-u:\b)mpm_[A-Za-z0-9_-]*\z"),
        judge::is_random,
    ),
    Rule::new(
        ("bearer", &["uthorization", "UTHORIZATION"]),
        (
            r#"(?i)authorization\\{0,3}["']?\s{0,8}[:=,]\s{0,8}\\{0,3}["']?(?:bearer|basic|token|apikey)\s{1,8}(?<secret>[A-Za-z0-9._~+/=:%-]{4,})"#,
            r#"(?i)authorization\\{0,3}["']?\s{0,8}[:=,]\s{0,8}\\{0,3}["']?(?:bearer|basic|token|apikey)\s{1,8}(?<secret>[A-Za-z0-9._~+/=:%-]*)\z"#,
        ),
        judge::is_credential,
    ),
    Rule::new(
        ("bearer", &["earer ", "EARER "]),
        (
            r"(?i)(?-u:\b)bearer {1,8}(?<secret>[A-Za-z0-9._~+/=-]{16,})",
            r"(?i)(?-u:\b)bearer {1,8}(?<secret>[A-Za-z0-9._~+/=-]*)\z",
        ),
        judge::is_random,
    ),
    Rule::new(
        ("url_password", &["://"]),
        (
            r#"://[^\s/?#:@"'`<>\\\[]*:(?<secret>[^\s/"'`<>?#\\]+)@(?:[A-Za-z0-9_]|\[[0-9A-Fa-f:])"#,
            r#"://[^\s/?#:@"'`<>\\\[]*:(?<secret>[^\s/"'`<>?#\\]*)\z"#,
        ),
        judge::is_password,
    ),
];
