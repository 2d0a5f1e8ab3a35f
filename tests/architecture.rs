//! The shape of `src/`, enforced: imports point to a strictly smaller rank, pure modules touch nothing outside,
//! every file says what it is responsible for, and names that belong to one file stand in no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rank of each module below `src/`; `true` for pure ones. A new module has to be entered here.
const MODULES: [(&str, u8, bool); 23] = [
    ("event", 0, true),
    ("process", 0, false),
    ("filter", 1, true),
    ("status", 1, true),
    ("detect", 1, true),
    ("control", 1, true),
    ("config", 1, false),
    ("instance", 1, false),
    ("journal", 2, false),
    ("claude", 2, true),
    ("tls", 2, false),
    ("dialect", 2, true),
    ("recording", 2, false),
    ("export", 3, true),
    ("hub", 3, false),
    ("source", 4, false),
    ("server", 4, false),
    ("client", 4, false),
    ("supervisor", 5, false),
    ("cli", 5, false),
    ("cmd", 6, false),
    ("lib", 7, false),
    ("main", 7, false),
];

/// What a pure module may not name.
const OUTSIDE: [&str; 8] = [
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
];

struct Source {
    path: PathBuf,
    /// The top-level module it belongs to.
    module: String,
    /// Without comments and without its unit tests.
    code: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("sources are readable");
        let relative = path.strip_prefix(&root).expect("below src").to_path_buf();
        let first = relative.iter().next().expect("not empty").to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        Source { path: relative, module, code: code_of(&text), text }
    };
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn code_of(text: &str) -> String {
    let before_tests = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let without_comment = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    before_tests.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

fn rank(module: &str) -> Option<u8> {
    MODULES.iter().find(|(name, ..)| *name == module).map(|(_, rank, _)| *rank)
}

/// Top-level modules named by `crate::name` or inside `use crate::{...}`; the binary says `claude_mpm::`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for root in ["crate::", "claude_mpm::"] {
        for (at, _) in code.match_indices(root) {
            let rest = &code[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(list) => names.extend(first_segments(list)),
                None => names.extend(first_word(rest)),
            }
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// First words of the parts of a braced list, up to its closing brace.
fn first_segments(list: &str) -> Vec<String> {
    let (mut depth, mut part, mut words) = (1, String::new(), Vec::new());
    for character in list.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && character == ',') {
            words.extend(first_word(&part));
            part.clear();
            if depth == 0 {
                break;
            }
        } else {
            part.push(character);
        }
    }
    words
}

#[test]
fn imports_point_to_a_strictly_smaller_rank() {
    let mut breaches = Vec::new();
    for source in sources() {
        let own = rank(&source.module);
        let Some(own) = own else {
            breaches.push(format!("{}: module {} has no rank", source.path.display(), source.module));
            continue;
        };
        for name in imports(&source.code) {
            let upward = rank(&name).is_some_and(|other| other >= own);
            if name != source.module && upward {
                breaches.push(format!("{}: {} -> {name}", source.path.display(), source.module));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn pure_modules_touch_nothing_outside() {
    let pure: BTreeSet<&str> = MODULES.iter().filter(|(.., pure)| *pure).map(|(name, ..)| *name).collect();
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| pure.contains(source.module.as_str())) {
        for name in OUTSIDE.iter().filter(|name| source.code.contains(*name)) {
            breaches.push(format!("{} names {name}", source.path.display()));
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn event_names_and_close_codes_have_one_home() {
    let names = ["\"session.start\"", "\"session.end\"", "\"claude.output\"", "\"system.gap\""];
    let codes = ["4401", "4403", "4408", "4429"];
    let mut strays = Vec::new();
    for source in sources() {
        let path = source.path.to_string_lossy().into_owned();
        let spelled = |words: &[&str]| words.iter().any(|word| source.code.contains(word));
        if path != "event/channel.rs" && spelled(&names) {
            strays.push(format!("{path} spells an event name"));
        }
        if path != "dialect/close.rs" && spelled(&codes) {
            strays.push(format!("{path} spells a close code"));
        }
    }
    assert!(strays.is_empty(), "{strays:#?}");
}

#[test]
fn unsafe_code_stays_in_the_process_layer() {
    let strays: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.module != "process" && source.code.contains("unsafe "))
        .map(|source| source.path)
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

/// `process/mod.rs` chooses the platform, once; `at_start.rs` names a section of the object file, which is called otherwise
/// elsewhere.
#[test]
fn only_the_platform_knows_which_system_it_is() {
    let questions = ["target_os", "feature = \"portable\""];
    let may_ask = |path: &Path| {
        path.starts_with("process/linux")
            || path.starts_with("process/portable")
            || [Path::new("process/mod.rs"), Path::new("process/at_start.rs")].contains(&path)
    };
    let strays: Vec<_> = sources()
        .into_iter()
        .filter(|source| !may_ask(&source.path))
        .filter(|source| questions.iter().any(|question| source.code.contains(question)))
        .map(|source| source.path)
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

#[test]
fn files_stay_readable() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.path.ends_with("tests.rs") && source.code.lines().count() > 400)
        .map(|source| source.path)
        .collect();
    assert!(long.is_empty(), "over 400 lines without tests: {long:?}");
}

#[test]
fn the_checks_see_what_they_look_for() {
    let found = imports("use crate::{event::{Body, x}, hub};\nlet a = crate::process::tap::Tap::new();");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["event", "hub", "process"]);
    assert!(!code_of("let a = 1; // tokio").contains("tokio"));
}
