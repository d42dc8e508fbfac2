//! A real Kubernetes control plane on 127.0.0.1: etcd, kube-apiserver, kube-controller-manager, kube-scheduler.
//!
//! `cargo xtask cluster up --dir D` serves end-to-end tests, [`crate::up`] uses the same [`Cluster`]. Its folder keeps
//! the data, the certificates, the port and the logs, so that the next start finds everything as it was.
//!
//! Design notes. There is no node: Bowline's cluster role needs an API server and controllers, not containers. etcd
//! speaks TLS with client certificates even here, because the port is open to every user of the machine. The
//! controller manager and the scheduler listen nowhere (`--secure-port=0`), which saves two ports.

mod pki;
mod programs;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::service::Service;
use crate::{command, net, parts, say, secret, signals};
use pki::Pki;

/// How long a control plane may take to start before that is an error; 5 s are usual.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to start.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where it keeps everything.
    pub(crate) folder: PathBuf,
    /// The API server's port; without one, the last one or a free one.
    pub(crate) port: Option<u16>,
    /// Whether etcd waits for the disk. Tests that throw the data away need not.
    pub(crate) durable: bool,
}

/// A running control plane; it stops when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    pki: Pki,
    /// In the order of their start; stopped in the opposite one.
    services: Vec<Service>,
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
        for (name, user) in [
            ("kubeconfig", "admin"),
            ("controller-manager.kubeconfig", "controller-manager"),
            ("scheduler.kubeconfig", "scheduler"),
        ] {
            secret::write_private(&folder.join(name), &pki.kubeconfig(user, port)?)?;
        }
        let programs = programs.to_owned();
        let mut cluster =
            Self { programs, folder: folder.clone(), port, pki, services: Vec::new(), _lock: lock };
        let [etcd_port, peer_port] = net::free_ports()?;
        cluster.start("etcd", |plan| plan.etcd(etcd_port, peer_port, options.durable))?;
        cluster.start("kube-apiserver", |plan| plan.apiserver(etcd_port))?;
        Ok(cluster)
    }

    /// Waits for the API server, then starts the controllers.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        let authority = self.pki.certificate("ca");
        self.wait("kube-apiserver's /readyz", |cluster| {
            matches!(net::get(cluster.port, "/readyz", &authority), Ok((200, _)))
        })?;
        self.start("kube-controller-manager", |plan| plan.controller_manager())?;
        self.start("kube-scheduler", |plan| plan.scheduler())
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

    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut kubectl = Command::new(self.programs.join("kubectl"));
        kubectl.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        kubectl
    }

    fn start(
        &mut self,
        name: &str,
        arguments: impl FnOnce(&programs::Plan<'_>) -> Vec<String>,
    ) -> Result<()> {
        let plan = programs::Plan { folder: &self.folder, port: self.port, pki: &self.pki };
        let mut command = Command::new(self.programs.join(name));
        command.args(arguments(&plan)).current_dir(&self.folder);
        self.services.push(Service::start(name, &mut command, &self.folder)?);
        Ok(())
    }

    fn wait(&mut self, what: &str, ready: impl Fn(&Self) -> bool) -> Result<()> {
        let progress = say::Progress::start();
        while !ready(self) {
            self.require_running()?;
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

/// `cargo xtask cluster up`: in the foreground until standard input closes or someone asks to stop.
pub(crate) fn up(paths: &Paths, options: &Options) -> Result<()> {
    let programs = parts::ensure_built(paths, &parts::KUBERNETES)?;
    let progress = say::Progress::start();
    say::step(format!("Starting a Kubernetes control plane in {}", options.folder.display()));
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
        thread::sleep(Duration::from_millis(50));
    }
    say::note("stopping");
    Ok(())
}
