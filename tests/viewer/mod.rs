//! What several test files share. Each uses a part of it.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "test code; every test file compiles its own copy and uses a part"
)]

pub mod fake_hub;
pub mod place;
