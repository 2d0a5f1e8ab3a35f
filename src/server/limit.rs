//! Every bound of the server in one place: how many, how much, how long.
//!
//! The defaults are the wire contract's (section 8). What happens at a bound is decided where it is met.

use std::time::Duration;

/// The bounds. Tests shorten the times.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections whose request head has arrived; beyond: 503.
    pub connections: usize,
    /// Beyond these, connections of who may control claude, by the Unix socket or from another machine; beyond: 503.
    pub reserve: usize,
    /// Connections whose request head has not arrived; beyond: the oldest of them is cut after `grace`.
    pub handshakes: usize,
    /// WebSockets whose client has not shown a token and may do nothing without; beyond: the oldest of them is closed
    /// with 4401 after `grace`, and before that the newest gets 503.
    pub strangers: usize,
    /// For showing it; then close 4401.
    pub authentication: Duration,
    /// For sending a request head while others wait for the place.
    pub grace: Duration,
    /// For the whole request head; then the connection is cut.
    pub head: Duration,
    /// Bytes of a request head; beyond: 431.
    pub head_bytes: usize,
    /// Lines of a request head; beyond: 431.
    pub headers: usize,
    /// For taking a whole HTTP answer; then the connection is cut. What a hook waits that is held does not count.
    pub answer: Duration,
    /// Bytes of a client's message; beyond: close 1009.
    pub message_bytes: usize,
    /// Bytes of a message of a registered component or an uplink; beyond: close 1009.
    pub component_message_bytes: usize,
    /// Bytes of a POST of events; beyond: 413.
    pub post_bytes: usize,
    /// Bytes of POSTs of events that are read at the same time; beyond: they wait.
    pub post_bytes_in_flight: usize,
    /// Between two looks for components that have become silent.
    pub sweep: Duration,
    /// A client that means it is told of once it has stayed for so long, or when it leaves.
    pub acquaintance: Duration,
    /// Most clients that are told of in a second; beyond: counted.
    pub visitors_per_second: u32,
    /// Between two heartbeats on the envelope dialect (requirement R4).
    pub heartbeat: Duration,
    /// Bytes of our own answers to pings and Close that may wait for a blocked client; beyond: the newest ping wins.
    pub control_bytes: usize,
    /// Bytes of past events in one reply; beyond: only the newest, and `complete` is false.
    pub history_bytes: usize,
    /// A client that takes nothing for this long is closed with 4408.
    pub write: Duration,
    /// Time between two pings.
    pub ping: Duration,
    /// This many pings without any sign of life end the connection.
    pub unanswered_pings: u32,
    /// Requests a second, on average; beyond: `RATE001`.
    pub requests_per_second: f64,
    /// Requests at once.
    pub burst: f64,
    /// Refused requests in a row; beyond: close 4429.
    pub refusals: u32,
    /// After the hub's end: for taking what is left; then the rest is told as a gap.
    pub delivery_at_end: Duration,
    /// For taking the Close frame and answering it; then the connection is cut.
    pub farewell: Duration,
    /// After the shutdown signal: for all connections to end; then they are dropped.
    /// Not less than `delivery_at_end` and `farewell` together.
    pub shutdown: Duration,
    /// Without accepting, after accepting failed for want of resources.
    pub accept_pause: Duration,
    /// Connections at the listener for hooks; beyond: callers wait in the kernel's queue. From half of them on, every
    /// answer ends its connection, so that kept ones cannot use them up. As many hooks again by the Unix socket; beyond,
    /// they count as `connections`.
    pub hook_connections: usize,
    /// Between two posts on a kept connection. Long, because a caller that posts while we hang up loses its hook.
    pub hook_idle: Duration,
    /// For the whole body of a hook's post; beyond: 408.
    pub hook_body: Duration,
    /// Bytes of a hook's post; beyond: 413.
    pub hook_bytes: usize,
    /// Bytes of hooks that are read or wait to be looked at; beyond: the post waits, then is lost.
    pub hook_bytes_in_flight: usize,
    /// Hooks that wait for somebody's answer at the same time; beyond: claude goes on without.
    pub held_hooks: usize,
    /// How long a post waits for room among the bytes in flight and in the inbox, together.
    pub hook_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            reserve: 32,
            handshakes: 64,
            strangers: 64,
            authentication: Duration::from_secs(5),
            grace: Duration::from_millis(50),
            head: Duration::from_secs(5),
            head_bytes: 16 << 10,
            headers: 64,
            answer: Duration::from_secs(10),
            message_bytes: 64 << 10,
            component_message_bytes: 1 << 20,
            post_bytes: 4 << 20,
            post_bytes_in_flight: 16 << 20,
            sweep: Duration::from_secs(15),
            acquaintance: Duration::from_secs(1),
            visitors_per_second: 10,
            heartbeat: Duration::from_secs(30),
            control_bytes: 4 << 10,
            history_bytes: 4 << 20,
            write: Duration::from_secs(10),
            ping: Duration::from_secs(20),
            unanswered_pings: 2,
            requests_per_second: 20.0,
            burst: 40.0,
            refusals: 10,
            // Together the two seconds that claude's exit status may wait for clients.
            delivery_at_end: Duration::from_millis(1500),
            farewell: Duration::from_millis(500),
            shutdown: Duration::from_secs(2),
            accept_pause: Duration::from_millis(100),
            hook_connections: 256,
            hook_idle: Duration::from_secs(3600),
            hook_body: Duration::from_secs(5),
            hook_bytes: 16 << 20,
            hook_bytes_in_flight: 32 << 20,
            held_hooks: 64,
            hook_wait: Duration::from_secs(1),
        }
    }
}
