//! `watch`: events as they happen, of one instance or of all.

use super::answering::{Asker, Happened};
use super::ended;
use super::failure::{Exit, Failure};
use super::feed::{Feed, News};
use super::history;
use super::printer::{Printer, Sieve};
use super::target::{self, Target};
use super::{escape, moment, note, output, runtime};
use crate::cli::{self, Format, LogOptions, WatchOptions};
use crate::client::{Cursor, Frame, Item, Start, Subscription};
use crate::event::channel;
use crate::filter::Pattern;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::future::pending;
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const DEFAULT_LINES: u64 = 10;
/// How often new instances and a closed pipe are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Runs the verb.
pub(super) fn run(options: &WatchOptions, log: &LogOptions) -> anyhow::Result<ExitCode> {
    let wanted = subscription(options)?;
    can_answer(options)?;
    let sieve = Sieve { grep: options.grep.clone(), exclude: excluded(&options.exclude, &options.channels)? };
    let printer =
        Printer::new(options.output, options.time, sieve).at_most(options.count).with_prefixes(options.all);
    let single = if options.all { None } else { Some(resolve(&options.target)?) };
    let printer = printer.with_sessions(single.as_ref().and_then(Target::hub));
    let printer = printer.with_commands(!options.answer && io::stdout().is_terminal());
    if options.no_follow {
        return runtime()?.block_on(history::show_past(single, &wanted, printer, log));
    }
    runtime()?.block_on(async {
        let asker = options.answer.then(Asker::new).transpose().map_err(no_keyboard)?;
        let mut watch = Watch { feed: Feed::new(), printer, asker, quiet: log.quiet, all: options.all };
        let ended = watch.follow(single, &wanted).await;
        if let Some(asker) = watch.asker {
            asker.end().await;
        }
        ended
    })
}

/// What is over cannot be watched, but be looked at.
fn resolve(wanted: &cli::Target) -> Result<Target, Failure> {
    let word = wanted.instance.as_deref();
    target::resolve(wanted, "watch").map_err(|failure| {
        let ended =
            word.filter(|_| failure.exit() == Exit::NoInstance).and_then(|word| ended::meant(word).ok()?);
        match ended {
            Some(ended) => {
                let id: String = ended.instance.session_id.as_str().chars().take(8).collect();
                failure.tip(format!(
                    "a session of this name is over: claude-mpm history -i {id}, or replay {id}"
                ))
            }
            None => failure,
        }
    })
}

/// A question is shown to somebody who can press a key.
fn can_answer(options: &WatchOptions) -> Result<(), Failure> {
    let refuse = |cause: &str| {
        Err(Failure::new(Exit::Usage, format!("cannot answer here: {cause}"))
            .tip("claude-mpm permissions, allow and deny need no terminal"))
    };
    match () {
        () if !options.answer => Ok(()),
        () if options.output == Format::Json => refuse("the output is for programs"),
        () if !io::stdin().is_terminal() => refuse("standard input is no terminal"),
        () if !io::stdout().is_terminal() => refuse("standard output is no terminal"),
        () => Ok(()),
    }
}

fn no_keyboard(cause: io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot answer here: {cause}"))
}

/// What is left out. Who else looks on is no news, unless it is asked for.
pub(super) fn excluded(exclude: &[String], channels: &[String]) -> Result<Vec<Pattern>, Failure> {
    let mut exclude = patterns(exclude)?;
    if channels.is_empty() {
        exclude.extend(patterns(&[format!("{}*", channel::CLIENTS)])?);
    }
    Ok(exclude)
}

fn subscription(options: &WatchOptions) -> Result<Subscription, Failure> {
    patterns(&options.channels)?;
    let everything = || vec![Pattern::All.to_string()];
    let mut channels = if options.channels.is_empty() { everything() } else { options.channels.clone() };
    if options.answer && !options.channels.is_empty() {
        channels.push(format!("{}*", channel::PERMISSIONS));
    }
    let start = match (&options.since, options.after) {
        (Some(since), _) => Start::Since(time(since)?),
        (None, Some(seq)) => Start::After(Cursor { epoch: None, seq }),
        (None, None) => Start::Last(options.lines.unwrap_or(DEFAULT_LINES)),
    };
    Ok(Subscription { channels, sessions: options.session.clone(), start })
}

/// Reads channel patterns.
pub(super) fn patterns(texts: &[String]) -> Result<Vec<Pattern>, Failure> {
    let read = |text: &String| Pattern::parse(text);
    texts.iter().map(read).collect::<Result<_, _>>().map_err(|cause| {
        Failure::new(Exit::Usage, format!("cannot read channel: {cause}"))
            .tip("a channel is an event type, like claude.output, or agent.* for all below, or '*'")
    })
}

/// Reads a time into RFC 3339.
pub(super) fn time(text: &str) -> Result<String, Failure> {
    let now = jiff::Zoned::now();
    moment::parse(text, &now).map(|time| time.to_string()).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            format!("cannot read time {text:?}: it is neither a length nor a point in time"),
        )
        .tip("10m, 2h30m, 12:00, 2026-11-21 or 2026-11-21T12:00:00Z")
    })
}

struct Watch {
    feed: Feed,
    printer: Printer,
    /// Where questions are answered here.
    asker: Option<Asker>,
    quiet: bool,
    all: bool,
}

impl Watch {
    async fn follow(&mut self, single: Option<Target>, wanted: &Subscription) -> anyhow::Result<ExitCode> {
        match single {
            Some(target) => self.feed.add(target, wanted.clone()),
            None if self.feed.add_new(wanted, &wanted.start) == 0 => self.say("waiting for an instance"),
            None => {}
        }
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Of an instance that appears later everything is news.
        let beginning = Start::After(Cursor { epoch: None, seq: 0 });
        loop {
            tokio::select! {
                Some((target, news)) = self.feed.next() => {
                    if let ControlFlow::Break(exit) = self.handle(&target, news)? {
                        return Ok(exit);
                    }
                }
                happened = asked(&mut self.asker) => {
                    if let Some(asker) = &mut self.asker {
                        asker.handle(happened)?;
                    }
                }
                _ = look.tick() => {
                    if reader_is_gone() {
                        return Ok(Exit::Ok.into());
                    }
                    if self.all {
                        self.feed.add_new(wanted, &beginning);
                    }
                }
            }
        }
    }

    /// Prints what there is to print, and lets questions be asked below.
    fn handle(&mut self, target: &Arc<Target>, news: News) -> anyhow::Result<ControlFlow<ExitCode>> {
        let Some(asker) = &mut self.asker else { return self.tell(target, news) };
        asker.hide()?;
        let mut heard = None;
        if let News::Item(item) = &news {
            match item.as_ref() {
                Item::Connected(_) | Item::Resumed(_) => asker.look(target),
                Item::Event(frame) if is_about_permissions(frame) => heard = Some(frame.clone()),
                _ => {}
            }
        }
        let told = self.tell(target, news)?;
        if let Some(asker) = &mut self.asker {
            if let Some(frame) = heard {
                asker.heard(target, &frame)?;
            }
            asker.show()?;
        }
        Ok(told)
    }

    fn tell(&mut self, target: &Target, news: News) -> anyhow::Result<ControlFlow<ExitCode>> {
        let item = match news {
            News::Item(item) => *item,
            News::Gone => return self.given_up(vanished(target)),
        };
        match item {
            // The instance tells it itself.
            Item::Event(frame) if self.all && frame.came_over_uplink() && self.feed.follows(&frame) => {}
            Item::Event(frame) | Item::Gap { frame: Some(frame), .. } => {
                let shown = self.printer.show(&mut output::standard(), &target.label, &frame)?;
                return Ok(shown.map_break(|()| Exit::Ok.into()));
            }
            Item::Failed(cause) => return self.given_up(target.failure("watch", &cause)),
            Item::Ended if !self.all => return Ok(ControlFlow::Break(Exit::Ok.into())),
            state => self.say(&in_words(target, &state)),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Ends the watch of a single hub; others go on.
    fn given_up(&self, failure: Failure) -> anyhow::Result<ControlFlow<ExitCode>> {
        if !self.all {
            return Err(failure.into());
        }
        self.say(&failure.to_string());
        Ok(ControlFlow::Continue(()))
    }

    fn say(&self, text: &str) {
        if !self.quiet && !text.is_empty() {
            note(&escape::visible(text));
        }
    }
}

/// What happens where questions are answered; nothing, where they are not.
async fn asked(asker: &mut Option<Asker>) -> Happened {
    match asker {
        Some(asker) => asker.next().await,
        None => pending().await,
    }
}

fn is_about_permissions(frame: &Frame) -> bool {
    frame.kind().starts_with(channel::PERMISSIONS)
}

fn vanished(target: &Target) -> Failure {
    Failure::new(Exit::Failed, format!("cannot watch {}: the instance is gone", target.label))
}

/// A state of the connection in words.
fn in_words(target: &Target, item: &Item) -> String {
    let label = &target.label;
    match item {
        Item::Connected(endpoint) => format!("watching {label} ({endpoint})"),
        Item::Lost { cause, again_in } => {
            format!("{label}: {cause}; trying again in {:.1} s", again_in.as_secs_f64())
        }
        Item::Resumed(Some(cursor)) => {
            format!("{label}: connected again, going on behind event {}", cursor.seq)
        }
        Item::Resumed(None) => format!("{label}: connected again"),
        Item::Fault(cause) | Item::Failed(cause) => format!("{label}: {cause}"),
        Item::Gap { missed: Some(missed), .. } => format!("{label}: {missed} events missed"),
        Item::Gap { missed: None, .. } => {
            format!("{label}: some events may be missed, because the hub began a new log or ended")
        }
        Item::Ended => format!("{label}: the session is over"),
        Item::Event(_) => String::new(),
    }
}

/// Whether standard output is a pipe that nobody reads any more: without a look, a quiet hub would keep us waiting
/// for the next event to find out.
pub(super) fn reader_is_gone() -> bool {
    let stdout = io::stdout();
    let mut asked = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let answered = poll(&mut asked, PollTimeout::ZERO);
    answered.is_ok() && asked[0].revents().is_some_and(|found| found.contains(PollFlags::POLLERR))
}
