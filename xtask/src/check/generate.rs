//! Files that a program renders and that are committed, so that a change of them is read in review.
//!
//! `cargo xtask gen` writes them, `check` fails when one differs or is left over. The server renders nearly all of them in one run and prints an
//! object of path and text; a new one is a line in its `generate` command. The agent's manifest is rendered from its chart by the real `helm`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{cargo, command, parts, say};

/// Folders in which nothing lies but generated files.
const FOLDERS: &[&str] = &["openapi"];

/// The agent's manifests, for who has no `helm`: each with what differs from cluster to cluster left open.
const MANIFESTS: [Manifest; 2] = [
    // The command line holds it, fills it, and writes key and settings beside it; a test there holds the two lists together.
    Manifest {
        file: "deploy/kubernetes/bowline-agent.yaml",
        namespace: "bowline-system",
        open: &[("image.repository", "${BOWLINE_IMAGE_REPOSITORY}"), ("image.tag", "${BOWLINE_IMAGE_TAG}")],
    },
    // Whole, for GitOps and Terraform: the agent enrols with a token. Of another release namespace, so that its own is made.
    Manifest {
        file: "deploy/kubernetes/bowline-agent-enroll.yaml",
        namespace: "default",
        open: &[
            ("image.repository", "${BOWLINE_IMAGE_REPOSITORY}"),
            ("image.tag", "${BOWLINE_IMAGE_TAG}"),
            ("server", "${BOWLINE_SERVER}"),
            ("caCertificate", "${BOWLINE_CA_CERTIFICATE}"),
            ("resourceId", "${BOWLINE_RESOURCE_ID}"),
            ("location", "${BOWLINE_LOCATION}"),
            ("enrollmentToken", "${BOWLINE_ENROLLMENT_TOKEN}"),
        ],
    },
];

/// A rendering of the chart.
struct Manifest {
    file: &'static str,
    /// Of the release.
    namespace: &'static str,
    /// Values of the chart, and what stands for them.
    open: &'static [(&'static str, &'static str)],
}

/// `cargo xtask gen`.
pub(crate) fn write(paths: &Paths) -> Result<()> {
    let rendered = render(paths)?;
    for (name, text) in &rendered {
        let file = paths.root.join(name);
        if fs::read_to_string(&file).is_ok_and(|old| old == *text) {
            continue;
        }
        let folder = file.parent().context("a file has a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        say::note(format!("{name} is new"));
    }
    for name in left_over(paths, &rendered)? {
        let file = paths.root.join(&name);
        fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
        say::note(format!("{name} is gone"));
    }
    Ok(())
}

/// Fails with the files that are not what would be written.
pub(super) fn check(paths: &Paths) -> Result<()> {
    let rendered = render(paths)?;
    let mut stale = left_over(paths, &rendered)?;
    stale.extend(
        rendered
            .iter()
            .filter(|(name, text)| fs::read_to_string(paths.root.join(name)).ok().as_ref() != Some(*text))
            .map(|(name, _)| name.clone()),
    );
    if !stale.is_empty() {
        bail!("stale, run `cargo xtask gen` and commit: {}", stale.join(", "));
    }
    Ok(())
}

fn render(paths: &Paths) -> Result<BTreeMap<String, String>> {
    // Every program and test at once, as the suites build them: a call for this one would select other features, and compile the query engine anew.
    let mut build = cargo::command(paths, "build");
    command::run(build.args(["--quiet", "--locked", "--workspace", "--bins", "--tests"]))?;
    let mut run = Command::new(paths.built("bowline-server"));
    run.arg("generate").current_dir(&paths.root);
    let text = command::capture(&mut run).context("the generated files cannot be rendered")?;
    let mut rendered: BTreeMap<String, String> =
        serde_json::from_str(&text).context("`bowline-server generate` prints an object of path and text")?;
    for manifest in &MANIFESTS {
        rendered.insert(manifest.file.to_owned(), manifest.render(paths)?);
    }
    Ok(rendered)
}

impl Manifest {
    fn render(&self, paths: &Paths) -> Result<String> {
        let mut helm = Command::new(parts::ensure_built(paths, &parts::HELM)?.join("helm"));
        // A helm that was built from its module alone takes every cluster for one of 1.20.
        helm.args(["template", "bowline-agent", "--namespace", self.namespace, "--kube-version", "1.26.0"]);
        for (name, value) in self.open {
            helm.args(["--set-string", &format!("{name}={value}")]);
        }
        let text = command::capture(helm.arg(paths.root.join("charts/bowline-agent")))
            .context("the agent's chart cannot be rendered")?;
        let text = text.trim_end();
        Ok(format!("# Rendered from charts/bowline-agent by `cargo xtask gen`; never edited.\n{text}\n"))
    }
}

/// Files in generated folders that nobody renders any more.
fn left_over(paths: &Paths, rendered: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        collect(&paths.root.join(folder), &paths.root, &mut found)?;
    }
    found.retain(|name| !rendered.contains_key(name));
    Ok(found)
}

fn collect(folder: &Path, root: &Path, found: &mut Vec<String>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, root, found)?;
        } else {
            found.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
