//! Hearing of what happens in folders: not by the portable way. Who waits looks by the clock.

use std::io;
use std::path::Path;

/// Folders that would be listened to.
#[derive(Debug)]
pub(in crate::process) struct FolderWatch;

impl FolderWatch {
    pub(in crate::process) fn new() -> Self {
        Self
    }

    /// There is nothing to listen with.
    ///
    /// # Errors
    /// Always.
    pub(in crate::process) fn listen(&self, _folder: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never.
    pub(in crate::process) async fn changed(&self) {
        std::future::pending().await
    }
}
