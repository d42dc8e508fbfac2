//! A PostgreSQL server of our own, for the length of the test process.
//!
//! A shell stands between: it starts the server and waits for the end of its standard input, which the kernel closes
//! when the test process ends, however it ends. Then it stops the server and removes its folder.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Which server's programs: where the harness was told, else Debian's.
fn binaries() -> Option<PathBuf> {
    std::env::var_os("BOWLINE_POSTGRES").map(PathBuf::from).or_else(debian)
}

/// Where Debian puts it; the newest version that is there.
fn debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let version = version.ok()?;
            let number = version.file_name().to_str()?.parse().ok()?;
            let path = version.path().join("bin");
            path.join("postgres").exists().then_some((number, path))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

pub(crate) struct Server {
    port: u16,
    databases: AtomicU32,
    /// Its standard input is what the shell waits for.
    _shell: Child,
}

/// None where PostgreSQL is not installed; one server for all tests of the process.
static SERVER: LazyLock<Option<Server>> = LazyLock::new(|| Some(Server::start(&binaries()?)));

/// `test` runs against the server, or says that it does not.
pub(crate) fn server(test: &str) -> Option<&'static Server> {
    if SERVER.is_none() {
        // Not through the captured output: a test that did not run must be seen.
        use std::io::Write as _;
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test} on PostgreSQL: there is no /usr/lib/postgresql/*/bin"
        );
    }
    SERVER.as_ref()
}

/// PostgreSQL refuses to run as root: then it runs as its own user, or as nobody. It dies with its shell.
fn as_ordinary_user() -> &'static str {
    if !nix::unistd::geteuid().is_root() {
        return "setpriv --pdeathsig KILL";
    }
    match nix::unistd::User::from_name("postgres") {
        Ok(Some(_)) => "setpriv --reuid postgres --regid postgres --clear-groups --pdeathsig KILL",
        _ => "setpriv --reuid nobody --regid nogroup --clear-groups --pdeathsig KILL",
    }
}

const SCRIPT: &str = r#"
cd / && mkdir "$HOME_OF/data" || exit 1
if [ -n "$OWNER" ]; then chown "$OWNER" "$HOME_OF" "$HOME_OF/data" || exit 1; fi
# Below the home directory of root that user does not see them.
if ! $AS test -x "$BIN/postgres"; then cp -a "$BIN/.." "$HOME_OF/server" && BIN="$HOME_OF/server/bin" || exit 1; fi
$AS "$BIN/initdb" -D "$HOME_OF/data" -U bowline --auth trust --no-sync -E UTF8 --locale C.UTF-8 >"$HOME_OF/log" 2>&1 || exit 1
$AS "$BIN/postgres" -D "$HOME_OF/data" -p "$PORT" -k "$HOME_OF" -c listen_addresses=127.0.0.1 -c max_connections=200 >>"$HOME_OF/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$HOME_OF"
"#;

impl Server {
    fn start(binaries: &Path) -> Server {
        let home = tempfile::tempdir().unwrap().keep();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let user = as_ordinary_user();
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("BIN", binaries)
            .env("HOME_OF", &home)
            .env("PORT", port.to_string())
            .env("AS", user)
            .env("OWNER", ["postgres", "nobody"].into_iter().find(|name| user.contains(name)).unwrap_or(""))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Server { port, databases: AtomicU32::new(0), _shell: shell };
        server.wait_until_ready(&home);
        server
    }

    fn wait_until_ready(&mut self, home: &Path) {
        // Other builds come without clients.
        let clients = debian().expect("Debian's clients are there");
        let ready = || {
            Command::new(clients.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
        };
        for _ in 0..600 {
            if ready() {
                return;
            }
            if self._shell.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start:\n{log}");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://bowline@127.0.0.1:{}/{database}", self.port)
    }

    /// A fresh, empty database.
    pub(crate) async fn create_database(&self) -> Database {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = Database { url: self.url("postgres") };
        admin.execute(&format!("CREATE DATABASE {name}")).await;
        Database { url: self.url(&name) }
    }
}

pub(crate) struct Database {
    pub(crate) url: String,
}

impl Database {
    /// What an administrator types.
    pub(crate) async fn execute(&self, text: &str) {
        use sqlx::Connection as _;
        let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}
