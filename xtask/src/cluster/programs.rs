//! The arguments of the control plane's programs.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::pki::Pki;

/// Addresses of Services: without a node nothing routes them, but the API server hands them out.
const SERVICES: &str = "10.96.0.0/16";

/// What the arguments are made from.
pub(super) struct Plan<'a> {
    pub(super) folder: &'a Path,
    /// Where the API server listens; nodes and pods reach it there too.
    pub(super) address: Ipv4Addr,
    pub(super) port: u16,
    pub(super) pki: &'a Pki,
    /// Whether there is a node.
    pub(super) node: bool,
}

impl Plan<'_> {
    pub(super) fn etcd(&self, port: u16, peer_port: u16, durable: bool) -> Vec<String> {
        let (client, peer) = (format!("https://127.0.0.1:{port}"), format!("https://127.0.0.1:{peer_port}"));
        let (certificate, key) = (self.pki.certificate("etcd"), self.pki.key("etcd"));
        let authority = self.pki.certificate("etcd-ca");
        let mut arguments = flags([
            ("name", "local".to_owned()),
            ("data-dir", text(self.folder.join("etcd"))),
            ("listen-client-urls", client.clone()),
            ("advertise-client-urls", client),
            ("listen-peer-urls", peer.clone()),
            ("initial-advertise-peer-urls", peer.clone()),
            ("initial-cluster", format!("local={peer}")),
            ("cert-file", text(&certificate)),
            ("key-file", text(&key)),
            ("trusted-ca-file", text(&authority)),
            ("client-cert-auth", "true".to_owned()),
            ("peer-cert-file", text(&certificate)),
            ("peer-key-file", text(&key)),
            ("peer-trusted-ca-file", text(&authority)),
            ("peer-client-cert-auth", "true".to_owned()),
            ("log-level", "warn".to_owned()),
        ]);
        if !durable {
            arguments.push("--unsafe-no-fsync".to_owned());
        }
        arguments
    }

    pub(super) fn apiserver(&self, etcd_port: u16) -> Vec<String> {
        let issuer = "https://kubernetes.default.svc";
        let mut arguments = flags([
            ("etcd-servers", format!("https://127.0.0.1:{etcd_port}")),
            ("etcd-cafile", text(self.pki.certificate("etcd-ca"))),
            ("etcd-certfile", text(self.pki.certificate("apiserver-etcd-client"))),
            ("etcd-keyfile", text(self.pki.key("apiserver-etcd-client"))),
            ("bind-address", self.address.to_string()),
            ("advertise-address", self.address.to_string()),
            ("secure-port", self.port.to_string()),
            ("tls-cert-file", text(self.pki.certificate("apiserver"))),
            ("tls-private-key-file", text(self.pki.key("apiserver"))),
            ("client-ca-file", text(self.pki.certificate("ca"))),
            ("service-account-issuer", issuer.to_owned()),
            ("api-audiences", issuer.to_owned()),
            ("service-account-key-file", text(self.pki.service_account_public_key())),
            ("service-account-signing-key-file", text(self.pki.key("service-account"))),
            ("service-cluster-ip-range", SERVICES.to_owned()),
            ("authorization-mode", "Node,RBAC".to_owned()),
            ("enable-admission-plugins", "NodeRestriction".to_owned()),
            ("allow-privileged", "true".to_owned()),
        ]);
        // Aggregated API servers (metrics, and later ours) are told who calls by a proxy that they can verify.
        arguments.extend(flags([
            ("proxy-client-cert-file", text(self.pki.certificate("front-proxy-client"))),
            ("proxy-client-key-file", text(self.pki.key("front-proxy-client"))),
            ("requestheader-client-ca-file", text(self.pki.certificate("front-proxy-ca"))),
            ("requestheader-allowed-names", "front-proxy-client".to_owned()),
            ("requestheader-username-headers", "X-Remote-User".to_owned()),
            ("requestheader-group-headers", "X-Remote-Group".to_owned()),
            ("requestheader-extra-headers-prefix", "X-Remote-Extra-".to_owned()),
        ]));
        if self.node {
            arguments.extend(flags([
                ("kubelet-client-certificate", text(self.pki.certificate("apiserver-kubelet-client"))),
                ("kubelet-client-key", text(self.pki.key("apiserver-kubelet-client"))),
                ("kubelet-certificate-authority", text(self.pki.certificate("ca"))),
                ("kubelet-preferred-address-types", "InternalIP".to_owned()),
            ]));
        }
        arguments
    }

    pub(super) fn controller_manager(&self) -> Vec<String> {
        flags([
            ("kubeconfig", text(self.folder.join("controller-manager.kubeconfig"))),
            ("secure-port", "0".to_owned()),
            ("leader-elect", "false".to_owned()),
            ("use-service-account-credentials", "true".to_owned()),
            ("root-ca-file", text(self.pki.certificate("ca"))),
            ("service-account-private-key-file", text(self.pki.key("service-account"))),
            ("cluster-signing-cert-file", text(self.pki.certificate("ca"))),
            ("cluster-signing-key-file", text(self.pki.key("ca"))),
            // The default of 20 requests a second would make a test with a thousand pods wait for a minute.
            ("kube-api-qps", "500".to_owned()),
            ("kube-api-burst", "1000".to_owned()),
        ])
    }

    pub(super) fn scheduler(&self) -> Vec<String> {
        flags([
            ("kubeconfig", text(self.folder.join("scheduler.kubeconfig"))),
            ("secure-port", "0".to_owned()),
            ("leader-elect", "false".to_owned()),
            ("kube-api-qps", "500".to_owned()),
            ("kube-api-burst", "1000".to_owned()),
        ])
    }
}

fn flags<const N: usize>(pairs: [(&str, String); N]) -> Vec<String> {
    pairs.into_iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

fn text(path: impl Into<PathBuf>) -> String {
    path.into().to_string_lossy().into_owned()
}
