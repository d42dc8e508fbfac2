//! Questions to a namespace that no record answers by itself: lookups by location, checks before a PUT, what a later release will serve.
//!
//! A lookup changes nothing. It asks for the right that its answer needs, either itself or through a LIST.

mod authorization;
mod hybrid_compute;
mod resource_graph;

use bowline_arm::{ApiVersion, Error, ResourceId, Target};
use serde_json::Value;

use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{ListRequest, list};

/// A GET or POST that may be a lookup.
pub struct Question<'a> {
    /// POST instead of GET.
    pub post: bool,
    /// What it is about.
    pub target: &'a Target,
    /// As asked for.
    pub version: &'a ApiVersion,
    /// The body of a POST.
    pub body: &'a Value,
}

/// The answer to a lookup.
#[derive(Debug)]
pub struct Answer {
    /// What the client reads: JSON.
    pub body: String,
    /// The revision of the record that it shows, where it is not read from the record itself.
    pub revision: Option<u64>,
    /// How it follows the page before: `x-bowline-page`.
    pub page: Option<&'static str>,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        Self { body: body.to_string(), revision: None, page: None }
    }
}

/// The most resources that one lookup reads.
const MAX_READ: usize = 10_000;

/// Answers a lookup; `None` when the question is none.
///
/// # Errors
/// ARM errors for the caller.
pub async fn answer(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
) -> Result<Option<Answer>, Error> {
    let resource_type = match question.target {
        Target::Resource(id) => id.resource_type(),
        Target::Collection { resource_type, .. } => resource_type,
        Target::Action { .. } => return Ok(None),
    };
    if !question.post && resource_type.key() == "microsoft.bowline/queryschema" {
        return Ok(Some(crate::query::schema().into()));
    }
    match resource_type.namespace().to_ascii_lowercase().as_str() {
        "microsoft.authorization" | "microsoft.bowline" => {
            authorization::answer(control, context, question, resource_type).await.map(plain)
        }
        "microsoft.hybridcompute" => {
            hybrid_compute::answer(control, context, question, resource_type).await.map(plain)
        }
        "microsoft.resourcegraph" => resource_graph::answer(control, context, question, resource_type).await,
        _ => Ok(None),
    }
}

fn plain(body: Option<Value>) -> Option<Answer> {
    body.map(Answer::from)
}

/// Every resource of a type at a scope that the caller may read.
async fn read_all(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    resource_type: &str,
    version: &ApiVersion,
) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    let mut skip_token = None;
    loop {
        let request = ListRequest {
            scope: scope.clone(),
            resource_type: bowline_arm::ResourceType::new(resource_type),
            version: version.clone(),
            filter: None,
            top: Some(1000),
            skip_token: skip_token.take(),
        };
        let page = list(control, context, request).await?;
        all.extend(page.values()?);
        match page.next {
            Some(next) if all.len() < MAX_READ => skip_token = Some(next),
            _ => return Ok(all),
        }
    }
}

/// The name behind `kind` in an id: `eastus` of `…/locations/eastus/…`.
fn name_of<'a>(id: &'a ResourceId, kind: &str) -> Option<&'a str> {
    let mut segments = id.segments();
    segments.find(|s| s.eq_ignore_ascii_case(kind))?;
    segments.next()
}
