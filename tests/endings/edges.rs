//! Relatives that do not want to go, that are another's, or that nobody may end; runs within runs; stops.

use crate::{Doomed, Process, SLEEPS, libc, start};
use std::time::{Duration, Instant};
use test_support::DEADLINE;
use test_support::terminal::Signal;
use test_support::wrapper::{PARENT, Way};

const SESSION: &str = "CLAUDE_MPM_SESSION";

#[test]
fn a_relative_that_ignores_every_request_is_killed() {
    let stubborn = r#"trap '' TERM HUP INT QUIT; echo "relative $$" >"$1/up"; while :; do sleep 1000; done"#;
    for way in PARENT {
        let run = start(way, &[], stubborn);
        let begun = Instant::now();
        assert!(run.program.signal(libc::SIGKILL));
        run.ended(137);
        assert!(begun.elapsed() >= Duration::from_secs(1), "it has a grace: {:?}", begun.elapsed());
    }
}

#[test]
fn a_relative_that_is_stopped_and_what_it_starts_while_it_ends_go_too() {
    let stopped = r#"trap 'sleep 1000 & echo "heir $!" >"$1/up"; exit' TERM
        echo "relative $$" >"$1/up"; kill -STOP $$; while :; do :; done"#;
    for way in PARENT {
        let run = start(way, &[], stopped);
        assert!(run.terminal.signal(Signal::SIGTERM));
        run.ended(143);
        let heir = run.meeting.hear();
        let heir = heir.strip_prefix("heir ").expect("an heir").parse().expect("a number");
        let gone = Process::find(heir).is_none_or(|heir| heir.ends_within(Duration::ZERO));
        assert!(gone, "{way:?}: the heir goes on");
    }
}

#[test]
#[cfg_attr(
    feature = "portable",
    ignore = "without a subreaper an orphan goes to the system, and only the mark leads to it"
)]
fn a_relative_that_dropped_the_environment_is_found_by_its_parents() {
    let bare = r#"echo "relative $$" >"$1/up"; exec env -i /bin/sleep 1000"#;
    for way in PARENT {
        let run = start(way, &[], bare);
        assert!(run.program.signal(libc::SIGKILL));
        run.ended(137);
    }
}

#[test]
fn nobody_of_another_session_is_hit() {
    for way in PARENT {
        let bystander = |session: &str| {
            let mut sleep = std::process::Command::new("sleep");
            let mut child = sleep.arg("1000").env(SESSION, session).spawn().expect("a bystander");
            let process = Doomed(Process::of(child.id()));
            std::thread::spawn(move || child.wait());
            process
        };
        let bystanders = ["", "another", "00000000-0000-4000-8000-000000000000"].map(bystander);
        let run = start(way, &[], SLEEPS);
        assert!(run.terminal.signal(Signal::SIGTERM));
        run.ended(143);
        assert!(bystanders.iter().all(|bystander| !bystander.0.ends_within(Duration::ZERO)));
    }
}

/// The inner run is asked and, at the latest, killed; its own guardian sees to its own.
#[test]
fn a_run_within_a_run_ends_with_it_and_takes_its_own_along() {
    let inner = r#"trap '' TERM HUP; echo "relative $$" >"$1/up"
        setsid sh -c 'echo "deep $$" >"$1/up"; exec sleep 1000' sh "$1" & while :; do sleep 1000; done"#;
    let options = "-q --nested --launch-method subprocess --claude /bin/sh --";
    let binary = env!("CARGO_BIN_EXE_claude-mpm");
    for kill_all in [false, true] {
        let quoted = inner.replace('\'', r"'\''");
        let run = start(Way::Supervised, &[], &format!("{binary} {options} -c '{quoted}' sh \"$1\" & wait"));
        let deep = run.meeting.hear();
        let deep = deep.strip_prefix("deep ").expect("the deepest").parse().expect("a number");
        let deep = Doomed(Process::of(deep));
        let guardian = run.program.parent();
        assert!(run.program.signal(libc::SIGKILL));
        if kill_all {
            assert!(run.terminal.signal(Signal::SIGKILL));
            assert!(guardian.ends_within(DEADLINE));
        } else {
            assert_eq!(run.terminal.wait_exit(DEADLINE).code(), Some(137));
        }
        assert!(run.relative.0.ends_within(Duration::from_secs(8)), "the inner program goes on");
        assert!(deep.0.ends_within(Duration::from_secs(8)), "what the inner program left goes on");
    }
}

#[test]
fn a_program_that_nobody_sees_is_stopped_and_that_is_said() {
    let run = start(Way::Watched, &["--headless"], SLEEPS);
    assert!(run.terminal.signal(Signal::SIGTERM));
    run.ended(143);
    let (_, end) = run.told().expect("a client");
    assert_eq!((&end["reason"], &end["signal"]), (&"stopped".into(), &15.into()), "{end}");
}

#[test]
fn a_second_request_to_stop_means_now() {
    let run = start(Way::Watched, &["--headless"], SLEEPS);
    run.meeting.say("trap 'echo told >\"$1/up\"' TERM; echo here >\"$1/up\"; while :; do sleep 0.1; done");
    assert_eq!(run.meeting.hear(), "here");
    let begun = Instant::now();
    assert!(run.terminal.signal(Signal::SIGTERM));
    assert_eq!(run.meeting.hear(), "told");
    assert!(run.terminal.signal(Signal::SIGTERM));
    run.ended(137);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let (_, end) = run.told().expect("a client");
    assert_eq!(end["reason"], "stopped", "{end}");
}

#[test]
fn a_program_that_does_not_stop_within_its_grace_is_killed() {
    let run = start(Way::Supervised, &["--headless"], SLEEPS);
    run.meeting.say("trap '' TERM; echo deaf >\"$1/up\"; while :; do sleep 1000; done");
    assert_eq!(run.meeting.hear(), "deaf");
    let begun = Instant::now();
    assert!(run.terminal.signal(Signal::SIGTERM));
    run.ended(137);
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Only root can make a process that a user started and may not end.
#[test]
#[cfg_attr(
    feature = "portable",
    ignore = "without a subreaper an orphan goes to the system, and another user's mark is not looked at"
)]
fn a_relative_that_nobody_may_end_is_named_on_standard_error() {
    use std::os::unix::fs::PermissionsExt;
    let python = std::path::Path::new("/usr/bin/python3");
    if !nix::unistd::geteuid().is_root() || !python.exists() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = |from: &std::path::Path, name: &str, mode: u32| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).expect("a copy");
        std::fs::set_permissions(&to, PermissionsExt::from_mode(mode)).expect("its mode");
        to.to_str().expect("text").to_owned()
    };
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("its mode");
    let binary = place(std::path::Path::new(env!("CARGO_BIN_EXE_claude-mpm")), "claude-mpm", 0o755);
    let rooted = place(python, "rooted", 0o4755);
    let relative =
        "import os, time; os.setresuid(0, 0, 0); os.setsid(); print('relative', os.getpid(), flush=True)
null = os.open('/dev/null', 2); os.dup2(null, 1); os.dup2(null, 2); time.sleep(1000)";
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.args([&binary, "-q", "--launch-method", "subprocess", "--claude", "/bin/sh", "--", "-c"]);
    command.args([r#"echo "program $$"; "$0" -c "$1" & wait"#, &rooted, relative]);
    crate::wrapper().surround(&mut command);
    let run = test_support::running::Running::start(command);
    let lines = run.wait_for(|output| output.lines().count() == 2 && output.ends_with('\n'));
    let who = |name: &str| {
        let pid = lines.lines().find_map(|line| line.strip_prefix(name)).expect("it said who it is");
        Process::of(pid.trim().parse().expect("a number"))
    };
    let relative = Doomed(who("relative"));
    let begun = Instant::now();
    assert!(who("program").signal(libc::SIGKILL));
    let (status, output) = run.wait_exit();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(status.code(), Some(137));
    let pid = relative.0.pid;
    let complaint = format!("claude-mpm: cannot end {pid} rooted: it belongs to another user\n");
    assert_eq!(output, format!("{lines}{complaint}"));
    assert!(!relative.0.ends_within(Duration::ZERO));
}
