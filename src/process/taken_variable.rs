//! A variable of our environment that nobody else is to see: taken out of what children get, and out of what the kernel
//! shows of this process.

use nix::libc;
use std::ffi::{CString, OsString};

/// What the variable says, which stands nowhere any longer: neither in the environment of those we start nor in
/// `/proc/PID/environ` of this process and those it forks. To be called while there is one thread.
#[expect(unsafe_code, reason = "the environment a process was started with can only be changed in place")]
pub fn take(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    if let Ok(name) = CString::new(name) {
        // SAFETY: one thread, so nobody reads or moves the environment meanwhile; the value is a text of our own
        // process that may be written, and no more is written than it is long.
        unsafe {
            let text = libc::getenv(name.as_ptr());
            if !text.is_null() {
                std::ptr::write_bytes(text, 0, libc::strlen(text));
            }
        }
    }
    // SAFETY: one thread.
    unsafe { std::env::remove_var(name) };
    Some(value)
}
