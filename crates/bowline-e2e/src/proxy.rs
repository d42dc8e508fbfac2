//! Proxies that stand between an agent and its server: one that tunnels, one that buffers, one that ends TLS and cuts.
//!
//! Each is a task of the test's runtime and ends with it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The largest head of a request or an answer.
const MAX_HEAD: usize = 64 << 10;

/// A running proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    /// How many connections it has served.
    pub connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// How many connections it has served.
    #[must_use]
    pub fn served(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Certificate and key of a server's data directory: what a balancer in front of it would have.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

impl Tls {
    /// From a server's data directory.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = |name: &str| data.join("tls").join(name);
        let chain: Vec<_> =
            CertificateDer::pem_file_iter(pem("server.crt")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(pem("server.key")).unwrap();
        let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(pem("ca.crt")).unwrap()).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            connector: TlsConnector::from(Arc::new(client)),
        }
    }

    async fn upstream(&self, port: u16) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").expect("a DNS name");
        self.connector.connect(name, TcpStream::connect(("127.0.0.1", port)).await?).await
    }
}

async fn serve<F>(port: u16, handle: impl Fn(TcpStream) -> F + Send + 'static) -> Proxy
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    serve_at("127.0.0.1", port, handle).await
}

/// Other processes may take connections of the same port too.
fn listen(host: &str, port: u16) -> TcpListener {
    let address: Ipv4Addr = host.parse().expect("a proxy listens on an IPv4 address");
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind((address, port).into()).unwrap();
    socket.listen(1024).unwrap()
}

async fn serve_at<F>(host: &str, port: u16, handle: impl Fn(TcpStream) -> F + Send + 'static) -> Proxy
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    let listener = listen(host, port);
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let proxy = Proxy { port, connections: Arc::clone(&connections) };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let work = handle(stream);
            // A connection that breaks is the clients' business.
            tokio::spawn(async move {
                let _ = work.await;
            });
        }
    });
    proxy
}

/// Reads a head up to its empty line; gives it and what came behind it.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        let read = stream.read(&mut buffer).await?;
        if read == 0 || bytes.len() > MAX_HEAD {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

/// A balancer that knows nothing but TCP: one server after the other, and the next one when one does not take the connection.
pub async fn tcp_balancer(host: &str, port: u16, servers: Vec<u16>) -> Proxy {
    let turn = Arc::new(AtomicUsize::new(0));
    serve_at(host, port, move |mut client| {
        let (turn, servers) = (Arc::clone(&turn), servers.clone());
        async move {
            let first = turn.fetch_add(1, Ordering::SeqCst);
            for n in 0..servers.len() {
                let to = servers[(first + n) % servers.len()];
                if let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await {
                    return copy_bidirectional(&mut client, &mut server).await.map(drop);
                }
            }
            Err(std::io::ErrorKind::ConnectionRefused.into())
        }
    })
    .await
}

/// A port behind which a test puts another server, or none: what a virtual address is to a database that fails over.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    /// Where new connections go, and how often all were cut.
    target: watch::Sender<(Option<u16>, u64)>,
}

impl Switch {
    /// Leads to `target` at first.
    pub async fn new(target: u16) -> Self {
        let (sender, receiver) = watch::channel((Some(target), 0));
        let proxy = serve(0, move |mut client| {
            let mut target = receiver.clone();
            async move {
                let (port, cuts) = *target.borrow_and_update();
                let Some(port) = port else { return Ok(()) };
                let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
                tokio::select! {
                    ended = copy_bidirectional(&mut client, &mut server) => ended.map(drop),
                    _ = target.wait_for(|(_, now)| *now != cuts) => Ok(()),
                }
            }
        })
        .await;
        Self { port: proxy.port, target: sender }
    }

    /// Cuts every connection, and leads to another server or to none.
    pub fn turn(&self, target: Option<u16>) {
        self.target.send_modify(|(to, cuts)| {
            *to = target;
            *cuts += 1;
        });
    }

    /// Leads new connections to another server; those that are there stay.
    pub fn lead(&self, target: u16) {
        self.target.send_modify(|(to, _)| *to = Some(target));
    }
}

/// A proxy that knows CONNECT and nothing else, and resolves every name to this host.
pub async fn connect_proxy() -> Proxy {
    serve(0, |mut client| async move {
        let (head, _) = head(&mut client).await?;
        let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).map(str::to_owned);
        let Some(port) = target.as_deref().and_then(|t| t.rsplit(':').next()?.parse::<u16>().ok()) else {
            return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await;
        };
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        copy_bidirectional(&mut client, &mut server).await.map(drop)
    })
    .await
}

/// A balancer that ends TLS and cuts every connection after `cut`, whatever goes over it.
pub async fn cutting_balancer(port: u16, upstream: u16, tls: Tls, cut: Duration) -> Proxy {
    serve(port, move |client| {
        let tls = tls.clone();
        async move {
            let work = async {
                let mut client = tls.acceptor.accept(client).await?;
                let mut server = tls.upstream(upstream).await?;
                copy_bidirectional(&mut client, &mut server).await.map(drop)
            };
            tokio::time::timeout(cut, work).await.unwrap_or(Ok(()))
        }
    })
    .await
}

/// A reverse proxy that passes an answer on only when it is complete, and knows no upgrades: it drops the header.
pub async fn buffering_proxy(port: u16, upstream: u16, tls: Tls) -> Proxy {
    serve(port, move |client| {
        let tls = tls.clone();
        async move {
            let mut client = tls.acceptor.accept(client).await?;
            loop {
                exchange(&mut client, upstream, &tls).await?;
            }
        }
    })
    .await
}

/// One request, with a connection of its own to the server that ends with the answer.
async fn exchange(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    upstream: u16,
    tls: &Tls,
) -> std::io::Result<()> {
    let (request, mut body) = head(client).await?;
    let length = header(&request, "content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    while body.len() < length {
        let mut buffer = [0; 8192];
        let read = client.read(&mut buffer).await?;
        body.extend_from_slice(&buffer[..read]);
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let hop = |line: &&str| {
        !["connection:", "upgrade:"].iter().any(|name| line.to_ascii_lowercase().starts_with(name))
    };
    let kept: Vec<&str> = request.trim_end().split("\r\n").filter(hop).collect();
    let mut server = tls.upstream(upstream).await?;
    server.write_all(format!("{}\r\nconnection: close\r\n\r\n", kept.join("\r\n")).as_bytes()).await?;
    server.write_all(&body).await?;
    server.flush().await?;
    let mut answer = Vec::new();
    // An agent that gives up must not leave its streamed session behind.
    let mut probe = [0; 1];
    tokio::select! {
        read = read_all(&mut server, &mut answer) => read?,
        gone = client.read(&mut probe) => match gone? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => return Err(std::io::ErrorKind::InvalidData.into()),
        },
    }
    client.write_all(&whole(&answer)).await?;
    client.flush().await
}

async fn read_all(server: &mut (impl AsyncRead + Unpin), answer: &mut Vec<u8>) -> std::io::Result<()> {
    match server.read_to_end(answer).await {
        // A server need not say good-bye in TLS.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && !answer.is_empty() => Ok(()),
        other => other.map(drop),
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The answer with a length instead of chunks, for a connection that stays open.
fn whole(answer: &[u8]) -> Vec<u8> {
    let end =
        answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len().saturating_sub(4));
    let (head, body) = answer.split_at(end + 4);
    let head = String::from_utf8_lossy(head);
    let chunked = header(&head, "transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked"));
    let body = if chunked { joined(body) } else { body.to_vec() };
    let framing = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !["transfer-encoding:", "content-length:", "connection:"].iter().any(|name| line.starts_with(name))
    };
    let kept: Vec<&str> = head.trim_end().split("\r\n").filter(framing).collect();
    let mut bytes = format!("{}\r\ncontent-length: {}\r\n\r\n", kept.join("\r\n"), body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

/// The content of a chunked body.
fn joined(mut body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&body[..end]).trim(), 16).unwrap_or(0);
        let Some(chunk) = body.get(end + 2..end + 2 + size).filter(|_| size > 0) else { break };
        content.extend_from_slice(chunk);
        body = body.get(end + 4 + size..).unwrap_or_default();
    }
    content
}

/// A relay of bytes to a port of this host that can be frozen: then nothing passes, and nothing is closed, as when a host hangs.
pub async fn freezable(to: u16) -> (Proxy, watch::Sender<bool>) {
    let (frozen, state) = watch::channel(false);
    let proxy = serve(0, move |client| {
        let state = state.clone();
        async move {
            let upstream = TcpStream::connect(("127.0.0.1", to)).await?;
            let (client_read, client_write) = client.into_split();
            let (upstream_read, upstream_write) = upstream.into_split();
            let up = pass(client_read, upstream_write, state.clone());
            tokio::try_join!(up, pass(upstream_read, client_write, state)).map(|_| ())
        }
    });
    (proxy.await, frozen)
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut frozen: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if frozen.wait_for(|frozen| !frozen).await.is_err() || read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}
