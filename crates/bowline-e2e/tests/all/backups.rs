//! Backup, restore and migration of a server that works, with a real agent: what was written after the backup is gone, and the agent takes what
//! was restored. And what a damaged backup, a full disk or a second thought do: nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::api::Api;
use bowline_e2e::postgres::postgres;
use bowline_e2e::program::{binary, clean};
use bowline_e2e::server::{Options, Server, enrolment_token, group};
use bowline_e2e::wait::{seconds, until_true};
use serde_json::json;
use tempfile::TempDir;

use crate::agents::{ledger, put_settings, wait_for_status};
use crate::resources::machine;

/// `bowline-server …`, to its end.
pub(crate) fn bowline_server(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary("bowline-server"));
    clean(command.args(arguments)).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
pub(crate) fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    said(output)
}

#[track_caller]
fn refused(output: &Output, code: i32, why: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    assert!(said(output).contains(why), "expected '{why}': {}", said(output));
}

/// A server, an agent at it, and where backups go.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) admin: Api,
    pub(crate) group: String,
    pub(crate) host: Host,
    database: Option<String>,
    folder: TempDir,
}

impl Site {
    pub(crate) async fn start(database: Option<String>) -> Self {
        let options = Options {
            restart_grace: 20,
            database: database.clone(),
            extra: vec!["--audit-sign-seconds".to_owned(), "1".to_owned()],
            ..Options::default()
        };
        let server = Server::start(options).await;
        let admin = server.admin().await;
        let here = group(&admin, "plant").await;
        let token = enrolment_token(&admin, &here, "t", 1).await;
        let (url, ca) = (server.url(), server.ca());
        let mut host = Host::default();
        let target = Target { url: &url, ca: &ca, group: &here, name: "press", token: &token };
        let (connected, said) = host.connect(&target, &[]);
        assert!(connected, "{said}");
        host.run();
        wait_for_status(&admin, &machine(&here, "press"), "Connected", 20).await;
        Self { server, admin, group: here, host, database, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command on the server's database.
    fn run(&self, arguments: &[&str]) -> Output {
        let data = self.server.data();
        let mut all = arguments.to_vec();
        all.extend(["--data-dir", data.to_str().unwrap()]);
        if let Some(url) = &self.database {
            all.extend(["--database", url]);
        }
        bowline_server(&all)
    }

    /// Writes the settings and waits until the agent has them.
    pub(crate) async fn settle(&self, level: &str) {
        put_settings(&self.admin, &self.group, level).await;
        self.wait_for(level).await;
    }

    pub(crate) async fn wait_for(&self, level: &str) {
        let (what, wanted) = (format!("{level} at the agent"), format!("\"{level}\""));
        until_true(&what, seconds(40), async || ledger(&self.host).contains(&wanted)).await;
    }

    pub(crate) async fn restart(&mut self) {
        self.server.restart().await;
        self.admin.http = self.server.api().http;
    }
}

/// Five generations and a machine later than the backup; then the backup, under an agent that runs throughout.
async fn the_agent_takes_what_was_restored(database: Option<String>) {
    let mut site = Site::start(database).await;
    site.settle("warn").await;
    let file = site.file("one.tar");
    let path = file.to_str().unwrap().to_owned();
    let later = machine(&site.group, "later");

    // While the server works.
    let writer = site.admin.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let noise = machine(&site.group, "noise");
    let writing = tokio::spawn(async move {
        let mut writes = 0;
        while stopped.try_recv().is_err() {
            let put =
                writer.put(&noise, &json!({"location": "local", "tags": {"n": writes.to_string()}})).await;
            assert_eq!(put.status, 200, "{}", put.text);
            writes += 1;
        }
        writes
    });
    let backup = done(&site.run(&["backup", "--to", &path]));
    stop.send(()).unwrap();
    assert!(writing.await.unwrap() > 0);
    assert!(backup.contains("root key") && !Path::new(&format!("{path}.part")).exists(), "{backup}");
    assert!(done(&bowline_server(&["backup", "verify", &path])).contains("is whole"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    for level in ["info", "debug", "error", "info", "trace"] {
        site.settle(level).await;
    }
    let _ = site.admin.put(&later, &json!({"location": "local"})).await.expect(200);
    site.server.stop().await;
    refused(&site.run(&["restore", "--from", &path]), 1, "--replace");
    let restored = done(&site.run(&["restore", "--from", &path, "--replace"]));
    assert!(restored.contains("audit-heads-until-"), "what was signed stays: {restored}");
    site.restart().await;
    site.wait_for("warn").await;
    until_true("what came later is out of the ledger", seconds(10), async || {
        !ledger(&site.host).contains("trace")
    })
    .await;
    assert!(site.host.agent().ended().is_none(), "without a restart of the agent");
    assert_eq!(site.admin.get(&later).await.status, 404, "what came later is gone");
    wait_for_status(&site.admin, &machine(&site.group, "press"), "Connected", 20).await;
    site.settle("error").await;
    the_log_is_signed_again(&site).await;
}

async fn the_log_is_signed_again(site: &Site) {
    let heads = site.server.data().join("audit-heads.jws");
    until_true("a signature of the log after the restore", seconds(20), async || heads.exists()).await;
    let key = site.file("audit.jwk");
    let data = site.server.data();
    let jwk = done(&bowline_server(&["audit", "public-key", "--data-dir", data.to_str().unwrap()]));
    std::fs::write(&key, jwk).unwrap();
    let verified = done(&site.run(&["audit", "verify", "--public-key", key.to_str().unwrap()]));
    assert!(verified.contains("signed up to entry"), "{verified}");
}

// The writer goes on while the test's own thread waits for the backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_ahead_takes_what_was_restored_on_sqlite() {
    the_agent_takes_what_was_restored(None).await;
}

// The writer goes on while the test's own thread waits for the backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_ahead_takes_what_was_restored_on_postgresql() {
    let Some(postgres) = postgres("backups::an_agent_ahead_takes_what_was_restored_on_postgresql") else {
        return;
    };
    the_agent_takes_what_was_restored(Some(postgres.database())).await;
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "the folder can be copied");
}

/// A virtual machine that goes back to a snapshot: no file is left that could tell. Its agent can.
#[tokio::test]
async fn an_agent_proves_that_a_host_was_set_back_as_a_whole() {
    let mut site = Site::start(None).await;
    site.settle("warn").await;
    site.server.stop().await;
    let (data, copy) = (site.server.data(), site.file("data"));
    copy_folder(&data, &copy);
    site.restart().await;
    for level in ["info", "debug", "error", "info", "debug", "error", "info", "trace"] {
        site.settle(level).await;
    }
    site.server.stop().await;
    std::fs::remove_dir_all(&data).unwrap();
    copy_folder(&copy, &data);
    site.restart().await;
    site.wait_for("warn").await;
    let said = std::fs::read_to_string(site.server.log()).unwrap();
    assert!(said.contains("an agent has what the record does not"), "nothing else could tell");
    site.settle("debug").await;
}

#[tokio::test]
async fn a_bad_backup_and_a_full_disk_change_nothing() {
    let mut server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = server.data().to_str().unwrap().to_owned();
    let place = ["--data-dir", data.as_str()];
    let run = |arguments: &[&str]| bowline_server(&[arguments, &place[..]].concat());
    let good = file("good.tar");
    done(&run(&["backup", "--to", &good]));
    refused(&run(&["backup", "--to", &good]), 1, "exists");
    refused(&run(&["backup", "--to", &file("no/such/folder")]), 1, "cannot be written");
    refused(&run(&["backup", "--to", "ftp://somewhere/x"]), 1, "nothing is known of ftp://");
    refused(
        &run(&["backup", "--to", &file("full.tar"), "--disk-reserve-mib", "900000000"]),
        1,
        "must stay free",
    );
    assert!(!Path::new(&file("full.tar")).exists() && !Path::new(&file("full.tar.part")).exists());
    refused(&run(&["restore", "--from", &good, "--replace"]), 1, "is in use by process");

    server.stop().await;
    let bytes = std::fs::read(&good).unwrap();
    // In every part of the file: heads of its entries, rows, manifest, its digest.
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(file("damaged.tar"), &damaged).unwrap();
        let output = bowline_server(&["backup", "verify", &file("damaged.tar")]);
        // A byte between two entries says nothing, and is no damage; nor does one that fills up the checksum of an entry's head.
        let fills = (148..156).contains(&(at % 512)) && matches!(bytes[at], b'0' | b' ');
        let padding = (bytes[at] == 0 || fills) && output.status.success();
        assert!(padding || output.status.code() == Some(3), "byte {at}: {}", said(&output));
    }
    for cut in [0, 100, bytes.len() / 2, bytes.len() - 3000] {
        std::fs::write(file("cut.tar"), &bytes[..cut]).unwrap();
        refused(&bowline_server(&["backup", "verify", &file("cut.tar")]), 3, "damaged");
        refused(&run(&["restore", "--from", &file("cut.tar"), "--replace"]), 3, "");
    }
    refused(&bowline_server(&["backup", "verify", &file("none.tar")]), 1, "cannot be read");
    server.restart().await;
    let admin = admin.with(admin.bearer.as_deref().unwrap());
    let mut admin = admin;
    admin.http = server.api().http;
    assert_eq!(admin.get(&here).await.status, 200, "all of that changed nothing");
}

/// From SQLite to PostgreSQL under the same agent, and back.
#[tokio::test]
async fn a_server_moves_to_postgresql_and_back() {
    let Some(postgres) = postgres("backups::a_server_moves_to_postgresql_and_back") else { return };
    let mut site = Site::start(None).await;
    site.settle("warn").await;
    let data = site.server.data();
    let sqlite = format!("sqlite:{}", data.display());
    let url = postgres.database();
    refused(&bowline_server(&["migrate", "--from", &sqlite, "--to", &url]), 1, "is in use by process");
    site.server.stop().await;
    let moved = done(&bowline_server(&["migrate", "--from", &sqlite, "--to", &url]));
    assert!(moved.contains("Everything is the same"), "{moved}");
    refused(&bowline_server(&["migrate", "--from", &sqlite, "--to", &url]), 1, "is not empty");

    site.server.set_extra(&["--database", &url]);
    site.restart().await;
    wait_for_status(&site.admin, &machine(&site.group, "press"), "Connected", 30).await;
    site.settle("debug").await;
    let before = site.admin.get(&site.group).await.expect(200);
    let back = format!("sqlite:{}", site.file("back").display());
    refused(
        &bowline_server(&["migrate", "--from", &url, "--to", &back]),
        1,
        "1 servers work on the database",
    );
    site.server.stop().await;
    done(&bowline_server(&["migrate", "--from", &url, "--to", &back]));

    // The database goes where the keys are.
    std::fs::copy(site.file("back").join("bowline.db"), data.join("bowline.db")).unwrap();
    site.server.set_extra(&[]);
    site.restart().await;
    assert_eq!(site.admin.get(&site.group).await.expect(200), before);
    wait_for_status(&site.admin, &machine(&site.group, "press"), "Connected", 30).await;
    site.settle("error").await;
}
