//! Every byte, both ways, through a terminal, whoever watches.

use crate::wrapper;
use std::time::Instant;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::noise::every_byte;
use test_support::subscriber::{Drain, Stalled, Subscriber};
use test_support::unrendered::Unrendered;
use test_support::wrapper::{WRAPPED, Way};

const WRITE: &str =
    r#"stty raw -echo; echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; cat "$2"; exit 5"#;

/// Writes `bytes` from a program in a terminal, once whoever is to watch is there, and expects them at the other end.
#[track_caller]
fn passes<W>(way: Way, bytes: &[u8], watch: impl Fn(&str) -> W) -> W {
    let (wrapper, meeting, folder) = (wrapper(), Meeting::new(), tempfile::tempdir().expect("a directory"));
    let file = folder.path().join("bytes");
    std::fs::write(&file, bytes).expect("a file");
    let arguments = ["-c", WRITE, "sh", meeting.folder(), file.to_str().expect("text")];
    let terminal = Unrendered::start(wrapper.command(way, "/bin/sh", &arguments), 80, 24);
    let watchers = watch(&meeting.hear());
    let begun = Instant::now();
    meeting.say("go");
    let (status, output) = terminal.wait_exit(DEADLINE);
    assert_eq!(status.code(), Some(5), "{way:?}");
    let differ = output.iter().zip(bytes).position(|(ours, theirs)| ours != theirs);
    assert!(output == bytes, "{way:?}: {} of {} bytes, differing at {differ:?}", output.len(), bytes.len());
    assert!(begun.elapsed() < DEADLINE, "{way:?}: {:?}", begun.elapsed());
    watchers
}

#[test]
fn every_byte_arrives_while_ten_clients_read() {
    drop(passes(Way::Watched, &every_byte(8 << 20), |url| [(); 10].map(|()| Drain::connect(url))));
}

#[test]
fn every_byte_arrives_while_ten_clients_never_read() {
    drop(passes(Way::Watched, &every_byte(8 << 20), |url| [(); 10].map(|()| Stalled::connect(url))));
}

/// Lines, so that there is an event for each: the clients are as far behind as can be.
#[test]
fn lines_arrive_while_ten_clients_never_read() {
    let lines: String =
        (0..60_000).map(|i| format!("line {i} of a long listing, and some more to it\r\n")).collect();
    drop(passes(Way::Watched, lines.as_bytes(), |url| [(); 10].map(|()| Stalled::connect(url))));
}

#[test]
fn the_last_bytes_before_the_end_are_not_lost() {
    for way in WRAPPED {
        for length in [1, 4095, 4096, 4097, 65_536, 200_000] {
            passes(way, &every_byte(length), |_| ());
        }
    }
}

#[test]
fn a_last_line_without_newline_is_an_event() {
    let client = passes(Way::Watched, b"first\r\nlast", Subscriber::connect);
    let received = client.wait_close();
    assert_eq!(received.lines("stdout"), ["first", "last"]);
}

#[test]
fn text_cut_anywhere_arrives_and_is_told_whole() {
    let text = "● ünïcödé ✳ 🦀 漢字\r\n".repeat(40);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("text");
    std::fs::write(&file, &text).expect("a file");
    let (wrapper, meeting) = (wrapper(), Meeting::new());
    let write = r#"stty raw -echo; echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"; dd if="$2" bs=1 2>/dev/null"#;
    let arguments = ["-c", write, "sh", meeting.folder(), file.to_str().expect("text")];
    let terminal = Unrendered::start(wrapper.command(Way::Watched, "/bin/sh", &arguments), 80, 24);
    let client = Subscriber::connect(&meeting.hear());
    meeting.say("go");
    assert_eq!(terminal.wait_exit(DEADLINE).1, text.as_bytes());
    assert_eq!(client.wait_close().lines("stdout"), vec!["● ünïcödé ✳ 🦀 漢字"; 40]);
}
