//! Which modes of a terminal are on after some output, as a terminal would have them: mouse, alternate screen, paste,
//! focus, keys, cursor. It is the measure for what a program leaves behind, so it knows nothing of the code under test.

use std::collections::BTreeSet;

/// Modes that a shell does not want on, by their DEC private number, and what they are called here.
const PRIVATE: [(&str, &str); 13] = [
    ("1", "application cursor"),
    ("47", "alternate screen"),
    ("1047", "alternate screen"),
    ("1049", "alternate screen"),
    ("1000", "mouse"),
    ("1002", "mouse drag"),
    ("1003", "mouse motion"),
    ("1004", "focus"),
    ("1006", "mouse sgr"),
    ("1015", "mouse urxvt"),
    ("2004", "paste"),
    ("2026", "synchronised"),
    ("2031", "colour reports"),
];

/// The names of the modes that are on once a terminal has shown `output`; empty when it is as it was at first.
pub fn left_on(output: &[u8]) -> BTreeSet<&'static str> {
    let mut on = BTreeSet::new();
    let mut kitty = 0_usize;
    let mut rest = output;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\x1b[") {
        rest = &rest[at + 2..];
        let end = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte)).unwrap_or(rest.len());
        let Some(last) = rest.get(end) else { break };
        let parameters = String::from_utf8_lossy(&rest[..end]).into_owned();
        match (parameters.split_at_checked(1), last) {
            (Some(("?", numbers)), b'h' | b'l') => set_private(&mut on, numbers, *last == b'h'),
            (Some((">", _)), b'u') => kitty += 1,
            (Some(("<", count)), b'u') => kitty = kitty.saturating_sub(count.parse().unwrap_or(1)),
            (Some((">", value)), b'm') if value.starts_with('4') => {
                set(&mut on, "modified keys", value.len() > 2 && value != "4;0");
            }
            _ => {}
        }
    }
    set(&mut on, "kitty keys", kitty > 0);
    on
}

fn set_private(on: &mut BTreeSet<&'static str>, numbers: &str, value: bool) {
    for number in numbers.split(';') {
        if number == "25" {
            set(on, "cursor hidden", !value);
        }
        if let Some((_, name)) = PRIVATE.iter().find(|(known, _)| *known == number) {
            set(on, name, value);
        }
    }
}

fn set(on: &mut BTreeSet<&'static str>, name: &'static str, value: bool) {
    if value {
        on.insert(name);
    } else {
        on.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_switched_on_and_not_off_again_is_on() {
        for (output, on) in [
            ("text \x1b[1mbold\x1b[m \x1b[2;3H", &[][..]),
            ("\x1b[?1000;1006h\x1b[?1006l", &["mouse"]),
            ("\x1b[?1049h\x1b[?1047l", &[]),
            ("\x1b[?25l", &["cursor hidden"]),
            ("\x1b[?25l\x1b[?25h", &[]),
            ("\x1b[>1u\x1b[>5u\x1b[<u", &["kitty keys"]),
            ("\x1b[>1u\x1b[<1u\x1b[>4;2m\x1b[>4m", &[]),
            ("\x1b[>4;2m\x1b[?20", &["modified keys"]),
        ] {
            assert_eq!(left_on(output.as_bytes()).into_iter().collect::<Vec<_>>(), on, "{output:?}");
        }
    }
}
