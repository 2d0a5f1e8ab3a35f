//! What `check` looks at when nothing special is asked: each finding is ok, a warning or a failure, with a tip.

use super::program;
use crate::instance::{self, DEFAULT_PORT, RuntimeDirectory};
use crate::tls;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// Where hubs listen unless told otherwise.
pub(super) const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One finding.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) detail: String,
    pub(super) tip: Option<&'static str>,
}

impl Finding {
    fn new(check: &'static str, verdict: Verdict, detail: String) -> Self {
        Self { check, verdict, detail, tip: None }
    }

    fn tip(mut self, tip: &'static str) -> Self {
        self.tip = Some(tip);
        self
    }
}

/// Looks at everything.
pub(super) fn all(claude: &Path) -> Vec<Finding> {
    let mut findings = claude_findings(claude);
    findings.push(directory());
    findings.push(port());
    findings.extend(certificates());
    findings
}

fn claude_findings(claude: &Path) -> Vec<Finding> {
    let Some(file) = program::find(claude) else {
        let missing = format!("{} is not found, or not executable", claude.display());
        let tip = "npm install -g @anthropic-ai/claude-code, or name another with --claude";
        return vec![Finding::new("claude", Verdict::Fail, missing).tip(tip)];
    };
    let found = Finding::new("claude", Verdict::Ok, file.display().to_string());
    vec![found, version(&file)]
}

fn version(file: &Path) -> Finding {
    const CHECK: &str = "claude version";
    if !program::is_claude(file) {
        let detail = "not asked, because this does not look like claude".into();
        return Finding::new(CHECK, Verdict::Warn, detail)
            .tip("any program can be run; only claude is asked its version");
    }
    match program::version(file) {
        Ok(version) => Finding::new(CHECK, Verdict::Ok, version),
        Err(cause) => Finding::new(CHECK, Verdict::Warn, cause).tip("run it by hand with --version"),
    }
}

fn directory() -> Finding {
    const CHECK: &str = "runtime directory";
    const TIP: &str = "remove it, or set XDG_RUNTIME_DIR to a directory of your own";
    match RuntimeDirectory::existing() {
        Ok(Some(directory)) => {
            let running = directory.list().len();
            Finding::new(CHECK, Verdict::Ok, format!("{}, {running} running", directory.path().display()))
        }
        Ok(None) => Finding::new(CHECK, Verdict::Ok, "not there yet; made when something runs".into()),
        Err(cause) => Finding::new(CHECK, Verdict::Fail, cause.to_string()).tip(TIP),
    }
}

/// The certificates that hubs show: those of the running ones, and those that are kept for others.
fn certificates() -> Vec<Finding> {
    const CHECK: &str = "certificate";
    let running = RuntimeDirectory::existing().ok().flatten().map(|directory| directory.list());
    let shown = running.unwrap_or_default().into_iter().filter_map(|instance| {
        let certificate = instance.certificate.as_ref()?;
        Some(format!("{} on {} has {certificate}", instance.label(), instance.url()?))
    });
    let kept = tls::kept()
        .into_iter()
        .map(|kept| format!("--tls auto on {} has {}", kept.address, kept.fingerprint));
    shown.chain(kept).map(|detail| Finding::new(CHECK, Verdict::Ok, detail)).collect()
}

fn port() -> Finding {
    const CHECK: &str = "port";
    let running =
        RuntimeDirectory::existing().ok().flatten().map(|directory| directory.list()).unwrap_or_default();
    if instance::is_free(HOST, DEFAULT_PORT) {
        return Finding::new(CHECK, Verdict::Ok, format!("{DEFAULT_PORT} is free"));
    }
    let holder = instance::holder_of(DEFAULT_PORT, &running);
    let detail = format!("{DEFAULT_PORT} is held by {holder}");
    Finding::new(CHECK, Verdict::Warn, detail).tip("take another with --websocket-port auto")
}
