//! What a program has shown on its terminal: the bytes, the rendered screen, and the thread that
//! takes both from our end. Who waits for what, and the program itself, is `terminal`'s business.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::PtyMaster;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The output so far, shared with the reader.
#[derive(Debug)]
pub(crate) struct Shown {
    output: Mutex<Output>,
    changed: Condvar,
}

impl Shown {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self { output: Mutex::new(Output::new(columns, rows)), changed: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while `waiting` holds, at most until `deadline` has passed.
    pub(crate) fn wait_while(
        &self,
        deadline: Duration,
        waiting: impl Fn(&Output) -> bool,
    ) -> MutexGuard<'_, Output> {
        self.changed
            .wait_timeout_while(self.lock(), deadline, |output| waiting(output))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    fn change(&self, change: impl FnOnce(&mut Output)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// Something that happened on the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drawn {
    /// The program wrote this, in one piece.
    Output(Vec<u8>),
    /// The terminal has so many columns and rows now.
    Resized(u16, u16),
}

/// All of the output: a test's program writes little, so nothing is thrown away.
pub(crate) struct Output {
    raw: Vec<u8>,
    drawn: Vec<(Instant, Drawn)>,
    /// How much of `raw` is rendered: all but a character whose end is not here yet.
    rendered: usize,
    screen: avt::Terminal,
    ended: bool,
}

impl Output {
    fn new(columns: u16, rows: u16) -> Self {
        let screen = avt::Terminal::with_scrollback(columns.into(), rows.into(), None)
            .expect("a terminal has a column and a row");
        Self { raw: Vec::new(), drawn: Vec::new(), rendered: 0, screen, ended: false }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.drawn.push((Instant::now(), Drawn::Output(bytes.to_owned())));
        for chunk in self.raw[self.rendered..].utf8_chunks() {
            self.screen.feed(chunk.valid());
            self.rendered += chunk.valid().len();
            // At the end it may be half a character; before the end it is none and is dropped.
            if self.rendered + chunk.invalid().len() < self.raw.len() {
                self.rendered += chunk.invalid().len();
            }
        }
    }

    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What happened, and when.
    pub(crate) fn drawn(&self) -> &[(Instant, Drawn)] {
        &self.drawn
    }

    /// The visible rows, right-trimmed.
    pub(crate) fn screen(&self) -> String {
        let screen = self.screen.screen();
        trimmed(screen.visible_lines().map(avt::Line::text))
    }

    /// What scrolled off, then the visible rows; wrapped rows are joined.
    pub(crate) fn history(&self) -> String {
        trimmed(self.screen.screen().text().into_iter())
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.resize(columns.into(), rows.into());
        self.drawn.push((Instant::now(), Drawn::Resized(columns, rows)));
    }

    /// Whether the terminal has hung up: no more output will come.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }
}

fn trimmed(rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
    rows.join("\n").trim_end().to_owned()
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output({} bytes)", self.raw.len())
    }
}

/// The thread that takes what the program writes. It ends with the terminal, or when dropped.
#[derive(Debug)]
pub(crate) struct Reader {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(crate) fn start(ours: Arc<PtyMaster>, shown: Arc<Shown>) -> Self {
        let (stopped, stop) = std::io::pipe().expect("a pipe");
        let thread = std::thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || read(&ours, &stopped, &shown))
            .expect("a thread");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
    }
}

/// Reads until the terminal hangs up (an error, on this side of it) or the other end of `stopped`
/// is closed.
fn read(mut ours: &PtyMaster, stopped: &PipeReader, shown: &Shown) {
    let mut bytes = [0; 16 * 1024];
    loop {
        let mut ready =
            [PollFd::new(ours.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        let polled = poll(&mut ready, PollTimeout::NONE);
        if polled.is_ok() && ready[1].any() == Some(true) {
            return;
        }
        match ours.read(&mut bytes) {
            Ok(count @ 1..) => shown.change(|output| output.add(&bytes[..count])),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Ok(0) | Err(_) => return shown.change(|output| output.ended = true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_of_the_bytes_renders_the_same_screen() {
        let bytes = "● ünï\x1b[2Gcödé\r\n❯ 🦀 \x1b[1mdone\x1b[m".as_bytes();
        let mut whole = Output::new(20, 4);
        whole.add(bytes);
        assert_eq!(whole.screen(), "●cödé\n❯ 🦀 done");
        for cut in 1..bytes.len() {
            let mut parts = Output::new(20, 4);
            parts.add(&bytes[..cut]);
            parts.add(&bytes[cut..]);
            assert_eq!(parts.screen(), whole.screen(), "cut at {cut}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_left_out() {
        let mut output = Output::new(20, 4);
        for byte in b"a\xff\xe2b\xc3" {
            output.add(&[*byte]);
        }
        assert_eq!(output.screen(), "ab");
        assert_eq!(output.raw(), b"a\xff\xe2b\xc3");
    }
}
