//! One file that grows: hands out its lines as they become whole, whatever happens to the file.
//!
//! It may not be there yet, be cut short and written anew, be replaced by another, or be deleted. After each of these
//! it is read from its beginning; who takes the lines recognises what was told before. It never waits.

use crate::detect::json_lines::JsonLines;
use crate::source::claude_folder::ClaudeFolder;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How much of a file that is already there is read, bytes from its end.
const MAX_PAST: u64 = 64 * 1024 * 1024;

/// How much is read at once, bytes: others wait on this thread.
const CHUNK: usize = 64 * 1024;

/// A file, read so far.
#[derive(Debug)]
pub(super) struct GrowingFile {
    path: PathBuf,
    /// Stays open between two looks, so that what is written into a file before it is replaced is not lost. There may
    /// be too many files for all to stay open.
    stays_open: bool,
    file: Option<File>,
    place: Option<Place>,
    lines: JsonLines,
}

/// Which file, and how far it has been read.
#[derive(Debug, Clone, Copy)]
struct Place {
    device: u64,
    inode: u64,
    offset: u64,
}

impl GrowingFile {
    /// The file at `path`, which need not exist yet.
    pub(super) fn new(path: PathBuf, stays_open: bool) -> Self {
        Self { path, stays_open, file: None, place: None, lines: JsonLines::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lines that were too long to be read.
    pub(super) fn too_long(&self) -> u64 {
        self.lines.too_long()
    }

    /// Reads on by at most 64 KiB; `false` where there is nothing more now.
    ///
    /// # Errors
    /// Where the file cannot be read; that it is not there is none.
    pub(super) fn read_on(&mut self, folder: &ClaudeFolder, line: impl FnMut(&[u8])) -> io::Result<bool> {
        let more = self.read_some(folder, line);
        if !matches!(more, Ok(true)) && !self.stays_open {
            self.file = None;
        }
        more
    }

    fn read_some(&mut self, folder: &ClaudeFolder, line: impl FnMut(&[u8])) -> io::Result<bool> {
        let there = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            there => Some(there?),
        };
        match (self.place, there) {
            // Claude may go on writing into a file that was deleted.
            (_, None) if self.file.is_some() => self.read_chunk(line),
            (_, None) => {
                self.place = None;
                Ok(false)
            }
            (Some(place), Some(there)) if place.is(&there) => {
                if there.len() == place.offset {
                    return Ok(false);
                }
                self.go_on(folder, &there)?;
                self.read_chunk(line)
            }
            // Another file stands there now; what the old one still holds comes first.
            (Some(_), Some(_)) if self.file.is_some() => {
                let more = self.read_chunk(line)?;
                if !more {
                    (self.file, self.place) = (None, None);
                }
                Ok(true)
            }
            (_, Some(_)) => {
                self.begin(folder)?;
                self.read_chunk(line)
            }
        }
    }

    /// Opens the file as one that was not read before.
    fn begin(&mut self, folder: &ClaudeFolder) -> io::Result<()> {
        (self.file, self.place) = (None, None);
        let file = folder.open(&self.path)?;
        let metadata = file.metadata()?;
        self.lines.restart();
        let offset = metadata.len().saturating_sub(MAX_PAST);
        if offset > 0 {
            self.lines.lost();
        }
        self.seek(file, Place { device: metadata.dev(), inode: metadata.ino(), offset })
    }

    /// Opens the file again where it was closed; from its beginning where it was cut short.
    fn go_on(&mut self, folder: &ClaudeFolder, there: &Metadata) -> io::Result<()> {
        let Some(mut place) = self.place else { return Ok(()) };
        let cut_short = there.len() < place.offset;
        if cut_short {
            place.offset = 0;
            self.lines.restart();
        }
        match self.file.take() {
            Some(file) => self.seek(file, place),
            None => {
                let file = folder.open(&self.path)?;
                if !place.is(&file.metadata()?) {
                    return self.begin(folder);
                }
                self.seek(file, place)
            }
        }
    }

    fn seek(&mut self, mut file: File, place: Place) -> io::Result<()> {
        file.seek(SeekFrom::Start(place.offset))?;
        (self.file, self.place) = (Some(file), Some(place));
        Ok(())
    }

    fn read_chunk(&mut self, line: impl FnMut(&[u8])) -> io::Result<bool> {
        let (Some(file), Some(place)) = (&mut self.file, &mut self.place) else { return Ok(false) };
        let mut chunk = [0; CHUNK];
        let count = file.read(&mut chunk)?;
        place.offset += count as u64;
        self.lines.feed(&chunk[..count], line);
        Ok(count > 0)
    }
}

impl Place {
    fn is(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    struct Site {
        _home: tempfile::TempDir,
        folder: ClaudeFolder,
        path: PathBuf,
        growing: GrowingFile,
    }

    fn site(stays_open: bool) -> Site {
        let home = tempfile::tempdir().unwrap();
        let folder = ClaudeFolder::new(home.path().to_path_buf());
        fs::create_dir(folder.projects()).unwrap();
        let path = folder.projects().join("s.jsonl");
        Site { growing: GrowingFile::new(path.clone(), stays_open), folder, path, _home: home }
    }

    impl Site {
        fn lines(&mut self) -> Vec<String> {
            let mut found = Vec::new();
            let mut take = |line: &[u8]| found.push(String::from_utf8_lossy(line).into_owned());
            while self.growing.read_on(&self.folder, &mut take).unwrap() {}
            found
        }

        fn append(&self, text: &str) {
            File::options()
                .append(true)
                .create(true)
                .open(&self.path)
                .unwrap()
                .write_all(text.as_bytes())
                .unwrap();
        }
    }

    #[test]
    fn a_file_is_read_as_it_comes_and_grows_by_whole_lines() {
        for stays_open in [true, false] {
            let mut site = site(stays_open);
            assert!(site.lines().is_empty());
            site.append("one\ntw");
            assert_eq!(site.lines(), ["one"]);
            site.append("o\nthree\n");
            assert_eq!(site.lines(), ["two", "three"]);
            assert!(site.lines().is_empty());
        }
    }

    #[test]
    fn a_file_cut_short_is_read_from_its_beginning() {
        for stays_open in [true, false] {
            let mut site = site(stays_open);
            site.append("one\ntwo\nhal");
            assert_eq!(site.lines().len(), 2);
            fs::write(&site.path, "new\n").unwrap();
            assert_eq!(site.lines(), ["new"]);
        }
    }

    #[test]
    fn a_file_that_is_replaced_is_read_to_its_end_and_then_the_new_one() {
        let mut site = site(true);
        site.append("one\n");
        assert_eq!(site.lines(), ["one"]);
        site.append("last\nhal");
        let other = site.path.with_extension("new");
        fs::write(&other, "new\n").unwrap();
        fs::rename(&other, &site.path).unwrap();
        assert_eq!(site.lines(), ["last", "new"]);
    }

    #[test]
    fn a_file_that_is_deleted_and_comes_again_is_read_again() {
        let mut site = site(true);
        site.append("one\n");
        assert_eq!(site.lines(), ["one"]);
        fs::remove_file(&site.path).unwrap();
        assert!(site.lines().is_empty());
        site.append("two\n");
        assert_eq!(site.lines(), ["two"]);
    }

    #[test]
    fn a_huge_file_is_read_from_a_whole_line_near_its_end() {
        let mut site = site(true);
        site.append("first\n");
        let file = File::options().write(true).open(&site.path).unwrap();
        file.set_len(MAX_PAST + 100).unwrap();
        site.append("\nlast\n");
        assert_eq!(site.lines(), ["last"]);
    }
}
