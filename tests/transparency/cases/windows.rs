//! The terminal that the program is given: its size, its modes, `/dev/tty`.

use crate::case::Case;
use crate::run::{Run, ended, program, screen_at_end};
use test_support::DEADLINE;
use test_support::terminal::Terminal;
use test_support::unrendered::Unrendered;

pub(crate) const CASES: &[Case] = &[
    Case::as_bare("the size of the window", size),
    Case::as_bare("a new size", new_size),
    Case::as_bare("each of 500 sizes", every_size),
    Case::as_bare("500 sizes at once", last_size),
    Case::as_bare("a window without a size", no_size),
    Case::as_bare("the modes of the terminal at its start", modes),
    Case::as_bare("a program that changes the modes and puts them back", modes_put_back),
    Case::as_bare("/dev/tty", dev_tty),
    Case::as_bare("which descriptors are terminals", which),
];

fn size(run: &Run) -> String {
    let sizes = "stty size; stty size <&1; stty size <&2; stty size </dev/tty";
    screen_at_end(&Terminal::start(run.script(sizes), 91, 17))
}

fn new_size(run: &Run) -> String {
    let terminal = run.terminal(r#"echo $$ >"$1/up"; read -r line; stty size; stty size </dev/tty"#);
    run.hear_process();
    terminal.resize(101, 7);
    terminal.type_text("\r");
    screen_at_end(&terminal)
}

fn sized(run: &Run) -> Unrendered {
    let terminal = Unrendered::start(run.command(&program("sizes.py"), &[] as &[&str]), 91, 17);
    says(&terminal, 91, 17);
    terminal
}

fn says(terminal: &Unrendered, columns: u16, rows: u16) {
    let size = format!("[{columns}x{rows}]\r\n");
    terminal.wait_for(|output| output.ends_with(size.as_bytes()));
}

fn every_size(run: &Run) -> String {
    let terminal = sized(run);
    for step in 0..500 {
        let (columns, rows) = (40 + step % 97, 10 + step % 53);
        terminal.resize(columns, rows);
        says(&terminal, columns, rows);
    }
    terminal.type_bytes(b"q\n");
    ended(terminal.wait_exit(DEADLINE).0)
}

/// The last one counts.
fn last_size(run: &Run) -> String {
    let terminal = sized(run);
    (0..500).for_each(|step| terminal.resize(40 + step % 97, 10 + step % 53));
    terminal.resize(123, 45);
    says(&terminal, 123, 45);
    terminal.type_bytes(b"q\n");
    ended(terminal.wait_exit(DEADLINE).0)
}

/// As over a serial line.
fn no_size(run: &Run) -> String {
    let terminal = Unrendered::start(run.script("stty size"), 0, 0);
    let (status, output) = terminal.wait_exit(DEADLINE);
    format!("{}\n{}", ended(status), String::from_utf8_lossy(&output))
}

fn modes(run: &Run) -> String {
    screen_at_end(&run.terminal("stty -a"))
}

fn modes_put_back(run: &Run) -> String {
    let terminal = run.terminal(
        r#"M=$(stty -g); stty raw -echo; echo $$ >"$1/up"; head -c 1 >/dev/null; stty "$M"; stty -a"#,
    );
    run.hear_process();
    terminal.type_text("x");
    let end = screen_at_end(&terminal);
    format!("{end}\nas before: {}", terminal.modes() == terminal.modes_before)
}

/// It is read and written where nothing else is a terminal but stderr.
fn dev_tty(run: &Run) -> String {
    let asks = r#"echo question >/dev/tty; read -r answer </dev/tty; echo "<$answer>" >/dev/tty; exit 4"#;
    let command = run.shell(r#"echo | "$@" | cat"#, "/bin/sh", &["-c", asks]);
    let terminal = Terminal::start(command, 80, 24);
    terminal.wait_for(|screen| screen == "question", DEADLINE);
    terminal.type_text("answer\r");
    screen_at_end(&terminal)
}

/// Each way to redirect some and not others.
fn which(run: &Run) -> String {
    let which = "for fd in 0 1 2; do [ -t $fd ] && echo $fd >&3; done; true";
    let path = run.file("which", b"");
    let ways = [
        r#""$@""#,
        r#"echo | "$@""#,
        r#""$@" | cat"#,
        r#""$@" 2>/dev/null"#,
        r#"echo | "$@" | cat"#,
        r#""$@" 2>/dev/null | cat"#,
        r#"echo | "$@" 2>/dev/null"#,
        r#"echo | "$@" 2>/dev/null | cat"#,
        r#""$@" </dev/null"#,
        r#""$@" >/dev/null"#,
    ];
    let seen = ways.map(|way| {
        let command = run.shell(&format!("exec 3>'{path}'; {way}"), "/bin/sh", &["-c", which]);
        let status = ended(Terminal::start(command, 80, 24).wait_exit(DEADLINE));
        let terminals = std::fs::read_to_string(&path).expect("what it wrote");
        format!("{way}: {status} {}", terminals.replace('\n', " "))
    });
    seen.join("\n")
}
