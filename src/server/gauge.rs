//! How large the message is that a client is sending, by the headers of its frames (RFC 6455 section 5.2), so that one
//! that is too large ends before it is read.
//!
//! Tungstenite knows a limit as well, but one that cannot change while a connection lives.

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// The header that is being read.
    header: [u8; HEADER],
    have: usize,
    /// Bytes of the payload that are still to come.
    payload: u64,
    /// Announced bytes of the message so far.
    message: u64,
}

/// Bytes of the longest header without its mask.
const HEADER: usize = 10;
const MASK: u64 = 4;
const FINISHED: u8 = 0x80;
const CONTROL: u8 = 0x08;
const OPCODE: u8 = 0x0f;

impl Gauge {
    /// Takes what was read; the size of the largest message in it, as far as that was announced.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> u64 {
        let mut largest = 0;
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped = bytes.len().min(usize::try_from(self.payload).unwrap_or(usize::MAX));
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if let Some(length) = self.length() {
                largest = largest.max(self.begin(length));
            }
        }
        largest
    }

    /// The length of the payload, once the header says it.
    fn length(&self) -> Option<u64> {
        let [_, short, long @ ..] = &self.header;
        match (self.have, short & 0x7f) {
            (2, length @ ..=125) => Some(u64::from(length)),
            (4, 126) => Some(u64::from(u16::from_be_bytes([long[0], long[1]]))),
            (HEADER, 127) => Some(u64::from_be_bytes(*long)),
            _ => None,
        }
    }

    /// A frame begins; the size of the message it belongs to.
    fn begin(&mut self, length: u64) -> u64 {
        let [first, second, ..] = self.header;
        self.have = 0;
        self.payload = length.saturating_add(if second & 0x80 == 0 { 0 } else { MASK });
        if first & CONTROL != 0 {
            return 0;
        }
        let begun = if first & OPCODE == 0 { self.message } else { 0 };
        let size = begun.saturating_add(length);
        self.message = if first & FINISHED == 0 { size } else { 0 };
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
        let huge = [0x81, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0];
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(sizes(&short, piece), 5);
            assert_eq!(sizes(&[short.clone(), medium.clone(), short.clone()].concat(), piece), 256);
            assert_eq!(sizes(&fragments, piece), 300);
            assert_eq!(sizes(&huge, piece), 1 << 40);
        }
    }
}
