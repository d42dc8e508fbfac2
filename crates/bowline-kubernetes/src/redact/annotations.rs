//! Annotations: where tools keep copies of whole objects.

use serde_json::Value;

use super::{Rules, scrub as scrub_value, text};

/// A larger annotation is somebody's archive (a compressed object, a diff), not a note.
const MAX_BYTES: usize = 4096;

/// Parts of names of annotations that hold a copy of an object, or change by themselves.
const DROPPED: &[&str] = &[
    "last-applied",
    "last-handled",
    "applied-configuration",
    "conversion-data",
    "objectset.rio.cattle.io/applied",
    "kapp.k14s.io/original",
    "/leader",
    "heartbeat",
    "last-change-trigger-time",
    "node-env",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "autoscaling.alpha.kubernetes.io/conditions",
];

/// Parts of names that say: this is a credential.
const CREDENTIALS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "credential",
    "apikey",
    "api-key",
    "private-key",
    "client-secret",
];

/// Redacts a map of annotations in place.
pub(super) fn scrub(value: &mut Value, rules: Rules) {
    let Value::Object(annotations) = value else { return };
    annotations.retain(|name, value| {
        let name = name.to_ascii_lowercase();
        let named = DROPPED.iter().chain(CREDENTIALS).any(|part| name.contains(part));
        !named && value.as_str().is_some_and(|text| text.len() <= MAX_BYTES && !is_manifest(text))
    });
    for value in annotations.values_mut() {
        if let Value::String(text) = value {
            scrub_text(text, rules);
        }
    }
}

/// JSON in an annotation is redacted like the object it is in, and written back.
fn scrub_text(annotation: &mut String, rules: Rules) {
    if annotation.trim_start().starts_with(['{', '['])
        && let Ok(before) = serde_json::from_str::<Value>(annotation)
    {
        let mut after = before.clone();
        scrub_value(&mut after, rules);
        if after != before {
            *annotation = after.to_string();
        }
        return;
    }
    text::mask(annotation);
}

/// A manifest in YAML.
fn is_manifest(text: &str) -> bool {
    let starts = |key: &str| text.lines().any(|line| line.trim_start().starts_with(key));
    starts("kind:") && starts("apiVersion:")
}
