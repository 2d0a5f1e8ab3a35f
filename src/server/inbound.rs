//! What a client sends that may compress (RFC 7692 section 7.2.2), as a client would that does not: tungstenite knows no
//! extension, so compressed messages become plain ones before it sees them.
//!
//! Frames that are not compressed go through as they are, and so does what breaks the protocol where tungstenite sees that.
//! A message costs no more than the limit for one, however small it came.

use super::gauge::Gauge;
use super::header::{Header, Headers, Part};
use flate2::{Decompress, FlushDecompress, Status};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes read at once, and about so many that are made ready.
const PIECE: usize = 2 << 10;
/// The bit of a message that is compressed.
const COMPRESSED: u8 = 0x40;
/// Bytes of a message that are unmasked at once.
const STEP: usize = 1 << 10;
/// What every compressed message ends with, and leaves out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Why a client cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("the message is too large")]
    TooBig,
    #[error("a frame that may not be there")]
    Protocol,
    #[error("what is compressed cannot be read")]
    Data,
}

/// Translates one direction of one connection.
#[derive(Debug)]
pub(super) struct Inbound {
    /// What was read, of which so many bytes are translated.
    raw: Vec<u8>,
    translated: usize,
    headers: Headers,
    gauge: Gauge,
    /// The mask of the frame that is being read, and how far in it we are; `None` where it goes through.
    mask: Option<([u8; 4], usize)>,
    message: Option<Box<Message>>,
    /// What is ready, of which so many bytes were taken.
    plain: Vec<u8>,
    taken: usize,
    /// Comes behind what is ready.
    violation: Option<Violation>,
}

/// A compressed message that is being read.
#[derive(Debug)]
struct Message {
    opcode: u8,
    is_last_frame: bool,
    inflate: Decompress,
    text: Vec<u8>,
}

impl Inbound {
    /// `read` is what was read already.
    pub(super) fn new(read: Vec<u8>) -> Self {
        Self {
            raw: read,
            translated: 0,
            headers: Headers::default(),
            gauge: Gauge::default(),
            mask: None,
            message: None,
            plain: Vec::new(),
            taken: 0,
            violation: None,
        }
    }

    /// As of the stream itself; no message may have more bytes than `most`.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        most: usize,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.translate(most);
            if self.taken < self.plain.len() {
                self.give(buffer);
                return Poll::Ready(Ok(()));
            }
            if let Some(violation) = self.violation {
                return Poll::Ready(Err(io::Error::other(violation)));
            }
            let mut piece = [0; PIECE];
            let mut read = ReadBuf::new(&mut piece);
            match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    self.raw.clear();
                    self.raw.extend_from_slice(read.filled());
                    self.translated = 0;
                }
                other => return other,
            }
        }
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let ready = &self.plain[self.taken..];
        let given = ready.len().min(buffer.remaining());
        buffer.put_slice(&ready[..given]);
        self.taken += given;
        if self.taken == self.plain.len() {
            self.taken = 0;
            self.plain.clear();
            self.plain.shrink_to(PIECE);
        }
    }

    /// Goes on until enough is ready, or nothing is left that was read.
    fn translate(&mut self, most: usize) {
        let raw = std::mem::take(&mut self.raw);
        let mut rest = &raw[self.translated..];
        while self.violation.is_none()
            && self.plain.len() < PIECE
            && let Some(part) = self.headers.next(&mut rest)
        {
            self.violation = match part {
                Part::Header(header) => self.begin(&header, most),
                Part::Payload(piece) => self.go_on(piece, most),
            }
            .and_then(|()| self.end(most))
            .err();
        }
        self.translated = raw.len() - rest.len();
        self.raw = raw;
    }

    /// A frame begins. A control frame may stand between those of a message, any other may not.
    fn begin(&mut self, header: &Header, most: usize) -> Result<(), Violation> {
        let is_new = matches!(header.opcode(), 1 | 2) && header.reserved() == COMPRESSED;
        match &mut self.message {
            _ if header.is_control() => return self.pass(header, most),
            Some(message) if header.opcode() == 0 && header.reserved() == 0 => {
                message.is_last_frame = header.is_last();
            }
            None if is_new => {
                let inflate = Decompress::new(false);
                let (opcode, is_last_frame) = (header.opcode(), header.is_last());
                self.message = Some(Box::new(Message { opcode, is_last_frame, inflate, text: Vec::new() }));
            }
            Some(_) => return Err(Violation::Protocol),
            None => return self.pass(header, most),
        }
        self.mask = Some((header.mask().ok_or(Violation::Protocol)?, 0));
        let announced = self.gauge.begin(header);
        if announced > most_compressed(most) { Err(Violation::TooBig) } else { Ok(()) }
    }

    fn pass(&mut self, header: &Header, most: usize) -> Result<(), Violation> {
        self.mask = None;
        self.plain.extend_from_slice(header.as_bytes());
        if self.gauge.begin(header) > most as u64 { Err(Violation::TooBig) } else { Ok(()) }
    }

    fn go_on(&mut self, piece: &[u8], most: usize) -> Result<(), Violation> {
        let (Some((mask, at)), Some(message)) = (&mut self.mask, &mut self.message) else {
            self.plain.extend_from_slice(piece);
            return Ok(());
        };
        let mut clear = [0; STEP];
        for masked in piece.chunks(STEP) {
            for (to, from) in clear.iter_mut().zip(masked) {
                *to = from ^ mask[*at];
                *at = (*at + 1) % mask.len();
            }
            message.inflate(&clear[..masked.len()], most)?;
        }
        Ok(())
    }

    /// Makes the message ready where the frame was the last of one and is whole.
    fn end(&mut self, most: usize) -> Result<(), Violation> {
        if self.mask.is_none() || !self.headers.is_whole() {
            return Ok(());
        }
        self.mask = None;
        let Some(mut message) = self.message.take_if(|message| message.is_last_frame) else { return Ok(()) };
        message.inflate(&TAIL, most)?;
        push_masked(&mut self.plain, message.opcode, &message.text);
        Ok(())
    }
}

impl Message {
    /// Takes a piece of what is compressed. No more is made of it than one message may have.
    fn inflate(&mut self, mut piece: &[u8], most: usize) -> Result<(), Violation> {
        loop {
            if self.text.len() == self.text.capacity() {
                self.text.reserve(STEP);
            }
            let before = self.inflate.total_in();
            let status = self
                .inflate
                .decompress_vec(piece, &mut self.text, FlushDecompress::Sync)
                .map_err(|_| Violation::Data)?;
            let used = usize::try_from(self.inflate.total_in() - before).unwrap_or(piece.len());
            piece = &piece[used..];
            if self.text.len() > most {
                return Err(Violation::TooBig);
            }
            // What follows the last block of a stream is another stream (section 7.2.3.4).
            if status == Status::StreamEnd {
                self.inflate.reset(false);
            }
            let is_stuck = used == 0 && self.text.len() < self.text.capacity();
            if is_stuck || (piece.is_empty() && self.text.len() < self.text.capacity()) {
                return Ok(());
            }
        }
    }
}

/// Most bytes of what is compressed of a message that may have `most`: there is text that becomes longer by it, the more
/// so the more fragments a client makes of it, and much that says nothing could be sent for little text.
fn most_compressed(most: usize) -> u64 {
    2 * most as u64 + 1024
}

/// Appends a whole message as a client sends one, with a mask that changes nothing.
fn push_masked(out: &mut Vec<u8>, opcode: u8, text: &[u8]) {
    let at = out.len();
    super::frame::push_header(out, 0x80 | opcode, text.len());
    out[at + 1] |= 0x80;
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests;
