//! The protocol as one page that needs nothing else: no script, no network, its style within. It follows the reader's
//! light or dark, and fits a telephone.
//!
//! Every text is escaped, and should that fail once, the page forbids itself scripts and everything from elsewhere
//! (Content-Security-Policy, <https://www.w3.org/TR/CSP3/>).

use super::Head;
use super::story::{About, Place, Sheet, Speaker};
use super::text::{day_and_time, lines};
use crate::event::acting::visible;

const STYLE: &str = include_str!("page.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Details of one call that are shown, characters.
const MOST_DETAILS: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Html;

impl Sheet for Html {
    fn begin(&mut self, head: &Head, out: &mut String) {
        let name = escaped(&visible(&head.name));
        let (day, time) = day_and_time(head.began);
        out.push_str(&format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>Session {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header>\n<h1>Session {name}</h1>\n<dl>\n"
        ));
        for (name, fact) in [
            ("Directory", head.directory.as_str()),
            ("Session", &head.session_id),
            ("Began", &format!("{day} {time} UTC; all times are UTC")),
            ("End", &head.end.sentence()),
        ] {
            out.push_str(&format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(&visible(fact))));
        }
        out.push_str("</dl>\n</header>\n<main>\n");
    }

    fn day(&mut self, day: &str, out: &mut String) {
        out.push_str(&format!("<h2>{}</h2>\n", escaped(day)));
    }

    fn said(&mut self, place: &Place, (speaker, name): (Speaker, &str), text: &str, out: &mut String) {
        let class = match speaker {
            Speaker::User => "user",
            Speaker::Claude => "claude",
            Speaker::Agent => "agent",
        };
        let head = format!("{} <b>{}</b>", time(place), escaped(&visible(name)));
        let text = paragraph(text.trim_end());
        out.push_str(&format!(
            "<section class=\"said {class}\"{}><p>{head}</p><div class=\"text\">{text}</div></section>\n",
            anchor(place)
        ));
    }

    fn told(
        &mut self,
        place: &Place,
        about: About,
        sentence: &str,
        details: &[(&str, String)],
        out: &mut String,
    ) {
        let class = match about {
            About::Session => "session",
            About::Agents => "agents",
            About::Tools => "tools",
            About::Tickets => "tickets",
            About::Permissions => "permissions",
            About::Errors => "errors",
            About::Others => "others",
        };
        let line = format!("{} <span>{}</span>", time(place), escaped(&visible(sentence)));
        let anchor = anchor(place);
        if details.is_empty() {
            out.push_str(&format!("<p class=\"told {class}\"{anchor}>{line}</p>\n"));
            return;
        }
        out.push_str(&format!("<details class=\"told {class}\"{anchor}><summary>{line}</summary>"));
        for (name, text) in details {
            let cut = text.char_indices().nth(MOST_DETAILS).map(|(at, _)| at);
            let (text, more) = cut.map_or((text.as_str(), ""), |at| (&text[..at], "\n…"));
            out.push_str(&format!(
                "<h3>{}</h3><pre>\n{}{more}</pre>",
                escaped(&visible(name)),
                paragraph(text)
            ));
        }
        out.push_str("</details>\n");
    }

    fn todos(&mut self, place: &Place, sentence: &str, todos: &[(&str, &str)], out: &mut String) {
        let line = format!("{} <span>{}</span>", time(place), escaped(&visible(sentence)));
        out.push_str(&format!("<section class=\"todos\"{}><p>{line}</p><ul>", anchor(place)));
        for (content, status) in todos {
            let (class, mark) = match *status {
                "completed" => ("done", "☑"),
                "in_progress" => ("now", "▶"),
                _ => ("open", "☐"),
            };
            out.push_str(&format!("<li class=\"{class}\">{mark} {}</li>", escaped(&visible(content))));
        }
        out.push_str("</ul></section>\n");
    }

    fn shown(&mut self, place: &Place, is_error: bool, lines: &[String], out: &mut String) {
        let stream = if is_error { "Standard error" } else { "Output" };
        out.push_str(&format!(
            "<section class=\"shown\"{}><p>{} {stream}</p><pre>\n",
            anchor(place),
            time(place)
        ));
        for line in lines {
            out.push_str(&escaped(line));
            out.push('\n');
        }
        out.push_str("</pre></section>\n");
    }

    fn end(&mut self, out: &mut String) {
        out.push_str("</main>\n<footer>Exported by claude-mpm</footer>\n</body>\n</html>\n");
    }
}

fn time(place: &Place) -> String {
    format!("<time>{}</time>", escaped(&place.time))
}

/// Where a link to this event leads: `#e` and its number.
fn anchor(place: &Place) -> String {
    place.seq.map_or(String::new(), |seq| format!(" id=\"e{seq}\""))
}

fn paragraph(text: &str) -> String {
    lines(text).map(|line| escaped(&line)).collect::<Vec<_>>().join("\n")
}

/// Text, in an element and in an attribute with quotation marks alike.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '"' => plain.push_str("&quot;"),
            '\'' => plain.push_str("&#39;"),
            c => plain.push(c),
        }
    }
    plain
}
