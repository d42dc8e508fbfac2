//! The agent's image as an OCI image layout (image-spec 1.1): `oci-layout`, `index.json`, `blobs/sha256/…`.
//!
//! Manifests are read at the start and checked against their digests, so that a half-written folder is an error then and not
//! at the first pull; layers stay on disk.

#![expect(clippy::disallowed_methods, reason = "the image's folder is read here and nowhere else")]

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{Content, INDEX, MANIFEST, Repository, Source, digest_of};

/// The largest index or manifest.
const MAX_MANIFEST: u64 = 4 << 20;
/// How deep an index may hold an index.
const MAX_DEPTH: u8 = 3;
const TAG: &str = "org.opencontainers.image.ref.name";

/// Reads the layout in a folder.
pub(super) fn read(folder: &Path) -> anyhow::Result<Repository> {
    let mut repository = Repository::default();
    let index = parse(&read_bounded(&folder.join("index.json"))?)
        .with_context(|| format!("{} is not an OCI image layout", folder.display()))?;
    for entry in entries(&index) {
        let digest = add_manifest(folder, entry, &mut repository, 0)
            .with_context(|| format!("the image layout {} is not whole; build it again", folder.display()))?;
        let tag = entry["annotations"][TAG].as_str().unwrap_or("latest");
        // Tools write the whole reference or only the tag.
        let tag = tag.rsplit_once(':').map_or(tag, |(_, tag)| tag);
        repository.tags.insert(tag.to_owned(), digest);
    }
    ensure!(!repository.tags.is_empty(), "the image layout {} holds no image", folder.display());
    Ok(repository)
}

fn entries(index: &Value) -> impl Iterator<Item = &Value> {
    index["manifests"].as_array().into_iter().flatten()
}

fn add_manifest(
    folder: &Path,
    descriptor: &Value,
    repository: &mut Repository,
    depth: u8,
) -> anyhow::Result<String> {
    ensure!(depth < MAX_DEPTH, "an index holds an index that holds an index");
    let digest = descriptor["digest"].as_str().context("a descriptor has no digest")?.to_owned();
    let path = blob_path(folder, &digest)?;
    let bytes = read_bounded(&path)?;
    ensure!(digest_of(&bytes) == digest, "{} does not have the digest of its name", path.display());
    let manifest = parse(&bytes)?;
    let media_type = manifest["mediaType"].as_str().or(descriptor["mediaType"].as_str());
    match media_type {
        Some(INDEX) => {
            for entry in entries(&manifest) {
                add_manifest(folder, entry, repository, depth + 1)?;
            }
        }
        Some(MANIFEST) => {
            let layers = manifest["layers"].as_array().into_iter().flatten();
            for blob in std::iter::once(&manifest["config"]).chain(layers) {
                add_blob(folder, blob, repository)?;
            }
        }
        other => bail!("the media type {other:?} is neither {INDEX} nor {MANIFEST}"),
    }
    let media_type = media_type.unwrap_or(MANIFEST);
    repository.manifests.insert(digest.clone(), Content::bytes(media_type, bytes));
    Ok(digest)
}

fn add_blob(folder: &Path, descriptor: &Value, repository: &mut Repository) -> anyhow::Result<()> {
    let digest = descriptor["digest"].as_str().context("a descriptor has no digest")?;
    let path = blob_path(folder, digest)?;
    let size = fs::metadata(&path).with_context(|| format!("{} cannot be read", path.display()))?.len();
    ensure!(
        descriptor["size"].as_u64() == Some(size),
        "{} has {size} bytes, the manifest says {}",
        path.display(),
        descriptor["size"]
    );
    let content =
        Content { media_type: "application/octet-stream".to_owned(), size, source: Source::File(path) };
    repository.blobs.insert(digest.to_owned(), content);
    Ok(())
}

/// `blobs/sha256/<hex>`; a digest that is none cannot leave the folder.
fn blob_path(folder: &Path, digest: &str) -> anyhow::Result<std::path::PathBuf> {
    let hex = digest.strip_prefix("sha256:").filter(|hex| hex.len() == 64);
    let hex = hex.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let hex = hex.with_context(|| format!("'{digest}' is no sha256 digest"))?;
    Ok(folder.join("blobs/sha256").join(hex))
}

fn read_bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?.len();
    ensure!(size <= MAX_MANIFEST, "{} is larger than {MAX_MANIFEST} bytes", path.display());
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn parse(bytes: &[u8]) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn write_blob(folder: &Path, bytes: &[u8]) -> Value {
        let digest = digest_of(bytes);
        let path = blob_path(folder, &digest).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        json!({"mediaType": MANIFEST, "digest": digest, "size": bytes.len()})
    }

    fn write_image(folder: &Path) -> Value {
        let (config, layer) = (write_blob(folder, b"{}"), write_blob(folder, b"layer"));
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})
                .to_string();
        let mut descriptor = write_blob(folder, manifest.as_bytes());
        descriptor["annotations"] = json!({TAG: "1.2.3"});
        fs::write(folder.join("index.json"), json!({"manifests": [descriptor]}).to_string()).unwrap();
        layer
    }

    #[test]
    fn an_image_is_found_by_tag_and_digest_and_its_layers_stay_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let layer = write_image(folder.path());
        let repository = read(folder.path()).unwrap();
        let (digest, by_tag) = repository.manifest("1.2.3").unwrap();
        assert_eq!(repository.manifest(digest).unwrap().1.size, by_tag.size);
        let blob = repository.blob(layer["digest"].as_str().unwrap()).unwrap();
        assert!(matches!(blob.source, Source::File(_)));
        assert!(repository.manifest("9.9.9").is_none());
    }

    #[test]
    fn a_layout_that_is_not_whole_is_refused_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).is_err(), "an empty folder");
        let layer = write_image(folder.path());
        let path = blob_path(folder.path(), layer["digest"].as_str().unwrap()).unwrap();
        fs::write(&path, b"lay").unwrap();
        assert!(format!("{:#}", read(folder.path()).unwrap_err()).contains("3 bytes"));
        fs::remove_file(&path).unwrap();
        assert!(read(folder.path()).is_err());
        let index = json!({"manifests": [{"digest": "sha256:../../../../etc/passwd", "size": 1}]});
        fs::write(folder.path().join("index.json"), index.to_string()).unwrap();
        assert!(format!("{:#}", read(folder.path()).unwrap_err()).contains("no sha256 digest"));
    }
}
