//! The interpreters that run other people's clients: Python with `websockets`, Node with `ws` and TypeScript. Where
//! `tests/run.sh` put their parts, it says in the environment; they are looked for in the cache folder otherwise.

use std::path::PathBuf;
use std::process::Command;

/// Python with the package `websockets`.
pub fn python() -> Command {
    Command::new(part("CLAUDE_MPM_TEST_PYTHON", "python-websockets-15.0.1/bin/python"))
}

/// Node with the packages `ws` and `typescript`.
pub fn node() -> Command {
    let folders = [part("CLAUDE_MPM_TEST_NODE_PATH", "node-ws-8.18.3/node_modules"), typescript()];
    let mut node = Command::new("node");
    node.env("NODE_PATH", std::env::join_paths(folders).expect("folders without a colon"));
    node
}

/// TypeScript's compiler, as a program.
pub fn typescript_compiler() -> Command {
    let mut node = Command::new("node");
    node.arg(typescript().join("typescript/bin/tsc"));
    node
}

fn typescript() -> PathBuf {
    part("CLAUDE_MPM_TEST_TYPESCRIPT", "node-typescript-5.9.3/node_modules")
}

fn part(variable: &str, below_cache: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || {
            let home = || std::env::var("HOME").map(|home| home + "/.cache");
            let cache = std::env::var("XDG_CACHE_HOME").or_else(|_| home());
            PathBuf::from(cache.expect("HOME or XDG_CACHE_HOME")).join("claude-mpm-tests").join(below_cache)
        },
        PathBuf::from,
    )
}
