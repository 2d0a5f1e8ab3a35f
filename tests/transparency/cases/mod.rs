//! The cases, a file for each kind.

mod absolute;
mod bytes;
mod endings;
mod given;
mod jobs;
mod keys;
mod kin;
mod pipes;
mod signals;
mod windows;

use crate::case::Case;

/// Every case, in the order of the table.
pub(crate) const EVERY: [&[Case]; 10] = [
    endings::CASES,
    keys::CASES,
    signals::CASES,
    jobs::CASES,
    windows::CASES,
    bytes::CASES,
    pipes::CASES,
    given::CASES,
    kin::CASES,
    absolute::CASES,
];
