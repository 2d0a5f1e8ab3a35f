//! Turns an input into the files of a journal, and reads them a second time in the simplest way, to compare.
//!
//! A line `@N` begins the file with that number of [`NAMES`]; of what follows it, a line that begins with `+` is written
//! behind the `+` with its right checksum, and any other as it stands. Only the last line of an input may lack its end.

use serde::Deserialize;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What an input may write; the others are there to be in the way.
const NAMES: [&str; 10] = [
    "000001-e-00000000000000000001.ndjson",
    "000002-e-00000000000000000005.ndjson",
    "000003-f-00000000000000000001.ndjson",
    "000004-e-00000000000000000005.ndjson",
    "4294967295-g-18446744073709551615.ndjson",
    "000001-e-00000000000000000001.index",
    "000002-e-00000000000000000005.index",
    "closed.json",
    "session.json",
    "4294967295-g-18446744073709551615.torn",
];
/// The numbering of what is appended to it.
pub const LATER: &str = "later";
const FRONT: &[u8] = br#"{"crc32":""#;

/// A journal's directory, gone when dropped.
pub struct Files {
    above: PathBuf,
    directory: PathBuf,
}

/// One line as it was written.
#[derive(Debug)]
pub struct Line {
    /// Without its checksum.
    pub object: Vec<u8>,
    /// The number of the record.
    pub seq: Option<u64>,
    /// The numbering that it says it is of.
    pub epoch: Option<String>,
    /// Whether it is JSON with a number, or with none.
    pub is_record: bool,
}

impl Files {
    /// Writes them.
    pub fn of(input: &[u8]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (number, process) = (NEXT.fetch_add(1, Ordering::Relaxed), std::process::id());
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let above = base.join(format!("claude-mpm-fuzz-{process}-{number}"));
        let directory = above.join("journal");
        let private = |path: &Path| {
            fs::create_dir(path)
                .and_then(|()| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)))
        };
        private(&above).and_then(|()| private(&directory)).expect("a directory");
        let files = Self { above, directory };
        files.write(input);
        files
    }

    fn write(&self, input: &[u8]) {
        let mut name = NAMES[0];
        for line in input.split_inclusive(|byte| *byte == b'\n') {
            if let [b'@', digit @ b'0'..=b'9', b'\n'] = line {
                name = NAMES[usize::from(digit - b'0')];
                continue;
            }
            let mut options = fs::OpenOptions::new();
            let file = options.create(true).append(true).mode(0o600).open(self.directory.join(name));
            let text = line.strip_prefix(b"+").map_or_else(|| line.to_vec(), sealed);
            file.and_then(|mut file| file.write_all(&text)).expect("a file");
        }
    }

    /// The journal.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where journals are.
    pub fn above(&self) -> &Path {
        &self.above
    }

    /// The lines of a file that are as they were written.
    pub fn whole_lines(path: &Path) -> Vec<Line> {
        let text = fs::read(path).unwrap_or_default();
        let Some(end) = text.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        text[..end].split(|byte| *byte == b'\n').filter_map(whole).collect()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.above));
    }
}

/// A line with its checksum in front, where it is an object.
fn sealed(line: &[u8]) -> Vec<u8> {
    match line.strip_prefix(b"{") {
        Some(body) => {
            let sum = crc32(body.strip_suffix(b"\n").unwrap_or(body));
            [FRONT, format!("{sum:08x}\",").as_bytes(), body].concat()
        }
        None => line.to_vec(),
    }
}

#[derive(Deserialize)]
struct Numbered {
    seq: Option<u64>,
    epoch: Option<String>,
    #[serde(rename = "timestamp")]
    _timestamp: Option<String>,
}

fn whole(line: &[u8]) -> Option<Line> {
    let rest = line.strip_prefix(FRONT)?;
    let (sum, body) = rest.split_at_checked(8)?;
    let body = body.strip_prefix(b"\",")?;
    if sum != format!("{:08x}", crc32(body)).as_bytes() {
        return None;
    }
    let object = [b"{", body].concat();
    let read = serde_json::from_slice::<Numbered>(line);
    let is_record = read.is_ok();
    let (seq, epoch) = read.map_or((None, None), |read| (read.seq, read.epoch));
    Some(Line { object, seq, epoch, is_record })
}

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    };
    !bytes.iter().fold(u32::MAX, step)
}
