//! The names of event types on the wire. No other file spells one.

/// A supervised run begins.
pub const SESSION_START: &str = "session.start";
/// A supervised run is over.
pub const SESSION_END: &str = "session.end";
/// The state of claude's process.
pub const CLAUDE_STATUS: &str = "claude.status";
/// Whether claude works or waits.
pub const CLAUDE_ACTIVITY: &str = "claude.activity";
/// One settled line of claude's output.
pub const CLAUDE_OUTPUT: &str = "claude.output";
/// Snapshot of everything; a reply, never in the log.
pub const SYSTEM_STATUS: &str = "system.status";
/// Memory and processor use.
pub const SYSTEM_STATS: &str = "system.stats";
/// Something went wrong outside claude.
pub const SYSTEM_ERROR: &str = "system.error";
/// Events one client missed; sent to that client only, never in the log.
pub const SYSTEM_GAP: &str = "system.gap";
