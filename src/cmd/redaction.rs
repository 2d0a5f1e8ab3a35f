//! What this process says of itself without secrets: its log, its errors and notes, by the same rules as its hub. One
//! line per entry, and nothing in it acts on a terminal.

use super::escape::visible;
use crate::detect::redact::Redactor;
use crate::hub::Rules;
use std::io::{self, Write};
use std::sync::LazyLock;
use tracing_subscriber::fmt::MakeWriter;

/// The log is one for the whole process, and so are the rules.
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// The rules in force in this process.
pub(super) fn rules() -> &'static Rules {
    &RULES
}

/// Nothing is hidden from now on.
pub(super) fn show_everything() {
    RULES.replace(Redactor::none());
}

/// Says in the log where nothing is hidden.
pub(super) fn warn_of_none() {
    if RULES.now().is_none() {
        tracing::warn!("secrets are not redacted");
    }
}

/// The text as it may be shown: without secrets, on one line.
pub(super) fn presentable(text: &str) -> String {
    let redacted = RULES.now().redacted(text);
    visible(redacted.as_deref().unwrap_or(text)).into_owned()
}

/// Writers of a log whose entries are presentable.
#[derive(Debug)]
pub(super) struct Entries<M>(pub(super) M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Entries<M> {
    type Writer = Entry<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Entry(self.0.make_writer())
    }
}

/// Writes one entry, which comes whole.
#[derive(Debug)]
pub(super) struct Entry<W>(W);

impl<W: Write> Write for Entry<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = presentable(text.strip_suffix('\n').unwrap_or(&text));
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_entry_is_one_line_without_secrets_and_nothing_in_it_acts() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log =
            tracing_subscriber::fmt().with_ansi(false).with_writer(Entries(move || writer.clone())).finish();
        let key = format!("sk-{}-api03-{}", "ant", "Ab1_".repeat(10));
        tracing::subscriber::with_default(log, || {
            tracing::warn!(field = %format!("x\n{key}"), "one\nline \u{1b}[31m \u{202e} {key}");
            tracing::warn!("another");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains("Ab1_") && text.matches("[REDACTED:anthropic_key]").count() == 2, "{text}");
        assert!(!text.contains('\u{1b}') && text.contains(r"\u{202e}"), "{text}");
    }
}
