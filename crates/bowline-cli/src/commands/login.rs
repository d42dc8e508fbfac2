//! `bowline login` and `bowline logout`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::{Arm, Client};
use crate::config::credentials::{CredentialStore, Principal};
use crate::config::host;
use crate::config::settings::{ConfigFile, server_key};
use crate::config::{Overrides, Settings};
use crate::failure::{Failure, Result};
use crate::identity::{AssertionKey, Issuer, Proof, Session, Tokens};
use crate::render::{Answer, Column};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without options a code is shown, to be typed on the server's page by whoever signs in:\n  bowline login --server https://localhost:8443 --ca-file DATA_DIR/ca.crt\nFor programs:\n  bowline login --service-principal --client-id ID --client-secret-file FILE"
)]
pub(crate) struct LoginArgs {
    /// Sign in as this user, without a browser
    #[arg(long, requires = "password_file", conflicts_with = "service_principal")]
    username: Option<String>,
    /// The file with the user's password on its first line; - is standard input
    #[arg(long, requires = "username", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Sign in as a service principal
    #[arg(long, requires = "client_id")]
    service_principal: bool,
    /// The service principal's client id
    #[arg(long, requires = "service_principal", value_name = "ID")]
    client_id: Option<String>,
    /// The file with its secret on the first line; - is standard input
    #[arg(long, requires = "client_id", value_name = "FILE", conflicts_with = "client_assertion_key_file")]
    client_secret_file: Option<PathBuf>,
    /// The file with its private key (PEM; P-256, Ed25519 or RSA)
    #[arg(long, requires = "client_id", value_name = "FILE")]
    client_assertion_key_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArgs {
    /// Forget the sign-ins at all servers
    #[arg(long)]
    all: bool,
}

const SIGNED_IN: &[Column] = &[
    Column::text("Server", &["/server"]),
    Column::text("Signed in as", &["/username"]),
    Column::text("Object id", &["/objectId"]),
    Column::text("Tenant", &["/tenantId"]),
    Column::text("Subscription", &["/subscription/name"]),
    Column::text("Subscription id", &["/subscription/id"]),
];

pub(crate) async fn login(app: &App, arguments: LoginArgs) -> Result<Answer> {
    let client = app.client()?;
    let issuer = Issuer::discover(&client).await?;
    let (tokens, principal) = if arguments.service_principal {
        service_principal(&client, &issuer, &arguments).await?
    } else {
        let principal = Principal::User { refresh_token: None };
        (user(app, &client, &issuer, &arguments).await?, principal)
    };
    let server = server_key(&client.server);
    let credential = tokens.into_credential(&issuer, principal, host::now());
    let store = CredentialStore::new(&app.settings.dir);
    store.write(&store.lock().await?, &server, credential.clone())?;
    remember_server(app, &server)?;

    let session = Session::open(&app.settings)?;
    let subscription = default_subscription(app, &Arm { client, session }, &server).await?;
    let shown = if credential.username.is_empty() { &credential.name } else { &credential.username };
    Ok(Answer::details(
        json!({
            "server": server, "tenantId": credential.tenant_id, "objectId": credential.object_id,
            "username": shown, "subscription": subscription,
        }),
        SIGNED_IN,
    ))
}

async fn user(app: &App, client: &Client, issuer: &Issuer, arguments: &LoginArgs) -> Result<Tokens> {
    let Some((username, file)) = arguments.username.as_ref().zip(arguments.password_file.as_ref()) else {
        let code = issuer.device_code(client).await?;
        let minutes = code.expires_in.as_secs().div_ceil(60);
        app.output.say(&format!(
            "To sign in, open\n\n    {}\n\nand type the code\n\n    {}\n\nIt is valid for {minutes} min. Waiting …",
            code.verification_uri, code.user_code
        ));
        return issuer.await_approval(client, &code, false).await;
    };
    let password = host::read_secret(file, "the password")?;
    let code = issuer.device_code(client).await?;
    issuer.approve(client, &code, username, &password).await?;
    issuer.await_approval(client, &code, true).await
}

async fn service_principal(
    client: &Client,
    issuer: &Issuer,
    arguments: &LoginArgs,
) -> Result<(Tokens, Principal)> {
    let client_id = arguments.client_id.clone().expect("clap asks for it beside --service-principal");
    let secret = arguments.client_secret_file.as_deref();
    let secret = secret.map(|file| host::read_secret(file, "the client secret")).transpose()?;
    let key_file = arguments.client_assertion_key_file.as_deref().map(host::absolute).transpose()?;
    let proof = match (&secret, &key_file) {
        (Some(secret), _) => Proof::Secret(secret),
        (None, Some(file)) => {
            let key = AssertionKey::from_pem(&host::read_input(file, "the client assertion key")?)?;
            let id = host::new_guid().to_string();
            Proof::Assertion(key.sign(&client_id, &issuer.issuer, &id, host::now())?)
        }
        (None, None) => {
            return Err(Failure::usage("a service principal needs a secret or a key")
                .next("add --client-secret-file FILE or --client-assertion-key-file FILE"));
        }
    };
    let tokens = issuer.client_credentials(client, &client_id, proof).await?;
    Ok((tokens, Principal::ServicePrincipal { client_id, client_secret: secret, key_file }))
}

/// Makes the server the one that later commands use, and keeps a copy of its certificate authority.
fn remember_server(app: &App, server: &str) -> Result<()> {
    let mut file = ConfigFile::load(&app.settings.dir)?;
    let url = app.settings.require_server()?;
    let stored = app.settings.stored_ca(url);
    let of_server = file.servers.entry(server.to_owned()).or_default();
    if let Some(given) = app.settings.ca_file.as_deref().filter(|given| *given != stored) {
        let pem = host::read_input(given, "the server's certificate authority")?;
        host::write_own(&stored, &pem)?;
        of_server.ca_file = Some(stored);
    }
    if let Some(said) = app.settings.subscription.as_ref() {
        of_server.subscription = Some(said.clone());
    }
    file.server = Some(server.to_owned());
    file.save(&app.settings.dir)
}

/// The subscription later commands use: the one that is set, else the only one, which becomes set.
async fn default_subscription(app: &App, arm: &Arm, server: &str) -> Result<Value> {
    let all = arm.list("/subscriptions", api::SUBSCRIPTIONS, &[]).await?;
    let text =
        |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let shown = |item: &Value| json!({"id": text(item, "subscriptionId"), "name": text(item, "displayName")});
    if let Some(set) = &app.settings.subscription {
        let found =
            all.iter().find(|item| [text(item, "subscriptionId"), text(item, "displayName")].contains(set));
        if let Some(found) = found {
            return Ok(shown(found));
        }
        app.output
            .note(&format!("The subscription '{set}' that is set for this server is not visible to you."));
        return Ok(Value::Null);
    }
    match all.as_slice() {
        [only] => {
            let mut file = ConfigFile::load(&app.settings.dir)?;
            file.servers.entry(server.to_owned()).or_default().subscription =
                Some(text(only, "subscriptionId"));
            file.save(&app.settings.dir)?;
            Ok(shown(only))
        }
        [] => {
            app.output
                .note("You are signed in, but have no role in any subscription yet: ask an Owner for one.");
            Ok(Value::Null)
        }
        several => {
            app.output.note(&format!(
                "There are {} subscriptions. Choose one: bowline subscription list, then bowline config set subscription ID",
                several.len()
            ));
            Ok(Value::Null)
        }
    }
}

pub(crate) async fn logout(app: &App, arguments: LogoutArgs) -> Result<Answer> {
    let store = CredentialStore::new(&app.settings.dir);
    let held = store.lock().await?;
    if arguments.all {
        for server in store.servers() {
            end_at_server(app, &store, &server).await;
        }
        store.remove(&held)?;
        app.output.note("Signed out everywhere. Tokens handed out before end by themselves within an hour.");
        return Ok(Answer::nothing());
    }
    let server = server_key(app.settings.require_server()?);
    end_at_server(app, &store, &server).await;
    match store.forget(&held, Some(&server))? {
        0 => app.output.note(&format!("Nobody was signed in to {server}.")),
        _ => app.output.note(&format!(
            "Signed out of {server}. Tokens handed out before end by themselves within an hour."
        )),
    }
    Ok(Answer::nothing())
}

/// Tells the server that the sign-in has ended, so that a copy of its refresh token is worth nothing. Signing out here does not depend on it.
async fn end_at_server(app: &App, store: &CredentialStore, server: &str) {
    let Ok(Some(credential)) = store.read(server) else { return };
    let Principal::User { refresh_token: Some(token) } = &credential.principal else { return };
    let overrides = Overrides { server: Some(server.to_owned()), ..Overrides::default() };
    let issuer = Issuer { issuer: credential.issuer.clone(), tenant_id: credential.tenant_id.clone() };
    let outcome = async {
        let client = Client::new(&Settings::load(overrides)?, app.debug)?;
        issuer.revoke(&client, token).await
    };
    if let Err(failure) = outcome.await {
        app.output.note(&format!(
            "{server} could not be told ({}): this sign-in ends there by itself after 14 days without use.",
            failure.what
        ));
    }
}
