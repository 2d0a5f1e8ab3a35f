//! Injections between a master side and a child that reads, or does not.

use super::inject::UNREAD;
use super::*;
use crate::process::draft::Prompt;
use crate::process::injection::{Piece, Ticket};
use crate::process::tap::{Passed, Tap};
use crate::process::terminal::{Size, take_size};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::io::{Read, Write};
use std::sync::mpsc;

/// Both sides of a terminal, raw.
fn raw() -> (OwnedFd, OwnedFd) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let mut raw = tcgetattr(&slave).unwrap();
    cfmakeraw(&mut raw);
    tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
    (master, slave)
}

/// A master that does not block, the switch of its writer, and the child's side, raw.
fn stand() -> (OwnedFd, InwardSwitch, std::fs::File) {
    stand_for(None, None)
}

/// The same, with somebody who types.
fn stand_with_user() -> (std::fs::File, OwnedFd, InwardSwitch, std::fs::File) {
    let (user, terminal) = raw();
    let (master, switch, child) = stand_for(Some(terminal), None);
    switch.listen(true);
    (user.into(), master, switch, child)
}

fn stand_for(terminal: Option<OwnedFd>, tap: Option<&Tap>) -> (OwnedFd, InwardSwitch, std::fs::File) {
    let (master, slave) = raw();
    fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let path =
        CString::new(nix::unistd::ttyname(&slave).unwrap().into_os_string().into_encoded_bytes()).unwrap();
    let sizes = tap.map(|tap| Sizes::new(master.as_fd(), vec![tap.clone()]));
    let mut inward = Inward::new(None, master.try_clone().unwrap(), sizes, false).unwrap().read_at(&path);
    inward.terminal = terminal;
    (master, inward.start().unwrap(), slave.into())
}

fn inject(switch: &InwardSwitch, pieces: Vec<Piece>, is_allowed: bool) -> mpsc::Receiver<Outcome> {
    let (tell, told) = mpsc::channel();
    let check = move |_: &Draft, _: usize| if is_allowed { Ok(()) } else { Err("not now".to_owned()) };
    let injection = Injection::new(pieces, check, move |outcome| drop(tell.send(outcome)));
    switch.injector().inject(injection);
    told
}

fn outcome(told: &mpsc::Receiver<Outcome>) -> Outcome {
    told.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[test]
fn a_key_behind_a_new_size_comes_to_a_child_whose_size_is_known_to_who_reads_along() {
    let ((user, terminal), tap) = (raw(), Tap::new());
    let (_master, switch, mut child) = stand_for(Some(terminal.try_clone().unwrap()), Some(&tap));
    let size = Winsize { ws_row: 30, ws_col: 50, ws_xpixel: 0, ws_ypixel: 0 };
    let resized = openpty(&size, None).unwrap();
    take_size(resized.master.as_fd(), terminal.as_fd(), |_| ()).unwrap();
    switch.listen(true);
    let mut user = std::fs::File::from(user);
    user.write_all(b"k").unwrap();
    child.read_exact(&mut [0]).unwrap();
    tap.close();
    assert_eq!(tap.take(None).unwrap(), [Passed::Resized(Size { cols: 50, rows: 30 })]);
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
    injector.inject(Injection::new(Vec::new(), |_, _| Ok(()), move |outcome| drop(tell.send(outcome))));
    assert!(matches!(outcome(&told), Outcome::Unwritten(_) | Outcome::Typed));
}

/// What the child reads, up to this.
fn read_until(child: &mut std::fs::File, end: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while !all.ends_with(end) {
        let mut byte = [0];
        child.read_exact(&mut byte).unwrap();
        all.push(byte[0]);
    }
    all
}

#[test]
fn the_users_keys_come_between_the_pieces_of_what_is_injected_and_not_behind_them() {
    let (mut user, _master, switch, mut child) = stand_with_user();
    let long = || (0..12).map(|_| Piece::Keys(b"\x1b".to_vec())).collect::<Vec<_>>();
    let outcomes = [inject(&switch, long(), true), inject(&switch, long(), true)];
    read_until(&mut child, b"\x1b");
    user.write_all(b"x").unwrap();
    let before = read_until(&mut child, b"x").len();
    assert!(before < 10, "{before} keys came first");
    child.read_exact(&mut vec![0; 2 * 12 - before]).unwrap();
    outcomes.iter().for_each(|told| assert_eq!(outcome(told), Outcome::Typed));
}

#[test]
fn what_belongs_together_is_not_gone_on_with_behind_a_key_of_the_users() {
    let (user, _master, switch, mut child) = stand_with_user();
    let (tell, told) = mpsc::channel();
    let pieces = vec![Piece::Paste("half".into()), Piece::Keys(b"\r".to_vec())];
    let check = move |_: &Draft, number: usize| {
        (&user).write_all(b"x").unwrap();
        if number == 0 { Ok(()) } else { Err("no other piece is looked at".to_owned()) }
    };
    let injection = Injection::new(pieces, check, move |outcome| drop(tell.send(outcome)));
    switch.injector().inject(injection.whole());
    assert_eq!(read_until(&mut child, b"x"), b"\x1b[200~half\x1b[201~x");
    assert_eq!(outcome(&told), Outcome::Unwritten("it was begun, and then the user typed".into()));
}

#[test]
fn nothing_comes_inside_of_a_paste_of_the_users() {
    let (mut user, _master, switch, mut child) = stand_with_user();
    user.write_all(b"\x1b[200~half").unwrap();
    read_until(&mut child, b"half");
    let key = || inject(&switch, vec![Piece::Keys(b"k".to_vec())], true);
    let (first, second) = (key(), key());
    assert_eq!(outcome(&first), Outcome::Unwritten(AMID.into()), "not for ever");
    user.write_all(b"whole\x1b[201~").unwrap();
    assert_eq!(outcome(&second), Outcome::Typed);
    assert_eq!(read_until(&mut child, b"k"), b"whole\x1b[201~k");
}

#[test]
fn what_was_taken_back_is_never_written() {
    let (mut user, _master, switch, mut child) = stand_with_user();
    let long = b"x".repeat(40_000);
    let types = std::thread::spawn(move || user.write_all(&long).map(|()| user));
    // The thread that types waits for a child that reads nothing.
    let mut first = [0; 1];
    child.read_exact(&mut first).unwrap();
    let (tell, told) = mpsc::channel();
    let key = vec![Piece::Keys(b"k".to_vec())];
    let injection = Injection::new(key, |_, _| Ok(()), move |outcome| drop(tell.send(outcome)));
    let ticket: Ticket = injection.ticket();
    switch.injector().inject(injection);
    assert!(ticket.withdraw_unbegun());
    let mut rest = vec![0; 39_999];
    child.read_exact(&mut rest).unwrap();
    assert!(rest.iter().all(|byte| *byte == b'x'));
    let _user = types.join().unwrap().unwrap();
    assert!(matches!(outcome(&told), Outcome::Unwritten(_)));
    assert_eq!(outcome(&inject(&switch, vec![Piece::Keys(b"n".to_vec())], true)), Outcome::Typed);
    assert_eq!(read_until(&mut child, b"n"), b"n");
}

#[test]
fn what_was_begun_is_not_gone_on_with_when_the_switch_is_dropped() {
    let (master, switch, mut child) = stand();
    let (tell, told) = mpsc::channel();
    let pieces = vec![Piece::Paste("begun".into()), Piece::Keys(b"\r".to_vec())];
    let injection = Injection::new(pieces, |_, _| Ok(()), move |outcome| drop(tell.send(outcome)));
    switch.injector().inject(injection);
    let begun = read_until(&mut child, b"\x1b[201~");
    assert_eq!(begun, b"\x1b[200~begun\x1b[201~");
    drop(switch);
    assert!(matches!(outcome(&told), Outcome::Unwritten(_)));
    write(&master, b"end").unwrap();
    assert_eq!(read_until(&mut child, b"end"), b"end");
}
