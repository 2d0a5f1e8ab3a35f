//! Values of options that are more than a text or a number.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// Which TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// The first free one.
    Auto,
    /// This one.
    Number(u16),
}

impl FromStr for PortChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(0) => Err("port 0 is no port; `auto` takes a free one"),
            Ok(port) => Ok(Self::Number(port)),
            Err(_) => Err("it should be a number from 1 to 65535, or `auto`"),
        }
    }
}

impl fmt::Display for PortChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Number(port) => port.fmt(out),
        }
    }
}

/// Size of a terminal, characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Width, at least 1.
    pub cols: u16,
    /// Height, at least 1.
    pub rows: u16,
}

impl FromStr for WindowSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "it should look like 80x24";
        let (cols, rows) = text.split_once(['x', 'X']).ok_or(FORM)?;
        let number = |text: &str| text.parse().ok().filter(|size| *size > 0).ok_or(FORM);
        Ok(Self { cols: number(cols)?, rows: number(rows)? })
    }
}

/// A numeric address, or `localhost`.
pub(super) fn address(text: &str) -> Result<IpAddr, &'static str> {
    match text {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => text.parse().map_err(|_| "it should be a numeric address, like 127.0.0.1 or ::1"),
    }
}

/// A finite factor above 0.
pub(super) fn speed(text: &str) -> Result<f64, &'static str> {
    let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor > 0.0);
    factor.ok_or("it should be a number above 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!("auto".parse(), Ok(PortChoice::Auto));
        assert_eq!("8766".parse(), Ok(PortChoice::Number(8766)));
        assert!(["0", "65536", "", "-1", "x"].iter().all(|text| text.parse::<PortChoice>().is_err()));
        assert_eq!("80x24".parse(), Ok(WindowSize { cols: 80, rows: 24 }));
        assert!(
            ["80", "0x1", "x", "80x24x1", "80x65536"].iter().all(|text| text.parse::<WindowSize>().is_err())
        );
        assert!(["127.0.0.1", "::1", "localhost", "0.0.0.0", "::"].iter().all(|text| address(text).is_ok()));
        assert!(
            ["", "example.com", "192.168.0", "[::1]", "::1%lo"].iter().all(|text| address(text).is_err())
        );
        assert!(["0", "-1", "NaN", "inf", ""].iter().all(|text| speed(text).is_err()));
    }

    #[test]
    fn the_command_is_put_together_rightly() {
        use clap::CommandFactory;
        crate::cli::Cli::command().debug_assert();
    }
}
