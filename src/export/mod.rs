//! A session as a document: lines for programs (ndjson, csv), or a protocol for people (markdown, html). Text in, text
//! out, one event at a time, so that a session of a million events needs no more memory than a short one. Where the
//! events come from and where the document goes is not known here.
//!
//! What events say is hostile: it is text in each of these forms, and nothing that acts.

mod csv;
mod html;
mod markdown;
mod story;
mod text;

use crate::dialect::summary;
use crate::event::acting::visible_json;
use crate::event::{Timestamp, channel};
use html::Html;
use markdown::Markdown;
use serde_json::{Map, Value};
use story::Story;

/// Forms of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Events as `history -o json` prints them, one on a line.
    Ndjson,
    /// A table (RFC 4180).
    Csv,
    /// A protocol in CommonMark.
    Markdown,
    /// A protocol as a page that stands alone.
    Html,
}

/// What a protocol begins with.
#[derive(Debug, Clone)]
pub struct Head {
    /// The instance's name.
    pub name: String,
    /// Where claude ran.
    pub directory: String,
    /// The session's id.
    pub session_id: String,
    /// When it began.
    pub began: Timestamp,
    /// How it ended.
    pub end: End,
}

/// How a session ended.
#[derive(Debug, Clone)]
pub enum End {
    /// It goes on.
    GoesOn,
    /// The content of its `session.end`.
    Told(Map<String, Value>),
    /// Nobody could say so any more.
    Unknown,
}

impl End {
    fn sentence(&self) -> String {
        match self {
            Self::GoesOn => "it went on when this was exported".to_owned(),
            Self::Told(data) => summary::sentence(channel::SESSION_END, data),
            Self::Unknown => "nobody could tell how any more".to_owned(),
        }
    }
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its number.
    pub seq: Option<u64>,
    /// The numbering.
    pub epoch: &'a str,
    /// When it was published.
    pub timestamp: Option<Timestamp>,
    /// The session it belongs to.
    pub session_id: &'a str,
    /// Who saw it.
    pub source: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// Its content.
    pub data: &'a Map<String, Value>,
    /// All of it: its frame in the classic dialect, on one line.
    pub line: &'a str,
}

/// Writes one document.
#[derive(Debug)]
pub struct Exporter(Writer);

#[derive(Debug)]
enum Writer {
    Ndjson,
    Csv,
    Markdown(Story<Markdown>),
    Html(Story<Html>),
}

impl Exporter {
    /// One in this form. A protocol leaves out what programs need alone, unless everything is wanted.
    pub fn new(form: Form, everything: bool) -> Self {
        Self(match form {
            Form::Ndjson => Writer::Ndjson,
            Form::Csv => Writer::Csv,
            Form::Markdown => Writer::Markdown(Story::new(Markdown::default(), everything)),
            Form::Html => Writer::Html(Story::new(Html, everything)),
        })
    }

    /// What stands in front of the first event.
    pub fn begin(&mut self, head: &Head, out: &mut String) {
        match &mut self.0 {
            Writer::Ndjson => {}
            Writer::Csv => csv::header(out),
            Writer::Markdown(story) => story.begin(head, out),
            Writer::Html(story) => story.begin(head, out),
        }
    }

    /// The next event.
    pub fn event(&mut self, entry: &Entry<'_>, out: &mut String) {
        match &mut self.0 {
            Writer::Ndjson => {
                out.push_str(&visible_json(entry.line));
                out.push('\n');
            }
            Writer::Csv => csv::row(entry, out),
            Writer::Markdown(story) => story.event(entry, out),
            Writer::Html(story) => story.event(entry, out),
        }
    }

    /// What stands behind the last one.
    pub fn end(&mut self, out: &mut String) {
        match &mut self.0 {
            Writer::Ndjson | Writer::Csv => {}
            Writer::Markdown(story) => story.end(out),
            Writer::Html(story) => story.end(out),
        }
    }
}
