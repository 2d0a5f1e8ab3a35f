//! Is a program claude, and of which version? It is asked only if its installation does not say, and not twice.

use super::program;
use crate::claude::Version;
use crate::instance::RuntimeDirectory;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Under which name answers are kept in the runtime directory.
const KEPT: &str = "claude-versions";
/// How many answers are kept, the newest.
const MOST_ANSWERS: usize = 8;
const MAX_PACKAGE_BYTES: u64 = 64 << 10;

/// What a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// Claude, of a version that is known or not.
    Claude(Option<Version>),
    /// Anything else; it was not run.
    Other,
}

/// Looks at a program, at the path it would be run by. Claude may be run for at most two seconds; no thread is made.
pub fn probe(program: &Path) -> Probed {
    if !program::is_claude(program) {
        return Probed::Other;
    }
    Probed::Claude(stated_version(program).or_else(|| asked_version(program, RuntimeDirectory::open().ok())))
}

/// The version the installation states.
fn stated_version(program: &Path) -> Option<Version> {
    let file = program.canonicalize().ok()?;
    Version::of_native_install(&file).or_else(|| {
        let package = file.ancestors().find(|folder| {
            folder.parent().and_then(Path::file_name).is_some_and(|name| name == "@anthropic-ai")
        })?;
        let mut text = String::new();
        let package = fs::File::open(package.join("package.json")).ok()?;
        package.take(MAX_PACKAGE_BYTES).read_to_string(&mut text).ok()?;
        Version::of_package(&text)
    })
}

/// An answer to `--version`, good as long as the file is the same.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    path: PathBuf,
    size: u64,
    /// Seconds since 1970, and nanoseconds.
    modified: (i64, i64),
    answer: String,
}

fn asked_version(program: &Path, runtime: Option<RuntimeDirectory>) -> Option<Version> {
    let file = program.canonicalize().ok()?;
    let found = file.metadata().ok()?;
    let modified = (found.mtime(), found.mtime_nsec());
    let mut answers = runtime.as_ref().map(kept_answers).unwrap_or_default();
    let same = |a: &&Answer| a.path == file && a.size == found.len() && a.modified == modified;
    if let Some(known) = answers.iter().find(same) {
        return Version::parse(&known.answer);
    }
    let answer = program::version(program).ok()?;
    let version = Version::parse(&answer)?;
    answers.retain(|answer| answer.path != file);
    answers.insert(0, Answer { path: file, size: found.len(), modified, answer });
    answers.truncate(MOST_ANSWERS);
    if let (Some(runtime), Ok(text)) = (runtime, serde_json::to_string(&answers)) {
        // Not kept: then it is asked again next time.
        drop(runtime.keep(KEPT, &text));
    }
    Some(version)
}

fn kept_answers(runtime: &RuntimeDirectory) -> Vec<Answer> {
    runtime.kept(KEPT).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn program(path: &Path, body: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The programs fail the test by what they answer, were they run.
    #[test]
    fn an_installation_that_states_its_version_is_not_run() {
        let base = tempfile::tempdir().unwrap();
        let native = base.path().join("share/claude/versions/2.1.5");
        program(&native, "echo 9.9.9");
        let linked = base.path().join("bin/any-name");
        fs::create_dir_all(linked.parent().unwrap()).unwrap();
        symlink(&native, &linked).unwrap();
        assert_eq!(probe(&linked), Probed::Claude(Some(Version::new(2, 1, 5))));
        let npm = base.path().join("node_modules/@anthropic-ai/claude-code");
        program(&npm.join("bin/claude.exe"), "echo 9.9.9");
        fs::write(npm.join("package.json"), r#"{"version":"2.1.6"}"#).unwrap();
        assert_eq!(probe(&npm.join("bin/claude.exe")), Probed::Claude(Some(Version::new(2, 1, 6))));
    }

    #[test]
    fn claude_is_asked_once_for_each_state_of_its_file() {
        let base = tempfile::tempdir().unwrap();
        let runtime = RuntimeDirectory::at(&base.path().join("d")).ok();
        let (claude, log) = (base.path().join("claude"), base.path().join("log"));
        let body = format!("echo asked >> {}; echo '2.1.8 (Claude Code)'", log.display());
        program(&claude, &body);
        let asked = || fs::read_to_string(&log).unwrap().lines().count();
        for _ in 0..3 {
            assert_eq!(asked_version(&claude, runtime.clone()), Some(Version::new(2, 1, 8)));
        }
        assert_eq!(asked(), 1);
        program(&claude, &format!("{body}; exit 0"));
        asked_version(&claude, runtime.clone());
        assert_eq!(asked(), 2);
        asked_version(&claude, None);
        assert_eq!(asked(), 3);
    }

    #[test]
    fn what_answers_with_no_version_is_claude_of_none() {
        let base = tempfile::tempdir().unwrap();
        let claude = base.path().join("claude");
        program(&claude, "echo hello");
        assert_eq!(asked_version(&claude, None), None);
    }

    #[test]
    fn another_program_is_never_run() {
        let base = tempfile::tempdir().unwrap();
        let other = base.path().join("other");
        program(&other, "touch \"$0.ran\"; echo 2.1.7");
        assert_eq!(probe(&other), Probed::Other);
        assert!(!base.path().join("other.ran").exists());
    }
}
