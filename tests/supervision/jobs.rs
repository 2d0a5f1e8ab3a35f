//! Job control where it differs from that of a bare program, which has no terminal of its own to read in the
//! background. Where it does not, it is a case of `tests/transparency`.

use crate::{program, wrapper};
use test_support::meeting::Meeting;
use test_support::shell::{Shell, bash};
use test_support::wrapper::PARENT;

#[test]
fn a_program_started_in_the_background_leaves_the_terminal_to_the_shell() {
    for way in PARENT {
        let (wrapper, meeting) = (wrapper(), Meeting::new());
        let folder = tempfile::tempdir().expect("a temporary directory");
        let words = wrapper.words(way, &program("copy.py"), &[meeting.folder()]);
        let mut bash = bash(&words, folder.path());
        wrapper.surround(&mut bash);
        let shell = Shell::start(bash, &meeting);
        shell.job("run &");
        shell.prompt();
        // Bare it would be stopped when it reads; wrapped it reads a terminal of its own and just waits. The keys are
        // the shell's, until `fg`, which sends no signal to a job that runs.
        assert!(shell.asks("echo foreground").ends_with("foreground"), "{way:?}");
        shell.keys("fg\r");
        shell.shows("fg\nrun");
        shell.keys("typed\r");
        shell.shows("typed\ntyped");
        shell.keys("\x03");
        shell.prompt();
        assert_eq!(shell.asks("echo after $S"), "after 130", "{way:?}");
        assert_eq!(shell.end(), "as before: true", "{way:?}");
    }
}
