//! Cuts bytes into the lines of a JSON Lines stream or file, whatever pieces they come in.
//!
//! It knows no JSON. Lines above a bound are left out and counted; nothing else is lost.

/// Longest line that is kept, bytes; claude's own have been seen above 40 KB, and hold whole files.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// What a buffer may keep of a long line that is over.
const KEPT: usize = 64 * 1024;

/// The line that is being read.
#[derive(Debug)]
pub struct JsonLines {
    partial: Vec<u8>,
    limit: usize,
    /// Up to the next newline nothing is kept.
    skipping: bool,
    too_long: u64,
}

impl Default for JsonLines {
    fn default() -> Self {
        Self::with_limit(MAX_LINE)
    }
}

impl JsonLines {
    /// Keeps lines of at most `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self { partial: Vec::new(), limit, skipping: false, too_long: 0 }
    }

    /// Takes bytes in and hands out every line that is complete, without its newline; empty lines as well.
    pub fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            rest = tail;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if self.partial.is_empty() && head.len() <= self.limit {
                line(head);
                continue;
            }
            self.keep(head);
            if !std::mem::take(&mut self.skipping) {
                line(&self.partial);
            }
            self.partial.clear();
            self.partial.shrink_to(KEPT);
        }
        if !self.skipping {
            self.keep(rest);
        }
    }

    /// Hands out the last line, where it had no newline.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            line(&self.partial);
        }
        self.restart();
    }

    /// The stream begins anew: what was read of a line is nothing.
    pub fn restart(&mut self) {
        self.partial = Vec::new();
        self.skipping = false;
    }

    /// Bytes were lost here: up to the next newline nothing is a line.
    pub fn lost(&mut self) {
        self.restart();
        self.skipping = true;
    }

    /// Lines that were longer than the bound.
    pub fn too_long(&self) -> u64 {
        self.too_long
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.partial.len() + bytes.len() > self.limit {
            self.too_long += 1;
            self.partial = Vec::new();
            self.skipping = true;
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, u64) {
        let (mut lines, mut found) = (JsonLines::with_limit(6), Vec::new());
        chunks.iter().for_each(|chunk| lines.feed(chunk, |line| found.push(line.to_vec())));
        lines.finish(|line| found.push(line.to_vec()));
        (found, lines.too_long())
    }

    #[test]
    fn lines_are_the_same_wherever_the_bytes_are_cut() {
        let stream = b"one\n\nexact6\nfar too long\ntwo\nseven77\nla";
        let whole = read(&[stream]);
        let expected: Vec<Vec<u8>> =
            ["one", "", "exact6", "two", "la"].map(|line| line.as_bytes().to_vec()).into();
        assert_eq!(whole, (expected, 2));
        for cut in 0..=stream.len() {
            assert_eq!(read(&[&stream[..cut], &stream[cut..]]), whole, "cut at {cut}");
        }
        assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn behind_a_loss_the_next_whole_line_is_read() {
        let (mut lines, mut found) = (JsonLines::default(), Vec::new());
        lines.feed(b"{\"half", |_| panic!("not a line"));
        lines.lost();
        lines.feed(b" of another\nwhole\n", |line| found.push(line.to_vec()));
        assert_eq!(found, [b"whole".to_vec()]);
    }
}
