//! Functions of IP addresses.
//!
//! # Design notes
//! Every address is one of 128 bits; those of version 4 are `::ffff:0:0/96`. So there is one way to mask and to compare.

mod found;
mod v4;

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::json::Json;
use bowline_kql::{Type, Value};

use super::Call;
use crate::dynamic;
use crate::eval::Evaluated;

/// Bits before an address of version 4.
const V4_BITS: u32 = 96;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    compared(name, call).or_else(|| v4::call(name, call)).or_else(|| found::call(name, call)).map(Ok)
}

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    bits: u128,
    prefix: u32,
}

impl Network {
    /// Of either version, with or without `/prefix`.
    pub(crate) fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text.trim(), None),
        };
        // An old way of writing one of version 4 as one of version 6.
        let address =
            address.strip_prefix("::").filter(|rest| rest.parse::<Ipv4Addr>().is_ok()).unwrap_or(address);
        let (bits, before) = match address.parse::<Ipv4Addr>() {
            Ok(address) => (address.to_ipv6_mapped().to_bits(), V4_BITS),
            Err(_) => (address.parse::<Ipv6Addr>().ok()?.to_bits(), 0),
        };
        let prefix = before + prefix.unwrap_or(128 - before);
        (prefix <= 128).then_some(Network { bits, prefix })
    }

    pub(crate) fn parse_v4(text: &str) -> Option<Network> {
        Network::parse(text).filter(|network| network.is_v4() && !text.contains(':'))
    }

    fn is_v4(self) -> bool {
        self.bits >> 32 == 0xffff
    }

    /// Of at most so many bits.
    fn at_most(self, prefix: u32) -> Network {
        Network { prefix: self.prefix.min(prefix), ..self }
    }

    pub(crate) fn prefix(self) -> u32 {
        self.prefix
    }

    /// The first so many bits.
    pub(crate) fn masked_to(self, prefix: u32) -> u128 {
        masked(self.bits, prefix)
    }

    pub(crate) fn masked(self) -> u128 {
        masked(self.bits, self.prefix)
    }

    fn contains(self, other: Network) -> bool {
        masked(other.bits, self.prefix) == self.masked()
    }

    fn v4(self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.masked() & u128::from(u32::MAX)) as u32)
    }
}

fn masked(bits: u128, prefix: u32) -> u128 {
    bits & u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0)
}

fn compared(name: &str, call: &Call<'_>) -> Option<Value> {
    let v4 = name.starts_with("ipv4");
    let network = |index: usize| {
        let text = call.text(index)?;
        if v4 { Network::parse_v4(&text) } else { Network::parse(&text) }
    };
    let both = || {
        let (left, right) = (network(0)?, network(1)?);
        let most = match call.long(2) {
            None => 128,
            Some(prefix) => {
                let prefix =
                    u32::try_from(prefix).ok().filter(|prefix| *prefix <= if v4 { 32 } else { 128 })?;
                if v4 { V4_BITS + prefix } else { prefix }
            }
        };
        let prefix = left.prefix.min(right.prefix).min(most);
        Some(masked(left.bits, prefix).cmp(&masked(right.bits, prefix)))
    };
    let truth = |found: Option<bool>| found.map_or(Value::Null(Type::Bool), Value::Bool);
    Some(match name {
        "ipv4_compare" | "ipv6_compare" => {
            both().map_or(Value::Null(Type::Long), |found| Value::Long(found as i64))
        }
        "ipv4_is_match" | "ipv6_is_match" => truth(both().map(std::cmp::Ordering::is_eq)),
        "ipv4_is_in_range" | "ipv6_is_in_range" => {
            truth(network(0).zip(network(1)).map(|(ip, range)| range.contains(ip)))
        }
        "ipv4_is_in_any_range" | "ipv6_is_in_any_range" => truth(network(0).map(|ip| {
            let ranges = texts(call, 1);
            ranges
                .iter()
                .filter_map(|text| if v4 { Network::parse_v4(text) } else { Network::parse(text) })
                .any(|range| range.contains(ip))
        })),
        "parse_ipv6" => Value::String(network(0).map(written).unwrap_or_default()),
        "parse_ipv6_mask" => {
            let prefix =
                call.long(1).and_then(|prefix| u32::try_from(prefix).ok()).filter(|prefix| *prefix <= 128);
            Value::String(
                network(0).zip(prefix).map(|(ip, prefix)| written(ip.at_most(prefix))).unwrap_or_default(),
            )
        }
        _ => return None,
    })
}

/// All eight groups in full.
fn written(network: Network) -> String {
    let groups = Ipv6Addr::from_bits(network.masked()).segments();
    groups.map(|group| format!("{group:04x}")).join(":")
}

/// Texts from an argument on; lists stand for their members.
fn texts(call: &Call<'_>, from: usize) -> Vec<String> {
    let mut all = Vec::new();
    for index in from..call.values.len() {
        match call.json(index) {
            Json::Array(list) => all.extend(list.iter().map(dynamic::plain)),
            one => all.push(dynamic::plain(&one)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_versions_are_read() {
        assert_eq!(Network::parse("192.168.1.1/24").unwrap().v4().to_string(), "192.168.1.0");
        assert_eq!(Network::parse_v4("::ffff:1.2.3.4"), None);
        for text in ["", "1.2.3", "1.2.3.4/33", "::/129", "1.2.3.4/-1", "1.2.3.4/x"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
        assert!(Network::parse("0.0.0.0/0").unwrap().contains(Network::parse("9.9.9.9").unwrap()));
        assert!(!Network::parse("0.0.0.0/0").unwrap().contains(Network::parse("fe80::1").unwrap()));
        assert_eq!(masked(u128::MAX, 0), 0);
    }
}
