//! The tables that a caller may ask: `Resources`, `ResourceContainers` and `AuthorizationResources` with Azure's columns, read from the
//! record and masked by what the caller may read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bowline_arm::{ApiVersion, Error};
use bowline_auth::Mask;
use bowline_kql::engine::{EngineError, Row, Rows, Source};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_store::{List, Record};
use serde_json::Value as Json;

use super::request::Request;
use crate::Control;
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::hierarchy::group_key;
use crate::pipeline::{render_record, store_error};
use crate::provider::{Placement, Spec};

/// Where a query begins that begins with an operator.
const DEFAULT: &str = "Resources";
/// Columns of every table, with their types, in Azure's order.
const COLUMNS: [(&str, Type); 16] = [
    ("id", Type::String),
    ("name", Type::String),
    ("type", Type::String),
    ("tenantId", Type::String),
    ("kind", Type::String),
    ("location", Type::String),
    ("resourceGroup", Type::String),
    ("subscriptionId", Type::String),
    ("managedBy", Type::String),
    ("sku", Type::Dynamic),
    ("plan", Type::Dynamic),
    ("properties", Type::Dynamic),
    ("tags", Type::Dynamic),
    ("identity", Type::Dynamic),
    ("zones", Type::Dynamic),
    ("extendedLocation", Type::Dynamic),
];
/// Types of the tables whose rows are not tracked resources.
const CONTAINERS: [&str; 3] = [
    "microsoft.resources/subscriptions",
    "microsoft.resources/resourcegroups",
    "microsoft.management/managementgroups",
];
const AUTHORIZATION: [&str; 3] = [
    "microsoft.authorization/roleassignments",
    "microsoft.authorization/roledefinitions",
    "microsoft.authorization/denyassignments",
];
/// Names of the tables, in the order of the completion.
const TABLES: [&str; 3] = [DEFAULT, "ResourceContainers", "AuthorizationResources"];
/// Records read at once, and the most that one query reads.
const BATCH: u32 = 1000;
const MOST: usize = 500_000;

/// As Resource Graph reads a query.
pub(super) fn dialect() -> Dialect {
    Dialect { implicit_table: true }
}

/// The tables and their columns.
pub(super) fn catalogue() -> Catalogue {
    let columns: Vec<Column> = COLUMNS.iter().map(|(name, ty)| Column::new(*name, *ty)).collect();
    let table = |name: &str| Table { name: name.to_owned(), schema: Schema::new(columns.clone()) };
    Catalogue {
        tables: TABLES.iter().map(|name| table(name)).collect(),
        default_table: Some(DEFAULT.to_owned()),
        ignore_case: true,
        ..Catalogue::default()
    }
}

/// Below which keys a query looks; none: everywhere.
pub(super) struct Scopes(Option<Vec<String>>);

impl Scopes {
    /// Scopes that the caller cannot see are dropped, as in Azure; 403 when none remains.
    pub(super) async fn of(control: &Control, context: &OpContext, request: &Request) -> Result<Self, Error> {
        if request.subscriptions.is_empty() && request.management_groups.is_empty() {
            return Ok(Self(None));
        }
        let snapshot = control.authorization().snapshot().await;
        let subscriptions =
            request.subscriptions.iter().map(|name| format!("/subscriptions/{}", name.to_lowercase()));
        let mut keys: Vec<String> = subscriptions.collect();
        for name in &request.management_groups {
            let group = group_key(&name.to_lowercase());
            keys.extend(snapshot.hierarchy().below(&group));
            keys.push(group);
        }
        keys.retain(|key| snapshot.has_any_role(context, key));
        // Each once, and nothing below another.
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            let asked = [request.subscriptions.as_slice(), &request.management_groups].concat().join(", ");
            return Err(Error::forbidden(
                &context.actor.name,
                "Microsoft.ResourceGraph/resources/read",
                &asked,
            ));
        }
        Ok(Self(Some(keys)))
    }
}

/// Rows by table.
pub(super) struct Found(HashMap<&'static str, Rows>);

impl Source for Found {
    fn rows(&self, table: &str) -> Result<Rows, EngineError> {
        let rows = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(table));
        rows.map(|(_, rows)| Arc::clone(rows))
            .ok_or_else(|| EngineError::Unsupported { what: table.to_owned() })
    }
}

/// Reads the tables that a query names.
pub(super) async fn read(
    control: &Control,
    context: &OpContext,
    scopes: &Scopes,
    named: &BTreeSet<String>,
) -> Result<Found, Error> {
    let mut reading = Reading {
        control,
        context,
        snapshot: control.authorization().snapshot().await,
        masks: HashMap::new(),
        rows: BTreeMap::new(),
        read: 0,
    };
    for table in TABLES.into_iter().filter(|table| named.contains(*table)) {
        let _ = reading.rows.entry(table).or_default();
    }
    if reading.rows.is_empty() {
        return Ok(Found(HashMap::new()));
    }
    match &scopes.0 {
        None => reading.below(None).await?,
        Some(keys) => {
            for key in keys {
                reading.below(Some(key)).await?;
            }
        }
    }
    Ok(Found(reading.rows.into_iter().map(|(table, rows)| (table, Arc::new(rows))).collect()))
}

struct Reading<'a> {
    control: &'a Control,
    context: &'a OpContext,
    snapshot: Arc<Snapshot>,
    /// Where each type's records may be read; none means everywhere.
    masks: HashMap<String, Option<Arc<Mask>>>,
    rows: BTreeMap<&'static str, Vec<Row>>,
    read: usize,
}

impl Reading<'_> {
    async fn below(&mut self, prefix: Option<&str>) -> Result<(), Error> {
        let mut after = None;
        loop {
            let prefix = prefix.map(str::to_owned);
            let list = List { prefix, after: after.take(), limit: BATCH, ..List::default() };
            let records = self.control.store().list(&list).await.map_err(|e| store_error(&e))?;
            for record in &records {
                self.take(record)?;
            }
            self.read += records.len();
            if self.read > MOST {
                return Err(Error::bad_request(
                    "BadRequest",
                    format!("The query would read more than {MOST} records. Name subscriptions, or ask with a smaller scope."),
                )
                .with_detail("InvalidQuery", "There is no index yet for so many records.", None));
            }
            match records.last() {
                Some(last) if records.len() == BATCH as usize => after = Some(last.key.clone()),
                _ => return Ok(()),
            }
        }
    }

    fn take(&mut self, record: &Record) -> Result<(), Error> {
        let Some(provider) = self.control.registry().by_key(&record.resource_type) else { return Ok(()) };
        let spec = provider.spec();
        let Some(table) = table_of(spec).filter(|table| self.rows.contains_key(table)) else { return Ok(()) };
        let (snapshot, context, action) = (&self.snapshot, self.context, spec.action_of("read"));
        let mask = self
            .masks
            .entry(record.resource_type.clone())
            .or_insert_with(|| snapshot.scopes(context, &action));
        let hidden =
            |mask: &Arc<Mask>| !snapshot.shows(context, mask, &action, &record.key, &record.document);
        if mask.as_ref().is_some_and(hidden) {
            return Ok(());
        }
        let row = row(self.control, spec, record)?;
        self.rows.entry(table).or_default().push(row);
        Ok(())
    }
}

/// In which table a type's records are.
fn table_of(spec: &Spec) -> Option<&'static str> {
    let key = spec.type_key();
    if CONTAINERS.contains(&key.as_str()) {
        return Some("ResourceContainers");
    }
    if AUTHORIZATION.contains(&key.as_str()) {
        return Some("AuthorizationResources");
    }
    let in_group = matches!(spec.placement, Placement::ResourceGroup | Placement::Child);
    (spec.tracked && in_group).then_some(DEFAULT)
}

/// A record as its newest api-version shows it, in the columns.
fn row(control: &Control, spec: &Spec, record: &Record) -> Result<Row, Error> {
    let shown = render_record(spec, record, newest(spec))?;
    let segment =
        |after: &str| record.key.split('/').skip_while(|part| *part != after).nth(1).unwrap_or_default();
    let text = |name: &str| Value::String(shown[name].as_str().unwrap_or_default().to_owned());
    let cell = |(name, ty): &(&str, Type)| match (*name, ty) {
        ("type", _) => Value::String(match record.resource_type.as_str() {
            // Azure's name of groups among its tables.
            "microsoft.resources/resourcegroups" => {
                "microsoft.resources/subscriptions/resourcegroups".to_owned()
            }
            other => other.to_owned(),
        }),
        ("tenantId", _) => Value::String(control.tenant().to_string()),
        ("resourceGroup", _) => Value::String(segment("resourcegroups").to_owned()),
        ("subscriptionId", _) => Value::String(segment("subscriptions").to_owned()),
        (name, Type::Dynamic) => match &shown[name] {
            Json::Null => Value::Null(Type::Dynamic),
            value => Value::Dynamic(value.to_string()),
        },
        (name, _) => text(name),
    };
    Ok(COLUMNS.iter().map(cell).collect())
}

fn newest(spec: &Spec) -> &'static ApiVersion {
    let versions = &spec.shape.versions;
    versions.iter().max().expect("a type has a version")
}
