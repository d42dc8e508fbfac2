//! `bowline activity`: who changed what, and what was refused.

use jiff::{SignedDuration, Timestamp};

use crate::api;
use crate::app::App;
use crate::config::host;
use crate::failure::{Failure, Result};
use crate::render::{Answer, Column, Show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ActivityCommand {
    /// List what was done, newest first
    List(Box<ListArgs>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only in this resource group
    #[arg(short, long)]
    group: Option<String>,
    /// Only about this resource
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// Only by this caller: a name or an object id
    #[arg(long)]
    caller: Option<String>,
    /// Only of this request
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// Only of this namespace, for example Microsoft.Kubernetes
    #[arg(long)]
    namespace: Option<String>,
    /// Only with this outcome: Succeeded, Accepted or Failed
    #[arg(long)]
    status: Option<String>,
    /// How far back: 30m, 6h, 7d
    #[arg(long, default_value = "6h")]
    offset: String,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    max_events: usize,
    /// What lies in no subscription: users, roles at the root, management groups
    #[arg(long)]
    tenant: bool,
}

const COLUMNS: &[Column] = &[
    Column::new("WHEN", &["/eventTimestamp"], Show::Ago),
    Column::text("CALLER", &["/caller"]),
    Column::text("OPERATION", &["/operationName/value"]),
    Column::text("STATUS", &["/status/value"]),
    Column::text("TIMES", &["/properties/count"]),
    Column::text("RESOURCE", &["/resourceId"]),
];

pub(crate) async fn run(app: &App, command: ActivityCommand) -> Result<Answer> {
    let ActivityCommand::List(arguments) = command;
    let arm = app.arm()?;
    let scope = match arguments.tenant {
        true => String::new(),
        false => format!("/subscriptions/{}", app.subscription(&arm).await?),
    };
    let path = format!("{scope}/providers/Microsoft.Insights/eventtypes/management/values");
    let filter = filter(&arguments, host::now())?;
    let query = [("$filter", filter.as_str())];
    let found = arm.list_up_to(&path, api::INSIGHTS, &query, arguments.max_events).await?;
    Ok(Answer::list(found, COLUMNS, "Nothing was done in that time; --offset 7d looks further back."))
}

fn filter(arguments: &ListArgs, now: Timestamp) -> Result<String> {
    let from = now - offset(&arguments.offset)?;
    let mut filter = format!("eventTimestamp ge '{from}'");
    for (field, value) in [
        ("resourceGroupName", &arguments.group),
        ("resourceUri", &arguments.resource),
        ("caller", &arguments.caller),
        ("correlationId", &arguments.correlation_id),
        ("resourceProvider", &arguments.namespace),
        ("status", &arguments.status),
    ] {
        if let Some(value) = value {
            filter.push_str(&format!(" and {field} eq '{}'", value.replace('\'', "''")));
        }
    }
    Ok(filter)
}

fn offset(text: &str) -> Result<SignedDuration> {
    let wrong = || {
        Failure::usage(format!("'{text}' is no length of time"))
            .next("write a number with m, h or d: --offset 30m, --offset 7d")
    };
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        _ => return Err(wrong()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if !(1..=5_000_000).contains(&count) {
        return Err(wrong());
    }
    Ok(SignedDuration::from_mins(count.min(5_256_000 / minutes) * minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        assert_eq!(offset("30m").unwrap(), SignedDuration::from_mins(30));
        assert_eq!(offset("7d").unwrap(), SignedDuration::from_hours(7 * 24));
        for wrong in ["", "7", "d", "-1h", "1y", "1.5h", "1ü"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
    }
}
