//! `Microsoft.Bowline/groups`: users, service principals, managed identities and other groups under one name, so that a role is given once.
//!
//! Members and owners are object ids. Groups may be in groups; a circle is allowed and harmless (`bowline_auth::roles::Membership`).
//! `mappedFrom` names groups of the upstream sign-in whose members are members here.

use bowline_arm::{Error, NameRule, types};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authorization::{PrincipalKind, WATERMARK};
use crate::principals::Principals;
use crate::provider::{
    Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses, properties_of, unknown_action,
};

/// See the module.
pub struct Groups;

/// A group is one document; larger ones are made of groups.
const MAX_MEMBERS: usize = 10_000;
const MAX_OWNERS: usize = 100;
const MAX_MAPPED: usize = 100;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/groups",
    shape: &types::GROUPS,
    action: "Microsoft.Bowline/groups",
    placement: Placement::Tenant,
    name: NameRule {
        min: 1,
        max: 64,
        extra: "-_.",
        alphanumeric_ends: true,
        words: "1 to 64 letters, digits, '-', '_' and '.'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(WATERMARK),
};

impl ResourceProvider for Groups {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let name = admission.id.name().to_owned();
        admission.default("displayName", name);
        admission.default("objectId", bowline_auth::random::guid().to_string());
        let own = super::object_id(admission.document);
        for list in [List::MEMBERS, List::OWNERS] {
            let before = list.of(admission.existing.unwrap_or(&Value::Null));
            let ids = list.read(admission.document)?;
            for id in ids.iter().filter(|id| !before.contains(id)) {
                list.check(*id, own, admission.principals)?;
            }
            admission.set(list.property, texts(&ids));
        }
        check_mapped(admission.document)
    }

    fn principal(&self, document: &Value) -> Option<Uuid> {
        super::object_id(document)
    }

    fn principals_named(&self, document: &Value, existing: Option<&Value>) -> Vec<Uuid> {
        let none = Value::Null;
        let before = existing.unwrap_or(&none);
        [List::MEMBERS, List::OWNERS]
            .iter()
            .flat_map(|list| {
                let known = list.of(before);
                list.of(document).into_iter().filter(move |id| !known.contains(id))
            })
            .take(MAX_MEMBERS + MAX_OWNERS)
            .collect()
    }

    fn actions(&self) -> &'static [&'static str] {
        &["addMembers", "removeMembers", "addOwners", "removeOwners"]
    }

    fn principals_in_action(&self, body: &Value) -> Vec<Uuid> {
        List::ACTION.of(&json!({ "properties": body })).into_iter().take(MAX_MEMBERS).collect()
    }

    fn owner_may(&self, action: &str, document: &Value, principal: Uuid) -> bool {
        ["addMembers", "removeMembers"].contains(&action) && List::OWNERS.of(document).contains(&principal)
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        match action {
            "addMembers" => change(acting, &List::MEMBERS, true),
            "removeMembers" => change(acting, &List::MEMBERS, false),
            "addOwners" => change(acting, &List::OWNERS, true),
            "removeOwners" => change(acting, &List::OWNERS, false),
            other => Err(unknown_action(SPEC.resource_type, other)),
        }
    }
}

/// A property that holds object ids.
struct List {
    property: &'static str,
    max: usize,
    groups_allowed: bool,
}

impl List {
    const MEMBERS: Self = Self { property: "members", max: MAX_MEMBERS, groups_allowed: true };
    const OWNERS: Self = Self { property: "owners", max: MAX_OWNERS, groups_allowed: false };
    /// What the actions take: `{"principals": ["…"]}`.
    const ACTION: Self = Self { property: "principals", max: MAX_MEMBERS, groups_allowed: true };

    fn of(&self, document: &Value) -> Vec<Uuid> {
        let ids = document["properties"][self.property].as_array().into_iter().flatten();
        ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
    }

    /// As [`Self::of`], each once, and refusing what is no object id.
    fn read(&self, document: &Value) -> Result<Vec<Uuid>, Error> {
        let target = format!("properties.{}", self.property);
        let mut ids = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for text in document["properties"][self.property].as_array().into_iter().flatten() {
            let id: Option<Uuid> = text.as_str().and_then(|t| t.parse().ok());
            let id = id.ok_or_else(|| {
                Error::bad_request(
                    "InvalidRequestContent",
                    format!("'{}' in '{target}' is not an object id, which is a GUID.", short(text)),
                )
                .with_target(target.clone())
            })?;
            if seen.insert(id) {
                ids.push(id);
            }
        }
        if ids.len() > self.max {
            return Err(Error::bad_request(
                "TooManyMembers",
                format!(
                    "A group has at most {} {}, this would have {}. Put them into several groups, and those into one.",
                    self.max,
                    self.property,
                    ids.len()
                ),
            )
            .with_target(target));
        }
        Ok(ids)
    }

    fn check(&self, id: Uuid, own: Option<Uuid>, principals: &Principals<'_>) -> Result<(), Error> {
        let target = format!("properties.{}", self.property);
        if Some(id) == own && self.groups_allowed {
            return Err(Error::bad_request("InvalidMember", "A group cannot be a member of itself.")
                .with_target(target));
        }
        match principals.kind(id) {
            None => Err(Error::bad_request(
                "PrincipalNotFound",
                format!(
                    "There is no user, group, service principal or managed identity with the object id '{id}'. Use the objectId, not the appId or the name."
                ),
            )
            .with_target(target)),
            Some(PrincipalKind::Group) if !self.groups_allowed => {
                Err(Error::bad_request("InvalidOwner", format!("'{id}' is a group; an owner is a user or a service principal."))
                    .with_target(target))
            }
            Some(_) => Ok(()),
        }
    }
}

fn change(acting: &Acting<'_>, list: &List, add: bool) -> Result<Act, Error> {
    let asked = List::ACTION.read(&json!({ "properties": acting.body }))?;
    if asked.is_empty() {
        return Err(Error::bad_request(
            "InvalidRequestContent",
            "The body must name at least one object id: {\"principals\": [\"…\"]}.",
        )
        .with_target("principals"));
    }
    let before = list.of(acting.document);
    let own = super::object_id(acting.document);
    let changed: Vec<Uuid> = asked.into_iter().filter(|id| before.contains(id) != add).collect();
    let answer = json!({"changed": texts(&changed)});
    if changed.is_empty() {
        return Ok(Act::Answer(answer));
    }
    let mut after = before;
    if add {
        for id in &changed {
            list.check(*id, own, acting.principals)?;
        }
        after.extend(&changed);
    } else {
        after.retain(|id| !changed.contains(id));
    }
    let mut document = acting.document.clone();
    properties_of(&mut document).insert(list.property.to_owned(), texts(&after));
    list.read(&document)?;
    Ok(Act::Change { document, secrets: acting.secrets.clone(), answer })
}

fn check_mapped(document: &Value) -> Result<(), Error> {
    let Some(mapped) = document["properties"]["mappedFrom"].as_array() else { return Ok(()) };
    let fits = |value: &Value| value.as_str().is_some_and(|v| (1..=256).contains(&v.chars().count()));
    if mapped.len() <= MAX_MAPPED && mapped.iter().all(fits) {
        return Ok(());
    }
    Err(Error::bad_request(
        "InvalidRequestContent",
        format!("'properties.mappedFrom' holds at most {MAX_MAPPED} names of upstream groups, each of 1 to 256 characters."),
    )
    .with_target("properties.mappedFrom"))
}

fn texts(ids: &[Uuid]) -> Value {
    ids.iter().map(|id| Value::from(id.to_string())).collect()
}

fn short(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().take(64).collect()
}
