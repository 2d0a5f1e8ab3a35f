//! What is asked to be done with claude is done, or it is said why not: the real claude under supervision, in a terminal,
//! with somebody else who types, interrupts, stops and starts it again.
//!
//! That a prompt reaches claude as it was given is measured by claude's own hook; that nothing else does, by its screen.

mod endings;
mod hands;
mod place;
mod prompts;
