//! One HTTP/1.1 connection over TLS: the same client, byte for byte, for both sides of a comparison.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server, and how to show who calls.
#[derive(Clone)]
pub(crate) struct Target {
    port: u16,
    tls: TlsConnector,
    bearer: Option<String>,
}

/// A client certificate and its key, both PEM.
pub(crate) struct Identity {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Target {
    /// `localhost` at this port; its certificate is signed by `ca`.
    pub(crate) fn new(port: u16, ca: &[u8], identity: Option<&Identity>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca) {
            roots.add(certificate.context("the certificate to trust is not PEM")?)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>()?;
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key)?)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { port, tls: TlsConnector::from(Arc::new(config)), bearer: None })
    }

    /// The same server, with a token.
    pub(crate) fn with_bearer(&self, token: &str) -> Self {
        Self { bearer: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let tcp = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("localhost is a name");
        let tls = self.tls.connect(name, tcp).await?;
        let (sender, connection) = handshake(TokioIo::new(tls)).await?;
        // It ends with the sender; an error is seen by whoever sends.
        tokio::spawn(connection);
        Ok(Connection { sender, bearer: self.bearer.clone() })
    }

    /// One request that must succeed, on a connection of its own.
    pub(crate) async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let (status, bytes) = self.connect().await?.send(method.clone(), path, body).await?;
        let text = String::from_utf8_lossy(&bytes);
        if !(200..300).contains(&status) {
            bail!("{method} {path} was answered {status}: {text}");
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

/// An open connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    bearer: Option<String>,
}

impl Connection {
    /// Sends a request and reads all of the answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<(u16, Bytes)> {
        self.send_as(method, path, body, "application/json").await
    }

    /// A form, as the sign-in endpoints want it.
    pub(crate) async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<(u16, Bytes)> {
        let body = serde_urlencoded::to_string(fields)?.into();
        self.send_as(Method::POST, path, Some(body), "application/x-www-form-urlencoded").await
    }

    async fn send_as(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        kind: &str,
    ) -> Result<(u16, Bytes)> {
        let response = self.open(method, path, body, kind).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Sends a GET whose answer goes on: a watch.
    pub(crate) async fn stream(&mut self, path: &str) -> Result<Response<Incoming>> {
        self.open(Method::GET, path, None, "application/json").await
    }

    async fn open(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        kind: &str,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "localhost");
        request = request.header(ACCEPT, "application/json");
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, kind);
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(body.unwrap_or_default()))?).await?)
    }
}
