//! What a caller may do: by the token it shows, or by what the kernel says of it; never by what it claims.
//!
//! | caller | without a token | `--auth required` |
//! | --- | --- | --- |
//! | the Unix socket, same user | control | control |
//! | this machine, same user, no page | read, publish | nothing |
//! | this machine, same user, a page of our own | read | nothing |
//! | everybody else | nothing | nothing |
//!
//! A caller behind which a supervised claude is, or of which that cannot be established, has no control, whatever it
//! shows: claude's tools cannot answer claude's own questions.

use super::Shared;
use super::access::Claims;
use super::keys::{TokenId, Wrong};
use super::peer::Peer;
use crate::instance::{ENV_SESSION, Role};
use crate::process::lineage::{Lineage, Sign, Signs};
use crate::process::processes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use tokio::time::Instant;

/// Who it is that has come, and what it may do.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// The other end.
    pub(super) peer: Peer,
    /// `None`: nothing, until it shows a token.
    pub(super) role: Option<Role>,
    /// The token it has shown.
    pub(super) token: Option<TokenId>,
}

impl Visitor {
    /// By which way it came.
    pub(super) fn transport(&self) -> &'static str {
        self.peer.transport()
    }

    /// Whether it may do what this role is for. Control is looked at once more before it is used.
    pub(super) fn may(&self, role: Role) -> bool {
        self.role.is_some_and(|own| own.includes(role))
    }

    /// Who it is, in a few words.
    pub(super) fn description(&self) -> String {
        let token = self.token.as_ref().map_or(String::new(), |token| format!(", token {token}"));
        format!("{}{token}", self.peer)
    }
}

/// What is shown as a token in the head; `Some(None)` where it is nothing of the kind, or there are several.
pub(super) fn shown(parts: &Parts) -> Option<Option<&[u8]>> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let first = values.next()?;
    let bearer = first.as_bytes().split_at_checked(b"Bearer ".len());
    let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer ")).map(|(_, token)| token);
    Some(token.filter(|_| values.next().is_none()))
}

impl Shared {
    /// Who has come with this head.
    ///
    /// # Errors
    /// When it shows a token that is none.
    pub(super) fn visitor(&self, peer: Peer, parts: &Parts) -> Result<Visitor, Wrong> {
        let Some(shown) = shown(parts) else {
            let claims = Claims::of(parts);
            let is_page = !claims.origins.is_empty() || !claims.fetch_sites.is_empty();
            let role = self.role_of(&peer, is_page);
            return Ok(Visitor { peer, role, token: None });
        };
        let granted = self.access.keys.verify(shown.unwrap_or_default(), Instant::now())?;
        Ok(Visitor { peer, role: Some(granted.role), token: Some(granted.token) })
    }

    /// Without a token.
    fn role_of(&self, peer: &Peer, is_page: bool) -> Option<Role> {
        if !peer.is_own_user() {
            return None;
        }
        match (peer.is_unix(), is_page) {
            (true, _) => Some(Role::Control),
            (false, _) if self.access.requires_token => None,
            (false, true) => Some(Role::Read),
            (false, false) => Some(Role::Publish),
        }
    }

    /// Whether nothing leads from this caller to a supervised claude. To be asked before each effect.
    ///
    /// # Errors
    /// What does, one sentence without a final stop.
    pub(super) fn is_apart_from_claude(&self, peer: &Peer) -> Result<(), String> {
        let roots = self.control.as_ref().map_or_else(Vec::new, |control| control.roots());
        let signs = Signs { roots: &roots, variables: &[ENV_SESSION] };
        match peer.lineage(&signs) {
            Lineage::Free => Ok(()),
            Lineage::Supervised(Sign::Root(pid) | Sign::Session(pid)) => Err(format!(
                "this comes from below a supervised claude (pid {pid}), which does not control itself"
            )),
            Lineage::Supervised(Sign::Variable { pid, name }) => Err(format!(
                "this comes from inside a supervised claude ({name} of pid {pid}), which does not control itself"
            )),
            Lineage::Unknown => Err("which process this comes from cannot be established".into()),
        }
    }
}

/// Pid and start time of one that runs.
pub(super) fn root(pid: u32) -> Option<(u32, u64)> {
    Some((pid, processes::start_time(pid)?))
}
