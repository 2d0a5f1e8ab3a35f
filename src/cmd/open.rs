//! `open`: the dashboard of an instance in the user's browser, let in by a token that counts once.
//!
//! The token is never an argument of another program: the browser is given a page of ours that only this user can read.

use super::failure::{Exit, Failure};
use super::target::{self, Target};
use super::{escape, note, output, runtime};
use crate::cli::OpenOptions;
use crate::client::Endpoint;
use crate::instance::{Instance, RuntimeDirectory, Secret};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const DOING: &str = "open the dashboard of";
/// How long a browser, or what looks for one, may take to fail.
const FAILS_WITHIN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);
/// How long a page is kept: its token is worth nothing any more.
const KEPT: Duration = Duration::from_secs(70);

/// Runs the verb.
pub(super) fn run(options: &OpenOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    if let Some(page) = &options.discard {
        return discard(page);
    }
    let target = target::resolve(&options.target, DOING)?;
    let instance = on_this_machine(&target)?;
    let place = address(&instance).ok_or_else(|| failure(&target, "it has no port"))?;
    let address = format!("{place}/#token={}", one_time_token(instance)?);
    if options.print {
        writeln!(output::standard(), "{address}")?;
        return Ok(Exit::Ok.into());
    }
    let failed = |cause: String| failure(&target, &cause).tip("--print prints the address instead");
    let directory = RuntimeDirectory::open().map_err(|cause| failed(cause.to_string()))?;
    let page = directory.keep_page(&page(&address)).map_err(|cause| failed(format!("no page: {cause}")))?;
    if let Err(cause) = browse(&page) {
        drop(fs::remove_file(&page));
        return Err(failed(cause).into());
    }
    leave_to_be_removed(&page);
    if !quiet {
        note(&escape::visible(&format!("opening {place}")));
    }
    Ok(Exit::Ok.into())
}

fn failure(target: &Target, cause: &str) -> Failure {
    Failure::new(Exit::Failed, format!("cannot {DOING} {}: {cause}", target.label))
}

/// The record of the hub: only who has the Unix socket gets a token there.
fn on_this_machine(target: &Target) -> Result<Instance, Failure> {
    let record = target.record().filter(|instance| instance.socket.is_some());
    record.ok_or_else(|| {
        failure(target, "it has no Unix socket here, and makes a token for its own user alone")
            .tip("on its own machine: claude-mpm open --print")
    })
}

fn address(instance: &Instance) -> Option<String> {
    // `ws` to `http`, `wss` to `https`.
    instance.url().map(|url| url.replacen("ws", "http", 1))
}

fn one_time_token(instance: Instance) -> anyhow::Result<String> {
    let mut over_socket = Target::of(instance);
    over_socket.endpoints.retain(|endpoint| matches!(endpoint, Endpoint::Unix(_)));
    let reply = runtime()?.block_on(async {
        let mut connection = over_socket.connect(DOING).await?;
        let asked = connection.request(json!({ "command": "one_time_token" })).await;
        let reply = asked.map_err(|cause| over_socket.failure(DOING, &cause))?;
        connection.close().await;
        Ok::<_, anyhow::Error>(reply)
    })?;
    // It goes into a page and an address: what does not look like a token goes nowhere.
    let token = reply.data().get("token").and_then(Value::as_str);
    let is_plain =
        |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let token = token.filter(is_plain).filter(|text| Secret::parse(text).is_ok());
    Ok(token.ok_or_else(|| failure(&over_socket, "what it answers is no token"))?.to_owned())
}

/// A page that leads on, and leaves no trace of itself in the browser's history.
fn page(address: &str) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>claude-mpm</title>\n\
         <script>location.replace(\"{address}\")</script>\n\
         <noscript><a href=\"{address}\">The dashboard</a> needs scripts.</noscript>\n"
    )
}

/// Tries the browsers in turn, until one does not fail at once.
fn browse(page: &Path) -> Result<(), String> {
    let mut last = "there is no browser".to_owned();
    for words in browsers(std::env::var_os("BROWSER")) {
        let name = words[0].clone();
        match start(&words, page) {
            Ok(()) => return Ok(()),
            Err(cause) => last = format!("{name}: {cause}"),
        }
    }
    Err(last)
}

/// What to try, each its words.
fn browsers(chosen: Option<OsString>) -> Vec<Vec<String>> {
    let chosen = chosen.map(|chosen| chosen.to_string_lossy().into_owned()).filter(|c| !c.trim().is_empty());
    let commands = chosen.unwrap_or_else(|| "xdg-open:open".to_owned());
    let words = |command: &str| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    commands.split(':').map(words).filter(|words| !words.is_empty()).collect()
}

fn start(words: &[String], page: &Path) -> io::Result<()> {
    let url = format!("file://{}", in_url(page));
    let takes_it = words.iter().any(|word| word.contains("%s"));
    let words = words.iter().map(|word| word.replace("%s", &url));
    let mut words = words.chain((!takes_it).then(|| url.clone()));
    let mut command = Command::new(words.next().unwrap_or_default());
    // A group of its own, so that ^C here does not end the browser.
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let until = Instant::now() + FAILS_WITHIN;
    while Instant::now() < until {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(io::Error::other(format!("it failed ({status})"))),
            None => thread::sleep(LOOK),
        }
    }
    Ok(())
}

/// The path as it stands in an address (RFC 3986, section 3.3).
fn in_url(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Leaves a process that removes the page later. Where it cannot be left, the page stays: its token ends anyway.
fn leave_to_be_removed(page: &Path) {
    let Some(name) = page.file_name() else { return };
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    command.arg("open").arg("--discard").arg(name).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(command.spawn());
}

fn discard(page: &str) -> anyhow::Result<ExitCode> {
    let Some(directory) = RuntimeDirectory::existing()? else { return Ok(Exit::Ok.into()) };
    let until = Instant::now() + KEPT;
    while directory.has_page(page) && Instant::now() < until {
        thread::sleep(Duration::from_secs(1));
    }
    directory.remove_page(page);
    Ok(Exit::Ok.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_tried_in_the_order_of_the_variable() {
        assert_eq!(browsers(None), [["xdg-open"], ["open"]]);
        assert_eq!(browsers(Some(" ".into())), [["xdg-open"], ["open"]]);
        let chosen = browsers(Some("firefox --new-tab %s::w3m".into()));
        assert_eq!(chosen, [vec!["firefox", "--new-tab", "%s"], vec!["w3m"]]);
    }

    #[test]
    fn a_path_in_an_address_keeps_its_meaning() {
        assert_eq!(in_url(Path::new("/run/a b/ü#?.html")), "/run/a%20b/%C3%BC%23%3F.html");
    }
}
