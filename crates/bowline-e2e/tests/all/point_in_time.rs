//! A point in time by PostgreSQL's own means: the recipe of the guide, run as it stands there.

use std::path::{Path, PathBuf};
use std::process::Command;

use bowline_e2e::postgres::{as_owner, binaries, owner};
use bowline_e2e::program::{Program, free_port};
use bowline_e2e::wait::{seconds, until_true};
use serde_json::json;
use tempfile::TempDir;

use crate::backups::Site;
use crate::resources::machine;

const GUIDE: &str = include_str!("../../../../docs/guide/backup.md");

/// The commands after a mark in the guide.
fn recipe(name: &str) -> &'static str {
    let mark = format!("<!-- recipe: {name} -->\n```sh\n");
    let (_, after) = GUIDE.split_once(&mark).unwrap_or_else(|| panic!("the guide has a recipe {name}"));
    after.split_once("```").unwrap().0
}

/// A PostgreSQL that this test starts, kills and recovers.
struct Cluster {
    home: TempDir,
    binaries: PathBuf,
    port: u16,
    program: Option<Program>,
}

impl Cluster {
    fn new(binaries: PathBuf) -> Self {
        let home = tempfile::tempdir().unwrap();
        if let Some(owner) = owner() {
            assert!(Command::new("chown").arg(owner).arg(home.path()).status().unwrap().success());
        }
        let cluster = Self { home, binaries, port: free_port(), program: None };
        cluster.sh(r#"initdb -D "$PGDATA" -U "$PGUSER" --auth trust --no-sync -E UTF8 --locale C.UTF-8"#, "");
        cluster
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn settings(&self, moment: &str) -> Vec<(String, String)> {
        let path = format!("{}:/usr/bin:/bin", self.binaries.display());
        let text = |name: &str| self.folder(name).to_string_lossy().into_owned();
        [
            ("PATH", path),
            ("PGDATA", text("data")),
            ("ARCHIVE", text("archive")),
            ("BASE", text("base")),
            ("RECOVERED", text("recovered")),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", "bowline".to_owned()),
            ("MOMENT", moment.to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Runs commands as the user that PostgreSQL runs as; gives what they said.
    fn sh(&self, commands: &str, moment: &str) -> String {
        let mut command = Command::new("setpriv");
        command.args(as_owner()).args(["sh", "-euc", commands]).env_clear().envs(self.settings(moment));
        let output = command.current_dir(self.home.path()).output().unwrap();
        assert!(output.status.success(), "{commands}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn ask(&self, text: &str) -> String {
        self.sh(&format!("psql -XAtq -h 127.0.0.1 postgres -c \"{text}\""), "")
    }

    async fn start(&mut self, data: &Path) {
        let mut arguments: Vec<String> = as_owner().iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(self.binaries.join("postgres").to_string_lossy().into_owned());
        let (port, data) = (self.port.to_string(), data.to_string_lossy());
        let home = self.home.path().to_string_lossy();
        for argument in ["-D", &data, "-p", &port, "-k", &home, "-c", "listen_addresses=127.0.0.1"] {
            arguments.push(argument.to_owned());
        }
        self.program =
            Some(Program::start(Path::new("/usr/bin/setpriv"), &arguments, &[], &self.folder("log")));
        let asked = "psql -XAtq -h 127.0.0.1 postgres -c 'SELECT pg_is_in_recovery()' 2>&1 || true";
        until_true("PostgreSQL takes writes", seconds(60), async || self.sh(asked, "") == "f").await;
    }

    fn kill(&mut self) {
        // The whole group, as the loss of its host would.
        if let Some(mut program) = self.program.take() {
            program.kill();
        }
    }
}

#[tokio::test]
async fn the_recipe_of_the_guide_brings_back_a_moment() {
    let Some(binaries) = binaries() else {
        return eprintln!("skipped: point_in_time: there is no /usr/lib/postgresql/*/bin");
    };
    let mut cluster = Cluster::new(binaries);
    let _ = cluster.sh(recipe("archive"), "");
    let data = cluster.folder("data");
    cluster.start(&data).await;
    let _ = cluster.ask("CREATE DATABASE record");
    let mut site = Site::start(Some(format!("postgres://bowline@127.0.0.1:{}/record", cluster.port))).await;
    let _ = cluster.sh(recipe("base"), "");
    site.settle("warn").await;
    let before = machine(&site.group, "before");
    let _ = site.admin.put(&before, &json!({"location": "local"})).await.expect(200);
    let moment = cluster.ask("SELECT clock_timestamp()");
    for level in ["info", "debug", "error", "info", "trace"] {
        site.settle(level).await;
    }
    let after = machine(&site.group, "after");
    let _ = site.admin.put(&after, &json!({"location": "local"})).await.expect(200);
    let newest = cluster.ask("SELECT pg_walfile_name(pg_switch_wal())");
    let archived = cluster.folder("archive").join(newest);
    until_true("the log is archived", seconds(30), async || archived.exists()).await;
    site.server.stop().await;
    cluster.kill();

    let _ = cluster.sh(recipe("recover"), &moment);
    std::fs::rename(site.server.data().join("audit-heads.jws"), site.file("audit-heads.jws")).unwrap();
    let recovered = cluster.folder("recovered");
    cluster.start(&recovered).await;
    site.restart().await;
    site.wait_for("warn").await;
    assert!(site.host.agent().ended().is_none(), "without a restart of the agent");
    assert_eq!(site.admin.get(&before).await.status, 200);
    assert_eq!(site.admin.get(&after).await.status, 404, "what came after the moment is gone");
    let said = std::fs::read_to_string(site.server.log()).unwrap();
    assert!(
        said.contains("promoted by means of its own: a new epoch begins"),
        "the server noticed by itself"
    );
    site.settle("error").await;
    site.server.stop().await;
    cluster.kill();
}
