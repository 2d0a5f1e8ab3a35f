//! A client that loses nothing: it remembers the epoch and the number of the last event, and whenever its connection is
//! lost it connects again and goes on behind that. It notes what it received as runs of numbers, and reads no more of an
//! event than it needs, so that many can follow a fast hub.

use crate::DEADLINE;
use crate::wire::{Wire, handshake, upgraded_on};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Between two attempts to connect.
const ATTEMPT: Duration = Duration::from_millis(20);

/// Events one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Their numbering.
    pub epoch: String,
    /// The first number.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

/// What a client saw so far.
#[derive(Debug, Default)]
pub struct Steady {
    /// What it received, in order: one run as long as nothing is missing, twice or out of order.
    pub runs: Vec<Run>,
    /// The frames that told it of a gap, and where: behind so many runs.
    pub gaps: Vec<(usize, String)>,
    /// How often it connected.
    pub connections: u32,
}

impl Steady {
    /// Follows the hub at this port until an event says `end`, over as many connections as it takes; `between` is called
    /// with the newest number behind each event, its time is the client's, and where it breaks, the connection is cut.
    ///
    /// # Panics
    /// If nothing comes for [`DEADLINE`], or nobody listens that long.
    #[track_caller]
    pub fn follow(&mut self, port: u16, end: &str, mut between: impl FnMut(u64) -> ControlFlow<()>) {
        loop {
            let mut wire = self.connect(port);
            while let Some((opcode, payload)) = wire.frame() {
                if opcode == 8 {
                    break;
                }
                let Ok(text) = str::from_utf8(&payload) else { panic!("not UTF-8: {payload:?}") };
                let number = self.take(text);
                if text.contains(end) {
                    return;
                }
                if number.is_some_and(|number| between(number).is_break()) {
                    break;
                }
            }
        }
    }

    /// Connects behind what it has, again and again while nobody listens there.
    #[track_caller]
    fn connect(&mut self, port: u16) -> Wire {
        let path = match self.runs.last() {
            Some(Run { epoch, last, .. }) => format!("/?channels=*&after={last}&epoch={epoch}"),
            None => "/?channels=*&after=0".to_owned(),
        };
        let until = Instant::now() + DEADLINE;
        loop {
            let wire = Wire::tcp(port);
            if let Ok(wire) = wire
                && let Ok(wire) = upgraded_on(wire, &handshake(port, &path, ""))
            {
                self.connections += 1;
                return wire;
            }
            assert!(Instant::now() < until, "nobody listens at port {port}");
            std::thread::sleep(ATTEMPT);
        }
    }

    /// Notes a frame; gives the number of an event.
    fn take(&mut self, text: &str) -> Option<u64> {
        if text.starts_with(r#"{"type":"system.gap""#) {
            self.gaps.push((self.runs.len(), text.to_owned()));
            return None;
        }
        let (seq, epoch) = numbered(text)?;
        match self.runs.last_mut() {
            Some(run) if run.epoch == epoch && run.last + 1 == seq => run.last = seq,
            _ => self.runs.push(Run { epoch: epoch.to_owned(), first: seq, last: seq }),
        }
        Some(seq)
    }
}

/// Number and epoch of an event as the hub writes it: they stand behind its data. `None` of any other frame.
fn numbered(text: &str) -> Option<(u64, &str)> {
    let (_, rest) = text.rsplit_once(r#","seq":"#)?;
    let (seq, rest) = rest.split_once(r#","epoch":""#)?;
    Some((seq.parse().ok()?, rest.split('"').next()?))
}
