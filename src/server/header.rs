//! The headers of the frames that a client sends (RFC 6455 section 5.2), found in its bytes however those are cut into
//! pieces. What a frame may be is not judged here.

/// Bytes of the longest header.
const LONGEST: usize = 14;
const MASK: usize = 4;
const FINISHED: u8 = 0x80;
const RESERVED: u8 = 0x70;
const CONTROL: u8 = 0x08;
const OPCODE: u8 = 0x0f;

/// The header of one frame.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    bytes: [u8; LONGEST],
    have: usize,
}

impl Header {
    /// As it came.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.have]
    }

    /// Whether the message ends with this frame.
    pub(super) fn is_last(&self) -> bool {
        self.bytes[0] & FINISHED != 0
    }

    pub(super) fn is_control(&self) -> bool {
        self.bytes[0] & CONTROL != 0
    }

    pub(super) fn opcode(&self) -> u8 {
        self.bytes[0] & OPCODE
    }

    /// The three bits that mean nothing without an extension.
    pub(super) fn reserved(&self) -> u8 {
        self.bytes[0] & RESERVED
    }

    /// What the payload is masked with, where it is.
    pub(super) fn mask(&self) -> Option<[u8; MASK]> {
        let mask = self.bytes[..self.have].last_chunk().copied();
        mask.filter(|_| self.is_masked())
    }

    /// Bytes of the payload.
    pub(super) fn length(&self) -> u64 {
        let [_, short, long @ ..] = &self.bytes;
        match short & 0x7f {
            126 => u64::from(u16::from_be_bytes([long[0], long[1]])),
            127 => u64::from_be_bytes(*long.first_chunk().expect("a header has room for the longest length")),
            short => u64::from(short),
        }
    }

    fn is_masked(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    /// Takes one byte more; whether that was the last.
    fn take(&mut self, byte: u8) -> bool {
        self.bytes[self.have] = byte;
        self.have += 1;
        if self.have < 2 {
            return false;
        }
        let length = match self.bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        self.have == 2 + length + if self.is_masked() { MASK } else { 0 }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// A frame begins.
    Header(Header),
    /// A piece of its payload, never empty.
    Payload(&'a [u8]),
}

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// The one that is being read.
    header: Header,
    /// Bytes of the payload that are still to come.
    payload: u64,
}

impl Headers {
    /// What is next in these bytes, which it takes away; `None` where no more can be told.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Part<'a>> {
        if self.payload > 0 && !bytes.is_empty() {
            let (piece, rest) =
                bytes.split_at(bytes.len().min(usize::try_from(self.payload).unwrap_or(usize::MAX)));
            self.payload -= piece.len() as u64;
            *bytes = rest;
            return Some(Part::Payload(piece));
        }
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if self.header.take(byte) {
                self.payload = self.header.length();
                return Some(Part::Header(std::mem::take(&mut self.header)));
            }
        }
        None
    }

    /// Whether the frame whose header was found last is there whole.
    pub(super) fn is_whole(&self) -> bool {
        self.payload == 0
    }
}
