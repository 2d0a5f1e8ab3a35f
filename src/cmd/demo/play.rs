//! The scripted program of the demo: it behaves on a terminal as claude does, and says that it is not claude.
//!
//! Words placed by cursor movement, a spinner that is redrawn, a title that tells whether it works: everything a
//! newcomer needs to see how events come from a screen. It reads nothing and knows nothing of being supervised.

use std::io::{self, Write};
use std::time::Duration;

const IDLE_TITLE: &str = "\x1b]0;\u{2733} Demo\x07";
const SPINNER: [char; 4] = ['\u{273b}', '\u{273d}', '\u{2722}', '\u{2736}'];
const BRAILLE: [char; 2] = ['\u{2802}', '\u{2810}'];

/// One exchange: what is asked, what is done, what is answered.
struct Turn {
    prompt: &'static str,
    steps: &'static [&'static str],
    answer: &'static [&'static str],
}

const TURNS: [Turn; 3] = [
    Turn {
        prompt: "What are you?",
        steps: &[],
        answer: &[
            "I am a script inside claude-mpm. No account is used and no model is asked.",
            "Every line here is an event by the time you read it.",
        ],
    },
    Turn {
        prompt: "Run the tests.",
        steps: &["\u{25cf} Bash(cargo test)", "  \u{23bf}  test result: ok. 42 passed; 0 failed"],
        answer: &["All 42 tests pass."],
    },
    Turn {
        prompt: "How do I follow this from elsewhere?",
        steps: &[],
        answer: &[
            "In another terminal:          claude-mpm watch",
            "In any WebSocket client:      send {\"command\":\"subscribe\",\"channels\":[\"*\"]}",
            "With the real claude:         claude-mpm --websocket --launch-method subprocess",
        ],
    },
];

/// Plays the script. `on_terminal` decides whether it draws or only prints; at `speed` 2 it is twice as fast.
///
/// # Errors
/// When the output is gone.
pub(super) fn play(out: &mut impl Write, on_terminal: bool, speed: f64) -> io::Result<()> {
    let mut stage = Stage { out, on_terminal, speed };
    stage.title(IDLE_TITLE)?;
    stage.line("claude-mpm demo \u{b7} a scripted program, not claude")?;
    stage.line("")?;
    stage.pause(1500);
    for turn in &TURNS {
        stage.turn(turn)?;
    }
    stage.line("The demo is over.")
}

struct Stage<'a, W> {
    out: &'a mut W,
    on_terminal: bool,
    speed: f64,
}

impl<W: Write> Stage<'_, W> {
    fn turn(&mut self, turn: &Turn) -> io::Result<()> {
        self.ask(turn.prompt)?;
        self.work(1600)?;
        for step in turn.steps {
            self.line(step)?;
            self.work(1200)?;
        }
        for (number, line) in turn.answer.iter().enumerate() {
            self.words(if number == 0 { "\u{25cf} " } else { "  " }, line)?;
            self.pause(400);
        }
        self.line("")?;
        self.title(IDLE_TITLE)?;
        self.pause(2500);
        Ok(())
    }

    /// Types the prompt, key by key.
    fn ask(&mut self, prompt: &str) -> io::Result<()> {
        self.print("\u{276f} ")?;
        for key in prompt.chars() {
            self.print(&key.to_string())?;
            self.pause(40);
        }
        self.line("")?;
        self.line("")
    }

    /// A spinner that is redrawn in place and leaves nothing behind.
    fn work(&mut self, millis: u32) -> io::Result<()> {
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

    /// Claude places words by column, not by spaces; so does this.
    fn words(&mut self, bullet: &str, text: &str) -> io::Result<()> {
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

    fn title(&mut self, sequence: &str) -> io::Result<()> {
        if self.on_terminal { self.print(sequence) } else { Ok(()) }
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.print(text)?;
        self.print("\n")
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn pause(&self, millis: u32) {
        std::thread::sleep(Duration::from_secs_f64(f64::from(millis) / 1000.0 / self.speed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_it_prints_plain_lines_and_says_what_it_is() {
        let mut out = Vec::new();
        play(&mut out, false, 1e6).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\x1b'));
        assert!(text.starts_with("claude-mpm demo \u{b7} a scripted program, not claude\n"));
        assert!(text.contains("\u{25cf} All 42 tests pass.\n"));
    }

    #[test]
    fn on_a_terminal_it_shows_when_it_works() {
        let mut out = Vec::new();
        play(&mut out, true, 1e6).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("\x1b]0;\u{2802} Demo\x07") && text.contains(IDLE_TITLE));
    }
}
