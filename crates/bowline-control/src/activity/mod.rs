//! The activity log: who changed what, from where, when, and what was refused.
//!
//! An entry is part of the commit of the change that it tells of, so that there is never one without the other. What an agent observes and
//! whether it is connected are no entries: they are status. What was refused is counted ([`denials`]) and written by the second.
//! [`read`] shows the log in Azure's shape to whoever may see it; [`audit`] signs it, prunes it and shows it as it is kept.

pub mod audit;
pub mod denials;
mod event;
pub mod read;

use bowline_arm::ResourceId;
use bowline_store::Activity;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Control;
use crate::context::{ActorKind, OpContext};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The principal's object id; all zeros for the server itself.
    pub object_id: Uuid,
    /// How people know it.
    pub name: String,
    /// As `systemData` calls it.
    pub kind: String,
}

/// An entry as it is kept: to the byte, because the chain counts every one of them. Members may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Who.
    pub caller: Caller,
    /// What: `Microsoft.X/type/verb`.
    pub action: String,
    /// To what, as written.
    pub resource_id: String,
    /// `Succeeded`, `Accepted` (an operation finishes it) or `Failed`.
    pub status: String,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many times within the second, when it is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The request.
    pub correlation_id: Uuid,
    /// The operation that finishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Uuid>,
    /// The entity tag before; none for a creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag_before: Option<String>,
    /// The entity tag after; none for a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag_after: Option<String>,
}

impl Told {
    /// An entry without its outcome.
    fn by(context: &OpContext, action: &str, resource_id: &str) -> Self {
        let actor = &context.actor;
        let kind = match actor.kind {
            ActorKind::System => "System",
            kind => kind.created_by_type(),
        };
        Self {
            caller: Caller { object_id: actor.object_id, name: actor.name.clone(), kind: kind.to_owned() },
            action: action.to_owned(),
            resource_id: resource_id.to_owned(),
            status: "Succeeded".to_owned(),
            code: None,
            count: None,
            client: context.client.clone(),
            correlation_id: context.correlation_id,
            operation: None,
            etag_before: None,
            etag_after: None,
        }
    }

    fn activity(&self, key: &str) -> Activity {
        let text = serde_json::to_string(self).expect("an entry consists of texts and numbers");
        Activity { key: key.to_owned(), text }
    }
}

/// What a commit did.
#[derive(Clone, Copy)]
pub(crate) struct Done<'a> {
    /// `Microsoft.X/type/verb`.
    pub(crate) action: &'a str,
    /// To what.
    pub(crate) id: &'a ResourceId,
    /// The entity tag before.
    pub(crate) before: Option<&'a str>,
    /// The entity tag after.
    pub(crate) after: Option<&'a str>,
    /// The operation that finishes it.
    pub(crate) operation: Option<Uuid>,
}

impl Control {
    /// The entry of a commit.
    pub(crate) fn tell(&self, context: &OpContext, done: &Done<'_>) -> Vec<Activity> {
        let mut told = Told::by(context, done.action, done.id.as_str());
        if done.operation.is_some() {
            "Accepted".clone_into(&mut told.status);
        }
        told.operation = done.operation;
        told.etag_before = done.before.map(str::to_owned);
        told.etag_after = done.after.map(str::to_owned);
        vec![told.activity(done.id.key())]
    }
}

/// An entry as clients read it; none when it is not one of this version.
pub(crate) fn shown(
    control: &Control,
    entry: bowline_store::chain::LoggedEntry,
) -> Option<serde_json::Value> {
    event::Event::new(entry).map(|event| event.render(control))
}

pub(crate) use read::READ;
