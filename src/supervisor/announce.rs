//! What the supervisor says of a session: its start, the state of claude's process, its end.

use super::Audience;
use super::relatives::{complain, complaint};
use super::restart::{MOST, Next};
use super::state::{Ending, State};
use super::unfinished::{Claude, endings};
use crate::event::Timestamp;
use crate::event::body::{
    Body, EndReason, Ended, Fault, ProcessState, ProcessStatus, SessionEnd, SessionStart, Severity,
};
use crate::hub::{self, Publisher};
use crate::process::family::Remaining;
use crate::source::watchers::Watchers;
use nix::sys::signal::Signal;
use tokio::sync::watch;

/// Speaks for the supervisor; silent when nobody is there to be told.
#[derive(Debug)]
pub struct Announcer {
    listeners: Option<Listeners>,
}

/// Who is told of the session itself.
#[derive(Debug)]
struct Listeners {
    publisher: Publisher,
    session: SessionStart,
    child: watch::Sender<Option<u32>>,
}

impl Announcer {
    /// Speaks to the audience; those who watch claude's work go their own way.
    pub(super) fn new(audience: Option<Audience>) -> (Self, Option<Watchers>) {
        let Some(Audience { publisher, session, child, watchers, .. }) = audience else {
            return (Self { listeners: None }, None);
        };
        (Self { listeners: Some(Listeners { publisher, session, child }) }, Some(watchers))
    }

    pub(super) fn publisher(&self) -> Option<&Publisher> {
        self.listeners.as_ref().map(|listeners| &listeners.publisher)
    }

    pub(super) fn starting(&self) {
        let Some(Listeners { publisher, session, .. }) = &self.listeners else { return };
        publisher.publish(Body::SessionStart(session.clone()));
        publisher.publish(Body::Status(ProcessStatus::alive(
            ProcessState::Starting,
            None,
            "Claude is starting",
        )));
    }

    /// After a companion was killed: what it has told stands, and is not told again; these are the endings that it owes.
    pub(super) fn goes_on(&self, deaths: u32, owed: Vec<Body>) {
        let Some(Listeners { publisher, session, .. }) = &self.listeners else { return };
        publisher.hub().recall(publisher.source(), Body::SessionStart(session.clone()));
        publisher.publish(Body::Error(Fault {
            error: format!(
                "the process that watches claude was ended by force ({deaths} so far) and another goes on; \
                 what happened in that moment may be missing"
            ),
            component: "supervisor".into(),
            severity: Severity::Warning,
            error_code: "RES001".into(),
        }));
        for body in owed {
            publisher.publish(body);
        }
    }

    pub(super) fn cannot_follow(&self, cause: &std::io::Error) {
        self.fault(Severity::Error, format!("cannot follow claude's output: {cause}"));
    }

    /// Those that were to end and have not. Said even where nobody watches.
    pub(super) fn resisting(&self, resisting: &Remaining) {
        if let Some(complaint) = complaint(resisting) {
            complain(&complaint);
            self.fault(Severity::Error, complaint);
        }
    }

    /// Those that claude leaves running when it exits by itself.
    pub(super) fn going_on(&self, left: &Remaining) {
        if left.total > 0 {
            self.fault(Severity::Info, format!("left running: {left}"));
        }
    }

    fn fault(&self, severity: Severity, error: String) {
        let Some(Listeners { publisher, .. }) = &self.listeners else { return };
        let (component, error_code) = ("supervisor".into(), "RES001".into());
        publisher.publish(Body::Error(Fault { error, component, severity, error_code }));
    }

    pub(super) fn running(&self, pid: u32) {
        let Some(Listeners { publisher, child, .. }) = &self.listeners else { return };
        child.send_replace(Some(pid));
        let status = ProcessStatus::alive(ProcessState::Running, Some(pid), "Claude is running");
        publisher.publish(Body::Status(status));
    }

    /// It is over for now.
    pub(super) fn pauses(&self, state: State, next: &Next) {
        let (Some(Listeners { publisher, child, .. }), State::Ended { pid, ending, .. }) =
            (&self.listeners, state)
        else {
            return;
        };
        child.send_replace(None);
        let mut status = stopped(pid, ending);
        status.message = match next.is_asked {
            true => format!("{}; it is started again, as was asked", status.message),
            false => format!(
                "{}; it is started again in {:.1} s ({} of {MOST} in a row)",
                status.message,
                next.pause.as_secs_f64(),
                next.number
            ),
        };
        publisher.publish(Body::Status(status));
    }

    pub(super) fn starting_again(&self, next: &Next) {
        let Some(Listeners { publisher, .. }) = &self.listeners else { return };
        let message = match next.is_asked {
            true => "Claude is starting again, as was asked".to_owned(),
            false => format!("Claude is starting again ({} of {MOST} in a row)", next.number),
        };
        publisher.publish(Body::Status(ProcessStatus::alive(ProcessState::Starting, None, &message)));
    }

    pub(super) fn ended(&self, state: State) {
        let (Some(Listeners { publisher, session, child }), State::Ended { pid, ending, stopped: by_us }) =
            (&self.listeners, state)
        else {
            return;
        };
        child.send_replace(None);
        publisher.publish(Body::Status(stopped(pid, ending)));
        publisher.publish(Body::SessionEnd(session_end(
            session.session_id.clone(),
            session.start_time,
            (ending, by_us),
        )));
    }
}

/// In the name of a supervisor that was killed.
pub async fn last_word(publisher: &Publisher, session: SessionStart, pid: Option<u32>, ending: Ending) {
    publisher.hub().recall(publisher.source(), Body::SessionStart(session.clone()));
    publisher.publish(Body::Error(Fault {
        error: "claude-mpm was ended by force; claude and what it started were ended after it".into(),
        component: "supervisor".into(),
        severity: Severity::Critical,
        error_code: "RES001".into(),
    }));
    for body in endings(publisher.hub(), Claude::IsOver).await {
        publisher.publish(body);
    }
    publisher.publish(Body::Status(stopped(pid, ending)));
    publisher.publish(Body::SessionEnd(session_end(session.session_id, session.start_time, (ending, true))));
}

fn stopped(pid: Option<u32>, ending: Ending) -> ProcessStatus {
    let (exit_code, signal) = numbers(ending);
    let status = match ending {
        Ending::NotExecuted(_) | Ending::Unknown => ProcessState::Error,
        Ending::Exited(_) | Ending::Signaled(_) | Ending::Untold => ProcessState::Stopped,
    };
    ProcessStatus {
        status,
        pid,
        message: describe(ending),
        exit_code: Ended::With(exit_code),
        signal: Ended::With(signal),
    }
}

/// `ending` with whether we were asked to stop claude, and did.
fn session_end(
    session_id: crate::event::SessionId,
    start: Timestamp,
    (ending, by_us): (Ending, bool),
) -> SessionEnd {
    let end_time = hub::now();
    let (exit_code, signal) = numbers(ending);
    let reason = match ending {
        Ending::Exited(_) | Ending::Signaled(_) if by_us => EndReason::Stopped,
        Ending::Exited(_) => EndReason::Exited,
        Ending::Signaled(_) => EndReason::Signaled,
        Ending::NotExecuted(_) | Ending::Unknown | Ending::Untold => EndReason::Unknown,
    };
    let millis = u32::try_from(end_time.millis_since(start)).unwrap_or(u32::MAX);
    SessionEnd {
        session_id,
        end_time,
        duration_seconds: f64::from(millis) / 1000.0,
        exit_code,
        signal,
        reason,
    }
}

/// Exit code and signal.
fn numbers(ending: Ending) -> (Option<i32>, Option<i32>) {
    match ending {
        Ending::Exited(code) => (Some(code), None),
        Ending::Signaled(signal) => (None, Some(signal)),
        Ending::NotExecuted(_) | Ending::Unknown | Ending::Untold => (None, None),
    }
}

/// One sentence for people.
pub fn describe(ending: Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("Claude exited with code {code}"),
        Ending::Signaled(number) => match Signal::try_from(number) {
            Ok(signal) => format!("Claude was ended by signal {number} ({signal})"),
            Err(_) => format!("Claude was ended by signal {number}"),
        },
        Ending::NotExecuted(errno) => {
            format!("Claude could not be executed: {}", std::io::Error::from_raw_os_error(errno))
        }
        Ending::Unknown => "Nobody knows how claude ended: its guardian is gone".into(),
        Ending::Untold => "Claude has ended, and only its parent knows how".into(),
    }
}
