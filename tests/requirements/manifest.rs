//! The list of all blocks: complete, in order, and each held by tests that exist and name it. A block or a statement
//! without a test is a failure.

use crate::blocks::folder;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    block: Vec<Block>,
    statement: Vec<Statement>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    /// Below the folder.
    file: String,
    /// Title of the document.
    document: String,
    section: String,
    language: String,
    /// Why it is not run, and what holds in its place.
    instead: Option<String>,
    tests: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    document: String,
    says: String,
    instead: String,
    tests: Vec<String>,
}

fn manifest() -> Manifest {
    toml::from_str(&fs::read_to_string(folder().join("blocks.toml")).unwrap()).unwrap()
}

/// The source of a test, and whether the function is one. `FILE::FUNCTION`, the file from the root of the repository on.
#[track_caller]
fn source_of(test: &str) -> String {
    let (file, function) = test.split_once("::").unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(path).unwrap_or_else(|cause| panic!("{test}: {cause}"));
    let at = text.find(&format!("fn {function}()")).unwrap_or_else(|| panic!("there is no {test}"));
    let before = text[..at].rsplit("\n\n").next().unwrap();
    assert!(before.contains("test]"), "{test} is no test");
    text
}

#[test]
fn every_block_of_the_documents_stands_in_the_list_and_in_a_file() {
    let listed: Vec<String> = manifest().block.into_iter().map(|block| block.file).collect();
    let mut files = Vec::new();
    for document in fs::read_dir(folder()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let name = document.file_name().into_string().unwrap();
        let blocks = fs::read_dir(document.path()).unwrap().flatten();
        files.extend(blocks.map(|block| format!("{name}/{}", block.file_name().into_string().unwrap())));
    }
    files.sort();
    assert_eq!(listed, files, "the list is in the order of the documents");
    let counts = ["1-", "2-", "3-", "4-", "5-"]
        .map(|document| files.iter().filter(|file| file.starts_with(document)).count());
    assert_eq!(counts, [9, 8, 11, 18, 3], "fenced blocks of each document");
}

#[test]
fn every_block_is_run_by_tests_that_name_it_or_says_what_holds_instead() {
    for block in &manifest().block {
        let Block { file, document, section, language, instead, tests } = block;
        assert!([document, section, language].iter().all(|text| !text.is_empty()), "{block:?}");
        assert!(!tests.is_empty(), "{file} has no test");
        let is_named = tests.iter().filter(|test| is_about(&source_of(test), file)).count();
        match instead {
            Some(words) => assert!(words.len() > 20 && is_named == 0, "{file} is run after all"),
            None => assert!(is_named > 0, "no test of {file} names it: {tests:?}"),
        }
    }
}

/// Whether a source has the name of the file, or the end of it below a folder it names.
fn is_about(source: &str, file: &str) -> bool {
    let (folder, name) = file.split_once('/').unwrap();
    source.contains(file) || (source.contains(folder) && source.contains(&format!("\"{name}\"")))
}

#[test]
fn every_statement_that_is_overridden_has_tests_of_what_holds_instead() {
    let manifest = manifest();
    let documents: BTreeSet<&String> = manifest.block.iter().map(|block| &block.document).collect();
    assert_eq!(documents.len(), 5);
    for statement in &manifest.statement {
        let Statement { document, says, instead, tests } = statement;
        assert!(documents.contains(document) && !says.is_empty() && instead.len() > 20, "{statement:?}");
        assert!(!tests.is_empty(), "{statement:?}");
        tests.iter().for_each(|test| drop(source_of(test)));
    }
}
