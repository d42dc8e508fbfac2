//! A child process: where its binary is, its log, its signals, its certain end.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What a developer's own settings must not change.
const FOREIGN: [&str; 12] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "KUBECONFIG",
    "BOWLINE_CONFIG_DIR",
    "BOWLINE_SERVER",
    "BOWLINE_DATABASE",
];

/// The folder of the workspace's binaries: where the tests themselves were built.
#[must_use]
pub fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("BOWLINE_PROGRAMS") {
        return folder.into();
    }
    let own = std::env::current_exe().expect("a running program has a path");
    own.parent().and_then(Path::parent).expect("cargo builds tests two folders down").to_owned()
}

/// A binary of the workspace.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.exists(),
        "{} is not built: run 'cargo build --workspace' before these tests, or 'cargo xtask test', which does",
        path.display()
    );
    path
}

/// A port that is free now.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    /// Two tests that ask at the same time must not get the same one.
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if !given.contains(&port) {
            given.push(port);
            return port;
        }
    }
}

/// Without the settings of the developer who runs the tests.
pub fn clean(command: &mut Command) -> &mut Command {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
}

/// A running child. It is killed when dropped, and by the kernel when the thread that started it ends.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Program {
    /// Starts `path` with the arguments and environment of `command`; `log` gets what it says, run after run.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(path: &Path, arguments: &[String], environment: &[(String, String)], log: &Path) -> Self {
        let out: File = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(path).args(arguments);
        clean(&mut command).envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out).process_group(0);
        let child = command.spawn().expect("setpriv (package util-linux) starts every child of these tests");
        Self { child, log: log.to_owned(), ended: None }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("the kernel's process ids fit");
        kill(Pid::from_raw(pid), signal).expect("a child that was not waited for can be signalled");
    }

    /// SIGKILL: what a power cut is to a process.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    /// SIGSTOP: the process is there and does nothing.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// When it does not end within 15 s.
    pub async fn stop(&mut self) -> ExitStatus {
        if self.ended().is_none() {
            self.signal(Signal::SIGTERM);
        }
        let log = self.log.clone();
        let what = format!("the end of the program that logs to {}", log.display());
        crate::wait::until(&what, crate::wait::seconds(15), async || self.ended()).await
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// What it said.
    #[must_use]
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            eprintln!("--- the end of {}:", self.log.display());
            eprintln!("{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

/// The folder of a built part: as the environment says, or as the cache holds it. Without one it says which test does not run.
#[must_use]
pub fn part(test: &str, name: &str, variable: &str, programs: &[&str]) -> Option<PathBuf> {
    let cached = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        let folders =
            std::fs::read_dir(cache.join("bowline/parts")).ok()?.flatten().map(|entry| entry.path());
        folders.filter(|folder| programs.iter().all(|program| folder.join(program).is_file())).max()
    };
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(cached);
    if found.is_none() {
        // Not through the captured output: a test that did not run must be seen.
        let _ =
            writeln!(std::io::stderr(), "skipped: {test}: {name} is not built (cargo xtask parts {name})");
    }
    found
}
