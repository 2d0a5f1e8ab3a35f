//! Orders for a claude that has the terminal for itself (`--launch-method exec`): it can be ended, and its questions can be
//! answered; of one that prints its answer, the work can be interrupted.

use super::manner::{Manner, Program, abilities};
use super::passed_on::pass_on;
use crate::control::{Command, Fate, Order};
use crate::process::followed::Followed;
use nix::libc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Orders of a kind that are under way.
const UNDER_WAY: usize = 32;
/// How long claude may take to stop working.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes orders while claude is followed.
#[derive(Debug)]
pub(in crate::supervisor) struct Afar {
    orders: Option<mpsc::Receiver<Order>>,
    permissions: mpsc::Sender<Order>,
    program: Program,
    stops: Vec<Order>,
    interrupts: Vec<(Order, Instant)>,
    /// Then it is killed.
    kill_at: Option<Instant>,
}

impl Afar {
    pub(in crate::supervisor) fn new(
        orders: Option<mpsc::Receiver<Order>>,
        permissions: mpsc::Sender<Order>,
        program: Program,
    ) -> Self {
        Self { orders, permissions, program, stops: Vec::new(), interrupts: Vec::new(), kill_at: None }
    }

    /// Somebody asked that claude ends.
    pub(in crate::supervisor) fn was_asked_to_end(&self) -> bool {
        !self.stops.is_empty()
    }

    /// Does what is asked, until dropped. Cancel-safe.
    pub(in crate::supervisor) async fn attend(&mut self, claude: &Followed) {
        loop {
            tokio::select! {
                order = next(&mut self.orders) => self.take(order, claude),
                () = passed(self.interrupts.first().map(|(_, until)| *until)) => {
                    let (mut order, _) = self.interrupts.remove(0);
                    order.tell(Fate::Rejected { reason: "claude still works".into() });
                }
                () = passed(self.kill_at) => {
                    self.kill_at = None;
                    send(claude, &[libc::SIGKILL]);
                }
            }
        }
    }

    fn take(&mut self, mut order: Order, claude: &Followed) {
        if let Err(reason) = abilities(Manner::Exec(self.program)).allow(&order.command) {
            return order.tell(Fate::Nothing { reason: reason.into() });
        }
        match order.command {
            Command::Stop { grace } => self.stop(order, grace, claude),
            Command::Interrupt if self.interrupts.len() < UNDER_WAY => {
                send(claude, &[libc::SIGINT]);
                self.interrupts.push((order, Instant::now() + PATIENCE));
            }
            Command::Respond { .. } => pass_on(&self.permissions, order),
            _ => order.tell(Fate::Rejected { reason: "too much of the kind is under way".into() }),
        }
    }

    fn stop(&mut self, mut order: Order, grace: Duration, claude: &Followed) {
        if self.stops.len() >= UNDER_WAY {
            return order.tell(Fate::Rejected { reason: "too much of the kind is under way".into() });
        }
        if self.was_asked_to_end() {
            self.kill_at = Some(Instant::now());
        } else {
            send(claude, &[libc::SIGTERM, libc::SIGCONT]);
            self.kill_at = Some(Instant::now() + grace);
        }
        self.stops.push(order);
    }

    /// Claude and its family are over.
    pub(in crate::supervisor) fn over(self) {
        let interrupts = self.interrupts.into_iter().map(|(order, _)| order);
        for mut order in self.stops.into_iter().chain(interrupts) {
            order.tell(Fate::Done);
        }
        if let Some(mut orders) = self.orders {
            orders.close();
            while let Ok(mut order) = orders.try_recv() {
                order.tell(Fate::Nothing { reason: "claude has ended".into() });
            }
        }
    }
}

/// One that has ended hears nothing.
fn send(claude: &Followed, signals: &[i32]) {
    if let Err(cause) = claude.send(signals) {
        tracing::debug!("cannot signal claude: {cause}");
    }
}

async fn next(orders: &mut Option<mpsc::Receiver<Order>>) -> Order {
    match orders {
        Some(orders) => match orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn passed(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
