//! How large the message is that a client is sending, by the headers of its frames, so that one that is too large ends
//! before it is read.
//!
//! Tungstenite knows a limit as well, but one that cannot change while a connection lives.

use super::header::{Header, Headers, Part};

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    headers: Headers,
    /// Announced bytes of the message so far.
    message: u64,
}

impl Gauge {
    /// Takes what was read; the size of the largest message in it, as far as that was announced.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> u64 {
        let mut largest = 0;
        while let Some(part) = self.headers.next(&mut bytes) {
            if let Part::Header(header) = part {
                largest = largest.max(self.begin(&header));
            }
        }
        largest
    }

    /// A frame begins, which somebody else has found; the size of the message it belongs to.
    pub(super) fn begin(&mut self, header: &Header) -> u64 {
        if header.is_control() {
            return 0;
        }
        let begun = if header.opcode() == 0 { self.message } else { 0 };
        let size = begun.saturating_add(header.length());
        self.message = if header.is_last() { 0 } else { size };
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[u8], piece: usize) -> u64 {
        let mut gauge = Gauge::default();
        bytes.chunks(piece).map(|piece| gauge.feed(piece)).max().unwrap_or(0)
    }

    #[test]
    fn the_announced_size_of_a_message_is_known_whatever_the_pieces() {
        let masked = |first: u8, length: &[u8], payload: usize| {
            [&[first], length, &[1, 2, 3, 4], &vec![0xff; payload][..]].concat()
        };
        let short = masked(0x81, &[0x80 | 5], 5);
        let medium = masked(0x81, &[0x80 | 126, 1, 0], 256);
        let fragments = [
            masked(0x01, &[0x80 | 100], 100),
            masked(0x89, &[0x80 | 125], 125),
            masked(0x00, &[0x80 | 100], 100),
            masked(0x80, &[0x80 | 100], 100),
            short.clone(),
        ]
        .concat();
        let huge = [0x81, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(sizes(&short, piece), 5);
            assert_eq!(sizes(&[short.clone(), medium.clone(), short.clone()].concat(), piece), 256);
            assert_eq!(sizes(&fragments, piece), 300);
            assert_eq!(sizes(&huge, piece), 1 << 40);
        }
    }
}
