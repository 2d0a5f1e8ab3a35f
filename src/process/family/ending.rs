//! Ending the processes of a run: TERM, a grace, KILL, and who is left then.

use super::{Family, Relative};
use nix::libc;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long those that were killed are waited for.
const AFTER_KILL: Duration = Duration::from_millis(500);
/// Between two looks; each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// How long one is waited for that is just being executed, once nobody else is there.
const SETTLING: Duration = Duration::from_millis(50);

impl Family {
    /// Ends them: TERM (and CONT, for one that is stopped), and after `grace` KILL. What they start meanwhile is ended
    /// as well. Gives those that are still there then: another user's, or such as the kernel cannot end.
    ///
    /// Returns as soon as nobody is left, and after `grace` and 0.7 s at most; on a machine with tens of thousands of
    /// processes the last look takes longer.
    pub fn end(&self, grace: Duration) -> Vec<Relative> {
        let kill = Instant::now() + grace;
        let left = self.tell_all(&[libc::SIGTERM, libc::SIGCONT], kill);
        if left.is_empty() { left } else { self.tell_all(&[libc::SIGKILL], Instant::now() + AFTER_KILL) }
    }

    /// Tells each once, until nobody is there or the time is over, and gives who is.
    fn tell_all(&self, signals: &[i32], until: Instant) -> Vec<Relative> {
        let mut told = HashSet::new();
        let mut pause = FIRST_PAUSE;
        let mut was_empty = false;
        let mut nobody_since = None;
        loop {
            let (found, is_unsettled) = self.survey();
            for relative in &found {
                if told.insert((relative.pid, relative.start_time)) {
                    // One that must not be told is among those that are left.
                    crate::process::best_effort(relative.send(signals));
                }
            }
            nobody_since = nobody_since.or(Some(Instant::now())).filter(|_| found.is_empty());
            let is_empty = nobody_since.is_some_and(|since| !is_unsettled || since.elapsed() >= SETTLING);
            // Once more, because one may have been born while we looked.
            let over = is_empty && was_empty;
            was_empty = is_empty;
            let left = until.saturating_duration_since(Instant::now());
            if over || (left.is_zero() && !found.is_empty()) {
                return found;
            }
            std::thread::sleep(if found.is_empty() { FIRST_PAUSE } else { pause.min(left) });
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::family::Mark;
    use crate::process::processes;
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command, Stdio};

    const NAME: &str = "FAMILY_TEST_RUN";

    fn mark(value: &str) -> Mark {
        Mark::new(NAME, value.as_ref())
    }

    /// A value that no other test, and no other run of the tests, has.
    fn value() -> String {
        uuid::Uuid::new_v4().to_string()
    }

    /// A shell that runs `script` with the mark, and has said a line by now.
    fn start(script: &str, value: &str) -> (Child, String) {
        let mut child =
            Command::new("sh").args(["-c", script]).env(NAME, value).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (child, line.trim().to_owned())
    }

    #[test]
    fn what_carries_the_mark_is_ended_and_nothing_else() {
        let (ours, theirs) = (value(), value());
        let (mut child, _) = start("setsid sleep 1000 & setsid sleep 1000 & echo up; wait", &ours);
        let (mut bystander, _) = start("echo up; exec sleep 1000", &theirs);
        let family = Family::marked(Some(mark(&ours)));
        assert!(family.find().iter().any(|relative| relative.pid == child.id()));
        assert_eq!(family.end(Duration::from_secs(10)), []);
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
        assert_eq!(family.find(), []);
        assert_eq!(bystander.try_wait().unwrap(), None);
        assert_eq!(Family::marked(Some(mark(&theirs))).end(Duration::from_secs(10)), []);
        bystander.wait().unwrap();
    }

    #[test]
    fn what_outlives_its_parents_is_found_by_the_mark_alone() {
        let ours = value();
        let (mut child, pid) = start("setsid sh -c 'echo $$; exec sleep 1000' & wait $!", &ours);
        child.kill().unwrap();
        child.wait().unwrap();
        // It may just be executing `sleep`.
        until(|| Family::marked(Some(mark(&ours))).find().iter().any(|it| it.pid.to_string() == pid));
        assert_eq!(Family::marked(Some(mark(&ours))).end(Duration::from_secs(10)), []);
    }

    #[test]
    fn what_ignores_the_request_or_is_stopped_is_killed_after_the_grace() {
        let ours = value();
        let (mut child, _) =
            start("trap '' TERM; echo up; kill -STOP $$; while :; do sleep 1000; done", &ours);
        let begun = Instant::now();
        assert_eq!(Family::marked(Some(mark(&ours))).end(Duration::from_millis(100)), []);
        assert!(begun.elapsed() >= Duration::from_millis(100));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }

    #[test]
    fn a_tree_is_found_where_it_lost_the_mark_and_another_run_in_it_is_not() {
        let (ours, nested) = (value(), value());
        let nests = format!("{NAME}={nested} setsid sh -c 'sleep 1000 & echo up; wait'");
        let (mut child, _) = start(&format!("env -u {NAME} sleep 1000 & {nests} & wait"), &ours);
        let theirs = Family::marked(Some(mark(&nested)));
        let started = processes::start_time(child.id()).unwrap();
        let family = Family::marked(Some(mark(&ours))).below(child.id(), started);
        // The shell, the one without a mark, and none of the two that are another's; each as what it is executed as.
        let sleeps = |family: &Family| family.find().iter().any(|it| it.command == "sleep");
        until(|| sleeps(&family) && sleeps(&theirs));
        let of_another = theirs.find();
        assert!(family.find().iter().all(|relative| !of_another.contains(relative)));
        assert_eq!(family.end(Duration::from_secs(10)), []);
        child.wait().unwrap();
        let still_there = theirs.find();
        assert_eq!(theirs.end(Duration::from_secs(10)), []);
        assert_eq!((of_another.len(), still_there), (2, of_another));
    }

    #[track_caller]
    fn until(holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_spared_and_those_of_a_session_do_not_count() {
        let ours = value();
        let (mut child, _) = start("echo up; exec sleep 1000", &ours);
        let family = Family::marked(Some(mark(&ours)));
        let session = processes::stat(child.id()).unwrap().session;
        until(|| family.find().iter().any(|it| it.command == "sleep"));
        assert_eq!(family.clone().sparing(&[child.id()]).end(Duration::ZERO), []);
        assert_eq!(family.clone().outside_session(session).find(), []);
        assert_eq!(family.clone().outside_session(session + 1).find().len(), 1);
        assert_eq!(child.try_wait().unwrap(), None);
        assert_eq!(family.end(Duration::from_secs(10)), []);
        child.wait().unwrap();
    }
}
