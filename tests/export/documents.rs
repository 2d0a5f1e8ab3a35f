//! The documents themselves: what a known session looks like in each form, and that hostile text in it is text.
//!
//! `UPDATE_EXPORTS=1 cargo test --test export` writes what is expected anew.

use claude_mpm::client::Frame;
use claude_mpm::event::Timestamp;
use claude_mpm::export::{End, Entry, Exporter, Form, Head};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const FORMS: [(Form, &str); 3] = [(Form::Csv, "csv"), (Form::Markdown, "md"), (Form::Html, "html")];

fn fixture(ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/export").join(format!("session.{ending}"))
}

fn head(name: &str) -> Head {
    let Value::Object(end) =
        json!({"duration_seconds": 65.0, "exit_code": 0, "signal": null, "reason": "exited"})
    else {
        unreachable!("it is one")
    };
    Head {
        name: name.to_owned(),
        directory: format!("/home/user/{name}"),
        session_id: "3a092bb0".into(),
        began: Timestamp::parse("2026-11-21T12:00:00Z").unwrap(),
        end: End::Told(end),
    }
}

fn exported(form: Form, everything: bool, head: &Head, frames: &[Frame]) -> String {
    let (mut exporter, mut out, nothing) = (Exporter::new(form, everything), String::new(), Map::new());
    exporter.begin(head, &mut out);
    for frame in frames {
        let entry = Entry {
            seq: frame.seq(),
            epoch: frame.epoch().unwrap_or_default(),
            timestamp: frame.timestamp(),
            session_id: frame.session_id().unwrap_or_default(),
            source: frame.source().unwrap_or_default(),
            kind: frame.kind(),
            data: frame.data().as_object().unwrap_or(&nothing),
            line: &frame.line(),
        };
        exporter.event(&entry, &mut out);
    }
    exporter.end(&mut out);
    out
}

fn frame(number: usize, kind: &str, data: Value) -> Frame {
    let frame = json!({"type": kind, "timestamp": "2026-11-21T12:00:00.000Z", "data": data, "id": "i", "seq": number,
        "epoch": "e", "session_id": "s", "source": "screen"});
    Frame::parse(frame.to_string().into()).unwrap()
}

#[test]
fn a_known_session_looks_as_expected_in_each_form() {
    let events = fs::read_to_string(fixture("jsonl")).unwrap();
    let frames: Vec<Frame> = events.lines().map(|line| Frame::parse(line.into()).unwrap()).collect();
    assert_eq!(exported(Form::Ndjson, false, &head("web"), &frames), events);
    for (form, ending) in FORMS {
        let found = exported(form, false, &head("web"), &frames);
        if std::env::var_os("UPDATE_EXPORTS").is_some() {
            fs::write(fixture(ending), &found).unwrap();
        }
        let kept = fs::read_to_string(fixture(ending)).unwrap_or_default();
        assert!(
            found == kept,
            "session.{ending} is another: UPDATE_EXPORTS=1 cargo test --test export\n{found}"
        );
    }
}

/// Texts that want to be more than text, in any of the forms.
const HOSTILE: [&str; 26] = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></pre></section><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" x='",
    "<!-- --><![CDATA[x]]><?x ?>&lt;b&gt; &#60;b&#62; &amp",
    "javascript:alert(1) [x](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "```\n</pre>\n````\n~~~\nx",
    "# heading\n## another\n===\n---\n***\n- a\n* b\n+ c\n1. d\n2) e\n> f",
    "    code\n\tcode",
    "| a | b |\n| - | - |\n| c | d |",
    "**bold** _it_ ~~no~~ `code` $x$ [^1] [ref]: http://evil.example",
    "[x]: http://evil.example \"t\"",
    "- [ ] task\n- [x] done",
    "a  \nb\\\nc\\",
    "\u{1b}[2J\u{9b}31m\u{7}\u{0}\u{7f}",
    "\u{202e}evil\u{2066}\u{200b}\u{feff}\u{e0041}",
    "\u{2028}line\u{2029}paragraph\u{85}next",
    "=cmd|' /C calc'!A0",
    "+1\n-1\n@SUM(1)\n=1",
    "a\r\nb\rc",
    ":::note\nx\n:::",
    "&nbsp;&copy;&#x41;",
    "\\\\ \\` \\<",
    "{{x}} {% x %} <%= x %>",
    "www.evil.example http://evil.example a@evil.example",
    "{\"a\":1}",
];

/// A session in which everything that can be said is one of these.
fn hostile(text: &str) -> Vec<Frame> {
    let todos = json!([{"content": text, "status": "in_progress"}, {"content": text, "status": text}]);
    let call = json!({"tool_name": text, "tool_input": {text: text}, "tool_response": text, "error": text});
    [
        ("session.start", json!({"working_directory": text, "launch_method": text})),
        ("claude.message", json!({"role": "user", "text": text})),
        ("claude.message", json!({"role": "assistant", "text": text, "agent_id": text})),
        ("claude.output", json!({"content": text, "stream": "stdout"})),
        ("claude.output", json!({"content": text, "stream": "stderr"})),
        (
            "agent.delegation",
            json!({"agent": text, "task": text, "status": "completed", "duration_ms": 1500}),
        ),
        ("todo.update", json!({"todos": todos, "stats": {"total": 2, "completed": 0}})),
        ("ticket.created", json!({"id": text, "title": text})),
        ("permission.requested", json!({"tool_name": text, "tool_input": {text: text}})),
        ("system.error", json!({"error": text, "component": text, "severity": text, "error_code": text})),
        ("hook.post_tool", call),
        ("my.event", json!({"message": text, text: [text]})),
        (text, json!({ text: text })),
    ]
    .into_iter()
    .enumerate()
    .map(|(number, (kind, data))| frame(number, kind, data))
    .collect()
}

/// What is no text, by its own rules: the characters are written down here once more, not taken from the program.
fn acts(c: char) -> bool {
    matches!(c,
        '\0'..='\x08' | '\x0b'..='\x0c' | '\x0e'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[test]
fn no_character_acts_in_any_form() {
    for text in HOSTILE {
        for form in [Form::Ndjson, Form::Csv, Form::Markdown, Form::Html] {
            let found = exported(form, true, &head(text), &hostile(text));
            assert!(!found.contains(acts), "{form:?} {text:?}: {found:?}");
        }
    }
}

/// The elements that a page is made of, and what they may say of themselves.
fn is_our_tag(tag: &str) -> bool {
    const NAMES: [&str; 30] = [
        "html", "head", "title", "style", "body", "header", "h1", "h2", "h3", "dl", "dt", "dd", "main",
        "section", "p", "b", "div", "details", "summary", "pre", "span", "time", "ul", "li", "footer",
        "meta", "!doctype", "a", "i", "br",
    ];
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || " -".contains(c);
    let is_ours = |attribute: &str| match attribute.split_once("=\"") {
        Some(("class", value)) => value.chars().all(plain),
        Some(("id", value)) => value.starts_with('e') && value[1..].chars().all(|c| c.is_ascii_digit()),
        Some(("lang" | "charset" | "http-equiv" | "content" | "name", _)) => ["html", "meta"].contains(&name),
        _ => attribute == "html" && name == "!doctype",
    };
    let attributes = attributes.trim_end_matches('"').split("\" ").filter(|attribute| !attribute.is_empty());
    NAMES.contains(&name) && attributes.into_iter().all(is_ours)
}

#[test]
fn a_page_has_no_element_and_no_attribute_but_its_own() {
    for text in HOSTILE {
        let page = exported(Form::Html, true, &head(text), &hostile(text));
        let (before, rest) = page.split_once("<style>").unwrap();
        let (style, after) = rest.split_once("</style>").unwrap();
        assert!(before.contains(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""
        ));
        assert!(!style.contains("url(") && !style.contains("@import"), "nothing from elsewhere");
        for part in [before, after] {
            for piece in part.split('<').skip(1) {
                let (tag, text) = piece.split_once('>').unwrap();
                assert!(is_our_tag(tag), "{text:?}: <{tag}>");
                assert!(!text.contains(['>', '"', '\'']), "{text:?} is not escaped");
                let entities = text.split('&').skip(1);
                let known = |rest: &str| {
                    ["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|known| rest.starts_with(known))
                };
                assert!(entities.into_iter().all(known), "{text:?}");
            }
        }
        assert_eq!(page.matches("<style").count(), 1);
    }
}

/// All extensions that a reader may have, but for the one that changes quotes and dashes.
fn all_but_typography() -> Options {
    Options::all() - Options::ENABLE_SMART_PUNCTUATION
}

/// A message as a reader of CommonMark shows it: its lines, with what acts made visible.
fn shown(text: &str) -> String {
    let frames = [frame(1, "claude.message", json!({"role": "user", "text": text}))];
    let document = exported(Form::Markdown, false, &head("web"), &frames);
    let (_, quotation) = document.split_once("User**\n").unwrap();
    let mut shown = String::new();
    for event in Parser::new_ext(quotation, all_but_typography()) {
        match event {
            Event::Text(text) => shown.push_str(&text),
            Event::HardBreak | Event::SoftBreak => shown.push('\n'),
            Event::Start(Tag::Paragraph) if !shown.is_empty() => shown.push_str("\n\n"),
            Event::Start(Tag::BlockQuote(None) | Tag::Paragraph) | Event::End(_) => {}
            other => panic!("{text:?} means {other:?} in\n{quotation}"),
        }
    }
    shown.replace('\u{a0}', " ")
}

#[test]
fn what_was_said_is_read_in_markdown_as_it_was_said() {
    for text in HOSTILE.iter().filter(|text| !text.contains(acts) && !text.contains('\r')) {
        let lines: Vec<_> =
            text.replace('\t', "    ").lines().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(shown(text), lines.join("\n"), "{text:?}");
    }
}

#[test]
fn nothing_that_is_told_means_anything_in_markdown() {
    for text in HOSTILE {
        let document = exported(Form::Markdown, true, &head(text), &hostile(text));
        let mut headings = 0;
        for event in Parser::new_ext(&document, Options::all()) {
            match event {
                Event::Start(Tag::Heading { .. }) => headings += 1,
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock | Tag::Table(_))
                | Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Code(_)
                | Event::Rule
                | Event::InlineMath(_)
                | Event::FootnoteReference(_) => panic!("{text:?} means {event:?} in\n{document}"),
                _ => {}
            }
        }
        assert_eq!(headings, 2, "{text:?}: its name and its day alone in\n{document}");
    }
}

/// Reads RFC 4180, and panics where it is none.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut rest) = (Vec::new(), Vec::new(), text);
    while !rest.is_empty() {
        let mut cell = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            loop {
                let (part, behind) = rest.split_once('"').unwrap();
                cell.push_str(part);
                rest = behind;
                let Some(behind) = rest.strip_prefix('"') else { break };
                cell.push('"');
                rest = behind;
            }
        } else {
            let end = rest.find([',', '\r', '\n', '"']).unwrap();
            cell.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        row.push(cell);
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => {
                rest = rest.strip_prefix("\r\n").unwrap();
                rows.push(std::mem::take(&mut row));
            }
        }
    }
    rows
}

#[test]
fn a_table_has_every_content_whole_and_no_formula() {
    for text in HOSTILE {
        let frames = hostile(text);
        let rows = rows(&exported(Form::Csv, true, &head(text), &frames));
        assert_eq!(rows[0], ["seq", "epoch", "timestamp", "session_id", "source", "type", "summary", "data"]);
        assert_eq!(rows.len(), frames.len() + 1);
        for (row, frame) in rows[1..].iter().zip(&frames) {
            assert_eq!((row.len(), row[0].parse().ok()), (8, frame.seq()));
            assert_eq!(&serde_json::from_str::<Value>(&row[7]).unwrap(), frame.data());
            assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
        }
    }
}

#[test]
fn a_protocol_leaves_out_what_programs_need_alone_unless_it_is_asked_for() {
    let noise = [
        frame(1, "system.stats", json!({"memory_usage_mb": 1.0})),
        frame(2, "claude.activity", json!({"activity": "busy"})),
        frame(3, "hook.notification", json!({"message": "hello"})),
    ];
    for form in [Form::Markdown, Form::Html] {
        let story = exported(form, false, &head("web"), &noise);
        let everything = exported(form, true, &head("web"), &noise);
        assert!(everything.contains("Claude is busy") && everything.contains("hello"), "{everything}");
        assert!(!story.contains("Claude is busy") && !story.contains("hello"), "{story}");
    }
}

#[test]
fn many_lines_of_output_stand_in_blocks_that_are_bounded() {
    let lines: Vec<_> =
        (0..1200).map(|n| frame(n, "claude.output", json!({"content": "x", "stream": "stdout"}))).collect();
    let document = exported(Form::Markdown, false, &head("web"), &lines);
    assert_eq!(document.matches("```text\n").count(), 3);
    assert_eq!(document.lines().filter(|line| *line == "x").count(), 1200);
}
