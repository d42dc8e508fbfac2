//! The mapping from a host's files to its properties, on recorded hosts in `tests/fixtures/hosts`.

use std::{net::Ipv4Addr, path::PathBuf};

use bowline_agent::{
    home::Enrolment,
    machine::observe::{self, Calls, FileSystem, HostFiles, InterfaceAddress},
};
use bowline_link::item::Proxy;
use serde_json::{Value, json};

pub fn folder(host: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hosts").join(host)
}

fn enrolment() -> Enrolment {
    Enrolment {
        server: "https://bowline.example".into(),
        ca_pem: None,
        tenant_id: String::new(),
        resource_id: String::new(),
        principal_id: String::new(),
        proxy: Proxy { url: Some("http://user:secret@proxy:3128".into()), no_proxy: vec![".local".into()] },
        key_expires_on: None,
        key_renew_from: None,
        other: serde_json::Map::new(),
    }
}

fn address(interface: &str, address: [u8; 4], prefix: u32) -> InterfaceAddress {
    InterfaceAddress { interface: interface.into(), address: Ipv4Addr::from(address), prefix }
}

fn facts(host: &str, calls: &Calls) -> Value {
    observe::facts(&HostFiles::at(folder(host)), calls, &enrolment())
}

fn physical() -> Calls {
    Calls {
        host_name: "press-7".into(),
        addresses: vec![
            address("lo", [127, 0, 0, 1], 8),
            address("eno1", [10, 1, 2, 30], 22),
            address("docker0", [172, 17, 0, 1], 16),
            address("wg0", [10, 99, 0, 2], 32),
        ],
        file_systems: vec![
            FileSystem { device: "8:1".into(), used_bytes: 200_000_000 },
            FileSystem { device: "253:0".into(), used_bytes: 40_000_000_000 },
        ],
    }
}

#[test]
fn a_physical_server_with_two_processors_and_lvm() {
    let facts = facts("physical-lvm", &physical());
    assert_eq!(facts["osName"], "debian");
    assert_eq!(facts["osVersion"], "12");
    assert_eq!(facts["osType"], "linux");
    assert_eq!(facts["machineFqdn"], "press-7.factory.example");
    assert_eq!(facts["domainName"], "factory.example");
    assert_eq!(facts["osProfile"], json!({"computerName": "press-7"}));
    let cpu = "Intel(R) Xeon(R) Silver 4208 CPU @ 2.10GHz";
    let hardware = json!({
        "totalPhysicalMemoryInBytes": 32_768_000_u64 * 1024, "numberOfCpuSockets": 2,
        "processors": [{"name": cpu, "numberOfCores": 2}, {"name": cpu, "numberOfCores": 2}],
    });
    assert_eq!(facts["hardwareProfile"], hardware);
    assert_eq!(facts["firmwareProfile"], json!({"type": "UEFI", "serialNumber": "F53RR4K"}));
    assert_eq!(facts["vmUuid"], "4c4c4544-0046-3510-8052-b4c04f385a31");
    assert_eq!(facts["cloudMetadata"], json!({"provider": "N/A"}));
    let disks = json!([
        {"id": "nvme0n1", "name": "nvme0n1", "path": "/dev/nvme0n1", "diskType": "SSD", "generatedId": "eui.0025385", "maxSizeInBytes": 512_110_190_592_u64},
        {"id": "sda", "name": "sda", "path": "/dev/sda", "diskType": "HDD", "maxSizeInBytes": 1_000_204_886_016_u64, "usedSpaceInBytes": 40_200_000_000_u64},
    ]);
    assert_eq!(facts["storageProfile"]["disks"], disks, "a logical volume counts for the disk below it");
    let detected = &facts["detectedProperties"];
    assert_eq!(detected["machineId"], "b08dfa6083e7567a1921a715000001fb");
    assert_eq!(detected["logicalCoreCount"], "8");
    assert_eq!(detected["coreCount"], "4");
    assert_eq!(detected["processorCount"], "2");
    assert_eq!(detected["model"], "PowerEdge R640");
    assert_eq!(detected["totalPhysicalMemoryInGigabytes"], "32");
    assert_eq!(detected["pgsqldiscovered"], "true");
    assert_eq!(detected.get("smbiosAssetTag"), None, "a vendor's filler is no asset tag");
}

#[test]
fn containers_bridges_and_temporary_addresses_are_not_the_hosts() {
    let facts = facts("physical-lvm", &physical());
    let interfaces = json!([
        {"id": "eno1", "name": "eno1", "macAddress": "4c:d9:8f:00:00:01", "ipAddresses": [
            {"address": "10.1.2.30", "ipAddressVersion": "IPv4", "subnet": {"addressPrefix": "10.1.0.0/22"}},
            {"address": "2001:db8:1::30", "ipAddressVersion": "IPv6", "subnet": {"addressPrefix": "2001:db8:1::/64"}},
        ]},
        {"id": "eno2", "name": "eno2", "macAddress": "4c:d9:8f:00:00:02", "ipAddresses": []},
        {"id": "wg0", "name": "wg0", "macAddress": "", "ipAddresses": [
            {"address": "10.99.0.2", "ipAddressVersion": "IPv4", "subnet": {"addressPrefix": "10.99.0.2/32"}},
        ]},
    ]);
    assert_eq!(facts["networkProfile"]["networkInterfaces"], interfaces);
}

#[test]
fn a_proxys_password_is_not_reported() {
    let facts = facts("physical-lvm", &physical());
    assert_eq!(facts["agentConfiguration"]["proxyUrl"], "http://user@proxy:3128/");
    assert!(!facts.to_string().contains("secret"));
}

#[test]
fn a_cloud_machine_on_arm() {
    let facts = facts(
        "cloud-arm",
        &Calls { host_name: "ip-10-0-0-9.eu-west-1.compute.internal".into(), ..Calls::default() },
    );
    assert_eq!(facts["cloudMetadata"]["provider"], "AWS");
    assert_eq!(facts["detectedProperties"]["cloudprovider"], "AWS");
    assert_eq!(facts["machineFqdn"], "ip-10-0-0-9.eu-west-1.compute.internal");
    assert_eq!(facts["osProfile"]["computerName"], "ip-10-0-0-9");
    assert_eq!(facts["osSku"], "Amazon Linux 2023.6");
    assert_eq!(facts["hardwareProfile"]["numberOfCpuSockets"], 1);
    assert_eq!(facts["hardwareProfile"]["processors"][0]["numberOfCores"], 2);
    assert_eq!(facts.get("vmUuid"), None, "what only root may read is left out");
    assert_eq!(facts["detectedProperties"].get("machineId"), None, "a system that was not set up has none");
}

#[test]
fn a_host_without_firmware_tables_still_has_facts() {
    let facts = facts("bare-vm", &Calls { host_name: "vm".into(), ..Calls::default() });
    assert_eq!(facts["osSku"], "Debian GNU/Linux 12 (bookworm)");
    assert_eq!(facts["hardwareProfile"]["processors"], json!([{"name": "AMD EPYC", "numberOfCores": 2}]));
    assert_eq!(facts["firmwareProfile"], json!({"type": "BIOS"}));
    assert_eq!(facts["machineFqdn"], "vm");
    assert_eq!(facts["domainName"], "");
}

#[test]
fn a_host_about_which_nothing_can_be_read_does_not_fail() {
    let facts = facts("nowhere", &Calls::default());
    assert_eq!(facts["osName"], "linux");
    assert_eq!(facts["hardwareProfile"]["totalPhysicalMemoryInBytes"], 0);
}

#[test]
fn only_a_large_move_of_used_space_is_news() {
    let mut calls = physical();
    let old = facts("physical-lvm", &calls);
    assert!(!observe::is_news(&old, &old));
    calls.file_systems[1].used_bytes += 10_000_000_000;
    let slightly = facts("physical-lvm", &calls);
    assert!(old != slightly && !observe::is_news(&old, &slightly), "a hundredth of the disk");
    calls.file_systems[1].used_bytes += 100_000_000_000;
    assert!(observe::is_news(&old, &facts("physical-lvm", &calls)), "a tenth of the disk");
    calls = physical();
    calls.addresses[1].address = Ipv4Addr::new(10, 1, 2, 31);
    assert!(observe::is_news(&old, &facts("physical-lvm", &calls)), "another address");
}

/// The host that the tests run on: whatever it is, it can be read.
#[test]
fn this_host() {
    let files = HostFiles::at("/");
    let calls = observe::read_calls(&files);
    let facts = observe::facts(&files, &calls, &enrolment());
    assert!(!calls.host_name.is_empty());
    assert!(facts["hardwareProfile"]["totalPhysicalMemoryInBytes"].as_u64().unwrap() > 0, "{facts:#}");
    assert!(!facts["hardwareProfile"]["processors"].as_array().unwrap().is_empty());
}
