//! The keys and certificates of a local control plane, made by OpenSSL once and kept beside the data.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::node::NAME as NODE;
use crate::command;

/// One certificate to make.
struct Certificate {
    name: &'static str,
    /// Who signs it; an authority signs itself.
    authority: Option<&'static str>,
    organization: Option<&'static str>,
    common_name: &'static str,
    usage: &'static str,
    names: &'static str,
    /// Whether it is for the node's address too, and made anew for each.
    at_node: bool,
}

const fn authority(name: &'static str) -> Certificate {
    Certificate {
        name,
        authority: None,
        organization: None,
        common_name: name,
        usage: "",
        names: "",
        at_node: false,
    }
}

const fn client(name: &'static str, authority: &'static str, common_name: &'static str) -> Certificate {
    Certificate {
        name,
        authority: Some(authority),
        organization: None,
        common_name,
        usage: "clientAuth",
        names: "",
        at_node: false,
    }
}

/// All of them, in the order in which they can be made.
const CERTIFICATES: [Certificate; 10] = [
    authority("ca"),
    authority("front-proxy-ca"),
    authority("etcd-ca"),
    Certificate {
        usage: "serverAuth,clientAuth",
        names: "DNS:localhost,IP:127.0.0.1",
        ..client("etcd", "etcd-ca", "etcd")
    },
    client("apiserver-etcd-client", "etcd-ca", "kube-apiserver"),
    Certificate {
        usage: "serverAuth",
        names: "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
                DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:10.96.0.1",
        at_node: true,
        ..client("apiserver", "ca", "kube-apiserver")
    },
    client("front-proxy-client", "front-proxy-ca", "front-proxy-client"),
    Certificate { organization: Some("system:masters"), ..client("admin", "ca", "admin") },
    client("controller-manager", "ca", "system:kube-controller-manager"),
    client("scheduler", "ca", "system:kube-scheduler"),
];

/// What a node needs beside them.
const NODE_CERTIFICATES: [Certificate; 4] = [
    Certificate {
        organization: Some("system:masters"),
        ..client("apiserver-kubelet-client", "ca", "kube-apiserver-kubelet-client")
    },
    Certificate {
        organization: Some("system:nodes"),
        usage: "serverAuth",
        names: "DNS:node-1",
        at_node: true,
        ..client("kubelet-server", "ca", "system:node:node-1")
    },
    Certificate { organization: Some("system:nodes"), ..client("kubelet", "ca", "system:node:node-1") },
    client("kube-proxy", "ca", "system:kube-proxy"),
];
const _: () = assert!(NODE.len() == "node-1".len(), "the certificates name the node");

/// As long as the data of a local cluster may reasonably live.
const DAYS: &str = "3650";

/// A folder of keys (0600) and certificates.
#[derive(Debug)]
pub(super) struct Pki {
    folder: PathBuf,
}

impl Pki {
    /// Opens the folder, or makes all of it. A making that was cut off is begun anew: nothing relies on half of it.
    pub(super) fn open_or_create(folder: &Path) -> Result<Self> {
        let pki = Self { folder: folder.to_owned() };
        if pki.folder.join("complete").exists() {
            return Ok(pki);
        }
        if command::find("openssl").is_none() {
            bail!(
                "OpenSSL's program is missing: the cluster's certificates are made with it. Try: sudo apt-get install -y openssl"
            );
        }
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        for certificate in &CERTIFICATES {
            pki.make(certificate, None)?;
        }
        pki.make_service_account_key()?;
        fs::write(pki.folder.join("complete"), "")
            .context("the end of the certificates cannot be recorded")?;
        Ok(pki)
    }

    /// Makes what is missing for a node, and anew what holds its address.
    pub(super) fn prepare_node(&self, address: Ipv4Addr) -> Result<()> {
        let wanted = CERTIFICATES.iter().chain(&NODE_CERTIFICATES);
        for certificate in wanted.filter(|one| one.at_node || !self.certificate(one.name).exists()) {
            self.make(certificate, Some(address).filter(|_| certificate.at_node))?;
        }
        Ok(())
    }

    pub(super) fn certificate(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.crt"))
    }

    pub(super) fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// The public half of the key that signs service account tokens.
    pub(super) fn service_account_public_key(&self) -> PathBuf {
        self.folder.join("service-account.pub")
    }

    fn make(&self, certificate: &Certificate, address: Option<Ipv4Addr>) -> Result<()> {
        let request = self.folder.join(format!("{}.cnf", certificate.name));
        fs::write(&request, request_text(certificate, address))?;
        let mut openssl = self.openssl(&["req", "-x509", "-new", "-newkey", "ec", "-nodes", "-days", DAYS]);
        openssl.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-config"]).arg(&request);
        openssl
            .arg("-keyout")
            .arg(self.key(certificate.name))
            .arg("-out")
            .arg(self.certificate(certificate.name));
        if let Some(signer) = certificate.authority {
            openssl.arg("-CA").arg(self.certificate(signer)).arg("-CAkey").arg(self.key(signer));
        }
        command::capture(&mut openssl)?;
        fs::remove_file(&request)?;
        fs::set_permissions(self.key(certificate.name), fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    fn make_service_account_key(&self) -> Result<()> {
        let key = self.key("service-account");
        let mut generate =
            self.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]);
        command::capture(generate.arg(&key))?;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        let mut public = self.openssl(&["pkey", "-pubout", "-in"]);
        command::capture(public.arg(&key).arg("-out").arg(self.service_account_public_key()))?;
        Ok(())
    }

    fn openssl(&self, arguments: &[&str]) -> Command {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments).current_dir(&self.folder);
        openssl
    }

    /// A kubeconfig with everything inside, so that it can be copied. JSON is YAML too.
    pub(super) fn kubeconfig(&self, user: &str, address: Ipv4Addr, port: u16) -> Result<String> {
        let read = |file: PathBuf| {
            fs::read(&file)
                .map(|bytes| BASE64.encode(bytes))
                .with_context(|| format!("{} cannot be read", file.display()))
        };
        let name = "bowline-local";
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {
                "server": format!("https://{address}:{port}"),
                "certificate-authority-data": read(self.certificate("ca"))?,
            }}],
            "users": [{"name": user, "user": {
                "client-certificate-data": read(self.certificate(user))?,
                "client-key-data": read(self.key(user))?,
            }}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        });
        Ok(serde_json::to_string_pretty(&config)?)
    }
}

/// OpenSSL's configuration of one request, complete, so that the system's own one has no say.
fn request_text(certificate: &Certificate, address: Option<Ipv4Addr>) -> String {
    let organization = certificate.organization.map(|name| format!("O = {name}\n")).unwrap_or_default();
    let extensions = match certificate.authority {
        None => {
            "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign,digitalSignature\n\
                 subjectKeyIdentifier = hash\n"
                .to_owned()
        }
        Some(_) => {
            let names = match certificate.names {
                "" => String::new(),
                names => {
                    let address = address.map(|address| format!(",IP:{address}")).unwrap_or_default();
                    format!("subjectAltName = {names}{address}\n")
                }
            };
            format!(
                "basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature,keyEncipherment\n\
                 extendedKeyUsage = {}\nauthorityKeyIdentifier = keyid\n{names}",
                certificate.usage
            )
        }
    };
    format!(
        "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = extensions\n\
         [name]\n{organization}CN = {}\n[extensions]\n{extensions}",
        certificate.common_name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_verify_against_their_authority_and_keys_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::open_or_create(folder.path()).unwrap();
        for certificate in CERTIFICATES.iter().filter(|certificate| certificate.authority.is_some()) {
            let mut verify = Command::new("openssl");
            verify.arg("verify").arg("-CAfile").arg(pki.certificate(certificate.authority.unwrap()));
            command::capture(verify.arg(pki.certificate(certificate.name))).unwrap();
            let mode = fs::metadata(pki.key(certificate.name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let before = fs::read(pki.certificate("ca")).unwrap();
        Pki::open_or_create(folder.path()).unwrap();
        assert_eq!(fs::read(pki.certificate("ca")).unwrap(), before, "a complete folder is kept");
        fs::remove_file(folder.path().join("complete")).unwrap();
        Pki::open_or_create(folder.path()).unwrap();
        assert_ne!(fs::read(pki.certificate("ca")).unwrap(), before, "an incomplete one is made anew");
        let text = pki.kubeconfig("admin", Ipv4Addr::LOCALHOST, 6443).unwrap();
        let config: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:6443");
        for address in ["198.18.0.2", "198.18.0.6"] {
            let before = fs::read(pki.certificate("kube-proxy")).ok();
            pki.prepare_node(address.parse().unwrap()).unwrap();
            let mut show = Command::new("openssl");
            show.args(["x509", "-noout", "-ext", "subjectAltName", "-in"]).arg(pki.certificate("apiserver"));
            assert!(command::capture(&mut show).unwrap().contains(address));
            let after = fs::read(pki.certificate("kube-proxy")).unwrap();
            assert!(before.is_none_or(|before| before == after), "what has no address in it is kept");
        }
    }
}
