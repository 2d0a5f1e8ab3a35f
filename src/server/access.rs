//! Who may speak to the server at all: exact Host, the Origin of that Host or none, no other site's page.
//!
//! A web page can make the user's browser connect to any local port, and a rebound DNS name makes it believe that
//! the port is its own. So every request is held against the few names we have, letter by letter; nothing is
//! resolved, parsed or normalised. What who is let in may do is `role`'s.

use super::door::{Door, Names};
use super::keys::Keys;
use crate::instance::audit::AuditLog;
use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::{StatusCode, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names a caller may use for this server, beside its own addresses, and what is asked of callers.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Everybody who comes by TCP has to show a token.
    pub requires_token: bool,
    /// The tokens that let callers in.
    pub keys: Keys,
    /// Where it is written down who came, who was turned away, and what was done to claude.
    pub audit: AuditLog,
    /// There is to be a log and it cannot be written: who comes by TCP controls nothing.
    pub is_unaudited: bool,
    pub(super) allowed: Vec<String>,
}

impl Access {
    /// Only the loopback names and the bound address.
    pub fn loopback() -> Self {
        Self::default()
    }

    /// Also this `host:port`, as a Host and, behind the scheme of the door, as an Origin. With a scheme in front,
    /// `https://host:port`, that one is the Origin at every door: another server may stand before this one.
    #[must_use]
    pub fn allow(mut self, origin: &str) -> Self {
        self.allowed.push(origin.to_ascii_lowercase());
        self
    }
}

/// What a request says about where it comes from and whom it means.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    pub(super) hosts: Vec<&'a [u8]>,
    pub(super) origins: Vec<&'a [u8]>,
    pub(super) fetch_sites: Vec<&'a [u8]>,
    /// Scheme and authority of an absolute-form target (RFC 9112 section 3.2.2).
    pub(super) target: Option<(&'a str, &'a str)>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(parts: &'a Parts) -> Self {
        let all = |name| parts.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        Self {
            hosts: all(HOST),
            origins: all(ORIGIN),
            fetch_sites: all(SEC_FETCH_SITE),
            target: absolute(&parts.uri),
        }
    }
}

fn absolute(uri: &Uri) -> Option<(&str, &str)> {
    uri.authority().map(|authority| (uri.scheme_str().unwrap_or(""), authority.as_str()))
}

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("cannot accept request: exactly one Host header is needed")]
    HostCount,
    #[error("cannot accept request: the Host is not this server")]
    ForeignHost,
    #[error("cannot accept request: the target and the Host differ")]
    ForeignTarget,
    #[error("cannot accept request: the Origin is not this server")]
    ForeignOrigin,
    #[error("cannot accept request: it comes from another site")]
    OtherSite,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::HostCount | Self::ForeignTarget => StatusCode::BAD_REQUEST,
            Self::ForeignHost | Self::ForeignOrigin | Self::OtherSite => StatusCode::FORBIDDEN,
        }
    }
}

/// Whether the request may go on.
pub(super) fn judge(door: &Door, claims: &Claims<'_>) -> Result<(), Refusal> {
    match door {
        Door::Tcp(names) => {
            judge_host(names, claims)?;
            judge_origin(names, claims)
        }
        Door::Unix if claims.origins.is_empty() => Ok(()),
        Door::Unix => Err(Refusal::ForeignOrigin),
    }
}

/// Whether a hook may go on: as [`judge`], but an Origin is no good at all, for claude has none.
pub(super) fn judge_hook(door: &Door, claims: &Claims<'_>) -> Result<(), Refusal> {
    if claims.origins.is_empty() { judge(door, claims) } else { Err(Refusal::ForeignOrigin) }
}

fn judge_host(names: &Names, claims: &Claims<'_>) -> Result<(), Refusal> {
    let [host] = claims.hosts[..] else { return Err(Refusal::HostCount) };
    if !names.hosts.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(host)) {
        return Err(Refusal::ForeignHost);
    }
    match claims.target {
        Some((scheme, target)) if scheme != names.scheme || !host.eq_ignore_ascii_case(target.as_bytes()) => {
            Err(Refusal::ForeignTarget)
        }
        _ => Ok(()),
    }
}

fn judge_origin(names: &Names, claims: &Claims<'_>) -> Result<(), Refusal> {
    // Browsers write an Origin in lower case, so nothing is folded here.
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    match (&claims.origins[..], &claims.hosts[..]) {
        ([], _) => {}
        ([origin], [host]) if names.is_own_page(text(origin), text(host)) => {}
        _ => return Err(Refusal::ForeignOrigin),
    }
    // An <img> or a link has no Origin, but browsers say which site it is on.
    match claims.fetch_sites[..] {
        [] | [b"same-origin"] | [b"none"] => Ok(()),
        _ => Err(Refusal::OtherSite),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(bound: &str) -> Door {
        Access::loopback().allow("Box.local:8765").door(Some(bound.parse().unwrap()), false)
    }

    fn host(bound: &str, hosts: &[&str]) -> Result<(), Refusal> {
        let hosts = hosts.iter().map(|host| host.as_bytes()).collect();
        judge(&door(bound), &Claims { hosts, ..Claims::default() })
    }

    fn origin(origins: &[&str], fetch_sites: &[&str]) -> Result<(), Refusal> {
        let bytes = |texts: &[&'static str]| texts.iter().map(|text| text.as_bytes()).collect();
        let origins = origins.iter().map(|text| text.as_bytes()).collect();
        let fetch_sites = fetch_sites.iter().map(|text| text.as_bytes()).collect();
        let claims = Claims { hosts: bytes(&["127.0.0.1:8765"]), origins, fetch_sites, target: None };
        judge(&door("127.0.0.1:8765"), &claims)
    }

    #[test]
    fn our_own_names_are_accepted_in_any_case() {
        for name in ["127.0.0.1:8765", "localhost:8765", "LocalHost:8765", "[::1]:8765", "box.LOCAL:8765"] {
            assert_eq!(host("127.0.0.1:8765", &[name]), Ok(()), "{name}");
        }
        assert_eq!(host("192.168.1.5:8765", &["192.168.1.5:8765"]), Ok(()));
        assert_eq!(host("[fe80::1]:8765", &["[fe80::1]:8765"]), Ok(()));
    }

    #[test]
    fn every_other_host_is_refused() {
        for name in [
            "",
            " ",
            "evil.example",
            "evil.example:8765",
            "127.0.0.1",
            "localhost",
            "[::1]",
            "127.0.0.1:80",
            "127.0.0.1:8766",
            "127.0.0.1:87650",
            "127.0.0.1:08765",
            "127.0.0.1:8765 ",
            " 127.0.0.1:8765",
            "127.0.0.1:8765\t",
            "127.0.0.1:8765,evil.example",
            "127.0.0.1:8765@evil.example",
            "x@127.0.0.1:8765",
            "localhost:8765@evil.example:8765",
            "127.0.0.1.:8765",
            "localhost.:8765",
            "127.0.0.1:8765.",
            "127.0.0.1.evil.example:8765",
            "localhost.evil.example:8765",
            "127.0.0.1.nip.io:8765",
            "evil.localhost:8765",
            "notlocalhost:8765",
            "127.1:8765",
            "127.0.1:8765",
            "2130706433:8765",
            "0x7f.0.0.1:8765",
            "0x7f000001:8765",
            "0177.0.0.1:8765",
            "127.0.0.01:8765",
            "127.000.000.001:8765",
            "0.0.0.0:8765",
            "127.0.0.2:8765",
            "[::]:8765",
            "::1:8765",
            "[0:0:0:0:0:0:0:1]:8765",
            "[::ffff:127.0.0.1]:8765",
            "[::1%lo]:8765",
            "localhost:",
            "localhost:http",
            "localhost:+8765",
            "localhost:-8765",
            "http://localhost:8765",
            "//localhost:8765",
            "localhost:8765/",
            "localhost:8765?",
            "localhost:8765#",
            "localhost:8765\\",
            "locаlhost:8765",
            "ⓛocalhost:8765",
            "localhost\0:8765",
            "localhost%00:8765",
            "127。0。0。1:8765",
            "%6cocalhost:8765",
            "localhost:８７６５",
            "*",
            "null",
        ] {
            assert_eq!(host("127.0.0.1:8765", &[name]), Err(Refusal::ForeignHost), "{name:?}");
        }
    }

    #[test]
    fn the_host_stands_there_once() {
        for hosts in [&[][..], &["127.0.0.1:8765", "127.0.0.1:8765"], &["127.0.0.1:8765", "evil.example"]] {
            assert_eq!(host("127.0.0.1:8765", hosts), Err(Refusal::HostCount), "{hosts:?}");
        }
    }

    #[test]
    fn the_port_may_be_missing_only_where_it_is_80() {
        for name in ["localhost", "localhost:80", "127.0.0.1", "[::1]"] {
            assert_eq!(host("127.0.0.1:80", &[name]), Ok(()), "{name}");
        }
        assert_eq!(host("127.0.0.1:80", &["localhost:8765"]), Err(Refusal::ForeignHost));
        assert_eq!(host("127.0.0.1:80", &["localhost:"]), Err(Refusal::ForeignHost));
    }

    #[test]
    fn an_absolute_target_agrees_with_the_host() {
        for (scheme, target, expected) in [
            ("http", "localhost:8765", Ok(())),
            ("http", "LOCALHOST:8765", Ok(())),
            ("http", "127.0.0.1:8765", Err(Refusal::ForeignTarget)),
            ("http", "evil.example", Err(Refusal::ForeignTarget)),
            ("http", "x@localhost:8765", Err(Refusal::ForeignTarget)),
            ("https", "localhost:8765", Err(Refusal::ForeignTarget)),
            ("", "localhost:8765", Err(Refusal::ForeignTarget)),
        ] {
            let hosts = vec![b"localhost:8765".as_slice()];
            let claims = Claims { hosts, target: Some((scheme, target)), ..Claims::default() };
            assert_eq!(judge(&door("127.0.0.1:8765"), &claims), expected, "{scheme} {target}");
        }
    }

    #[test]
    fn an_origin_is_our_own_or_absent() {
        for own in ["http://127.0.0.1:8765", "http://box.local:8765"] {
            assert_eq!(origin(&[own], &[]), Ok(()), "{own}");
        }
        for foreign in [
            "",
            "null",
            "file://",
            "http://",
            "http://evil.example",
            "http://evil.example:8765",
            "http://127.0.0.1",
            "http://127.0.0.1:80",
            "http://127.0.0.1:8766",
            "https://127.0.0.1:8765",
            "HTTP://127.0.0.1:8765",
            "http://LOCALHOST:8765",
            "ws://127.0.0.1:8765",
            "127.0.0.1:8765",
            "http://127.0.0.1:8765/",
            "http://127.0.0.1:8765 ",
            "http://127.0.0.1:8765,http://evil.example",
            "http://127.0.0.1:8765 http://evil.example",
            "http://127.0.0.1:8765@evil.example",
            "http://x@127.0.0.1:8765",
            // Ours, and yet not the one that is called.
            "http://localhost:8765",
            "http://[::1]:8765",
            "http://localhost.:8765",
            "http://localhost.evil.example:8765",
            "http://evil.localhost:8765",
            "http://2130706433:8765",
            "http://0x7f.1:8765",
            "http:127.0.0.1:8765",
            "chrome-extension://abcdefgh",
            "moz-extension://x",
            "vscode-webview://x",
            "data:",
            "blob:http://x",
            "about:blank",
            "app://localhost:8765",
            "capacitor://localhost",
            "http://[::ffff:127.0.0.1]:8765",
        ] {
            assert_eq!(origin(&[foreign], &[]), Err(Refusal::ForeignOrigin), "{foreign:?}");
        }
        let two = ["http://127.0.0.1:8765", "http://127.0.0.1:8765"];
        assert_eq!(origin(&two, &[]), Err(Refusal::ForeignOrigin));
    }

    #[test]
    fn a_browser_comes_from_our_own_page_or_from_the_address_bar() {
        for (sites, expected) in [
            (&["same-origin"][..], Ok(())),
            (&["none"], Ok(())),
            (&["same-site"], Err(Refusal::OtherSite)),
            (&["cross-site"], Err(Refusal::OtherSite)),
            (&["SAME-ORIGIN"], Err(Refusal::OtherSite)),
            (&[""], Err(Refusal::OtherSite)),
            (&["none", "none"], Err(Refusal::OtherSite)),
        ] {
            assert_eq!(origin(&[], sites), expected, "{sites:?}");
        }
    }

    #[test]
    fn the_unix_socket_needs_no_host_and_takes_no_origin() {
        let door = Access::loopback().door(None, false);
        assert_eq!(judge(&door, &Claims::default()), Ok(()));
        let claims = Claims { origins: vec![b"http://127.0.0.1:8765"], ..Claims::default() };
        assert_eq!(judge(&door, &claims), Err(Refusal::ForeignOrigin));
    }
}
