//! PUT: create or replace one resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_arm::{ApiVersion, Error, Precondition, ResourceId, normalize_location};
use bowline_link::message::EndReason;
use bowline_store::{Commit, CommitError, EntryWrite, Guard, Place, Record, Write};
use serde_json::Value;
use uuid::Uuid;

use super::document::{MODEL, etag, parse, render, same_content, stamp};
use super::{Attempts, commit_error, store_error};
use crate::Control;
use crate::activity::Done;
use crate::authorization::{Asked, Snapshot};
use crate::context::OpContext;
use crate::provider::{Admission, Placement, ResourceProvider};
use crate::providers::bowline::PASSWORD_HASH;
use crate::providers::registered_key;

/// A PUT or PATCH as it arrived.
pub struct WriteRequest {
    /// What it is about.
    pub id: ResourceId,
    /// As asked for.
    pub version: ApiVersion,
    /// The body.
    pub body: Value,
    /// If-Match and If-None-Match.
    pub precondition: Precondition,
}

/// What a write answers.
#[derive(Debug)]
pub struct Written {
    /// HTTP status.
    pub status: u16,
    /// The resource in the caller's api-version.
    pub body: Value,
    /// Its entity tag.
    pub etag: String,
}

/// How the body makes the next document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// PUT: the body is the resource.
    Replace,
    /// PATCH: the body is a JSON merge patch (RFC 7396) on it.
    Merge,
}

/// Creates or replaces a resource.
///
/// # Errors
/// ARM errors for the caller.
pub async fn put(control: &Control, context: &OpContext, request: WriteRequest) -> Result<Written, Error> {
    write(control, context, request, Mode::Replace).await
}

/// Everything that a PUT does except that nothing is written.
///
/// # Errors
/// Those that the PUT would give.
pub async fn rehearse(control: &Control, context: &OpContext, request: WriteRequest) -> Result<(), Error> {
    let parsed = Parsed::new(control, request, Mode::Replace)?;
    parsed.load(control).await?.authorize(control, context).await?.admit(control, context).await.map(drop)
}

pub(super) async fn write(
    control: &Control,
    context: &OpContext,
    request: WriteRequest,
    mode: Mode,
) -> Result<Written, Error> {
    let parsed = Parsed::new(control, request, mode)?;
    let mut attempts = Attempts::new(control, parsed.provider.spec());
    loop {
        attempts.next().await?;
        let admitted =
            parsed.load(control).await?.authorize(control, context).await?.admit(control, context).await?;
        if let Some(written) = admitted.commit(control, context).await? {
            return Ok(written);
        }
    }
}

/// The request makes sense by itself.
struct Parsed {
    provider: Arc<dyn ResourceProvider>,
    request: WriteRequest,
    version: &'static ApiVersion,
    parent: Option<ResourceId>,
    mode: Mode,
}

impl Parsed {
    fn new(control: &Control, request: WriteRequest, mode: Mode) -> Result<Self, Error> {
        let provider = Arc::clone(control.registry().find(request.id.resource_type())?);
        let spec = provider.spec();
        if !spec.writable {
            return Err(Error::new(
                405,
                "MethodNotAllowed",
                format!("{} cannot be written; it is read-only.", spec.resource_type),
            ));
        }
        let parent = request.id.parent();
        let fits = match (spec.placement, parent.as_ref().map(|p| p.resource_type().key())) {
            (Placement::Extension, _) => true,
            (Placement::Tenant, Some(t)) => t == "microsoft.resources/tenants",
            (Placement::Subscription, Some(t)) => t == "microsoft.resources/subscriptions",
            (Placement::ResourceGroup, Some(t)) => t == "microsoft.resources/resourcegroups",
            (Placement::Child, Some(t)) => spec.parent_type_key().as_deref() == Some(t),
            (_, None) => false,
        };
        if !fits {
            let place = match spec.placement {
                Placement::Tenant => "directly under /providers",
                Placement::Subscription => "in a subscription",
                Placement::ResourceGroup => "in a resource group",
                Placement::Child => "in the resource that its type names before it",
                Placement::Extension => "on a resource",
            };
            return Err(Error::bad_request(
                "InvalidResourceScope",
                format!("A {} lies {place}; '{}' does not.", spec.resource_type, request.id),
            ));
        }
        spec.name.check(spec.resource_type, request.id.name())?;
        let version = spec.serving(&request.version);
        // A namespace of a cluster is a scope as Azure's clients name it, and no record: it is there with its cluster.
        let parent = match parent {
            Some(scope) if scope.resource_type().key() == CLUSTER_NAMESPACES => scope.parent(),
            parent => parent,
        };
        Ok(Self { provider, request, version, parent, mode })
    }

    async fn load(&self, control: &Control) -> Result<Loaded<'_>, Error> {
        let key = self.request.id.key();
        let parent = self.parent.as_ref().map(ResourceId::key).filter(|parent| *parent != "/");
        // Both with one question: each is a way to the database and back.
        let keys: Vec<String> = [Some(key), parent].into_iter().flatten().map(str::to_owned).collect();
        let found = control.store().get_many(&keys).await.map_err(|e| store_error(&e))?;
        let mut loaded = Loaded { parsed: self, existing: None, parent: None };
        for record in found {
            let place = if record.key == key { &mut loaded.existing } else { &mut loaded.parent };
            *place = Some(record);
        }
        Ok(loaded)
    }
}

/// What is there now.
struct Loaded<'a> {
    parsed: &'a Parsed,
    existing: Option<Record>,
    parent: Option<Record>,
}

impl<'a> Loaded<'a> {
    async fn authorize(self, control: &Control, context: &OpContext) -> Result<Authorized<'a>, Error> {
        let id = &self.parsed.request.id;
        let spec = self.parsed.provider.spec();
        let mut entries = Vec::new();
        let snapshot = match &context.actor.enrollment {
            Some(grant) => {
                grant.require(id, spec.agent_key.is_some())?;
                if self.existing.is_none() {
                    entries.push(grant.count());
                }
                control.authorization().snapshot().await
            }
            None => {
                let action = spec.action_of("write");
                let body = &self.parsed.request.body;
                let place = match self.existing {
                    None => {
                        let snapshot = control.authorization().snapshot().await;
                        self.parsed.provider.made_in(&snapshot, body)
                    }
                    Some(_) => None,
                };
                let asked = Asked::new(&action, place.as_ref().unwrap_or(id));
                control.authorize(context, &Asked { request: Some(body), ..asked }).await?
            }
        };
        self.check_parent(&snapshot)?;
        snapshot.refuse_write(context, id)?;
        if self.existing.is_none() {
            snapshot.refuse_unregistered(context, id)?;
        }
        Ok(Authorized { loaded: self, snapshot, entries })
    }

    /// Only after the caller may know what exists.
    fn check_parent(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let Some(parent) = self.parsed.parent.as_ref().filter(|p| p.key() != "/") else { return Ok(()) };
        match &self.parent {
            Some(record) if record.deleting => Err(Error::conflict(
                "ResourceGroupBeingDeleted",
                format!(
                    "'{parent}' is being deleted and takes no new resources. Wait until that has ended, then create it again."
                ),
            )),
            Some(_) => Ok(()),
            None => Err(snapshot.missing_scope(parent)),
        }
    }
}

/// The error for a scope that does not exist, in the codes that clients know.
pub(crate) fn missing_scope(scope: &ResourceId) -> Error {
    match scope.resource_type().key() {
        "microsoft.resources/subscriptions" => Error::new(
            404,
            "SubscriptionNotFound",
            format!(
                "The subscription '{}' could not be found. GET /subscriptions lists those that you can see.",
                scope.name()
            ),
        ),
        "microsoft.resources/resourcegroups" => Error::new(
            404,
            "ResourceGroupNotFound",
            format!("Resource group '{}' could not be found. Create it first: PUT {scope}.", scope.name()),
        ),
        _ => Error::new(
            404,
            "ParentResourceNotFound",
            format!("The resource '{scope}', on which this one would lie, was not found."),
        ),
    }
}

impl Snapshot {
    /// The error for a scope that does not exist: of a group in a subscription that does not exist either, it is the subscription that is missing.
    pub(crate) fn missing_scope(&self, scope: &ResourceId) -> Error {
        let subscription = scope.subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
        match subscription.filter(|_| self.lacks_subscription(scope)) {
            Some(subscription) => missing_scope(&subscription),
            None => missing_scope(scope),
        }
    }

    /// Whether a scope lies in a subscription that does not exist.
    pub(crate) fn lacks_subscription(&self, scope: &ResourceId) -> bool {
        let subscription = scope.subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
        subscription.is_some_and(|s| self.hierarchy().subscription(s.key()).is_none())
    }
}

/// The caller may.
struct Authorized<'a> {
    loaded: Loaded<'a>,
    snapshot: Arc<Snapshot>,
    entries: Vec<EntryWrite>,
}

impl<'a> Authorized<'a> {
    async fn admit(self, control: &Control, context: &OpContext) -> Result<Admitted<'a>, Error> {
        let Self { loaded, snapshot, mut entries } = self;
        let parsed = loaded.parsed;
        let (provider, spec) = (&parsed.provider, parsed.provider.spec());
        check_precondition(&parsed.request.precondition, loaded.existing.as_ref(), &parsed.request.id)?;
        if loaded.existing.as_ref().is_some_and(|r| r.deleting) {
            return Err(Error::conflict(
                "ResourceBeingDeleted",
                format!(
                    "'{}' is being deleted. Wait until that has ended, then create it again.",
                    parsed.request.id
                ),
            ));
        }
        let before = loaded.existing.as_ref().map(parse).transpose()?;
        let body = parsed.body(before.as_ref())?;
        let mut document = spec.shape.accept(&body, before.as_ref(), parsed.version)?;
        let old_secrets =
            loaded.existing.as_ref().map_or_else(|| Ok(BTreeMap::new()), |r| control.open_secrets(r))?;
        let mut secrets = old_secrets.clone();
        secrets
            .extend(hash_passwords(spec.shape.take_secrets(&mut document), parsed.request.id.name()).await?);
        if spec.tracked {
            admit_location(&mut document, before.as_ref(), spec.resource_type)?;
            if before.is_none() {
                let location = document["location"].as_str().unwrap_or_default();
                crate::locations::check(control, spec.resource_type, location).await?;
            }
        }
        if let Some(tags) = document.get("tags").filter(|tags| !tags.is_null()) {
            crate::tags::check(tags)?;
        }
        let named = provider.principals_named(&document, before.as_ref());
        let principals = control.principals(&snapshot, named).await?;
        let mut siblings = Vec::new();
        if let Some(parent) = loaded.parent.as_ref().filter(|_| provider.minds_siblings()) {
            let (others, turn) =
                control.siblings(context, spec, &parent.key, parsed.request.id.key()).await?;
            siblings = others;
            entries.push(turn);
        }
        provider.admit(&mut Admission {
            context,
            id: &parsed.request.id,
            existing: before.as_ref(),
            document: &mut document,
            secrets_before: &old_secrets,
            secrets: &mut secrets,
            snapshot: &snapshot,
            principals: &principals,
            tenant: control.tenant(),
            siblings: &siblings,
            key_lifetime: control.settings().key_lifetime,
            entries: &mut entries,
        })?;
        let unchanged =
            before.as_ref().is_some_and(|before| same_content(before, &document)) && secrets == old_secrets;
        if !unchanged {
            stamp(&mut document, before.as_ref(), context);
        }
        let key_before = before.as_ref().and_then(registered_key);
        let other_key = key_before != registered_key(&document);
        // The first key of a resource that was made without one is a use of the token, as making it is.
        if let Some(grant) = context
            .actor
            .enrollment
            .as_ref()
            .filter(|_| before.is_some() && key_before.is_none() && other_key)
        {
            entries.push(grant.count());
        }
        Ok(Admitted { loaded, snapshot, entries, document, secrets, unchanged, other_key })
    }
}

impl Parsed {
    fn body(&self, before: Option<&Value>) -> Result<Value, Error> {
        if self.mode == Mode::Replace {
            return Ok(self.request.body.clone());
        }
        let Some(before) = before else { return Err(Error::resource_not_found(self.request.id.as_str())) };
        let mut merged = before.clone();
        merge_patch(&mut merged, &self.request.body);
        Ok(merged)
    }
}

/// JSON merge patch, RFC 7396.
pub(super) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge_patch(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

pub(super) fn check_precondition(
    precondition: &Precondition,
    existing: Option<&Record>,
    id: &ResourceId,
) -> Result<(), Error> {
    if precondition.holds(existing.map(|r| r.etag.as_str())) {
        return Ok(());
    }
    let why = match existing {
        None => format!("'{id}' does not exist, but If-Match demands that it does."),
        Some(record) if precondition.if_none_match.is_some() => {
            format!("'{id}' exists (etag \"{}\"), but If-None-Match demands otherwise.", record.etag)
        }
        Some(record) => format!(
            "'{id}' was changed since you read it: its etag is now \"{}\". Read it again, apply your change, and retry.",
            record.etag
        ),
    };
    Err(Error::precondition_failed(why))
}

/// Passwords are kept as hashes only; hashing takes long enough to leave the async threads for it.
async fn hash_passwords(
    mut secrets: BTreeMap<String, Value>,
    username: &str,
) -> Result<BTreeMap<String, Value>, Error> {
    if let Some(password) = secrets.remove("/properties/password") {
        let Value::String(password) = password else {
            return Err(Error::bad_request("InvalidRequestContent", "The password must be a string.")
                .with_target("properties.password"));
        };
        let username = username.to_owned();
        let hash = tokio::task::spawn_blocking(move || {
            bowline_auth::password::check_policy(&username, &password)
                .map(|()| bowline_auth::password::hash(&password))
        })
        .await
        .map_err(Error::internal)?
        .map_err(|error| {
            Error::bad_request("PasswordPolicy", format!("The password was refused: {error}."))
                .with_target("properties.password")
        })?;
        secrets.insert(PASSWORD_HASH.to_owned(), hash.into());
    }
    Ok(secrets)
}

/// A location never changes.
fn admit_location(document: &mut Value, before: Option<&Value>, resource_type: &str) -> Result<(), Error> {
    let location = normalize_location(document["location"].as_str().unwrap_or_default())?;
    if let Some(old) = before.and_then(|b| b["location"].as_str())
        && old != location
    {
        let group = resource_type == "Microsoft.Resources/resourceGroups";
        let code = if group { "InvalidResourceGroupLocation" } else { "InvalidResourceLocation" };
        return Err(Error::conflict(code, format!("The resource already exists in location '{old}'; a resource cannot move to '{location}'. Delete it first, or send the old location.")).with_target("location"));
    }
    document["location"] = location.into();
    Ok(())
}

/// The draft is what its type demands.
struct Admitted<'a> {
    loaded: Loaded<'a>,
    snapshot: Arc<Snapshot>,
    entries: Vec<EntryWrite>,
    document: Value,
    secrets: BTreeMap<String, Value>,
    unchanged: bool,
    /// An agent with the key before must not stay connected.
    other_key: bool,
}

impl Admitted<'_> {
    /// Commits; `None` when somebody else was faster and everything must be looked at again.
    async fn commit(self, control: &Control, context: &OpContext) -> Result<Option<Written>, Error> {
        let Self { loaded, snapshot, entries, document, secrets, unchanged, other_key } = self;
        let parsed = loaded.parsed;
        let (spec, created) = (parsed.provider.spec(), loaded.existing.is_none());
        let status = if created { spec.statuses.created } else { spec.statuses.updated };
        // The letters of the creation stay.
        let id = loaded
            .existing
            .as_ref()
            .map_or_else(|| Ok(parsed.request.id.clone()), super::document::record_id)?;
        if let (true, Some(record)) = (unchanged, &loaded.existing) {
            let body = render(spec, &id, document, Some(&record.etag), parsed.version);
            return Ok(Some(Written { status, body, etag: record.etag.clone() }));
        }
        let uid = loaded.existing.as_ref().map_or_else(bowline_auth::random::guid, |r| r.uid);
        let draft = control.draft(&*parsed.provider, &id, uid, &document, &secrets)?;
        let tag = draft.etag.clone();
        let activity = control.tell(
            context,
            &Done {
                action: &spec.action_of("write"),
                id: &id,
                before: loaded.existing.as_ref().map(|r| r.etag.as_str()),
                after: Some(&tag),
                operation: None,
            },
        );
        let mut guards = snapshot.guards(context);
        guards.extend(loaded.parent.as_ref().map(|p| Guard::Alive { key: p.key.clone() }));
        if spec.placement == Placement::Extension && loaded.parent.is_some() {
            guards.extend(scopes_above(&id).map(|key| Guard::Alive { key }));
        }
        let turn = entries.iter().position(|entry| entry.name().0 == super::siblings::ENTRY);
        let write = match &loaded.existing {
            None => Write::Create(draft),
            Some(record) => Write::Update { draft, expected: Some(record.revision) },
        };
        match control
            .commit(
                context,
                Commit { guards, writes: vec![write], entries, activity, ..control.empty_commit(context) },
                spec.watermark,
            )
            .await
        {
            Ok(_) => {
                if other_key {
                    control.sessions().end(
                        uid,
                        EndReason::Replaced,
                        "Another key was registered for this resource.",
                    );
                }
                let body = render(spec, &id, document, Some(&tag), parsed.version);
                Ok(Some(Written { status, body, etag: tag }))
            }
            Err(CommitError::Refused(refusal))
                if turn.is_some_and(|turn| refusal.place == Place::Entry(turn)) =>
            {
                Ok(None)
            }
            Err(error) => commit_error(&error).map_or(Ok(None), Err),
        }
    }
}

/// Where rights to a cluster's objects may be given.
const CLUSTER_NAMESPACES: &str = "microsoft.kubernetes/connectedclusters/namespaces";

/// The subscription and group of an extension resource: what is written while one of them is deleted would go with it, unseen.
fn scopes_above(id: &ResourceId) -> impl Iterator<Item = String> {
    let parent = id.parent();
    let subscription = id.subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
    [subscription, id.resource_group_scope()]
        .into_iter()
        .flatten()
        .filter(move |scope| parent.as_ref() != Some(scope))
        .map(|scope| scope.key().to_owned())
}

impl Control {
    /// A document as the store takes it.
    pub(crate) fn draft(
        &self,
        provider: &dyn ResourceProvider,
        id: &ResourceId,
        uid: Uuid,
        document: &Value,
        secrets: &BTreeMap<String, Value>,
    ) -> Result<bowline_store::Draft, Error> {
        let text = document.to_string();
        let protected = self.seal_secrets(uid, secrets)?;
        Ok(bowline_store::Draft {
            uid,
            id: id.as_str().to_owned(),
            key: id.key().to_owned(),
            resource_type: id.resource_type().key().to_owned(),
            parent: id.parent().map(|p| p.key().to_owned()),
            principal: provider.principal(document),
            etag: etag(uid, &text, protected.as_deref()),
            model: MODEL,
            deleting: false,
            document: text,
            protected,
        })
    }
}
