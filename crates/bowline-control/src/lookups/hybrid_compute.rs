//! `Microsoft.HybridCompute`: private link scopes by location and machine, the extensions that are in use, and the check of a licence.

use std::collections::BTreeSet;

use bowline_arm::{Error, ResourceId, ResourceType, Target, types};
use serde_json::{Value, json};

use super::{Question, name_of, read_all};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline;

const SCOPES: &str = "Microsoft.HybridCompute/privateLinkScopes";
const EXTENSIONS: &str = "Microsoft.HybridCompute/machines/extensions";
const LEVELS: [&str; 3] = ["publishers", "extensionTypes", "versions"];

pub(super) async fn answer(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
    asked: &ResourceType,
) -> Result<Option<Value>, Error> {
    match (question.post, asked.key(), question.target) {
        (true, "microsoft.hybridcompute/validatelicense", Target::Collection { scope, .. }) => {
            validate_license(control, context, scope, question.body).await.map(Some)
        }
        (false, "microsoft.hybridcompute/locations/privatelinkscopes", Target::Resource(id)) => {
            scope_by_id(control, context, question, id).await.map(Some)
        }
        (false, "microsoft.hybridcompute/machines/privatelinkscopes", Target::Resource(id)) => {
            scope_of_machine(control, context, question, id).await.map(Some)
        }
        (false, key, target) if key.starts_with("microsoft.hybridcompute/locations/publishers") => {
            extensions(control, context, question, target).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// A licence as a PUT would make it, without making it.
async fn validate_license(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    body: &Value,
) -> Result<Value, Error> {
    let action = "Microsoft.HybridCompute/validateLicense/action";
    control.authorization().snapshot().await.require(context, action, scope.key())?;
    let shape = &types::LICENSES;
    let mut license = shape.accept(body, None, shape.latest())?;
    let properties = crate::provider::properties_of(&mut license);
    properties.entry("licenseType").or_insert_with(|| "ESU".into());
    properties.insert("tenantId".to_owned(), control.tenant().to_string().into());
    crate::providers::hybrid_compute::complete_license(properties);
    let name = body["name"].as_str().unwrap_or("validated");
    license["id"] = format!("{scope}/providers/Microsoft.HybridCompute/licenses/{name}").into();
    license["name"] = name.into();
    license["type"] = "Microsoft.HybridCompute/licenses".into();
    Ok(license)
}

async fn scope_by_id(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
    id: &ResourceId,
) -> Result<Value, Error> {
    let subscription = id
        .subscription()
        .and_then(|s| ResourceId::subscription_scope(s).ok())
        .ok_or_else(|| Error::resource_not_found(id.as_str()))?;
    let scopes = read_all(control, context, &subscription, SCOPES, question.version).await?;
    scopes
        .iter()
        .find(|s| {
            s["properties"]["privateLinkScopeId"].as_str().is_some_and(|g| g.eq_ignore_ascii_case(id.name()))
        })
        .map(details)
        .ok_or_else(|| Error::resource_not_found(id.as_str()))
}

async fn scope_of_machine(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
    id: &ResourceId,
) -> Result<Value, Error> {
    let missing = || Error::resource_not_found(id.as_str());
    let machine = id.parent().filter(|_| id.name().eq_ignore_ascii_case("current")).ok_or_else(missing)?;
    let machine = pipeline::get(control, context, &machine, question.version).await?.value()?;
    let scope: ResourceId = machine["properties"]["privateLinkScopeResourceId"]
        .as_str()
        .and_then(|s| s.parse().ok())
        .ok_or_else(missing)?;
    let scope = pipeline::get(control, context, &scope, question.version).await?.value()?;
    Ok(details(&scope))
}

/// What an agent needs to know of a scope; it has no connections, because nothing calls in to an agent.
fn details(scope: &Value) -> Value {
    json!({
        "id": scope["id"], "publicNetworkAccess": scope["properties"]["publicNetworkAccess"],
        "connectionDetails": [],
    })
}

/// Publishers, types and versions of the extensions that resources at the scope name: Bowline keeps no catalogue beside them.
async fn extensions(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
    target: &Target,
) -> Result<Value, Error> {
    let (below, one) = match target {
        Target::Resource(id) => (id, Some(id)),
        Target::Collection { scope, .. } => (scope, None),
        Target::Action { resource, .. } => (resource, None),
    };
    let scope = below
        .subscription()
        .and_then(|s| ResourceId::subscription_scope(s).ok())
        .unwrap_or_else(ResourceId::root);
    let fixed: Vec<&str> = LEVELS.iter().map_while(|level| name_of(below, level)).collect();
    let used = read_all(control, context, &scope, EXTENSIONS, question.version).await?;
    let paths: BTreeSet<Vec<String>> = used.iter().filter_map(path_of).collect();
    // One more level than the question names, or the last one that it names.
    let depth = if one.is_some() { fixed.len() } else { fixed.len() + 1 };
    let mut found: Vec<&[String]> = paths
        .iter()
        .filter(|path| path.len() >= depth && fixed.iter().zip(*path).all(|(f, p)| f.eq_ignore_ascii_case(p)))
        .map(|path| &path[..depth])
        .collect();
    found.dedup();
    let location = name_of(below, "locations").unwrap_or_default();
    let mut shown = found.into_iter().map(|path| show(&scope, location, path));
    match one {
        None => Ok(json!({"value": shown.collect::<Vec<_>>()})),
        Some(id) => shown.next().ok_or_else(|| Error::resource_not_found(id.as_str())),
    }
}

fn path_of(extension: &Value) -> Option<Vec<String>> {
    let text = |name: &str| extension["properties"][name].as_str().map(str::to_owned);
    let (publisher, kind) = (text("publisher")?, text("type")?);
    Some([Some(publisher), Some(kind), text("typeHandlerVersion")].into_iter().flatten().collect())
}

fn show(scope: &ResourceId, location: &str, path: &[String]) -> Value {
    let levels: String = LEVELS.iter().zip(path).map(|(level, name)| format!("/{level}/{name}")).collect();
    let prefix = if scope.key() == "/" { "" } else { scope.as_str() };
    let mut shown = json!({
        "id": format!("{prefix}/providers/Microsoft.HybridCompute/locations/{location}{levels}"),
        "name": path.last(),
        "type": format!("Microsoft.HybridCompute/locations/{}", LEVELS[..path.len()].join("/")),
    });
    if let [publisher, kind, version] = path {
        shown["properties"] = json!({"publisher": publisher, "extensionType": kind, "version": version});
    }
    shown
}
