//! TypeScript, by its own compiler: blocks of requirement R4 are run with their types stripped, and checked with them.

use std::process::Command;
use test_support::program::Program;
use test_support::{DEADLINE, interpreters, piped};

/// Reads a program on stdin, strips its types and runs it.
const RUNNER: &str = "\
const text = require('fs').readFileSync(0, 'utf8');
const options = { compilerOptions: { target: 'ES2022', module: 'CommonJS' } };
const { outputText } = require('typescript').transpileModule(text, options);
new Function('require', outputText)(require);";

/// Starts a program in which `WebSocket` is that of the package `ws`, as the documents have it, and `generateUUID` is
/// what they leave to the reader.
pub(crate) fn start(text: &str) -> Program {
    let mut node = interpreters::node();
    node.arg("-e").arg(RUNNER);
    let surroundings =
        "const WebSocket: any = require('ws');\nconst generateUUID = () => require('crypto').randomUUID();\n";
    Program::start(node, format!("{surroundings}{text}").as_bytes())
}

/// Runs it to its end; gives the lines it printed.
#[track_caller]
pub(crate) fn run(text: &str) -> Vec<String> {
    let (status, out, err) = start(text).finish();
    assert!(status.success(), "{status}: {err:#?}\n{out:#?}");
    out
}

/// Checks the types of a program with everything that is strict.
#[track_caller]
pub(crate) fn check(text: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("frames.ts"), text).unwrap();
    let mut compiler: Command = interpreters::typescript_compiler();
    compiler.current_dir(folder.path());
    compiler.args(["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022", "frames.ts"]);
    let output = piped::run(compiler, b"", DEADLINE);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", said.lines().take(20).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_compiler_is_strict_and_the_runner_strips_types() {
    assert_eq!(run("const one: number = 1;\nconsole.log(one + 1);"), ["2"]);
    check("// @ts-expect-error\nexport const one: number = '1';\n");
    assert!(std::panic::catch_unwind(|| check("export const one: number = '1';\n")).is_err());
}
