//! Cuts bytes into pieces at places that depend on nothing but the bytes, so that a found input fails again.

/// The pieces, in order; most of them short, because an end within a sequence or a character is what is looked for.
pub fn of(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut state, mut rest, mut pieces) = (seed(bytes), bytes, Vec::new());
    while !rest.is_empty() {
        state = next(state);
        let length = match state >> 60 {
            0..8 => 1,
            8..14 => 1 + (state >> 32) as usize % 16,
            _ => 1 + (state >> 32) as usize % 4096,
        };
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// FNV-1a.
fn seed(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A linear congruential generator (Knuth, MMIX); only its upper bits are used.
fn next(state: u64) -> u64 {
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
