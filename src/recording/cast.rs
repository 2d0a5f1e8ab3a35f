//! The lines of an asciicast, version 2 (<https://docs.asciinema.org/manual/asciicast/v2/>), which every player reads: a
//! header, then what the terminal was given, with seconds since the beginning. Where they are written is not its matter.

use crate::event::acting::visible_json;
use crate::process::terminal::Size;
use serde_json::json;
use std::time::Duration;

/// What the header says.
#[derive(Debug, Clone)]
pub struct About {
    /// Of the terminal, when the recording begins.
    pub size: Size,
    /// Seconds since 1970.
    pub began: i64,
    /// What is recorded.
    pub title: String,
    /// The kind of terminal, where it is known. No other variable and no argument is told: they may be secrets.
    pub term: Option<String>,
}

impl About {
    /// The header, on a line.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut header = json!({
            "version": 2,
            "width": self.size.cols,
            "height": self.size.rows,
            "timestamp": self.began,
            "title": self.title,
        });
        if let Some(term) = &self.term {
            header["env"] = json!({ "TERM": term });
        }
        let mut line = visible_json(&header.to_string()).into_owned().into_bytes();
        line.push(b'\n');
        line
    }
}

/// Makes lines of what happens.
#[derive(Debug, Default)]
pub(super) struct Cast {
    /// The beginning of a character whose rest has not come.
    half: Vec<u8>,
}

impl Cast {
    /// The terminal was given these bytes. A character that comes in pieces is told with its last one; what is none is
    /// U+FFFD.
    pub(super) fn output(&mut self, at: Duration, bytes: &[u8], out: &mut Vec<u8>) {
        self.half.extend_from_slice(bytes);
        let whole = self.half.len() - half_a_character(&self.half);
        if whole > 0 {
            let text = String::from_utf8_lossy(&self.half[..whole]);
            line(at, 'o', &text, out);
            self.half.drain(..whole);
        }
    }

    /// It has another size.
    pub(super) fn resized(at: Duration, size: Size, out: &mut Vec<u8>) {
        line(at, 'r', &format!("{}x{}", size.cols, size.rows), out);
    }

    /// Something about the recording itself.
    pub(super) fn remark(at: Duration, text: &str, out: &mut Vec<u8>) {
        line(at, 'm', text, out);
    }

    /// What has come of a character is all that comes: the end, or bytes are missing behind it.
    pub(super) fn break_off(&mut self, at: Duration, out: &mut Vec<u8>) {
        if !self.half.is_empty() {
            self.half.clear();
            line(at, 'o', "\u{fffd}", out);
        }
    }
}

fn line(at: Duration, code: char, data: &str, out: &mut Vec<u8>) {
    let data = serde_json::Value::from(data).to_string();
    let time = format_args!("{}.{:06}", at.as_secs(), at.subsec_micros());
    out.extend_from_slice(format!("[{time}, \"{code}\", {}]\n", visible_json(&data)).as_bytes());
}

/// How many bytes at the end may be the beginning of a character.
fn half_a_character(bytes: &[u8]) -> usize {
    // A character has four bytes at most.
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let begins = tail.iter().rposition(|byte| byte & 0xc0 != 0x80);
    let last = begins.map_or(&[][..], |at| &tail[at..]);
    let is_half = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
    if is_half { last.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn told(pieces: &[&[u8]]) -> Vec<String> {
        let (mut cast, mut out) = (Cast::default(), Vec::new());
        for piece in pieces {
            cast.output(Duration::from_millis(1500), piece, &mut out);
        }
        cast.break_off(Duration::from_millis(1500), &mut out);
        let lines = std::str::from_utf8(&out).unwrap().lines();
        let text = |line: &str| {
            let read: (f64, String, String) = serde_json::from_str(line).unwrap();
            assert_eq!((read.0, read.1.as_str()), (1.5, "o"));
            read.2
        };
        lines.map(text).collect()
    }

    #[test]
    fn the_header_says_nothing_but_what_a_player_needs() {
        let about = About {
            size: Size { cols: 90, rows: 30 },
            began: 1_795_176_000,
            title: "web\u{1b}".into(),
            term: Some("xterm".into()),
        };
        assert_eq!(
            String::from_utf8(about.line()).unwrap(),
            concat!(
                r#"{"version":2,"width":90,"height":30,"timestamp":1795176000,"title":"web\u001b","#,
                r#""env":{"TERM":"xterm"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_character_in_pieces_is_told_whole_wherever_it_is_cut() {
        let text = "a●b漢\u{1f980}é\u{1b}[0m";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let bytes = text.as_bytes();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(told(&pieces).concat(), text, "{first} {second}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_character_are_shown_as_such_and_hold_nothing_up() {
        assert_eq!(told(&[b"a\xffb"]), ["a\u{fffd}b"]);
        assert_eq!(told(&[b"a\x80\x80\x80\x80"]), ["a\u{fffd}\u{fffd}\u{fffd}\u{fffd}"]);
        assert_eq!(told(&[b"a\xe2", b"b"]), ["a", "\u{fffd}b"]);
        assert_eq!(told(&[b"a\xf0\x9f\xa6"]), ["a", "\u{fffd}"]);
        assert_eq!(told(&[b"\xc3"]), ["\u{fffd}"]);
    }

    #[test]
    fn a_line_is_one_line_and_acts_on_no_terminal() {
        let mut out = Vec::new();
        Cast::default().output(
            Duration::from_micros(2_000_007),
            "\n\r\u{1b}\u{9b}\u{2028}\"".as_bytes(),
            &mut out,
        );
        Cast::resized(Duration::from_secs(3), Size { cols: 1, rows: 2 }, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "[2.000007, \"o\", \"\\n\\r\\u001b\\u009b\\u2028\\\"\"]\n[3.000000, \"r\", \"1x2\"]\n"
        );
        assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }
}
