//! Who may be sent a code, and where: the public clients that everybody has, and registered applications.
//!
//! Design notes: these ids are compiled into the clients, so a server that wants them to work knows them. A public client
//! proves nothing about itself; what it gets is what the person gets who signs in with it. Its code goes to a loopback address
//! of the person's own computer, on whatever port was free there (RFC 8252 §7.3), and is bound by a proof key.

use bowline_auth::OAuthError;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::{CLI_CLIENT, PORTAL_CLIENT};
use crate::Control;

/// Client ids that people sign in with, and whose they are.
pub const PUBLIC_CLIENTS: [(&str, &str); 6] = [
    (CLI_CLIENT, "A command line (bowline, az, azd) or a developer's SDK"),
    (PORTAL_CLIENT, "Bowline's portal"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Azure PowerShell"),
    ("aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"),
    ("872cd9fa-d31f-45e0-9eab-6e460a02d1f1", "Visual Studio"),
    ("80faf920-1908-4b52-b5ef-a8e7bedfc67a", "kubelogin"),
];

/// Whether the client keeps no secret.
#[must_use]
pub fn is_public(client_id: &str) -> bool {
    PUBLIC_CLIENTS.iter().any(|(id, _)| id.eq_ignore_ascii_case(client_id))
}

/// A browser of the person's own computer; `localhost` is what the Azure clients write.
fn is_loopback(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| {
        url.scheme() == "http"
            && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    })
}

/// What may be sent to an address, and what its client must show when it redeems a code that went there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// A proof key is all that such a client has.
    Public,
    /// A program with a secret or a key of its own.
    Confidential,
}

impl Control {
    /// Whether a code for this client may be sent to this address.
    ///
    /// # Errors
    /// When the client is unknown, or the address is not one of its own.
    pub async fn check_redirect(&self, client_id: &str, redirect_uri: &str) -> Result<(), OAuthError> {
        self.redirect(client_id, redirect_uri).await.map(|_| ())
    }

    /// What a person is told who asks: whose the public client is, or the name of the application as it is registered here.
    ///
    /// # Errors
    /// When the registration cannot be read.
    pub async fn client_name(&self, client_id: &str) -> Result<String, OAuthError> {
        if let Some((_, name)) = PUBLIC_CLIENTS.iter().find(|(id, _)| id.eq_ignore_ascii_case(client_id)) {
            return Ok((*name).to_owned());
        }
        let unknown = || OAuthError::UnknownClient { client_id: client_id.chars().take(64).collect() };
        let app_id: Uuid = client_id.parse().map_err(|_| unknown())?;
        let (_, document) = self.application(app_id).await?.ok_or_else(unknown)?;
        Ok(document["properties"]["displayName"].as_str().unwrap_or(client_id).to_owned())
    }

    pub(super) async fn redirect(&self, client_id: &str, redirect_uri: &str) -> Result<Redirect, OAuthError> {
        let wrong =
            || OAuthError::WrongRedirectUri { redirect_uri: redirect_uri.chars().take(256).collect() };
        if is_public(client_id) {
            let known = if client_id.eq_ignore_ascii_case(PORTAL_CLIENT) {
                redirect_uri == format!("{}/portal/callback", self.settings().public_url)
            } else {
                redirect_uri.len() <= 2048 && is_loopback(redirect_uri)
            };
            return known.then_some(Redirect::Public).ok_or_else(wrong);
        }
        let unknown = || OAuthError::UnknownClient { client_id: client_id.chars().take(64).collect() };
        let app_id: Uuid = client_id.parse().map_err(|_| unknown())?;
        let (_, document) = self.application(app_id).await?.ok_or_else(unknown)?;
        let registered = |group: &str| {
            document["properties"][group]["redirectUris"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|uri| same_address(uri, redirect_uri))
        };
        if registered("web") {
            Ok(Redirect::Confidential)
        } else if registered("spa") || registered("publicClient") {
            Ok(Redirect::Public)
        } else {
            Err(wrong())
        }
    }
}

/// The same text; of a loopback address the port may be another one.
fn same_address(registered: &str, given: &str) -> bool {
    let portless = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|_| is_loopback(text))?;
        url.set_port(None).ok()?;
        Some(url)
    };
    registered == given || portless(registered).is_some_and(|url| portless(given) == Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_persons_own_computer_is_a_loopback() {
        for good in
            ["http://localhost:8400", "http://127.0.0.1:40001/", "http://[::1]:9/x", "http://localhost/"]
        {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "https://localhost:1",
            "http://localhost.evil.example/",
            "http://evil.example/?localhost",
            "http://localhost@evil.example/",
            "http://u:p@localhost/",
            "http://localhost/#f",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn a_registered_address_is_the_same_text_or_another_port_of_this_computer() {
        assert!(same_address("https://a.example/cb", "https://a.example/cb"));
        assert!(same_address("http://localhost/cb", "http://localhost:40123/cb"));
        for (registered, given) in [
            ("https://a.example/cb", "https://a.example/cb2"),
            ("https://a.example/cb", "https://a.example:444/cb"),
            ("http://localhost/cb", "http://localhost:1/other"),
            ("http://localhost/cb", "http://127.0.0.1/cb"),
            ("nothing", "else"),
        ] {
            assert!(!same_address(registered, given), "{registered} {given}");
        }
    }
}
