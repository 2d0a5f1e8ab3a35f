//! One record as one line of a file: the JSON object that it is, with its own checksum in front. Pure.
//!
//! `{"crc32":"9ae0daaf","type":…}` and a line feed: what `jq` reads, and what tells damage from content. The checksum
//! (CRC-32 of IEEE 802.3) is that of everything behind it on the line.

use crate::event::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;

/// Longest line that is written, bytes.
pub const MAX_LINE: usize = 8 << 20;

const FRONT: &[u8] = br#"{"crc32":""#;
const DIGITS: usize = 8;
const BEHIND: &[u8] = br#"","#;
/// Where that begins which the checksum is of.
const BODY: usize = FRONT.len() + DIGITS + BEHIND.len();

/// Appends the line of this JSON object, which has at least one field and stands on one line; false, and nothing
/// appended, where it is none or too long.
pub(super) fn seal(object: &[u8], lines: &mut Vec<u8>) -> bool {
    let Some(body) = object.strip_prefix(b"{").filter(|body| body.len() > 1 && body.ends_with(b"}")) else {
        return false;
    };
    if body.len() + BODY >= MAX_LINE || memchr::memchr(b'\n', body).is_some() {
        return false;
    }
    lines.extend_from_slice(FRONT);
    lines.extend_from_slice(&hex(crc32fast::hash(body)));
    lines.extend_from_slice(BEHIND);
    lines.extend_from_slice(body);
    lines.push(b'\n');
    true
}

/// Whether the line, without its line feed, is as it was written.
pub(super) fn is_whole(line: &[u8]) -> bool {
    let Some((front, body)) = line.split_at_checked(BODY) else { return false };
    let Some(digits) = front.strip_prefix(FRONT).and_then(|rest| rest.strip_suffix(BEHIND)) else {
        return false;
    };
    digits == hex(crc32fast::hash(body))
}

/// The object, without its checksum, of a line that [`is_whole`].
pub(super) fn object(line: &[u8]) -> Vec<u8> {
    let body = line.get(BODY..).unwrap_or_default();
    let mut object = Vec::with_capacity(body.len() + 1);
    object.push(b'{');
    object.extend_from_slice(body);
    object
}

/// What a line says of its record.
#[derive(Debug, Deserialize)]
pub(super) struct Facts<'a> {
    /// Its number; `None` of one that has none.
    pub(super) seq: Option<u64>,
    /// The numbering it belongs to.
    #[serde(borrow)]
    pub(super) epoch: Option<Cow<'a, str>>,
    /// When it happened.
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
}

impl Facts<'_> {
    /// When it happened, Unix milliseconds.
    pub(super) fn millis(&self) -> Option<i64> {
        Timestamp::parse(self.timestamp.as_deref()?).map(Timestamp::as_millis)
    }
}

/// Those of a line that [`is_whole`]; `None` where it is no record.
pub(super) fn facts(line: &[u8]) -> Option<Facts<'_>> {
    serde_json::from_slice(line).ok()
}

fn hex(sum: u32) -> [u8; DIGITS] {
    const LETTERS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|place| LETTERS[(sum >> (28 - 4 * place) & 0xf) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(object: &str) -> Vec<u8> {
        let mut line = Vec::new();
        assert!(seal(object.as_bytes(), &mut line), "{object}");
        assert_eq!(line.pop(), Some(b'\n'));
        line
    }

    #[test]
    fn a_line_is_json_with_its_checksum_in_front() {
        // a74af35a: CRC-32 of the ten bytes `"seq":123}`, by Python's zlib.
        let line = sealed(r#"{"seq":123}"#);
        assert_eq!(String::from_utf8_lossy(&line), r#"{"crc32":"a74af35a","seq":123}"#);
        assert!(is_whole(&line));
        assert_eq!(object(&line), br#"{"seq":123}"#);
    }

    #[test]
    fn no_single_bit_changes_unnoticed() {
        let line = sealed(r#"{"type":"claude.output","seq":7,"data":{"content":"a line of text"}}"#);
        for bit in 0..line.len() * 8 {
            let mut damaged = line.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_whole(&damaged), "bit {bit}: {}", String::from_utf8_lossy(&damaged));
        }
    }

    #[test]
    fn no_part_of_a_line_is_whole_and_no_two_lines_together() {
        let line = sealed(r#"{"seq":1}"#);
        assert!((0..line.len()).all(|cut| !is_whole(&line[..cut]) && !is_whole(&line[cut + 1..])));
        assert!(!is_whole(&[&line[..], &line[..]].concat()));
    }

    #[test]
    fn what_is_no_object_on_one_line_is_not_written() {
        for object in ["", "{}", "[1]", "{\"a\":1}\n", "{\"a\":\n1}", "{\"a\":1", "\"a\":1}"] {
            let mut lines = Vec::new();
            assert!(!seal(object.as_bytes(), &mut lines), "{object:?}");
            assert!(lines.is_empty(), "{object:?}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_LINE));
        assert!(!seal(long.as_bytes(), &mut Vec::new()));
    }
}
