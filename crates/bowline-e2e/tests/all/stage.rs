//! A server with one of everything: samples of each type by name, made when a test needs them.

use std::collections::BTreeSet;

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::keys::Key;
use bowline_e2e::server::{Server, group, subscription};
use bowline_e2e::wait::{seconds, until};
use serde_json::Value;

const SAMPLES: &str = include_str!("samples.json");
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

/// The server, its administrator and the samples.
pub(crate) struct Stage {
    pub(crate) admin: Api,
    /// `/subscriptions/{guid}`.
    pub(crate) subscription: String,
    /// The group in which samples lie.
    pub(crate) group: String,
    samples: Value,
    _server: Server,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let server = Server::usual().await;
        let admin = server.admin().await;
        let (subscription, group) = (subscription(&admin).await, group(&admin, "samples").await);
        let users = admin.get("/providers/Microsoft.Bowline/users").await.expect(200);
        let principal = users["value"][0]["properties"]["objectId"].as_str().unwrap().to_owned();
        let role = format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}");
        let samples = SAMPLES
            .replace("{publicKey}", &Key::generate().public())
            .replace("{principalId}", &principal)
            .replace("{readerRole}", &role)
            .replace("{contributorRole}", &role.replace(READER, CONTRIBUTOR))
            .replace("{group}", &group);
        Self { admin, subscription, group, samples: serde_json::from_str(&samples).unwrap(), _server: server }
    }

    /// The sample of a type (lower case).
    pub(crate) fn sample(&self, type_key: &str) -> &Value {
        &self.samples[type_key]
    }

    /// The name of a type's sample.
    pub(crate) fn name(&self, type_key: &str) -> String {
        self.sample(type_key)["name"].as_str().unwrap_or("sample").to_owned()
    }

    /// Fills the parameters of a URL template, each by the type that it names.
    pub(crate) fn fill(&self, template: &str) -> String {
        let machine = format!("machines/{}", self.name("microsoft.hybridcompute/machines"));
        let template = template
            .replace(
                "{baseProvider}/{baseResourceType}/{baseResourceName}",
                &format!("Microsoft.HybridCompute/{machine}"),
            )
            .replace(
                "{resourceProviderNamespace}/{resourceType}/{resourceName}",
                &format!("Microsoft.HybridCompute/{machine}"),
            )
            .replace("{subscriptionId}", self.subscription.rsplit('/').next().unwrap())
            .replace("/{scope}/", &format!("{}/", self.group));
        let whole_group = template.to_lowercase().ends_with("/resourcegroups/{resourcegroupname}");
        let group = if whole_group { "doomed" } else { self.group.rsplit('/').next().unwrap() };
        let template = template.replace("{resourceGroupName}", group);
        let (mut filled, mut kinds, mut last) = (Vec::new(), Vec::<String>::new(), String::new());
        for segment in template.split('/').filter(|s| !s.is_empty()) {
            if segment.eq_ignore_ascii_case("providers") {
                kinds.clear();
            } else if segment.starts_with('{') {
                // The name behind the type that was read so far: namespace, then every second segment.
                let parts: Vec<&str> = kinds
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| *i == 0 || i % 2 == 1)
                    .map(|(_, k)| k.as_str())
                    .collect();
                let known = if last == "locations" {
                    "local".to_owned()
                } else {
                    self.name(&parts.join("/").to_lowercase())
                };
                filled.push(known.clone());
                kinds.push(known);
                continue;
            } else {
                kinds.push(segment.to_owned());
            }
            segment.clone_into(&mut last);
            filled.push(segment.to_owned());
        }
        format!("/{}", filled.join("/"))
    }

    /// Makes a resource from its sample, its parents first; false when there is no sample of it, or it is refused.
    pub(crate) async fn ensure(&self, id: &bowline_arm::ResourceId) -> bool {
        if self.admin.get(id.as_str()).await.status == 200 {
            return true;
        }
        if let Some(parent) = id.parent().filter(|p| p.key() != "/") {
            Box::pin(self.ensure(&parent)).await;
        }
        let body = &self.sample(id.resource_type().key())["put"];
        if body.is_null() {
            return false;
        }
        matches!(self.admin.put(id.as_str(), body).await.status, 200..=202)
    }

    /// Deletes a resource and waits until it is gone.
    pub(crate) async fn remove(&self, id: &str) {
        let deleted = self.admin.delete(id).await;
        self.wait_for(&deleted).await;
    }

    /// Waits for the operation that an answer began.
    pub(crate) async fn wait_for(&self, answer: &Answer) {
        let Some(operation) = answer.header("azure-asyncoperation").filter(|_| answer.status == 202) else {
            return;
        };
        until("the operation's end", seconds(30), async || {
            let status = self.admin.get(operation).await.expect(200);
            (status["status"] != "InProgress").then_some(())
        })
        .await;
    }

    /// Types that the server has (lower case).
    pub(crate) async fn served(&self) -> BTreeSet<String> {
        let providers = self.admin.get("/providers").await.expect(200);
        let mut served = BTreeSet::new();
        for provider in providers["value"].as_array().unwrap() {
            for kind in provider["resourceTypes"].as_array().unwrap() {
                let (namespace, kind) = (provider["namespace"].as_str(), kind["resourceType"].as_str());
                served.insert(format!("{}/{}", namespace.unwrap(), kind.unwrap()).to_lowercase());
            }
        }
        served
    }
}
