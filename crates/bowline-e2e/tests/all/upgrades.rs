//! A rolling upgrade and a downgrade, as far as one version can show them: the schema of the next version is what a test adds to the database, as
//! that version would; the servers are of this version, and are the old ones.

use bowline_e2e::postgres::postgres;
use bowline_e2e::server::{Options, Server, group};
use serde_json::json;

use crate::backups::{bowline_server, said};
use crate::resources::machine;

const EXPAND: &str = "ALTER TABLE resource ADD COLUMN flavour TEXT; \
    ALTER TABLE counter ADD COLUMN tasted BIGINT NOT NULL DEFAULT 0; \
    CREATE TABLE flavour (name TEXT NOT NULL PRIMARY KEY); \
    INSERT INTO migration (number, name, checksum, oldest) VALUES (900, 'flavours', 'x', 4)";
const CONTRACT: &str = "ALTER TABLE resource DROP COLUMN flavour; \
    INSERT INTO migration (number, name, checksum, oldest) VALUES (901, 'no-flavours', 'x', 901)";

#[tokio::test]
async fn servers_work_with_what_the_next_version_added_until_it_takes_something_away() {
    let Some(postgres) = postgres("upgrades::servers_work_with_what_the_next_version_added") else { return };
    let database = postgres.database();
    let usual = Options { database: Some(database.clone()), ..Options::default() };
    let first = Server::start(usual.clone()).await;
    let admin = first.admin().await;
    let here = group(&admin, "plant").await;
    let put = async |api: &bowline_e2e::api::Api, name: &str| {
        let _ = api.put(&machine(&here, name), &json!({"location": "local"})).await.expect(200);
    };
    postgres.run(&database, EXPAND);
    put(&admin, "while-it-serves").await;
    let root_key = first.data().join("root.key");
    let others = Options { root_key: Some(root_key.clone()), public_url: Some(first.url()), ..usual };
    let second = Server::start(others).await;
    put(&second.api().with(admin.bearer.as_deref().unwrap()), "after-a-downgrade").await;
    postgres.run(&database, CONTRACT);
    put(&admin, "until-it-stops").await;
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec(),
        vec!["--database".to_owned(), database],
        vec!["--data-dir".to_owned(), folder.path().to_string_lossy().into_owned()],
        vec!["--root-key-file".to_owned(), root_key.to_string_lossy().into_owned()],
    ];
    let arguments = arguments.concat();
    let refused = bowline_server(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!refused.status.success() && said(&refused).contains("has migration 901"), "{}", said(&refused));
}
