//! Messages that are sent compressed (RFC 7692 section 7.2.1), each by itself.
//!
//! Whether a client takes them is `extension`'s, which of them are worth it is said here.

use flate2::{Compress, Compression, FlushCompress};
use std::cell::RefCell;

/// Messages up to this many bytes are not compressed: there is little to win.
pub(super) const SMALL: usize = 512;
/// What ends what was compressed so far, and is left out at the end of a message.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Fast rather than small: everything is compressed while somebody waits for it. The first level is twice as fast, and makes
/// events of 2 kB a third larger.
const LEVEL: u32 = 2;

thread_local! {
    /// It is large, and made at first use: most hubs compress nothing.
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), false));
}

/// The message compressed; `None` where it is small, or would not become smaller.
pub(super) fn deflated(message: &[u8]) -> Option<Vec<u8>> {
    if message.len() <= SMALL {
        return None;
    }
    let mut packed = Vec::with_capacity(message.len());
    COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        compress.compress_vec(message, &mut packed, FlushCompress::Sync).ok()?;
        // What does not fit in there was not worth it.
        (compress.total_in() == message.len() as u64).then_some(())
    })?;
    packed.strip_suffix(&TAIL)?;
    packed.truncate(packed.len() - TAIL.len());
    packed.shrink_to_fit();
    Some(packed)
}
