//! A real Kubernetes control plane (etcd, API server, controllers), started by `cargo xtask cluster up`, and the command
//! line that connects it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::node::can_run;
use crate::program::{Program, binary, clean, part};

/// A running control plane; it stops when its standard input closes.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    pub(crate) folder: TempDir,
    pub(crate) child: Child,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Starts one, or says which test does not run because the parts are not built.
    ///
    /// # Panics
    /// When the parts are there and do not start.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        Self::up(test, &[])
    }

    /// Starts one with a node on which pods run. Needs root.
    ///
    /// # Panics
    /// When the parts are there and do not start.
    #[must_use]
    pub fn start_node(test: &str) -> Option<Self> {
        if can_run(test) { Self::up(test, &["--node"]) } else { None }
    }

    fn up(test: &str, more: &[&str]) -> Option<Self> {
        let programs =
            part(test, "kubernetes", "BOWLINE_KUBERNETES", &["kube-apiserver", "kubelet", "kubectl"])?;
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("up.log")).unwrap();
        let mut command = Command::new(xtask());
        command.args(["cluster", "up", "--no-fsync", "--dir"]).arg(folder.path().join("cluster")).args(more);
        clean(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let kubeconfig = PathBuf::from(line.trim());
        if !kubeconfig.is_file() {
            let said = std::fs::read_to_string(folder.path().join("up.log")).unwrap_or_default();
            panic!("the control plane did not start:\n{said}");
        }
        Some(Self { programs, folder, child, kubeconfig })
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `kubectl …` with these objects on its standard input.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str], objects: &[Value]) -> String {
        let mut command = Command::new(self.programs.join("kubectl"));
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        clean(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for object in objects {
            writeln!(input, "{object}").unwrap();
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `kubectl …` that needs no objects.
    #[must_use]
    pub fn get(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.extend(["-o", "json"]);
        serde_json::from_str(&self.kubectl(&arguments, &[])).expect("kubectl prints JSON")
    }

    /// A kubeconfig for another account of the cluster, by its token.
    #[must_use]
    pub fn kubeconfig_of(&self, token: &str) -> PathBuf {
        let admin: Value =
            serde_json::from_str(&self.kubectl(&["config", "view", "--raw", "-o", "json"], &[]))
                .expect("kubectl prints JSON");
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": admin["clusters"][0]["cluster"]}],
            "users": [{"name": "it", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        });
        let path = self.folder.path().join("account.kubeconfig");
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Starts `bowline-agent cluster run` beside it.
    #[must_use]
    pub fn agent(&self) -> Program {
        self.agent_with(&[])
    }

    /// The same with these variables in its environment.
    #[must_use]
    pub fn agent_with(&self, environment: &[(&str, &str)]) -> Program {
        let kubeconfig = self.kubeconfig.to_string_lossy().into_owned();
        let arguments = ["cluster", "run", "--kubeconfig", &kubeconfig, "--health", "off"].map(str::to_owned);
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Program::start(&binary("bowline-agent"), &arguments, &environment, &self.agent_log())
    }

    /// Where kubectl is.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Runs the agent as the container of the installed Deployment would: its arguments, its mounted Secret, its account.
    ///
    /// # Panics
    /// When none is installed.
    #[must_use]
    pub fn installed_agent(&self) -> Program {
        let deployment = self.get(&["-n", "bowline-system", "get", "deployment", "bowline-agent"]);
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let secret = self.get(&["-n", "bowline-system", "get", "secret", "bowline-agent-onboarding"]);
        let mounted = self.folder.path().join("onboarding");
        std::fs::create_dir_all(&mounted).unwrap();
        for (name, value) in secret["data"].as_object().unwrap() {
            std::fs::write(mounted.join(name), STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap();
        }
        let kubeconfig = self.kubeconfig_of(&self.token("bowline-agent"));
        let arguments = container["args"].as_array().unwrap().iter();
        let arguments = arguments.map(|argument| match argument.as_str().unwrap() {
            "/etc/bowline/onboarding" => mounted.display().to_string(),
            other => other.to_owned(),
        });
        let mut arguments: Vec<String> = arguments.collect();
        arguments.extend(["--kubeconfig".to_owned(), kubeconfig.display().to_string()]);
        Program::start(&binary("bowline-agent"), &arguments, &[], &self.agent_log())
    }

    /// Starts `bowline-agent cluster run` as a pod would: in a mount namespace of its own with this service account's files where
    /// Kubernetes puts them, and nothing else that leads to the cluster. Needs root.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn pod_agent(&self, account: &str, pod_ip: &str) -> Program {
        let mounted = self.folder.path().join("serviceaccount");
        std::fs::create_dir_all(&mounted).unwrap();
        let token = self.token(account);
        for (name, text) in
            [("token", token.as_str()), ("ca.crt", &self.ca()), ("namespace", "bowline-system")]
        {
            std::fs::write(mounted.join(name), text).unwrap();
        }
        let port = self.server().rsplit(':').next().unwrap_or_default().to_owned();
        let environment = [
            ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
            ("KUBERNETES_SERVICE_PORT", &port),
            ("POD_IP", pod_ip),
            ("HOME", "/nonexistent"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let enter = "mount -t tmpfs tmpfs /run && at=/run/secrets/kubernetes.io/serviceaccount && mkdir -p $at \
                     && mount --bind \"$0\" $at && exec \"$@\"";
        let (mounted, agent) = (mounted.to_string_lossy().into_owned(), binary("bowline-agent"));
        let arguments =
            ["--mount", "--", "sh", "-c", enter, &mounted, &agent.to_string_lossy(), "cluster", "run"];
        Program::start(Path::new("unshare"), &arguments.map(str::to_owned), &environment, &self.agent_log())
    }

    /// A token of a service account in `bowline-system`, by TokenRequest.
    #[must_use]
    pub fn token(&self, account: &str) -> String {
        self.kubectl(&["create", "token", account, "--namespace", "bowline-system"], &[]).trim().to_owned()
    }

    fn config(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(&self.kubeconfig).unwrap()).unwrap()
    }

    /// The API server's URL.
    #[must_use]
    pub fn server(&self) -> String {
        self.config()["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned()
    }

    /// The certificate that the API server's is signed with.
    #[must_use]
    pub fn ca(&self) -> String {
        let config = self.config();
        let data = config["clusters"][0]["cluster"]["certificate-authority-data"].as_str().unwrap();
        String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
    }

    /// What that agent says.
    #[must_use]
    pub fn agent_log(&self) -> PathBuf {
        self.folder.path().join("agent.log")
    }
}

impl Cluster {
    /// Stops it, in order.
    pub fn stop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The program of the chores.
#[must_use]
pub fn xtask() -> PathBuf {
    std::env::var_os("BOWLINE_XTASK").map_or_else(|| binary("xtask"), PathBuf::from)
}

/// The `bowline` command with a configuration of its own.
#[derive(Debug)]
pub struct Cli {
    folder: TempDir,
}

impl Default for Cli {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
}

impl Cli {
    /// Runs `bowline …` to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// `bowline …`, not started yet.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("bowline"));
        clean(command.args(arguments)).env("BOWLINE_CONFIG_DIR", self.folder.path());
        command
    }

    /// Runs it, and it must succeed; what it printed.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "bowline {arguments:?}: {out}{err}");
        format!("{out}{err}")
    }

    /// Connects a cluster as `oven` in the group `plant`, whose agent runs beside it; what it said.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn connect(&self, cluster: &Cluster) -> String {
        let kubeconfig = cluster.kubeconfig().to_string_lossy();
        let connect = "cluster connect --name oven --group plant --no-install --timeout 0 --kubeconfig";
        let mut arguments: Vec<&str> = connect.split(' ').collect();
        arguments.push(&kubeconfig);
        self.succeed(&arguments)
    }

    /// Signs in as the administrator of a test's server.
    pub fn sign_in(&self, server: &crate::server::Server) {
        let password = self.folder.path().join("password");
        std::fs::write(&password, crate::server::PASSWORD).unwrap();
        let (url, ca) = (server.url(), server.ca());
        let (ca, password) = (ca.to_string_lossy(), password.to_string_lossy());
        let _ = self.succeed(&[
            "login",
            "--server",
            &url,
            "--username",
            "admin",
            "--password-file",
            &password,
            "--ca-file",
            &ca,
        ]);
    }
}
