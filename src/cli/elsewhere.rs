//! The longer help of the verbs by which claude is told something from elsewhere: examples, exit statuses, who may.

pub(super) const SEND_END: &str = "\
What becomes of it is told step by step on standard error: `queued` until claude can take it, `typed` at its terminal,
`accepted` once claude says that it has taken the prompt. Claude has to run with --launch-method subprocess.

A leading `!` or `/` is typed behind a space, so that it is a prompt and runs nothing, unless --raw is given. Where
claude asks something, a prompt is rejected, or waits with --queue: nothing typed here answers a question by accident.

Who may: programs of the same user on this machine, over the instance's Unix socket; elsewhere whoever shows a token
with the role control. Claude itself, and what it started, may not, whatever they show.

EXAMPLES
  claude-mpm send 'now run the tests'
  claude-mpm send -i web --queue then commit it
  git diff | claude-mpm send -               at most 64 KiB
  claude-mpm send --keys Escape

EXIT STATUS
  0   claude has it: accepted, typed or done
  1   rejected, and the reason is said
  2   usage
  3   no such instance
  4   not authorised
  5   cannot connect, or not told within --timeout what became of it; it may still be done";

pub(super) const INTERRUPT_END: &str = "\
As Escape does at its terminal. Who may: see claude-mpm send --help.

EXIT STATUS
  0 done, 1 rejected, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out";

pub(super) const STOP_END: &str = "\
Claude gets TERM, and KILL when the grace is over; a second stop means KILL now. What it has started ends with it.
A claude that was stopped is not started again by --restart. Who may: see claude-mpm send --help.

EXAMPLES
  claude-mpm stop                            the instance of this directory, or the only one
  claude-mpm stop -i web --grace 30s
  claude-mpm stop --all                      every one of this user, a line each

EXIT STATUS
  0 done, 1 rejected, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out; with --all that
  of the first one that went wrong";

pub(super) const RESTART_END: &str = "\
Claude gets TERM, and KILL when the grace is over; then it is started with what was typed and --resume of the same
conversation. It has to run with --launch-method subprocess. Who may: see claude-mpm send --help.

EXIT STATUS
  0 done, 1 rejected, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out";

pub(super) const PERMISSIONS_END: &str = "\
With -o json: an array, each as `permission.requested` told it.

EXIT STATUS
  0 ok, whether there are any or not; 1 failed, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or
  timed out";

pub(super) const ALLOW_END: &str = "\
Claude's own dialog stays open meanwhile; whoever is first decides. Where claude asks for an answer (AskUserQuestion),
each of its questions needs one: the label of an option, or a text of your own. Who may: see claude-mpm send --help.

EXAMPLES
  claude-mpm permissions                     what is asked, and the ids
  claude-mpm allow                           the only one
  claude-mpm allow 1a2b --remember
  claude-mpm allow 1a2b --input '{\"command\":\"ls -l\"}'
  claude-mpm allow 1a2b --answer '1=SQLite' --answer 'Which caches?=Redis' --answer 'Which caches?=none'

EXIT STATUS
  0 done, 1 rejected, too late, or no such question, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect
  or timed out";

pub(super) const DENY_END: &str = "\
Claude's own dialog stays open meanwhile; whoever is first decides. Who may: see claude-mpm send --help.

EXAMPLES
  claude-mpm deny                            the only one
  claude-mpm deny 1a2b --message 'use the staging database'

EXIT STATUS
  0 done, 1 rejected, too late, or no such question, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect
  or timed out";

pub(super) const OPEN_END: &str = "\
The address carries a token that lets one browser in, once, within a minute. The instance makes it for its own user
alone, over its Unix socket. Other users can read the arguments of a browser, so it is given a page in
$XDG_RUNTIME_DIR/claude-mpm that only this user can read and that leads on to the address; the page is removed
when the token is worth nothing any more. A browser that may not read there (snap, flatpak) shows an error: use --print.

EXAMPLES
  claude-mpm open                            the instance of this directory, or the only one
  claude-mpm open -i web --print             the address, to be pasted

EXIT STATUS
  0 ok, 1 failed, 2 usage, 3 no such instance, 4 not authorised, 5 cannot connect or timed out

ENVIRONMENT
  BROWSER   commands to try, separated by colons, with %s for the page [else xdg-open, open]";

pub(super) const EXPORT_END: &str = "\
A session that runs is exported as far as it has come. SESSION is found as by `history -i`; `list --ended` shows those
that are over.

FORMATS
  ndjson      every event as `history -o json` prints it
  csv         RFC 4180, UTF-8: seq, epoch, timestamp, session_id, source, type, summary, data (as JSON). A text that a
              spreadsheet would take for a formula, by its first character, has an apostrophe in front.
  markdown    what was said, tools, agents, todos, tickets, permissions, errors and output, with times in UTC
  html        the same as one page, without scripts and without anything from elsewhere
  asciicast   the recording of the terminal, version 2, as `run --record` made it; it is not redacted
The protocols leave out what programs need alone (statistics, states, most hooks), unless channels are named. Where
events are missing, a system.gap stands in front of what follows, and standard error says how many there are.

A file is made for you alone (mode 0600), and is there whole or not at all.

EXAMPLES
  claude-mpm export web -o web.html          a page to read
  claude-mpm export web 'agent.*' --format csv
                                             the agents, as a table
  claude-mpm export web -S 1h -o - | jq .type
  claude-mpm export web -o web.cast && asciinema play web.cast

EXIT STATUS
  0 ok, 1 failed, or the session was not recorded, 2 usage, 3 no such session, 4 not authorised, 5 cannot connect or
  timed out";
