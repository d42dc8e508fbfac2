//! What only system calls tell: the host's name, its addresses, the use of its file systems.

use std::net::Ipv4Addr;

use nix::{ifaddrs::getifaddrs, sys::statvfs::statvfs, unistd::gethostname};

use super::{files::HostFiles, storage};

/// The results of the system calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    pub host_name: String,
    /// IPv4 only: IPv6 is read from `/proc`, which also tells temporary addresses apart.
    pub addresses: Vec<InterfaceAddress>,
    pub file_systems: Vec<FileSystem>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddress {
    pub interface: String,
    pub address: Ipv4Addr,
    pub prefix: u32,
}

/// A mounted file system on a block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// `major:minor` of the device.
    pub device: String,
    pub used_bytes: u64,
}

/// Makes the calls.
pub fn read_calls(files: &HostFiles) -> Calls {
    let host_name = gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    Calls { host_name, addresses: addresses(), file_systems: file_systems(files) }
}

fn addresses() -> Vec<InterfaceAddress> {
    let all = getifaddrs().into_iter().flatten();
    let ipv4 = all.filter_map(|interface| {
        let address = interface.address.as_ref()?.as_sockaddr_in()?.ip();
        let mask = interface.netmask.as_ref().and_then(|mask| Some(mask.as_sockaddr_in()?.ip()));
        let prefix = mask.map_or(32, |mask| u32::from(mask).count_ones());
        Some(InterfaceAddress { interface: interface.interface_name, address, prefix })
    });
    ipv4.collect()
}

fn file_systems(files: &HostFiles) -> Vec<FileSystem> {
    let mounts = storage::block_mounts(files);
    let used = mounts.into_iter().filter_map(|mount| {
        let stat = statvfs(mount.path.as_str()).ok()?;
        let used_bytes = (stat.blocks() - stat.blocks_free()) * stat.fragment_size();
        Some(FileSystem { device: mount.device, used_bytes })
    });
    used.collect()
}
