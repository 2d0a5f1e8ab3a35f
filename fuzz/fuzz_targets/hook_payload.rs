//! Hooks of claude's, and what else is said of its work, as one detector takes it: see `claude_mpm_fuzz::script`.

#![no_main]

use claude_mpm_fuzz::script::Run;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut run = Run::new(data.contains(&b'~'));
    data.split(|byte| *byte == b'\n').for_each(|line| run.line(line));
    run.finish();
});
