//! Azure's storage by Azurite, Azure's own emulator, which checks signatures as Azure does.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::{Record, Settings, with};

const ACCOUNT: &str = "site";
const VERSION: &str = "2023-11-03";

struct Azurite {
    program: Child,
    address: String,
    key: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Azurite {
    /// One with a container `box`, or a line that says which test does not run without it.
    async fn start(test: &str) -> Option<Self> {
        let Some(part) = std::env::var_os("BOWLINE_AZURITE").map(PathBuf::from) else {
            use std::io::Write as _;
            // Not through the captured output: a test that did not run must be seen.
            let _ = writeln!(std::io::stderr(), "skipped: {test}: BOWLINE_AZURITE names no Azurite");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let key = bowline_auth::random::bytes::<32>().to_vec();
        let mut command = Command::new("node");
        command.arg(part.join("node_modules/azurite/dist/src/blob/main.js"));
        command.args([
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            &port.to_string(),
            "--silent",
            "--disableTelemetry",
        ]);
        command.arg("--location").arg(folder.path()).current_dir(folder.path());
        command.env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{}", STANDARD.encode(&key)));
        let program = command.stdout(Stdio::null()).spawn().unwrap();
        let address = format!("http://127.0.0.1:{port}");
        let azurite = Self { program, address, key, _folder: folder };
        azurite.make_container("box").await;
        Some(azurite)
    }

    /// As soon as it listens.
    async fn make_container(&self, name: &str) {
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let resource = format!("/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container");
        let text = format!("PUT{}x-ms-date:{date}\nx-ms-version:{VERSION}\n{resource}", "\n".repeat(12));
        let signature = STANDARD.encode(hmac(&self.key, text.as_bytes()));
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..600 {
            let asked = client
                .put(format!("{}/{ACCOUNT}/{name}?restype=container", self.address))
                .header("x-ms-date", &date)
                .header("x-ms-version", VERSION)
                .header("authorization", format!("SharedKey {ACCOUNT}:{signature}"))
                .header("content-length", "0");
            if let Ok(answer) = asked.send().await {
                let status = answer.status();
                assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap());
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("Azurite did not start");
    }

    fn settings(&self) -> Settings {
        vec![
            ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
            ("AZURITE_BLOB_STORAGE_URL", self.address.clone()),
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", STANDARD.encode(&self.key)),
        ]
    }
}

/// HMAC-SHA-256 (RFC 2104) by a key that is no longer than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_goes_to_azures_store_and_comes_back() {
    let Some(azurite) = Azurite::start("a_backup_goes_to_azures_store_and_comes_back").await else { return };
    let record = Record::new(azurite.settings()).await;
    let url = "az://box/nightly/one.tar";
    let wrong = STANDARD.encode([7; 32]);
    let stranger = with(&record.settings, "AZURE_STORAGE_ACCOUNT_KEY", &wrong);
    record.is_refused(url, &stranger, "AZURE_STORAGE_ACCOUNT_KEY").await;
    let garbled = with(&record.settings, "AZURE_STORAGE_ACCOUNT_KEY", "no base64!");
    record.is_refused(url, &garbled, "AZURE_").await;
    record.is_refused("az://none/nightly/one.tar", &record.settings, "no such bucket or container").await;
    record.goes_and_comes(url).await;
}
