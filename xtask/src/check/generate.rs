//! Files that programs render and that are committed, so that a change of them is read in review.
//!
//! `cargo xtask gen` writes them, `check` fails when one differs. A new one is a line in [`FILES`].

use std::fs;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{cargo, command, say};

/// A file and what renders it to standard output.
struct Generated {
    file: &'static str,
    package: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
}

const FILES: &[Generated] = &[Generated {
    file: "openapi/bowline.json",
    package: "bowline-server",
    program: "bowline-server",
    arguments: &["openapi"],
}];

/// `cargo xtask gen`.
pub(crate) fn write(paths: &Paths) -> Result<()> {
    for generated in FILES {
        let text = render(paths, generated)?;
        let file = paths.root.join(generated.file);
        if fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        let folder = file.parent().context("a file has a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        say::note(format!("{} is new", generated.file));
    }
    Ok(())
}

/// Fails with the files that are not what would be written.
pub(super) fn check(paths: &Paths) -> Result<()> {
    let mut stale = Vec::new();
    for generated in FILES {
        let text = render(paths, generated)?;
        if fs::read_to_string(paths.root.join(generated.file)).ok().as_deref() != Some(text.as_str()) {
            stale.push(generated.file);
        }
    }
    if !stale.is_empty() {
        bail!("stale, run `cargo xtask gen` and commit: {}", stale.join(", "));
    }
    Ok(())
}

fn render(paths: &Paths, generated: &Generated) -> Result<String> {
    let mut run = cargo::command(paths, "run");
    run.args(["--quiet", "--locked", "--package", generated.package, "--bin", generated.program, "--"]);
    run.args(generated.arguments);
    let text =
        command::capture(&mut run).with_context(|| format!("{} cannot be rendered", generated.file))?;
    Ok(text + "\n")
}
