//! Addresses of version 4 as numbers, texts and ranges.

use std::net::Ipv4Addr;

use crate::json::Json;
use bowline_kql::{Type, Value};

use super::{Call, Network, V4_BITS};
use crate::dynamic;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let network = |index: usize| Network::parse_v4(&call.text(index)?);
    let long = |value: Option<i64>| value.map_or(Value::Null(Type::Long), Value::Long);
    let number = |network: Network| i64::from(network.v4().to_bits());
    Some(match name {
        "parse_ipv4" => long(network(0).map(number)),
        "parse_ipv4_mask" => {
            long(network(0).zip(prefix(call)).map(|(ip, prefix)| number(ip.at_most(prefix))))
        }
        "format_ipv4" | "format_ipv4_mask" => {
            let given = if call.values.len() > 1 { prefix(call) } else { Some(128) };
            let found = address(call.value(0)).zip(given).map(|(ip, prefix)| ip.at_most(prefix));
            Value::String(found.map_or_else(String::new, |ip| match name {
                "format_ipv4" => ip.v4().to_string(),
                _ => format!("{}/{}", ip.v4(), ip.prefix - V4_BITS),
            }))
        }
        "ipv4_is_private" => network(0).map_or(Value::Null(Type::Bool), |ip| {
            let inside = |range: &str| {
                Network::parse(range).is_some_and(|range| range.contains(ip) && range.prefix <= ip.prefix)
            };
            Value::Bool(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].into_iter().any(inside))
        }),
        "ipv4_netmask_suffix" => long(network(0).map(|ip| i64::from(ip.prefix - V4_BITS))),
        "ipv4_range_to_cidr_list" => {
            let ends = network(0).zip(network(1)).map(|(from, to)| (from.v4().to_bits(), to.v4().to_bits()));
            match ends.filter(|(from, to)| from <= to) {
                Some((from, to)) => dynamic::of(&Json::from(ranges(from, to))),
                None => Value::Null(Type::Dynamic),
            }
        }
        _ => return None,
    })
}

/// The bits that a second argument lets count.
fn prefix(call: &Call<'_>) -> Option<u32> {
    let prefix = u32::try_from(call.long(1)?).ok().filter(|prefix| *prefix <= 32)?;
    Some(V4_BITS + prefix)
}

/// An address as a text or as a number.
fn address(value: &Value) -> Option<Network> {
    match value.as_long() {
        Some(number) => Network::parse(&Ipv4Addr::from_bits(u32::try_from(number).ok()?).to_string()),
        None => Network::parse_v4(&crate::convert::to_text(value)),
    }
}

/// The fewest networks that are exactly a range.
fn ranges(from: u32, to: u32) -> Vec<String> {
    let mut all = Vec::new();
    let (mut at, end) = (u64::from(from), u64::from(to) + 1);
    while at < end {
        let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let fitting = (end - at).ilog2();
        let bits = aligned.min(fitting);
        all.push(format!("{}/{}", Ipv4Addr::from_bits(at as u32), 32 - bits));
        at += 1 << bits;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_covered_exactly() {
        assert_eq!(ranges(0, u32::MAX), ["0.0.0.0/0"]);
        assert_eq!(ranges(u32::MAX, u32::MAX), ["255.255.255.255/32"]);
        assert_eq!(ranges(1, 4), ["0.0.0.1/32", "0.0.0.2/31", "0.0.0.4/32"]);
    }
}
