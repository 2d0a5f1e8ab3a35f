//! From raw input to what it means. Pure: the same input gives the same output, however it is cut, and time is
//! handed in. Nothing here publishes.

pub mod activity;
pub mod claude_json;
pub mod cut;
pub mod drawn;
pub mod hook;
pub mod js_json;
pub mod json_lines;
pub mod lines;
pub mod observation;
pub mod redact;
pub mod screen;
pub mod session_state;
pub mod stream_json;
pub mod ticket;
pub mod tool;
pub mod transcript;
pub mod user_text;
pub mod whole;
