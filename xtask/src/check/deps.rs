//! Who may know whom: the table of `ARCHITECTURE.md`, held against what cargo says.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::paths::Paths;
use crate::{cargo, command};

/// Each crate and those of ours that it may name. Tests may name no more than their crate.
const EDGES: &[(&str, &[&str])] = &[
    ("bowline-arm", &[]),
    ("bowline-store", &["bowline-arm"]),
    ("bowline-auth", &["bowline-arm"]),
    ("bowline-policy", &[]),
    ("bowline-kql", &[]),
    ("bowline-query", &["bowline-kql"]),
    ("bowline-link", &["bowline-arm"]),
    ("bowline-tunnel", &[]),
    ("bowline-kubernetes", &["bowline-arm"]),
    (
        "bowline-control",
        &["bowline-arm", "bowline-store", "bowline-auth", "bowline-policy", "bowline-link", "bowline-kql"],
    ),
    (
        "bowline-server",
        &[
            "bowline-arm",
            "bowline-store",
            "bowline-auth",
            "bowline-link",
            "bowline-tunnel",
            "bowline-query",
            "bowline-control",
        ],
    ),
    ("bowline-agent", &["bowline-arm", "bowline-link", "bowline-tunnel", "bowline-kubernetes"]),
    ("bowline-cli", &["bowline-arm", "bowline-kubernetes"]),
    ("bowline-e2e", &["bowline-arm"]),
    ("bowline-bench", &["bowline-e2e", "bowline-store", "bowline-kql", "bowline-query"]),
    ("xtask", &[]),
];

/// Programs: they may fail with `anyhow` and read a command line.
const PROGRAMS: &[&str] =
    &["bowline-server", "bowline-agent", "bowline-cli", "bowline-e2e", "bowline-bench", "xtask"];

/// Foreign crates that may appear only in the crates that wrap them. Tests may use any.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("anyhow", PROGRAMS),
    ("argon2", &["bowline-auth"]),
    ("axum", &["bowline-server"]),
    ("clap", PROGRAMS),
    ("jsonwebtoken", &["bowline-auth"]),
    ("k8s-openapi", &["bowline-kubernetes"]),
    ("kube", &["bowline-kubernetes"]),
    ("object_store", &["bowline-server"]),
    ("opentelemetry", &["bowline-server"]),
    ("opentelemetry-otlp", &["bowline-server"]),
    ("regorus", &["bowline-policy"]),
    ("rusqlite", &["bowline-store"]),
    ("rust-embed", &["bowline-cli", "bowline-server"]),
    ("sqlx", &["bowline-store"]),
];

/// Crates without IO: what they know arrives as arguments. `bowline-query` is none of them: DataFusion runs on tokio.
const PURE: &[&str] = &["bowline-arm", "bowline-auth", "bowline-policy", "bowline-link", "bowline-kql"];
const IO: &[&str] = &["tokio", "hyper", "hyper-util", "reqwest", "nix", "rustls", "tokio-rustls"];

#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest_path: std::path::PathBuf,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(super) metadata: serde_json::Value,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) rename: Option<String>,
    /// `null` is an ordinary one, else `dev` or `build`.
    pub(super) kind: Option<String>,
}

impl Dependency {
    fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// What cargo knows of the workspace's own crates.
pub(super) fn metadata(paths: &Paths) -> Result<Metadata> {
    let mut cargo = cargo::command(paths, "metadata");
    let text = command::capture(cargo.args(["--no-deps", "--format-version", "1", "--locked"]))?;
    serde_json::from_str(&text).context("cargo's metadata is not what it used to be")
}

/// `cargo xtask deps`.
pub(crate) fn run(paths: &Paths) -> Result<()> {
    let found = violations(&metadata(paths)?.packages);
    if !found.is_empty() {
        bail!(
            "{}\nThe table is in xtask/src/check/deps.rs; a new edge is a decision, see ARCHITECTURE.md.",
            found.join("\n")
        );
    }
    Ok(())
}

fn violations(packages: &[Package]) -> Vec<String> {
    let edges: BTreeMap<_, _> = EDGES.iter().copied().collect();
    let ours = |name: &str| packages.iter().any(|package| package.name == name);
    let mut found = Vec::new();
    for package in packages {
        let name = package.name.as_str();
        let Some(allowed) = edges.get(name) else {
            found.push(format!("{name} is not in the table of crates: add it with what it may name"));
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            if ours(other) {
                if !allowed.contains(&other) && other != name {
                    found.push(format!("{name} may not name {other}"));
                }
            } else if !dependency.is_for_tests() {
                found.extend(foreign_violation(name, other));
            }
        }
    }
    found
}

fn foreign_violation(name: &str, other: &str) -> Option<String> {
    if PURE.contains(&name) && IO.contains(&other) {
        return Some(format!("{name} has no IO and may not use {other}"));
    }
    let (_, homes) = ONLY_IN.iter().find(|(foreign, homes)| *foreign == other && !homes.contains(&name))?;
    Some(format!("{name} may not use {other}: it belongs to {}", homes.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency { name: (*name).into(), rename: None, kind: kind.map(Into::into) })
            .collect();
        Package {
            name: name.into(),
            manifest_path: "Cargo.toml".into(),
            dependencies,
            metadata: serde_json::Value::Null,
        }
    }

    #[test]
    fn an_edge_that_is_not_in_the_table_is_found() {
        let packages = [
            package("bowline-arm", &[("serde", None)]),
            package("bowline-store", &[("bowline-arm", None), ("sqlx", None)]),
            package(
                "bowline-link",
                &[("bowline-arm", None), ("bowline-store", Some("dev")), ("tokio", None)],
            ),
            package("bowline-control", &[("sqlx", None), ("axum", Some("dev"))]),
            package("bowline-new", &[]),
        ];
        let found = violations(&packages);
        let expected = [
            "bowline-link may not name bowline-store",
            "bowline-link has no IO and may not use tokio",
            "bowline-control may not use sqlx: it belongs to bowline-store",
            "bowline-new is not in the table of crates: add it with what it may name",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_table_has_no_cycle_and_no_unknown_crate() {
        // Each crate names only crates that stand above it in the table.
        for (index, (name, allowed)) in EDGES.iter().enumerate() {
            for other in *allowed {
                assert!(EDGES[..index].iter().any(|(above, _)| above == other), "{name} names {other}");
            }
        }
    }
}
