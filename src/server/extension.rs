//! Whether and how both ends compress, as the opening handshake settles it (RFC 7692 section 7.1).
//!
//! We always ask for no context takeover, in both directions: then a frame depends on nothing that was sent before, and one
//! that is compressed is the same for all clients. Compressing itself is `deflate`'s.

use hyper::header::{HeaderMap, SEC_WEBSOCKET_EXTENSIONS};

const NAME: &str = "permessage-deflate";
/// The largest window there is, as a power of two.
const WIDEST: u8 = 15;

/// What was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compression {
    /// The client keeps no more than two to the power of this many bytes of a message, if it says so.
    window_bits: Option<u8>,
}

impl Compression {
    /// The value of `Sec-WebSocket-Extensions`.
    pub(super) fn answer(self) -> String {
        let ours = format!("{NAME}; server_no_context_takeover; client_no_context_takeover");
        match self.window_bits {
            Some(bits) => format!("{ours}; server_max_window_bits={bits}"),
            None => ours,
        }
    }

    /// Largest message that may be sent compressed, bytes. Nothing in a message refers further back than to its own
    /// beginning, so one that fits into the client's window needs none of its own.
    pub(super) fn largest(self) -> usize {
        match self.window_bits {
            Some(bits @ ..WIDEST) => 1 << bits,
            _ => usize::MAX,
        }
    }
}

/// The first offer that can be accepted; `None` where there is none.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Compression> {
    let values = headers.get_all(SEC_WEBSOCKET_EXTENSIONS);
    let mut offers = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    offers.find_map(judge)
}

/// What an offer comes to: one with a parameter that is unknown, doubled or wrong is declined (section 7.1).
fn judge(offer: &str) -> Option<Compression> {
    let mut parts = offer.split(';').map(str::trim);
    parts.next().filter(|name| name.eq_ignore_ascii_case(NAME))?;
    let (mut seen, mut window_bits) = (Vec::new(), None);
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
            None => (part, None),
        };
        let name = name.to_ascii_lowercase();
        match (name.as_str(), value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            ("server_max_window_bits", Some(value)) => window_bits = Some(bits(value)?),
            // A hint what the client could do. We read whatever window it has.
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(value)) => _ = bits(value)?,
            _ => return None,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(Compression { window_bits })
}

/// From 8 to 15, without leading zeros.
fn bits(value: &str) -> Option<u8> {
    (8..=WIDEST).find(|bits| bits.to_string() == value)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    fn answers(offers: &[&str]) -> Option<String> {
        let offers = offers.iter().map(|offer| (SEC_WEBSOCKET_EXTENSIONS, offer.parse().unwrap()));
        accepted(&offers.collect()).map(Compression::answer)
    }

    #[test]
    fn what_can_be_kept_is_accepted_and_always_without_context() {
        let with_window = |bits: u8| format!("{OURS}; server_max_window_bits={bits}");
        for (offer, expected) in [
            ("permessage-deflate", OURS.to_owned()),
            ("PerMessage-Deflate;client_max_window_bits", OURS.to_owned()),
            ("permessage-deflate; client_max_window_bits=10", OURS.to_owned()),
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", OURS.to_owned()),
            ("permessage-deflate; server_max_window_bits=15", with_window(15)),
            ("permessage-deflate; server_max_window_bits=\"9\"; client_max_window_bits", with_window(9)),
        ] {
            assert_eq!(answers(&[offer]), Some(expected), "{offer}");
        }
    }

    #[test]
    fn unknown_doubled_and_wrong_parameters_decline_an_offer_and_the_next_is_tried() {
        for offer in [
            "x-webkit-deflate-frame",
            "permessage-deflate-2",
            "permessage-deflate; mux",
            "permessage-deflate;",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=0",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        ] {
            assert_eq!(answers(&[offer]), None, "{offer}");
            let both = format!("{offer}, permessage-deflate; server_max_window_bits=12");
            let expected = Some(format!("{OURS}; server_max_window_bits=12"));
            assert_eq!(answers(&[&both]), expected, "{offer}");
            assert_eq!(answers(&[offer, "permessage-deflate; server_max_window_bits=12"]), expected);
        }
    }

    #[test]
    fn a_small_window_is_kept_by_sending_no_larger_message_compressed() {
        let largest = |bits| Compression { window_bits: bits }.largest();
        assert_eq!((largest(Some(8)), largest(Some(14))), (256, 16_384));
        assert_eq!((largest(Some(15)), largest(None)), (usize::MAX, usize::MAX));
    }
}
