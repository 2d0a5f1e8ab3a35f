//! Injections between a master side and a child that reads, or does not.

use super::*;
use crate::process::draft::Prompt;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::io::Read;
use std::sync::mpsc;

/// A master that does not block, the switch of its writer, and the child's side, raw.
fn stand() -> (OwnedFd, InwardSwitch, std::fs::File) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let mut raw = tcgetattr(&slave).unwrap();
    cfmakeraw(&mut raw);
    tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
    fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let path =
        CString::new(nix::unistd::ttyname(&slave).unwrap().into_os_string().into_encoded_bytes()).unwrap();
    let inward = Inward::new(None, master.try_clone().unwrap(), true, false).unwrap().read_at(&path);
    (master, inward.start().unwrap(), slave.into())
}

fn inject(switch: &InwardSwitch, pieces: Vec<Piece>, is_allowed: bool) -> mpsc::Receiver<Outcome> {
    let (tell, told) = mpsc::channel();
    let check = move |_: &Draft, _: usize| if is_allowed { Ok(()) } else { Err("not now".to_owned()) };
    let injection = Injection::new(pieces, check, move |outcome| tell.send(outcome).unwrap());
    switch.injector().inject(injection);
    told
}

fn outcome(told: &mpsc::Receiver<Outcome>) -> Outcome {
    told.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[test]
fn what_is_injected_comes_whole_and_in_order_and_what_is_refused_does_not() {
    let (_master, switch, mut child) = stand();
    let paste = |text: &str| vec![Piece::Paste(text.into()), Piece::Keys(b"\r".to_vec())];
    let first = inject(&switch, paste("one"), true);
    let second = inject(&switch, paste("two"), false);
    let third = inject(&switch, vec![Piece::Keys(b"\x1b".to_vec()), Piece::Keys(b"3".to_vec())], true);
    assert_eq!(outcome(&first), Outcome::Typed);
    assert_eq!(outcome(&second), Outcome::Refused("not now".into()));
    assert_eq!(outcome(&third), Outcome::Typed);
    let expected = b"\x1b[200~one\x1b[201~\r\x1b3";
    let mut read = vec![0; expected.len()];
    child.read_exact(&mut read).unwrap();
    assert_eq!(read, expected);
    assert_eq!(switch.injector().prompt(), Prompt::Draft, "the digit");
}

#[test]
fn a_child_that_does_not_read_is_given_up_and_its_paste_is_ended_before_anything_else() {
    let (_master, switch, mut child) = stand();
    let long = vec![Piece::Paste("\u{e4}".repeat(39_000)), Piece::Keys(b"\r".to_vec())];
    assert_eq!(outcome(&inject(&switch, long, true)), Outcome::Unwritten(UNREAD.into()));
    let next = inject(&switch, vec![Piece::Keys(b"next".to_vec())], true);
    let mut read = Vec::new();
    while !read.ends_with(b"next") {
        let mut bytes = [0; 4096];
        let count = child.read(&mut bytes).unwrap();
        read.extend_from_slice(&bytes[..count]);
    }
    assert_eq!(outcome(&next), Outcome::Typed);
    let text = String::from_utf8(read).expect("whole characters");
    assert!(text.starts_with("\x1b[200~\u{e4}") && text.ends_with("\u{e4}\x1b[201~next"));
}

#[test]
fn what_waits_when_the_switch_is_dropped_is_told() {
    let (_master, switch, _child) = stand();
    let injector = switch.injector();
    drop(switch);
    let (tell, told) = mpsc::channel();
    injector.inject(Injection::new(Vec::new(), |_, _| Ok(()), move |outcome| tell.send(outcome).unwrap()));
    assert!(matches!(outcome(&told), Outcome::Unwritten(_) | Outcome::Typed));
}
