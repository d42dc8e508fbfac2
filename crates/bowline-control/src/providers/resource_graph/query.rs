//! `Microsoft.ResourceGraph/queries`: a query that people share. It is kept as it was written.

use bowline_arm::{Error, NameRule, types};
use serde_json::Value;

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};

/// The longest query that is kept.
const MAX_BYTES: usize = 64 << 10;

/// See the module.
pub struct GraphQueries;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.ResourceGraph/queries",
    shape: &types::GRAPH_QUERIES,
    action: "Microsoft.ResourceGraph/queries",
    placement: Placement::ResourceGroup,
    name: NameRule {
        min: 1,
        max: 260,
        extra: "-_.() ",
        alphanumeric_ends: false,
        words: "1 to 260 letters, digits, blanks, '-', '_', '.', '(' and ')'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    // Clients accept only 200 on PUT (arm-clients.md section 2).
    statuses: Statuses { created: 200, updated: 200, deleted: 200 },
    watermark: None,
};

impl ResourceProvider for GraphQueries {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        if admission.property("query").is_none_or(|q| q.trim().is_empty() || q.len() > MAX_BYTES) {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                "The property 'properties.query' must hold the text of a query, at most 64 KiB.",
            )
            .with_target("properties.query"));
        }
        admission.set("resultKind", "basic");
        let written =
            |of: &Value| [&of["properties"]["query"], &of["properties"]["description"]].map(Value::clone);
        let same = admission.existing.is_some_and(|e| written(e) == written(admission.document));
        if !same {
            let now = admission.context.now.to_string();
            admission.set("timeModified", now);
        }
        Ok(())
    }
}
