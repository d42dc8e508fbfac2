//! `Microsoft.ResourceGraph`: running a query comes with a later release.

use bowline_arm::{Error, ResourceType};
use serde_json::Value;

use super::Question;
use crate::provider::not_served_yet;

/// What clients POST to.
const QUERIES: [&str; 5] = [
    "microsoft.resourcegraph/resources",
    "microsoft.resourcegraph/resourceshistory",
    "microsoft.resourcegraph/resourcechanges",
    "microsoft.resourcegraph/resourcechangedetails",
    "microsoft.resourcegraph/generatequery",
];

pub(super) fn answer(question: &Question<'_>, asked: &ResourceType) -> Result<Option<Value>, Error> {
    if question.post && QUERIES.contains(&asked.key()) {
        return Err(not_served_yet(
            "A query over resources (KQL)",
            "Until then list resources with $filter: GET /subscriptions/{subscription}/resources.",
        ));
    }
    Ok(None)
}
