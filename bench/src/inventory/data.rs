//! A fleet that is always the same: resources of five types with documents of half a kilobyte, and Kubernetes objects of clusters.

use bowline_store::conformance::Dice;
use serde_json::{Value, json};

pub(super) const SUBSCRIPTIONS: usize = 50;
pub(super) const GROUPS: usize = 10;
/// In lower case, as tables show them; and how many of 20 resources have them.
pub(super) const TYPES: [(&str, u32); 5] = [
    ("microsoft.kubernetes/connectedclusters", 3),
    ("microsoft.hybridcompute/machines", 9),
    ("microsoft.hybridcompute/machines/extensions", 5),
    ("microsoft.managedidentity/userassignedidentities", 2),
    ("microsoft.resourcegraph/queries", 1),
];
const LOCATIONS: [&str; 12] = [
    "westeurope",
    "northeurope",
    "eastus",
    "eastus2",
    "westus",
    "uksouth",
    "francecentral",
    "japaneast",
    "australiaeast",
    "brazilsouth",
    "centralindia",
    "germanywestcentral",
];
const CLUSTER_STATES: [&str; 4] = ["Connected", "Connected", "Offline", "Connecting"];
const MACHINE_STATES: [&str; 4] = ["Connected", "Connected", "Connected", "Disconnected"];
const DISTRIBUTIONS: [&str; 6] = ["aks", "eks", "gke", "openshift", "rke2", "k3s"];
const CLOUDS: [&str; 4] = ["aws", "gcp", "azure_stack_hci", "generic"];
const STAGES: [&str; 4] = ["prod", "test", "dev", "Prod"];
const SYSTEMS: [(&str, &str, &str); 5] = [
    ("linux", "Debian GNU/Linux 12", "12.8"),
    ("linux", "Ubuntu 24.04.1 LTS", "24.04"),
    ("linux", "Red Hat Enterprise Linux 9.4", "9.4"),
    ("windows", "Windows Server 2022 Datacenter", "10.0.20348.2849"),
    ("windows", "Windows Server 2025 Standard", "10.0.26100.2314"),
];
const EXTENSIONS: [(&str, &str); 6] = [
    ("Microsoft.Azure.Monitor", "AzureMonitorLinuxAgent"),
    ("Microsoft.Azure.Extensions", "CustomScript"),
    ("Microsoft.GuestConfiguration", "ConfigurationforLinux"),
    ("Microsoft.Azure.KeyVault", "KeyVaultForLinux"),
    ("Microsoft.Azure.AzureDefenderForServers", "MDE.Linux"),
    ("Microsoft.SoftwareUpdateManagement", "LinuxOsUpdateExtension"),
];
const KINDS: [(&str, &str); 8] = [
    ("v1", "Pod"),
    ("v1", "Pod"),
    ("v1", "Pod"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
];

/// A resource.
pub(super) struct Made {
    pub(super) number: u64,
    /// Its position among [`TYPES`].
    pub(super) kind: usize,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) location: &'static str,
    pub(super) group: String,
    pub(super) subscription: String,
    pub(super) tags: Value,
    pub(super) properties: Value,
}

/// The name of a subscription.
pub(super) fn subscription(number: usize) -> String {
    format!("5c0ffee0-0000-4000-8000-{number:012x}")
}

/// A GUID of random digits.
pub(super) fn guid(dice: &mut Dice) -> String {
    let (high, low) = (number(dice), number(dice));
    let part = |value: u64, bits: u32| value & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        part(high, 32),
        part(high >> 32, 16),
        part(high >> 48, 12),
        part(low, 12),
        part(low >> 12, 48)
    )
}

fn number(dice: &mut Dice) -> u64 {
    (dice.roll(1 << 32) << 32) | dice.roll(1 << 32)
}

fn pick<'a, T>(dice: &mut Dice, from: &'a [T]) -> &'a T {
    &from[below(dice, from.len())]
}

fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.roll(bound as u64)).unwrap_or_default()
}

/// A moment of the thirty days before the one that queries are asked at.
fn moment(dice: &mut Dice) -> String {
    let (day, second) = (1 + dice.roll(30), dice.roll(86_400));
    format!("2026-10-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The resource of a number, of so many.
pub(super) fn resource(number: u64, count: u64) -> Made {
    let mut dice = Dice::new(0x0b0e_11e5 ^ number);
    let share = dice.roll(20) as u32;
    let mut upto = 0;
    let fits = |(_, many): &(&str, u32)| {
        upto += many;
        share < upto
    };
    let kind = TYPES.iter().position(fits).unwrap_or_default();
    let (subscription, group) = (subscription(below(&mut dice, SUBSCRIPTIONS)), below(&mut dice, GROUPS));
    let location = *pick(&mut dice, &LOCATIONS);
    let site = format!("{}{}", &location[..3], dice.roll(20));
    let name = match kind {
        0 => format!("k8s-{number:07}"),
        1 => format!("srv-{site}-{number:07}"),
        2 => format!("{}{number}", pick(&mut dice, &EXTENSIONS).1),
        _ => format!("obj-{site}-{number:07}"),
    };
    let group = format!("rg-{group}");
    let path = match kind {
        2 => format!("microsoft.hybridcompute/machines/srv-{site}-{:07}/extensions", dice.roll(1_000_000)),
        kind => TYPES[kind].0.to_owned(),
    };
    let id = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{path}/{name}");
    let mut tags = json!({"env": pick(&mut dice, &STAGES), "team": format!("team-{}", dice.roll(40))});
    if dice.roll(4) == 0 {
        tags["costCenter"] = format!("cc-{}", dice.roll(100)).into();
    }
    let properties = properties(kind, &name, count, &mut dice);
    Made { number, kind, id, name, location, group, subscription, tags, properties }
}

fn properties(kind: usize, name: &str, count: u64, dice: &mut Dice) -> Value {
    match kind {
        0 => json!({
            "agentPublicKeyCertificate": "",
            "agentVersion": format!("1.{}.{}", 14 + dice.roll(10), dice.roll(5)),
            "connectivityStatus": pick(dice, &CLUSTER_STATES),
            "distribution": pick(dice, &DISTRIBUTIONS),
            "infrastructure": pick(dice, &CLOUDS),
            "kubernetesVersion": format!("1.{}.{}", 26 + dice.roll(8), dice.roll(5)),
            "lastConnectivityTime": moment(dice),
            "managedIdentityCertificateExpirationTime": moment(dice),
            "offering": "standard",
            "provisioningState": "Succeeded",
            "totalCoreCount": 4 * dice.roll(64),
            "totalNodeCount": 1 + dice.roll(40),
            "arcAgentProfile": {"agentAutoUpgrade": "Enabled", "agentState": "Succeeded", "desiredAgentVersion": "1.24.0"},
            "endpoint": format!("https://{name}.fleet.example.org:6443"),
        }),
        1 => machine(name, count, dice),
        2 => {
            let (publisher, extension) = *pick(dice, &EXTENSIONS);
            let failed = dice.roll(20) == 0;
            json!({
                "publisher": publisher,
                "type": extension,
                "typeHandlerVersion": format!("1.{}.{}", dice.roll(40), dice.roll(10)),
                "autoUpgradeMinorVersion": true,
                "enableAutomaticUpgrade": dice.roll(2) == 0,
                "provisioningState": if failed { "Failed" } else { "Succeeded" },
                "settings": {"workspaceId": guid(dice), "proxy": {"mode": "none"}},
                "instanceView": {"status": {
                    "code": if failed { "51" } else { "success" },
                    "level": if failed { "Error" } else { "Information" },
                    "message": format!("{extension} {} on attempt {}", if failed { "could not be enabled" } else { "was enabled" }, 1 + dice.roll(3)),
                    "time": moment(dice),
                }},
            })
        }
        3 => {
            json!({"tenantId": "0b0e11e5-0000-4000-8000-000000000000", "principalId": guid(dice), "clientId": guid(dice)})
        }
        _ => json!({
            "description": format!("Machines of team {} that were not seen for {} days", dice.roll(40), 1 + dice.roll(30)),
            "query": format!("Resources | where type =~ 'microsoft.hybridcompute/machines' | where tags.team =~ 'team-{}' | project name, location", dice.roll(40)),
            "resultKind": "basic",
            "timeModified": moment(dice),
        }),
    }
}

fn machine(name: &str, count: u64, dice: &mut Dice) -> Value {
    let (kind, system, version) = *pick(dice, &SYSTEMS);
    let cores = 2 << dice.roll(6);
    let address = |dice: &mut Dice| {
        let (second, third, fourth) = (dice.roll(64), dice.roll(256), dice.roll(256));
        json!({"address": format!("10.{second}.{third}.{fourth}"), "ipAddressVersion": "IPv4", "subnet": {"addressPrefix": format!("10.{second}.0.0/16")}})
    };
    let cards = 1 + dice.roll(2);
    let cards: Vec<Value> = (0..cards).map(|_| json!({"ipAddresses": [address(dice)]})).collect();
    json!({
        "status": pick(dice, &MACHINE_STATES),
        "osType": kind,
        "osName": kind,
        "osSku": system,
        "osVersion": version,
        "agentVersion": format!("1.{}.0", 40 + dice.roll(12)),
        "provisioningState": "Succeeded",
        "vmId": guid(dice),
        "machineFqdn": format!("{name}.fleet.example.org"),
        "lastStatusChange": moment(dice),
        "hostCluster": format!("k8s-{:07}", dice.roll(count)),
        "detectedProperties": {
            "coreCount": cores,
            "logicalCoreCount": 2 * cores,
            "manufacturer": "Dell Inc.",
            "model": format!("PowerEdge R{}50", 6 + dice.roll(3)),
            "totalPhysicalMemoryInGigabytes": 16 << dice.roll(6),
        },
        "networkProfile": {"networkInterfaces": cards},
        "cloudMetadata": {"provider": pick(dice, &CLOUDS)},
    })
}

/// An object of a cluster: its key in the inventory, and itself.
pub(super) fn object(cluster: u64, number: u64) -> (String, Value) {
    let mut dice = Dice::new(0x0b7e_c700 ^ (cluster << 24) ^ number);
    let (version, kind) = *pick(&mut dice, &KINDS);
    let namespace = format!("team-{}", dice.roll(20));
    let app = format!("app-{}", dice.roll(60));
    let name = format!("{app}-{number:05x}");
    let registry =
        *pick(&mut dice, &["registry.example.org", "docker.io/library", "ghcr.io/fleet", "quay.io/fleet"]);
    let image = format!("{registry}/{app}:v1.{}", dice.roll(30));
    let labels = json!({"app": app, "tier": pick(&mut dice, &["web", "worker", "data"]), "pod-template-hash": format!("{:08x}", dice.roll(1 << 32))});
    let (spec, status) = match kind {
        "Pod" => {
            let running = dice.roll(10) > 0;
            (
                json!({
                    "nodeName": format!("node-{}", dice.roll(25)),
                    "serviceAccountName": "default",
                    "containers": [{
                        "name": app, "image": image, "imagePullPolicy": "IfNotPresent",
                        "resources": {"requests": {"cpu": format!("{}m", 50 * (1 + dice.roll(10))), "memory": "128Mi"}},
                        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                    }],
                    "restartPolicy": "Always",
                    "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
                }),
                json!({
                    "phase": if running { "Running" } else { "Pending" },
                    "podIP": format!("10.244.{}.{}", dice.roll(25), dice.roll(250)),
                    "conditions": [{"type": "Ready", "status": if running { "True" } else { "False" }, "lastTransitionTime": moment(&mut dice)}],
                    "containerStatuses": [{"name": app, "ready": running, "restartCount": dice.roll(5), "image": image}],
                }),
            )
        }
        "Service" => (
            json!({"type": "ClusterIP", "clusterIP": format!("10.96.{}.{}", dice.roll(256), dice.roll(256)), "selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]}),
            json!({}),
        ),
        "ConfigMap" => (Value::Null, Value::Null),
        _ => {
            let replicas = 1 + dice.roll(5);
            (
                json!({"replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": {"spec": {"containers": [{"name": app, "image": image}]}}}),
                json!({"replicas": replicas, "readyReplicas": replicas, "observedGeneration": 1}),
            )
        }
    };
    let mut object = json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": name, "namespace": namespace, "uid": guid(&mut dice), "labels": labels, "generation": 1 + dice.roll(9),
            "creationTimestamp": moment(&mut dice),
        },
    });
    for (member, value) in [("spec", spec), ("status", status)] {
        if !value.is_null() {
            object[member] = value;
        }
    }
    (format!("{version}/{kind}/{namespace}/{name}"), object)
}
