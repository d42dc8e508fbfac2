//! The agent's chart, packed as Helm packs it: a gzipped tar whose one folder is the chart's name.
//!
//! The archive holds no times and no owners, so that the same sources give the same digest on every server.

use std::io::Write as _;

use anyhow::Context as _;
use flate2::{Compression, GzBuilder};
use rust_embed::RustEmbed;
use serde_json::{Value, json};

use super::{MANIFEST, Repository};

/// The chart's name in the source tree.
pub(super) const NAME: &str = "bowline-agent";
/// The name that `az connectedk8s` pulls.
pub const ARC_CHART: &str = "azure-arc-k8sagents";

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

#[derive(RustEmbed)]
#[folder = "../../charts/bowline-agent/"]
struct Files;

/// The version of [`ARC_CHART`]: `az connectedk8s` refuses charts before 1.14.0, so Bowline's a.b.c is shown as 1.(100 + 100a + b).c.
#[must_use]
pub fn arc_version() -> String {
    let number = |text: &str| text.parse::<u32>().expect("cargo accepts only numbers in a package's version");
    let (major, minor) = (number(env!("CARGO_PKG_VERSION_MAJOR")), number(env!("CARGO_PKG_VERSION_MINOR")));
    format!("1.{}.{}", 100 + 100 * major + minor, env!("CARGO_PKG_VERSION_PATCH"))
}

/// A repository with the chart under a name and a version.
pub(super) fn repository(name: &str, version: &str) -> anyhow::Result<Repository> {
    let description = describe(name, version)?;
    let archive = pack(name, &description)?;
    let mut repository = Repository::default();
    let config = repository.add_blob(CONFIG, description.to_string());
    let layer = repository.add_blob(CONTENT, archive);
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    repository.add_manifest(version, &manifest);
    Ok(repository)
}

/// `Chart.yaml` with another name and version. `appVersion` is the tag of the image: this server's version.
fn describe(name: &str, version: &str) -> anyhow::Result<Value> {
    let file = Files::get("Chart.yaml").context("the chart was built in without Chart.yaml")?;
    let text = std::str::from_utf8(&file.data).context("Chart.yaml is not UTF-8")?;
    let mut chart: Value = serde_saphyr::from_str(text).context("Chart.yaml is not understood")?;
    chart["name"] = name.into();
    chart["version"] = version.into();
    chart["appVersion"] = env!("CARGO_PKG_VERSION").into();
    Ok(chart)
}

fn pack(name: &str, description: &Value) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzBuilder::new().mtime(0).write(Vec::new(), Compression::best()));
    let mut paths: Vec<_> = Files::iter().collect();
    // Helm wants Chart.yaml first; JSON is YAML.
    paths.sort_by_key(|path| (path != "Chart.yaml", path.clone()));
    for path in paths {
        let file = Files::get(&path).context("an embedded file is there")?;
        let data = if path == "Chart.yaml" { description.to_string().into_bytes() } else { file.data.into() };
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, format!("{name}/{path}"), data.as_slice())?;
    }
    let mut packed = archive.into_inner()?;
    packed.flush()?;
    Ok(packed.finish()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::super::{Registry, Source};
    use super::*;

    fn unpack(repository: &Repository, version: &str) -> BTreeMap<String, String> {
        let (_, manifest) = repository.manifest(version).expect("the version is a tag");
        let Source::Bytes(text) = &manifest.source else { panic!("in memory") };
        let manifest: Value = serde_json::from_slice(text).unwrap();
        let layer = &manifest["layers"][0];
        let blob = repository.blob(layer["digest"].as_str().unwrap()).unwrap();
        assert_eq!(layer["size"], blob.size);
        let Source::Bytes(archive) = &blob.source else { panic!("in memory") };
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(flate2::read::GzDecoder::new(archive.as_ref())).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), text);
        }
        files
    }

    #[test]
    fn the_chart_is_served_under_both_names_with_the_same_templates() {
        let registry = Registry::open(None).unwrap();
        let own = unpack(registry.find(super::super::CHART).unwrap(), env!("CARGO_PKG_VERSION"));
        let arc = unpack(registry.find(ARC_CHART).unwrap(), &arc_version());
        assert_eq!(own.len(), arc.len());
        for (path, text) in own.iter().filter(|(path, _)| !path.ends_with("Chart.yaml")) {
            assert_eq!(arc[&path.replacen(NAME, ARC_CHART, 1)], *text, "{path}");
        }
        let chart: Value = serde_json::from_str(&arc["azure-arc-k8sagents/Chart.yaml"]).unwrap();
        assert_eq!(chart["name"], ARC_CHART);
        assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
        assert!(own.contains_key("bowline-agent/templates/deployment.yaml"), "{own:?}");
    }

    #[test]
    fn the_same_sources_give_the_same_digest() {
        let digest = || {
            let repository = repository(NAME, "1.2.3").unwrap();
            repository.manifest("1.2.3").unwrap().0.to_owned()
        };
        assert_eq!(digest(), digest());
    }

    #[test]
    fn the_version_satisfies_the_client_that_compares_it_with_1_14() {
        let version = arc_version();
        let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 3);
        assert!(numbers[0] == 1 && numbers[1] >= 100, "{version}");
    }
}
