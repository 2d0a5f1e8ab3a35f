//! The binary: parse, run the verb, map to an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    claude_mpm::cmd::main(std::env::args_os())
}
