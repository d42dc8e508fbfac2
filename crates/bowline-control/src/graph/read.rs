//! GET: one object, lists, what is related to an object, and several by their ids.

use bowline_arm::{Error, Filter, ResourceId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::object::{GraphFields, Kind, select, show, user_name};
use super::reference::{Reference, locate, record_of, require_read, resource};
use super::{Page, Question, bad, not_found, version};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{self, ListRequest, render_record};

/// The most objects that one request of a filtered list looks at; the rest is on the next page.
const MAX_SCANNED: usize = 5_000;
/// The most ids of one `getByIds`, as in Graph.
const MAX_IDS: usize = 1_000;

fn odata_type(kind: Kind) -> Value {
    format!("#microsoft.graph.{}", kind.word()).into()
}

/// The resource of a reference, as the pipeline answers it; the caller's own needs no role.
pub(super) async fn resource_of(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
) -> Result<Value, Error> {
    if *reference == Reference::ObjectId(context.actor.object_id)
        && let Some(own) = own(control, context).await?
    {
        return Ok(own);
    }
    let id = locate(control, context, kind, reference).await?;
    read(control, context, &id).await
}

async fn read(control: &Control, context: &OpContext, id: &ResourceId) -> Result<Value, Error> {
    match pipeline::get(control, context, id, &version()).await {
        Ok(shown) => shown.value(),
        Err(error) if error.status == 404 => Err(not_found(id.name())),
        Err(error) => Err(error),
    }
}

async fn own(control: &Control, context: &OpContext) -> Result<Option<Value>, Error> {
    let Some(record) = record_of(control, context.actor.object_id).await? else { return Ok(None) };
    let Some(provider) = control.registry().by_key(&record.resource_type) else { return Ok(None) };
    render_record(provider.spec(), &record, provider.spec().shape.latest()).map(Some)
}

/// One object.
pub(super) async fn get(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    question: &Question,
) -> Result<Value, Error> {
    let resource = resource_of(control, context, kind, reference).await?;
    let (_, mut object) = show(control.tenant(), &resource).ok_or_else(|| not_found("object"))?;
    select(&mut object, &question.select);
    Ok(object)
}

/// The object id of a reference that the caller may read.
pub(super) async fn object_id(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
) -> Result<Uuid, Error> {
    let object = get(control, context, kind, reference, &Question::default()).await?;
    object["id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| not_found("object"))
}

/// An object of any kind by its id.
pub(super) async fn any(control: &Control, context: &OpContext, id: &str) -> Result<Value, Error> {
    let object_id = id.parse().map_err(|_| not_found(id))?;
    match typed(control, context, object_id).await? {
        Some(object) => Ok(object),
        None => {
            require_read(control, context, Kind::User).await?;
            Err(not_found(id))
        }
    }
}

/// Refuses who may not know an object.
pub(super) async fn may_know(control: &Control, context: &OpContext, object_id: Uuid) -> Result<(), Error> {
    any(control, context, &object_id.to_string()).await.map(|_| ())
}

/// An object with its type; none when it does not exist or the caller may not read it.
async fn typed(control: &Control, context: &OpContext, object_id: Uuid) -> Result<Option<Value>, Error> {
    let Some(record) = record_of(control, object_id).await? else { return Ok(None) };
    let resource = if object_id == context.actor.object_id {
        own(control, context).await?
    } else {
        match read(control, context, &record.id.parse().map_err(Error::internal)?).await {
            Ok(resource) => Some(resource),
            Err(error) if matches!(error.status, 403 | 404) => None,
            Err(error) => return Err(error),
        }
    };
    Ok(resource.and_then(|resource| show(control.tenant(), &resource)).map(|(kind, mut object)| {
        object["@odata.type"] = odata_type(kind);
        object
    }))
}

fn parse_filter(question: &Question) -> Result<Filter, Error> {
    let filter = question
        .filter
        .as_deref()
        .map(Filter::parse)
        .transpose()
        .map_err(|e| bad(format!("Invalid filter clause: {e}.")))?
        .unwrap_or_default();
    match filter.calls().first() {
        None => Ok(filter),
        Some(call) => Err(bad(format!("Invalid filter clause: the function '{}' is not known.", call.name))),
    }
}

/// The one resource that a filter can mean, when it names a key.
fn named(kind: Kind, filter: &Filter) -> Option<Reference> {
    let of_any = |wanted: &str| {
        filter.conjuncts().iter().find_map(|f| match f {
            Filter::Any { field, filter } if field == wanted => filter.equals("").map(str::to_owned),
            _ => None,
        })
    };
    let app_id = || filter.equals("appid").map(str::to_owned).or_else(|| of_any("serviceprincipalnames"));
    if let Some(id) = filter.equals("id") {
        return Some(Reference::parse(kind, id));
    }
    match kind {
        Kind::User => {
            filter.equals("userprincipalname").map(|name| Reference::UserName(user_name(name).to_owned()))
        }
        Kind::Application => filter
            .equals("appid")
            .map(|id| id.parse().map_or_else(|_| Reference::Nothing(id.to_owned()), Reference::AppId)),
        Kind::ServicePrincipal => {
            app_id().map(|id| id.parse().map_or(Reference::Nothing(id), Reference::AppId))
        }
        Kind::Group => None,
    }
}

/// The answer to a filter that names a key: at most one object, without looking at all others.
async fn by_key(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
) -> Result<Vec<Value>, Error> {
    let mut references = vec![reference.clone()];
    if let (Reference::AppId(id), Kind::ServicePrincipal) = (reference, kind) {
        // The client id of a managed identity is its object id.
        references.push(Reference::ObjectId(*id));
    }
    for reference in references {
        match resource_of(control, context, kind, &reference).await {
            Ok(resource) => {
                return Ok(show(control.tenant(), &resource).into_iter().map(|(_, object)| object).collect());
            }
            Err(error) if error.status == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Vec::new())
}

/// A page of a collection.
pub(super) async fn list(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    question: &Question,
) -> Result<Page, Error> {
    require_read(control, context, kind).await?;
    let filter = parse_filter(question)?;
    let mut page = Page::default();
    if let Some(reference) = named(kind, &filter) {
        let found = by_key(control, context, kind, &reference).await?;
        page.value = found.into_iter().filter(|object| filter.matches(&GraphFields(object))).collect();
        page.count = question.count.then_some(page.value.len());
    } else {
        if question.count {
            page.count = Some(count(control, context, kind, question).await?);
        }
        let mut walk = Walk::new(control, context, kind, question.skip_token.clone());
        while page.value.len() < question.page() && walk.scanned < MAX_SCANNED {
            let wanted = question.page() - page.value.len();
            let objects = walk.next(wanted).await?;
            page.value.extend(objects.into_iter().filter(|object| filter.matches(&GraphFields(object))));
            if walk.token.is_none() {
                break;
            }
        }
        page.next = walk.token;
    }
    page.value.iter_mut().for_each(|object| select(object, &question.select));
    Ok(page)
}

/// How many objects there are.
pub(super) async fn count(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    question: &Question,
) -> Result<usize, Error> {
    require_read(control, context, kind).await?;
    let filter = parse_filter(question)?;
    let mut walk = Walk::new(control, context, kind, None);
    let mut count = 0;
    loop {
        count += walk.next(1000).await?.iter().filter(|object| filter.matches(&GraphFields(object))).count();
        if walk.token.is_none() {
            return Ok(count);
        }
    }
}

/// Reads a collection part by part, through the pipeline.
struct Walk<'a> {
    control: &'a Control,
    context: &'a OpContext,
    kind: Kind,
    token: Option<String>,
    scanned: usize,
}

impl<'a> Walk<'a> {
    fn new(control: &'a Control, context: &'a OpContext, kind: Kind, token: Option<String>) -> Self {
        Self { control, context, kind, token, scanned: 0 }
    }

    async fn next(&mut self, top: usize) -> Result<Vec<Value>, Error> {
        let request = ListRequest {
            scope: ResourceId::root(),
            resource_type: bowline_arm::ResourceType::new(self.kind.resource_type()),
            version: version(),
            filter: None,
            top: Some(u32::try_from(top).unwrap_or(1000)),
            skip_token: self.token.take(),
        };
        let listed = pipeline::list(self.control, self.context, request).await?;
        let values = listed.values()?;
        self.token = listed.next;
        self.scanned += values.len();
        Ok(values.iter().filter_map(|r| show(self.control.tenant(), r)).map(|(_, object)| object).collect())
    }
}

/// Members, owners, and the groups that an object is in.
pub(super) async fn related(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    list: &str,
    question: &Question,
) -> Result<Page, Error> {
    let resource = resource_of(control, context, kind, reference).await?;
    let (_, object) = show(control.tenant(), &resource).ok_or_else(|| not_found("object"))?;
    let own: Uuid =
        object["id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| not_found("object"))?;
    let ids_of = |name: &str| -> Vec<Uuid> {
        let ids = resource["properties"][name].as_array().into_iter().flatten();
        ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
    };
    let snapshot = control.authorization().snapshot().await;
    let ids = match (list.to_ascii_lowercase().as_str(), kind) {
        ("members", Kind::Group) => ids_of("members"),
        ("owners", Kind::Group | Kind::Application | Kind::ServicePrincipal) => ids_of("owners"),
        ("memberof", Kind::User | Kind::Group | Kind::ServicePrincipal) => {
            snapshot.membership().direct_groups_of(own)
        }
        ("transitivememberof", Kind::User | Kind::Group | Kind::ServicePrincipal) => snapshot.groups_of(own),
        _ => {
            let short: String = list.chars().take(64).collect();
            return Err(bad(format!(
                "Resource not found for the segment '{short}' of {}.",
                kind.collection()
            )));
        }
    };
    objects_page(control, context, ids, own, question).await
}

/// A page of objects by their ids, in the order of the ids; who may not read one sees that it is there.
async fn objects_page(
    control: &Control,
    context: &OpContext,
    mut ids: Vec<Uuid>,
    own: Uuid,
    question: &Question,
) -> Result<Page, Error> {
    let filter = parse_filter(question)?;
    ids.sort_unstable();
    let count = question.count.then_some(ids.len());
    let after = question
        .skip_token
        .as_deref()
        .map(|t| t.parse::<Uuid>().map_err(|_| bad("The $skiptoken is not one of this list.")))
        .transpose()?;
    let mut rest = ids.into_iter().filter(|id| after.is_none_or(|after| *id > after));
    let (mut value, mut last) = (Vec::new(), None);
    while value.len() < question.page() {
        let Some(id) = rest.next() else { break };
        last = Some(id);
        let kind = control.authorization().snapshot().await.principal(id).map(|p| p.kind);
        let object = match typed(control, context, id).await? {
            Some(object) => Some(object),
            // One's own groups are one's own business, even without a right to read groups.
            None if context.actor.object_id == own || kind.is_some() => kind.map(|kind| stub(kind, id)),
            None => None,
        };
        value.extend(object.filter(|object| filter.matches(&GraphFields(object))));
    }
    value.iter_mut().for_each(|object| select(object, &question.select));
    let next = if rest.next().is_some() { last.map(|id| id.to_string()) } else { None };
    Ok(Page { value, next, count, mixed: true })
}

fn stub(kind: crate::authorization::PrincipalKind, id: Uuid) -> Value {
    let kind = match kind {
        crate::authorization::PrincipalKind::User => Kind::User,
        crate::authorization::PrincipalKind::Group => Kind::Group,
        crate::authorization::PrincipalKind::ServicePrincipal => Kind::ServicePrincipal,
    };
    json!({"@odata.type": odata_type(kind), "id": id, "displayName": null})
}

/// `directoryObjects/getByIds`.
pub(super) async fn by_ids(control: &Control, context: &OpContext, body: &Value) -> Result<Page, Error> {
    let texts = |name: &str| -> Vec<String> {
        body[name].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let (ids, types) = (texts("ids"), texts("types"));
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(bad(format!("'ids' must hold 1 to {MAX_IDS} object ids.")));
    }
    let wanted = |object: &Value| {
        let kind = object["@odata.type"].as_str().and_then(|t| t.rsplit('.').next()).unwrap_or_default();
        types.is_empty()
            || types.iter().any(|t| t.eq_ignore_ascii_case(kind) || t.eq_ignore_ascii_case("directoryObject"))
    };
    let mut value = Vec::new();
    for id in ids {
        let id: Uuid = id.parse().map_err(|_| {
            bad(format!(
                "'{}' is not an object id, which is a GUID.",
                id.chars().take(64).collect::<String>()
            ))
        })?;
        value.extend(typed(control, context, id).await?.filter(wanted));
    }
    Ok(Page { value, mixed: true, ..Page::default() })
}

/// `getMemberGroups`, `getMemberObjects` and `checkMemberGroups` of an object.
pub(super) async fn memberships(
    control: &Control,
    _context: &OpContext,
    object: Uuid,
    function: &str,
    body: &Value,
) -> Result<Value, Error> {
    let groups = control.authorization().snapshot().await.groups_of(object);
    let asked = |name: &str| -> Vec<Uuid> {
        body[name]
            .as_array()
            .into_iter()
            .flatten()
            .take(MAX_IDS)
            .filter_map(|id| id.as_str()?.parse().ok())
            .collect()
    };
    let value: Vec<Uuid> = match function {
        "getmembergroups" | "getmemberobjects" => groups,
        "checkmembergroups" => asked("groupIds").into_iter().filter(|id| groups.contains(id)).collect(),
        "checkmemberobjects" => asked("ids").into_iter().filter(|id| groups.contains(id)).collect(),
        other => {
            let short: String = other.chars().take(64).collect();
            return Err(bad(format!("The function '{short}' is not served here.")));
        }
    };
    Ok(json!({"value": value}))
}

/// `me/ownedObjects`: groups and applications that name the caller as an owner.
pub(super) async fn owned(
    control: &Control,
    context: &OpContext,
    question: &Question,
) -> Result<Page, Error> {
    let me = context.actor.object_id.to_string();
    let mut value = Vec::new();
    for kind in [Kind::Group, Kind::Application, Kind::ServicePrincipal] {
        let mut token = None;
        loop {
            let request = ListRequest {
                scope: ResourceId::root(),
                resource_type: bowline_arm::ResourceType::new(kind.resource_type()),
                version: version(),
                filter: None,
                top: Some(1000),
                skip_token: token.take(),
            };
            let listed = pipeline::list(control, context, request).await?;
            let values = listed.values()?;
            let owns = |r: &&Value| {
                r["properties"]["owners"].as_array().is_some_and(|o| o.iter().any(|id| *id == *me))
            };
            for (kind, mut object) in values.iter().filter(owns).filter_map(|r| show(control.tenant(), r)) {
                object["@odata.type"] = odata_type(kind);
                select(&mut object, &question.select);
                value.push(object);
            }
            match listed.next {
                Some(next) => token = Some(next),
                None => break,
            }
        }
    }
    Ok(Page { value, mixed: true, ..Page::default() })
}

/// The id of a resource by the appId of an application.
pub(super) async fn application(
    control: &Control,
    context: &OpContext,
    app_id: Uuid,
) -> Result<Option<Value>, Error> {
    let Some(id) = resource(Kind::Application, &app_id.to_string()) else { return Ok(None) };
    match read(control, context, &id).await {
        Ok(application) => Ok(Some(application)),
        Err(error) if error.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
