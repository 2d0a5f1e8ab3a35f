//! Characters that act on a terminal, or steer or hide text, instead of showing. Text of events is hostile: whoever shows
//! it to people writes these as escapes.

/// Controls (C0, DEL, C1), and what Unicode has to steer or hide text. Joiners and the sixteen variation selectors
/// are none ([`joins`]): names of people and emoji need them.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            // Letters and joints that show nothing.
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            | '\u{1d173}'..='\u{1d17a}'
            // Line and paragraph separators, bidi embeddings, overrides and isolates, invisible operators.
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags, and variation selectors 17 to 256: both carry whole hidden texts.
            | '\u{e0000}'..='\u{e0fff}')
}

/// Shows nothing by itself and changes what stands beside it.
pub fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}
