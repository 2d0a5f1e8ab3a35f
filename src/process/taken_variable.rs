//! A variable of our environment that nobody else is to see: taken out of what children get, and out of what the kernel
//! shows of this process.

use std::ffi::{CStr, OsString, c_char};

#[expect(
    unsafe_code,
    reason = "the one list of what the environment holds, of which a name may stand there twice"
)]
unsafe extern "C" {
    /// environ(7).
    static environ: *const *mut c_char;
}

/// What the variable says, which stands nowhere any longer: neither in the environment of those we start nor in
/// `/proc/PID/environ` of this process and those it forks. To be called while there is one thread.
#[expect(unsafe_code, reason = "the environment a process was started with can only be changed in place")]
pub fn take(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    // SAFETY: one thread, so nobody reads or moves the environment meanwhile. It is a list of texts of our own process,
    // ended by a null, that may be written, and no more is written of one than it is long.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let text = *entry;
            let value = CStr::from_ptr(text).to_bytes().strip_prefix(name.as_bytes());
            if let Some(value) = value.filter(|value| value.starts_with(b"=")) {
                let length = value.len() - 1;
                std::ptr::write_bytes(text.add(name.len() + 1), 0, length);
            }
            entry = entry.add(1);
        }
    }
    // SAFETY: one thread.
    unsafe { std::env::remove_var(name) };
    Some(value)
}
