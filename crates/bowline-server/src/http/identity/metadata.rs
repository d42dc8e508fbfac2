//! `/metadata/endpoints`: what a client of Azure asks a cloud before it knows anything else about it.
//!
//! Design notes: every address is ours, also of services that nobody asks here: a client that took one of them from its
//! built-in tables would go to the public cloud. `loginEndpoint` ends in `/adfs`, because that is what keeps every library from
//! asking the public cloud whether our login host is genuine. The client's typo `logAnalyticslogAnalyticsResourceId` is as it is.

use std::sync::Arc;

use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_arm::{ApiVersion, Error};
use http::StatusCode;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::{State, arm};
use super::Form;

/// How clients name this cloud.
const NAME: &str = "Bowline";

/// The cloud in the form that the api-version has: a list of clouds before 2022, one object since (and when none is asked).
pub(super) async fn endpoints(Shared(state): Shared<Arc<State>>, Query(query): Query<Form>) -> Response {
    let asked =
        query.iter().find(|(name, _)| name.eq_ignore_ascii_case("api-version")).map(|(_, v)| v.as_str());
    let settings = state.control.settings();
    let base = settings.public_url.as_str();
    let cloud = cloud(base, &state.control.tenant().to_string());
    let Some(asked) = asked.filter(|v| !v.is_empty()) else {
        return arm::json_response(StatusCode::OK, &newest_form(cloud, base));
    };
    match asked.parse::<ApiVersion>() {
        Ok(_) if asked < "2019" => arm::json_response(StatusCode::OK, &first_form(&cloud)),
        Ok(_) if asked < "2022" => arm::json_response(StatusCode::OK, &json!([cloud])),
        Ok(_) => arm::json_response(StatusCode::OK, &newest_form(cloud, base)),
        Err(error) => ApiError(
            Error::bad_request("InvalidApiVersionParameter", format!("{error}.")).with_target("api-version"),
        )
        .into_response(),
    }
}

/// Terraform's azurerm puts paths right behind `resourceManager`, and its releases of 2025 wait forever for the end of a deletion at
/// `//subscriptions/…`: no slash ends it here.
fn newest_form(mut cloud: Value, base: &str) -> Value {
    cloud["resourceManager"] = base.into();
    cloud
}

fn cloud(base: &str, tenant: &str) -> Value {
    let host = host(base);
    let slash = format!("{base}/");
    json!({
        "name": NAME,
        "portal": format!("{base}/portal/"),
        "authentication": {
            "loginEndpoint": format!("{base}/adfs"),
            "audiences": [slash, base],
            "tenant": tenant,
            "identityProvider": "ADFS",
        },
        "resourceManager": slash,
        "graph": slash,
        "graphAudience": slash,
        "microsoftGraphResourceId": slash,
        "gallery": slash,
        "batch": slash,
        "media": slash,
        "sqlManagement": slash,
        "vmImageAliasDoc": slash,
        "activeDirectoryDataLake": slash,
        "logAnalyticsResourceId": base,
        "logAnalyticslogAnalyticsResourceId": base,
        "appInsightsResourceId": base,
        "appInsightsTelemetryChannelResourceId": base,
        "appServiceResourceId": base,
        "attestationResourceId": base,
        "azmirrorStorageAccountResourceId": base,
        "ossrdbmsResourceId": base,
        "synapseAnalyticsResourceId": base,
        "dataplaneEndpoints": {
            "arcConfigEndpoint": format!("{base}/dataplane/config"),
            "arcGlobalNotificationServiceEndpoint": format!("{base}/dataplane/notification"),
            "arcHybridIdentityServiceEndpoint": format!("{base}/dataplane/identity"),
        },
        "suffixes": suffixes(host),
    })
}

/// No such services are here; their names end in ours, so that nobody's are somebody else's.
fn suffixes(host: &str) -> Value {
    let of = |service: &str| format!("{service}.{host}");
    json!({
        "acrLoginServer": of("registry"),
        "attestationEndpoint": of("attest"),
        "azureDataLakeAnalyticsCatalogAndJob": of("datalakeanalytics"),
        "azureDataLakeStoreFileSystem": of("datalakestore"),
        "azureFrontDoorEndpointSuffix": of("frontdoor"),
        "keyVaultDns": of("vault"),
        "mariadbServerEndpoint": of("mariadb"),
        "mhsmDns": of("managedhsm"),
        "mysqlServerEndpoint": of("mysql"),
        "postgresqlServerEndpoint": of("postgres"),
        "relayEndpointSuffix": host,
        "sqlServerHostname": of("database"),
        "storage": of("storage"),
        "storageSyncEndpointSuffix": of("storagesync"),
        "synapseAnalytics": of("synapse"),
    })
}

/// The form of 2015, which the oldest clients read.
fn first_form(cloud: &Value) -> Value {
    json!({
        "galleryEndpoint": cloud["gallery"],
        "graphEndpoint": cloud["graph"],
        "portalEndpoint": cloud["portal"],
        "authentication": cloud["authentication"],
    })
}

fn host(base: &str) -> &str {
    let rest = base.strip_prefix("https://").unwrap_or(base);
    match rest.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((address, _)) => address,
        None => rest.split(':').next().unwrap_or(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_public_url() {
        assert_eq!(host("https://localhost:8443"), "localhost");
        assert_eq!(host("https://arc.example"), "arc.example");
        assert_eq!(host("https://[::1]:8443"), "::1");
    }

    #[test]
    fn every_address_is_ours() {
        let cloud = cloud("https://localhost:8443", "t");
        for (name, value) in cloud.as_object().unwrap() {
            if let Some(text) = value.as_str().filter(|_| name != "name") {
                assert!(text.starts_with("https://localhost:8443"), "{name}: {text}");
            }
        }
    }
}
