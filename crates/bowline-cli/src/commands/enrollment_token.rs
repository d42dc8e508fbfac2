//! `bowline enrollment-token`: tokens with which many machines or clusters enrol themselves.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::config::host;
use crate::failure::{Failure, Result};
use crate::render::{Answer, Column, Show};
use bowline_arm::ResourceId;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum EnrollmentTokenCommand {
    /// Create an enrolment token for a resource group
    Create(CreateArgs),
    /// List the enrolment tokens of a resource group
    List {
        /// The resource group
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Delete an enrolment token; what it enrolled stays
    Delete {
        /// The token's name
        #[arg(short, long)]
        name: String,
        /// The resource group
        #[arg(short, long)]
        group: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// The token's name
    #[arg(short, long)]
    name: String,
    /// The resource group that enrols into
    #[arg(short, long)]
    group: Option<String>,
    /// How long it can be used, for example 30m, 24h or 7d
    #[arg(long, default_value = "24h", value_name = "DURATION")]
    expires_in: String,
    /// How many may enrol with it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    max_uses: u32,
    /// What may enrol
    #[arg(long = "for", value_enum, num_args = 1.., default_values = ["machine"], value_name = "KIND")]
    kinds: Vec<Enrollable>,
    /// Write the token to this new file (mode 0600) instead of showing it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Enrollable {
    Machine,
    Cluster,
}

const CREATED: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::text("Token", &["/token"]),
    Column::text("Token file", &["/tokenFile"]),
    Column::new("Ends", &["/properties/expiresOn"], Show::Ago),
    Column::text("Uses", &["/properties/maxUses"]),
    Column::text("For", &["/properties/resourceTypes"]),
    Column::text("Id", &["/id"]),
];

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::new("ENDS", &["/properties/expiresOn"], Show::Ago),
    Column::text("USES", &["/properties/uses"]),
    Column::text("OF", &["/properties/maxUses"]),
    Column::text("FOR", &["/properties/resourceTypes"]),
];

pub(crate) async fn run(app: &App, command: EnrollmentTokenCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        EnrollmentTokenCommand::Create(arguments) => create(app, &arm, arguments).await,
        EnrollmentTokenCommand::List { group } => {
            let scope = app.group(&arm, group.as_deref()).await?;
            let all =
                arm.list(&api::collection(&scope, api::ENROLLMENT_TOKEN_TYPE), api::BOWLINE, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "There are no enrolment tokens in this group."))
        }
        EnrollmentTokenCommand::Delete { name, group, yes } => {
            let id = token_id(app, &arm, group.as_deref(), &name).await?;
            app.confirm(yes, &format!("delete the enrolment token '{name}'")).await?;
            let deletion = arm.delete(id.as_str(), api::BOWLINE, Wait::Done).await?;
            report_deletion(app, &format!("the enrolment token '{name}'"), deletion);
            Ok(Answer::nothing())
        }
    }
}

async fn token_id(app: &App, arm: &Arm, group: Option<&str>, name: &str) -> Result<ResourceId> {
    api::child(&app.group(arm, group).await?, api::ENROLLMENT_TOKEN_TYPE, name)
}

async fn create(app: &App, arm: &Arm, arguments: CreateArgs) -> Result<Answer> {
    let expires_on = expiry(&arguments.expires_in, host::now())?;
    if let Some(path) = &arguments.token_file {
        host::may_create(path)?;
    }
    let id = token_id(app, arm, arguments.group.as_deref(), &arguments.name).await?;
    let types: Vec<&str> = arguments
        .kinds
        .iter()
        .map(|kind| match kind {
            Enrollable::Machine => api::MACHINE_TYPE,
            Enrollable::Cluster => api::CLUSTER_TYPE,
        })
        .collect();
    let body = json!({"properties": {
        "expiresOn": expires_on.to_string(), "maxUses": arguments.max_uses, "resourceTypes": types,
    }});
    let mut made = arm.put(id.as_str(), api::BOWLINE, body).await?;
    let listed = arm.post(&format!("{id}/listToken"), api::BOWLINE, json!({})).await?;
    let token = listed.get("token").and_then(Value::as_str).unwrap_or_default();
    match &arguments.token_file {
        Some(path) => {
            host::write_new_secret(path, &format!("{token}\n"))?;
            made["tokenFile"] = path.display().to_string().into();
        }
        None => {
            made["token"] = token.into();
            app.output.note("Whoever has this token can enrol until it ends or is used up: keep it secret.");
        }
    }
    Ok(Answer::details(made, CREATED))
}

/// The end of a token that lasts `30m`, `24h` or `7d` from now.
fn expiry(text: &str, now: Timestamp) -> Result<Timestamp> {
    let refused = || {
        Failure::usage(format!("'{text}' is not a duration"))
            .why("a token lasts at least a minute and at most a year")
            .next("write minutes, hours or days: --expires-in 30m, 24h or 7d")
    };
    let unit = text.chars().last().ok_or_else(refused)?;
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| refused())?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(refused()),
    };
    let total =
        count.checked_mul(seconds).filter(|total| (60..=366 * 86_400).contains(total)).ok_or_else(refused)?;
    let exact = now.checked_add(SignedDuration::from_secs(total)).map_err(|_| refused())?;
    Timestamp::from_second(exact.as_second()).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_minutes_hours_or_days() {
        let now: Timestamp = "2026-11-01T00:00:00.5Z".parse().unwrap();
        assert_eq!(expiry("30m", now).unwrap().to_string(), "2026-11-01T00:30:00Z");
        assert_eq!(expiry("7d", now).unwrap().to_string(), "2026-11-08T00:00:00Z");
        for bad in ["", "h", "24", "1w", "0m", "-1h", "9999999999999d", "367d", "1é"] {
            assert!(expiry(bad, now).is_err(), "{bad}");
        }
    }
}
