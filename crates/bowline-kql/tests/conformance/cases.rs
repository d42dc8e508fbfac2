//! The case files, and the lists of those that fail.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// Every file of queries.
pub(crate) const FILES: &[&str] = &[
    "docs_tierA_exact",
    "docs_tierB_selfcontained_review",
    "docs_tierC_needs_sample_tables",
    "docs_parse_only_queries",
    "kustoloco_babykusto",
    "wild_queries_parse_only",
    "arg_and_container_queries",
];

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) query: String,
    #[serde(default)]
    pub(crate) ms_parser: Value,
    #[serde(default)]
    pub(crate) implicit_table: bool,
}

/// The cases of a file; none where the files are absent.
pub(crate) fn read(file: &str) -> Option<Vec<Case>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../../shared/conformance/kql/{file}.jsonl"));
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn list_path(list: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/conformance/{list}.failing.txt"))
}

/// Fails when a case outside of the list fails, or one in the list does not: the list may only shrink.
/// `UPDATE_FAILING=1` writes it, for whoever adds material.
pub(crate) fn hold_against_list(list: &str, seen: &BTreeSet<String>, failing: &BTreeSet<String>) {
    let path = list_path(list);
    if std::env::var_os("UPDATE_FAILING").is_some() {
        let text: String = failing.iter().map(|id| format!("{id}\n")).collect();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let known: BTreeSet<String> =
        std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let new: Vec<_> = failing.difference(&known).collect();
    let cured: Vec<_> = known.iter().filter(|id| seen.contains(*id) && !failing.contains(*id)).collect();
    assert!(new.is_empty(), "these fail and are not in {}: {new:#?}", path.display());
    assert!(cured.is_empty(), "these pass; take them out of {}: {cured:#?}", path.display());
}
