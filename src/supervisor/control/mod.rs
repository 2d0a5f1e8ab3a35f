//! What somebody asks to be done with claude, done: prompts and keys typed, work interrupted, claude stopped and started
//! again. Who may ask, and how it came here, is not known here.
//!
//! A task takes the orders (`desk`). It writes nothing itself: keys go to the one thread that writes the child's keys,
//! with a check that is run there directly before the first byte; what ends or starts claude goes as a `wish` to the
//! loop that supervises it. Prompts are done one after the other (`typist`); nothing else waits for them.

mod afar;
mod desk;
mod eyes;
mod handed;
mod interrupts;
mod manner;
mod passed_on;
mod prompt;
mod reading;
mod typist;
mod wish;

pub use manner::{Manner, Program, abilities};

pub(super) use afar::Afar;
pub(super) use desk::Desk;
pub(super) use wish::{Lines, Phase, Wish};
