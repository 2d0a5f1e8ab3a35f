//! Hearing of what happens in folders: inotify(7).

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;
use tokio::io::{Interest, unix::AsyncFd};

/// Folders that are listened to, without those below them. Where the kernel has no queue left, nothing is heard.
#[derive(Debug)]
pub(in crate::process) struct FolderWatch(Option<AsyncFd<Queue>>);

/// The kernel's queue of what happened.
#[derive(Debug)]
struct Queue(Inotify);

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl FolderWatch {
    /// Listens to nothing yet. Within a tokio runtime only.
    pub(in crate::process) fn new() -> Self {
        let flags = InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC;
        Self(Inotify::init(flags).ok().and_then(|inotify| registered(Queue(inotify))))
    }

    /// Listens to `folder` too; once more does no harm.
    ///
    /// # Errors
    /// Where there is no such folder, or no watch left.
    pub(in crate::process) fn listen(&self, folder: &Path) -> io::Result<()> {
        let Some(inotify) = &self.0 else { return Err(io::ErrorKind::Unsupported.into()) };
        let changes = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE;
        inotify.get_ref().0.add_watch(folder, changes | AddWatchFlags::IN_ONLYDIR)?;
        Ok(())
    }

    /// Waits until something has happened since the last time. Nothing is lost when it is not waited for to the end.
    pub(in crate::process) async fn changed(&self) {
        let Some(inotify) = &self.0 else { return std::future::pending().await };
        loop {
            let Ok(mut ready) = inotify.readable().await else { return std::future::pending().await };
            let heard = heard(&inotify.get_ref().0);
            ready.clear_ready();
            if heard {
                return;
            }
        }
    }
}

#[expect(unsafe_code, reason = "AsyncFd trusts its caller with the descriptor")]
fn registered(queue: Queue) -> Option<AsyncFd<Queue>> {
    // SAFETY: the queue owns its descriptor, always names the same one, and closes it only when it is dropped.
    unsafe { AsyncFd::register_with_interest(queue, Interest::READABLE) }.ok()
}

/// Takes everything that waits in the queue; whether there was anything.
fn heard(inotify: &Inotify) -> bool {
    let mut heard = false;
    // The queue is bounded (fs.inotify.max_queued_events), and so is what is taken at once.
    for _ in 0..1024 {
        match inotify.read_events() {
            Ok(_) => heard = true,
            Err(_) => break,
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use crate::process::folders::Folders;
    use std::fs;
    use std::time::Duration;

    async fn heard_of(folders: &Folders) -> bool {
        tokio::time::timeout(Duration::from_secs(30), folders.changed()).await.is_ok()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn files_and_folders_that_come_into_being_are_heard_of() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a/b");
        let folders = Folders::new();
        folders.listen_down(top.path(), &folder);
        fs::create_dir_all(&folder).unwrap();
        assert!(heard_of(&folders).await);
        folders.listen_down(top.path(), &folder);
        fs::write(folder.join("file"), "x").unwrap();
        assert!(heard_of(&folders).await);
        assert!(folders.listen(&folder.join("missing")).is_err());
    }
}
