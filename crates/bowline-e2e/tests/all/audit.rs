//! Tampering with the activity log, on both databases: a single entry, a range, the order, the end, the whole chain; refusals, retention.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bowline_arm::audit::link_to_hex;
use bowline_arm::chain::{Block, LoggedEntry, START, link};
use bowline_e2e::api::Api;
use bowline_e2e::cluster::Cli;
use bowline_e2e::postgres::{Postgres, postgres};
use bowline_e2e::program::{binary, clean};
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use reqwest::Method;
use serde_json::json;

use crate::activity::log;
use crate::resources::machine;
use crate::roles::user;

/// Where the log is, for somebody with full access to the database.
enum Database {
    Sqlite(PathBuf),
    Postgres(&'static Postgres, String),
}

impl Database {
    /// Runs statements, as one transaction.
    fn run(&self, text: &str) {
        match self {
            Self::Sqlite(data) => {
                let connection = rusqlite::Connection::open(data.join("bowline.db")).unwrap();
                connection.execute_batch(&format!("BEGIN IMMEDIATE; {text}; COMMIT")).unwrap();
            }
            Self::Postgres(server, url) => server.run(url, text),
        }
    }

    fn bytes(&self, hex: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(..) => format!("decode('{hex}', 'hex')"),
        }
    }

    fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_, url) => Some(url),
        }
    }
}

/// `bowline-server audit verify`.
fn verify(server: &Server, database: &Database, key: &Path) -> Output {
    let mut command = Command::new(binary("bowline-server"));
    command.args(["audit", "verify", "--data-dir"]).arg(server.data()).arg("--public-key").arg(key);
    if let Some(url) = database.url() {
        command.args(["--database", url]);
    }
    clean(&mut command).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_found(server: &Server, database: &Database, key: &Path, what: &str) {
    let output = verify(server, database, key);
    assert!(!output.status.success() && said(&output).contains(what), "expected '{what}': {}", said(&output));
}

/// The log as it is kept.
async fn raw(admin: &Api) -> Vec<LoggedEntry> {
    let mut next = Some("/providers/Microsoft.Bowline/auditEntries?api-version=2026-11-01".to_owned());
    let mut all = Vec::new();
    while let Some(link) = next {
        let page = admin.get(&link).await.expect(200);
        all.extend(serde_json::from_value::<Vec<LoggedEntry>>(page["value"].clone()).unwrap());
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    all
}

/// The same log with one caller replaced and every link made anew: what an attacker writes who has understood the chain.
fn forge(database: &Database, log: &[LoggedEntry]) -> String {
    let (mut text, mut before, mut block, mut first) =
        (String::new(), START, Block::default(), log[0].clone());
    let mut last = String::new();
    for entry in log {
        if block.is_empty() {
            first = entry.clone();
        }
        let forged = entry.text.replace("\"name\":\"admin\"", "\"name\":\"somebody else\"");
        block.push(entry.revision, entry.time, &entry.key, &forged);
        let mut new = "NULL".to_owned();
        if entry.link.is_some() {
            before = link(&before, first.seq, first.revision, &block.digest());
            block = Block::default();
            last = database.bytes(&link_to_hex(&before));
            new.clone_from(&last);
        }
        let forged = forged.replace('\'', "''");
        text.push_str(&format!(
            "UPDATE activity SET text = '{forged}', link = {new} WHERE seq = {};",
            entry.seq
        ));
    }
    format!("{text} UPDATE counter SET activity_link = {last}; DELETE FROM activity_statement")
}

/// Of somebody who signs other things.
const OTHER_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8tmNFNKKikNpJd4lXjRSnfY2QFyANFwnawxrk6t3l1rlr9kFfB4oSuTakV2y5M66V8QzAbiV7r1R6J0V8//h3A==";
const KEEP: &str = "CREATE TABLE kept AS SELECT * FROM activity; CREATE TABLE kept_statement AS SELECT * FROM activity_statement";
const RESTORE: &str = "DELETE FROM activity; INSERT INTO activity SELECT * FROM kept; \
    DELETE FROM activity_statement; INSERT INTO activity_statement SELECT * FROM kept_statement";

async fn tampering_is_found(options: Options, database: impl FnOnce(&Server) -> Database) {
    let extra = ["--audit-sign-seconds".to_owned(), "1".to_owned()].to_vec();
    let mut server = Server::start(Options { extra, ..options }).await;
    let database = database(&server);
    let admin = server.admin().await;
    let scope = group(&admin, "audited").await;
    for n in 0..12 {
        let _ =
            admin.put(&machine(&scope, &format!("m{n}")), &json!({"location": "local"})).await.expect(200);
    }
    let log = raw(&admin).await;
    let last = log.last().unwrap().seq;
    let mut public = Command::new(binary("bowline-server"));
    public.args(["audit", "public-key", "--data-dir"]).arg(server.data());
    let key = server.data().join("kept-elsewhere.jwk");
    std::fs::write(&key, clean(&mut public).output().unwrap().stdout).unwrap();
    // Beside the running server, once its minute has come.
    let whole = format!("signed up to entry {last} on");
    until_true("the head is signed", seconds(20), async || {
        said(&verify(&server, &database, &key)).contains(&whole)
    })
    .await;
    assert!(verify(&server, &database, &key).status.success());
    let cli = Cli::default();
    cli.sign_in(&server);
    let path = key.to_string_lossy().into_owned();
    assert!(
        cli.succeed(&["audit", "verify", "--public-key", &path, "-o", "table"])
            .contains("the log is what was signed")
    );
    server.kill();

    database.run(KEEP);
    let changed = |entry: u64| format!("entries {entry} to {entry} are not those that were written");
    for (tampering, finding) in [
        (
            "UPDATE activity SET text = replace(text, '\"name\":\"admin\"', '\"name\":\"nobody\"') WHERE seq = 8",
            changed(8),
        ),
        ("UPDATE activity SET time = time + 1 WHERE seq = 8", changed(8)),
        ("UPDATE activity SET key = '/elsewhere' WHERE seq = 8", changed(8)),
        ("DELETE FROM activity WHERE seq = 8", "entry 8 is missing".to_owned()),
        (
            "DELETE FROM activity WHERE seq BETWEEN 7 AND 10",
            "entry 7 is missing: after 6 comes 11".to_owned(),
        ),
        ("DELETE FROM activity WHERE seq <= 4", "entry 1 is missing".to_owned()),
        ("DELETE FROM activity WHERE seq > 10", "the log ends at entry 10, but entry".to_owned()),
        ("DELETE FROM activity", "the log ends at entry 0, but entry".to_owned()),
        (
            "UPDATE activity SET seq = -8 WHERE seq = 8; UPDATE activity SET seq = 8 WHERE seq = 9; UPDATE activity SET seq = 9 WHERE seq = -8",
            changed(8),
        ),
    ] {
        database.run(tampering);
        assert_found(&server, &database, &key, &finding);
        database.run(RESTORE);
        let healed = verify(&server, &database, &key);
        assert!(healed.status.success(), "after {tampering}: {}", said(&healed));
    }
    // Somebody else's key says nothing.
    let other = server.data().join("other.pem");
    std::fs::write(&other, OTHER_KEY).unwrap();
    assert_found(&server, &database, &other, "were not signed by the given keys");

    // The whole chain anew, with everything that the database knows of signatures taken away.
    database.run(&forge(&database, &log));
    assert_found(
        &server,
        &database,
        &key,
        &format!("up to entry {last} the log is not the one that was signed"),
    );
    // A server that is started on it does not sign it, and says why.
    server.restart().await;
    until_true("the server refuses to sign", seconds(20), async || {
        std::fs::read_to_string(server.log()).unwrap().contains("does not continue what was signed")
    })
    .await;
    let verified = cli.run(&["audit", "verify", "--public-key", &path]);
    assert!(
        !verified.status.success() && said(&verified).contains("it was rewritten"),
        "{}",
        said(&verified)
    );
}

#[tokio::test]
async fn tampering_is_found_on_sqlite() {
    tampering_is_found(Options::default(), |server| Database::Sqlite(server.data())).await;
}

#[tokio::test]
async fn tampering_is_found_on_postgresql() {
    let Some(postgres) = postgres("audit::tampering_is_found_on_postgresql") else { return };
    let url = postgres.database();
    let options = Options { database: Some(url.clone()), ..Options::default() };
    tampering_is_found(options, |_| Database::Postgres(postgres, url)).await;
}

/// What is refused is counted, not listed a thousand times, and never slows the one who is refused.
#[tokio::test]
async fn refusals_are_counted_by_the_second() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let scope = group(&admin, "closed").await;
    let subscription = scope.split("/resourceGroups").next().unwrap();
    let (eve, object) = user(&admin, "eve").await;
    let id = machine(&scope, "m");
    let body = json!({"location": "local"});
    let refused = (0..40).map(|_| eve.put(&id, &body));
    for answer in futures::future::join_all(refused).await {
        answer.refused(403, "AuthorizationFailed");
    }
    let of_eve = " and status eq 'Failed' and caller eq 'eve'";
    let count = |event: &serde_json::Value| {
        event["properties"]["count"].as_str().map_or(1, |count| count.parse::<u64>().unwrap())
    };
    let told = until("the refusals are told", seconds(10), async || {
        let told = log(&admin, subscription, of_eve).await;
        (told.iter().map(count).sum::<u64>() == 40).then_some(told)
    })
    .await;
    assert!(told.len() <= 4, "a handful of seconds: {told:#?}");
    assert_eq!(told[0]["authorization"]["action"], "Microsoft.HybridCompute/machines/write");
    assert_eq!(told[0]["properties"]["errorCode"], "AuthorizationFailed");
    assert_eq!(
        told[0]["claims"]["http://schemas.microsoft.com/identity/claims/objectidentifier"],
        object.as_str()
    );
    assert_eq!(told[0]["level"], "Error");
    // A lock refuses whoever has every right.
    let _ = admin.put(&id, &json!({"location": "local"})).await.expect(200);
    let lock = format!("{scope}/providers/Microsoft.Authorization/locks/keep");
    let made = admin.put(&lock, &json!({"properties": {"level": "CanNotDelete"}})).await;
    assert!(matches!(made.status, 200 | 201), "{}", made.text);
    admin.delete(&id).await.refused(409, "ScopeLocked");
    until_true("the lock's refusal is told", seconds(10), async || {
        let told = log(&admin, subscription, " and status eq 'Failed' and caller eq 'admin'").await;
        told.iter().any(|event| event["properties"]["errorCode"] == "ScopeLocked")
    })
    .await;
    // Chained like everything else.
    let request =
        admin.request(Method::GET, "/providers/Microsoft.Bowline/auditEntries?api-version=2026-11-01");
    assert_eq!(Api::send(request).await.status, 200);
    eve.get("/providers/Microsoft.Bowline/auditEntries?api-version=2026-11-01")
        .await
        .refused(403, "AuthorizationFailed");
}

/// Old entries go, and what stays is vouched for by a signed checkpoint.
#[tokio::test]
async fn what_is_too_old_leaves_a_checkpoint() {
    let extra = ["--audit-sign-seconds", "1", "--activity-days", "0.00004"].map(str::to_owned).to_vec();
    let server = Server::start(Options { extra, ..Options::default() }).await;
    let admin = server.admin().await;
    let scope = group(&admin, "aging").await;
    for n in 0..5 {
        let _ =
            admin.put(&machine(&scope, &format!("m{n}")), &json!({"location": "local"})).await.expect(200);
    }
    until_true("the old entries are pruned", seconds(30), async || raw(&admin).await.is_empty()).await;
    let asked = async || {
        let body = json!({"query": "ActivityLog | count"});
        let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01";
        Api::send(admin.request(Method::POST, path).json(&body)).await.expect(200)["data"][0]["Count"].clone()
    };
    until_true("the table of queries has none of them", seconds(20), async || asked().await == 0).await;
    let _ = admin.put(&machine(&scope, "new"), &json!({"location": "local"})).await.expect(200);
    let cli = Cli::default();
    cli.sign_in(&server);
    let _ = cli.succeed(&["audit", "verify"]);
    let database = Database::Sqlite(server.data());
    let stated =
        admin.get("/providers/Microsoft.Bowline/auditStatements?api-version=2026-11-01").await.expect(200);
    assert!(stated["value"].as_array().unwrap().len() >= 2, "{stated}");
    let key = server.data().join("kept-elsewhere.jwk");
    std::fs::write(&key, stated["keys"][0].to_string()).unwrap();
    let verified = verify(&server, &database, &key);
    assert!(verified.status.success(), "{}", said(&verified));
}
