//! The flat list of a subscription's or group's resources, across types: `…/resources`.
//!
//! One keyset-paged walk over the records, whatever their types, in the order of their ids. A request reads at most [`MAX_ROWS`] rows: a filter that
//! matches little gives a short page with a link to go on, as ARM does, and never holds the server for as long as a subscription is large.

use std::collections::HashMap;
use std::sync::Arc;

use bowline_arm::{Error, Filter, ResourceId};
use bowline_auth::Mask;
use bowline_store::{List, Record, Revision};
use serde_json::{Map, Value};

use super::document::{parse, record_id};
use super::fields::{ResourceFields, parse_filter};
use super::list::{check_scope, question_of, start};
use super::store_error;
use crate::Control;
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::provider::{Placement, Spec};

/// The most rows that one request reads.
const MAX_ROWS: usize = 20_000;
/// Rows read at once.
const BATCH: u32 = 1000;
/// The most resources of one page, and the page of a caller that asks for nothing.
const MAX_PAGE: u32 = 1000;

/// A flat list as it was asked for.
pub struct FlatRequest {
    /// A subscription or a group.
    pub scope: ResourceId,
    /// `$filter`.
    pub filter: Option<String>,
    /// `$expand`.
    pub expand: Option<String>,
    /// `$top`.
    pub top: Option<u32>,
    /// `$skipToken`.
    pub skip_token: Option<String>,
}

/// A page of resources, and the `$skipToken` of the next.
///
/// # Errors
/// ARM errors for the caller.
pub async fn list_flat(
    control: &Control,
    context: &OpContext,
    request: FlatRequest,
) -> Result<(Vec<Value>, Option<String>), Error> {
    let filter = parse_filter(request.filter.as_deref(), &[])?;
    let snapshot = control.authorization().snapshot().await;
    let mut walk = Walk {
        control,
        context,
        filter: &filter,
        masks: HashMap::new(),
        expand: request.expand.as_deref().unwrap_or_default().to_ascii_lowercase(),
        limit: request.top.map_or(MAX_PAGE, |top| top.clamp(1, MAX_PAGE)) as usize,
        found: Vec::new(),
    };
    if !snapshot.has_any_role(context, request.scope.key()) {
        let action = "Microsoft.Resources/subscriptions/resources/read";
        snapshot.require(context, action, request.scope.key())?;
    }
    check_scope(control, &snapshot, &request.scope).await?;
    let asked = question_of(&request.scope, "*", request.filter.as_deref(), context);
    let (after, head, until) = start(control, request.skip_token.as_deref(), &asked).await?;
    // Where reading goes on, and where the page ends: behind the last row that was looked at while there was room.
    let (mut position, mut page_end) = (after.clone(), after.unwrap_or_default());
    let mut read = 0;
    loop {
        let rows = walk.read(&request.scope, position.take(), until).await?;
        for row in &rows {
            if !walk.wants(row, &snapshot)? {
                if walk.found.len() < walk.limit {
                    page_end.clone_from(&row.key);
                }
                continue;
            }
            if walk.found.len() == walk.limit {
                let next = control.next(page_end, head, until, asked)?;
                return Ok((walk.found, Some(next)));
            }
            walk.take(row)?;
            page_end.clone_from(&row.key);
        }
        read += rows.len();
        if rows.len() < BATCH as usize {
            return Ok((walk.found, None));
        }
        if read >= MAX_ROWS {
            let next = control.next(page_end, head, until, asked)?;
            return Ok((walk.found, Some(next)));
        }
        position = rows.last().map(|row| row.key.clone());
    }
}

struct Walk<'a> {
    control: &'a Control,
    context: &'a OpContext,
    filter: &'a Filter,
    /// Where each type's resources may be read; none means everywhere.
    masks: HashMap<String, Option<Arc<Mask>>>,
    expand: String,
    limit: usize,
    found: Vec<Value>,
}

impl Walk<'_> {
    async fn read(
        &self,
        scope: &ResourceId,
        after: Option<String>,
        until: Revision,
    ) -> Result<Vec<Record>, Error> {
        let list = List {
            prefix: Some(scope.key().to_owned()),
            resource_type: self.filter.equals("resourcetype").map(str::to_ascii_lowercase),
            after,
            limit: BATCH,
            created_until: Some(until),
            ..List::default()
        };
        self.control.store().list(&list).await.map_err(|e| store_error(&e))
    }

    /// Whether a row is a resource of the flat list that the caller may see and asked for.
    fn wants(&mut self, row: &Record, snapshot: &Snapshot) -> Result<bool, Error> {
        let Some(action) = self.listed(row) else { return Ok(false) };
        let context = self.context;
        let mask =
            self.masks.entry(row.resource_type.clone()).or_insert_with(|| snapshot.scopes(context, &action));
        let hidden = |mask: &Arc<Mask>| !snapshot.shows(context, mask, &action, &row.key, &row.document);
        if mask.as_ref().is_some_and(hidden) {
            return Ok(false);
        }
        if *self.filter == Filter::Everything {
            return Ok(true);
        }
        Ok(self.filter.matches(&ResourceFields { id: &record_id(row)?, document: &parse(row)? }))
    }

    /// The read action of a type whose resources the flat list shows: tracked ones in groups.
    fn listed(&self, row: &Record) -> Option<String> {
        let provider = self.control.registry().by_key(&row.resource_type)?;
        let spec: &Spec = provider.spec();
        let shown = spec.tracked && matches!(spec.placement, Placement::ResourceGroup | Placement::Child);
        shown.then(|| spec.action_of("read"))
    }

    fn take(&mut self, row: &Record) -> Result<(), Error> {
        let provider = self.control.registry().by_key(&row.resource_type);
        let resource_type = provider.map_or(row.resource_type.as_str(), |p| p.spec().resource_type);
        self.found.push(flat(resource_type, &record_id(row)?, &parse(row)?, &self.expand));
        Ok(())
    }
}

/// A resource without its properties; `$expand` adds times and state.
fn flat(resource_type: &str, id: &ResourceId, document: &Value, expand: &str) -> Value {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), id.as_str().into());
    // Nested resources are named by the whole path, as ARM does.
    let names = id.as_str().rsplit_once("/providers/").map_or("", |(_, rest)| rest);
    let name: Vec<&str> = names.split('/').skip(2).step_by(2).collect();
    shown.insert("name".to_owned(), name.join("/").into());
    shown.insert("type".to_owned(), resource_type.into());
    for member in
        ["kind", "location", "managedBy", "sku", "plan", "identity", "tags", "zones", "extendedLocation"]
    {
        if !document[member].is_null() {
            shown.insert(member.to_owned(), document[member].clone());
        }
    }
    let state = document["properties"]["provisioningState"].as_str().unwrap_or("Succeeded");
    let state = Value::from(state);
    for (name, value) in [
        ("createdTime", &document["systemData"]["createdAt"]),
        ("changedTime", &document["systemData"]["lastModifiedAt"]),
        ("provisioningState", &state),
    ] {
        if expand.contains(&name.to_ascii_lowercase()) {
            shown.insert(name.to_owned(), value.clone());
        }
    }
    Value::Object(shown)
}
