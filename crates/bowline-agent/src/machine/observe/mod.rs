//! What a machine is: the properties of `Microsoft.HybridCompute/machines` that its agent reports, read from Linux.
//!
//! [`facts`] is pure: everything it knows comes from a [`HostFiles`] (the host's `/`, or a recorded copy of one) and
//! [`Calls`] (what only system calls tell). Nothing here goes over the network.
//!
//! # Design notes
//! A fact that cannot be read (the serial number needs root) is left out rather than guessed. Facts that change by
//! themselves are left out too, but for the used space of disks, which counts as news only when it moved by a twentieth
//! of the disk ([`is_news`]): a quiet machine sends nothing.

mod calls;
mod cloud;
mod files;
mod hardware;
mod network;
mod os;
mod storage;

pub use calls::{Calls, FileSystem, InterfaceAddress, read_calls};
pub use files::HostFiles;
use serde_json::{Map, Value, json};

use crate::{VERSION, home::Enrolment};

/// The properties that identify a host when it enrols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifying {
    pub vm_uuid: Option<String>,
    pub detected: Map<String, Value>,
}

/// Reads what identifies this host.
pub fn identifying(files: &HostFiles) -> Identifying {
    let cpu = hardware::processors(files);
    let memory = hardware::memory_bytes(files);
    Identifying { vm_uuid: hardware::vm_uuid(files), detected: detected_properties(files, &cpu, memory) }
}

/// The reported properties.
pub fn facts(files: &HostFiles, calls: &Calls, enrolment: &Enrolment) -> Value {
    let cpu = hardware::processors(files);
    let memory = hardware::memory_bytes(files);
    let os = os::read(files);
    let name = network::names(files, &calls.host_name);
    let mut facts = json!({
        "agentVersion": VERSION,
        "agentConfiguration": agent_configuration(enrolment),
        "osType": "linux",
        "osName": os.id,
        "osSku": os.pretty_name,
        "osVersion": os.version,
        "osProfile": {"computerName": name.host},
        "machineFqdn": name.fqdn,
        "dnsFqdn": name.fqdn,
        "domainName": name.domain,
        "hardwareProfile": {
            "totalPhysicalMemoryInBytes": memory,
            "numberOfCpuSockets": cpu.len(),
            "processors": cpu.iter().map(|socket| json!({"name": socket.name, "numberOfCores": socket.cores})).collect::<Value>(),
        },
        "firmwareProfile": hardware::firmware(files),
        "storageProfile": {"disks": storage::disks(files, &calls.file_systems)},
        "networkProfile": {"networkInterfaces": network::interfaces(files, &calls.addresses)},
        "cloudMetadata": {"provider": cloud::provider(files).unwrap_or("N/A")},
        "mssqlDiscovered": discovered(files, "opt/mssql/bin"),
        "detectedProperties": detected_properties(files, &cpu, memory),
    });
    if let Some(uuid) = hardware::vm_uuid(files) {
        facts["vmUuid"] = uuid.into();
    }
    if let Some(edition) = os.edition {
        facts["osEdition"] = edition.into();
    }
    facts
}

/// What the agent is allowed to do. It has no extensions and no guest configuration yet, and says so.
fn agent_configuration(enrolment: &Enrolment) -> Value {
    json!({
        "configMode": "full",
        "extensionsEnabled": "false",
        "guestConfigurationEnabled": "false",
        "extensionsAllowList": [],
        "extensionsBlockList": [],
        "incomingConnectionsPorts": [],
        "proxyUrl": enrolment.proxy.url.as_deref().map_or_else(String::new, without_password),
        "proxyBypass": enrolment.proxy.no_proxy,
    })
}

/// A proxy's address without the password that may be in it.
fn without_password(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return String::new() };
    if url.password().is_some() && url.set_password(None).is_err() {
        return String::new();
    }
    url.to_string()
}

fn detected_properties(files: &HostFiles, cpu: &[hardware::Socket], memory: u64) -> Map<String, Value> {
    let cores: u64 = cpu.iter().map(|socket| socket.cores).sum();
    let logical: u64 = cpu.iter().map(|socket| socket.threads).sum();
    let names: Vec<_> = cpu.iter().map(|socket| socket.name.as_str()).collect();
    let gigabytes = memory.div_ceil(1 << 30);
    let os = os::read(files);
    let properties = [
        ("cloudprovider", Some(cloud::provider(files).unwrap_or("N/A").to_owned())),
        ("coreCount", Some(cores.to_string())),
        ("logicalCoreCount", Some(logical.to_string())),
        ("processorCount", Some(cpu.len().to_string())),
        ("processorNames", Some(names.join(", "))),
        ("manufacturer", files.dmi("sys_vendor")),
        ("model", files.dmi("product_name")),
        ("serialNumber", files.dmi("product_serial")),
        ("smbiosAssetTag", files.dmi("chassis_asset_tag")),
        ("productType", Some(os.id.clone())),
        ("kernelVersion", Some(os.kernel)),
        ("architecture", Some(std::env::consts::ARCH.to_owned())),
        ("totalPhysicalMemoryInBytes", Some(memory.to_string())),
        ("totalPhysicalMemoryInGigabytes", Some(gigabytes.to_string())),
        ("mssqldiscovered", Some(discovered(files, "opt/mssql/bin"))),
        ("mysqldiscovered", Some(discovered(files, "var/lib/mysql"))),
        ("pgsqldiscovered", Some(discovered(files, "var/lib/postgresql"))),
        ("vmuuidEsu2012", hardware::vm_uuid(files)),
        ("machineId", os::machine_id(files)),
    ];
    let readable =
        properties.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?))));
    readable.collect()
}

fn discovered(files: &HostFiles, folder: &str) -> String {
    (!files.list(folder).is_empty()).to_string()
}

/// Whether new facts are worth a report.
pub fn is_news(old: &Value, new: &Value) -> bool {
    without_used_space(old) != without_used_space(new) || used_space_moved(old, new)
}

fn without_used_space(facts: &Value) -> Value {
    let mut facts = facts.clone();
    for disk in facts.pointer_mut("/storageProfile/disks").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if let Some(disk) = disk.as_object_mut() {
            disk.remove("usedSpaceInBytes");
        }
    }
    facts
}

fn used_space_moved(old: &Value, new: &Value) -> bool {
    let disks = |facts: &Value| facts.pointer("/storageProfile/disks").and_then(Value::as_array).cloned();
    let (Some(old), Some(new)) = (disks(old), disks(new)) else { return false };
    old.iter().zip(&new).any(|(old, new)| {
        let number = |disk: &Value, key: &str| disk[key].as_u64().unwrap_or(0);
        let moved = number(old, "usedSpaceInBytes").abs_diff(number(new, "usedSpaceInBytes"));
        moved > number(new, "maxSizeInBytes") / 20
    })
}
