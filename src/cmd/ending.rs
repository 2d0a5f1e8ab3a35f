//! `interrupt`, `stop` and `restart`: what claude is doing ends, or claude itself.

use super::failure::{Exit, Failure};
use super::order::{Order, Telling};
use super::target::{self, Target};
use super::{report, runtime};
use crate::cli::{EndOptions, InterruptOptions, StopOptions};
use crate::instance::Instance;
use serde_json::json;
use std::process::ExitCode;
use tokio::task::JoinSet;

/// Runs `interrupt`.
pub(super) fn interrupt(options: &InterruptOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    let order = Order {
        doing: "interrupt".to_owned(),
        request: json!({ "command": "interrupt" }),
        patience: options.timeout,
        telling: Telling::new(options.output, quiet),
        tip: None,
    };
    let target = target::resolve(&options.target, &order.doing)?;
    runtime()?.block_on(order.carry_out(&target))?;
    Ok(Exit::Ok.into())
}

/// Runs `restart`.
pub(super) fn restart(options: &EndOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    let order = ending("restart", options, quiet);
    let target = target::resolve(&options.target, &order.doing)?;
    runtime()?.block_on(order.carry_out(&target))?;
    Ok(Exit::Ok.into())
}

/// Runs `stop`.
pub(super) fn stop(options: &StopOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    let mut order = ending("stop", &options.end, quiet);
    if options.all {
        order.telling.with_name = true;
        return runtime()?.block_on(stop_all(&order));
    }
    let target = target::resolve(&options.end.target, &order.doing)?;
    runtime()?.block_on(order.carry_out(&target))?;
    Ok(Exit::Ok.into())
}

fn ending(command: &str, options: &EndOptions, quiet: bool) -> Order {
    Order {
        doing: command.to_owned(),
        request: json!({ "command": command, "grace_seconds": options.grace.as_secs() }),
        patience: options.grace + options.timeout,
        telling: Telling::new(options.output, quiet),
        tip: None,
    }
}

/// All at once, so that one that takes its time does not hold up the others.
async fn stop_all(order: &Order) -> anyhow::Result<ExitCode> {
    let running = target::instances()?;
    let has_claude = |instance: &Instance| !instance.stands_alone() && !instance.is_replay();
    let targets: Vec<_> = running.into_iter().filter(has_claude).map(Target::of).collect();
    if targets.is_empty() {
        return Err(Failure::new(Exit::NoInstance, "cannot stop: no instance is running").into());
    }
    let mut stopping = JoinSet::new();
    for target in targets {
        let order = order.clone();
        stopping.spawn(async move { order.carry_out(&target).await });
    }
    let mut exit = ExitCode::SUCCESS;
    let mut is_well = true;
    while let Some(stopped) = stopping.join_next().await {
        let Err(cause) = stopped.map_err(anyhow::Error::from).and_then(|stopped| stopped) else { continue };
        let failed = report(&cause, Exit::Failed);
        if std::mem::take(&mut is_well) {
            exit = failed;
        }
    }
    Ok(exit)
}
