//! The part of Microsoft Graph that ARM's clients ask for: a view on the directory's resources, in Graph's words.
//!
//! `az role assignment create --assignee`, `az ad …` and the Terraform providers look principals up in Graph before they name them to
//! ARM. Everything here reads and writes through the same pipeline, with the same roles (`Microsoft.Bowline/users/read` and so on), as the
//! resources themselves; who is signed in may also read himself and his groups.
//!
//! | file | what |
//! |---|---|
//! | [`object`] | a resource as Graph shows it, and back |
//! | [`mod@reference`] | which resource a path means |
//! | [`read`] | GET, lists, `getByIds`, memberships |
//! | [`federated`] | the federated identity credentials of an application |
//! | [`mod@write`] | POST, PATCH, DELETE, members, secrets |
//!
//! # Design notes
//! Answers are built from what the pipeline answers, not from records, so that nothing is shown here that ARM would not show.
//! `$search`, `$expand` and `$orderby` are refused: an answer that ignores them would look like one that obeys.

mod federated;
pub mod object;
mod read;
mod reference;
mod write;

use bowline_arm::{ApiVersion, Error};
use serde_json::{Value, json};

pub(crate) use self::object::user_name;
pub use self::object::{Kind, principal_name};
use self::reference::{Reference, parse_element};
use crate::Control;
use crate::context::{ActorKind, OpContext};

/// The domain of user names that have none.
pub const DOMAIN: &str = "bowline.local";

/// The most objects of one page.
const MAX_PAGE: usize = 999;
/// The page of a caller that asks for nothing.
const DEFAULT_PAGE: usize = 100;

/// What is asked of a list.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// `$filter`.
    pub filter: Option<String>,
    /// `$select`.
    pub select: Vec<String>,
    /// `$top`.
    pub top: Option<usize>,
    /// `$count=true`.
    pub count: bool,
    /// `$skiptoken`.
    pub skip_token: Option<String>,
}

impl Question {
    /// Reads the query's parameters, whose names are in lower case.
    ///
    /// # Errors
    /// For options that are not served and numbers that are none.
    pub fn parse(query: &[(String, String)]) -> Result<Self, Error> {
        let mut question = Self::default();
        for (name, value) in query {
            match name.as_str() {
                "$filter" => question.filter = Some(value.clone()).filter(|f| !f.is_empty()),
                "$select" => {
                    question.select =
                        value.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
                }
                "$top" => {
                    let top = value.parse().ok().filter(|top| (1..=MAX_PAGE).contains(top));
                    question.top = Some(top.ok_or_else(|| {
                        bad(format!("$top must be a number from 1 to {MAX_PAGE}, not '{value}'."))
                    })?);
                }
                "$count" => question.count = value.eq_ignore_ascii_case("true"),
                "$skiptoken" => question.skip_token = Some(value.clone()),
                "$search" | "$expand" | "$orderby" | "$skip" => {
                    return Err(Error::bad_request(
                        "Request_UnsupportedQuery",
                        format!("{name} is not served here. Use $filter, $select, $top and $count."),
                    ));
                }
                _ => {}
            }
        }
        Ok(question)
    }

    fn page(&self) -> usize {
        self.top.unwrap_or(DEFAULT_PAGE)
    }
}

/// A page of objects.
#[derive(Debug, Default)]
pub struct Page {
    /// The objects.
    pub value: Vec<Value>,
    /// The `$skiptoken` of the next page.
    pub next: Option<String>,
    /// How many there are in all, when that was asked.
    pub count: Option<usize>,
    /// Whether the objects are of several types, so that each says its own.
    pub mixed: bool,
}

/// What is answered.
#[derive(Debug)]
pub enum Reply {
    /// 200 with one object, of a collection.
    Object(&'static str, Value),
    /// 200 with a page.
    Page(&'static str, Page),
    /// 200 with a number as text.
    Count(usize),
    /// 200 with what a function gives.
    Value(Value),
    /// 201 with a new object.
    Created(&'static str, Value),
    /// 204.
    Nothing,
}

/// A request.
pub struct Call<'a> {
    /// GET, POST, PATCH or DELETE.
    pub method: &'a str,
    /// The decoded segments of the path behind `/v1.0/`.
    pub path: Vec<String>,
    /// The query.
    pub question: Question,
    /// The body; null without one.
    pub body: Value,
}

/// The api-version in which the directory's resources are read and written here.
fn version() -> ApiVersion {
    "2026-11-01".parse().expect("the literal is an api-version")
}

fn bad(why: impl Into<String>) -> Error {
    Error::bad_request("Request_BadRequest", why)
}

fn not_found(what: &str) -> Error {
    let short: String = what.chars().take(128).collect();
    Error::new(
        404,
        "Request_ResourceNotFound",
        format!(
            "Resource '{short}' does not exist or one of its queried reference-property objects are not present."
        ),
    )
}

/// Answers a request.
///
/// # Errors
/// ARM's errors; the server writes them in Graph's shape.
pub async fn answer(control: &Control, context: &OpContext, call: &Call<'_>) -> Result<Reply, Error> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let Some((first, rest)) = path.split_first() else { return Err(not_found("/")) };
    if first.eq_ignore_ascii_case("me") {
        return me(control, context, call, rest).await;
    }
    if first.eq_ignore_ascii_case("directoryObjects") {
        return directory_objects(control, context, call, rest).await;
    }
    if first.eq_ignore_ascii_case("organization") && call.method == "GET" && rest.is_empty() {
        return Ok(Reply::Page("organization", organization(control)));
    }
    let (collection, key) = parse_element(first)?;
    let kind = Kind::of_collection(collection).ok_or_else(|| unknown_segment(first))?;
    match (key, rest) {
        (None, []) => whole(control, context, call, kind).await,
        (None, ["$count"]) if call.method == "GET" => {
            read::count(control, context, kind, &call.question).await.map(Reply::Count)
        }
        (None, [key, rest @ ..]) => {
            element(control, context, call, kind, &Reference::parse(kind, key), rest).await
        }
        (Some(reference), rest) => element(control, context, call, kind, &reference, rest).await,
    }
}

fn unknown_segment(segment: &str) -> Error {
    let short: String = segment.chars().take(64).collect();
    bad(format!(
        "Resource not found for the segment '{short}'. Served here are users, groups, applications, servicePrincipals, directoryObjects, organization and me."
    ))
}

fn no_such_method(call: &Call<'_>) -> Error {
    Error::new(
        405,
        "Request_MethodNotAllowed",
        format!("{} is not possible on '/{}'.", call.method, call.path.join("/")),
    )
}

async fn whole(control: &Control, context: &OpContext, call: &Call<'_>, kind: Kind) -> Result<Reply, Error> {
    match call.method {
        "GET" => read::list(control, context, kind, &call.question)
            .await
            .map(|page| Reply::Page(kind.collection(), page)),
        "POST" => write::create(control, context, kind, &call.body)
            .await
            .map(|made| Reply::Created(kind.collection(), made)),
        _ => Err(no_such_method(call)),
    }
}

async fn element(
    control: &Control,
    context: &OpContext,
    call: &Call<'_>,
    kind: Kind,
    reference: &Reference,
    rest: &[&str],
) -> Result<Reply, Error> {
    if let [first, rest @ ..] = rest
        && kind == Kind::Application
        && let Some(key) = federated::key_of(first)
    {
        return federated::answer(control, context, call, reference, key, rest).await;
    }
    match (call.method, rest) {
        ("GET", []) => read::get(control, context, kind, reference, &call.question)
            .await
            .map(|o| Reply::Object(kind.collection(), o)),
        ("PATCH", []) => {
            write::update(control, context, kind, reference, &call.body).await.map(|()| Reply::Nothing)
        }
        ("DELETE", []) => write::delete(control, context, kind, reference).await.map(|()| Reply::Nothing),
        ("GET", [list]) => read::related(control, context, kind, reference, list, &call.question)
            .await
            .map(|page| Reply::Page("directoryObjects", page)),
        ("POST", [list, "$ref"]) => write::add_reference(control, context, kind, reference, list, &call.body)
            .await
            .map(|()| Reply::Nothing),
        ("DELETE", [list, object, "$ref"]) => {
            write::remove_reference(control, context, kind, reference, list, object)
                .await
                .map(|()| Reply::Nothing)
        }
        ("POST", [function]) => match function.to_ascii_lowercase().rsplit('.').next().unwrap_or_default() {
            "addpassword" => {
                write::add_password(control, context, kind, reference, &call.body).await.map(Reply::Value)
            }
            "removepassword" => write::remove_password(control, context, kind, reference, &call.body)
                .await
                .map(|()| Reply::Nothing),
            function => {
                let object = read::object_id(control, context, kind, reference).await?;
                read::memberships(control, context, object, function, &call.body).await.map(Reply::Value)
            }
        },
        _ => Err(no_such_method(call)),
    }
}

/// `/me`: the user who is signed in, who needs no role for it.
async fn me(control: &Control, context: &OpContext, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Error> {
    if context.actor.kind != ActorKind::User {
        return Err(bad(
            "/me request is only valid with a signed-in user; this token is a program's. Read it at /servicePrincipals(appId='…').",
        ));
    }
    if call.method == "GET" && rest == ["ownedObjects"] {
        return read::owned(control, context, &call.question)
            .await
            .map(|page| Reply::Page("directoryObjects", page));
    }
    let own = Reference::ObjectId(context.actor.object_id);
    element(control, context, call, Kind::User, &own, rest).await
}

async fn directory_objects(
    control: &Control,
    context: &OpContext,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Reply, Error> {
    match (call.method, rest) {
        ("POST", [function]) if function.to_ascii_lowercase().ends_with("getbyids") => {
            read::by_ids(control, context, &call.body).await.map(|page| Reply::Page("directoryObjects", page))
        }
        ("GET", [id]) => {
            read::any(control, context, id).await.map(|object| Reply::Object("directoryObjects", object))
        }
        ("POST", [id, function]) => {
            let object = id.parse().map_err(|_| not_found(id))?;
            read::may_know(control, context, object).await?;
            read::memberships(control, context, object, &function.to_ascii_lowercase(), &call.body)
                .await
                .map(Reply::Value)
        }
        _ => Err(no_such_method(call)),
    }
}

fn organization(control: &Control) -> Page {
    let domains = json!([{"name": DOMAIN, "isDefault": true, "isInitial": true, "type": "Managed", "capabilities": ""}]);
    let tenant = json!({"id": control.tenant(), "displayName": "Bowline", "verifiedDomains": domains, "tenantType": "AAD"});
    Page { value: vec![tenant], ..Page::default() }
}
