//! How many values a JSON text has, told from its letters alone: what is made of them takes a hundred times the room of
//! the text, so that it is counted before anything is made.

/// Most values of one event; a list or an object counts for [`LIST`].
pub const MAX_VALUES: usize = 10_000;
/// Most values of one event that is told on: with what hubs have added to it.
pub const MAX_VALUES_TOLD: usize = MAX_VALUES + 1_000;
/// Most values of one message or POST, counted alike.
pub const MAX_VALUES_AT_ONCE: usize = 30_000;
/// What a list or an object counts for: it has room for four from the beginning.
pub const LIST: usize = 4;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Values at any depth, lists and objects for [`LIST`] each.
    pub values: usize,
    /// Commas of the outermost list or object: one less than it has items, where it has any.
    pub commas: usize,
}

/// Counts. Of a text that is no JSON the count means nothing.
pub fn count(text: &[u8]) -> Count {
    let mut count = Count { values: 1, commas: 0 };
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at + 1),
            b'[' | b'{' => {
                depth += 1;
                count.values += LIST;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => {
                count.values += 1;
                count.commas += usize::from(depth == 1);
            }
            _ => {}
        }
        at += 1;
    }
    count
}

/// Where the quote stands that ends the string.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_letters_in_texts_are_not() {
        for (text, values, commas) in [
            ("7", 1, 0),
            ("[]", 5, 0),
            ("[1,2,3]", 7, 2),
            (r#"{"a":[0],"b":{}}"#, 14, 1),
            (r#""[{,\",[""#, 1, 0),
            (r#"["a,b","\\",{"x":[1,2]}]"#, 16, 2),
            (r#"["no end,"#, 5, 0),
            (r#"["\"#, 5, 0),
        ] {
            assert_eq!(count(text.as_bytes()), Count { values, commas }, "{text}");
        }
    }
}
