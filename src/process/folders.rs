//! Waits until something happens in folders. Where the platform cannot tell, and where the kernel has no watch left,
//! nothing is ever heard, and who waits has to look by the clock as well.
//!
//! It only says that something happened. What it was is for whoever waits to look at.

use super::platform::FolderWatch;
use std::io;
use std::path::Path;

/// Folders that are listened to, without those below them.
#[derive(Debug)]
pub struct Folders(FolderWatch);

impl Folders {
    /// Listens to nothing yet. Within a tokio runtime only.
    pub fn new() -> Self {
        Self(FolderWatch::new())
    }

    /// Listens to `folder` too; once more does no harm.
    ///
    /// # Errors
    /// Where there is no such folder, no watch left, or nothing to listen with.
    pub fn listen(&self, folder: &Path) -> io::Result<()> {
        self.0.listen(folder)
    }

    /// Waits until something has happened since the last time. Nothing is lost when it is not waited for to the end.
    pub async fn changed(&self) {
        self.0.changed().await;
    }

    /// Listens to `folder` and to every folder between it and `top`, as far down as they exist: one that is made
    /// later is heard of by the folder above it. From the top down, so that none can come into being unheard.
    pub fn listen_down(&self, top: &Path, folder: &Path) {
        let mut way: Vec<&Path> = folder.ancestors().take_while(|step| step.starts_with(top)).collect();
        while let Some(step) = way.pop() {
            if self.listen(step).is_err() {
                return;
            }
        }
    }
}

impl Default for Folders {
    fn default() -> Self {
        Self::new()
    }
}
