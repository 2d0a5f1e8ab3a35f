//! Claude's output cut into reads at every place: no event shows half a secret.

use super::*;
use crate::event::SessionId;
use crate::filter::{Filter, Query};
use crate::hub::{Bounds, Hub};

fn key() -> String {
    format!("sk-{}-api03-{}", "ant", "Ab1_".repeat(23))
}

/// The lines that are told of these reads.
fn lines(terminal: Option<Size>, reads: &[&[u8]]) -> Vec<String> {
    let hub = Hub::new(SessionId::new("s"), Bounds::default());
    let (seen, _kept) = mpsc::channel(64);
    let meaning = Meaning { seen, has_stream: false };
    let mut reader = OutputReader::new(terminal, hub.publisher(Source::Screen), meaning);
    let way = if terminal.is_some() { Way::Terminal } else { Way::Stdout };
    reads.iter().for_each(|bytes| reader.read(way, bytes, Duration::ZERO));
    reader.finish();
    let query = Query { filter: Filter::all(), limit: 1000, ..Query::default() };
    let records = hub.history(&query).records;
    let content = |record: &Arc<hub::Record>| match &record.event.body {
        Body::Output(output) => Some(output.content.clone()),
        _ => None,
    };
    records.iter().filter_map(content).collect()
}

#[test]
fn a_secret_is_hidden_wherever_two_reads_divide_it() {
    let narrow = Size { cols: 40, rows: 10 };
    let stream = format!("before\r\nthe key is {} and more\r\nbehind\r\n", key());
    let drawn = format!("\x1b[H\x1b[2J{stream}");
    for (terminal, stream) in [(None, &stream), (Some(narrow), &stream), (Some(narrow), &drawn)] {
        for cut in 0..stream.len() {
            let (one, other) = stream.as_bytes().split_at(cut);
            let told = lines(terminal, &[one, other]);
            assert_eq!(
                told,
                ["before", "the key is [REDACTED:anthropic_key] and more", "behind"],
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn a_block_of_a_private_key_is_hidden_wherever_two_reads_divide_it() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let block =
        format!("-----BEGIN PRIVATE KEY-----\r\n{line}\r\n{line}\r\n-----END PRIVATE KEY-----\r\nbehind\r\n");
    let wide = Size { cols: 100, rows: 10 };
    for terminal in [None, Some(wide)] {
        for cut in 0..block.len() {
            let (one, other) = block.as_bytes().split_at(cut);
            let hidden = "[REDACTED:private_key]";
            assert_eq!(
                lines(terminal, &[one, other]),
                [hidden, hidden, hidden, hidden, "behind"],
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn a_line_that_is_cut_within_a_secret_shows_no_half_of_it() {
    const MOST: usize = 64 << 10;
    for cut in 1..key().len() {
        let long = format!("{} {}\n", "x".repeat(MOST - 1 - cut), key());
        for terminal in [None, Some(Size { cols: 100, rows: 10 })] {
            let told = lines(terminal, &[long.as_bytes()]);
            // What stands in its place is cut as well: the bound of a line stays.
            assert!(cut < 7 || told[0].contains(" [REDACT"), "{:?} at {cut}", &told[0][MOST - 130..]);
            assert!(!told[0].contains("Ab1") && told[0].len() <= MOST, "at {cut}");
        }
    }
}
