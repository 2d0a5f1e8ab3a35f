//! The components that publish into this hub: who is there, and how each is doing (requirement R4).
//!
//! A component is there as long as the connection it registered on; one that registered with a POST is there as long
//! as it is heard of. What is told of them is returned; publishing it is the caller's.

use crate::dialect::{Code, Fault};
use crate::event::Body;
use crate::event::surroundings::{ComponentHealth, ComponentState, ComponentStopped};
use crate::hub;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Most components at once.
const MAX_COMPONENTS: usize = 256;
/// After this much silence a component without a connection is degraded.
const SILENCE: Duration = Duration::from_secs(60);
/// After this much it is no longer expected.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Number of a connection in this server.
pub(super) type ClientId = u64;

/// All that are known.
#[derive(Debug, Default)]
pub(super) struct Components(Mutex<BTreeMap<String, Component>>);

#[derive(Debug)]
struct Component {
    /// The connection it lives with, if it has one.
    client: Option<ClientId>,
    state: ComponentState,
    heard: Instant,
}

impl Components {
    /// Takes all of them in, or none.
    ///
    /// # Errors
    /// When the name of one is that of another that is there, or there are too many.
    pub(super) fn enter_all(
        &self,
        names: BTreeSet<String>,
        client: Option<ClientId>,
        now: Instant,
    ) -> Result<(), Fault> {
        let mut all = self.lock();
        let mut new = 0;
        for name in &names {
            match all.get(name).map(|known| known.client) {
                Some(Some(other)) if Some(other) != client => {
                    let cause = format_args!("cannot register {name:?}: another connection has this name");
                    return Err(Fault::new(Code::NotAllowed, cause));
                }
                Some(_) => {}
                None => new += 1,
            }
            if all.len() + new > MAX_COMPONENTS {
                let cause = format_args!("cannot register {name:?}: there are {MAX_COMPONENTS} components");
                return Err(Fault::new(Code::TooLarge, cause));
            }
        }
        let component = || Component { client, state: ComponentState::Healthy, heard: now };
        all.extend(names.into_iter().map(|name| (name, component())));
        Ok(())
    }

    /// Whether the name belongs to another connection than this one.
    pub(super) fn is_anothers(&self, name: &str, client: Option<ClientId>) -> bool {
        let owner = self.lock().get(name).and_then(|known| known.client);
        owner.is_some_and(|owner| Some(owner) != client)
    }

    pub(super) fn is_known(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    /// It says itself that it leaves.
    pub(super) fn leave(&self, name: &str) {
        self.lock().remove(name);
    }

    /// The connection has ended: who leaves with it, and what is told of them.
    pub(super) fn gone(&self, client: ClientId) -> Vec<(String, Body)> {
        let mut all = self.lock();
        let left = all.extract_if(.., |_, known| known.client == Some(client));
        left.map(|(name, _)| {
            let stopped =
                ComponentStopped { component: name.clone(), reason: "its connection ended".to_owned() };
            (name, Body::ComponentStopped(stopped))
        })
        .collect()
    }

    /// It gave a sign of life: an event of its own.
    pub(super) fn heard(&self, name: &str, now: Instant) -> Option<Body> {
        let mut all = self.lock();
        let known = all.get_mut(name)?;
        known.heard = now;
        // What it says of itself stands until it says something else; silence is over with any word.
        if known.client.is_some() {
            return None;
        }
        turn(name, known, ComponentState::Healthy, Some("it is heard of again"))
    }

    /// It says itself how it is doing.
    pub(super) fn says(&self, name: &str, state: ComponentState) {
        if let Some(known) = self.lock().get_mut(name) {
            known.state = state;
        }
    }

    /// The connection answers, or does not.
    pub(super) fn answers(&self, client: ClientId, answers: bool) -> Vec<(String, Body)> {
        let (state, why) = match answers {
            true => (ComponentState::Healthy, "it answers again"),
            false => (ComponentState::Degraded, "it does not answer"),
        };
        let mut all = self.lock();
        let of_client = all.iter_mut().filter(|(_, known)| known.client == Some(client));
        of_client
            .filter_map(|(name, known)| Some((name.clone(), turn(name, known, state, Some(why))?)))
            .collect()
    }

    /// Looks for those without a connection that have become silent.
    pub(super) fn sweep(&self, now: Instant) -> Vec<(String, Body)> {
        let mut all = self.lock();
        let mut told = Vec::new();
        all.retain(|name, known| {
            let silent = now.saturating_duration_since(known.heard);
            if known.client.is_some() || silent < SILENCE {
                return true;
            }
            let body = match silent >= FORGOTTEN {
                true => Some(Body::ComponentStopped(ComponentStopped {
                    component: name.clone(),
                    reason: "nothing was heard of it for ten minutes".to_owned(),
                })),
                false => turn(name, known, ComponentState::Degraded, Some("nothing is heard of it")),
            };
            told.extend(body.map(|body| (name.clone(), body)));
            silent < FORGOTTEN
        });
        told
    }

    /// Names and states, this hub first.
    pub(super) fn states(&self) -> Vec<(String, ComponentState)> {
        let all = self.lock();
        let others = all.iter().map(|(name, known)| (name.clone(), known.state));
        std::iter::once((env!("CARGO_PKG_NAME").to_owned(), ComponentState::Healthy)).chain(others).collect()
    }

    /// Held for a moment, and never while waiting.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Component>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn turn(name: &str, known: &mut Component, state: ComponentState, why: Option<&str>) -> Option<Body> {
    let previous = std::mem::replace(&mut known.state, state);
    (previous != state).then(|| {
        Body::ComponentHealth(ComponentHealth {
            component: name.to_owned(),
            status: state,
            previous: Some(previous),
            reason: why.map(str::to_owned),
            since: hub::now(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(
        components: &Components,
        names: &[&str],
        client: Option<ClientId>,
        now: Instant,
    ) -> Result<(), Fault> {
        components.enter_all(names.iter().map(|name| (*name).to_owned()).collect(), client, now)
    }

    #[test]
    fn a_name_belongs_to_one_connection_until_it_ends() {
        let (components, now) = (Components::default(), Instant::now());
        enter(&components, &["router"], Some(1), now).unwrap();
        assert_eq!(enter(&components, &["a", "router"], Some(2), now).unwrap_err().code, Code::NotAllowed);
        assert!(!components.is_known("a"), "all or none");
        let many: Vec<String> = (0..256).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(enter(&components, &many, None, now).unwrap_err().code, Code::TooLarge);
        assert!(!components.is_known("0"), "all or none");
        assert!(components.is_anothers("router", Some(2)) && !components.is_anothers("router", Some(1)));
        let told = components.gone(1);
        assert!(matches!(&told[..], [(name, Body::ComponentStopped(_))] if name == "router"));
        enter(&components, &["router"], Some(2), now).unwrap();
    }

    #[test]
    fn silence_degrades_once_and_an_answer_heals() {
        let (components, now) = (Components::default(), Instant::now());
        enter(&components, &["router"], Some(1), now).unwrap();
        assert_eq!(components.answers(1, true), []);
        assert_eq!(components.answers(1, false).len(), 1);
        assert_eq!(components.answers(1, false), []);
        assert_eq!(components.states()[1], ("router".to_owned(), ComponentState::Degraded));
        assert_eq!(components.answers(1, true).len(), 1);
    }

    #[test]
    fn one_without_a_connection_is_there_as_long_as_it_is_heard_of() {
        let (components, start) = (Components::default(), Instant::now());
        enter(&components, &["script"], None, start).unwrap();
        assert_eq!(components.sweep(start + Duration::from_secs(59)), []);
        assert_eq!(components.sweep(start + Duration::from_secs(61)).len(), 1);
        assert!(components.heard("script", start + Duration::from_secs(70)).is_some());
        assert_eq!(components.sweep(start + Duration::from_secs(129)), []);
        assert!(matches!(
            components.sweep(start + Duration::from_secs(700))[..],
            [(_, Body::ComponentStopped(_))]
        ));
        assert!(!components.is_known("script"));
    }
}
