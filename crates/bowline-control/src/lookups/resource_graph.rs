//! `Microsoft.ResourceGraph`: queries over resources ([`crate::query`]); their history comes with a later release.

use bowline_arm::{Error, ResourceType};

use super::{Answer, Question};
use crate::Control;
use crate::context::OpContext;
use crate::provider::not_served_yet;

/// What clients POST to and what is not served yet.
const LATER: [&str; 4] = [
    "microsoft.resourcegraph/resourceshistory",
    "microsoft.resourcegraph/resourcechanges",
    "microsoft.resourcegraph/resourcechangedetails",
    "microsoft.resourcegraph/generatequery",
];

pub(super) async fn answer(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
    asked: &ResourceType,
) -> Result<Option<Answer>, Error> {
    if question.post && asked.key() == "microsoft.resourcegraph/resources" {
        let answered = crate::query::resources(control, context, question.body).await?;
        let (body, revision, page) = (answered.body, Some(answered.revision), answered.page);
        return Ok(Some(Answer { body, revision, page }));
    }
    if question.post && LATER.contains(&asked.key()) {
        return Err(not_served_yet(
            "The history of resources in a query",
            "Until then ask for the present: POST /providers/Microsoft.ResourceGraph/resources.",
        ));
    }
    Ok(None)
}
