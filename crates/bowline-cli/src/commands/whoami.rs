//! `bowline whoami` and `bowline token`.

use std::io::Write as _;

use serde_json::json;

use crate::app::App;
use crate::config::credentials::Principal;
use crate::config::settings::server_key;
use crate::failure::{Failure, Kind, Result};
use crate::identity::AccessToken;
use crate::render::{Answer, Column, Show, View};

const COLUMNS: &[Column] = &[
    Column::text("Server", &["/server"]),
    Column::text("Signed in as", &["/username", "/name"]),
    Column::text("Name", &["/name"]),
    Column::text("Kind", &["/kind"]),
    Column::text("Object id", &["/objectId"]),
    Column::text("Client id", &["/clientId"]),
    Column::text("Tenant", &["/tenantId"]),
    Column::text("Subscription", &["/subscription"]),
    Column::new("Token ends", &["/tokenExpiresOn"], Show::Ago),
];

/// Who is signed in. It proves it to be true: a token that has run out is renewed first.
pub(crate) async fn whoami(app: &App) -> Result<Answer> {
    let arm = app.arm()?;
    arm.session.access_token(&arm.client).await?;
    let credential = arm.session.credential()?;
    let (kind, client_id) = match &credential.principal {
        Principal::User { .. } => ("user", None),
        Principal::ServicePrincipal { client_id, .. } => ("servicePrincipal", Some(client_id)),
    };
    let username = Some(&credential.username).filter(|name| !name.is_empty());
    Ok(Answer::details(
        json!({
            "server": server_key(&arm.client.server), "tenantId": credential.tenant_id,
            "objectId": credential.object_id, "name": credential.name, "username": username,
            "kind": kind, "clientId": client_id, "subscription": app.settings.subscription,
            "tokenExpiresOn": credential.expires_on.to_string(),
        }),
        COLUMNS,
    ))
}

#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    /// In the form that kubectl takes from a program it runs
    #[arg(long)]
    exec_credential: bool,
}

/// A fresh access token: bare, unless a format is asked for, because it is used as `$(bowline token)`.
pub(crate) async fn token(app: &App, arguments: &TokenArgs) -> Result<Answer> {
    let arm = app.arm()?;
    let token = arm.session.access_token(&arm.client).await?;
    if arguments.exec_credential {
        return exec_credential(&token);
    }
    let credential = arm.session.credential()?;
    let value = json!({
        "accessToken": token.secret, "expiresOn": token.expires_on.to_string(), "tokenType": "Bearer",
        "tenant": credential.tenant_id, "server": server_key(&arm.client.server),
    });
    Ok(Answer { value, view: View::Bare("/accessToken") })
}

/// What `client.authentication.k8s.io/v1` asks for, whatever `-o` says.
fn exec_credential(token: &AccessToken) -> Result<Answer> {
    let value = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": { "token": token.secret, "expirationTimestamp": token.expires_on.to_string() },
    });
    match writeln!(std::io::stdout().lock(), "{value}") {
        Ok(()) => Ok(Answer::nothing()),
        Err(error) => {
            Err(Failure::new(Kind::Service, "the token could not be written").why(error.to_string()))
        }
    }
}
