//! `cargo xtask up`: Bowline, a real Kubernetes control plane and this server, connected, in one command.
//!
//! The order: tools, build, server, sign-in, agents, until both resources are Connected. It does nothing that a user
//! could not do by hand: it signs in, creates a group and connects through the `bowline` command, so that a newcomer's
//! first minutes test the same way in as everyone's.
//!
//! Design notes. The process in the foreground *is* the supervisor, and `--detach` starts the same process without a
//! terminal; so there is one way to stop (`SIGTERM`, in order) and one that always works (the kernel ends the children
//! with it). Every step may be repeated: `up` on data from before connects again, which heals what lapsed.

mod build;
mod connect;
mod pod;
mod running;
mod summary;
mod tools;

use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::paths::Paths;
use crate::service::Service;
use crate::{cluster, command, disk, net, parts, say, secret, signals};
use connect::Bowline;
use running::Record;

pub(crate) use connect::machine_name;
pub(crate) use running::down;

/// What to start, as the command line says it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Connects this server only, no Kubernetes cluster.
    #[arg(long, conflicts_with = "kubeconfig")]
    no_cluster: bool,
    /// Starts a cluster with a node, and the agent as a pod on it; needs root.
    #[arg(long, conflicts_with_all = ["kubeconfig", "no_cluster"])]
    node: bool,
    /// Connects the cluster of this kubeconfig's current context instead of starting one.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Goes on in the background; `cargo xtask down` stops it.
    #[arg(long)]
    detach: bool,
    /// The port of https://localhost.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Starts what was built before.
    #[arg(long)]
    no_build: bool,
    /// Is the process in the background.
    #[arg(long, hide = true)]
    detached: bool,
}

impl Options {
    fn wants_cluster(&self) -> bool {
        !self.no_cluster && self.kubeconfig.is_none()
    }
}

/// How long the server may take to be ready; a second is usual.
const PATIENCE: Duration = Duration::from_secs(60);

/// `cargo xtask up`.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let progress = say::Progress::start();
    if options.detached {
        running::leave_terminal()?;
    }
    if let Some(record) = running::find(paths)? {
        println!("Bowline already runs as process {} at {}.", record.identity.pid, record.url());
        println!("Stop it with: cargo xtask down");
        return Ok(());
    }
    net::require_free(options.port, "choose another with `cargo xtask up --port PORT`")?;
    disk::require(&paths.data, 256 << 20, "Bowline's data")?;
    fs::create_dir_all(&paths.data).with_context(|| format!("{} cannot be made", paths.data.display()))?;
    fs::set_permissions(&paths.data, fs::Permissions::from_mode(0o700))?;
    let kubeconfig = options.kubeconfig.as_deref().map(readable).transpose()?;
    let built = build::all(paths, options)?;
    if options.detach {
        return running::detach(paths, options);
    }
    let lock = running::lock(paths)?;
    let mut record = Record::new(options.port)?;
    record.write(paths)?;
    let mut world = World::start(paths, options, built, kubeconfig)?;
    record.set_host(world.host);
    record.write(paths)?;
    world.connect()?;
    say::note(format!("everything is connected after {}", say::duration(progress.finish())));
    summary::print(paths, options, &world.names, &world.url);
    // Last, because who waits for it in the foreground then shows the summary.
    record.ready = true;
    record.write(paths)?;
    let outcome = world.watch();
    say::step("Stopping");
    drop(world);
    running::clear(paths);
    drop(lock);
    outcome
}

fn readable(file: &Path) -> Result<PathBuf> {
    let file = std::path::absolute(file)?;
    fs::read(&file).with_context(|| format!("the kubeconfig {} cannot be read", file.display()))?;
    Ok(file)
}

/// What the two resources are called, and where the cluster's kubeconfig is.
#[derive(Debug)]
pub(crate) struct Names {
    machine: String,
    cluster: Option<(String, PathBuf)>,
}

/// Everything that runs. The fields are dropped in this order: agents, the server, the cluster.
struct World<'a> {
    paths: &'a Paths,
    names: Names,
    host: Ipv4Addr,
    url: String,
    bowline: Bowline,
    pod: Option<pod::Pod>,
    agents: Vec<Service>,
    server: Service,
    cluster: Option<Cluster>,
}

impl<'a> World<'a> {
    /// Starts the server and the cluster side by side, and waits for the server.
    fn start(
        paths: &'a Paths,
        options: &Options,
        built: build::Built,
        kubeconfig: Option<PathBuf>,
    ) -> Result<Self> {
        let cluster = built.kubernetes.as_deref();
        let cluster = cluster.map(|programs| start_cluster(paths, programs, built.node)).transpose()?;
        // Where there are pods, the server is where they can reach it.
        let pods_see = cluster.as_ref().and_then(Cluster::host);
        let host = pods_see.unwrap_or(Ipv4Addr::LOCALHOST);
        let url = match pods_see {
            Some(host) => format!("https://{host}:{}", options.port),
            None => format!("https://localhost:{}", options.port),
        };
        say::step(format!("Starting bowline-server on {url}"));
        let server = start_server(paths, &format!("{host}:{}", options.port), &url)?;
        let kubeconfig = kubeconfig.or_else(|| cluster.as_ref().map(Cluster::kubeconfig));
        let names = Names {
            machine: machine_name()?,
            cluster: kubeconfig.map(|file| match pods_see {
                Some(_) => ("local-node".to_owned(), file),
                None => (connect::cluster_name(cluster.is_some(), &file), file),
            }),
        };
        let bowline = Bowline::new(paths, &url)?;
        let pod = built.pod;
        let mut world = Self { paths, names, host, url, bowline, pod, agents: Vec::new(), server, cluster };
        world.wait_for_server(options.port)?;
        Ok(world)
    }

    fn wait_for_server(&mut self, port: u16) -> Result<()> {
        let progress = say::Progress::start();
        let authority = self.paths.data.join("server/ca.crt");
        loop {
            self.server.require_running()?;
            let answer = net::get(self.host, port, "/readyz", &authority);
            match answer {
                Ok((200, _)) => break,
                _ if progress.elapsed() < PATIENCE => signals::pause()?,
                Ok((status, body)) => {
                    bail!(
                        "bowline-server is not ready after {} (status {status}): {body}",
                        say::duration(PATIENCE)
                    )
                }
                Err(error) => {
                    let log = self.server.log().display().to_string();
                    return Err(error.context(format!("bowline-server does not answer; its log is {log}")));
                }
            }
        }
        say::note(format!("ready after {}", say::duration(progress.finish())));
        Ok(())
    }

    /// Signs in, connects both as a user would, starts the agents, and waits for their first reports.
    fn connect(&mut self) -> Result<()> {
        say::step(
            "Signing in and connecting, as a user does: bowline login, group create, machine connect, cluster connect",
        );
        self.bowline.sign_in()?;
        self.bowline.connect_machine(&self.names.machine)?;
        let state = self.paths.data.join("machine");
        self.start_agent(
            "machine-agent",
            &["machine".as_ref(), "run".as_ref(), "--state-dir".as_ref(), state.as_ref()],
        )?;
        if let Some(cluster) = &mut self.cluster {
            cluster.wait_ready()?;
            let (kubeconfig, kubectl) = (cluster.kubeconfig(), cluster.program("kubectl"));
            connect::write_shortcut(self.paths, "kubectl", ("KUBECONFIG", &kubeconfig), &kubectl)?;
        }
        if let Some((name, kubeconfig)) = &self.names.cluster {
            if let (Some(pod), Some(cluster)) = (&self.pod, &self.cluster) {
                pod.install(self.paths, cluster)?;
            }
            self.bowline.connect_cluster(name, kubeconfig)?;
            if self.pod.is_none() {
                let kubeconfig = kubeconfig.clone();
                let arguments =
                    ["cluster".as_ref(), "run".as_ref(), "--kubeconfig".as_ref(), kubeconfig.as_ref()];
                self.start_agent("cluster-agent", &arguments)?;
            }
        }
        let progress = say::Progress::start();
        while let Some(waiting) = self.bowline.not_yet_connected(&self.names)? {
            self.require_running()?;
            if progress.elapsed() > PATIENCE {
                bail!(
                    "{waiting} after {}; the agents' logs in {} say why",
                    say::duration(PATIENCE),
                    logs(self.paths).display()
                );
            }
            signals::pause()?;
        }
        Ok(())
    }

    fn start_agent(&mut self, name: &str, arguments: &[&OsStr]) -> Result<()> {
        let mut agent = connect::local_command(&self.paths.built("bowline-agent"));
        self.agents.push(Service::start(name, agent.args(arguments), &logs(self.paths))?);
        Ok(())
    }

    fn require_running(&mut self) -> Result<()> {
        self.server.require_running()?;
        self.agents.iter_mut().try_for_each(Service::require_running)?;
        self.cluster.as_mut().map_or(Ok(()), Cluster::require_running)
    }

    /// Stays until someone asks to stop or the server ends. An agent or a cluster that ends is told and no more:
    /// killing one and looking at its resource turn Offline is something to try.
    fn watch(&mut self) -> Result<()> {
        while !signals::requested() {
            self.server.require_running()?;
            self.agents.retain_mut(|agent| {
                let ended = agent.ended();
                if let Some(status) = ended {
                    let log = agent.log().display();
                    say::note(format!("{} {}; its log is {log}", agent.name(), command::outcome(status)));
                }
                ended.is_none()
            });
            let cluster = self.cluster.as_mut();
            let check =
                |cluster: &mut Cluster| cluster.require_running().and_then(|()| cluster.revive_node());
            if let Some(error) = cluster.and_then(|cluster| check(cluster).err()) {
                say::note(format!("the Kubernetes control plane stopped: {error}"));
                self.cluster = None;
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

fn logs(paths: &Paths) -> PathBuf {
    paths.data.join("logs")
}

fn start_server(paths: &Paths, listen: &str, url: &str) -> Result<Service> {
    let password = paths.data.join("admin-password");
    secret::create_password(&password)?;
    let mut server = connect::local_command(&paths.built("bowline-server"));
    server.arg("serve").arg("--data-dir").arg(paths.data.join("server"));
    server.args(["--listen", listen, "--public-url", url]);
    server.arg("--admin-password-file").arg(&password);
    Service::start("server", &mut server, &logs(paths))
}

fn start_cluster(paths: &Paths, programs: &Path, node: Option<cluster::node::Parts>) -> Result<Cluster> {
    // A cluster of its own, because the certificates of a control plane alone are for no other address.
    let folder = paths.data.join(if node.is_some() { "node-cluster" } else { "cluster" });
    say::step(format!("Starting {} in {}", parts::KUBERNETES.what, folder.display()));
    Cluster::launch(programs, &cluster::Options { folder, port: None, durable: true, node })
}
