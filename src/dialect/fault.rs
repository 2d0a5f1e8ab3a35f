//! What is answered when a request cannot be: codes and sentences.
//!
//! A fault is a reply, never an event: the log knows nothing of it.

use super::request::RequestId;
use crate::event::body::Severity;
use std::fmt::Display;

/// The error codes of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The text is not JSON, or an event in it is none.
    NotJson,
    /// No command, an unknown one, or one that is not offered.
    UnknownCommand,
    /// A parameter is missing or wrong, or the message is no JSON object.
    BadParameters,
    /// Too many requests.
    TooMany,
    /// The cursor belongs to another numbering.
    OtherEpoch,
    /// More than may be published at once.
    TooLarge,
    /// Nobody knows this component.
    UnknownComponent,
    /// The role of the client does not allow it, or the session is another's.
    NotAllowed,
    /// No token, or a wrong one.
    NotAuthenticated,
    /// There is nothing this could be done with.
    NothingToControl,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NotJson,
        Self::UnknownCommand,
        Self::BadParameters,
        Self::TooMany,
        Self::OtherEpoch,
        Self::TooLarge,
        Self::UnknownComponent,
        Self::NotAllowed,
        Self::NotAuthenticated,
        Self::NothingToControl,
    ];

    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "WS002",
            Self::UnknownCommand => "REQ001",
            Self::BadParameters => "REQ002",
            Self::TooMany => "RATE001",
            Self::OtherEpoch => "GAP001",
            Self::TooLarge => "RES001",
            Self::UnknownComponent => "CMP001",
            Self::NotAllowed => "AUTH002",
            Self::NotAuthenticated => "AUTH001",
            Self::NothingToControl => "CTL001",
        }
    }

    /// How grave it is: a foreign cursor is answered with everything there is, so it is only a warning.
    pub const fn severity(self) -> Severity {
        match self {
            Self::OtherEpoch => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Why a request is not done.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What kind of mistake it is.
    pub code: Code,
    /// `cannot <verb> <object>: <cause>`
    pub message: String,
    /// The request's own id, where one could be read.
    pub request_id: Option<RequestId>,
}

impl Fault {
    /// A fault of a request without an id.
    pub fn new(code: Code, message: impl Display) -> Self {
        Self { code, message: message.to_string(), request_id: None }
    }

    /// A wrong parameter: `cannot read <name>: <cause>`.
    pub fn parameter(name: &str, cause: impl Display) -> Self {
        Self::new(Code::BadParameters, format_args!("cannot read {name}: {cause}"))
    }

    /// The same fault, of something that is published.
    #[must_use]
    pub(super) fn malformed(self) -> Self {
        match self.code {
            Code::BadParameters => Self { code: Code::NotJson, ..self },
            _ => self,
        }
    }

    /// The same fault, told to the request it belongs to.
    #[must_use]
    pub fn of(self, request_id: Option<RequestId>) -> Self {
        Self { request_id, ..self }
    }
}
