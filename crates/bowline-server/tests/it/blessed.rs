//! Committed outputs: a test fails when one is stale, `UPDATE=1` writes it.

use std::path::Path;

pub(crate) fn check(name: &str, fresh: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, fresh).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "tests/output/{name} is stale; look at the change and run with UPDATE=1\n{fresh}"
    );
}
