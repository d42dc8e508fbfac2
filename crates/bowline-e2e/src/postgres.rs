//! A PostgreSQL server for the length of the test process, as Debian packages it.
//!
//! A shell stands between: it waits for the end of its standard input, which the kernel closes when the test process
//! ends, however it ends; then it stops the server and removes its folder. [`Mortal`] is another one, which its test may kill.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

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
    if SERVER.is_none() {
        use std::io::Write as _;
        // Not through the captured output: a test that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no /usr/lib/postgresql/*/bin");
    }
    SERVER.as_ref()
}

/// Where the harness was told, or where Debian puts it: the newest version that is there.
#[must_use]
pub fn binaries() -> Option<PathBuf> {
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
            let mut ready = Command::new(self.binaries.join("pg_isready"));
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
        let mut psql = Command::new(self.binaries.join("psql"));
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
            Command::new(self.binaries.join("psql")).args(["-XAtqc", text, database]).output().unwrap();
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
        let mut create = Command::new(self.binaries.join("createdb"));
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
    port: u16,
    program: Option<Program>,
}

impl Mortal {
    /// Starts one, or says which test does not run without it.
    pub async fn start(test: &str) -> Option<Self> {
        let binaries = postgres(test)?.binaries.clone();
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let mut server = Self { binaries, folder, port: free_port(), program: None };
        let data = server.data();
        let mut initialize = Command::new("setpriv");
        initialize.args(as_its_user()).arg(server.binaries.join("initdb"));
        initialize
            .args(["-U", "bowline", "--auth", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "-D", &data]);
        let made = initialize.current_dir("/").stdout(Stdio::null()).status().unwrap();
        assert!(made.success(), "initdb makes {data}");
        server.restart().await;
        Some(server)
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_string_lossy().into_owned()
    }

    /// What servers are told.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://bowline@127.0.0.1:{}/postgres", self.port)
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
        let mut arguments: Vec<String> = as_its_user().into_iter().map(str::to_owned).collect();
        let (port, folder) = (self.port.to_string(), self.folder.path().to_string_lossy().into_owned());
        arguments.push(self.binaries.join("postgres").to_string_lossy().into_owned());
        let settings = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=100"];
        let place = ["-D", &self.data(), "-p", &port, "-k", &folder].map(str::to_owned);
        arguments.extend(place.into_iter().chain(settings.map(str::to_owned)));
        let log = self.folder.path().join("postgres.log");
        let ready = self.binaries.join("pg_isready");
        let mut program: Option<Program> = None;
        until_true("PostgreSQL is ready", seconds(30), async || {
            // The connections of one that was killed may hold its memory for a moment; then the next one ends at once.
            if program.as_mut().is_none_or(|running| running.ended().is_some()) {
                program = Some(Program::start(Path::new("setpriv"), &arguments, &[], &log));
            }
            let mut asked = Command::new(&ready);
            asked.args(["-q", "-h", "127.0.0.1", "-p", &port]).status().is_ok_and(|status| status.success())
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
