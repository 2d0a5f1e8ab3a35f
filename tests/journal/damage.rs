//! Damage: whatever becomes of the files of a session, what is shown of it was published, in order and once; what is
//! missing is what was damaged, and that is said.

use crate::kept::{Kept, Said, sealed};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Numbers that look random and are the same each time (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % end
    }
}

/// Nothing of it is invented, nothing told twice; gives how many are missing.
#[track_caller]
fn missing(kept: &Kept, said: &Said, what: &str) -> usize {
    let mut whole = kept.whole.iter();
    for line in &said.lines {
        assert!(whole.any(|other| other == line), "{what}: invented, told twice or out of order: {line}");
    }
    kept.whole.len() - said.lines.len()
}

/// The list has the session as it was, and how it ended or nothing of that.
#[track_caller]
fn is_listed(kept: &Kept, what: &str) {
    let ended = kept.ended();
    assert_eq!(ended.len(), 1, "{what}");
    assert!(ended[0]["end"].is_null() || ended[0]["end"]["exit_code"] == 3, "{what}: {ended:?}");
}

fn says_damaged(said: &Said) -> bool {
    said.errors.contains("damaged")
}

#[test]
fn a_cut_at_any_byte_of_the_tail_costs_the_record_it_is_in_and_those_behind() {
    let kept = Kept::new();
    let (name, text) = kept.segments().pop().unwrap();
    let last = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(missing(&kept, &kept.with(&[]).history(), "whole"), 0);
    for length in last - 2..text.len() {
        kept.with(&[(name.clone(), text[..length].to_vec())]);
        let said = kept.history();
        let whole = text[..length].ends_with(b"\n");
        let cost = if length < last { 2 } else { 1 };
        assert_eq!(missing(&kept, &said, &format!("{length} bytes")), cost, "{length} bytes");
        assert_eq!(says_damaged(&said), !whole, "{length} bytes: {}", said.errors);
        if length % 40 == 0 {
            is_listed(&kept, &format!("{length} bytes"));
        }
    }
}

#[test]
fn a_flipped_bit_costs_at_most_two_records_and_is_said() {
    let kept = Kept::new();
    let mut dice = Dice(7);
    for flip in 0..300 {
        let (name, mut text) = kept.segments().swap_remove(dice.below(4));
        let at = dice.below(text.len());
        text[at] ^= 1 << dice.below(8);
        let what = format!("flip {flip}, byte {at} of {name}");
        let said = kept.with(&[(name, text)]).history();
        let missing = missing(&kept, &said, &what);
        assert!((1..=2).contains(&missing), "{what}: {missing} missing");
        assert!(says_damaged(&said), "{what}: {}", said.errors);
        if flip % 20 == 0 {
            is_listed(&kept, &what);
        }
    }
}

#[test]
fn a_sector_of_zeros_or_garbage_costs_the_records_it_is_in() {
    const SECTOR: usize = 512;
    let kept = Kept::new();
    let shortest = kept
        .segments()
        .iter()
        .flat_map(|(_, text)| text.split(|byte| *byte == b'\n').map(<[u8]>::len))
        .filter(|length| *length > 0)
        .min()
        .unwrap();
    let mut dice = Dice(11);
    for round in 0..40 {
        let (name, mut text) = kept.segments().swap_remove(dice.below(4));
        let at = dice.below(text.len() / SECTOR) * SECTOR;
        let end = text.len().min(at + SECTOR);
        for byte in &mut text[at..end] {
            *byte = if round % 2 == 0 { 0 } else { u8::try_from(dice.below(256)).unwrap() };
        }
        let what = format!("round {round}, byte {at} of {name}");
        let said = kept.with(&[(name, text)]).history();
        let missing = missing(&kept, &said, &what);
        assert!((1..=SECTOR / shortest + 2).contains(&missing), "{what}: {missing} missing");
        assert!(says_damaged(&said), "{what}: {}", said.errors);
        is_listed(&kept, &what);
    }
}

#[test]
fn a_file_that_is_empty_gone_or_no_file_costs_what_was_in_it() {
    let kept = Kept::new();
    for (name, text) in kept.segments() {
        let records = text.iter().filter(|byte| **byte == b'\n').count();
        for way in ["empty", "gone", "a directory", "a link to itself"] {
            let path = kept.with(&[(name.clone(), Vec::new())]).path(&name);
            if way != "empty" {
                fs::remove_file(&path).unwrap();
            }
            match way {
                "a directory" => fs::create_dir(&path).unwrap(),
                "a link to itself" => std::os::unix::fs::symlink(&path, &path).unwrap(),
                _ => {}
            }
            assert_eq!(missing(&kept, &kept.history(), way), records, "{name} is {way}");
            is_listed(&kept, way);
        }
    }
}

#[test]
fn copies_of_files_add_nothing_and_take_nothing_away() {
    let kept = Kept::new();
    for (name, text) in kept.segments() {
        for ordinal in ["000000", "000900"] {
            for part in [text.len(), text.len() / 2, 0] {
                let copy = format!("{ordinal}{}", &name[6..]);
                kept.with(&[(copy.clone(), text[..part].to_vec())]);
                let what = format!("{part} bytes of {name} as {copy}");
                assert_eq!(missing(&kept, &kept.history(), &what), 0, "{what}");
                is_listed(&kept, &what);
            }
        }
    }
}

#[test]
fn a_copy_under_the_name_of_another_place_or_numbering_adds_nothing_and_takes_nothing_away() {
    let kept = Kept::new();
    let segments = kept.segments();
    for (name, bytes) in &segments {
        let mut parts = name.splitn(3, '-');
        let (_, epoch, _) = (parts.next(), parts.next().unwrap(), parts.next());
        for copied in [format!("000090-{epoch}-99999.ndjson"), "000090-0000000000000000-1.ndjson".to_owned()]
        {
            let mut changed = segments.clone();
            changed.push((copied.clone(), bytes.clone()));
            let said = kept.with(&changed).history();
            assert_eq!(missing(&kept, &said, &copied), 0, "{name} as {copied}");
            fs::remove_file(kept.path(&copied)).unwrap();
        }
    }
}

#[test]
fn what_others_may_read_is_read_and_what_they_may_write_is_not() {
    let kept = Kept::new();
    for (mode, lost) in [(0o644, 0), (0o640, 0), (0o660, kept.whole.len())] {
        for (name, _) in &kept.segments() {
            fs::set_permissions(kept.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_eq!(missing(&kept, &kept.history(), "modes"), lost, "{mode:o}");
    }
}

#[test]
fn names_that_were_exchanged_invent_nothing() {
    let kept = Kept::new();
    let segments = kept.segments();
    for one in 0..4 {
        for other in 0..one {
            let mut changed = segments.clone();
            (changed[one].1, changed[other].1) = (segments[other].1.clone(), segments[one].1.clone());
            let what = format!("{one} and {other}");
            missing(&kept, &kept.with(&changed).history(), &what);
            is_listed(&kept, &what);
        }
    }
}

#[test]
fn an_index_a_closing_word_or_a_remnant_that_lies_changes_nothing() {
    let kept = Kept::new();
    let index = kept.segments()[1].0.replace("ndjson", "index");
    let places = [(1, 70_000), (40, 3), (2, u64::MAX)]
        .map(|(seq, offset)| (index.clone(), sealed(&json!({"seq": seq, "offset": offset, "millis": 0}))));
    let ends = [("e", 3), ("0123456789abcdef", u64::MAX), ("../../x", 0)].map(|(epoch, last_seq)| {
        ("closed.json".to_owned(), sealed(&json!({"epoch": epoch, "last_seq": last_seq})))
    });
    let garbage = [&index, "closed.json", &index.replace("index", "torn")]
        .map(|name| (name.to_owned(), b"\0\xff\n{\"seq\":1}\n".repeat(300)));
    for (name, bytes) in places.into_iter().chain(ends).chain(garbage) {
        kept.with(&[(name.clone(), bytes)]);
        let said = kept.history();
        assert_eq!(missing(&kept, &said, &name), 0, "{name}");
        assert!(!says_damaged(&said), "{name}: {}", said.errors);
        is_listed(&kept, &name);
    }
    fs::remove_file(kept.with(&[]).path("closed.json")).unwrap();
    assert_eq!(missing(&kept, &kept.history(), "no closing word"), 0);
}

#[test]
fn a_session_whose_label_is_damaged_is_found_by_what_it_published() {
    let kept = Kept::new();
    let label = || kept.files.iter().find(|(name, _)| name == "session.json").unwrap().clone();
    let mut dice = Dice(13);
    for way in ["flipped", "empty", "garbage", "gone"] {
        let (name, mut text) = label();
        match way {
            "flipped" => {
                text = {
                    let at = dice.below(text.len());
                    text[at] ^= 4;
                    text
                }
            }
            "empty" => text.clear(),
            _ => text = b"\0\0\n{}".to_vec(),
        }
        kept.with(&[(name.clone(), text)]);
        if way == "gone" {
            fs::remove_file(kept.path(&name)).unwrap();
        }
        is_listed(&kept, way);
        assert_eq!(missing(&kept, &kept.history(), way), 0, "{way}");
    }
}
