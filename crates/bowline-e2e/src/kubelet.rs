//! What stands in for a kubelet behind a real API server: a log of as many bytes as it is asked for, and an `exec` that echoes what comes over a connection that left HTTP.
//! There is no container: who needs a real `exec` needs a real node.

use std::path::Path;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is sent again and again.
const PIECE: usize = 64 << 10;
/// The name of its node.
const NODE: &str = "standin";

/// A running stand-in; it ends with the test's runtime.
#[derive(Debug)]
pub struct Kubelet {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
}

fn piece() -> Vec<u8> {
    (0..PIECE).map(|n| u8::try_from(n * 31 % 251).expect("below 251")).collect()
}

/// SHA-256 of as many bytes as a stand-in streams.
#[must_use]
pub fn digest(bytes: u64) -> String {
    let (piece, mut hash, mut left) = (piece(), Context::new(&SHA256), bytes);
    while left > 0 {
        let part = usize::try_from(left.min(PIECE as u64)).expect("a piece is small");
        hash.update(&piece[..part]);
        left -= part as u64;
    }
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Kubelet {
    /// With the certificate of a server's data directory.
    pub async fn start(data: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = |name: &str| data.join("tls").join(name);
        let chain: Vec<_> =
            CertificateDer::pem_file_iter(pem("server.crt")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(pem("server.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                // A connection that breaks is what the tests are about.
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = serve(stream).await;
                    }
                });
            }
        });
        Self { port }
    }

    /// The node that it is, and a pod on it, as objects for `kubectl create`.
    #[must_use]
    pub fn objects(&self) -> [Value; 2] {
        let node = json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            },
        });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"nodeName": NODE, "containers": [{"name": "c", "image": "registry.invalid/c:1"}]},
        });
        [node, pod]
    }
}

async fn serve(mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    if head.to_lowercase().contains("\r\nupgrade:") {
        return echo(stream, &head).await;
    }
    let asked = path.split(['?', '&']).find_map(|part| part.strip_prefix("limitBytes=")?.parse::<u64>().ok());
    let Some(mut left) = asked else {
        return stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await;
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {left}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    let piece = piece();
    while left > 0 {
        let part = usize::try_from(left.min(PIECE as u64)).expect("a piece is small");
        stream.write_all(&piece[..part]).await?;
        left -= part as u64;
    }
    stream.shutdown().await
}

/// Leaves HTTP for the protocol that was asked for, and sends back what comes.
async fn echo(mut stream: TlsStream<TcpStream>, head: &str) -> std::io::Result<()> {
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {}\r\n",
        header("upgrade").unwrap_or_default()
    );
    if let Some(protocol) = header("sec-websocket-protocol") {
        answer += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    stream.write_all((answer + "\r\n").as_bytes()).await?;
    let mut buffer = vec![0; PIECE];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..read]).await?;
        stream.flush().await?;
    }
}
