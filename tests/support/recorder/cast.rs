//! Turns what happened on a terminal into the records of an asciicast, which are text: a character that came in two
//! pieces is told with the second.

use super::Came;
use crate::tapes::What;
use crate::terminal::Drawn;
use std::time::Instant;

pub(super) fn pieces(drawn: Vec<(Instant, Drawn)>) -> Vec<Came> {
    let (mut came, mut rest) = (Vec::new(), Vec::new());
    for (at, drawn) in drawn {
        match drawn {
            Drawn::Resized(columns, rows) => came.push((at, What::Resized(columns, rows))),
            Drawn::Output(bytes) => {
                rest.extend(bytes);
                let whole = rest.len() - half_a_character(&rest);
                let text = String::from_utf8_lossy(&rest[..whole]).into_owned();
                rest.drain(..whole);
                came.push((at, What::Output(text)));
            }
        }
    }
    came
}

/// How many bytes at the end may be the beginning of a character.
fn half_a_character(bytes: &[u8]) -> usize {
    let tail = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let incomplete = std::str::from_utf8(tail).is_err_and(|error| error.error_len().is_none());
    if bytes.ends_with(tail) && incomplete { tail.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_pieces_is_told_with_the_second() {
        let at = Instant::now();
        let output = |bytes: &[u8]| (at, Drawn::Output(bytes.to_owned()));
        let pieces = pieces(vec![output(b"a\xe2\x97"), output(b"\x8f b\xff"), output(b"c")]);
        let texts = ["a", "● b\u{fffd}", "c"].map(|text| (at, What::Output(text.to_owned())));
        assert_eq!(pieces, texts);
    }
}
