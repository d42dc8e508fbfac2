//! Saved queries within a query: `{{ID}}` stands for what the saved query of this id holds, as in Azure.

use bowline_arm::{Error, ResourceId};
use serde_json::Value;

use crate::Control;
use crate::authorization::Asked;
use crate::context::OpContext;
use crate::pipeline::store_error;

const TYPE: &str = "microsoft.resourcegraph/queries";
/// Saved queries in one query, those in saved ones included.
const MOST: usize = 20;

/// The request with every saved query in place, read with the caller's rights; none when it names none.
pub(super) async fn place(
    control: &Control,
    context: &OpContext,
    body: &Value,
) -> Result<Option<Value>, Error> {
    let Some(mut text) = body["query"].as_str().map(str::to_owned) else { return Ok(None) };
    let mut placed = 0;
    while let Some((before, id, behind)) = next(&text) {
        placed += 1;
        if placed > MOST || text.len() > bowline_kql::LONGEST_QUERY {
            let message = format!(
                "The query names more than {MOST} saved queries, or one that names itself, or is longer than {} bytes with them.",
                bowline_kql::LONGEST_QUERY
            );
            return Err(Error::bad_request("InvalidQuery", message).with_target("query"));
        }
        let held = held(control, context, &id).await?;
        let held = held.trim().trim_end_matches(';');
        text = match (before.trim(), behind.trim()) {
            // Alone it may be anything, statements too.
            ("", "") => held.to_owned(),
            _ => format!("{before}({held}){behind}"),
        };
    }
    if placed == 0 {
        return Ok(None);
    }
    let mut body = body.clone();
    body["query"] = text.into();
    Ok(Some(body))
}

/// The first saved query that a text names, and what stands around it.
fn next(text: &str) -> Option<(&str, ResourceId, &str)> {
    text.match_indices("{{").find_map(|(at, open)| {
        let (name, behind) = text[at + open.len()..].split_once("}}")?;
        let id: ResourceId = name.trim().parse().ok()?;
        (id.resource_type().to_string().to_lowercase() == TYPE).then_some((&text[..at], id, behind))
    })
}

/// What a saved query holds.
async fn held(control: &Control, context: &OpContext, id: &ResourceId) -> Result<String, Error> {
    let provider = control.registry().find(id.resource_type())?;
    control.authorize(context, &Asked::new(&provider.spec().action_of("read"), id)).await?;
    let record = control.store().get(id.key()).await.map_err(|e| store_error(&e))?;
    let record = record.ok_or_else(|| Error::resource_not_found(id.as_str()))?;
    let document: Value = serde_json::from_str(&record.document).unwrap_or_default();
    Ok(document["properties"]["query"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn only_ids_of_saved_queries_are_names() {
        let id = "/subscriptions/s/resourceGroups/g/providers/microsoft.resourcegraph/Queries/q";
        let text = format!("print x = '{{{{' | union {{{{ {id} }}}} | count");
        let (before, found, behind) = next(&text).unwrap();
        assert_eq!((before, found.as_str(), behind), ("print x = '{{' | union ", id, " | count"));
        for text in ["Resources | count", "{{}}", "{{nothing}}", "{{/subscriptions/s}}", "print {{"] {
            assert!(next(text).is_none(), "{text}");
        }
        assert!(next(&format!("{{{{{id}")).is_none(), "not closed");
    }
}
