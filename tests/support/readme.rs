//! Tables in the README that tests measure: each stands between two lines that are comments of its Markdown. What is
//! measured, and how a table looks, is the business of the test.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Two tests of one program may write their tables at the same time.
static WRITING: Mutex<()> = Mutex::new(());

/// A place in the README.
#[derive(Debug)]
pub struct Place {
    begin: String,
    end: String,
    command: String,
}

impl Place {
    /// The place that begins with `<!-- NAME: UPDATE_README=1 COMMAND -->` and ends with `<!-- /KIND -->`, where KIND
    /// is the first word of the name.
    pub fn new(name: &str, command: &str) -> Self {
        let command = format!("UPDATE_README=1 {command}");
        let kind = name.split(' ').next().unwrap_or_default();
        Self { begin: format!("<!-- {name}: {command} -->\n"), end: format!("<!-- /{kind} -->\n"), command }
    }

    /// What stands there.
    ///
    /// # Panics
    /// If there is no README, or it has no such place.
    #[track_caller]
    pub fn text(&self) -> String {
        self.split(&read()).1.to_owned()
    }

    /// Writes `text` there if that is asked for.
    ///
    /// # Panics
    /// As [`Self::text`], or if it cannot be written; and if it is not asked for and something else stands there.
    #[track_caller]
    pub fn keep(&self, text: &str) {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let before = read();
        let (head, _, tail) = self.split(&before);
        let after = format!("{head}{}\n{text}\n{}{tail}", self.begin, self.end);
        if update_wanted() {
            std::fs::write(path(), &after).expect("README.md can be written");
        } else {
            assert_eq!(before, after, "the table in README.md is old: {}", self.command);
        }
    }

    fn split<'a>(&self, readme: &'a str) -> (&'a str, &'a str, &'a str) {
        let (head, rest) = readme.split_once(&self.begin).expect("README.md has a place for the table");
        let (text, tail) = rest.split_once(&self.end).expect("the place for the table has an end");
        (head, text, tail)
    }
}

/// Whether the tables in the README are to be written anew: by `UPDATE_README` in the environment.
pub fn update_wanted() -> bool {
    std::env::var_os("UPDATE_README").is_some()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")
}

fn read() -> String {
    std::fs::read_to_string(path()).expect("README.md")
}
