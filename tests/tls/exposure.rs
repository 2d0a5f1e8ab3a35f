//! A hub that could be reached from other machines without TLS and tokens does not begin.

use crate::WRAPPER;
use crate::speaker::{end, place, run};
use std::net::TcpListener;
use std::process::Command;
use test_support::program::Program;
use test_support::standalone::Place;

const BEYOND: [&str; 3] = ["0.0.0.0", "::", "::ffff:0.0.0.0"];

#[test]
fn nothing_is_bound_or_started_beyond_this_machine_without_tls_and_tokens() {
    let place = place();
    let started = place.path("started");
    let touch = started.to_string_lossy().into_owned();
    for host in BEYOND {
        for (options, remedy) in [
            (&[][..], "add --tls auto --auth required, or --insecure"),
            (&["--tls", "auto"], "add --auth required, or --insecure"),
            (&["--auth", "required"], "add --tls auto, or --insecure"),
        ] {
            let at = [&["--websocket-host", host][..], options].concat();
            let run_options = ["--websocket-port", "auto", "--claude", "touch"];
            for method in ["exec", "subprocess"] {
                let method = ["--launch-method", method];
                let all = [&run_options[..], &method, &at, &["--", &touch]].concat();
                let (status, _, err) = run(&place, &all);
                assert_eq!(
                    (status, err.contains(remedy), err.lines().count()),
                    (Some(125), true, 1),
                    "{err}"
                );
            }
            let (status, _, err) = run(&place, &[&["serve", "--websocket-port", "0"], &at[..]].concat());
            assert_eq!((status, err.contains(remedy), err.lines().count()), (Some(125), true, 1), "{err}");
        }
    }
    assert!(!started.exists());
}

#[test]
fn insecure_warns_once_even_quietly_and_goes_on() {
    let place = place();
    let run_options = ["-q", "--websocket-port", "auto", "--websocket-host", "0.0.0.0", "--insecure"];
    let (status, _, err) = run(&place, &[&run_options[..], &["--claude", "true"]].concat());
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(err.matches("WARNING: 0.0.0.0 can be reached").count(), 1, "{err}");
    let (_, _, err) = run(&place, &["--websocket-port", "auto", "--insecure", "--claude", "true"]);
    assert!(!err.contains("WARNING"), "a loopback address is none: {err}");
}

/// `serve` with this socket, as a service manager hands it over.
fn handed(place: &Place, listener: TcpListener, options: &str) -> Command {
    let script = format!("exec env LISTEN_PID=$$ LISTEN_FDS=1 \"$0\" serve {options} 3<&0 0</dev/null");
    let mut command = Command::new("sh");
    let wrapper = place.command(&[]);
    command.env_clear().envs(wrapper.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["-c", &script, WRAPPER]).stdin(std::os::fd::OwnedFd::from(listener));
    command
}

#[test]
fn a_socket_that_is_handed_over_is_judged_by_where_it_is_bound() {
    let place = place();
    let listener = TcpListener::bind(("0.0.0.0", 0)).expect("a port");
    let refused = Program::start_with_its_stdin(handed(&place, listener, "--websocket-host 127.0.0.1"));
    let (status, _, err) = refused.finish();
    assert_eq!((status.code(), err.len()), (Some(125), 1), "{err:?}");
    assert!(err[0].contains("cannot listen on 0.0.0.0"), "{err:?}");
    let mapped = TcpListener::bind("[::ffff:127.0.0.1]:0");
    for listener in [TcpListener::bind("127.0.0.1:0").expect("a port")].into_iter().chain(mapped) {
        let program = Program::start_with_its_stdin(handed(&place, listener, "--websocket-host 0.0.0.0"));
        program.wait_err(|line| line.contains(" on ws://"));
        assert!(end(program).success());
    }
}

#[test]
fn options_of_a_listener_mean_nothing_where_nobody_listens_and_tell_where_they_belong() {
    let place = place();
    for options in
        [&["--tls", "auto"][..], &["--auth", "required"], &["--insecure"], &["--allow-origin", "b:1"]]
    {
        let (status, _, err) = run(&place, &[options, &["--claude", "true"]].concat());
        assert_eq!((status, err.contains("add --websocket")), (Some(2), true), "{options:?}: {err}");
        let (status, _, err) = run(&place, &[options, &["watch"]].concat());
        assert_eq!((status, err.contains("is an option of `run`")), (Some(2), true), "{options:?}: {err}");
        let (status, _, err) = run(&place, &[options, &["serve"]].concat());
        assert_eq!((status, err.contains("to be written behind it")), (Some(2), true), "{options:?}: {err}");
    }
    for args in [
        &["--websocket", "--tls-key", "k"][..],
        &["--websocket", "--tls", "auto", "--tls-key", "k", "--claude", "true"],
        &["--websocket", "--allow-origin", "*", "--claude", "true"],
        &["--websocket", "--allow-origin", "https://u@box", "--claude", "true"],
        &["serve", "--allow-origin", "https://box/path"],
        &["serve", "--websocket-host", "example.com"],
    ] {
        let (status, _, err) = run(&place, args);
        assert_eq!(status, Some(2), "{args:?}: {err}");
    }
}
