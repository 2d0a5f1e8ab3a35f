//! Standard input, line by line, made into events by a thread of its own: a read of it may last for ever.

use super::envelope::Template;
use super::parcel::Item;
use std::io::{self, BufRead, Read};
use std::thread;
use tokio::sync::mpsc;

/// Lines that wait to be sent; beyond, standard input is not read.
const QUEUE: usize = 256;
/// Bytes of a line that are read; the rest of it is passed over.
const MOST: usize = 64 << 10;

/// An event, or the number of a line and why it is none.
pub(super) type Line = Result<Item, (u64, String)>;

/// Lines as they come.
#[derive(Debug)]
pub(super) struct Lines(mpsc::Receiver<Line>);

impl Lines {
    /// Each line of standard input: the content of an event of this kind, or a whole event.
    pub(super) fn of_stdin(template: Option<Template>) -> Self {
        let (sender, lines) = mpsc::channel(QUEUE);
        // It ends with standard input, or with the process.
        thread::spawn(move || read_all(io::stdin().lock(), template.as_ref(), &sender));
        Self(lines)
    }

    /// A line that is there already.
    pub(super) fn try_next(&mut self) -> Option<Line> {
        self.0.try_recv().ok()
    }

    /// Waits for the next line; `None` behind the last one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Line> {
        self.0.recv().await
    }
}

fn read_all(mut input: impl BufRead, template: Option<&Template>, sender: &mpsc::Sender<Line>) {
    for number in 1.. {
        let line = match next_line(&mut input) {
            Ok(None) => return,
            Ok(Some(bytes)) => text(bytes).and_then(|text| event(number, text, template)).transpose(),
            Err(cause) => {
                drop(sender.blocking_send(Err((number, format!("cannot read standard input: {cause}")))));
                return;
            }
        };
        let numbered = line.map(|line| line.map_err(|cause| (number, cause)));
        // Nobody takes it when the hub is gone.
        if numbered.is_some_and(|line| sender.blocking_send(line).is_err()) {
            return;
        }
    }
}

/// `None` for an empty line.
fn event(number: u64, text: String, template: Option<&Template>) -> Result<Option<Item>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let event = template.map_or_else(|| Ok(text.to_owned()), |template| template.event(text))?;
    Item::new(Some(number), event).map(Some)
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() > MOST {
        return Err(format!("it is longer than {} KiB", MOST >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// The bytes of a line, at most one more than [`MOST`]; `None` at the end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = MOST as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() > MOST && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Vec<Line> {
        let (sender, mut lines) = mpsc::channel(QUEUE);
        read_all(input, None, &sender);
        drop(sender);
        std::iter::from_fn(|| lines.blocking_recv()).collect()
    }

    #[test]
    fn lines_are_counted_empty_ones_too_and_bad_ones_do_not_stop_the_rest() {
        let good = r#"{"type":"x.y"}"#;
        let long = "x".repeat(MOST + 10);
        let input =
            [good.as_bytes(), b"\n\n \r\n{\n\xff\n", long.as_bytes(), b"\n", good.as_bytes()].concat();
        let item = |line| Item::new(Some(line), good.into());
        let lines = read(&input);
        assert_eq!(lines.len(), 5);
        assert_eq!(
            (&lines[0], &lines[4]),
            (&item(1).map_err(|_| unreachable!()), &item(7).map_err(|_| unreachable!()))
        );
        let bad: Vec<_> = lines[1..4].iter().map(|line| line.as_ref().unwrap_err()).collect();
        assert!(bad[0].0 == 4 && bad[0].1.starts_with("it is no JSON: "), "{bad:?}");
        assert_eq!((bad[1].0, bad[1].1.as_str()), (5, "it is not UTF-8"));
        assert_eq!((bad[2].0, bad[2].1.as_str()), (6, "it is longer than 64 KiB"));
    }
}
