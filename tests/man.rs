//! The man pages: generated from the same definition as the help, kept under `man/`, one per verb.
//!
//! `UPDATE_MAN=1 cargo test --test man` writes them anew.

use clap::CommandFactory;
use claude_mpm::cli::Cli;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man")
}

fn page(command: clap::Command) -> String {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).date("").render(&mut text).expect("a page");
    String::from_utf8(text).expect("UTF-8")
}

/// File name and text of every page.
fn pages() -> BTreeMap<String, String> {
    let mut root = Cli::command();
    root.build();
    let verbs = root.get_subcommands().filter(|verb| verb.get_name() != "help").cloned();
    let named = verbs.map(|verb| {
        let name = format!("claude-mpm-{}", verb.get_name());
        (format!("{name}.1"), page(verb.display_name(name)))
    });
    let mut pages: BTreeMap<_, _> = named.collect();
    pages.insert("claude-mpm.1".into(), page(root));
    pages
}

#[test]
fn the_man_pages_say_what_the_help_says() {
    let update = std::env::var_os("UPDATE_MAN").is_some();
    for (name, text) in pages() {
        let path = folder().join(&name);
        if update {
            std::fs::create_dir_all(folder()).expect("a folder");
            std::fs::write(&path, &text).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{name} is out of step with the help: UPDATE_MAN=1 cargo test --test man");
    }
    let kept: Vec<_> =
        std::fs::read_dir(folder()).expect("man/").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(kept.len(), pages().len(), "a page of a verb that is no more: {kept:?}");
}
