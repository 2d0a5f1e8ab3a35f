//! `check`: is everything there, is a port free, how far away is a hub?

use super::diagnose::{self, Finding, HOST, Verdict};
use super::escape::{json_line, visible};
use super::failure::{Exit, Failure};
use super::paint::{self, Paint};
use super::target::{self, Target};
use super::{note, output, runtime};
use crate::cli::{CheckOptions, Format};
use crate::instance;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

const ROUND_TRIPS: usize = 10;

/// Runs the verb.
pub(super) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    if let Some(port) = options.port {
        return one_port(port, options.output);
    }
    if let Some(from) = options.find_port {
        return free_port(from, options.output);
    }
    if let Some(word) = &options.connect {
        return round_trips(word, options);
    }
    let findings = diagnose::all(&options.claude);
    print(&findings, options.output)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Ok }.into())
}

fn print(findings: &[Finding], output: Format) -> anyhow::Result<()> {
    let mut out = output::standard();
    if output == Format::Json {
        writeln!(out, "{}", json_line(&findings)?)?;
        return Ok(());
    }
    let paint = Paint::for_stdout();
    for finding in findings {
        let (word, style) = match finding.verdict {
            Verdict::Ok => ("ok  ", paint::GOOD),
            Verdict::Warn => ("warn", paint::ODD),
            Verdict::Fail => ("fail", paint::BAD),
        };
        writeln!(out, "{}  {}: {}", paint.paint(style, word), finding.check, visible(&finding.detail))?;
        if let Some(tip) = finding.tip {
            writeln!(out, "      tip: {tip}")?;
        }
    }
    Ok(())
}

fn one_port(port: u16, output: Format) -> anyhow::Result<ExitCode> {
    let free = instance::is_free(HOST, port);
    // Who holds it is worth telling even when our own directory cannot be read.
    let holder =
        (!free).then(|| instance::holder_of(port, &target::instances().unwrap_or_default()).to_string());
    let mut out = output::standard();
    match (&holder, output) {
        (_, Format::Json) => {
            writeln!(out, "{}", json_line(&json!({"port": port, "free": free, "holder": holder}))?)?;
        }
        (None, Format::Text) => writeln!(out, "port {port} is free")?,
        (Some(holder), Format::Text) => {
            writeln!(out, "port {port} is held by {}", visible(holder))?;
            writeln!(out, "  tip: take another with --websocket-port auto")?;
        }
    }
    Ok(if free { Exit::Ok } else { Exit::Failed }.into())
}

fn free_port(from: u16, output: Format) -> anyhow::Result<ExitCode> {
    let Some(port) = instance::find_free_port(HOST, from) else {
        let failure = Failure::new(Exit::Failed, format!("cannot find a free port: none from {from} on"));
        return Err(failure.tip("begin lower: claude-mpm check --find-port 1024").into());
    };
    match output {
        Format::Text => writeln!(output::standard(), "{port}")?,
        Format::Json => writeln!(output::standard(), "{}", json_line(&json!({"port": port}))?)?,
    }
    Ok(Exit::Ok.into())
}

fn round_trips(word: &str, options: &CheckOptions) -> anyhow::Result<ExitCode> {
    const DOING: &str = "reach";
    let target = if word.contains("://") {
        Target::at(word, options.tls_fingerprint, false, DOING)?
    } else {
        target::by_word(Some(word).filter(|word| !word.is_empty()), DOING)?
    };
    let mut times = runtime()?.block_on(measure(&target, DOING))?;
    times.sort_unstable();
    let millis = |time: Duration| time.as_micros() as f64 / 1000.0;
    let (least, median) = (millis(times[0]), millis(times[times.len() / 2]));
    let label = visible(&target.label);
    match options.output {
        Format::Text => writeln!(
            output::standard(),
            "{label}: round trip {least:.3} ms at least, {median:.3} ms median of {ROUND_TRIPS}"
        )?,
        Format::Json => {
            let report = json!({"target": target.label, "round_trips": ROUND_TRIPS, "min_ms": least, "median_ms": median});
            writeln!(output::standard(), "{}", json_line(&report)?)?;
        }
    }
    if median > 1000.0 {
        note("the hub answers slowly");
    }
    Ok(Exit::Ok.into())
}

async fn measure(target: &Target, doing: &str) -> Result<Vec<Duration>, Failure> {
    let mut connection = target.connect(doing).await?;
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        times.push(connection.round_trip().await.map_err(|cause| target.failure(doing, &cause))?);
    }
    connection.close().await;
    Ok(times)
}
