//! The HTTP API as a client sees it: real TLS, the server's certificate authority, a bearer token.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use reqwest::{Certificate, Method};
use serde_json::Value;

/// The api-version of requests that name none.
pub const VERSION: &str = "2026-11-01";

/// An HTTP client that trusts `ca_pem`, follows no redirect and uses no proxy.
///
/// # Panics
/// When the certificate is none.
#[must_use]
pub fn client(ca_pem: &str) -> reqwest::Client {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .tls_certs_only(Certificate::from_pem_bundle(ca_pem.as_bytes()).unwrap())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .resolve("localhost", SocketAddr::from(([127, 0, 0, 1], 0)))
        .build()
        .unwrap()
}

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Api {
    /// For requests that are not ARM's.
    pub http: reqwest::Client,
    /// `https://localhost:PORT`.
    pub base: String,
    /// The access token, if there is one.
    pub bearer: Option<String>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body, when it is JSON; else null.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The message of ARM's error, which must have this status and code.
    ///
    /// # Panics
    /// When it is another answer.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!((self.status, self.body["error"]["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert!(bowline_arm::codes::find(code).is_some(), "{code} is missing in the list of codes");
        let message = self.body["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "an error says what happened: {}", self.text);
        message.to_owned()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Api {
    /// The same server with another token.
    #[must_use]
    pub fn with(&self, bearer: &str) -> Self {
        Self { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("https://") {
            return path.to_owned();
        }
        let mark = if path.contains('?') { '&' } else { '?' };
        if path.contains("api-version") || path.starts_with("/agents/") {
            return format!("{}{path}", self.base);
        }
        format!("{}{path}{mark}api-version={VERSION}", self.base)
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match &self.bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn exchange(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, text, body })
    }

    /// Sends a request that must be answered.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn send(request: reqwest::RequestBuilder) -> Answer {
        Self::exchange(request).await.expect("the server answers")
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        Self::send(self.request(Method::GET, path)).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::PUT, path).json(body)).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::PATCH, path).json(body)).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::POST, path).json(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        Self::send(self.request(Method::DELETE, path)).await
    }

    /// POST of a form to one of the sign-in endpoints.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        Self::send(self.http.post(format!("{}{path}", self.base)).form(fields)).await
    }
}
