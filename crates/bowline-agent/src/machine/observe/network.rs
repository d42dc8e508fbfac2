//! Names, network interfaces and their addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::{HostFiles, calls::InterfaceAddress};

/// Virtual interfaces that come and go with containers and virtual machines: they are not the host's.
const NOT_THE_HOSTS: [&str; 14] = [
    "lo", "veth", "docker", "br-", "virbr", "vnet", "tap", "cni", "cali", "flannel", "cilium", "lxc",
    "kube-", "tunl",
];
/// Flags of an IPv6 address in `/proc/net/if_inet6`: temporary, duplicate, deprecated, tentative.
const NOT_STABLE: u32 = 0x01 | 0x08 | 0x20 | 0x40;
/// The scope of link-local addresses there.
const LINK_SCOPE: u32 = 0x20;

/// The host's names.
pub(super) struct Names {
    pub(super) host: String,
    pub(super) fqdn: String,
    pub(super) domain: String,
}

/// The fully qualified name is the host name itself, or what `/etc/hosts` calls it; no resolver is asked.
pub(super) fn names(files: &HostFiles, host_name: &str) -> Names {
    let host = host_name.split('.').next().unwrap_or_default().to_owned();
    let fqdn = if host_name.contains('.') {
        host_name.to_owned()
    } else {
        in_hosts_file(files, &host).unwrap_or_else(|| host.clone())
    };
    let domain = fqdn.split_once('.').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
    Names { host, fqdn, domain }
}

fn in_hosts_file(files: &HostFiles, host: &str) -> Option<String> {
    let text = files.text("etc/hosts")?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let names = lines.flat_map(|line| line.split_whitespace().skip(1));
    names.map(str::to_owned).find(|name| name.strip_prefix(host).is_some_and(|rest| rest.starts_with('.')))
}

/// The host's interfaces with their stable addresses.
pub(super) fn interfaces(files: &HostFiles, ipv4: &[InterfaceAddress]) -> Vec<Value> {
    let ipv6 = files.text("proc/net/if_inet6").unwrap_or_default();
    let interface = |name: String| {
        let mut addresses = ipv4_addresses(ipv4, &name);
        addresses.extend(ipv6.lines().filter_map(|line| ipv6_address(line, &name)));
        // Hardware counts without an address too; anything virtual only once it is in use.
        let hardware =
            files.link(&format!("sys/class/net/{name}")).is_some_and(|to| !to.contains("/virtual/"));
        if !hardware && addresses.is_empty() {
            return None;
        }
        let mac = files.text(&format!("sys/class/net/{name}/address")).unwrap_or_default();
        Some(json!({"id": name, "name": name, "macAddress": mac, "ipAddresses": addresses}))
    };
    let names = files.list("sys/class/net").into_iter();
    names
        .filter(|name| !NOT_THE_HOSTS.iter().any(|not| name.starts_with(not)))
        .filter_map(interface)
        .collect()
}

fn ipv4_addresses(all: &[InterfaceAddress], name: &str) -> Vec<Value> {
    let mut mine: Vec<_> = all.iter().filter(|address| address.interface == name).collect();
    mine.sort_by_key(|address| address.address);
    let value = |own: &&InterfaceAddress| {
        let mask = u32::MAX.checked_shl(32 - own.prefix).unwrap_or(0);
        let subnet = Ipv4Addr::from(u32::from(own.address) & mask);
        address(own.address.to_string(), "IPv4", format!("{subnet}/{}", own.prefix))
    };
    mine.iter().map(value).collect()
}

/// One line of `/proc/net/if_inet6`: address, interface number, prefix, scope, flags (all hexadecimal), name.
fn ipv6_address(line: &str, name: &str) -> Option<Value> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let [own, _, prefix, scope, flags, of] = fields[..] else { return None };
    let hex = |text| u32::from_str_radix(text, 16).ok();
    if of != name || hex(scope)? == LINK_SCOPE || hex(flags)? & NOT_STABLE != 0 {
        return None;
    }
    let (own, prefix) = (u128::from_str_radix(own, 16).ok()?, hex(prefix)?);
    let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix)?).unwrap_or(0);
    let subnet = Ipv6Addr::from(own & mask);
    Some(address(Ipv6Addr::from(own).to_string(), "IPv6", format!("{subnet}/{prefix}")))
}

fn address(address: String, version: &str, prefix: String) -> Value {
    json!({"address": address, "ipAddressVersion": version, "subnet": {"addressPrefix": prefix}})
}
