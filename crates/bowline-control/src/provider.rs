//! The port of a resource type: what it is ([`Spec`]) and what it demands ([`ResourceProvider`]).
//!
//! A provider is pure: it sees the draft, the existing document and a snapshot of roles and principals; it knows no clock, no
//! store and no network. What differs between api-versions is in `bowline_arm::types`, not here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bowline_arm::types::Shape;
use bowline_arm::{ApiVersion, Error, NameRule, ResourceId};
use bowline_store::EntryWrite;
use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

use crate::Settings;
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::principals::Principals;

/// Where resources of a type live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// At the root: `/providers/…` or `/subscriptions/{s}`.
    Tenant,
    /// In a subscription: resource groups.
    Subscription,
    /// In a resource group.
    ResourceGroup,
    /// In the resource of the type that its own name begins with: `machines/extensions` in a machine.
    Child,
    /// On any scope or resource.
    Extension,
}

/// What a type is, as data.
#[derive(Debug)]
pub struct Spec {
    /// As documented.
    pub resource_type: &'static str,
    /// Its wire shape.
    pub shape: &'static LazyLock<Shape>,
    /// The prefix of its actions: `{action}/read`, `/write`, `/delete`.
    pub action: &'static str,
    /// Where it lives.
    pub placement: Placement,
    /// What its names look like.
    pub name: NameRule,
    /// Whether callers may create, change and delete it.
    pub writable: bool,
    /// Whether it has a location and tags.
    pub tracked: bool,
    /// The property that holds the public key of its agent, if it has one.
    pub agent_key: Option<&'static str>,
    /// The statuses of a PUT that creates, a PUT that changes, and a DELETE that is done at once: strict clients demand them.
    pub statuses: Statuses,
    /// The watermark that a write raises.
    pub watermark: Option<&'static str>,
}

/// HTTP statuses that the clients of a type insist on.
#[derive(Clone, Copy, Debug)]
pub struct Statuses {
    /// PUT of something new.
    pub created: u16,
    /// PUT of something that exists.
    pub updated: u16,
    /// DELETE that is done at once.
    pub deleted: u16,
}

impl Statuses {
    /// What most types answer.
    pub const USUAL: Self = Self { created: 201, updated: 200, deleted: 200 };
}

/// What a provider sees and changes when a draft is admitted.
pub struct Admission<'a> {
    /// The operation.
    pub context: &'a OpContext,
    /// The resource's id.
    pub id: &'a ResourceId,
    /// The document before; none for a creation.
    pub existing: Option<&'a Value>,
    /// The document to be; the provider defaults and validates it in place.
    pub document: &'a mut Value,
    /// Secret values by JSON pointer before; empty for a creation.
    pub secrets_before: &'a BTreeMap<String, Value>,
    /// Secret values to be, old ones included.
    pub secrets: &'a mut BTreeMap<String, Value>,
    /// Roles and principals at the revision under which the commit is guarded.
    pub snapshot: &'a Snapshot,
    /// The principals that exist, among them those of [`ResourceProvider::principals_named`].
    pub principals: &'a Principals<'a>,
    /// The tenant.
    pub tenant: Uuid,
    /// Id and document of the others of the type in the same parent, for a type that asks for them ([`ResourceProvider::minds_siblings`]).
    pub siblings: &'a [(String, Value)],
    /// How long an agent's key is valid once it is registered.
    pub key_lifetime: SignedDuration,
    /// Entries to write in the same commit.
    pub entries: &'a mut Vec<EntryWrite>,
}

impl Admission<'_> {
    /// `properties.{name}` as text.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.document["properties"][name].as_str()
    }

    /// Sets `properties.{name}`.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        properties_of(self.document).insert(name.to_owned(), value.into());
    }

    /// Sets `properties.{name}` unless it is there.
    pub fn default(&mut self, name: &str, value: impl Into<Value>) {
        properties_of(self.document).entry(name).or_insert_with(|| value.into());
    }

    /// Keeps `properties.{name}` of the resource as it is unless the caller sends another: for what this server or the agent filled in.
    pub fn keep(&mut self, name: &str) {
        if let Some(old) = self.existing.map(|e| &e["properties"][name]).filter(|old| !old.is_null()) {
            let old = old.clone();
            self.default(name, old);
        }
    }
}

/// The document's `properties`, made if absent.
pub fn properties_of(document: &mut Value) -> &mut serde_json::Map<String, Value> {
    member_object(document, "properties")
}

/// A member that is an object, made if absent.
pub fn member_object<'a>(document: &'a mut Value, name: &str) -> &'a mut serde_json::Map<String, Value> {
    if !document.is_object() {
        *document = Value::Object(serde_json::Map::new());
    }
    let members = document.as_object_mut().expect("it was made an object above");
    let member = members.entry(name).or_insert_with(|| Value::Object(serde_json::Map::new()));
    if !member.is_object() {
        *member = Value::Object(serde_json::Map::new());
    }
    member.as_object_mut().expect("it was made an object above")
}

/// What an action sees.
pub struct Acting<'a> {
    /// The operation.
    pub context: &'a OpContext,
    /// The resource's id.
    pub id: &'a ResourceId,
    /// Its document.
    pub document: &'a Value,
    /// Its secret values.
    pub secrets: &'a BTreeMap<String, Value>,
    /// The request's body.
    pub body: &'a Value,
    /// What this server was told: how clients reach it.
    pub settings: &'a Settings,
    /// The principals that exist, among them those of [`ResourceProvider::principals_in_action`].
    pub principals: &'a Principals<'a>,
}

/// What an action does.
pub enum Act {
    /// It only answers.
    Answer(Value),
    /// It changes the resource and answers.
    Change {
        /// The next document.
        document: Value,
        /// The next secrets.
        secrets: BTreeMap<String, Value>,
        /// The answer.
        answer: Value,
    },
}

/// The port of a resource type.
pub trait ResourceProvider: Send + Sync {
    /// What it is.
    fn spec(&self) -> &Spec;

    /// Defaults and validates a draft.
    ///
    /// # Errors
    /// What is wrong with the draft, for the caller.
    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error>;

    /// The principal that the document has or is.
    fn principal(&self, document: &Value) -> Option<Uuid> {
        document["identity"]["principalId"].as_str().and_then(|p| p.parse().ok())
    }

    /// Changes what a list at `scope` shows of a resource that was made above it.
    fn inherited_at(&self, _snapshot: &Snapshot, _scope: &ResourceId, _document: &mut Value) {}

    /// Where the right to make a new resource is asked for, when its place is said by the body and not by its id.
    fn made_in(&self, _snapshot: &Snapshot, _body: &Value) -> Option<ResourceId> {
        None
    }

    /// Whether what is admitted depends on the others of the type in the same parent (how many, which values): then they are written one after another.
    fn minds_siblings(&self) -> bool {
        false
    }

    /// Principals that a draft names beside those of the document before: the pipeline looks them up.
    fn principals_named(&self, _document: &Value, _existing: Option<&Value>) -> Vec<Uuid> {
        Vec::new()
    }

    /// Principals that the body of an action names.
    fn principals_in_action(&self, _body: &Value) -> Vec<Uuid> {
        Vec::new()
    }

    /// Whether a principal may perform an action without a role, because the document names it as an owner.
    fn owner_may(&self, _action: &str, _document: &Value, _principal: Uuid) -> bool {
        false
    }

    /// The entry whose uses are shown as `properties.uses`, and which goes with the resource.
    fn counter(&self, _document: &Value) -> Option<(&'static str, String)> {
        None
    }

    /// Entries that go with the resource.
    fn entries_beside(&self, document: &Value) -> Vec<(&'static str, String)> {
        self.counter(document).into_iter().collect()
    }

    /// Actions beside read, write and delete, e.g. `listToken`.
    fn actions(&self) -> &'static [&'static str] {
        &[]
    }

    /// Parts of a resource that are read by themselves: `GET {id}/networkProfile`.
    fn views(&self) -> &'static [&'static str] {
        &[]
    }

    /// A part of [`Self::views`], from the resource's document.
    ///
    /// # Errors
    /// Why it cannot be shown.
    fn view(&self, view: &str, _document: &Value) -> Result<Value, Error> {
        Err(unknown_action(self.spec().resource_type, view))
    }

    /// Performs an action of [`Self::actions`].
    ///
    /// # Errors
    /// Why it cannot be performed.
    fn act(&self, action: &str, _acting: &Acting<'_>) -> Result<Act, Error> {
        Err(unknown_action(self.spec().resource_type, action))
    }

    /// Resources of this type that exist without a record (built-in roles), as id and document.
    fn built_in(&self, _scope: &ResourceId) -> Vec<(ResourceId, Value)> {
        Vec::new()
    }

    /// Refuses a deletion that roles, principals or the hierarchy forbid, as far as the snapshot knows.
    ///
    /// # Errors
    /// Why it must not be deleted.
    fn admit_delete_under(
        &self,
        _snapshot: &Snapshot,
        _context: &OpContext,
        _id: &ResourceId,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Whether a DELETE answers 200 with what was deleted: clients of these types cannot read an empty answer.
    fn shows_deleted(&self) -> bool {
        false
    }

    /// Refuses a deletion that would do harm.
    ///
    /// # Errors
    /// Why it must not be deleted.
    fn admit_delete(&self, _context: &OpContext, _id: &ResourceId, _document: &Value) -> Result<(), Error> {
        Ok(())
    }
}

/// The error for an action that a type does not have.
#[must_use]
pub fn unknown_action(resource_type: &str, action: &str) -> Error {
    Error::new(404, "InvalidResourceAction", format!("The type {resource_type} has no action '{action}'."))
}

/// The error for what clients know and this release does not do yet: never an empty success.
#[must_use]
pub fn not_served_yet(what: &str, instead: &str) -> Error {
    Error::bad_request(
        "OperationNotSupported",
        format!("{what} is not served by this release of Bowline yet. {instead}"),
    )
}

impl Spec {
    /// The key of the type in whose resources this one lies, if it is a [`Placement::Child`].
    #[must_use]
    pub fn parent_type_key(&self) -> Option<String> {
        let key = self.type_key();
        let parent = key.rsplit_once('/').map(|(parent, _)| parent.to_owned());
        parent.filter(|_| self.placement == Placement::Child)
    }

    /// The modelled version that serves a request.
    #[must_use]
    pub fn serving(&self, asked: &ApiVersion) -> &'static ApiVersion {
        LazyLock::force(self.shape).serving(asked)
    }

    /// `{action}/{verb}`.
    #[must_use]
    pub fn action_of(&self, verb: &str) -> String {
        format!("{}/{verb}", self.action)
    }

    /// The type's key.
    #[must_use]
    pub fn type_key(&self) -> String {
        self.resource_type.to_ascii_lowercase()
    }
}
