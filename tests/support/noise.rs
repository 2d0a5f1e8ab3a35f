//! Bytes that arrive only if nobody looks at them: every value, every pair of values, nothing that repeats soon.

/// That many such bytes, the same ones every time.
pub fn every_byte(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64 (Marsaglia 2003)
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// How `seen` compares with `sent`, in a few words; `all N bytes` where nothing is amiss.
pub fn compared(seen: &[u8], sent: &[u8]) -> String {
    if seen == sent {
        return format!("all {} bytes", sent.len());
    }
    let differ = seen.iter().zip(sent).position(|(ours, theirs)| ours != theirs);
    format!("{} of {} bytes, differing at {differ:?}", seen.len(), sent.len())
}
