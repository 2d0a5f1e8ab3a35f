//! Waiting for what happens in another task, without guessing how long that takes.

use super::hub_server::PATIENCE;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Waits until it holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let poll = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, poll).await.unwrap_or_else(|_| panic!("never happened: {what}"));
}
