//! A signal that comes before there is anybody to take it.

use crate::wrapper;
use nix::libc;
use test_support::processes::Process;
use test_support::running::Running;
use test_support::wrapper::PARENT;

/// Sent before the program runs, it waits for it.
#[test]
fn a_signal_at_once_ends_it_too() {
    for way in PARENT {
        for _ in 0..20 {
            let wrapper = wrapper();
            let run = Running::start(wrapper.command(way, "sleep", &["1000"]));
            assert!(Process::of(run.pid()).signal(libc::SIGTERM));
            let status = run.wait_exit().0;
            // Before it catches anything, the wrapper itself is ended: as good.
            let ended = (status.code(), std::os::unix::process::ExitStatusExt::signal(&status));
            assert!([(Some(143), None), (None, Some(15))].contains(&ended), "{way:?}: {status}");
        }
    }
}
