//! Claude's stream of JSON lines: the same is found wherever it is cut, and a detector can make use of it.

#![no_main]

use claude_mpm::detect::json_lines::JsonLines;
use claude_mpm::detect::observation::Observation;
use claude_mpm::detect::stream_json::StreamDecoder;
use claude_mpm::detect::ticket::Tickets;
use claude_mpm::detect::tool::Detector;
use claude_mpm::detect::transcript::TranscriptDecoder;
use claude_mpm::event::Source;
use claude_mpm_fuzz::events::NOW;
use claude_mpm_fuzz::ledger::Ledger;
use claude_mpm_fuzz::pieces;
use libfuzzer_sys::fuzz_target;

/// So short that lines above it are found.
const LIMIT: usize = 48;

fuzz_target!(|data: &[u8]| {
    let pieces = pieces::of(data);
    let whole = lines(&[data]);
    assert_eq!(lines(&pieces), whole, "other lines");
    let (found, unread) = decoded(&[data]);
    assert_eq!(decoded(&pieces), (found.clone(), unread), "another meaning");
    believed(&Source::Stream, &found);
    believed(&Source::Transcript, &of_transcript(data));
});

fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, u64) {
    let (mut lines, mut found) = (JsonLines::with_limit(LIMIT), Vec::new());
    pieces.iter().for_each(|piece| lines.feed(piece, |line| found.push(line.to_vec())));
    lines.finish(|line| found.push(line.to_vec()));
    assert!(found.iter().all(|line| line.len() <= LIMIT && !line.contains(&b'\n')), "{found:?}");
    (found, lines.too_long())
}

fn decoded(pieces: &[&[u8]]) -> (Vec<Observation>, u64) {
    let (mut decoder, mut found) = (StreamDecoder::default(), Vec::new());
    pieces.iter().for_each(|piece| decoder.feed(piece, NOW, &mut |seen| found.push(seen)));
    decoder.finish(NOW, &mut |seen| found.push(seen));
    (found, decoder.unread())
}

fn of_transcript(data: &[u8]) -> Vec<Observation> {
    let mut decoder = TranscriptDecoder::new("s".into(), None, NOW);
    let mut found = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        decoder.line(line, NOW, &mut |seen| found.push(seen));
    }
    found
}

fn believed(source: &Source, found: &[Observation]) {
    let mut detector = Detector::new(Tickets::default(), *source == Source::Stream);
    let mut ledger = Ledger::default();
    found.iter().for_each(|seen| ledger.enter(detector.feed(source, seen)));
    ledger.enter(detector.finish(NOW));
    ledger.close();
}
