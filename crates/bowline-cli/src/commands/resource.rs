//! `bowline resource`: resources of any type, by id.

use std::collections::HashMap;

use bowline_arm::{ApiVersion, ResourceId};
use serde_json::Value;

use crate::api;
use crate::app::App;
use crate::client::{Arm, Wait};
use crate::commands::group::report_deletion;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column, Show, View, type_of};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ResourceCommand {
    /// List resources of all types
    List {
        /// Only those of this resource group
        #[arg(short, long)]
        group: Option<String>,
        /// Only those of this type, for example Microsoft.HybridCompute/machines
        #[arg(short = 't', long = "type", value_name = "TYPE")]
        resource_type: Option<String>,
        /// Only those with this tag, as key or key=value
        #[arg(long)]
        tag: Option<String>,
    },
    /// Show one resource
    Show {
        /// The resource's id
        #[arg(long)]
        id: String,
        /// The api-version to ask for [default: the newest the server has]
        #[arg(long)]
        api_version: Option<String>,
    },
    /// Delete one resource
    Delete {
        /// The resource's id
        #[arg(long)]
        id: String,
        /// The api-version to ask for [default: the newest the server has]
        #[arg(long)]
        api_version: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Do not wait until it is done
        #[arg(long)]
        no_wait: bool,
    },
}

/// Types that an agent reports on: api-version, and where their status and its time stand.
const WITH_AGENT: [(&str, &str, &str, &str); 2] = [
    (api::CLUSTER_TYPE, api::CLUSTERS, "/properties/connectivityStatus", "/properties/lastConnectivityTime"),
    (api::MACHINE_TYPE, api::MACHINES, "/properties/status", "/properties/lastStatusChange"),
];

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("TYPE", &["/type"]),
    Column::new("GROUP", &["/id"], Show::Group),
    Column::text("LOCATION", &["/location"]),
    Column::text("STATUS", &["/status", "/properties/provisioningState"]),
    Column::new("SINCE", &["/statusTime"], Show::Ago),
    Column::new("TAGS", &["/tags"], Show::Tags),
];

pub(crate) async fn run(app: &App, command: ResourceCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        ResourceCommand::List { group, resource_type, tag } => {
            let scope = app.group_or_subscription(&arm, group.as_deref()).await?;
            let filter = filter(resource_type.as_deref(), tag.as_deref());
            let query: Vec<(&str, &str)> = filter.iter().map(|filter| ("$filter", filter.as_str())).collect();
            let mut all = arm.list(&format!("{}/resources", scope.as_str()), api::RESOURCES, &query).await?;
            add_status(&arm, &scope, &mut all).await?;
            Ok(Answer::list(all, COLUMNS, "There are no such resources."))
        }
        ResourceCommand::Show { id, api_version } => {
            let id = api::parse_id(&id)?;
            let version = version_for(&arm, &id, api_version).await?;
            Ok(Answer { value: arm.get(id.as_str(), &version).await?, view: View::Plain })
        }
        ResourceCommand::Delete { id, api_version, yes, no_wait } => {
            let id = api::parse_id(&id)?;
            app.confirm(yes, &format!("delete {id}")).await?;
            let version = version_for(&arm, &id, api_version).await?;
            let wait = if no_wait { Wait::No } else { Wait::Done };
            let deletion = arm.delete(id.as_str(), &version, wait).await?;
            report_deletion(app, &format!("the resource '{}'", id.name()), deletion);
            Ok(Answer::nothing())
        }
    }
}

/// Puts `status` and `statusTime` beside what has an agent: ARM's list of all types carries no properties.
async fn add_status(arm: &Arm, scope: &ResourceId, items: &mut [Value]) -> Result<()> {
    let text =
        |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    for (kind, version, status, seen) in WITH_AGENT {
        if !items.iter().any(|item| text(item, "type") == kind.to_lowercase()) {
            continue;
        }
        let full = arm.list(&api::collection(scope, kind), version, &[]).await?;
        let by_id: HashMap<String, &Value> = full.iter().map(|item| (text(item, "id"), item)).collect();
        for item in items.iter_mut() {
            if let Some(full) = by_id.get(&text(item, "id")) {
                item["status"] = full.pointer(status).cloned().unwrap_or_default();
                item["statusTime"] = full.pointer(seen).cloned().unwrap_or_default();
            }
        }
    }
    Ok(())
}

/// The comparisons of an OData filter; a quote in a value is doubled.
fn filter(resource_type: Option<&str>, tag: Option<&str>) -> Option<String> {
    let quoted = |text: &str| text.replace('\'', "''");
    let mut parts = Vec::new();
    if let Some(resource_type) = resource_type {
        parts.push(format!("resourceType eq '{}'", quoted(resource_type)));
    }
    if let Some(tag) = tag {
        let (name, value) = tag.split_once('=').map_or((tag, None), |(name, value)| (name, Some(value)));
        parts.push(format!("tagName eq '{}'", quoted(name)));
        parts.extend(value.map(|value| format!("tagValue eq '{}'", quoted(value))));
    }
    (!parts.is_empty()).then(|| parts.join(" and "))
}

/// The api-version that was said, else the newest stable one the server lists for the type.
async fn version_for(arm: &Arm, id: &ResourceId, said: Option<String>) -> Result<String> {
    if let Some(said) = said {
        return Ok(said);
    }
    let Some(resource_type) = type_of(id.as_str()) else {
        return Ok(if id.resource_group().is_some() { api::RESOURCES } else { api::SUBSCRIPTIONS }.to_owned());
    };
    let providers = arm.list("/providers", api::RESOURCES, &[]).await?;
    newest(&providers, &resource_type).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("the server knows no type '{resource_type}'"))
            .code("InvalidResourceType")
            .why(format!("it is the type in the id {id}"))
            .next("bowline resource list --query '[].type'")
    })
}

fn newest(providers: &[Value], resource_type: &str) -> Option<String> {
    let (namespace, kind) = resource_type.split_once('/')?;
    let is = |item: &Value, member: &str, wanted: &str| {
        item.get(member).and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(wanted))
    };
    let types = providers.iter().find(|p| is(p, "namespace", namespace))?.get("resourceTypes")?.as_array()?;
    let versions = types.iter().find(|t| is(t, "resourceType", kind))?.get("apiVersions")?.as_array()?;
    let parsed = versions.iter().filter_map(Value::as_str).filter_map(|text| text.parse::<ApiVersion>().ok());
    // A stable version wins over any preview.
    parsed.max_by_key(|version| (!version.is_preview(), version.clone())).map(|version| version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_stable_version_is_asked_for() {
        let providers = [json!({"namespace": "Microsoft.Kubernetes", "resourceTypes": [
            {"resourceType": "connectedClusters", "apiVersions": ["2021-10-01", "2026-05-01", "2027-01-01-preview"]}]})];
        assert_eq!(newest(&providers, "microsoft.kubernetes/connectedclusters").unwrap(), "2026-05-01");
        assert_eq!(newest(&providers, "Microsoft.Kubernetes/other"), None);
    }

    #[test]
    fn filters_are_quoted() {
        assert_eq!(
            filter(Some("a/b"), Some("owner=o'hara")).unwrap(),
            "resourceType eq 'a/b' and tagName eq 'owner' and tagValue eq 'o''hara'"
        );
        assert_eq!(filter(None, None), None);
    }
}
