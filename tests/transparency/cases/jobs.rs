//! Job control in a real shell: stop, go on, background and foreground, alone and in pipelines, and once inside a
//! real terminal multiplexer.

use crate::case::Case;
use crate::run::{Run, program};
use std::path::Path;
use std::process::Command;
use test_support::DEADLINE;
use test_support::shell::Shell;
use test_support::terminal::Terminal;

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("^Z and fg, five times", again),
    Case::as_bare("^Z, then kill", stopped),
    Case::as_bare("^Z and bg", background),
    Case::as_bare("started in the background and stopped there, then fg", background_first),
    Case::as_bare("a program that stops itself by TSTP", |run| stops_itself(run, "TSTP")),
    Case::as_bare("a program that stops itself by STOP", |run| stops_itself(run, "STOP")),
    Case::as_bare("^Z of a program that takes it first", takes_it_first),
    Case::as_bare("^Z of a pipeline", pipelines),
    Case::as_bare("^C of a pipeline, and its statuses", statuses),
    Case::as_bare("its process group, session and foreground", groups),
    Case::as_bare("a new size while it is stopped", size_while_stopped),
    Case::as_bare("in a multiplexer", multiplexer),
];

fn copying(run: &Run) -> Shell<'_> {
    run.jobs(&program("copy.py"), &[run.meeting.folder()])
}

fn scripted<'a>(run: &'a Run, script: &str) -> Shell<'a> {
    run.jobs("/bin/sh", &["-c", script, "sh", run.meeting.folder()])
}

fn again(run: &Run) -> String {
    let shell = copying(run);
    shell.job("run");
    for round in 0..5 {
        shell.keys("\x1a");
        shell.prompt();
        // The shell's own line editing works meanwhile.
        assert_eq!(shell.asks("echo mean\x08nwhile"), "meanwhile");
        shell.foreground();
        shell.keys(&format!("typed-{round}\r"));
        shell.shows(&format!("typed-{round}\ntyped-{round}"));
    }
    shell.keys("\x04");
    // Whatever else it was told would come before: it was continued as often as it was stopped.
    let heard = run.meeting.hear();
    shell.prompt();
    format!("{heard}\n{}\n{}", shell.asks("echo status $S"), shell.end())
}

fn stopped(run: &Run) -> String {
    let shell = copying(run);
    shell.job("run");
    shell.keys("\x1a");
    shell.prompt();
    let status = shell.asks("echo status $S");
    let jobs = shell.asks("jobs");
    shell.asks("kill %1; fg; wait");
    let after = shell.asks("jobs; echo none");
    format!("{status}\n{jobs}\n{after}\n{}", shell.end())
}

/// It does not read: what reads in the background is stopped.
fn background(run: &Run) -> String {
    let shell = scripted(run, r#"echo here >"$1/up"; read -r go <"$1/down"; echo "$go"; exit 6"#);
    shell.job("run");
    shell.keys("\x1a");
    shell.prompt();
    let stopped = shell.asks("echo status $S");
    let goes_on = shell.asks("bg; jobs");
    shell.keys("clear; echo wait''ing; wait %1; echo status $?\r");
    shell.shows("waiting");
    run.meeting.say("written");
    let screen = shell.prompt();
    let lines = screen.lines().filter(|line| ["written", "status 6"].contains(line));
    format!("{stopped}\n{goes_on}\n{}\n{}", lines.collect::<Vec<_>>().join("\n"), shell.end())
}

/// The keys are the shell's until `fg`.
fn background_first(run: &Run) -> String {
    let reads = r#"echo here >"$1/up"; read -r go <"$1/down"; echo "$go"; read -r line; echo "<$line>""#;
    let shell = scripted(run, reads);
    shell.job("run &");
    shell.prompt();
    // Stopped, it is continued when the terminal is its.
    let stopped = shell.asks("kill -TSTP %1; wait %1; echo status $?");
    shell.keys("fg\r");
    shell.shows("\nrun");
    run.meeting.say("go");
    shell.shows("\ngo");
    shell.keys("typed\r");
    shell.shows("<typed>");
    shell.prompt();
    let stopped = stopped.lines().find(|line| line.starts_with("status")).unwrap_or_default();
    format!("{stopped}\n{}\n{}", shell.asks("echo status $S"), shell.end())
}

fn stops_itself(run: &Run, signal: &str) -> String {
    let stops = format!(r#"kill -{signal} $$; echo again >"$1/up"; read -r line; echo "<$line>"; exit 9"#);
    let shell = scripted(run, &stops);
    shell.keys("run\r");
    shell.prompt();
    let status = shell.asks("echo status $S");
    shell.foreground();
    shell.keys("typed\r");
    shell.shows("<typed>");
    shell.prompt();
    format!("{status}\n{}\n{}", shell.asks("echo status $S"), shell.end())
}

/// As editors do: it puts its screen in order, and stops then.
fn takes_it_first(run: &Run) -> String {
    let shell = run.jobs(&program("suspends.py"), &[run.meeting.folder()]);
    shell.job("run");
    shell.keys("\x1a");
    let screen = shell.prompt();
    let stopped = shell.asks("echo status $S");
    shell.foreground();
    shell.keys("q");
    shell.prompt();
    let end = shell.asks("echo status $S");
    format!("{}\n{stopped}\n{end}\n{}", screen.contains("in order"), shell.end())
}

fn pipelines(run: &Run) -> String {
    let mut seen = Vec::new();
    for line in ["run | cat", "cat | run", "cat | run | cat"] {
        let shell = copying(run);
        shell.job(line);
        for round in 0..3 {
            shell.keys("\x1a");
            shell.prompt();
            assert_eq!(shell.asks("echo meanwhile"), "meanwhile", "{line}");
            // Where the program shares our group, it may have been continued by the shell and by us.
            run.meeting.forget();
            shell.foreground();
            shell.keys(&format!("typed-{round}\r"));
            shell.shows(&format!("typed-{round}\ntyped-{round}"));
        }
        shell.keys("\x03");
        shell.prompt();
        seen.push(format!("{line}: {} {}", shell.asks("jobs -l; echo after"), shell.end()));
        run.meeting.forget();
    }
    seen.join("\n")
}

/// Not of `cat | run`: on the terminal, the program hears of the key a little later than `cat`, whose end may be the
/// end of its input first.
fn statuses(run: &Run) -> String {
    let statuses = ["run | cat", "cat | run | cat"].map(|line| {
        let shell = copying(run);
        shell.job(line);
        // Through all of it once, so that each member runs.
        shell.keys("through\r");
        shell.shows("through\nthrough");
        shell.keys("\x03");
        shell.prompt();
        format!("{line}: {} {}", shell.asks("echo $P"), shell.end())
    });
    statuses.join("\n")
}

fn groups(run: &Run) -> String {
    run.jobs(&program("groups.py"), &[]).asks("run; run | grep fore; echo | run | grep fore")
}

/// It asks for the size itself: the kernel tells only the foreground of a new one.
fn size_while_stopped(run: &Run) -> String {
    let shell = scripted(run, r#"echo here >"$1/up"; read -r line; stty size"#);
    shell.job("run");
    shell.keys("\x1a");
    shell.prompt();
    shell.terminal.resize(90, 33);
    shell.asks("echo meanwhile");
    shell.keys("fg\r");
    shell.shows("\nrun");
    shell.keys("\r");
    shell.shows("33 90");
    shell.prompt();
    format!("{}\n{}", shell.asks("echo status $S"), shell.end())
}

/// A private server, and what a user has in it: a shell, a program, a stop, a new size.
fn multiplexer(run: &Run) -> String {
    let socket = run.folder().join("socket");
    let shell = run.bash(&program("sizes.py"), &[]);
    let mut tmux = Command::new("tmux");
    tmux.arg("-S").arg(&socket).args(["-f", "/dev/null", "new-session"]);
    tmux.arg(r"PS1='#\#> ' exec bash --norc --noprofile -i").env_remove("TMUX");
    tmux.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let terminal = Terminal::start(run.surrounded(tmux), 100, 31);
    let _server = Server(&socket);
    let shows = |text: &str| terminal.wait_for(|screen| screen.contains(text), DEADLINE);
    shows("#1>");
    terminal.type_text("clear; run\r");
    shows("[100x30]");
    terminal.resize(90, 21);
    shows("[90x20]");
    terminal.type_text("\x1a");
    shows("#2>");
    terminal.resize(110, 26);
    terminal.type_text("clear; echo mean''while\r");
    shows("meanwhile\n#3>");
    terminal.type_text("clear; fg\r");
    shows("[110x25]");
    terminal.type_text("q\r");
    shows("#4>");
    terminal.type_text("exit\r");
    crate::run::ended(terminal.wait_exit(DEADLINE))
}

/// Ends the multiplexer's server, however the case ends.
struct Server<'a>(&'a Path);

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It may have ended with its last session: as good.
        let _gone = Command::new("tmux").arg("-S").arg(self.0).arg("kill-server").output();
    }
}
