//! Whatever is sent, in whatever pieces it comes.

use super::*;
use flate2::{Compress, Compression, FlushCompress};
use std::task::Waker;

const MOST: usize = 4 << 10;

/// Gives what is sent in pieces of any size.
struct Pieces<'a> {
    rest: &'a [u8],
    random: fastrand::Rng,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = self.rest.len().min(buffer.remaining());
        let count = if most == 0 { 0 } else { self.random.usize(1..=most) };
        let (piece, rest) = self.rest.split_at(count);
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

/// What tungstenite would read, and why no more.
fn translated(sent: &[u8], seed: u64) -> (Vec<u8>, Option<Violation>) {
    let mut random = fastrand::Rng::with_seed(seed);
    let early = random.usize(..=sent.len().min(100));
    let mut inbound = Inbound::new(sent[..early].to_vec());
    let mut stream = Pieces { rest: &sent[early..], random };
    let (mut out, mut cx) = (Vec::new(), Context::from_waker(Waker::noop()));
    loop {
        let mut piece = [0; 700];
        let mut buffer = ReadBuf::new(&mut piece);
        match inbound.poll_read(&mut cx, &mut stream, MOST, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => return (out, None),
            Poll::Ready(Ok(())) => out.extend_from_slice(buffer.filled()),
            Poll::Ready(Err(cause)) => {
                return (out, cause.get_ref().and_then(|cause| cause.downcast_ref()).copied());
            }
            Poll::Pending => unreachable!("a piece is always there"),
        }
        // What is ready, and one message more.
        assert!(inbound.plain.capacity() <= 2 * (PIECE + MOST) + 64 && inbound.raw.len() <= PIECE);
    }
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let (mut frame, mask) = (Vec::new(), [7, 0, 0xff, 0x55]);
    super::super::frame::push_header(&mut frame, first, payload.len());
    frame[1] |= 0x80;
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() + 100);
    Compress::new(Compression::best(), false).compress_vec(text, &mut packed, FlushCompress::Sync).unwrap();
    packed.truncate(packed.len() - TAIL.len());
    packed
}

/// A message in fragments with pings between, as it is sent and as it is read. Where it is compressed, it is read whole
/// behind its pings.
fn message(random: &mut fastrand::Rng) -> (Vec<u8>, Vec<u8>) {
    let is_compressed = random.bool();
    let letters = random.usize(1..5);
    let text: Vec<u8> = (0..random.usize(..MOST)).map(|_| b"abcde"[random.usize(..letters)]).collect();
    let mut payload = if is_compressed { deflated(&text) } else { text.clone() };
    let (mut sent, mut read, mut first) = (Vec::new(), Vec::new(), if is_compressed { 0x41 } else { 0x01 });
    loop {
        let rest = payload.split_off(random.usize(..=payload.len()));
        let is_last = rest.is_empty();
        let frame = masked(if is_last { first | 0x80 } else { first }, &payload);
        sent.extend_from_slice(&frame);
        if !is_compressed {
            read.extend_from_slice(&frame);
        }
        if is_last {
            break;
        }
        if random.bool() {
            let ping = masked(0x89, b"ping");
            sent.extend_from_slice(&ping);
            read.extend_from_slice(&ping);
        }
        (payload, first) = (rest, 0);
    }
    if is_compressed {
        push_masked(&mut read, 1, &text);
    }
    (sent, read)
}

#[test]
fn messages_become_plain_whatever_their_fragments_and_pieces() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut sent, mut read) = (Vec::new(), Vec::new());
        for _ in 0..random.usize(1..5) {
            let (more_sent, more_read) = message(&mut random);
            sent.extend(more_sent);
            read.extend(more_read);
        }
        assert_eq!(translated(&sent, seed), (read, None), "seed {seed}");
    }
}

#[test]
fn damaged_messages_end_the_same_whatever_their_pieces() {
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut sent = message(&mut random).0;
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..sent.len());
            sent[place] = random.u8(..);
        }
        assert_eq!(translated(&sent, 1), translated(&sent, seed), "seed {seed}");
    }
}

#[test]
fn what_says_nothing_is_bounded_too() {
    let most = usize::try_from(most_compressed(MOST)).unwrap();
    // Blocks without a byte in them.
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(most / 5);
    let (whole, cut) = (&nothing[..], &nothing[..100]);
    let mut empty = Vec::new();
    push_masked(&mut empty, 1, b"");
    assert_eq!(translated(&masked(0xc1, whole), 1), (empty, None));
    let more = [masked(0x41, whole), masked(0x00, cut)].concat();
    assert_eq!(translated(&more, 2).1, Some(Violation::TooBig));
    let announced = [0xc1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    assert_eq!(translated(&announced, 3).1, Some(Violation::TooBig));
}

#[test]
fn a_message_may_have_as_many_bytes_as_a_plain_one_and_no_more() {
    for (bytes, expected) in
        [(MOST, None), (MOST + 1, Some(Violation::TooBig)), (64 << 20, Some(Violation::TooBig))]
    {
        let (read, violation) = translated(&masked(0xc1, &deflated(&vec![b'x'; bytes])), 1);
        assert_eq!(violation, expected, "{bytes}");
        assert_eq!(read.len(), if expected.is_none() { MOST + 8 } else { 0 });
    }
}
