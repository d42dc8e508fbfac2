//! The peer: kube-apiserver and etcd, durable, with TLS and client certificates on both.
//!
//! `xtask cluster up` makes the certificates and says how each program is started; then it is stopped and the two are
//! started here alone, because the controllers' own watches would be counted as cost of the requests.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::http::{Identity, Target};
use crate::machine;
use crate::program::{Program, command, until};

/// The collection of our custom resource.
pub(crate) const KINDS: &str = "/apis/bench.bowline.dev/v1/namespaces";

/// A running API server with its database.
pub(crate) struct Kube {
    folder: TempDir,
    etcd: Program,
    apiserver: Program,
    /// How each was started.
    lines: [Vec<String>; 2],
    /// As the administrator, by client certificate.
    pub(crate) admin: Target,
    /// As it says itself.
    pub(crate) version: String,
}

impl Kube {
    /// Starts one on an empty folder, with a custom resource and the namespaces that benchmarks use.
    pub(crate) async fn start(xtask: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let lines = prepare(xtask, folder.path()).await?;
        let [etcd, apiserver] = launch(&lines, folder.path())?;
        let kubeconfig: Value = serde_json::from_slice(&machine::read(&folder.path().join("kubeconfig"))?)?;
        let admin = target(&kubeconfig)?;
        let mut kube = Self { folder, etcd, apiserver, lines, admin, version: String::new() };
        kube.wait_ready().await?;
        let version = kube.admin.json(Method::GET, "/version", None).await?;
        kube.version = version["gitVersion"].as_str().unwrap_or_default().to_owned();
        kube.define().await?;
        Ok(kube)
    }

    /// The two processes that are measured.
    pub(crate) fn pids(&self) -> Result<[u32; 2]> {
        Ok([self.apiserver.pid()?, self.etcd.pid()?])
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// `kill -9` of both, and both again.
    pub(crate) async fn crash_and_restart(&mut self) -> Result<()> {
        self.apiserver.kill().await?;
        self.etcd.kill().await?;
        [self.etcd, self.apiserver] = launch(&self.lines, self.folder.path())?;
        self.wait_ready().await
    }

    async fn wait_ready(&mut self) -> Result<()> {
        until("kube-apiserver's /readyz", Duration::from_secs(120), async || {
            self.apiserver.require_running()?;
            self.etcd.require_running()?;
            Ok(self.admin.json(Method::GET, "/readyz", None).await.ok().map(drop))
        })
        .await
    }

    async fn define(&self) -> Result<()> {
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "machines.bench.bowline.dev"},
            "spec": {
                "group": "bench.bowline.dev", "scope": "Namespaced",
                "names": {"plural": "machines", "singular": "machine", "kind": "Machine", "listKind": "MachineList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                }}}],
            },
        });
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        self.admin.json(Method::POST, path, Some(&definition)).await?;
        for name in ["fixed", "created", "watched"] {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            self.admin.json(Method::POST, "/api/v1/namespaces", Some(&body)).await?;
        }
        until("the custom resource", Duration::from_secs(60), async || {
            Ok(self.admin.json(Method::GET, &format!("{KINDS}/fixed/machines"), None).await.ok().map(drop))
        })
        .await
    }

    /// Ends both, the database last.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.apiserver.stop().await?;
        self.etcd.stop().await
    }
}

/// Lets `xtask` make a control plane once, and reads how it started etcd and the API server.
async fn prepare(xtask: &Path, folder: &Path) -> Result<[Vec<String>; 2]> {
    let mut command = command(xtask);
    command.args(["cluster", "up", "--dir"]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(machine::log(&folder.join("xtask.log"))?);
    let mut child = command.spawn()?;
    let mut out = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
    let line = tokio::time::timeout(Duration::from_secs(300), out.next_line()).await;
    line.context("the control plane did not start within 5 min")??.context("`xtask cluster up` ended")?;
    let lines = [command_line(&folder.join("etcd.pid"))?, command_line(&folder.join("kube-apiserver.pid"))?];
    drop(child.stdin.take());
    child.wait().await?;
    Ok(lines)
}

fn command_line(pid_file: &Path) -> Result<Vec<String>> {
    let text = String::from_utf8(machine::read(pid_file)?)?;
    let pid = text.split_whitespace().next().context("a pid file holds a process id")?;
    let line = machine::read(Path::new(&format!("/proc/{pid}/cmdline")))?;
    let words: Vec<_> = line
        .split(|b| *b == 0)
        .filter(|w| !w.is_empty())
        .map(|w| String::from_utf8_lossy(w).into_owned())
        .collect();
    ensure!(!words.iter().any(|word| word.contains("unsafe-no-fsync")), "etcd must wait for the disk");
    Ok(words)
}

fn launch(lines: &[Vec<String>; 2], folder: &Path) -> Result<[Program; 2]> {
    let start = |line: &[String], log: &str| {
        let mut command = command(Path::new(&line[0]));
        command.args(&line[1..]).current_dir(folder);
        Program::start(command, &folder.join(log))
    };
    Ok([start(&lines[0], "bench-etcd.log")?, start(&lines[1], "bench-apiserver.log")?])
}

fn target(kubeconfig: &Value) -> Result<Target> {
    let bytes = |pointer: &str| -> Result<Vec<u8>> {
        let text = kubeconfig.pointer(pointer).and_then(Value::as_str).context("a kubeconfig is complete")?;
        Ok(STANDARD.decode(text)?)
    };
    let server = kubeconfig.pointer("/clusters/0/cluster/server").and_then(Value::as_str).unwrap_or_default();
    let port = server.rsplit(':').next().unwrap_or_default().parse().context("the server has a port")?;
    let identity = Identity {
        certificate: bytes("/users/0/user/client-certificate-data")?,
        key: bytes("/users/0/user/client-key-data")?,
    };
    Target::new(port, &bytes("/clusters/0/cluster/certificate-authority-data")?, Some(&identity))
}
