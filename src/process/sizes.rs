//! The size of a child's terminal, which follows the user's: whoever reads along is told of it, then the child. It does
//! not notice by itself that the user's has changed.
//!
//! A child draws as soon as it knows. Were it told first, what it draws could pass those who read along in front of the
//! size that it is drawn for, and would be read at the wrong width.

use super::tap::Tap;
use super::terminal::{Size, size_of, take_size};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// Follows the user's terminal, for all who notice that it has changed. Clones share what was told.
#[derive(Debug, Clone)]
pub struct Sizes {
    taps: Vec<Tap>,
    /// The size that whoever reads along knows of. Held while a new one is told and set.
    told: Arc<Mutex<Option<Size>>>,
}

impl Sizes {
    /// For a child's terminal behind `to`, whose size `taps` know.
    pub fn new(to: BorrowedFd<'_>, taps: Vec<Tap>) -> Self {
        Self { taps, told: Arc::new(Mutex::new(size_of(to))) }
    }

    /// Gives `to` the size that `from` has, where it has another.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn follow(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        take_size(from, to, |size| {
            if told.replace(size) != Some(size) {
                self.taps.iter().for_each(|tap| tap.resized(size));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tap::Passed;
    use super::*;
    use nix::pty::{OpenptyResult, Winsize, openpty};
    use std::os::fd::AsFd;

    fn terminal(cols: u16, rows: u16) -> OpenptyResult {
        openpty(&Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 }, None).unwrap()
    }

    #[test]
    fn who_reads_along_knows_a_new_size_before_the_child_can() {
        let (from, to) = (terminal(50, 30), terminal(100, 30));
        let mut childs = None;
        take_size(from.master.as_fd(), to.master.as_fd(), |_| childs = size_of(to.slave.as_fd())).unwrap();
        assert_eq!(childs, Some(Size { cols: 100, rows: 30 }));
        assert_eq!(size_of(to.slave.as_fd()), Some(Size { cols: 50, rows: 30 }));
    }

    #[test]
    fn a_size_is_told_once_whoever_notices_it() {
        let (from, to, tap) = (terminal(50, 30), terminal(100, 30), Tap::new());
        let sizes = Sizes::new(to.master.as_fd(), vec![tap.clone()]);
        sizes.follow(from.master.as_fd(), to.master.as_fd()).unwrap();
        let told: Vec<_> = tap.take(None).unwrap().into();
        assert_eq!(told, [Passed::Resized(Size { cols: 50, rows: 30 })]);
        sizes.clone().follow(from.master.as_fd(), to.master.as_fd()).unwrap();
        tap.close();
        assert_eq!(tap.take(None), None);
    }
}
