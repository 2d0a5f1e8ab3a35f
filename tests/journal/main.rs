//! Nothing lost: journals as the program writes them, damaged, planted against, without room, and read by clients that
//! come and go. Each test looks at the program from outside, by its verbs, its hub and its files.
#![expect(clippy::unwrap_used, reason = "test code")]

mod damage;
mod full;
mod going_on;
mod hung;
mod kept;
mod later;
mod planted;
mod planted_files;
mod slow;
