//! Scripts in which the API fails.

use super::{Script, Turn, calls, delegate, ends, text};

pub(super) const SCRIPTS: &[Script] = &[
    // claude repeats the request after this kind,
    ("error500", || vec![Turn::Fails(500, "api_error", "Scripted server error")]),
    ("error529", || vec![Turn::Fails(529, "overloaded_error", "Scripted overload")]),
    // and not after this one.
    ("error400", || vec![Turn::Fails(400, "invalid_request_error", "Scripted bad request")]),
    // The API fails the delegated part only.
    ("agent-api-error", || {
        vec![
            calls([delegate("engineer", "Meet an error", "DEMO:error400 as an agent")]),
            ends([text("The engineer met an error.")]),
        ]
    }),
];
