//! Where no descriptor is a terminal: what goes in, what comes out, and what does not come at all.

use crate::{program, same, wrapper};
use test_support::wrapper::PARENT;

#[test]
fn what_is_written_in_turns_to_one_pipe_keeps_its_order() {
    let turns = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done";
    let expected: String = (0..500).map(|i| format!("out {i}\nerr {i}\n")).collect();
    for end in ["2>&1", "2>&1 | cat", ">\"$F\" 2>&1; cat \"$F\"", ">>\"$F\" 2>&1; cat \"$F\""] {
        let script = format!(r#"F=$(mktemp); "$@" {end}; rm "$F""#);
        assert_eq!(same(&script, "/bin/sh", &["-c", turns]).stdout, expected, "{end}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_as_bare() {
    for end in ["head -n1", "true", "head -c 100000 | wc -c"] {
        let script = format!(r#"{{ "$@"; echo "status $?" >&2; }} | {end}"#);
        let seen = same(&script, "yes", &[]);
        assert!(seen.stderr.ends_with("status 141\n"), "{seen:?}");
    }
    // A program that shrugs SIGPIPE off sees the failed write.
    let script = format!(r#"{{ exec {} ignore:PIPE -- "$@"; }} | true"#, program("masked.py"));
    let loops = ["-c", "while echo y; do :; done 2>/dev/null; echo over >&2; exit 5"];
    let seen = same(&format!("{{ {script}; }}"), "/bin/sh", &loops);
    assert_eq!(seen.stderr, "over\n");
}
#[test]
fn a_grandchild_that_holds_the_pipe_does_not_delay_the_end() {
    for way in PARENT {
        let wrapper = wrapper();
        let run = test_support::running::Running::start(wrapper.shell(
            way,
            r#""$@"; echo "status $?""#,
            "/bin/sh",
            &["-c", "sleep 1000 & echo $!; exit 4"],
        ));
        let output = run.wait_for(|output| output.contains('\n'));
        let pid = output.lines().next().expect("a line").parse().expect("a number");
        let _grandchild = test_support::processes::Doomed(test_support::processes::Process::of(pid));
        let begun = std::time::Instant::now();
        run.wait_for(|output| output.ends_with("status 4\n"));
        assert!(begun.elapsed() < crate::ways_out::end_at_latest(way), "{way:?}: {:?}", begun.elapsed());
    }
}
