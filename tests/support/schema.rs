//! Holds what goes over the wire against the schema that the program itself prints, so that a frame that says more,
//! less or something else than the schema fails the test that saw it.
//!
//! Only frames of the program belong here, none of a hub that a test plays.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Most bytes of a frame in a message.
const MAX_SHOWN: usize = 2 << 10;
/// Most errors in a message.
const MAX_ERRORS: usize = 5;

/// Compiled once for each test program, since that takes longer than all its frames.
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut command = Command::new(program());
    command.arg("schema").env_clear().stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().unwrap_or_else(|cause| panic!("cannot run {command:?}: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("a schema")
});

/// Gets ready to check what a hub sends on this dialect, which takes a tenth of a second: for callers that look at
/// times.
///
/// # Panics
/// If the program prints no schema.
pub fn prepare(dialect: &str) {
    validator(&format!("{dialect}/frame"));
    validator(&format!("{dialect}/request"));
}

/// Checks a frame that the hub sent on this dialect (`classic`, `envelope`, `monitor`).
///
/// # Panics
/// If it is not as the schema says.
#[track_caller]
pub fn check(dialect: &str, frame: &Value) {
    hold(&format!("{dialect}/frame"), frame);
}

/// Checks a request that is meant to be good.
///
/// # Panics
/// If it is not as the schema says.
#[track_caller]
pub fn check_request(dialect: &str, request: &Value) {
    hold(&format!("{dialect}/request"), request);
}

/// Checks any value against the definition with this name.
///
/// # Panics
/// If it is not as the schema says.
#[track_caller]
pub fn hold(name: &str, value: &Value) {
    if let Err(defects) = defects(name, value) {
        panic!("{defects}");
    }
}

/// What is wrong with the value, for callers on threads of their own.
///
/// # Errors
/// The value and what is wrong with it, both cut where they are long.
pub fn defects(name: &str, value: &Value) -> Result<(), String> {
    let validator = validator(name);
    if validator.is_valid(value) {
        return Ok(());
    }
    let errors = validator.iter_errors(value).take(MAX_ERRORS).map(|error| {
        let mut error = format!("{error} (at {:?})", error.instance_path().to_string());
        error.truncate(error.floor_char_boundary(MAX_SHOWN));
        error
    });
    let errors: Vec<String> = errors.collect();
    let mut text = value.to_string();
    text.truncate(text.floor_char_boundary(MAX_SHOWN));
    Err(format!("not a {name} of the schema: {}\nit is: {text}", errors.join("\n  ")))
}

fn validator(name: &str) -> &'static Validator {
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = validators.get(name) {
        return known;
    }
    let pointer = name.replace('~', "~0").replace('/', "~1");
    assert!(DOCUMENT["$defs"].get(name).is_some(), "the schema has no {name:?}");
    let mut schema = DOCUMENT.clone();
    schema["$ref"] = json!(format!("#/$defs/{pointer}"));
    let built = jsonschema::options().should_validate_formats(true).build(&schema);
    // A test program ends before this could grow: there are as many as names.
    let built: &'static Validator = Box::leak(Box::new(built.expect("a schema")));
    validators.insert(name.to_owned(), built);
    built
}

/// The program under test stands beside the folder of the test programs.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a program that runs");
    let folder = own.ancestors().find(|folder| folder.ends_with("deps") || folder.ends_with("examples"));
    let folder = folder.and_then(|deps| deps.parent()).or(own.parent()).expect("a folder");
    folder.join("claude-mpm")
}
