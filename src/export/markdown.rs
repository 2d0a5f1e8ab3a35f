//! The protocol in CommonMark, as GitHub reads it: what was said as quotations, output in fenced blocks, the rest as lists.
//!
//! Texts are plain: every character that would mean something is escaped (CommonMark 0.31.2, section 2.4).

use super::Head;
use super::story::{About, Place, Sheet, Speaker};
use super::text::{day_and_time, lines};
use crate::event::acting::visible;

/// Begin or mean something, wherever they stand.
const MEANINGFUL: [char; 17] =
    ['\\', '`', '*', '_', '[', ']', '<', '>', '#', '|', '~', '&', '!', '$', '{', '}', '^'];

/// Where the writing stands.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    in_list: bool,
}

impl Markdown {
    /// An entry of a list; the first one after something else has an empty line in front.
    fn item(&mut self, out: &mut String) {
        if !std::mem::replace(&mut self.in_list, true) {
            out.push('\n');
        }
        out.push_str("- ");
    }

    /// A block with an empty line in front.
    fn block(&mut self, out: &mut String) {
        self.in_list = false;
        out.push('\n');
    }
}

impl Sheet for Markdown {
    fn begin(&mut self, head: &Head, out: &mut String) {
        let (day, time) = day_and_time(head.began);
        let facts = [
            ("Directory", head.directory.as_str()),
            ("Session", &head.session_id),
            ("Began", &format!("{day} {time} UTC; all times are UTC")),
            ("End", &head.end.sentence()),
        ];
        out.push_str(&format!("# Session {}\n\n", escaped(&visible(&head.name))));
        for (name, fact) in facts {
            out.push_str(&format!("- {name}: {}\n", escaped(&visible(fact))));
        }
    }

    fn day(&mut self, day: &str, out: &mut String) {
        self.block(out);
        out.push_str(&format!("## {}\n", escaped(day)));
    }

    fn said(&mut self, place: &Place, (_, name): (Speaker, &str), text: &str, out: &mut String) {
        self.block(out);
        out.push_str(&format!("**{} {}**\n\n", place.time, escaped(&visible(name))));
        quotation(text, out);
    }

    fn told(&mut self, place: &Place, _: About, sentence: &str, _: &[(&str, String)], out: &mut String) {
        self.item(out);
        out.push_str(&format!("{} {}\n", place.time, escaped(&visible(sentence))));
    }

    fn todos(&mut self, place: &Place, sentence: &str, todos: &[(&str, &str)], out: &mut String) {
        self.item(out);
        out.push_str(&format!("{} {}\n", place.time, escaped(&visible(sentence))));
        for (content, status) in todos {
            let (mark, now) = match *status {
                "completed" => ("[x]", ""),
                "in_progress" => ("[ ]", " (now)"),
                _ => ("[ ]", ""),
            };
            out.push_str(&format!("  - {mark} {}{now}\n", escaped(&visible(content))));
        }
    }

    fn shown(&mut self, place: &Place, is_error: bool, lines: &[String], out: &mut String) {
        self.block(out);
        let stream = if is_error { "Standard error" } else { "Output" };
        let fence = fence(lines);
        out.push_str(&format!("{} {stream}\n\n{fence}text\n", place.time));
        for line in lines {
            out.push_str(line);
            out.push('\n');
        }
        out.push_str(&fence);
        out.push('\n');
    }

    fn end(&mut self, _: &mut String) {}
}

/// Longer than any row of its characters in the text.
fn fence(lines: &[String]) -> String {
    let runs = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len);
    "`".repeat(runs.max().unwrap_or(0).max(2) + 1)
}

/// Each line a line of the quotation, whatever it begins with.
fn quotation(text: &str, out: &mut String) {
    let lines: Vec<String> = lines(text.trim_end()).collect();
    for (number, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        if line.is_empty() {
            out.push_str(">\n");
            continue;
        }
        let text = line.trim_start_matches([' ', '\t']);
        let indent = line[..line.len() - text.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum();
        let goes_on = lines.get(number + 1).is_some_and(|next| !next.trim_end().is_empty());
        let end = if goes_on { "\\" } else { "" };
        out.push_str(&format!("> {}{}{end}\n", "&nbsp;".repeat(indent), at_begin(&escaped(text))));
    }
}

/// Every character that means something wherever it stands is escaped, and what would make an address a link (GFM, 6.9).
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let is_of_address = match c {
            ':' => text[at..].starts_with("://"),
            '.' => text[..at].get(at.saturating_sub(3)..).is_some_and(|www| www.eq_ignore_ascii_case("www")),
            _ => false,
        };
        if MEANINGFUL.contains(&c) || is_of_address {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// The same for what means something at the beginning of a line: lists, rules, headings by underlining.
fn at_begin(line: &str) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match line[digits..].chars().next() {
        Some('-' | '+' | '=' | ':') if digits == 0 => format!("\\{line}"),
        Some('.' | ')') if digits > 0 => format!("{}\\{}", &line[..digits], &line[digits..]),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        for (line, length) in [("", 3), ("``", 3), ("```", 4), ("a```` b ``", 5), ("~~~~~", 3)] {
            assert_eq!(fence(&[line.to_owned()]).len(), length, "{line}");
        }
    }

    #[test]
    fn a_quotation_keeps_its_lines_and_means_nothing() {
        for (text, written) in [
            ("plain", "> plain\n"),
            ("a\nb\n\nc\n", "> a\\\n> b\n>\n> c\n"),
            ("- x", "> \\- x\n"),
            ("12. x", "> 12\\. x\n"),
            ("===", "> \\===\n"),
            ("    code", "> &nbsp;&nbsp;&nbsp;&nbsp;code\n"),
            ("> x", "> \\> x\n"),
            ("<b>&amp;", "> \\<b\\>\\&amp;\n"),
            ("http://x.y WWW.x.y a:b. ́www.", "> http\\://x.y WWW\\.x.y a:b. ́www\\.\n"),
            ("a\u{1b}[2J", "> a\\\\u\\{1b\\}\\[2J\n"),
        ] {
            let mut out = String::new();
            quotation(text, &mut out);
            assert_eq!(out, written, "{text:?}");
        }
    }
}
