//! Events as text: those that somebody publishes, and those that come over an uplink.

#![no_main]

use claude_mpm::dialect::publish;
use claude_mpm::event::{Draft, Event, Source};
use claude_mpm_fuzz::events::{holds, stamped};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(event) = Event::read(text) {
        holds(&event);
    }
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else { return };
    for draft in publish::events(raw).unwrap_or_default() {
        holds(&stamped(draft));
    }
    for body in publish::recollected(raw).unwrap_or_default() {
        holds(&stamped(Draft::new(Source::Supervisor, body)));
    }
});
