//! The operating system: os-release(5) and the kernel.

use super::HostFiles;

/// The operating system.
pub(super) struct Os {
    pub(super) id: String,
    pub(super) pretty_name: String,
    pub(super) version: String,
    pub(super) edition: Option<String>,
    pub(super) kernel: String,
}

/// The id of the system (machine-id(5)), which a kubelet on it reports too.
pub(super) fn machine_id(files: &HostFiles) -> Option<String> {
    let text = files.text("etc/machine-id").or_else(|| files.text("var/lib/dbus/machine-id"))?;
    let id: uuid::Uuid = text.trim().parse().ok()?;
    (!id.is_nil()).then(|| id.simple().to_string())
}

/// Reads it; a host without os-release is just `linux`.
pub(super) fn read(files: &HostFiles) -> Os {
    let text = files.text("etc/os-release").or_else(|| files.text("usr/lib/os-release")).unwrap_or_default();
    let kernel = files.text("proc/sys/kernel/osrelease").unwrap_or_default();
    let id = value(&text, "ID").unwrap_or_else(|| "linux".to_owned());
    Os {
        pretty_name: value(&text, "PRETTY_NAME").unwrap_or_else(|| id.clone()),
        // Rolling distributions have no version; their kernel's is the nearest thing.
        version: value(&text, "VERSION_ID").unwrap_or_else(|| kernel.clone()),
        edition: value(&text, "VARIANT"),
        id,
        kernel,
    }
}

/// A value of a shell-like assignment, unquoted.
fn value(text: &str, key: &str) -> Option<String> {
    let raw = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?.trim();
    let quoted = |quote| raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let inner = quoted('"').or_else(|| quoted('\'')).unwrap_or(raw);
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    (!out.is_empty()).then_some(out)
}
