//! The longer texts of the help: usage lines, examples, exit statuses.

pub(super) const USAGE: &str = "claude-mpm [RUN OPTIONS] [-- CLAUDE ARGS...]
       claude-mpm <VERB> [OPTIONS]";

pub(super) const RUN_USAGE: &str = "claude-mpm [run] [RUN OPTIONS] [-- CLAUDE ARGS...]";

pub(super) const SHORT_END: &str =
    "Everything behind the first `--` reaches claude byte for byte. --help shows examples.";

pub(super) const LONG_END: &str = "\
Everything behind the first `--` reaches claude byte for byte. Without --websocket nothing is served.

EXAMPLES
  claude-mpm                                 become claude
  claude-mpm -- -p 'explain this'            the same, with arguments for claude
  claude-mpm --websocket                     let programs watch on ws://127.0.0.1:8765
  claude-mpm --websocket-port auto --launch-method subprocess
                                             the same, on the first free port, and what claude writes too
  claude-mpm watch                           see what it does, from another terminal
  claude-mpm watch --all 'claude.*'          what all instances do
  claude-mpm watch --answer                  and answer what claude asks
  claude-mpm send 'now run the tests'        give it a prompt, from another terminal

EXIT STATUS
  run: claude's own; 128+N when signal N ended it; 125 when claude-mpm failed, 126 when claude
  cannot be executed, 127 when it is not found.
  Other verbs: 0 ok, 1 failed, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or
  timed out.

ENVIRONMENT
  XDG_RUNTIME_DIR    where running instances are recorded, in claude-mpm/ [else /tmp/claude-mpm-UID]
  CLAUDE_MPM_CONFIG  the settings file to read instead; it has to exist
  CLAUDE_MPM_TOKEN   the token to be let in with, by hubs that ask for one
  CLAUDE_CONFIG_DIR  where claude keeps its files [else ~/.claude]
  NO_COLOR           no colours
  claude gets CLAUDE_MPM_SESSION, CLAUDE_MPM_URL and CLAUDE_MPM_HOOK_KEY, and never CLAUDE_MPM_TOKEN.

FILES
  ~/.config/claude-mpm/config.toml   settings (in XDG_CONFIG_HOME, if that is set)";

pub(super) const RUN_END: &str = "\
Everything behind the first `--` reaches claude byte for byte, but for the hooks that a served claude gets.

HOOKS
  With --websocket, claude gets hooks of ours for this run: in a --settings argument before its own, or put
  beside what its own --settings says. No file of claude's or of the project is written, and its user's hooks
  run as always. `auto` takes HTTP hooks where claude's version knows them, commands where not, and none where
  the program is not claude. Claude itself runs no hooks with --bare, --safe-mode or disableAllHooks.

LAUNCH METHODS
  exec: this process becomes claude, which has the terminal for itself. With --websocket, a companion without a
  terminal serves the hub, follows claude, and ends with it; claude.output is not told. A companion that is
  killed is followed by another at the same port within a second.
  subprocess: claude runs on a terminal of ours. When claude-mpm is killed, its guardian puts the terminal back,
  ends claude, and tells clients that connect again within 2 s how the session ended.
  --restart: at most five times in a row, after 1 s, 2 s, 4 s and so on, give or take a fifth; a run of a minute
  begins anew. What was typed is said again, with --resume of the same conversation.

RECORDING
  With --record, --websocket and --launch-method subprocess, every byte that claude writes to its terminal is kept
  with its time, for export --format asciicast. It is not redacted: whatever secret the terminal shows is in it.
  What is typed is not, but as far as claude shows it. It ends at 256 MiB; claude never waits for it, and a marker
  in it says what was left out.

BEYOND THIS MACHINE
  At an address that other machines can reach nothing begins without --tls and --auth required, or --insecure,
  which warns. With --tls auto the certificate is of our own making, kept for each address, and known by the
  fingerprint in the first line: others give it as --tls-fingerprint. A hub is called by its addresses and by
  the names of --allow-origin.

THE END
  A signal that ends a run with a hub, or with --launch-method subprocess, ends everything that claude started,
  in sessions of their own too: TERM, and KILL after 1 s. When claude exits by itself, what it leaves goes on, and is named
  in an event; --reap ends it. With --headless, TERM, INT and HUP stop claude: TERM, and KILL after 5 s or when
  the signal comes again.

EXAMPLES
  claude-mpm --websocket --launch-method subprocess
                                             claude, with its events on ws://127.0.0.1:8765
  claude-mpm --websocket-port auto --launch-method subprocess --hooks off -- -p 'hi'
                                             the same on a free port, claude's arguments as they were typed

EXIT STATUS
  claude's own; 128+N when signal N ended it; 125 when claude-mpm failed, 126 when claude cannot be
  executed, 127 when it is not found.

ENVIRONMENT
  XDG_RUNTIME_DIR      where running instances are recorded, in claude-mpm/ [else /tmp/claude-mpm-UID]
  CLAUDE_MPM_CONFIG    the settings file to read instead of the user's; it has to exist
  CLAUDE_MPM_TOKEN     the token for the other hub, --hub; claude never gets it
  CLAUDE_CONFIG_DIR    where claude's transcripts are read [else ~/.claude]
  SSL_CERT_FILE        the roots that --hub wss://… trusts without --tls-fingerprint [else the system's]
  Claude gets:
  CLAUDE_MPM_SESSION   the id of the session
  CLAUDE_MPM_URL       where its events are, ws://HOST:PORT or wss://HOST:PORT
  CLAUDE_MPM_HOOK_KEY  the key of its hooks, where it has hooks; NO_PROXY then excepts this machine

FILES
  $XDG_RUNTIME_DIR/claude-mpm/       a record, a socket and a token of each running instance, removed when it ends
  ~/.local/state/claude-mpm/tls/     certificates of --tls auto (in XDG_STATE_HOME, if that is set)
  ~/.local/state/claude-mpm/sessions/SESSION/terminal.cast
                                     the recording of --record, kept as long as the session's events
  ~/.local/state/claude-mpm/audit.log
                                     who came, who was turned away, and what was done with claude from elsewhere
  ~/.config/claude-mpm/config.toml   settings (in XDG_CONFIG_HOME, if that is set):
      [[ticket]]                     a line of a tool's output that tells of a new ticket
      pattern = 'opened (?<id>DESK-\\d+): (?<title>.+)'
      system = 'desk'
      [alerts]                       when resource.alert is told; MiB, or percent of one core; 0: never
      memory_mb = 4096               of claude and what it started
      critical_memory_mb = 8192      the same; twice memory_mb, if it is not given
      cpu_percent = 0                of claude and what it started, for 30 s
      critical_cpu_percent = 0
      hub_memory_mb = 128            of claude-mpm
      hub_queue_mb = 64              that wait to be written to clients
      [limits]                       of a hub, a few of which are (README has all):
      connections = 512
      message_bytes = 65536
      post_bytes = 4194304
      requests_per_second = 20
      [journal]                      what is kept on disk
      max_age_days = 30
      max_total_mb = 2048
      max_session_mb = 1024
      [redact]                       secrets in events and logs are shown as [REDACTED:name]
      enabled = true
      [[redact.pattern]]             one of yours, beside the known ones
      name = 'badge'
      pattern = 'BADGE-[0-9]+'
  ~/.claude/projects, sessions       read, never written";

pub(super) const WATCH_END: &str = "\
A lost connection is made again and goes on behind the last event; what could not be had is reported as
missed. States of the connection stand on standard error. Control characters in events are shown as
visible escapes, like \\u{1b}. With -o json each event is one line, unchanged but for such
characters, which are escapes of JSON.

With --answer, what claude asks is asked below its event, one after another: a allows, d denies, l allows it for the
rest of claude's session, s leaves it to others; where claude wants an answer, a digit chooses an option and t begins a
text. What was typed before a question is shown does not count. Who may answer: see claude-mpm send --help.

EXAMPLES
  claude-mpm watch                           the instance of this directory, or the only one
  claude-mpm watch -i web claude.output      what claude prints, of the instance named web
  claude-mpm watch -a --exclude system.stats everything of everybody, but for statistics
  claude-mpm watch -S 10m -g '(?i)error'     what said error within ten minutes, and says it from now on
  claude-mpm watch -a --answer permission.*  answer what all of them ask
  claude-mpm watch -o json session.end --count 1    wait for the end

EXIT STATUS
  0   the session ended, --count was reached, or the reader of a pipe went away
  1   failed
  2   usage
  3   no such instance
  4   not authorised
  5   cannot connect, or timed out
  ^C ends it by SIGINT, which a shell shows as 130.";

pub(super) const LIST_END: &str = "\
The port is where programs connect; the activity is asked from each instance, `?` when it does not answer; `replay`
stands in front of what a recording tells again (see claude-mpm replay --help).
With -o json: an array of records. Status 0 even when nothing runs.";

pub(super) const HISTORY_END: &str = "\
With -i, a session that is over is meant as well, by its name (the newest of it), its id or the beginning of that,
where no instance that runs is meant: its journal is read. `claude-mpm list --ended` shows which there are.

EXAMPLES
  claude-mpm history                         the last 100 events of the instance of this directory
  claude-mpm history -i web -S 10m claude.*  of the one named web, of the last ten minutes
  claude-mpm history -i 1a2b3c4d -n 10000 -o json
                                             of a session that is over, for a program

EXIT STATUS
  0 ok, 1 failed, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out";

pub(super) const ONE_END: &str = "\
EXIT STATUS
  0 ok, 1 failed, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out";

pub(super) const EXPLAIN_END: &str = "\
Hooks, claude's stream and its transcript tell of the same facts; each fact is one event, published by the
source that was first; what the others say later is counted here. Only events that are still in memory can be
explained; `watch -o json` shows their numbers (seq).

EXAMPLES
  claude-mpm explain                         how often each source was first, and whether it is well
  claude-mpm explain 1234                    the event with this number
  claude-mpm explain -i web 1234             the same, of the instance named web

EXIT STATUS
  0 ok, 1 failed, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out

ENVIRONMENT
  XDG_RUNTIME_DIR   where running instances are looked for, in claude-mpm/ [else /tmp/claude-mpm-UID]";

pub(super) const PUBLISH_END: &str = "\
Inside a session of claude-mpm (CLAUDE_MPM_SESSION) the hub is that of the session. A type that begins with a
capital letter, like PreToolUse, is published as claude's hook of that name. Types of claude-mpm itself have their
own content, and what belongs to a session (session.*, claude.*) is told by whoever runs it alone.

A stream is sent as it comes, in order, many events at once where they come fast. A line that is no event, or that
the hub refuses, is named on standard error with its cause; the rest goes on, and the exit status is 1.

EXAMPLES
  claude-mpm publish build.done '{\"ok\":true}'
  claude-mpm publish build.done --source ci --summary 'the build is green' -i web
  claude-mpm publish PreToolUse '{\"tool_name\":\"Bash\"}'
  tail -f app.ndjson | claude-mpm publish app.log -
                                             each line the content of an event
  claude-mpm publish - < events.ndjson       each line a whole event
  claude-mpm publish --test resource.alert   does the dashboard show it?

OUTPUT
  None; with -o json a line for all that was sent together, {\"seqs\":[12,13]}: the numbers of the events in the log.

EXIT STATUS
  0 all is published, 1 failed or some of it is not, 2 usage, 3 no such instance, 4 not authorised, 5 cannot
  connect or timed out

ENVIRONMENT
  CLAUDE_MPM_SESSION   the session whose hub is told, unless -i or --url names another
  XDG_RUNTIME_DIR      where running instances are looked for, in claude-mpm/ [else /tmp/claude-mpm-UID]";

pub(super) const CHECK_END: &str = "\
EXAMPLES
  claude-mpm check                           everything
  claude-mpm check --port 8765               is it free, and who holds it?
  claude-mpm --launch-method subprocess --websocket-port $(claude-mpm check --find-port)
  claude-mpm check --connect web             how far away is the hub?

OUTPUT
  Of everything: claude, its version, the runtime directory, the port, and the fingerprints of certificates.

EXIT STATUS
  0 nothing failed (warnings do not count), or the port is free; 1 something failed, or the port is taken;
  2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out";

pub(super) const SCHEMA_END: &str = "\
The schema is of JSON Schema, draft 2020-12; no instance need run. A name is one of
  TYPE              the data of an event, whichever dialect it is told in: claude.output
  DIALECT/NAME      a frame that is sent, or a request: classic/claude.output, monitor/subscribe
  DIALECT/frame     everything that is sent, of the dialects classic, envelope and monitor
  DIALECT/request   everything a client may send
  draft             an event to publish
What is printed for a name stands alone: it has all definitions that it refers to.

Its version is that of the wire. What is added leaves it as it is, so ignore fields and types you do not know;
it changes when something is renamed, removed, or means another thing.

EXAMPLES
  claude-mpm schema > claude-mpm.schema.json     everything; as a schema, the frames of the classic dialect
  claude-mpm schema agent.delegation             what an agent.delegation tells
  claude-mpm schema classic/request              what a client may send
  claude-mpm schema --list                       all names
  claude-mpm schema --asyncapi > asyncapi.json   for generators of clients and pages

EXIT STATUS
  0 ok, 1 no such name, 2 usage";

pub(super) const DEMO_END: &str = "\
It runs under the real supervisor and hub, tells the hooks claude would tell, and says that it is a demo: two
agents, one of them in the background, a todo list, a ticket, a permission that waits. Claude is not needed and
not started, and no file of yours is written.

EXAMPLES
  claude-mpm demo                            then, in another terminal: claude-mpm watch
  claude-mpm demo --forever                  until ^C";

pub(super) const HOOK_USAGE: &str = "claude-mpm hook [EVENT]
       claude-mpm hook <install|uninstall|status> [--project|--local]";

pub(super) const HOOK_END: &str = "\
Without an action it is what claude runs: it reads the hook's JSON on standard input and hands it to the hub
of the session in CLAUDE_MPM_SESSION, else of the instance in this directory. Whatever happens, it prints
nothing, ends within 1.5 s, and its exit status is 0, so that it can never hinder claude.

`install` is for claude run without this wrapper; the wrapper needs no edits. It adds hooks to what stands in
the settings, keeps a copy of the file as it was before in settings.json.before-claude-mpm, and can be repeated.
`uninstall` takes out those hooks and nothing else.

EXIT STATUS
  of an action: 0 ok, 1 failed (status: none is installed), 2 usage

ENVIRONMENT
  CLAUDE_MPM_SESSION   the session whose hub is told
  CLAUDE_MPM_HOOK_KEY  the key of that session's hooks
  CLAUDE_PROJECT_DIR   the directory whose instance is told outside of a session [else this one]
  CLAUDE_CONFIG_DIR    where claude's settings are [else ~/.claude]
  XDG_RUNTIME_DIR      where running instances are looked for, in claude-mpm/ [else /tmp/claude-mpm-UID]

FILES
  ~/.claude/settings.json        what `install` changes; --project: .claude/settings.json, --local:
                                 .claude/settings.local.json
  *.before-claude-mpm            the file as it was before the first change";

pub(super) const SERVE_END: &str = "\
The hub takes events from programs of this user (see `claude-mpm publish`), hooks of claudes that run without
claude-mpm (see `claude-mpm hook install`), and the sessions of instances: each that is started with --hub, and each
whose port it has. What is told of a session stays apart; a client sees all, or the sessions it names.

Under systemd it takes the sockets that are handed over and says when it is ready; README tells how to install the unit.

EXAMPLES
  claude-mpm serve                           a hub on ws://127.0.0.1:8765
  claude-mpm --websocket                     meanwhile: a session that is told to it, too
  claude-mpm --hub ws://127.0.0.1:8765       the same, said in words
  claude-mpm watch --url ws://127.0.0.1:8765 everything that happens anywhere
  claude-mpm serve --websocket-host 0.0.0.0 --tls auto --auth required
                                             for other machines too, which need the fingerprint it prints

BEYOND THIS MACHINE
  At an address that other machines can reach, typed or handed over, nothing begins without --tls and --auth
  required, or --insecure, which warns. With --tls auto the certificate is of our own making and kept for each
  address in ~/.local/state/claude-mpm/tls. A hub is called by its addresses and by the names of --allow-origin.

SIGNALS
  SIGTERM and SIGINT end it: clients are told to come back (1001), record and socket are removed.

EXIT STATUS
  0 when it was told to stop; 125 when it cannot listen.";

pub(super) const TOKEN_USAGE: &str = "claude-mpm token create [--role ROLE] [--note TEXT] [--expires TIME]
       claude-mpm token list [-o FORMAT]
       claude-mpm token revoke <ID|--all>
       claude-mpm token rotate <ID>";

pub(super) const TOKEN_END: &str = "\
A token is shown once, on standard output, when it is made; only its digest is kept. Every hub of this user reads
the file again when it has changed: a new token counts at once, and so does the end of one.
Programs show it as `Authorization: Bearer TOKEN`; our own verbs take it from --token-file or CLAUDE_MPM_TOKEN.

ROLES
  read      follow events, ask for status and history
  publish   also put events on the hub
  control   everything

EXAMPLES
  claude-mpm token create --note dashboard --expires 30d
  (umask 077; claude-mpm token create --role publish > ci.token)
  claude-mpm watch --url ws://127.0.0.1:8765 --token-file ci.token
  claude-mpm token revoke 1a2b3c4d

EXIT STATUS
  0 ok, 1 failed, 2 usage

FILES
  ~/.local/state/claude-mpm/tokens.json   the digests (in XDG_STATE_HOME, if that is set), mode 0600
  $XDG_RUNTIME_DIR/claude-mpm/*.token     a token with role control for each running instance, for scripts of its
                                          user: made at its start, removed when it ends";
