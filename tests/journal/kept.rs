//! A session that is over and its journal, which can be damaged again and again, and what the program says of it.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use test_support::piped;
use test_support::standalone::{Place, named};

pub(crate) const WRAPPER: &str = env!("CARGO_BIN_EXE_claude-mpm");
/// For a program that has nothing to wait for.
const SOON: Duration = Duration::from_secs(60);
const SCRIPT: &str = "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo line $i of it; done; exit 3";
/// Files among which the records are divided.
const SEGMENTS: usize = 4;

/// What a verb printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) lines: Vec<String>,
    pub(crate) errors: String,
}

/// The session.
pub(crate) struct Kept {
    place: Place,
    directory: PathBuf,
    id: String,
    /// As they were: names and bytes; the segments first.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// What `history` says of it.
    pub(crate) whole: Vec<String>,
}

impl Kept {
    /// Runs a program that prints a hundred lines, and divides its journal as if it had been longer.
    pub(crate) fn new() -> Self {
        let place = Place::new(WRAPPER);
        assert_eq!(piped::run(place.shell(&["--headless"], SCRIPT), b"", SOON).status.code(), Some(3));
        let sessions = place.path(".local/state/claude-mpm/sessions");
        let directory = fs::read_dir(&sessions).unwrap().next().unwrap().unwrap().path();
        let id = directory.file_name().unwrap().to_str().unwrap().to_owned();
        divide(&directory);
        let files = named(&directory, "").into_iter().filter(|path| path.file_name().unwrap() != "lock");
        let mut files: Vec<_> = files.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
        files.sort_by_key(|(name, _)| (!name.ends_with(".ndjson"), name.clone()));
        let mut kept = Self { place, directory, id, files, whole: Vec::new() };
        kept.whole = kept.history().lines;
        assert!(kept.whole.len() > 100, "{} events", kept.whole.len());
        kept
    }

    /// The files that hold records.
    pub(crate) fn segments(&self) -> Vec<(String, Vec<u8>)> {
        self.files[..SEGMENTS].to_vec()
    }

    /// All of its files, with these in place of those that have their names; an empty directory before.
    pub(crate) fn with(&self, changed: &[(String, Vec<u8>)]) -> &Self {
        fs::remove_dir_all(&self.directory).unwrap();
        fs::create_dir(&self.directory).unwrap();
        fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o700)).unwrap();
        let is_same = |name: &str| changed.iter().any(|(other, _)| other == name);
        for (name, bytes) in self.files.iter().filter(|(name, _)| !is_same(name)).chain(changed) {
            write(&self.directory.join(name), bytes);
        }
        self
    }

    /// Where one of its files is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// All it published, a frame a line.
    pub(crate) fn history(&self) -> Said {
        self.say(&["history", "-i", &self.id, "-o", "json", "-n", "10000"])
    }

    /// The sessions that are over.
    pub(crate) fn ended(&self) -> Vec<Value> {
        let said = self.say(&["list", "--ended", "-o", "json"]);
        serde_json::from_str(&said.lines[0]).unwrap()
    }

    #[track_caller]
    fn say(&self, words: &[&str]) -> Said {
        let output = piped::run(self.place.command(words), b"", SOON);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {errors}");
        Said { lines: String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect(), errors }
    }
}

/// Where its records are cut into files, each has about as many.
fn divide(directory: &Path) {
    let whole = named(directory, ".ndjson").pop().unwrap();
    let text = fs::read(&whole).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let epoch = name(&whole).split('-').nth(1).unwrap().to_owned();
    for file in named(directory, ".ndjson").into_iter().chain(named(directory, ".index")) {
        fs::remove_file(file).unwrap();
    }
    for (number, part) in lines.chunks(lines.len().div_ceil(SEGMENTS)).enumerate() {
        let first = serde_json::from_slice::<Value>(part[0]).unwrap()["seq"].as_u64().unwrap();
        let path = directory.join(format!("{:06}-{epoch}-{first:020}.ndjson", number + 1));
        write(&path, &part.concat());
    }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.unwrap().write_all(bytes).unwrap();
}

/// A line of a journal's files that is as it was written.
pub(crate) fn sealed(object: &Value) -> Vec<u8> {
    let text = object.to_string();
    format!("{{\"crc32\":\"{:08x}\",{}\n", crc32fast::hash(&text.as_bytes()[1..]), &text[1..]).into_bytes()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
