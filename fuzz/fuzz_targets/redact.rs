//! Texts with a secret planted in them: it is hidden, in one piece and in several.

#![no_main]

use claude_mpm::detect::redact::{Flow, Redactor};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::standard);

/// Put together here: no scanner shall stumble over this file.
static SECRETS: LazyLock<[String; 4]> = LazyLock::new(|| {
    let drawn = "Qw4eR6tY8uI0oP2aS".repeat(5);
    ["sk-ant-api03-", "ghp_", "glpat-", "mpm_"].map(|front| format!("{front}{drawn}"))
});

/// So much of the end of a secret is never seen, however it is cut.
const NEVER: usize = 24;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    comes_to_rest(&text);
    let secret = &SECRETS[text.len() % SECRETS.len()];
    if text.contains(&secret[secret.len() - NEVER..]) {
        return;
    }
    let (before, behind) = text.split_at(text.floor_char_boundary(text.len() * 7 / 11));
    for around in [' ', '\n', '"'] {
        hides(&format!("{before}{around}{secret}{around}{behind}"), secret);
    }
});

/// Where a secret stood, what is around it may look like another one, so each look may hide more, but not for ever: the
/// hubs behind one another that an event passes show the same from the third on.
fn comes_to_rest(text: &str) {
    let mut shown = text.to_owned();
    for _ in 0..3 {
        let Some(again) = REDACTOR.redacted(&shown) else { return };
        shown = again;
    }
    panic!("never at rest: {text:?}");
}

fn hides(text: &str, secret: &str) {
    let shown = REDACTOR.redacted(text).unwrap_or_default();
    is_hidden(&shown, secret, text);
    let lines = text.split_inclusive('\n').collect::<Vec<_>>();
    is_hidden(&flowing(Flow::of_lines(), &lines), secret, text);
    is_hidden(&flowing(Flow::of_text(), &lines), secret, text);
    let cut = text.find(secret).unwrap_or_default() + text.len() % secret.len();
    let (one, other) = text.split_at(cut);
    is_hidden(&flowing(Flow::of_text(), &[one, other]), secret, text);
    let shown = REDACTOR.redacted_cut(one);
    let end = &secret[..text.len() % secret.len()];
    let is_long = end.len() > NEVER;
    assert!(!is_long || !shown.as_deref().unwrap_or(one).ends_with(end), "the beginning stays: {text:?}");
}

fn is_hidden(shown: &str, secret: &str, text: &str) {
    assert!(!shown.contains(&secret[secret.len() - NEVER..]), "{shown:?} of {text:?}");
}

/// All pieces behind each other, as they are shown.
fn flowing(mut flow: Flow, pieces: &[&str]) -> String {
    pieces.iter().map(|piece| flow.piece(&REDACTOR, piece).unwrap_or_else(|| (*piece).to_owned())).collect()
}
