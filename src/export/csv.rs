//! The session as a table of RFC 4180: a header, then a row for each event, ended by CR LF, in UTF-8 without a mark in front.
//!
//! The content stands in the last column, whole, as JSON. Characters that act are escapes, of JSON there and `\u{1b}` in
//! the others, so that a row is one line. A text that a spreadsheet would take for a formula has an apostrophe in front
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use super::Entry;
use crate::dialect::summary;
use crate::event::acting::{visible, visible_json};

const COLUMNS: [&str; 8] = ["seq", "epoch", "timestamp", "session_id", "source", "type", "summary", "data"];
/// What begins a formula, in both widths.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

pub(super) fn header(out: &mut String) {
    out.push_str(&COLUMNS.join(","));
    out.push_str("\r\n");
}

pub(super) fn row(entry: &Entry<'_>, out: &mut String) {
    let number = entry.seq.map_or(String::new(), |seq| seq.to_string());
    let time = entry.timestamp.map_or(String::new(), |time| time.to_string());
    let data = serde_json::to_string(entry.data).unwrap_or_default();
    let summary = summary::sentence(entry.kind, entry.data);
    out.push_str(&number);
    for text in [entry.epoch, &time, entry.session_id, entry.source, entry.kind, &summary] {
        out.push(',');
        cell(&visible(text), out);
    }
    out.push(',');
    cell(&visible_json(&data), out);
    out.push_str("\r\n");
}

fn cell(text: &str, out: &mut String) {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if text.contains([',', '"', '\r', '\n']) {
        out.push('"');
        out.push_str(guard);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("＝1", "'＝1"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("a=1", "a=1"),
        ] {
            let mut out = String::new();
            cell(text, &mut out);
            assert_eq!(out, written, "{text:?}");
        }
    }
}
