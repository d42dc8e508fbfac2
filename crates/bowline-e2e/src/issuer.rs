//! An issuer of somebody else's: discovery and keys over HTTPS, and tokens that its workloads show.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::keys::Key;

/// The name of its one key.
const KID: &str = "one";

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Issuer {
    /// As it calls itself.
    pub url: String,
    /// What it signs with.
    pub key: Arc<Key>,
    asked: Arc<AtomicUsize>,
    redirects: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Issuer {
    /// Starts with a certificate for localhost, in the folder of a server's own.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(tls: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain =
            CertificateDer::pem_file_iter(tls.join("server.crt")).unwrap().map(Result::unwrap).collect();
        let private = PrivateKeyDer::from_pem_file(tls.join("server.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let key = Arc::new(Key::generate());
        let (asked, redirects) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let task = tokio::spawn({
            let (url, key, asked, redirects) =
                (url.clone(), Arc::clone(&key), Arc::clone(&asked), Arc::clone(&redirects));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let jwk = key.jwk(KID);
                    // Its failures are the caller's to see.
                    let _ = answer(&acceptor, stream, &url, jwk, &asked, &redirects).await;
                }
            }
        });
        Self { url, key, asked, redirects, task }
    }

    /// From now on it sends whoever asks somewhere else.
    pub fn redirect(&self) {
        self.redirects.store(true, Ordering::SeqCst);
    }

    /// How many requests came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The claims of a good token.
    #[must_use]
    pub fn claims(&self, subject: &str, audience: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({"iss": self.url, "sub": subject, "aud": audience, "iat": now, "nbf": now, "exp": now + 600})
    }

    /// Signs claims with its key.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.key.sign_as(claims, Some(KID))
    }
}

async fn answer(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    url: &str,
    jwk: Value,
    asked: &AtomicUsize,
    redirects: &AtomicBool,
) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 << 10 {
        head.push(stream.read_u8().await?);
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, more, body) = match path {
        _ if redirects.load(Ordering::SeqCst) => {
            ("302 Found", format!("location: {url}/elsewhere\r\n"), String::new())
        }
        "/.well-known/openid-configuration" => {
            let document = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
            ("200 OK", String::new(), document.to_string())
        }
        "/keys" => ("200 OK", String::new(), json!({"keys": [jwk]}).to_string()),
        _ => ("404 Not Found", String::new(), "{}".to_owned()),
    };
    let text = format!(
        "HTTP/1.1 {status}\r\n{more}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}
