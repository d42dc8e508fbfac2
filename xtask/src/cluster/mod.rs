//! A real Kubernetes control plane on 127.0.0.1: etcd, kube-apiserver, kube-controller-manager, kube-scheduler.
//!
//! `cargo xtask cluster up --dir D` serves end-to-end tests, [`crate::up`] uses the same [`Cluster`]. Its folder keeps
//! the data, the certificates, the port and the logs, so that the next start finds everything as it was.
//!
//! With `--node` it has a network of its own and a [`node`] in it, and pods really run. Without, there are an API server
//! and controllers, which is what most tests need and what every user of a machine may start.
//!
//! Design notes. etcd speaks TLS with client certificates even here, because the port is open to every user of the machine. The
//! controller manager and the scheduler listen nowhere (`--secure-port=0`), which saves two ports.

mod network;
pub(crate) mod node;
mod pki;
mod programs;

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::service::Service;
use crate::{command, net, parts, say, secret, signals};
use network::Network;
use node::Node;
use pki::Pki;

/// How long a control plane may take to start before that is an error; 5 s are usual.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node that ends sooner after its start has not worked at all.
const SHORT: Duration = Duration::from_secs(3);

/// What to start.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where it keeps everything.
    pub(crate) folder: PathBuf,
    /// The API server's port; without one, the last one or a free one.
    pub(crate) port: Option<u16>,
    /// Whether etcd waits for the disk. Tests that throw the data away need not.
    pub(crate) durable: bool,
    /// What its node is made from, if it has one.
    pub(crate) node: Option<node::Parts>,
}

/// A running control plane; it stops when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    pki: Pki,
    // Before what it stands on.
    node: Option<Node>,
    node_parts: Option<node::Parts>,
    node_since: Instant,
    /// In the order of their start; stopped in the opposite one.
    services: Vec<Service>,
    network: Option<Network>,
    _lock: File,
}

impl Cluster {
    /// Starts etcd and the API server, and returns at once.
    pub(crate) fn launch(programs: &Path, options: &Options) -> Result<Self> {
        let folder = &options.folder;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let lock = lock(folder)?;
        let port = choose_port(folder, options.port)?;
        let pki = Pki::open_or_create(&folder.join("pki"))?;
        let network = options.node.as_ref().map(|_| Network::create(folder)).transpose()?;
        if let Some(network) = &network {
            pki.prepare_node(network.node())?;
        }
        let mut cluster = Self {
            programs: programs.to_owned(),
            folder: folder.clone(),
            port,
            pki,
            node: None,
            node_parts: options.node.clone(),
            node_since: Instant::now(),
            services: Vec::new(),
            network,
            _lock: lock,
        };
        cluster.write_kubeconfigs()?;
        let [etcd_port, peer_port] = net::free_ports()?;
        cluster.start("etcd", |plan| plan.etcd(etcd_port, peer_port, options.durable))?;
        cluster.start("kube-apiserver", |plan| plan.apiserver(etcd_port))?;
        Ok(cluster)
    }

    fn write_kubeconfigs(&self) -> Result<()> {
        let mut users = vec!["controller-manager", "scheduler"];
        if self.network.is_some() {
            users.extend(["kubelet", "kube-proxy"]);
        }
        let write = |name: &str, user: &str| {
            let text = self.pki.kubeconfig(user, self.address(), self.port)?;
            secret::write_private(&self.folder.join(name), &text)
        };
        write("kubeconfig", "admin")?;
        users.into_iter().try_for_each(|user| write(&format!("{user}.kubeconfig"), user))
    }

    /// Where the API server is.
    fn address(&self) -> Ipv4Addr {
        self.network.as_ref().map_or(Ipv4Addr::LOCALHOST, Network::node)
    }

    /// This machine's address as pods see it, when there may be any.
    pub(crate) fn host(&self) -> Option<Ipv4Addr> {
        self.network.as_ref().map(Network::host)
    }

    /// Waits for the API server, then starts the controllers.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        let authority = self.pki.certificate("ca");
        self.wait("kube-apiserver's /readyz", |cluster| {
            matches!(net::get(cluster.address(), cluster.port, "/readyz", &authority), Ok((200, _)))
        })?;
        self.start("kube-controller-manager", |plan| plan.controller_manager())?;
        self.start("kube-scheduler", |plan| plan.scheduler())?;
        self.switch_node_on()
    }

    /// Starts the node and waits until pods can be put on it.
    fn switch_node_on(&mut self) -> Result<()> {
        // What is left of an ended one goes before the next is started.
        self.node = None;
        let (Some(parts), Some(network)) = (&self.node_parts, &self.network) else { return Ok(()) };
        self.node = Some(Node::start(parts, network, &self.folder)?);
        self.node_since = Instant::now();
        self.wait("the node", |cluster| {
            let ready = "--for=condition=Ready";
            let mut kubectl = cluster.kubectl(&["wait", ready, "node", node::NAME, "--timeout=1s"]);
            command::output(&mut kubectl).is_ok_and(|output| output.status.success())
        })
    }

    /// Switches a node that ended on again, as a machine starts again after a power cut.
    pub(crate) fn revive_node(&mut self) -> Result<()> {
        if !self.node.as_mut().is_some_and(Node::has_ended) {
            return Ok(());
        }
        if self.node_since.elapsed() < SHORT {
            // It would end again and again: that is no power cut.
            return self.require_node();
        }
        say::note("the node was switched off; it is switched on again");
        self.switch_node_on()
    }

    /// Waits for the first work of the controllers: pods need that account, and it is the last thing a new cluster lacks.
    fn wait_complete(&mut self) -> Result<()> {
        self.wait("the service account `default`", |cluster| {
            let mut kubectl =
                cluster.kubectl(&["-n", "default", "get", "serviceaccount", "default", "-o", "name"]);
            command::output(&mut kubectl).is_ok_and(|output| output.status.success())
        })
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Fails when one of the programs ended.
    pub(crate) fn require_running(&mut self) -> Result<()> {
        self.services.iter_mut().try_for_each(Service::require_running)
    }

    fn require_node(&mut self) -> Result<()> {
        self.node.as_mut().map_or(Ok(()), Node::require_running)
    }

    /// One of the Kubernetes programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Brings an image to the node.
    pub(crate) fn import(&self, paths: &Paths, layout: &Path, name: &str) -> Result<()> {
        import(paths, &self.folder, layout, name)
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut kubectl = Command::new(self.programs.join("kubectl"));
        kubectl.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        kubectl
    }

    fn start(
        &mut self,
        name: &str,
        arguments: impl FnOnce(&programs::Plan<'_>) -> Vec<String>,
    ) -> Result<()> {
        let plan = programs::Plan {
            folder: &self.folder,
            address: self.address(),
            port: self.port,
            pki: &self.pki,
            node: self.network.is_some(),
        };
        let program = self.programs.join(name);
        let mut command = match &self.network {
            Some(network) => network.command(&program),
            None => Command::new(&program),
        };
        command.args(arguments(&plan)).current_dir(&self.folder);
        self.services.push(Service::start(name, &mut command, &self.folder)?);
        Ok(())
    }

    fn wait(&mut self, what: &str, ready: impl Fn(&Self) -> bool) -> Result<()> {
        let progress = say::Progress::start();
        while !ready(self) {
            self.require_running()?;
            self.require_node()?;
            if progress.elapsed() > PATIENCE {
                let logs = self.folder.display();
                bail!("{what} did not come within {}; the logs in {logs} say why", say::duration(PATIENCE));
            }
            signals::pause()?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.node = None;
        // etcd last: the others write their last words to it.
        while let Some(mut service) = self.services.pop() {
            service.stop();
        }
    }
}

/// Two control planes on one folder would share an etcd's data.
fn lock(folder: &Path) -> Result<File> {
    let file = File::create(folder.join("lock")).context("the cluster's lock cannot be written")?;
    if file.try_lock().is_err() {
        bail!("a cluster already runs on {}: stop that one, or give another folder", folder.display());
    }
    Ok(file)
}

/// The given port or none; else the one of last time, so that kubeconfigs which were handed out stay right.
fn choose_port(folder: &Path, given: Option<u16>) -> Result<u16> {
    let file = folder.join("port");
    let last = || fs::read_to_string(&file).ok()?.trim().parse().ok().filter(|port| net::is_free(*port));
    let port = match given {
        Some(port) => {
            net::require_free(port, "give another with --port")?;
            port
        }
        None => match last() {
            Some(port) => port,
            None => net::free_ports::<1>()?[0],
        },
    };
    fs::write(&file, port.to_string()).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(port)
}

/// What a node is made from, fetched or built.
pub(crate) fn node_parts(paths: &Paths) -> Result<node::Parts> {
    if let Some(why) = node::obstacle() {
        bail!("{why}; without --node there is a control plane, which needs none of it");
    }
    Ok(node::Parts {
        kubernetes: parts::ensure_built(paths, &parts::KUBERNETES)?,
        unpacked: parts::unpacked::ensure(paths)?,
    })
}

/// `cargo xtask cluster import`.
pub(crate) fn import(paths: &Paths, folder: &Path, layout: &Path, name: &str) -> Result<()> {
    node::import(folder, &parts::unpacked::ensure(paths)?, layout, name)
}

/// `cargo xtask cluster up`: in the foreground until standard input closes or someone asks to stop.
pub(crate) fn up(paths: &Paths, options: &Options) -> Result<()> {
    let programs = parts::ensure_built(paths, &parts::KUBERNETES)?;
    let progress = say::Progress::start();
    let what = if options.node.is_some() {
        "a Kubernetes cluster of one node"
    } else {
        "a Kubernetes control plane"
    };
    say::step(format!("Starting {what} in {}", options.folder.display()));
    let mut cluster = Cluster::launch(&programs, options)?;
    cluster.wait_ready()?;
    cluster.wait_complete()?;
    say::note(format!(
        "ready after {}; it stops on Ctrl-C or when standard input closes",
        say::duration(progress.finish())
    ));
    println!("{}", cluster.kubeconfig().display());
    static CLOSED: AtomicBool = AtomicBool::new(false);
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        CLOSED.store(true, Ordering::SeqCst);
    });
    while !CLOSED.load(Ordering::SeqCst) && !signals::requested() {
        cluster.require_running()?;
        cluster.revive_node()?;
        thread::sleep(Duration::from_millis(50));
    }
    say::note("stopping");
    Ok(())
}
