//! The binary: parse, run the verb, map to an exit status.
fn main() {}
