//! `bowline-server` on a free port with a data directory of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::api::{Answer, Api, client};
use crate::program::{Program, binary, free_port};
use crate::wait::until;

/// The administrator of every test's server.
pub const PASSWORD: &str = "a Password of a test, 42";
/// The client id of the command line.
pub const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Settings of a test's server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seconds in which a restart changes no presence.
    pub restart_grace: u64,
    /// Seconds that an agent's token and session live.
    pub agent_token_seconds: u64,
    /// `postgres://…`, instead of SQLite.
    pub database: Option<String>,
    /// The root key of another server, for several on one database.
    pub root_key: Option<PathBuf>,
    /// The address to listen on and to be reached by, instead of the loopback.
    pub address: Option<String>,
    /// How clients reach it, when not directly.
    pub public_url: Option<String>,
    /// Seconds that a key signs tokens.
    pub signing_key_seconds: Option<u64>,
    /// An OCI image layout to serve.
    pub agent_image: Option<PathBuf>,
    /// The data directory of another server whose certificate authority this one has too, for several behind one address.
    pub authority_of: Option<PathBuf>,
    /// Another build of the server.
    pub program: Option<PathBuf>,
    /// More arguments.
    pub extra: Vec<String>,
    /// More of its environment.
    pub environment: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            restart_grace: 2,
            agent_token_seconds: 1800,
            database: None,
            root_key: None,
            address: None,
            public_url: None,
            signing_key_seconds: None,
            agent_image: None,
            authority_of: None,
            program: None,
            extra: Vec::new(),
            environment: Vec::new(),
        }
    }
}

/// A server that a test may kill and start again.
#[derive(Debug)]
pub struct Server {
    program: Option<Program>,
    folder: TempDir,
    options: Options,
    /// Where it listens on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// Starts one and waits until it takes requests.
    pub async fn start(options: Options) -> Self {
        Self::start_at(free_port(), options).await
    }

    /// Starts one on a port that was given out before.
    pub async fn start_at(port: u16, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut server = Self { program: None, folder, options, port };
        if let Some(from) = &server.options.authority_of {
            let to = server.data().join("tls");
            std::fs::create_dir_all(&to).unwrap();
            for name in ["ca.crt", "ca.key"] {
                let _ = std::fs::copy(from.join("tls").join(name), to.join(name)).unwrap();
            }
        }
        server.restart().await;
        server
    }

    /// With the usual settings.
    pub async fn usual() -> Self {
        Self::start(Options::default()).await
    }

    /// More arguments for its next start.
    pub fn set_extra(&mut self, extra: &[&str]) {
        self.options.extra = extra.iter().map(|argument| (*argument).to_owned()).collect();
    }

    /// Another build from its next start on; none is the one that is tested.
    pub fn set_program(&mut self, program: Option<PathBuf>) {
        self.options.program = program;
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its log, of all runs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// The certificate to trust.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.data().join("ca.crt")
    }

    /// How clients reach it.
    #[must_use]
    pub fn url(&self) -> String {
        self.options.public_url.clone().unwrap_or_else(|| self.base())
    }

    /// Where it listens.
    fn base(&self) -> String {
        format!("https://{}:{}", self.options.address.as_deref().unwrap_or("localhost"), self.port)
    }

    fn arguments(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut arguments: Vec<String> = [
            ("--data-dir", text(self.data())),
            ("--listen", format!("{}:{}", self.options.address.as_deref().unwrap_or("127.0.0.1"), self.port)),
            ("--public-url", self.url()),
            ("--admin-password-file", text(self.folder.path().join("password"))),
            ("--restart-grace", self.options.restart_grace.to_string()),
            ("--agent-token-seconds", self.options.agent_token_seconds.to_string()),
            ("--log", "info,bowline_control=debug,bowline_server=debug".to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect();
        arguments.insert(0, "serve".to_owned());
        for (name, value) in [
            ("--database", self.options.database.clone()),
            ("--root-key-file", self.options.root_key.clone().map(text)),
            ("--signing-key-seconds", self.options.signing_key_seconds.map(|seconds| seconds.to_string())),
            ("--agent-image", self.options.agent_image.clone().map(text)),
        ] {
            if let Some(value) = value {
                arguments.extend([name.to_owned(), value]);
            }
        }
        arguments.extend(self.options.extra.clone());
        arguments
    }

    /// Starts it again on the same data and port, and waits until it takes requests.
    pub async fn restart(&mut self) {
        self.launch();
        self.ready().await;
    }

    /// Starts it and does not wait.
    ///
    /// # Panics
    /// When it still runs.
    pub fn launch(&mut self) {
        assert!(self.program.is_none(), "kill or stop the server before it is started again");
        let program = self.options.program.clone().unwrap_or_else(|| binary("bowline-server"));
        self.program =
            Some(Program::start(&program, &self.arguments(), &self.options.environment, &self.log()));
    }

    /// Waits until it takes requests.
    pub async fn ready(&mut self) {
        let plain = format!("{}/readyz", self.base());
        let ca = self.ca();
        let program = self.program.as_mut().expect("the server was started");
        until("the server's /readyz", Duration::from_secs(60), async || {
            if let Some(status) = program.ended() {
                panic!("the server ended with {status}:\n{}", program.said());
            }
            let pem = std::fs::read_to_string(&ca).ok()?;
            client(&pem).get(&plain).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.kill();
        }
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.program.as_ref().map(Program::pid)
    }

    /// SIGSTOP: the process is there and does nothing, as when its host hangs.
    pub fn freeze(&self) {
        self.program.iter().for_each(Program::freeze);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.program.iter().for_each(Program::thaw);
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&mut self) {
        if let Some(mut program) = self.program.take() {
            let status = program.stop().await;
            assert!(status.success(), "the server ended with {status}: {}", program.said());
        }
    }

    /// The API without a token.
    #[must_use]
    pub fn api(&self) -> Api {
        let pem = std::fs::read_to_string(self.ca()).unwrap();
        Api { http: client(&pem), base: self.base(), bearer: None }
    }

    /// The API as the administrator.
    pub async fn admin(&self) -> Api {
        let api = self.api();
        let token = sign_in(&api, "admin", PASSWORD).await;
        api.with(token["access_token"].as_str().unwrap())
    }

    /// The latest revision, as `/readyz` says.
    pub async fn revision(&self) -> u64 {
        let answer = self.api().get("/readyz?").await;
        let line = answer.text.lines().find_map(|line| line.strip_prefix("revision ").map(str::to_owned));
        line.and_then(|number| number.trim().parse().ok()).expect("/readyz names the revision")
    }
}

/// A user's tokens, by the device flow.
pub async fn sign_in(api: &Api, username: &str, password: &str) -> Value {
    try_sign_in(api, username, password)
        .await
        .unwrap_or_else(|why| panic!("{username} cannot sign in: {why}"))
}

/// A user's tokens, or why a server that dies meanwhile or whose clock jumps did not give any.
pub async fn try_sign_in(api: &Api, username: &str, password: &str) -> Result<Value, String> {
    let step = async |path: &str, fields: &[(&str, &str)]| {
        let answer = Api::exchange(api.http.post(format!("{}{path}", api.base)).form(fields)).await;
        match answer.map_err(|error| format!("{path}: {error:?}"))? {
            Answer { status: 200, body, .. } => Ok(body),
            Answer { status, text, .. } => Err(format!("{path}: {status} {text}")),
        }
    };
    let fields = [("client_id", CLI), ("scope", "openid")];
    let started = step("/organizations/oauth2/v2.0/devicecode", &fields).await?;
    let (user, device) = (started["user_code"].as_str().unwrap(), started["device_code"].as_str().unwrap());
    let fields = [("user_code", user), ("username", username), ("password", password), ("action", "approve")];
    let _ = step("/device", &fields).await?;
    let fields = [("grant_type", DEVICE_GRANT), ("client_id", CLI), ("device_code", device)];
    step("/organizations/oauth2/v2.0/token", &fields).await
}

/// The id of the default subscription: `/subscriptions/…`.
pub async fn subscription(admin: &Api) -> String {
    let page = admin.get("/subscriptions").await.expect(200);
    page["value"][0]["id"].as_str().expect("there is a subscription").to_owned()
}

/// Makes a resource group and gives its id.
pub async fn group(admin: &Api, name: &str) -> String {
    let id = format!("{}/resourceGroups/{name}", subscription(admin).await);
    let answer = admin.put(&id, &serde_json::json!({"location": "local"})).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    id
}

/// An enrolment token in a group.
pub async fn enrolment_token(admin: &Api, group: &str, name: &str, uses: u64) -> String {
    let id = format!("{group}/providers/Microsoft.Bowline/enrollmentTokens/{name}");
    let made = admin.put(&id, &serde_json::json!({"properties": {"maxUses": uses}})).await;
    assert!(matches!(made.status, 200 | 201), "{}", made.text);
    let listed = admin.post(&format!("{id}/listToken"), &serde_json::json!({})).await.expect(200);
    listed["token"].as_str().expect("listToken gives the token").to_owned()
}

/// The cookie of a portal session, as a browser gets it.
///
/// # Panics
/// When nobody is signed in.
pub async fn portal_cookie(api: &Api, username: &str, password: &str) -> String {
    let cookie_of = |answer: &Answer, name: &str| {
        let all = answer.headers.get_all("set-cookie");
        let found = all.iter().filter_map(|value| value.to_str().ok()).find(|value| value.starts_with(name));
        let found = found.unwrap_or_else(|| panic!("{name} is set: {}", answer.text));
        found.split(';').next().unwrap_or(found).to_owned()
    };
    let login = Api::send(api.http.get(format!("{}/portal/login", api.base))).await;
    let started = cookie_of(&login, "__Host-bowline-signin");
    let location = login.header("location").expect("the sign-in page is named");
    let page = reqwest::Url::parse(&format!("{}{location}", api.base)).expect("its address is one");
    let mut fields: Vec<(String, String)> =
        page.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let given = [("username", username), ("password", password)];
    fields.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let borrowed: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = api.form(page.path(), &borrowed).await;
    let back = answer.header("location").expect("the password was accepted").to_owned();
    cookie_of(&Api::send(api.http.get(&back).header("cookie", started)).await, "__Host-bowline=")
}
