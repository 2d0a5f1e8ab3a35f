//! `send`: gives claude a prompt, from the command line or from standard input, or presses keys.

use super::failure::{Exit, Failure};
use super::order::{Order, Telling};
use super::{runtime, target};
use crate::cli::SendOptions;
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

/// Bytes of one message that a hub takes.
const MOST: usize = 64 << 10;
/// Bytes of it that are there beside the prompt: the id of the request, and room for what is to come.
const BESIDE: usize = 64;
/// The word for standard input.
const STDIN: &str = "-";
const PATIENCE: Duration = Duration::from_secs(30);
/// Of a prompt that waits for claude.
const PATIENCE_QUEUED: Duration = Duration::from_secs(600);

/// Runs the verb.
pub(super) fn run(options: &SendOptions, quiet: bool) -> anyhow::Result<ExitCode> {
    let (doing, request) = match options.keys.as_slice() {
        [] => ("send prompt to", prompt(options)?),
        keys => ("press keys in", json!({ "command": "send_keys", "keys": keys })),
    };
    let order = Order {
        doing: doing.to_owned(),
        request,
        patience: options.timeout.unwrap_or(if options.queue { PATIENCE_QUEUED } else { PATIENCE }),
        telling: Telling::new(options.output, quiet),
        tip: (options.keys.is_empty() && !options.queue).then_some("--queue waits until claude can take it"),
    };
    let target = target::resolve(&options.target, &order.doing)?;
    runtime()?.block_on(order.carry_out(&target))?;
    Ok(Exit::Ok.into())
}

fn prompt(options: &SendOptions) -> Result<Value, Failure> {
    let refuse = |cause: &str| Failure::new(Exit::Usage, format!("cannot send prompt: {cause}"));
    let text = text(&options.text).map_err(|cause| refuse(&cause))?;
    if text.trim().is_empty() {
        return Err(refuse("there is no text").tip("claude-mpm send 'TEXT', or - for standard input"));
    }
    let request = json!({ "command": "send_input", "text": text, "submit": !options.no_submit,
        "raw": options.raw, "queue": options.queue });
    if request.to_string().len() + BESIDE > MOST {
        return Err(refuse(&too_long()).tip("put it into a file, and tell claude to read that"));
    }
    Ok(request)
}

fn text(words: &[String]) -> Result<String, String> {
    match words {
        [word] if word == STDIN => read(io::stdin().lock()),
        [] if io::stdin().is_terminal() => Ok(String::new()),
        [] => read(io::stdin().lock()),
        words => Ok(words.join(" ")),
    }
}

/// All of it, without the line ends behind it.
fn read(input: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    let limit = MOST as u64 + 1;
    input
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|cause| format!("cannot read standard input: {cause}"))?;
    if bytes.len() > MOST {
        return Err(too_long());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn too_long() -> String {
    format!("it is longer than {} KiB", MOST >> 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser;

    fn options(words: &[&str]) -> SendOptions {
        let line = ["claude-mpm", "send"].iter().chain(words);
        match Cli::try_parse_from(line).map(|cli| cli.verb) {
            Ok(Some(Verb::Send(options))) => options,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn words_are_one_prompt_and_options_may_stand_among_them() {
        let request = prompt(&options(&["now", "--queue", "run", "it", "--raw", "--no-submit"])).unwrap();
        assert_eq!(
            request,
            json!({ "command": "send_input", "text": "now run it", "submit": false, "raw": true, "queue": true })
        );
        assert!(prompt(&options(&[" "])).is_err());
        assert!(prompt(&options(&["--", "-v"])).unwrap()["text"] == "-v");
    }

    #[test]
    fn keys_are_named_and_exclude_a_prompt() {
        assert_eq!(options(&["--keys", "Escape", "C-c"]).keys, ["Escape", "C-c"]);
        for words in
            [&["--keys"][..], &["--keys", "hello"], &["x", "--keys", "Up"], &["--raw", "--keys", "Up"]]
        {
            let line = ["claude-mpm", "send"].iter().chain(words);
            assert!(Cli::try_parse_from(line).is_err(), "{words:?}");
        }
    }

    #[test]
    fn standard_input_is_read_whole_or_refused() {
        assert_eq!(read(&b"a\nb\r\n\n"[..]).as_deref(), Ok("a\nb"));
        assert_eq!(read(&b"\xff"[..]), Err("it is not UTF-8".into()));
        assert_eq!(read(&*vec![b'x'; MOST + 1]), Err("it is longer than 64 KiB".into()));
        assert!(prompt(&options(&[&"\"".repeat(MOST / 2)])).is_err(), "it grows by its escapes");
    }
}
