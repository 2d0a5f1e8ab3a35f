//! The tap: bytes on their way past, for whoever wants to read along.
//!
//! It holds 8 MiB. When it is full, bytes are skipped here and counted, never on the way to the terminal.

use super::terminal::Size;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most bytes that wait in a tap.
pub const CAPACITY: usize = 8 << 20;
/// Most pieces that wait; two streams that take turns byte by byte would make many of few bytes.
const MAX_ENTRIES: usize = 1 << 16;

/// Which way the bytes took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through the pseudo-terminal.
    Terminal,
    /// Through the pipe that is the child's stdout.
    Stdout,
    /// Through the pipe that is the child's stderr.
    Stderr,
}

/// What passed, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Passed {
    /// Bytes.
    Bytes(Way, Vec<u8>),
    /// The terminal has a new size from here on.
    Resized(Size),
    /// This many bytes of that way were skipped here.
    Skipped(Way, u64),
}

impl Queue {
    /// One count for each way behind the last bytes, so that a full tap does not grow.
    fn skip(&mut self, way: Way, length: u64) {
        for passed in self.passed.iter_mut().rev() {
            match passed {
                Passed::Skipped(known, count) if *known == way => {
                    *count += length;
                    return;
                }
                Passed::Skipped(..) | Passed::Resized(_) => {}
                Passed::Bytes(..) => break,
            }
        }
        self.passed.push_back(Passed::Skipped(way, length));
    }
}

/// Both ends of a tap. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tap(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Short: held to copy at most one read's bytes, so the way to the terminal does not notice.
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    passed: VecDeque<Passed>,
    bytes: usize,
    closed: bool,
}

impl Tap {
    /// An empty tap.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes went past. Never waits for the reader.
    pub fn pass(&self, way: Way, bytes: &[u8]) {
        let mut queue = self.lock();
        if queue.bytes + bytes.len() > CAPACITY || queue.passed.len() >= MAX_ENTRIES {
            queue.skip(way, bytes.len() as u64);
            return;
        }
        queue.bytes += bytes.len();
        match queue.passed.back_mut() {
            Some(Passed::Bytes(last, waiting)) if *last == way => waiting.extend_from_slice(bytes),
            _ => queue.passed.push_back(Passed::Bytes(way, bytes.to_vec())),
        }
        drop(queue);
        self.0.filled.notify_one();
    }

    /// The terminal changed its size.
    pub fn resized(&self, size: Size) {
        let mut queue = self.lock();
        match queue.passed.back_mut() {
            Some(Passed::Resized(last)) => *last = size,
            _ => queue.passed.push_back(Passed::Resized(size)),
        }
        drop(queue);
        self.0.filled.notify_one();
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.lock().closed = true;
        self.0.filled.notify_all();
    }

    /// Waits until something passed or `deadline`. `None` when the tap is closed and empty; an empty queue when
    /// the deadline came first.
    pub fn take(&self, deadline: Option<Instant>) -> Option<VecDeque<Passed>> {
        let mut queue = self.lock();
        while queue.passed.is_empty() {
            if queue.closed {
                return None;
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break;
            }
            queue = self.wait(queue, left);
        }
        queue.bytes = 0;
        Some(std::mem::take(&mut queue.passed))
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, left: Option<Duration>) -> MutexGuard<'a, Queue> {
        match left {
            Some(left) => self.0.filled.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0,
            None => self.0.filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_comes_out_in_order() {
        let tap = Tap::new();
        tap.pass(Way::Terminal, b"ab");
        tap.pass(Way::Terminal, b"c");
        tap.resized(Size { cols: 10, rows: 5 });
        tap.pass(Way::Terminal, b"d");
        let passed: Vec<_> = tap.take(None).unwrap().into();
        let expected = vec![
            Passed::Bytes(Way::Terminal, b"abc".to_vec()),
            Passed::Resized(Size { cols: 10, rows: 5 }),
            Passed::Bytes(Way::Terminal, b"d".to_vec()),
        ];
        assert_eq!(passed, expected);
    }

    #[test]
    fn a_full_tap_skips_and_counts() {
        let tap = Tap::new();
        let chunk = vec![b'x'; 1 << 20];
        (0..10).for_each(|_| tap.pass(Way::Stdout, &chunk));
        let passed = tap.take(None).unwrap();
        assert_eq!(passed.back(), Some(&Passed::Skipped(Way::Stdout, 2 << 20)));
        tap.pass(Way::Stdout, b"again");
        assert_eq!(tap.take(None).unwrap().back(), Some(&Passed::Bytes(Way::Stdout, b"again".to_vec())));
    }

    #[test]
    fn the_end_comes_after_everything_that_passed() {
        let tap = Tap::new();
        tap.pass(Way::Stderr, b"last");
        tap.close();
        assert!(tap.take(None).is_some());
        assert!(tap.take(None).is_none());
    }

    #[test]
    fn a_deadline_ends_the_wait() {
        assert!(Tap::new().take(Some(Instant::now())).unwrap().is_empty());
    }
}
