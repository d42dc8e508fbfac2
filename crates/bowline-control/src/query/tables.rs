//! The tables that a caller may ask, their columns, and how each is best held.

use bowline_kql::plan::{Column, Schema};
use bowline_kql::tables::{Held, Layout};
use bowline_kql::{Catalogue, Dialect, Table, Type};

use crate::provider::{Placement, Spec};

/// Where a query begins that begins with an operator.
const DEFAULT: &str = "Resources";

/// The tables, in the order of the completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Resources,
    Containers,
    Authorization,
    KubernetesConfiguration,
    ExtendedLocation,
    Objects,
    Software,
    Log,
}

const TABLES: [(Of, &str); 8] = [
    (Of::Resources, DEFAULT),
    (Of::Containers, "ResourceContainers"),
    (Of::Authorization, "AuthorizationResources"),
    (Of::KubernetesConfiguration, "KubernetesConfigurationResources"),
    (Of::ExtendedLocation, "ExtendedLocationResources"),
    (Of::Objects, "KubernetesObjects"),
    (Of::Software, "MachineSoftware"),
    (Of::Log, "ActivityLog"),
];

impl Of {
    /// Its position among the layouts.
    pub(super) fn position(self) -> usize {
        TABLES.iter().position(|(of, _)| *of == self).expect("every table is in the list")
    }
}

/// Columns of the tables of resources, in Azure's order.
pub(super) const RESOURCE: [(&str, Type, Held); 16] = [
    ("id", Type::String, Held::Id),
    ("name", Type::String, Held::Text),
    ("type", Type::String, Held::Few),
    ("tenantId", Type::String, Held::Few),
    ("kind", Type::String, Held::Few),
    ("location", Type::String, Held::Few),
    ("resourceGroup", Type::String, Held::Few),
    ("subscriptionId", Type::String, Held::Few),
    ("managedBy", Type::String, Held::Few),
    ("sku", Type::Dynamic, Held::Few),
    ("plan", Type::Dynamic, Held::Few),
    ("properties", Type::Dynamic, Held::Document),
    ("tags", Type::Dynamic, Held::Few),
    ("identity", Type::Dynamic, Held::Document),
    ("zones", Type::Dynamic, Held::Few),
    ("extendedLocation", Type::Dynamic, Held::Few),
];
/// What people ask of resources first.
const HOT: [&str; 8] = [
    "connectivityStatus",
    "status",
    "provisioningState",
    "kubernetesVersion",
    "distribution",
    "agentVersion",
    "osType",
    "osSku",
];

/// Columns of Kubernetes objects; those with a path are found in `object`.
pub(super) const OBJECT: [(&str, Type, Held, &[&str]); 21] = [
    ("id", Type::String, Held::Id, &[]),
    ("clusterId", Type::String, Held::Few, &[]),
    ("clusterName", Type::String, Held::Few, &[]),
    ("subscriptionId", Type::String, Held::Few, &[]),
    ("resourceGroup", Type::String, Held::Few, &[]),
    ("location", Type::String, Held::Few, &[]),
    ("apiVersion", Type::String, Held::Few, &[]),
    ("kind", Type::String, Held::Few, &[]),
    ("namespace", Type::String, Held::Few, &[]),
    ("name", Type::String, Held::Text, &[]),
    ("uid", Type::String, Held::Text, &[]),
    ("creationTimestamp", Type::Datetime, Held::Number, &[]),
    ("generation", Type::Long, Held::Number, &[]),
    ("managers", Type::Dynamic, Held::Few, &[]),
    ("labels", Type::Dynamic, Held::Document, &["metadata", "labels"]),
    ("annotations", Type::Dynamic, Held::Document, &["metadata", "annotations"]),
    ("ownerReferences", Type::Dynamic, Held::Document, &["metadata", "ownerReferences"]),
    ("spec", Type::Dynamic, Held::Document, &["spec"]),
    ("status", Type::Dynamic, Held::Document, &["status"]),
    ("conditions", Type::Dynamic, Held::Document, &["status", "conditions"]),
    ("object", Type::Dynamic, Held::Document, &[]),
];

/// Columns of machines' packages.
pub(super) const SOFTWARE: [(&str, Type, Held); 11] = [
    ("machineId", Type::String, Held::Few),
    ("machineName", Type::String, Held::Few),
    ("subscriptionId", Type::String, Held::Few),
    ("resourceGroup", Type::String, Held::Few),
    ("location", Type::String, Held::Few),
    ("manager", Type::String, Held::Few),
    ("name", Type::String, Held::Few),
    ("version", Type::String, Held::Few),
    ("architecture", Type::String, Held::Few),
    ("publisher", Type::String, Held::Few),
    ("installedOn", Type::Datetime, Held::Number),
];

/// Columns of the activity log.
pub(super) const LOG: [(&str, Type, Held); 19] = [
    ("id", Type::String, Held::Id),
    ("eventTimestamp", Type::Datetime, Held::Number),
    ("operationName", Type::String, Held::Few),
    ("caller", Type::String, Held::Few),
    ("status", Type::String, Held::Few),
    ("subStatus", Type::String, Held::Few),
    ("level", Type::String, Held::Few),
    ("category", Type::String, Held::Few),
    ("resourceId", Type::String, Held::Text),
    ("resourceType", Type::String, Held::Few),
    ("resourceProviderName", Type::String, Held::Few),
    ("resourceGroup", Type::String, Held::Few),
    ("subscriptionId", Type::String, Held::Few),
    ("correlationId", Type::String, Held::Text),
    ("operationId", Type::String, Held::Text),
    ("eventDataId", Type::String, Held::Text),
    ("claims", Type::Dynamic, Held::Few),
    ("httpRequest", Type::Dynamic, Held::Document),
    ("properties", Type::Dynamic, Held::Document),
];

/// As Resource Graph reads a query.
pub(super) fn dialect() -> Dialect {
    Dialect { implicit_table: true }
}

fn resources(name: &str, containers: bool) -> Layout {
    let columns = RESOURCE.iter().map(|(name, ty, _)| Column::new(*name, *ty)).collect();
    let properties = RESOURCE.iter().position(|(name, ..)| *name == "properties").unwrap_or_default();
    let hot = if containers { &[][..] } else { &HOT };
    Layout {
        table: Table { name: name.to_owned(), schema: Schema::new(columns) },
        held: RESOURCE.iter().map(|(_, _, held)| held.clone()).collect(),
        hot: hot.iter().map(|path| (properties, vec![(*path).to_owned()])).collect(),
        keyed: Some(0),
    }
}

fn objects(name: &str) -> Layout {
    let columns = OBJECT.iter().map(|(name, ty, ..)| Column::new(*name, *ty)).collect();
    let whole = OBJECT.len() - 1;
    let held = OBJECT.iter().map(|(_, _, held, path)| match path {
        [] => held.clone(),
        path => Held::Alias { column: whole, path: path.iter().map(|key| (*key).to_owned()).collect() },
    });
    Layout {
        table: Table { name: name.to_owned(), schema: Schema::new(columns) },
        held: held.collect(),
        hot: Vec::new(),
        keyed: None,
    }
}

fn plain(name: &str, columns: &[(&str, Type, Held)]) -> Layout {
    Layout {
        table: Table {
            name: name.to_owned(),
            schema: Schema::new(columns.iter().map(|(name, ty, _)| Column::new(*name, *ty)).collect()),
        },
        held: columns.iter().map(|(_, _, held)| held.clone()).collect(),
        hot: Vec::new(),
        keyed: None,
    }
}

/// How the tables are held.
#[must_use]
pub fn layouts() -> Vec<Layout> {
    let layout = |(of, name): &(Of, &str)| match of {
        Of::Objects => objects(name),
        Of::Software => plain(name, &SOFTWARE),
        Of::Log => plain(name, &LOG),
        of => resources(name, *of != Of::Resources),
    };
    TABLES.iter().map(layout).collect()
}

/// The tables and their columns.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue {
        tables: layouts().into_iter().map(|layout| layout.table).collect(),
        default_table: Some(DEFAULT.to_owned()),
        ignore_case: true,
        ..Catalogue::default()
    }
}

/// In which table a type's records are.
pub(super) fn table_of(spec: &Spec) -> Option<Of> {
    match spec.type_key().as_str() {
        "microsoft.resources/subscriptions"
        | "microsoft.resources/resourcegroups"
        | "microsoft.management/managementgroups" => return Some(Of::Containers),
        "microsoft.authorization/roleassignments"
        | "microsoft.authorization/roledefinitions"
        | "microsoft.authorization/denyassignments" => return Some(Of::Authorization),
        // No location is asked of it, and Azure shows it there.
        "microsoft.resourcegraph/queries" => return Some(Of::Resources),
        key if key.starts_with("microsoft.kubernetesconfiguration/") => {
            return Some(Of::KubernetesConfiguration);
        }
        key if key.starts_with("microsoft.extendedlocation/customlocations/") => {
            return Some(Of::ExtendedLocation);
        }
        _ => {}
    }
    let in_group = matches!(spec.placement, Placement::ResourceGroup | Placement::Child);
    (spec.tracked && in_group).then_some(Of::Resources)
}
