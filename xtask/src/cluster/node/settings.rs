//! What containerd, the kubelet and kube-proxy are told: one file each, written anew at every start.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::images::{PAUSE, TAG};
use super::{NAME, PODS, SOCKET};

/// Everything below the node's folder; the certificates are the control plane's.
pub(super) fn write(
    control_plane: &Path,
    place: &Path,
    unpacked: &Path,
    address: Ipv4Addr,
    group: &str,
) -> Result<()> {
    let network = place.join("cni");
    fs::create_dir_all(&network).with_context(|| format!("{} cannot be made", network.display()))?;
    let put = |name: &str, text: &str| {
        let file = place.join(name);
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
    };
    put("containerd.toml", &containerd(place, unpacked))?;
    put("cni/10-bridge.conflist", &bridge(place).to_string())?;
    put("kubelet.json", &kubelet(control_plane, place, address, group).to_string())?;
    put("kube-proxy.json", &proxy(control_plane, address).to_string())?;
    // Names are not resolved: pods talk to addresses.
    put("resolv.conf", "nameserver 127.0.0.1\n")
}

/// containerd's CRI. Three settings are about where this runs: without CAP_SYS_RESOURCE runc may not lower a score
/// (`restrict_oom_score_adj`), without AppArmor's parser no profile can be loaded, and no systemd manages the groups.
fn containerd(place: &Path, unpacked: &Path) -> String {
    let (place, unpacked) = (place.display(), unpacked.display());
    format!(
        r#"version = 2
root = "{place}/containerd"
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}:{TAG}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{unpacked}/usr/lib/cni"
    conf_dir = "{place}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "{unpacked}/usr/sbin/runc"
        SystemdCgroup = false
"#
    )
}

/// A bridge for the pods. The way out is the business of one rule of the node (`inside`), so that no plug-in needs iptables.
fn bridge(place: &Path) -> Value {
    json!({"cniVersion": "0.4.0", "name": "bowline", "plugins": [{
        "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
        "ipam": {
            "type": "host-local", "dataDir": place.join("addresses"),
            "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}],
        },
    }]})
}

fn kubelet(control_plane: &Path, place: &Path, address: Ipv4Addr, group: &str) -> Value {
    let pki = control_plane.join("pki");
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": address.to_string(),
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": false}, "webhook": {"enabled": true},
            "x509": {"clientCAFile": pki.join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": pki.join("kubelet-server.crt"),
        "tlsPrivateKeyFile": pki.join("kubelet-server.key"),
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{group}"),
        "failSwapOn": false,
        "clusterDNS": ["10.96.0.10"],
        "clusterDomain": "cluster.local",
        "resolvConf": place.join("resolv.conf"),
        "podLogsDir": place.join("pod-logs"),
        "volumePluginDir": place.join("volume-plugins"),
        // A developer's disk is often nearly full; that is no reason to evict what is tried on it.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "24h",
        // A node that was switched off is told from one that is slow after half of the usual time.
        "nodeStatusUpdateFrequency": "5s",
    })
}

fn proxy(control_plane: &Path, address: Ipv4Addr) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": control_plane.join("kube-proxy.kubeconfig")},
        "clusterCIDR": PODS,
        "hostnameOverride": NAME,
        "mode": "nftables",
        "bindAddress": address.to_string(),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        // The limits of connection tracking are the machine's and not the namespace's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })
}
