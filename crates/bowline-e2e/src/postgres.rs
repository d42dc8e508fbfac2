//! A PostgreSQL server for the length of the test process, as Debian packages it.
//!
//! A shell stands between: it waits for the end of its standard input, which the kernel closes when the test process
//! ends, however it ends; then it stops the server and removes its folder. [`Mortal`] is another one, which its test may kill.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::network::Place;
use crate::program::{Program, free_port};
use crate::wait::{seconds, until_true};

/// See the module.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    port: u16,
    databases: AtomicU32,
    /// Its standard input is what the shell waits for.
    _shell: Child,
}

static SERVER: LazyLock<Option<Postgres>> = LazyLock::new(|| binaries().map(Postgres::start));

/// The server, or a line that says which test does not run without it.
#[must_use]
pub fn postgres(test: &str) -> Option<&'static Postgres> {
    let _ = binaries_for(test)?;
    SERVER.as_ref()
}

/// Where they are, or a line that says which test does not run without them.
fn binaries_for(test: &str) -> Option<PathBuf> {
    let found = binaries();
    if found.is_none() {
        // Not through the captured output: a test that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no /usr/lib/postgresql/*/bin");
    }
    found
}

/// Where the harness was told, or where Debian puts it: the newest version that is there.
#[must_use]
pub fn binaries() -> Option<PathBuf> {
    std::env::var_os("BOWLINE_POSTGRES").map(PathBuf::from).or_else(debian)
}

/// A client program: of the same version if that brings clients, else Debian's, which speak to newer servers too.
fn client(binaries: &Path, name: &str) -> PathBuf {
    let own = binaries.join(name);
    if own.exists() { own } else { debian().expect("Debian's clients are there").join(name) }
}

/// The programs where their user can run them: below the home directory of root it does not see them.
fn reachable(binaries: PathBuf, folder: &Path) -> PathBuf {
    let mut seen = Command::new("setpriv");
    seen.args(as_owner()).args(["test", "-x"]).arg(binaries.join("postgres"));
    if seen.status().is_ok_and(|status| status.success()) {
        return binaries;
    }
    let copy = folder.join("server");
    let copied = Command::new("cp").arg("-a").arg(binaries.join("..")).arg(&copy).status();
    assert!(copied.is_ok_and(|status| status.success()), "{} can be copied", binaries.display());
    copy.join("bin")
}

fn debian() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|version| {
            let version = version.ok()?;
            let path = version.path().join("bin");
            path.join("postgres").exists().then_some((version.file_name().to_str()?.parse().ok()?, path))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

/// The user that PostgreSQL runs as, where that must be another one: it refuses to run as root.
#[must_use]
pub fn owner() -> Option<&'static str> {
    nix::unistd::geteuid().is_root().then_some("postgres")
}

/// Arguments of `setpriv` that make a child of that user.
#[must_use]
pub fn as_owner() -> &'static [&'static str] {
    match owner() {
        Some(_) => &["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--pdeathsig", "KILL"],
        None => &["--pdeathsig", "KILL"],
    }
}

const SCRIPT: &str = r#"
cd / && mkdir "$DIR/data" || exit 1
if [ -n "$OWNER" ]; then chown "$OWNER" "$DIR" "$DIR/data" || exit 1; fi
# Not a function: then the process in the background would be a shell that ignores the signal below.
$AS "$BIN/initdb" -D "$DIR/data" -U bowline --auth trust --no-sync -E UTF8 --locale C.UTF-8 >"$DIR/log" 2>&1 || exit 1
$AS "$BIN/postgres" -D "$DIR/data" -p "$PORT" -k "$DIR" -c listen_addresses=127.0.0.1 -c max_connections=200 >>"$DIR/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$DIR"
"#;

impl Postgres {
    fn start(binaries: PathBuf) -> Self {
        let home = tempfile::tempdir().unwrap().keep();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755)).unwrap();
        let binaries = reachable(binaries, &home);
        let port = free_port();
        let run = format!("setpriv {}", as_owner().join(" "));
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).env("BIN", &binaries).env("DIR", &home).env("PORT", port.to_string());
        let shell = command
            .env("OWNER", owner().unwrap_or_default())
            .env("AS", run)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { binaries, port, databases: AtomicU32::new(0), _shell: shell };
        server.wait_until_ready(&home);
        server
    }

    fn wait_until_ready(&mut self, home: &Path) {
        let port = self.port.to_string();
        for _ in 0..600 {
            let mut ready = Command::new(client(&self.binaries, "pg_isready"));
            if ready
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .is_ok_and(|status| status.success())
            {
                return;
            }
            if self._shell.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!(
            "PostgreSQL did not start:\n{}",
            std::fs::read_to_string(home.join("log")).unwrap_or_default()
        );
    }

    /// Runs statements on a database as one transaction, as somebody who may do everything there.
    ///
    /// # Panics
    /// When they fail.
    pub fn run(&self, url: &str, text: &str) {
        let mut psql = Command::new(client(&self.binaries, "psql"));
        psql.args([url, "-q", "-1", "-v", "ON_ERROR_STOP=1", "-c", text]);
        assert!(psql.status().unwrap().success(), "the database takes: {text}");
    }

    /// What an administrator types, and what the database answers.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn ask(&self, database: &str, text: &str) -> String {
        let output =
            Command::new(client(&self.binaries, "psql")).args(["-XAtqc", text, database]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A fresh, empty database.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = Command::new(client(&self.binaries, "createdb"));
        create.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "bowline", &name]);
        assert!(create.status().unwrap().success(), "the database {name} can be made");
        format!("postgres://bowline@127.0.0.1:{}/{name}", self.port)
    }
}

/// A PostgreSQL server of one test, which flushes what it commits and may be killed at any moment.
#[derive(Debug)]
pub struct Mortal {
    binaries: PathBuf,
    folder: TempDir,
    data: PathBuf,
    port: u16,
    place: Option<Place>,
    environment: Vec<(String, String)>,
    program: Option<Program>,
}

impl Mortal {
    /// Starts one, or says which test does not run without it.
    pub async fn start(test: &str) -> Option<Self> {
        Self::begin(Self::new(binaries_for(test)?)).await
    }

    /// Starts one whose files are in a folder of the test's.
    pub async fn start_on(test: &str, folder: &Path) -> Option<Self> {
        Self::begin(Self { data: folder.join("data"), ..Self::new(binaries_for(test)?) }).await
    }

    /// Starts one in a place of a network, where it is reached by its address.
    pub async fn start_in(test: &str, place: Option<Place>) -> Option<Self> {
        Self::begin(Self { place, ..Self::new(binaries_for(test)?) }).await
    }

    /// Starts one with more in its environment.
    pub async fn start_with(test: &str, environment: Vec<(String, String)>) -> Option<Self> {
        Self::begin(Self { environment, ..Self::new(binaries_for(test)?) }).await
    }

    async fn begin(mut server: Self) -> Option<Self> {
        let data = server.data();
        server
            .make(
                "initdb",
                &["-U", "bowline", "--auth", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "-D", &data],
            )
            .await;
        if let Some(place) = &server.place {
            let line = format!("host all all {}/24 trust\n", place.address);
            let file = server.data.join("pg_hba.conf");
            OpenOptions::new().append(true).open(file).unwrap().write_all(line.as_bytes()).unwrap();
        }
        server.restart().await;
        Some(server)
    }

    /// A replica, which follows this one over a port and may be some commits behind (asynchronous streaming).
    pub async fn replica(&self, port: u16) -> Self {
        let mut server = Self::new(self.binaries.clone());
        let (data, port) = (server.data(), port.to_string());
        let from = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "bowline",
            "-D",
            &data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        ];
        server.make("pg_basebackup", &from).await;
        server.restart().await;
        server
    }

    /// Ends following: from now on it takes writes.
    ///
    /// # Panics
    /// When it follows nobody.
    pub async fn promote(&self) {
        assert_eq!(self.ask("SELECT pg_promote()").await, "t");
    }

    /// What an administrator types, and what the database answers.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn ask(&self, text: &str) -> String {
        let mut command = tokio::process::Command::new(client(&self.binaries, "psql"));
        let output = command.args(["-XAtqc", text, &self.url()]).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What pgbench says of a script, over the Unix socket.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn pgbench(&self, script: &str, arguments: &[&str]) -> String {
        let file = self.folder.path().join("script.sql");
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new(client(&self.binaries, "pgbench"));
        command.args(["-n", "-U", "bowline", "-p", &self.port.to_string(), "-h"]).arg(self.folder.path());
        let output = command.arg("-f").arg(&file).args(arguments).arg("postgres").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn new(binaries: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let data = folder.path().join("data");
        let binaries = reachable(binaries, folder.path());
        Self {
            binaries,
            folder,
            data,
            port: free_port(),
            place: None,
            environment: Vec::new(),
            program: None,
        }
    }

    async fn make(&self, program: &str, arguments: &[&str]) {
        let mut command = tokio::process::Command::new("setpriv");
        command.args(as_its_user()).arg(self.binaries.join(program)).args(arguments);
        let made = command.current_dir("/").stdout(Stdio::null()).status().await.unwrap();
        assert!(made.success(), "{program} makes {}", self.data());
    }

    fn data(&self) -> String {
        self.data.to_string_lossy().into_owned()
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.program.as_mut().is_none_or(|program| program.ended().is_some())
    }

    /// Its first process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.program.as_ref().map(Program::pid)
    }

    /// What servers are told.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://bowline@{}:{}/postgres", self.host(), self.port)
    }

    /// The same over its Unix socket, as a program on the same host reaches it.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://bowline@localhost:{}/{database}?host={folder}", self.port)
    }

    fn host(&self) -> &str {
        self.place.as_ref().map_or("127.0.0.1", |place| &place.address)
    }

    /// What servers are told that reach it over another port.
    #[must_use]
    pub fn url_at(port: u16) -> String {
        format!("postgres://bowline@127.0.0.1:{port}/postgres")
    }

    /// `kill -9` of the server and of every process of a connection.
    pub fn kill(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.kill();
        }
    }

    /// Starts it on what its files hold, and waits until it takes connections.
    ///
    /// # Panics
    /// When it does not within 30 s.
    pub async fn restart(&mut self) {
        let (port, folder) = (self.port.to_string(), self.folder.path().to_string_lossy().into_owned());
        let (host, server) = (self.host().to_owned(), self.binaries.join("postgres"));
        let listen = format!("listen_addresses={host}");
        let (data, server) = (self.data(), server.to_string_lossy().into_owned());
        let enter = self.place.as_ref().map(|place| ["ip", "netns", "exec", place.namespace.as_str()]);
        let settings = [
            server.as_str(),
            "-D",
            &data,
            "-p",
            &port,
            "-k",
            &folder,
            "-c",
            &listen,
            "-c",
            "max_connections=400",
            // In its own folder, so that nothing of it stays when it is killed.
            "-c",
            "dynamic_shared_memory_type=mmap",
        ];
        let variables: Vec<String> =
            self.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        // Only from here on: what it brings must belong to the user who runs the server.
        let variables = std::iter::once("env").chain(variables.iter().map(String::as_str));
        let own = std::iter::once("setpriv").chain(as_its_user()).chain(variables).chain(settings);
        let mut arguments: Vec<String> = enter.into_iter().flatten().chain(own).map(str::to_owned).collect();
        let first = PathBuf::from(arguments.remove(0));
        let log = self.folder.path().join("postgres.log");
        let ready = client(&self.binaries, "pg_isready");
        let mut program: Option<Program> = None;
        until_true("PostgreSQL is ready", seconds(30), async || {
            // The connections of one that was killed may hold its memory for a moment; then the next one ends at once.
            if program.as_mut().is_none_or(|running| running.ended().is_some()) {
                program = Some(Program::start(&first, &arguments, &[], &log));
            }
            // The network may be a task of this very thread.
            let mut asked = tokio::process::Command::new(&ready);
            asked.args(["-q", "-h", &host, "-p", &port]).status().await.is_ok_and(|status| status.success())
        })
        .await;
        self.program = program;
    }
}

/// PostgreSQL refuses to run as root: there it runs as the user of Debian's package. It ends with the test.
fn as_its_user() -> Vec<&'static str> {
    let user = ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"];
    let root = nix::unistd::geteuid().is_root();
    user.into_iter().filter(|_| root).chain(["--pdeathsig", "KILL", "--"]).collect()
}
