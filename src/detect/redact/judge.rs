//! What tells a secret from words that stand in its place: documentation, code and prose speak of secrets as well.

/// Its form alone says so.
pub(super) fn always(_: &str) -> bool {
    true
}

/// No name of a thing, which are letters.
pub(super) fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Drawn by lot rather than chosen: letters of both cases and digits, or many digits.
pub(super) fn is_random(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let has = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    digits >= 3 || (digits > 0 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase))
}

/// What stands in a header, and not the words of a sentence about one, nor the name of a variable.
pub(super) fn is_credential(text: &str) -> bool {
    let tail = text.get(1..).unwrap_or_default();
    let is_mixed =
        text.bytes().any(|byte| byte.is_ascii_lowercase()) && tail.bytes().any(|b| b.is_ascii_uppercase());
    let is_name = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'-');
    is_mixed || has_digit(text) || (text.len() >= 16 && !is_name)
}

/// No gap that somebody is to fill in: `${PASSWORD}`, `$PASSWORD`, `{}`, `***`.
pub(super) fn is_password(text: &str) -> bool {
    let is_variable = text.strip_prefix('$').is_some_and(|name| {
        name.starts_with(['{', '('])
            || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    });
    let is_brace = text.starts_with('{') && text.ends_with('}');
    !(is_variable || is_brace || text.starts_with(super::MARK) || text.bytes().all(|byte| byte == b'*'))
}

/// Of the beginning of a secret, of which nobody knows how it goes on: it is no port.
pub(super) fn is_no_port(text: &str) -> bool {
    text.is_empty() || text.len() > 5 || !text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Of such a beginning: it is no word of a sentence.
pub(super) fn is_no_word(text: &str) -> bool {
    text.len() < 3 || !text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// A line of base64: a long word drawn by lot. Names in code are long as well, but hold no digits.
pub(super) fn is_key_material(text: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')));
    words.any(|word| word.len() >= 16 && (has_digit(word) || word.len() >= 40))
}
