//! Committed outputs: a test fails when one is stale, `UPDATE=1` writes it.
#![expect(clippy::disallowed_methods, reason = "reads and writes the committed outputs of the tests")]

use std::path::Path;

pub(crate) fn check(name: &str, fresh: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("the output has a folder"))
            .expect("the folder can be made");
        std::fs::write(&path, fresh).expect("the output can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "tests/output/{name} is stale; look at the change and run with UPDATE=1\n{fresh}"
    );
}
