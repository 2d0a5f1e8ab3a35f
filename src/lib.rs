//! A process supervisor for the `claude` command line, and a hub that tells what claude does.
//!
//! **A supervisor keeps one child; sources watch it and publish events; the hub is a log; dialects are views of
//! events; the server lets clients read the log.** The folders are that sentence.
//!
//! # Code map
//!
//! An import goes to a strictly smaller rank; siblings of one rank never see each other, and where two must meet,
//! [`supervisor`] or [`cmd`] introduces them. *Pure* means: no clock, file, network, process, environment or thread.
//! `tests/architecture.rs` enforces all of it.
//!
//! | rank | module | what it is |
//! | --- | --- | --- |
//! | 0 | [`event`] *pure* | the model: event, body, channel, ids, time; drafts of what others publish |
//! | 0 | [`process`] | unix: pseudo-terminal, guardian, families, relays, signals; knows no events |
//! | 1 | [`detect`] *pure* | raw input to what it means: lines of a screen or pipe, activity, hooks, stream, transcripts; facts, each once; secrets |
//! | 1 | [`filter`], [`status`] *pure* | what a client wants; the fold that answers `get_status` |
//! | 1 | [`config`] | the user's settings, and the file they stand in |
//! | 1 | [`control`] *pure* | what passes between server, source and supervisor |
//! | 1 | [`instance`] | port, registry record, private directories, tokens, audit log, environment of the child |
//! | 2 | [`claude`] *pure* | the claude command line: versions, hooks and their answers, arguments, settings |
//! | 2 | [`tls`] | with which certificate a hub shows itself, and which ones a client trusts |
//! | 2 | [`recording`] | the terminal on disk, as an asciicast, where that is asked for |
//! | 2 | [`dialect`] *pure* | frames and requests, to and from text, in three dialects; close codes; sentences |
//! | 2 | [`journal`] | the log on disk: segments, recovery, cursors; knows no event |
//! | 3 | [`hub`] | the log: publisher, ring, journalist, reader; its sessions, and how far uplinks have come |
//! | 3 | [`export`] *pure* | a session as a document: ndjson, csv, markdown, html |
//! | 4 | [`source`] | producers: claude's output, claude's files, the machine; the funnel where facts meet |
//! | 4 | [`server`] | lets clients read the log over HTTP and WebSocket, and publish; takes claude's hooks on a port of their own |
//! | 4 | [`client`] | the other end: connect, follow, resume; the uplink |
//! | 5 | [`supervisor`] | one supervised run; its table of states |
//! | 5 | [`cli`] | clap types and help text |
//! | 6 | [`cmd`] | one file per verb: where the parts are put together |
//!
//! # The way of data
//!
//! ```text
//! PTY or pipe ─► process::relay ─► the user's terminal            (first, always, waits for nobody else)
//!                     └─► process::tap ─► source::output ─► detect ─► lines, activity ───────► Body ─┐
//!                     └─► process::tap ─► recording ─► terminal.cast, where one is asked for         │
//! claude's hooks ─► server::hooks ─────────────────► detect::hook ─┐                                 │
//! claude's stream ─► source::output ────────► detect::stream_json ─┤ Observation                     │
//! claude's files ─► source::transcript, claude_state ─► detect ────┤                                 │
//!                       source::funnel ◄───────────────────────────┘                                 │
//!                            └─► detect::tool (one Detector: each fact once, who said so) ──► Body ──┤
//! guardian's reports ─► supervisor ────────────────────────────────────────────────────────► Body ───┤
//! sysinfo ─► source::system ───────────────────────────────────────────────────────────────► Body ───┤
//! publishers ─► server ─► dialect::publish ─► server::publishing (may they?) ─────────────► Draft ───┤
//! instances ─► their log ─► client::uplink ═► server ─► hub::relay (is it news?) ─────────► Event ───┤
//!                                                                                 Publisher::publish ◄┘
//!                                                               = redact · stamp · fold Status · append · wake
//!                                                                      hub::Log (seq, ring) ─► hub::journalist ─► journal
//!                                                                           │ Reader::next → batch | gap | closed
//!                                      Filter::admits ─► dialect (encoded once per record) ─► socket, deadline
//! ```
//!
//! The other way, and no other:
//!
//! ```text
//! client ─► server::role, control (may it?) ─► Order ─► supervisor::control ─► keys, signals ─────► claude
//!                                                              └─► source::asked ─► Hold ─► hook ──► claude
//!                Fate ◄────────────────────────────────────────┘    (event, audit log, reply)
//! ```
//!
//! What only Linux has stands in `process::platform`: the folder `process/linux`, or with the cargo feature `portable` and
//! on other systems the folder `process/portable`.
//!
//! Hooks reach us because claude is started with settings of one run ([`cmd::injection`]); the screen's facts count
//! only until a source with ids has spoken.
//!
//! # Invariants
//!
//! 1. Nothing between the user's terminal and the child waits for a client, a disk, or a lock held across an await.
//!    The relays are threads with two ends; everything else hangs on the tap, which skips rather than waits.
//! 2. An event is in the log and in the status, or in neither; `seq` has no holes.
//! 3. A client is told of every event its filter admits, or told how many it missed.
//! 4. One door leads from the wire to the child: `server::control`, for a caller with the role control by its token or by
//!    what the kernel says of it, behind whom no supervised claude is. What goes through it is an order, done by
//!    `supervisor::control` or answered to a hook that is held; each step of it is an event and a line of the audit log. A
//!    publisher speaks for itself: what is true of a session changes only by who supervises it, or was the first to tell
//!    of it.
//! 5. `event` serialises itself once; `dialect` owns frames, requests and replies. Only `event::channel` spells event
//!    names, only `dialect::close` close codes.
//! 6. Every buffer has a bound and a stated behaviour when full; every wait on a peer has a deadline.
//! 7. In exec mode claude holds no descriptor of ours, and what is not between claude and the user can be killed without
//!    claude noticing: another companion goes on with the same listeners, key, epoch and numbers.
//!    In subprocess mode the terminal is restored and the registry record removed on every way out; when we are killed, the guardian
//!    restores the terminal and ends the child and its family. After a signal nothing of the family is left, or it is
//!    named.
//! 8. Every fact is one event, published by the source that was first; the others confirm it (`explain`). Every
//!    delegation that starts, and every question of claude's that is told, ends once: by its result, or with the turn, the
//!    session or the process.
//! 9. Nothing under `~/.claude` or in the project is written, but by `hook install`. A hook is answered before it is
//!    looked at, so that claude waits for nothing of ours; but for a question, whose dialog is there all the while.
//! 10. What is on disk was written by us: each line of the journal has a checksum; damage costs the damaged lines, and never
//!     stops a start. A number of a running epoch that somebody was told is in the journal, or is counted as missing there.
//! 11. Event text is hostile: visible escapes in `watch`, one line per entry in logs.
//! 12. Secrets are hidden before an event is in the log, whichever door it comes by; the user's own terminal is not touched,
//!     and neither is a recording of it, which nobody has who does not ask for one.
//!
//! # Vocabulary
//!
//! **instance** one running claude-mpm · **session** one supervised run · **claude session** claude's own
//! `session_id` · **child** the claude process · **family** the child and what it started, wherever that went ·
//! **guardian** the forked process that is claude's parent · **handoff, companion, keeper** exec mode: who goes on
//! with the hub, and who holds its listeners and forks another companion ·
//! **source** publishes · **detector** pure, from raw input to body · **hook** what claude tells while it works ·
//! **observation** what one source says of claude's work, before anybody knows whether it is news · **fact** what is
//! told once · **event, body, channel** · **draft** what somebody publishes, before it has a number · **component** a
//! publisher that has registered · **uplink** an instance telling another hub of its session, **origin** where such an
//! event was numbered first · **record** an event
//! in the log with its encodings · **log, ring, journal, segment, cursor, epoch** · **subscription** filter and cursor · **gap, slow
//! consumer** · **dialect, frame, request, reply** · **connection** one client's task · **tap** where detectors read
//! along · **peer** who is at the other end of a socket · **lineage** whether that leads to a supervised claude ·
//! **token, role, secret, digest** what somebody shows to be let in, what it allows, and how it is known again ·
//! **order, fate** what is to be done with claude, and how far that has come · **hold** a hook of claude's whose answer
//! waits · **question, permission** what claude asks before it uses a tool.
//!
//! # Who is whose parent
//!
//! ```text
//! subprocess   shell ─► claude-mpm (hub, relays) ─► guardian (session leader, subreaper) ─► claude ─► its tools
//! exec         shell ─► claude (was claude-mpm)      init ─► keeper (holds listeners) ─► companion (hub)
//! ```
//!
//! Who is forked has one thread and a copy of everything made before. When claude-mpm is killed, the guardian ends the
//! family and says the last word of the session ([`process::guardian::Heir`]); when the companion is killed, the
//! keeper forks another from the same memory. Numbers and times that both need are in a shared page
//! ([`hub::Progress`]).
//!
//! # Decisions that a reader will ask about
//!
//! *The relays and the screen emulator are threads, all else is one runtime on the main thread.* A keystroke's echo
//! must not stand behind a client's frame, and emulating a screen is work that must not stand before either.
//!
//! *Claude gets a pseudo-terminal only where its stdout is a terminal.* Elsewhere nobody draws, and what is left of
//! the terminal is inherited: the keys may be meant for the rest of the pipeline (`claude-mpm -- -p | less`), and
//! claude shares our group and its `^C`. Where stdout is a terminal and stdin is none, the terminal is left alone until
//! claude asks for keys by changing how its own terminal takes them, because another program of the pipeline may be
//! reading it (`cat | claude-mpm -- -p`). Pipes are pumped only where somebody reads along.
//!
//! *A hub has one session of its own, and others come with what is told of them.* An instance's hub and one that stands
//! alone are the same code. What is derived of an event (`agent.status`) is derived where the session is supervised, and
//! comes over the uplink like everything else.
//!
//! *The spool of an uplink is the log itself.* How far the other hub has come is known by that hub alone, and asked at
//! every beginning; so one that was killed and begins anew is told all that is still there, and nothing is kept twice.
//!
//! *News of clients is told a second late.* Whoever asks something in passing is not interrupted by the news that he came.
//!
//! *A replay is a hub with the numbers of another.* Its log takes records as they were written and nothing else, and what
//! has left memory is read from the very journal that is told again; so every client sees what it would have seen. What
//! followed from an event was recorded behind it, and is not derived twice.
//!
//! *A restart is the guardian's second start of the child, not a second guardian.* By then we have threads, and only a
//! process of one thread may fork.

pub mod claude;
pub mod cli;
pub mod client;
pub mod cmd;
pub mod config;
pub mod control;
pub mod detect;
pub mod dialect;
pub mod event;
pub mod export;
pub mod filter;
pub mod hub;
pub mod instance;
pub mod journal;
pub mod process;
pub mod recording;
pub mod server;
pub mod source;
pub mod status;
pub mod supervisor;
pub mod tls;
