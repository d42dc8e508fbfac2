//! `bowline env`: what other programs need in their environment to work with this server: az, the Azure SDKs, Terraform, helm.
//!
//! Design notes: clients find trust in three different variables (Python, Go and OpenSSL, Node), a cloud in three different ways (az by its
//! metadata, the SDKs by the authority's host, Terraform by `ARM_*`), so all of them are printed. `AZURE_TENANT_ID` is `adfs`, the
//! name of the tenant under which no SDK asks the public cloud first; `ARM_TENANT_ID` is the GUID. az gets a configuration folder of its
//! own, because it remembers clouds and accounts, and those of the public cloud do not mix with ours. What is printed is for `eval`:
//! assignments and nothing else; everything for people goes to standard error.

use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;

use crate::app::App;
use crate::client::{Arm, Body};
use crate::commands::role::{ScopeArgs, resolve_role, resolve_scope};
use crate::commands::service_principal::make;
use crate::config::host;
use crate::config::settings::server_key;
use crate::failure::{Failure, Kind, Result};
use crate::render::Answer;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "For example:\n  eval \"$(bowline env --create-service-principal)\"\n  az login --service-principal -u $AZURE_CLIENT_ID -p $AZURE_CLIENT_SECRET --tenant $AZURE_TENANT_ID\n  terraform apply\nfish:       bowline env | source\nPowerShell: bowline env --shell pwsh | Out-String | Invoke-Expression"
)]
pub(crate) struct EnvArgs {
    /// The shell that reads it [default: fish where that is your shell, else sh]
    #[arg(long, value_enum)]
    shell: Option<Shell>,
    /// Make a service principal and print its client id and secret, too
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "bowline-env")]
    create_service_principal: Option<String>,
    /// The role it gets [default: Owner]
    #[arg(long, requires = "create_service_principal")]
    role: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    #[value(alias = "bash", alias = "zsh")]
    Sh,
    Fish,
    #[value(alias = "powershell")]
    Pwsh,
}

impl Shell {
    fn of_caller() -> Self {
        let shell = host::variable("SHELL").unwrap_or_default();
        if shell.ends_with("/fish") { Self::Fish } else { Self::Sh }
    }

    /// One assignment, with the value as the shell takes it literally.
    fn assign(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Self::Fish => format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Pwsh => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        }
    }
}

/// Names and values, in the order in which they are printed.
type Variables = Vec<(&'static str, String)>;

pub(crate) async fn env(app: &App, arguments: EnvArgs) -> Result<Answer> {
    let arm = app.arm()?;
    let shell = arguments.shell.unwrap_or_else(Shell::of_caller);
    let subscription = app.subscription(&arm).await?;
    let mut variables = trust(app, &arm)?;
    variables.extend(cloud(app, &arm, &subscription)?);
    variables.extend(helm(app, &arm).await?);
    if let Some(name) = &arguments.create_service_principal {
        variables.extend(service_principal(app, &arm, name, &arguments).await?);
    }
    let script: String = variables.iter().map(|(name, value)| shell.assign(name, value) + "\n").collect();
    match std::io::Write::write_all(&mut std::io::stdout().lock(), script.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Service, "the variables could not be written").why(error.to_string()))
        }
        _ => Ok(Answer::nothing()),
    }
}

/// The address under which the server knows itself: tokens are for it, and its answers point there.
fn public_url(arm: &Arm) -> Result<String> {
    Ok(arm.session.credential()?.public_url().to_owned())
}

/// Where the programs find the certificate authority; nothing when this computer trusts it already.
fn trust(app: &App, arm: &Arm) -> Result<Variables> {
    let Some(authority) = &app.settings.ca_file else { return Ok(Vec::new()) };
    let authority = host::absolute(authority)?;
    let own = host::read_input(&authority, "the server's certificate authority")?;
    // A variable replaces the system's list, so the list goes into it, too.
    let bundle = format!("{}\n{}", own.trim_end(), host::system_certificates().unwrap_or_default());
    let path = app.settings.stored_ca(&arm.client.server).with_extension("bundle.pem");
    host::write_own(&path, &bundle)?;
    let bundle = text(&path);
    Ok(vec![
        ("REQUESTS_CA_BUNDLE", bundle.clone()),
        ("SSL_CERT_FILE", bundle),
        ("NODE_EXTRA_CA_CERTS", text(&authority)),
    ])
}

fn cloud(app: &App, arm: &Arm, subscription: &str) -> Result<Variables> {
    let base = public_url(arm)?;
    let tenant = arm.session.credential()?.tenant_id;
    let mut variables = vec![
        ("ARM_CLOUD_METADATA_URL", format!("{base}/metadata/endpoints?api-version=2019-05-01")),
        ("AZURE_AUTHORITY_HOST", base.clone()),
        ("AZURE_TENANT_ID", "adfs".to_owned()),
        ("AZURE_SUBSCRIPTION_ID", subscription.to_owned()),
        ("AZURE_LOCAL_DISCONNECTED", "true".to_owned()),
    ];
    // Whoever has chosen a folder keeps it; extensions stay where they were installed.
    if host::variable("AZURE_CONFIG_DIR").is_none() {
        let folder = app.settings.dir.join("az").join(folder_name(&arm.client.server));
        variables.push(("AZURE_CONFIG_DIR", text(&host::absolute(&folder)?)));
        if let (None, Some(home)) = (host::variable("AZURE_EXTENSION_DIR"), host::variable("HOME")) {
            variables.push(("AZURE_EXTENSION_DIR", text(&PathBuf::from(home).join(".azure/cliextensions"))));
        }
    }
    variables.extend([
        ("ARM_ENVIRONMENT", "custom".to_owned()),
        ("ARM_RESOURCE_MANAGER_ENDPOINT", base.clone()),
        ("ARM_RESOURCE_MANAGER_AUDIENCE", base.clone()),
        ("ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST", base.clone()),
        ("ARM_DISABLE_INSTANCE_DISCOVERY", "true".to_owned()),
        ("ARM_METADATA_HOSTNAME", base.trim_start_matches("https://").to_owned()),
        ("ARM_TENANT_ID", tenant),
        ("ARM_SUBSCRIPTION_ID", subscription.to_owned()),
    ]);
    Ok(variables)
}

/// Where `az connectedk8s connect` finds the agent's chart. Its address can hold no port, so that on another port than 443 a script stands
/// between it and helm, which puts the port in.
async fn helm(app: &App, arm: &Arm) -> Result<Variables> {
    let url = arm.client.on_server("/v2/azure-arc-k8sagents/tags/list")?;
    let reply = arm.client.send(reqwest::Method::GET, url, None, &[], &Body::None).await?;
    let newest = reply.body["tags"].as_array().and_then(|tags| tags.last()).and_then(Value::as_str);
    let Some(version) = newest.filter(|_| reply.status.is_success()) else { return Ok(Vec::new()) };
    let base = Url::parse(&public_url(arm)?).map_err(|error| {
        Failure::new(Kind::Service, "the server's name for itself is not an address").why(error.to_string())
    })?;
    let name = base.host_str().unwrap_or_default();
    let mut variables = vec![("HELMREGISTRY", format!("{name}/azure-arc-k8sagents:{version}"))];
    if let Some(port) = base.port() {
        let path = host::absolute(&app.settings.dir.join("helm-with-port").join(folder_name(&base)))?;
        host::write_program(&path, &helm_with_port(name, port))?;
        variables.push(("HELM_CLIENT_PATH", text(&path)));
    }
    Ok(variables)
}

fn helm_with_port(name: &str, port: u16) -> String {
    format!(
        r#"#!/bin/sh
# Written by 'bowline env': az connectedk8s can name no port in the address of a chart, so it is put in here.
left=$#
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case $word in
    "oci://{name}/"*) word="oci://{name}:{port}/${{word#"oci://{name}/"}}" ;;
  esac
  set -- "$@" "$word"
done
exec helm "$@"
"#
    )
}

async fn service_principal(app: &App, arm: &Arm, name: &str, arguments: &EnvArgs) -> Result<Variables> {
    let scope = resolve_scope(app, arm, &arguments.scope).await?;
    let role = resolve_role(arm, &scope, arguments.role.as_deref().unwrap_or("Owner")).await?;
    let made = make(arm, name, std::slice::from_ref(&role), Some(&scope)).await?;
    let member = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let (id, secret) = (member("appId"), member("secret"));
    app.output.note(&format!(
        "Made the service principal '{name}' with the role {} in {scope}. Remove it: bowline sp delete --id {id}",
        role.name
    ));
    Ok(vec![
        ("AZURE_CLIENT_ID", id.clone()),
        ("AZURE_CLIENT_SECRET", secret.clone()),
        ("ARM_CLIENT_ID", id),
        ("ARM_CLIENT_SECRET", secret),
    ])
}

fn folder_name(server: &Url) -> String {
    let key = server_key(server);
    key.trim_start_matches("https://")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' })
        .collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_literal_in_each_shell() {
        let value = r"a b'c\d$HOME`x`";
        assert_eq!(Shell::Sh.assign("N", value), r"export N='a b'\''c\d$HOME`x`'");
        assert_eq!(Shell::Fish.assign("N", value), r"set -gx N 'a b\'c\\d$HOME`x`'");
        assert_eq!(Shell::Pwsh.assign("N", value), r"$env:N = 'a b''c\d$HOME`x`'");
    }
}
