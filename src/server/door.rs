//! What we are called where a caller came in: by which address, over TLS or not, and by which names that were allowed.
//! Whom that lets in is `access`'s.

use super::access::Access;
use std::net::SocketAddr;

const HTTP: &str = "http";
const HTTPS: &str = "https";

/// Where a caller came in.
#[derive(Debug)]
pub(super) enum Door {
    /// By TCP.
    Tcp(Names),
    /// By the Unix socket, which no browser reaches.
    Unix,
}

/// What we are called at a door, in lower case.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) scheme: &'static str,
    pub(super) hosts: Vec<String>,
    /// How many of these, the first ones, are our own, and have pages of their own.
    own: usize,
    /// Of pages that may connect by whichever of these names, beside those of the name they connect by.
    pub(super) allowed: Vec<String>,
}

impl Names {
    fn new(scheme: &'static str) -> Self {
        Self { scheme, hosts: Vec::new(), own: 0, allowed: Vec::new() }
    }

    /// Our own name.
    fn add(&mut self, authority: &str) {
        self.hosts.extend(spellings(self.scheme, authority));
        self.own = self.hosts.len();
    }

    /// One that was allowed; behind our own.
    fn allow(&mut self, scheme: &str, authority: &str) {
        for host in spellings(scheme, authority) {
            self.allowed.push(format!("{scheme}://{host}"));
            self.hosts.push(host);
        }
    }

    /// Whether a page of this origin, letter by letter, is our own to who connects by this host, which is one of ours.
    /// Another name of ours is another place to a browser: somebody else may listen there.
    pub(super) fn is_own_page(&self, origin: &str, host: &str) -> bool {
        let authority = origin.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://"));
        let own = authority.filter(|authority| self.hosts[..self.own].iter().any(|name| name == authority));
        let short = |authority| without_port(self.scheme, authority);
        own.is_some_and(|own| short(own).eq_ignore_ascii_case(short(host)))
            || self.allowed.iter().any(|allowed| allowed == origin)
    }
}

/// The default port is left out by those who write addresses properly.
fn spellings(scheme: &str, authority: &str) -> impl Iterator<Item = String> {
    let short = without_port(scheme, authority);
    [Some(authority), (short != authority).then_some(short)].into_iter().flatten().map(str::to_owned)
}

/// Without the port that the scheme has anyway.
fn without_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    authority.strip_suffix(if scheme == HTTPS { ":443" } else { ":80" }).unwrap_or(authority)
}

impl Access {
    /// The door for hooks on this port: only claude calls there, by the address it was given.
    pub(super) fn hook_door(port: u16) -> Door {
        let mut names = Names::new(HTTP);
        ["127.0.0.1", "localhost"].iter().for_each(|host| names.add(&format!("{host}:{port}")));
        Door::Tcp(names)
    }

    /// The door a caller came through; `bound` is our address as the caller reached it, `None` on a Unix socket.
    pub(super) fn door(&self, bound: Option<SocketAddr>, is_tls: bool) -> Door {
        let Some(bound) = bound else { return Door::Unix };
        let scheme = if is_tls { HTTPS } else { HTTP };
        let mut names = Names::new(scheme);
        // At a socket of both families a caller by IPv4 knows nothing of IPv6.
        names.add(&SocketAddr::new(bound.ip().to_canonical(), bound.port()).to_string());
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            names.add(&format!("{host}:{}", bound.port()));
        }
        for allowed in &self.allowed {
            let (scheme, authority) = allowed.split_once("://").unwrap_or((scheme, allowed));
            names.allow(scheme, authority);
        }
        Door::Tcp(names)
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::{Claims, Refusal, judge};
    use super::*;

    /// Whether these are let in at a door with TLS, in front of which `https://box.example` is known.
    fn over_tls(bound: &str, host: &str, origin: &str) -> Result<(), Refusal> {
        let access = Access::loopback().allow("box.local:8765").allow("https://Box.example");
        let claims = Claims {
            hosts: vec![host.as_bytes()],
            origins: [origin].iter().filter(|text| !text.is_empty()).map(|text| text.as_bytes()).collect(),
            ..Claims::default()
        };
        judge(&access.door(Some(bound.parse().unwrap()), true), &claims)
    }

    #[test]
    fn at_a_door_with_tls_scheme_and_port_are_its_own() {
        let at = |host: &str, origin: &str| over_tls("192.168.1.5:8765", host, origin);
        for (host, origin) in [
            ("192.168.1.5:8765", ""),
            ("192.168.1.5:8765", "https://192.168.1.5:8765"),
            ("localhost:8765", "https://localhost:8765"),
            ("Box.local:8765", "https://box.local:8765"),
            ("box.example", "https://box.example"),
        ] {
            assert_eq!(at(host, origin), Ok(()), "{host} {origin}");
        }
        for origin in [
            "http://localhost:8765",
            "https://localhost",
            "https://localhost:443",
            "https://127.0.0.1:8765",
            "https://192.168.1.5:8765",
            "https://localhost:8766",
            "wss://localhost:8765",
            "http://box.local:8765",
            "http://box.example",
            "https://box.example:8765",
        ] {
            assert_eq!(at("localhost:8765", origin), Err(Refusal::ForeignOrigin), "{origin}");
        }
        // What was allowed in words may come by any name: a server in front may call us by another.
        assert_eq!(at("localhost:8765", "https://box.example"), Ok(()));
        assert_eq!(at("localhost", ""), Err(Refusal::ForeignHost));
        assert_eq!(over_tls("127.0.0.1:443", "localhost", "https://localhost"), Ok(()));
        assert_eq!(over_tls("127.0.0.1:443", "localhost:80", ""), Err(Refusal::ForeignHost));
        assert_eq!(over_tls("127.0.0.1:80", "localhost", ""), Err(Refusal::ForeignHost));
    }

    #[test]
    fn a_page_at_another_name_of_ours_is_not_our_own() {
        let access = Access::loopback();
        let names = ["127.0.0.1", "localhost", "[::1]"];
        for (host, page) in names.iter().flat_map(|host| names.map(|page| (host, page))) {
            for (port, ending) in [(8765, ":8765"), (80, ":80"), (80, "")] {
                let door = access.door(Some(([127, 0, 0, 1], port).into()), false);
                let (host, origin) = (format!("{host}{ending}"), format!("http://{page}{ending}"));
                let expected = if origin.ends_with(&host) { Ok(()) } else { Err(Refusal::ForeignOrigin) };
                let claims = Claims {
                    hosts: vec![host.as_bytes()],
                    origins: vec![origin.as_bytes()],
                    ..Claims::default()
                };
                assert_eq!(judge(&door, &claims), expected, "{origin} at {host}");
            }
        }
    }

    #[test]
    fn an_absolute_target_at_a_door_with_tls_says_so() {
        let door = Access::loopback().door(Some("127.0.0.1:8765".parse().unwrap()), true);
        for (scheme, expected) in [("https", Ok(())), ("http", Err(Refusal::ForeignTarget))] {
            let hosts = vec![b"localhost:8765".as_slice()];
            let claims = Claims { hosts, target: Some((scheme, "localhost:8765")), ..Claims::default() };
            assert_eq!(judge(&door, &claims), expected, "{scheme}");
        }
    }

    #[test]
    fn who_reaches_a_socket_of_both_families_by_ipv4_names_it_so() {
        let bound = "[::ffff:192.168.1.5]:8765".parse().unwrap();
        let claims = Claims { hosts: vec![b"192.168.1.5:8765".as_slice()], ..Claims::default() };
        assert_eq!(judge(&Access::loopback().door(Some(bound), false), &claims), Ok(()));
    }

    #[test]
    fn a_server_in_front_of_a_plain_door_may_be_known_by_its_own_scheme() {
        let access = Access::loopback().allow("https://box.example:443");
        let door = access.door(Some("127.0.0.1:8765".parse().unwrap()), false);
        for (origin, expected) in
            [("https://box.example", Ok(())), ("http://box.example", Err(Refusal::ForeignOrigin))]
        {
            let (hosts, origins) = (vec![b"box.example".as_slice()], vec![origin.as_bytes()]);
            assert_eq!(judge(&door, &Claims { hosts, origins, ..Claims::default() }), expected, "{origin}");
        }
    }
}
