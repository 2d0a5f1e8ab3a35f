//! From raw input to what it means. Pure: the same input gives the same output, however it is cut, and time is
//! handed in. Nothing here publishes.

pub mod activity;
pub mod lines;
pub mod observation;
pub mod screen;
