//! Our shape tables beside Azure's published resource types: what is required, read-only and enumerated. Where they differ, the difference
//! is a line with its reason in `deviations.txt`, and no line is left over.
#![allow(clippy::disallowed_methods, reason = "the test reads the published types")]
#![allow(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bowline_arm::ApiVersion;
use bowline_arm::types::{Access, Node, Shape, all};
use serde_json::Value;

const DEVIATIONS: &str = include_str!("deviations.txt");

/// One published property.
#[derive(Debug, Default, PartialEq)]
struct Property {
    required: bool,
    read_only: bool,
    values: BTreeSet<String>,
    open: bool,
}

/// The published types of one namespace in one version.
struct Published(Vec<Value>);

impl Published {
    fn resolve<'a>(&'a self, reference: &Value) -> &'a Value {
        let index: usize = reference["$ref"].as_str().unwrap().trim_start_matches("#/").parse().unwrap();
        &self.0[index]
    }

    fn properties_of(&self, resource: &str) -> Option<BTreeMap<String, Property>> {
        let found = self.0.iter().find(|t| {
            t["$type"] == "ResourceType"
                && t["name"]
                    .as_str()
                    .is_some_and(|n| n.split('@').next().unwrap().eq_ignore_ascii_case(resource))
        })?;
        let mut properties = BTreeMap::new();
        self.walk(self.resolve(&found["body"]), "", false, &mut Vec::new(), &mut properties);
        properties.retain(|path, _| !ENVELOPE.contains(&path.split('.').next().unwrap()));
        Some(properties)
    }

    /// Adds what lies in an object; a type that contains itself ends there.
    fn walk(
        &self,
        object: &Value,
        path: &str,
        read_only: bool,
        seen: &mut Vec<String>,
        found: &mut BTreeMap<String, Property>,
    ) {
        let name = object["name"].as_str().unwrap_or_default().to_owned();
        if seen.contains(&name) {
            return;
        }
        seen.push(name);
        for (member, property) in object["properties"].as_object().into_iter().flatten() {
            let flags = property["flags"].as_u64().unwrap_or_default();
            let path = if path.is_empty() { member.clone() } else { format!("{path}.{member}") };
            let read_only = read_only || flags & 2 != 0;
            let mut kind = self.resolve(&property["type"]);
            let mut entry = Property { required: flags & 1 != 0, read_only, ..Property::default() };
            while kind["$type"] == "ArrayType" {
                kind = self.resolve(&kind["itemType"]);
            }
            for element in kind["elements"].as_array().into_iter().flatten().map(|e| self.resolve(e)) {
                match element["value"].as_str() {
                    Some(value) => _ = entry.values.insert(value.to_owned()),
                    None => entry.open = true,
                }
            }
            found.insert(path.clone(), entry);
            self.walk(kind, &path, read_only, seen, found);
        }
        seen.pop();
    }
}

/// What every resource has, and ARM itself owns.
const ENVELOPE: [&str; 6] = ["id", "name", "type", "apiVersion", "systemData", "etag"];

fn ours<'a>(shape: &'a Shape, path: &str, version: &ApiVersion) -> Option<(&'a Node, bool)> {
    let mut node = &shape.root;
    let mut read_only = false;
    for part in path.split('.') {
        node = node.members.get(part).filter(|n| n.exists_in(version))?;
        read_only |= node.access == Access::ReadOnly;
    }
    Some((node, read_only))
}

/// Whether a parent is opaque here: then nothing is said of what lies below.
fn below_opaque(shape: &Shape, path: &str) -> bool {
    let mut node = &shape.root;
    for part in path.split('.') {
        match node.members.get(part) {
            Some(child) if child.members.is_empty() => return true,
            Some(child) => node = child,
            None => return false,
        }
    }
    false
}

fn compare(shape: &Shape, version: &ApiVersion, published: &BTreeMap<String, Property>) -> Vec<String> {
    let name = &shape.resource_type;
    let mut differences = Vec::new();
    for (path, theirs) in published {
        let Some((node, read_only)) = ours(shape, path, version) else {
            if !below_opaque(shape, path) {
                differences.push(format!("{name} {path}: not here"));
            }
            continue;
        };
        if read_only != theirs.read_only {
            let which =
                if read_only { "read-only here, writable there" } else { "writable here, read-only there" };
            differences.push(format!("{name} {path}: {which}"));
        }
        if theirs.required && !theirs.read_only && !node.required {
            differences.push(format!("{name} {path}: required there"));
        }
        let values: BTreeSet<String> = node.values.iter().cloned().collect();
        if !theirs.values.is_empty()
            && node.members.is_empty()
            && (node.kind != Some(bowline_arm::types::Kind::Strings))
        {
            let newer = theirs.values.is_subset(&values);
            if !newer || (theirs.open && !node.open) || (!theirs.open && node.open) {
                differences.push(format!("{name} {path}: other values than there"));
            }
        }
    }
    differences
}

fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/rest/bicep_types");
    root.is_dir().then_some(root)
}

#[test]
fn shapes_are_those_that_azure_publishes_but_for_what_is_listed_with_a_reason() {
    let Some(folder) = folder() else {
        println!("skipped: shapes_are_those_that_azure_publishes: the published types are not here");
        return;
    };
    let mut found = BTreeSet::new();
    let mut compared = 0;
    for shape in all() {
        let namespace = shape.resource_type.split('/').next().unwrap().to_lowercase();
        for version in &shape.versions {
            let file = folder.join(&namespace).join(version.to_string()).join("types.json");
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let published = Published(serde_json::from_str(&text).unwrap());
            if let Some(properties) = published.properties_of(&shape.resource_type) {
                compared += 1;
                found.extend(compare(shape, version, &properties));
            }
        }
    }
    assert!(compared >= 20, "only {compared} shapes were compared");
    let listed: BTreeSet<String> = DEVIATIONS
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| l.split(" | ").next().unwrap().to_owned())
        .collect();
    let unlisted: Vec<_> = found.difference(&listed).cloned().collect();
    let left_over: Vec<_> = listed.difference(&found).cloned().collect();
    assert!(
        unlisted.is_empty() && left_over.is_empty(),
        "deviations.txt lacks (add each with ' | ' and its reason):\n{}\nand has too much:\n{}",
        unlisted.join("\n"),
        left_over.join("\n")
    );
}

#[test]
fn every_deviation_has_a_reason() {
    for line in DEVIATIONS.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        assert!(line.split_once(" | ").is_some_and(|(_, reason)| reason.ends_with('.')), "{line}");
    }
}
