//! Functions of addresses.

use super::Line;
use super::Naming::None as N;

pub(super) const LINES: &[Line] = &[
    ("parse_ipv4", "ip:string -> long", N, "An IPv4 address as a number."),
    ("parse_ipv4_mask", "ip:string, prefix:long -> long", N, "An IPv4 address under a mask as a number."),
    ("parse_ipv6", "ip:string -> string", N, "An address in IPv6's full form."),
    (
        "parse_ipv6_mask",
        "ip:string, prefix:long -> string",
        N,
        "An address under a mask in IPv6's full form.",
    ),
    ("format_ipv4", "ip:any, [prefix:long] -> string", N, "An IPv4 address as text."),
    ("format_ipv4_mask", "ip:any, prefix:long -> string", N, "An IPv4 network as text."),
    (
        "ipv4_compare",
        "left:string, right:string, [prefix:long] -> long",
        N,
        "Which of two addresses comes first.",
    ),
    ("ipv4_is_match", "left:string, right:string, [prefix:long] -> bool", N, "Whether two addresses match."),
    ("ipv4_is_in_range", "ip:string, range:string -> bool", N, "Whether a network holds an address."),
    (
        "ipv4_is_in_any_range",
        "ip:string, range:any... -> bool",
        N,
        "Whether one of the networks holds an address.",
    ),
    ("ipv4_is_private", "ip:string -> bool", N, "Whether an address is of a private network."),
    ("ipv4_netmask_suffix", "ip:string -> long", N, "The length of a network's prefix."),
    (
        "ipv4_range_to_cidr_list",
        "from:string, to:string -> dynamic",
        N,
        "The networks between two addresses.",
    ),
    (
        "ipv6_compare",
        "left:string, right:string, [prefix:long] -> long",
        N,
        "Which of two addresses comes first.",
    ),
    ("ipv6_is_match", "left:string, right:string, [prefix:long] -> bool", N, "Whether two addresses match."),
    ("ipv6_is_in_range", "ip:string, range:string -> bool", N, "Whether a network holds an address."),
    (
        "ipv6_is_in_any_range",
        "ip:string, range:any... -> bool",
        N,
        "Whether one of the networks holds an address.",
    ),
    ("has_ipv4", "text:string, ip:string -> bool", N, "Whether a text holds an address."),
    (
        "has_ipv4_prefix",
        "text:string, prefix:string -> bool",
        N,
        "Whether a text holds an address with this beginning.",
    ),
    ("has_any_ipv4", "text:string, ip:any... -> bool", N, "Whether a text holds one of the addresses."),
    (
        "has_any_ipv4_prefix",
        "text:string, prefix:any... -> bool",
        N,
        "Whether a text holds an address with one of these beginnings.",
    ),
    ("geo_info_from_ip_address", "ip:string -> dynamic", N, "Where an address is."),
];
