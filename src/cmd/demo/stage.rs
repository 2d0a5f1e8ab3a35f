//! What the scripted program draws: words placed by cursor movement, a spinner that is redrawn, a title that tells
//! whether it works, as claude does it. Without a terminal it prints plain lines.

use std::io::{self, Write};
use std::time::Duration;

/// What the title says while nothing goes on.
pub(super) const IDLE_TITLE: &str = "\x1b]0;\u{2733} Demo\x07";
const SPINNER: [char; 4] = ['\u{273b}', '\u{273d}', '\u{2722}', '\u{2736}'];
const BRAILLE: [char; 2] = ['\u{2802}', '\u{2810}'];

/// Where it is drawn, and how fast.
#[derive(Debug)]
pub(super) struct Stage<W> {
    /// The terminal, or what stands for it.
    pub(super) out: W,
    /// It is a terminal.
    pub(super) on_terminal: bool,
    /// So many times as fast.
    pub(super) speed: f64,
}

impl<W: Write> Stage<W> {
    /// Types the prompt, key by key.
    pub(super) fn keys(&mut self, prompt: &str) -> io::Result<()> {
        self.print("\u{276f} ")?;
        for key in prompt.chars() {
            self.print(&key.to_string())?;
            self.pause(40);
        }
        self.line("")?;
        self.line("")
    }

    /// A spinner that is redrawn in place and leaves nothing behind.
    pub(super) fn work(&mut self, millis: u32) -> io::Result<()> {
        if !self.on_terminal {
            self.pause(millis);
            return Ok(());
        }
        for (frame, elapsed) in (0..millis).step_by(120).enumerate() {
            let (star, dot) = (SPINNER[frame % SPINNER.len()], BRAILLE[frame % BRAILLE.len()]);
            self.title(&format!("\x1b]0;{dot} Demo\x07"))?;
            self.print(&format!("\r{star} Thinking\u{2026} ({:.1}s)\x1b[K", f64::from(elapsed) / 1000.0))?;
            self.pause(120);
        }
        self.print("\r\x1b[K")
    }

    /// A dialog that goes away when it is answered.
    pub(super) fn dialog(&mut self, lines: &[&str], millis: u32) -> io::Result<()> {
        for line in lines {
            self.line(line)?;
        }
        self.pause(millis);
        if self.on_terminal { self.print(&format!("\x1b[{}A\x1b[J", lines.len())) } else { Ok(()) }
    }

    /// Claude places words by column, not by spaces; so does this.
    pub(super) fn words(&mut self, bullet: &str, text: &str) -> io::Result<()> {
        if !self.on_terminal {
            return self.line(&format!("{bullet}{text}"));
        }
        self.print(bullet)?;
        let mut column = bullet.chars().count() + 1;
        for word in text.split(' ') {
            if !word.is_empty() {
                self.print(&format!("\x1b[{column}G{word}"))?;
            }
            column += word.chars().count() + 1;
        }
        self.line("")
    }

    /// Sets the title of a terminal.
    pub(super) fn title(&mut self, sequence: &str) -> io::Result<()> {
        if self.on_terminal { self.print(sequence) } else { Ok(()) }
    }

    /// A whole line.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        self.print(text)?;
        self.print("\n")
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Lets time pass; the hooks are in step with it.
    pub(super) fn pause(&self, millis: u32) {
        std::thread::sleep(Duration::from_secs_f64(f64::from(millis) / 1000.0 / self.speed));
    }
}
