//! What a program draws on its terminal becomes `claude.output`: each line of the text it leaves, once, however often
//! and in whatever pieces it is drawn. The whole way is tested, with a real terminal, the real wrapper and a client;
//! the emulation itself has its tests beside it.
//!
//! A recorded claude is replayed by `fixtures/programs/replay.py`. What is expected stands in
//! `fixtures/screens/NAME.lines.txt`, and it is compared with what another emulator makes of the recording:
//! `UPDATE_EXPECTED=1 cargo test --test screens` rewrites the files from that.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use test_support::DEADLINE;
use test_support::meeting::Meeting;
use test_support::running::Running;
use test_support::subscriber::Subscriber;
use test_support::unrendered::Unrendered;
use test_support::wrapper::{Way, Wrapper};

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// A recorded session (asciicast v2).
struct Recording {
    path: PathBuf,
    size: (u16, u16),
    records: Vec<Record>,
}

enum Record {
    Output(String),
    Resize(u16, u16),
}

impl Record {
    fn data(&self) -> Option<&str> {
        match self {
            Self::Output(data) => Some(data),
            Self::Resize(..) => None,
        }
    }
}

impl Recording {
    fn read(path: PathBuf) -> Self {
        let all = text(&path);
        let mut lines = all.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let header = lines.next().expect("a header");
        let number = |name: &str| u16::try_from(header[name].as_u64().expect("a number")).expect("a size");
        let record = |line: Value| {
            let data = line[2].as_str().expect("text").to_owned();
            match line[1].as_str() {
                Some("o") => Some(Record::Output(data)),
                Some("r") => {
                    let (columns, rows) = data.split_once('x').expect("a size");
                    Some(Record::Resize(columns.parse().expect("a number"), rows.parse().expect("a number")))
                }
                _ => None,
            }
        };
        Self { size: (number("width"), number("height")), records: lines.filter_map(record).collect(), path }
    }

    fn named(name: &str) -> Self {
        Self::read(fixture(&format!("screens/{name}.cast")))
    }

    /// A made-up one. There is a second between the records, as there is work between a user's and a program's turns;
    /// only a new size is answered at once.
    fn of(folder: &TempDir, size: (u16, u16), records: Vec<Record>) -> Self {
        let path = folder.path().join("made-up.cast");
        let header = json!({"version": 2, "width": size.0, "height": size.1});
        let (mut second, mut lines) = (0, vec![header.to_string()]);
        for record in &records {
            match record {
                Record::Output(data) => {
                    lines.push(json!([second, "o", data]).to_string());
                    second += 1;
                }
                Record::Resize(columns, rows) => {
                    lines.push(json!([second, "r", format!("{columns}x{rows}")]).to_string());
                }
            }
        }
        std::fs::write(&path, lines.join("\n") + "\n").expect("a file");
        Self { path, size, records }
    }

    /// What another emulator shows at the end: the text that scrolled off, then the screen.
    fn final_text(&self) -> Vec<String> {
        let (columns, rows) = self.size;
        let mut terminal = avt::Terminal::with_scrollback(columns.into(), rows.into(), None).expect("a size");
        for record in &self.records {
            match record {
                Record::Output(data) => terminal.feed(data),
                Record::Resize(columns, rows) => terminal.resize((*columns).into(), (*rows).into()),
            }
        }
        // Rows that the terminal wrapped are joined; what a reflow or a repaint pushes out counts like any other.
        let lines = terminal.screen().text();
        lines.iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
    }

    /// Replays it in a terminal under the wrapper, in writes of so many bytes (0: one for each record), and gives the
    /// lines a client was told.
    fn replayed(&self, piece: usize) -> Vec<String> {
        let (wrapper, meeting) = (Wrapper::new(env!("CARGO_BIN_EXE_claude-mpm")), Meeting::new());
        let program = fixture("programs/replay.py");
        let piece = piece.to_string();
        let arguments = [self.path.to_str().expect("text"), meeting.folder(), piece.as_str()];
        let command = wrapper.command(Way::Watched, program.to_str().expect("text"), &arguments);
        let terminal = Unrendered::start(command, self.size.0, self.size.1);
        let client = Subscriber::connect(&meeting.hear());
        meeting.say("go");
        let mut written = 0;
        for record in &self.records {
            match record {
                Record::Output(data) => written += data.len(),
                Record::Resize(columns, rows) => {
                    assert_eq!(meeting.hear(), format!("resize {columns}x{rows}"));
                    terminal.wait_for(|output| output.len() >= written);
                    terminal.resize(*columns, *rows);
                    meeting.say("resized");
                }
            }
        }
        let (status, output) = terminal.wait_exit(DEADLINE);
        assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&output));
        let recorded: String = self.records.iter().filter_map(Record::data).collect();
        assert!(output == recorded.as_bytes(), "what is shown is what was recorded");
        client.wait_close().lines("stdout")
    }
}

/// In one write for each record, and byte by byte.
const PIECES: [usize; 2] = [0, 1];

/// Replays a recording in both ways and expects the lines of its golden file, in that order.
#[track_caller]
fn gives_its_lines(name: &str) {
    let (recording, golden) = (Recording::named(name), fixture(&format!("screens/{name}.lines.txt")));
    let text_it_leaves = recording.final_text();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&golden, text_it_leaves.join("\n") + "\n").expect("a golden file");
    }
    let expected: Vec<String> = text(&golden).lines().map(str::to_owned).collect();
    assert_eq!(text_it_leaves, expected, "another emulator reads {name} differently");
    for piece in PIECES {
        assert_eq!(recording.replayed(piece), expected, "{name} in pieces of {piece}");
    }
}

/// Replays made-up output in both ways and expects these lines.
#[track_caller]
fn gives(size: (u16, u16), records: Vec<Record>, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let recording = Recording::of(&folder, size, records);
    for piece in PIECES {
        assert_eq!(recording.replayed(piece), expected, "in pieces of {piece}");
    }
}

fn output(data: impl Into<String>) -> Record {
    Record::Output(data.into())
}

#[test]
fn a_session_with_tasks_and_an_agent_gives_its_lines_once() {
    gives_its_lines("tui-full-tasks");
}

#[test]
fn a_session_with_interrupts_and_resizes_gives_its_lines_once() {
    gives_its_lines("tui-interrupt-resize");
}

const CONVERSATION: [&str; 5] = [
    "❯ what is a pseudo-terminal?",
    "● A pair of devices of which one looks like a terminal and the other takes its place.",
    "❯ thanks",
    "● You are welcome.",
    "● Bash(echo it goes on)",
];

/// A conversation as claude draws it at that width, from its beginning: it wraps by itself, between words, goes on two
/// columns further in, and has its prompt below. The cursor is in the prompt.
fn drawn(lines: &[&str], columns: usize) -> String {
    let mut text = String::from("\x1b[H");
    for line in lines {
        let mut column = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > columns {
                text.push_str("\r\n  ");
                column = 2;
            } else if column > 0 {
                // As claude does it: the next word's column instead of a space.
                column += 1;
                text.push_str(&format!("\x1b[{}G", column + 1));
            }
            text.push_str(word);
            column += length;
        }
        text.push_str("\r\n\r\n");
    }
    let rule = "─".repeat(columns);
    text + &format!("{rule}\r\n❯ \r\n{rule}\r\n\x1b[2A\x1b[2C")
}

fn drawn_again(lines: &[&str], columns: usize) -> Record {
    output(format!("\x1b[2J\x1b[3J{}", drawn(lines, columns)))
}

/// Takes the prompt away.
fn left() -> Record {
    output("\r\x1b[1A\x1b[J")
}

#[test]
fn a_conversation_drawn_again_is_not_told_again() {
    let again = || drawn_again(&CONVERSATION, 100);
    let records = vec![output(drawn(&CONVERSATION, 100)), again(), again(), left()];
    gives((100, 30), records, &CONVERSATION);
}

/// At another width the program wraps anew. The lines are known all the same, there and back.
#[test]
fn a_conversation_drawn_again_at_another_width_is_not_told_again() {
    let longer: Vec<&str> = CONVERSATION.into_iter().chain(["● one more"]).collect();
    let records = vec![
        output(drawn(&CONVERSATION, 100)),
        Record::Resize(50, 30),
        drawn_again(&CONVERSATION, 50),
        Record::Resize(100, 30),
        drawn_again(&CONVERSATION, 100),
        drawn_again(&longer, 100),
        left(),
    ];
    gives((100, 30), records, &longer);
}

#[test]
fn a_line_that_is_written_over_is_told_as_it_ends() {
    let bar = |percent: usize| format!("\rloading {}{:3}%", "#".repeat(percent / 10), percent);
    let spinner: String =
        (0..40).map(|turn| format!("\r{} thinking", ["|", "/", "-", "\\"][turn % 4])).collect();
    let records = vec![
        output("start\r\n"),
        output((0..=100).map(bar).collect::<String>() + "\r\n"),
        output(spinner + "\r\x1b[K"),
        output("done\r\n"),
    ];
    gives((80, 24), records, &["start", "loading ##########100%", "done"]);
}

#[test]
fn a_line_that_the_terminal_wraps_is_one_line() {
    let long: String = (0..60).map(|word| format!("word{word} ")).collect();
    let records = vec![output("before\r\n"), output(format!("{long}\r\n")), output("behind\r\n")];
    gives((40, 12), records, &["before", long.trim_end(), "behind"]);
}

#[test]
fn equal_lines_are_each_told() {
    let records = vec![output("same\r\n".repeat(50)), output("same\r\n".repeat(3)), output("last")];
    let expected: Vec<&str> = std::iter::repeat_n("same", 53).chain(["last"]).collect();
    gives((80, 24), records, &expected);
}

#[test]
fn a_screen_beside_the_text_is_not_told() {
    let records = vec![
        output("before\r\n"),
        output("\x1b[?1049h\x1b[2J\x1b[Hfull screen\r\nnothing of this stays"),
        output("\x1b[?1049l"),
        output("behind\r\n"),
    ];
    gives((80, 24), records, &["before", "behind"]);
}

#[test]
fn lines_that_scroll_off_at_once_are_all_told() {
    let lines: Vec<String> = (0..5000).map(|line| format!("line {line}")).collect();
    let expected: Vec<&str> = lines.iter().map(String::as_str).collect();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let recording = Recording::of(&folder, (80, 24), vec![output(lines.join("\r\n"))]);
    assert_eq!(recording.replayed(0), expected);
}

#[test]
fn over_pipes_lines_are_told_by_stream_and_the_last_needs_no_newline() {
    let (wrapper, meeting) = (Wrapper::new(env!("CARGO_BIN_EXE_claude-mpm")), Meeting::new());
    let writes = r#"echo "$CLAUDE_MPM_URL" >"$1/up"; read -r go <"$1/down"
        printf 'one\n\ntwo\r\n\033[1mbold\033[0m\n'; printf 'trouble\nmore' >&2; printf 'last'"#;
    let words = wrapper.words(Way::Watched, "/bin/sh", &["-c", writes, "sh", meeting.folder()]);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let errors = folder.path().join("errors");
    // One pipe for both would be one stream.
    let mut command = std::process::Command::new("/bin/sh");
    wrapper.surround(&mut command);
    command.args(["-c", r#"exec 2>"$0"; exec "$@""#]).arg(&errors).args(words);
    let run = Running::start(command);
    let client = Subscriber::connect(&meeting.hear());
    meeting.say("go");
    assert_eq!(run.wait_exit().1, "one\n\ntwo\r\n\x1b[1mbold\x1b[0m\nlast");
    assert_eq!(text(&errors), "trouble\nmore");
    let told = client.wait_close();
    assert_eq!(told.lines("stdout"), ["one", "", "two", "bold", "last"]);
    assert_eq!(told.lines("stderr"), ["trouble", "more"]);
}
