//! Whole lines out of a file that may be damaged and may still grow. It knows no numbers.

use super::line::{self, MAX_LINE};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes taken from the file at once.
const CHUNK: usize = 128 << 10;

/// What stands next in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A line as it was written, without its line feed, and where it begins.
    Line(u64, &'a [u8]),
    /// A line that is not as it was written: so many bytes.
    Damaged(u64),
    /// Nothing more; so many bytes without a line feed.
    End(u64),
}

/// A place in a file.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    /// Of the first byte of `held`.
    offset: u64,
    held: Vec<u8>,
    /// Bytes of `held` that were told.
    told: usize,
    /// Bytes of `held` behind those without a line feed.
    searched: usize,
    /// Within a line that is too long: bytes of it that were dropped.
    dropped: u64,
}

impl Lines {
    pub(super) fn new(file: File, offset: u64) -> Self {
        Self { file, offset, held: Vec::new(), told: 0, searched: 0, dropped: 0 }
    }

    /// Where the line begins that comes next.
    pub(super) fn offset(&self) -> u64 {
        self.offset + self.told as u64
    }

    /// Reads on. After an end it can be asked again.
    pub(super) fn next(&mut self) -> io::Result<Found<'_>> {
        loop {
            let from = self.told + self.searched;
            if let Some(at) = memchr::memchr(b'\n', &self.held[from..]) {
                let (begin, end) = (self.told, from + at);
                (self.told, self.searched) = (end + 1, 0);
                return Ok(self.line(begin, end));
            }
            self.searched = self.held.len() - self.told;
            if self.searched > MAX_LINE {
                self.dropped += self.searched as u64;
                (self.told, self.searched) = (self.held.len(), 0);
            }
            if !self.read()? {
                return Ok(Found::End(self.dropped + self.searched as u64));
            }
        }
    }

    fn line(&mut self, begin: usize, end: usize) -> Found<'_> {
        let dropped = std::mem::take(&mut self.dropped);
        let text = &self.held[begin..end];
        if dropped == 0 && line::is_whole(text) {
            Found::Line(self.offset + begin as u64, text)
        } else {
            Found::Damaged(dropped + text.len() as u64)
        }
    }

    /// Takes more from the file; false at its end.
    fn read(&mut self) -> io::Result<bool> {
        self.held.drain(..self.told);
        self.offset += self.told as u64;
        self.told = 0;
        let before = self.held.len();
        self.held.resize(before + CHUNK, 0);
        let read = read_at(&self.file, &mut self.held[before..], self.offset + before as u64);
        self.held.truncate(before + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }
}

fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(into, offset) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn sealed(number: u64) -> Vec<u8> {
        let mut line = Vec::new();
        assert!(line::seal(format!("{{\"seq\":{number}}}").as_bytes(), &mut line));
        line
    }

    fn all(lines: &mut Lines) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            match lines.next().unwrap() {
                Found::Line(at, line) => {
                    found.push(format!("{at} {}", String::from_utf8(line::object(line)).unwrap()));
                }
                Found::Damaged(bytes) => found.push(format!("damaged {bytes}")),
                Found::End(bytes) => {
                    found.push(format!("end {bytes}"));
                    return found;
                }
            }
        }
    }

    #[test]
    fn lines_are_read_as_they_come_and_what_is_between_is_counted() {
        let mut file = tempfile::tempfile().unwrap();
        let length = sealed(1).len();
        file.write_all(&[&sealed(1)[..], b"x\0y\n", &sealed(2), b"\n", &sealed(3)[..10]].concat()).unwrap();
        let mut lines = Lines::new(file.try_clone().unwrap(), 0);
        let second = format!("{} {{\"seq\":2}}", length + 4);
        assert_eq!(all(&mut lines), ["0 {\"seq\":1}", "damaged 3", &second, "damaged 0", "end 10"]);
        file.write_all(&sealed(3)[10..]).unwrap();
        assert_eq!(all(&mut lines), [format!("{} {{\"seq\":3}}", 2 * length + 5), "end 0".into()]);
    }

    #[test]
    fn a_line_without_end_costs_no_more_than_the_longest() {
        let mut file = tempfile::tempfile().unwrap();
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..3 * (MAX_LINE >> 20) {
            file.write_all(&chunk).unwrap();
        }
        file.write_all(b"\n").unwrap();
        file.write_all(&sealed(1)).unwrap();
        let mut lines = Lines::new(file, 0);
        let bytes = 3 * MAX_LINE;
        assert_eq!(
            all(&mut lines),
            [format!("damaged {bytes}"), format!("{} {{\"seq\":1}}", bytes + 1), "end 0".into()]
        );
        assert!(lines.held.capacity() < 2 * MAX_LINE + 2 * CHUNK, "{}", lines.held.capacity());
    }
}
