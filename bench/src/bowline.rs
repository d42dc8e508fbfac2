//! Our side: a server with a data directory of its own, its administrator, and simulated agents.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::http::Target;
use crate::machine;
use crate::program::{Program, command, free_port, until};

/// The api-version of our own types and the newest of every other.
pub(crate) const VERSION: &str = "2026-11-01";
/// The public client that the command line uses.
const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const PASSWORD: &str = "a password that lives as long as a benchmark, 1";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A running server.
pub(crate) struct Server {
    programs: PathBuf,
    folder: TempDir,
    program: Program,
    port: u16,
    plain: Target,
    /// As the administrator.
    pub(crate) admin: Target,
    /// `/subscriptions/…`
    pub(crate) subscription: String,
}

impl Server {
    /// Starts one on an empty data directory.
    pub(crate) async fn start(programs: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        machine::write_private(&folder.path().join("password"), PASSWORD)?;
        let port = free_port()?;
        let mut program = launch(programs, folder.path(), port, &[])?;
        let plain = until("the server's certificate and its /readyz", Duration::from_secs(60), async || {
            program.require_running()?;
            let Ok(ca) = machine::read(&folder.path().join("data/ca.crt")) else { return Ok(None) };
            let target = Target::new(port, &ca, None)?;
            Ok(target.json(Method::GET, "/readyz", None).await.is_ok().then_some(target))
        })
        .await?;
        let admin = plain.with_bearer(&sign_in(&plain).await?);
        let page = admin.json(Method::GET, &format!("/subscriptions?api-version={VERSION}"), None).await?;
        let subscription = page["value"][0]["id"].as_str().context("a new server has a subscription")?;
        let subscription = subscription.to_owned();
        Ok(Self { programs: programs.to_owned(), folder, program, port, plain, admin, subscription })
    }

    /// The process that is measured.
    pub(crate) fn pids(&self) -> Result<[u32; 1]> {
        Ok([self.program.pid()?])
    }

    /// A group's id, after making it.
    pub(crate) async fn group(&self, name: &str) -> Result<String> {
        let id = format!("{}/resourceGroups/{name}", self.subscription);
        let body = json!({"location": "local"});
        self.admin.json(Method::PUT, &versioned(&id), Some(&body)).await?;
        Ok(id)
    }

    /// A file with an enrolment token for a group.
    pub(crate) async fn enrolment_token(&self, group: &str) -> Result<PathBuf> {
        let id = format!("{group}/providers/Microsoft.Bowline/enrollmentTokens/bench");
        let body = json!({"properties": {"maxUses": 100_000}});
        self.admin.json(Method::PUT, &versioned(&id), Some(&body)).await?;
        let path = versioned(&format!("{id}/listToken"));
        let listed = self.admin.json(Method::POST, &path, Some(&json!({}))).await?;
        let file = self.folder.path().join("enrolment-token");
        machine::write_private(&file, listed["token"].as_str().context("listToken gives the token")?)?;
        Ok(file)
    }

    /// Sessions that the server holds; `None` while it does not answer.
    pub(crate) async fn sessions(&self) -> Option<u64> {
        let (status, bytes) =
            self.plain.connect().await.ok()?.send(Method::GET, "/readyz", None).await.ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("sessions "))?;
        (status == 200).then(|| line.trim().parse().ok())?
    }

    /// Waits until the server holds that many sessions.
    pub(crate) async fn wait_sessions(&mut self, count: u64, within: Duration) -> Result<()> {
        until(&format!("{count} sessions"), within, async || {
            self.program.require_running()?;
            Ok((self.sessions().await == Some(count)).then_some(()))
        })
        .await
    }

    /// How many resources of a type there are at a scope, page by page.
    pub(crate) async fn count(&self, collection: &str) -> Result<u64> {
        let mut path = format!("{collection}?api-version={VERSION}&$top=1000");
        let mut count = 0;
        loop {
            let page = self.admin.json(Method::GET, &path, None).await?;
            count += page["value"].as_array().context("a page has a value")?.len() as u64;
            let Some(next) = page["nextLink"].as_str() else { return Ok(count) };
            let after = next.find("/subscriptions").context("a page link stays on this server")?;
            path = next[after..].to_owned();
        }
    }

    /// `kill -9`, and the same server again. It is not waited for.
    pub(crate) async fn crash_and_launch(&mut self) -> Result<()> {
        self.program.kill().await?;
        self.launch(&[])
    }

    /// Ends it; its data stays.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.program.stop().await
    }

    /// Starts it again after it ended, on a database that was filled with machines nobody runs: they stay in the state that was written. It is not
    /// waited for.
    pub(crate) fn launch_filled(&mut self) -> Result<()> {
        self.launch(&["--restart-grace", "86400"])
    }

    fn launch(&mut self, more: &[&str]) -> Result<()> {
        self.program = launch(&self.programs, self.folder.path(), self.port, more)?;
        Ok(())
    }

    /// Starts simulated machines in a group.
    pub(crate) fn simulate(&self, wish: &Wish<'_>) -> Result<Simulation> {
        let mut command = command(&self.programs.join("bowline-agent"));
        let group = wish.group.rsplit('/').next().unwrap_or_default();
        let subscription = self.subscription.rsplit('/').next().unwrap_or_default();
        command.args(["simulate", "--server", &format!("https://localhost:{}", self.port)]);
        command.arg("--ca-file").arg(self.ca()).args(["--subscription", subscription]);
        command.args(["--resource-group", group, "--prefix", wish.prefix, "--measure"]);
        command.args(["--count", &wish.count.to_string(), "--concurrency", &wish.concurrency.to_string()]);
        command.args(["--duration", "3600"]).arg("--enrollment-token-file").arg(wish.token);
        command.stdout(Stdio::piped()).stderr(machine::log(&self.folder.path().join("simulate.log"))?);
        Simulation::start(command)
    }

    /// The certificate to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("data/ca.crt")
    }

    /// A folder that ends with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A client that proved itself with a secret.
    pub(crate) async fn client(&self, id: &str, secret: &str) -> Result<Target> {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let mut connection = self.plain.connect().await?;
        let (_, answer) = connection.form("/organizations/oauth2/v2.0/token", &fields).await?;
        let token: Value = serde_json::from_slice(&answer)?;
        let token = token["access_token"].as_str().with_context(|| format!("no token: {token}"))?;
        Ok(self.plain.with_bearer(token))
    }

    /// What `/metrics` says of a figure, summed over its labels; none while the server does not answer.
    pub(crate) async fn figure(&self, name: &str, label: &str) -> Result<f64> {
        let (_, bytes) = self.admin.connect().await?.send(Method::GET, "/metrics", None).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// How clients reach it.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Where the administrator's password is.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }
}

/// A path with the api-version.
pub(crate) fn versioned(id: &str) -> String {
    format!("{id}?api-version={VERSION}")
}

/// Which agents to simulate.
pub(crate) struct Wish<'a> {
    pub(crate) group: &'a str,
    pub(crate) token: &'a Path,
    pub(crate) prefix: &'a str,
    pub(crate) count: u64,
    /// How many enrol at the same time.
    pub(crate) concurrency: u64,
}

fn launch(programs: &Path, folder: &Path, port: u16, more: &[&str]) -> Result<Program> {
    let mut command = command(&programs.join("bowline-server"));
    command.arg("serve").arg("--data-dir").arg(folder.join("data"));
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    command.arg("--admin-password-file").arg(folder.join("password")).args(more);
    Program::start(command, &folder.join("server.log"))
}

/// The administrator's token, by the device flow.
async fn sign_in(target: &Target) -> Result<String> {
    let mut connection = target.connect().await?;
    let fields = [("client_id", CLI), ("scope", "openid")];
    let started = connection.form("/organizations/oauth2/v2.0/devicecode", &fields).await?;
    let started: Value = serde_json::from_slice(&started.1)?;
    let text = |name: &str| started[name].as_str().unwrap_or_default();
    let fields = [("user_code", text("user_code")), ("username", "admin"), ("password", PASSWORD)];
    let fields: Vec<_> = fields.into_iter().chain([("action", "approve")]).collect();
    let (status, answer) = connection.form("/device", &fields).await?;
    if status != 200 {
        bail!("the sign-in was answered {status}: {}", String::from_utf8_lossy(&answer));
    }
    let fields = [("grant_type", DEVICE_GRANT), ("client_id", CLI), ("device_code", text("device_code"))];
    let (_, token) = connection.form("/organizations/oauth2/v2.0/token", &fields).await?;
    let token: Value = serde_json::from_slice(&token)?;
    Ok(token["access_token"].as_str().with_context(|| format!("no token: {token}"))?.to_owned())
}

/// A running simulation, and what it said.
pub(crate) struct Simulation {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Simulation {
    fn start(mut command: tokio::process::Command) -> Result<Self> {
        let mut child = command.spawn()?;
        let mut out = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = out.next_line().await {
                if let Ok(line) = serde_json::from_str(&line) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().context("the simulation ended")
    }

    /// The newest line for which the question has an answer.
    pub(crate) fn newest<T>(&self, question: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().find_map(question)
    }

    /// The oldest such line.
    pub(crate) fn oldest<T>(&self, question: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().find_map(question)
    }

    /// Waits for such a line.
    pub(crate) async fn wait<T>(
        &self,
        what: &str,
        within: Duration,
        question: impl Fn(&Value) -> Option<T>,
    ) -> Result<T> {
        until(what, within, async || Ok(self.newest(&question))).await
    }

    /// Ends it.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
