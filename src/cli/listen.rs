//! What can be typed about where a hub listens, and who may come: for an instance and for a hub that stands alone.

use super::value;
use clap::{Args, ValueEnum};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

/// Options of everything that listens.
#[derive(Debug, Clone, Args)]
pub struct ListenOptions {
    /// Address to listen on; beyond this machine only with --tls and --auth required
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = value::address)]
    pub websocket_host: IpAddr,
    /// Who has to show a token
    #[arg(long, value_name = "WHO", value_enum, default_value_t)]
    pub auth: Auth,
    /// Speak TLS, with a certificate in PEM, or `auto` for one of our own making that is kept
    #[arg(long, value_name = "FILE|auto")]
    pub tls: Option<TlsChoice>,
    /// The private key, where it is not in the file of the certificate
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_key: Option<PathBuf>,
    /// Listen beyond this machine without TLS or tokens, where everybody on the way can read along
    #[arg(long)]
    pub insecure: bool,
    /// Another name of this hub, HOST:PORT or https://HOST; its pages may connect; may be repeated
    #[arg(long, value_name = "HOST:PORT")]
    pub allow_origin: Vec<AllowedOrigin>,
    /// Most events in memory, 100 to 1000000, and never more than 16 MiB of them; older ones are read from the journal
    #[arg(long, value_name = "EVENTS", default_value_t = HISTORY, value_parser = value::history)]
    pub history: usize,
}

/// How many events are in memory where nobody says so.
const HISTORY: usize = 10_000;

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            websocket_host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            auth: Auth::default(),
            tls: None,
            tls_key: None,
            insecure: false,
            allow_origin: Vec::new(),
            history: HISTORY,
        }
    }
}

impl ListenOptions {
    /// An option that was typed and means nothing where nobody listens.
    pub fn needless(&self) -> Option<&'static str> {
        let typed = [
            (self.tls.is_some(), "--tls"),
            (self.auth != Auth::default(), "--auth"),
            (self.insecure, "--insecure"),
            (!self.allow_origin.is_empty(), "--allow-origin"),
            (self.history != HISTORY, "--history"),
        ];
        typed.into_iter().find(|(typed, _)| *typed).map(|(_, option)| option)
    }
}

/// Who has to show a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Auth {
    /// Callers from other machines
    #[default]
    Auto,
    /// Everybody who comes by TCP
    Required,
}

/// With which certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsChoice {
    /// One of our own making.
    Auto,
    /// The one in this file.
    File(PathBuf),
}

impl FromStr for TlsChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("it should be a file, or `auto`"),
            "auto" => Ok(Self::Auto),
            file => Ok(Self::File(file.into())),
        }
    }
}

/// `host:port`, or `http://` or `https://` and a host, with or without a port; in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(String);

impl AllowedOrigin {
    /// As it was typed, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for AllowedOrigin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it should look like box.local:8765 or https://box.local:8765";
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
            Some(_) => return Err("an origin begins with http:// or https://"),
            None => (None, text.as_str()),
        };
        // As a browser shows it in its address bar.
        let authority = if scheme.is_some() { rest.strip_suffix('/').unwrap_or(rest) } else { rest };
        if authority.contains('*') || authority == "null" {
            return Err("wildcards are not accepted: name each host");
        }
        if authority.contains('@') {
            return Err("a user has no place in an origin");
        }
        if authority.contains(['/', '?', '#']) {
            return Err("an origin has no path");
        }
        let (host, port) = divided(authority).ok_or(FORM)?;
        if port.is_none() && scheme.is_none() {
            return Err("a port is needed, or http:// or https:// in front");
        }
        if port.is_some_and(|port| !is_port(port)) || !is_host(host) {
            return Err(FORM);
        }
        Ok(Self(scheme.map_or_else(|| authority.to_owned(), |scheme| format!("{scheme}://{authority}"))))
    }
}

/// Host, and port where there is one; an IPv6 address stands in brackets.
fn divided(authority: &str) -> Option<(&str, Option<&str>)> {
    let end = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
    match authority[end..].find(':') {
        Some(colon) => Some((&authority[..end + colon], Some(&authority[end + colon + 1..]))),
        None => Some((authority, None)),
    }
}

/// Written as browsers write it: no zero in front.
fn is_port(port: &str) -> bool {
    port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            !host.is_empty() && host.len() < 254 && host.chars().all(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_host_and_a_port_or_has_a_scheme() {
        for (text, read) in [
            ("box.local:8765", "box.local:8765"),
            ("Box.Local:8765", "box.local:8765"),
            ("[::1]:8765", "[::1]:8765"),
            ("192.168.1.5:80", "192.168.1.5:80"),
            ("https://box.local", "https://box.local"),
            ("https://box.local/", "https://box.local"),
            ("HTTP://box:8080", "http://box:8080"),
            ("https://[fe80::1]:8765", "https://[fe80::1]:8765"),
        ] {
            assert_eq!(text.parse::<AllowedOrigin>().unwrap().as_str(), read, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_and_says_why() {
        for (text, says) in [
            ("*", "wildcards"),
            ("*.local:8765", "wildcards"),
            ("https://*", "wildcards"),
            ("box:*", "wildcards"),
            ("null", "wildcards"),
            ("u@box:8765", "a user"),
            ("https://u:p@box", "a user"),
            ("box:8765/", "an origin has no path"),
            ("https://box/x", "an origin has no path"),
            ("https://box?x", "an origin has no path"),
            ("https://box#x", "an origin has no path"),
            ("ws://box:8765", "an origin begins"),
            ("file://", "an origin begins"),
            ("box", "a port is needed"),
            ("box:", "it should look like"),
            ("box:0", "it should look like"),
            ("box:65536", "it should look like"),
            ("box:08765", "it should look like"),
            ("box:+1", "it should look like"),
            ("::1:8765", "it should look like"),
            ("[::1", "it should look like"),
            ("[x]:1", "it should look like"),
            (":8765", "it should look like"),
            ("https://", "it should look like"),
            ("", "a port is needed"),
            ("a b:1", "it should look like"),
            ("böx:1", "it should look like"),
        ] {
            let refused = text.parse::<AllowedOrigin>().unwrap_err();
            assert!(refused.starts_with(says), "{text}: {refused}");
        }
    }
}
