//! `Microsoft.Bowline/agentSettings/default`: how agents below a scope behave; inherited downward, the nearest member wins.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;
use uuid::Uuid;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct AgentSettings;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/agentSettings",
    shape: &types::AGENT_SETTINGS,
    action: "Microsoft.Bowline/agentSettings",
    placement: Placement::Extension,
    name: NameRule { min: 7, max: 7, extra: "", alphanumeric_ends: true, words: "the word 'default'" },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

fn is_version_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".+-".contains(&byte)
}

impl ResourceProvider for AgentSettings {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if !admission.id.name().eq_ignore_ascii_case("default") {
            return Err(Error::bad_request(
                "InvalidResourceName",
                "A scope has one set of agent settings, and its name is 'default'.",
            )
            .with_target("name"));
        }
        let properties = &admission.document["properties"];
        let settings: bowline_link::item::AgentSettings = serde_json::from_value(properties.clone())
            .map_err(|error| {
                Error::bad_request(
                    "InvalidRequestContent",
                    format!("The agent settings are not understood: {error}."),
                )
                .with_target("properties")
            })?;
        let refuse = |property: &str, what: &str| {
            Err(Error::bad_request(
                "InvalidRequestContent",
                format!("The property 'properties.{property}' {what}."),
            )
            .with_target(format!("properties.{property}")))
        };
        if settings.keep_alive_seconds.is_some_and(|s| !(5..=300).contains(&s)) {
            return refuse("keepAliveSeconds", "must be between 5 and 300");
        }
        if settings
            .log_level
            .as_deref()
            .is_some_and(|l| !["error", "warn", "info", "debug", "trace"].contains(&l))
        {
            return refuse("logLevel", "must be error, warn, info, debug or trace");
        }
        let is_version = |text: &str| {
            text.len() <= 64 && text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().all(is_version_byte)
        };
        if settings.agent_version.as_deref().is_some_and(|version| !is_version(version)) {
            return refuse("agentVersion", "must be a version such as '0.1.0'");
        }
        if settings
            .watched_kinds
            .as_ref()
            .is_some_and(|k| k.len() > 100 || k.iter().any(|k| k.is_empty() || k.len() > 200))
        {
            return refuse("watchedKinds", "may hold up to 100 kinds such as 'apps/v1/Deployment'");
        }
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }
}
