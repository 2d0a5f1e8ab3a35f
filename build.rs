//! How the binary is linked, so that it starts quickly: claude waits for `claude-mpm hook` hundreds of times a session.
//!
//! Linux with glibc only. Nothing here is needed for a program that works; where in doubt, nothing is asked of the
//! linker.

use std::env;
use std::path::Path;
use std::process::Command;

/// Set by packagers whose rules ask for a position independent executable.
const WANTS_PIE: &str = "CLAUDE_MPM_PIE";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={WANTS_PIE}");
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if target("OS") != "linux" || target("ENV") != "gnu" || is_static {
        return;
    }
    // Thirteen thousand relocations touch sixty pages at each start, a fifth of the time; at a fixed address there are none.
    if env::var_os(WANTS_PIE).is_none() {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    // The unwinder that lies in the binary need not be looked for, loaded and relocated.
    if linker_has("libgcc_eh.a") {
        println!("cargo::rustc-link-lib=gcc_eh");
    }
}

/// Whether the C compiler that links for us finds this library. It answers with a bare name where it does not.
fn linker_has(library: &str) -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let asked = Command::new(linker).arg(format!("-print-file-name={library}")).output();
    asked.is_ok_and(|answer| {
        let path = String::from_utf8_lossy(&answer.stdout);
        answer.status.success() && Path::new(path.trim()).is_absolute()
    })
}
