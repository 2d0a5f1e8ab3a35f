//! What the fuzz targets share: pieces to cut an input into, and what must hold of all that a detector tells.
//!
//! The inputs of the targets, and how they are run, are told in `README.md`.

pub mod events;
pub mod journal_files;
pub mod ledger;
pub mod pieces;
pub mod script;
