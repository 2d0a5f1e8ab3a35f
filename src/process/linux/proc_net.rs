//! Whose a TCP socket is, by the tables `/proc/net/tcp` and `/proc/net/tcp6` (proc(5)): slower the more sockets there
//! are, so only for where the kernel answers no question about one.

use super::sock_diag::ESTABLISHED;
use crate::process::peer::TcpOwner;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Most of one table that is read, bytes: some 25,000 sockets.
const MAX_TABLE: u64 = 4 << 20;

/// The established socket `from` that is connected `to`.
pub(super) fn owner(from: SocketAddr, to: SocketAddr) -> Option<TcpOwner> {
    let plain = |address: SocketAddr| (address.ip().to_canonical(), address.port());
    let ((from, from_port), (to, to_port)) = (plain(from), plain(to));
    let wide = |address: IpAddr| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let in_six = || {
        let ends = [(&words(wide(from)), from_port), (&words(wide(to)), to_port)].map(end);
        search("/proc/net/tcp6", &ends)
    };
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let ends =
                [(&[word(from.octets())][..], from_port), (&[word(to.octets())][..], to_port)].map(end);
            search("/proc/net/tcp", &ends).or_else(in_six)
        }
        _ => in_six(),
    }
}

fn words(address: Ipv6Addr) -> Vec<u32> {
    address.octets().as_chunks::<4>().0.iter().map(|four| word(*four)).collect()
}

/// Four bytes of an address as the kernel prints them: in the order of its own machine.
fn word(four: [u8; 4]) -> u32 {
    u32::from_ne_bytes(four)
}

fn end((words, port): (&(impl AsRef<[u32]> + ?Sized), u16)) -> String {
    let address: String = words.as_ref().iter().map(|word| format!("{word:08X}")).collect();
    format!("{address}:{port:04X}")
}

fn search(table: &str, ends: &[String; 2]) -> Option<TcpOwner> {
    let table = BufReader::new(File::open(table).ok()?.take(MAX_TABLE));
    table.lines().skip(1).map_while(Result::ok).find_map(|line| read(&line, ends))
}

/// `sl local remote state queues timer retransmits uid timeout inode ...`
fn read(line: &str, ends: &[String; 2]) -> Option<TcpOwner> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let is_it = fields.next()? == ends[0]
        && fields.next()? == ends[1]
        && u8::from_str_radix(fields.next()?, 16) == Ok(ESTABLISHED);
    if !is_it {
        return None;
    }
    Some(TcpOwner { uid: fields.nth(3)?.parse().ok()?, inode: fields.nth(1)?.parse().ok()? })
}
