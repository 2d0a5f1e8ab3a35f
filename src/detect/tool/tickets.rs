//! Which tickets are known already: each is told of once, each change of it once per call.

use super::telling::{FactKind, Telling};
use crate::detect::observation::{Call, Outcome};
use crate::detect::ticket::{Change, TicketFact, Tickets};
use crate::event::Body;
use crate::event::work::{Ticket, TicketUpdate};
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};

/// Most tickets of one claude session that are remembered.
const MAX_KNOWN: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct KnownTickets {
    /// By system and id; what is known of it.
    known: HashMap<(String, String), Ticket>,
    order: VecDeque<(String, String)>,
    /// Calls whose changes were told.
    updated_by: HashSet<String>,
}

impl KnownTickets {
    /// A call has returned that may have made tickets.
    pub(super) fn returned(
        &mut self,
        call: &Call,
        outcome: &Outcome,
        tickets: &Tickets,
        telling: &mut Telling<'_>,
    ) {
        let found = found(call, outcome, tickets);
        let is_repeat = !found.is_empty() && !self.updated_by.insert(call.id.clone());
        if self.updated_by.len() > MAX_KNOWN {
            self.updated_by.clear();
        }
        for TicketFact { change, ticket } in found {
            match change {
                Change::Created => self.created(ticket, telling),
                Change::Updated { .. } if is_repeat => telling.confirm(FactKind::Ticket, &ticket.id),
                Change::Updated { changed } => self.updated(ticket, changed, telling),
            }
        }
    }

    fn created(&mut self, ticket: Ticket, telling: &mut Telling<'_>) {
        if self.remember(&ticket) {
            telling.tell(FactKind::Ticket, &ticket.id.clone(), Body::TicketCreated(ticket));
        } else {
            telling.confirm(FactKind::Ticket, &ticket.id);
        }
    }

    fn updated(&mut self, mut ticket: Ticket, changed: Vec<String>, telling: &mut Telling<'_>) {
        if let Some(known) = self.known.get(&(ticket.system.clone(), ticket.id.clone())) {
            ticket.title = ticket.title.or_else(|| known.title.clone());
            ticket.priority = ticket.priority.or_else(|| known.priority.clone());
            ticket.assigned_to = ticket.assigned_to.or_else(|| known.assigned_to.clone());
            ticket.url = ticket.url.or_else(|| known.url.clone());
        }
        self.remember(&ticket);
        telling.tell(
            FactKind::Ticket,
            &ticket.id.clone(),
            Body::TicketUpdated(TicketUpdate { ticket, changed }),
        );
    }

    /// Whether it is new.
    fn remember(&mut self, ticket: &Ticket) -> bool {
        let key = (ticket.system.clone(), ticket.id.clone());
        let is_new = self.known.insert(key.clone(), ticket.clone()).is_none();
        if is_new {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        is_new
    }
}

/// What the result of this call says. Of a shell's command only its output counts, also where it failed at last.
fn found(call: &Call, outcome: &Outcome, tickets: &Tickets) -> Vec<TicketFact> {
    let command = || call.input.get("command").and_then(Value::as_str).unwrap_or_default();
    match (call.tool.as_str(), outcome) {
        ("Bash", Outcome::Ran(response)) => tickets.of_bash(command(), &printed(response)),
        ("Bash", Outcome::Failed(text)) => tickets.of_bash(command(), text),
        ("TaskOutput", Outcome::Ran(response)) => {
            let output = response.get("task").and_then(|task| task.get("output")).and_then(Value::as_str);
            tickets.of_bash("", output.unwrap_or_default())
        }
        (tool, Outcome::Ran(response)) if tool.starts_with("mcp__") => {
            tickets.of_mcp(tool, &call.input, response)
        }
        _ => Vec::new(),
    }
}

/// What a command printed: structured, or as text blocks.
fn printed(response: &Value) -> String {
    match response {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => response.get("stdout").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}
