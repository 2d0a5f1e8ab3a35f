//! What both protocols do with text and time before they write it down in their own way.

use crate::event::Timestamp;
use crate::event::acting::visible;

/// Text of several lines, each without a character that acts; tabs and line ends stay.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    let plain =
        |line: &str| line.split('\t').map(|part| visible(part).into_owned()).collect::<Vec<_>>().join("\t");
    text.split('\n').map(move |line| plain(line.strip_suffix('\r').unwrap_or(line)))
}

/// `2026-11-21` and `12:00:00`, UTC.
pub(super) fn day_and_time(moment: Timestamp) -> (String, String) {
    let whole = moment.to_string();
    let (day, time) = whole.split_once('T').unwrap_or((&whole, ""));
    (day.to_owned(), time.chars().take(8).collect())
}
