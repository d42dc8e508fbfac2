//! Images as OCI image layouts, written file by file: what is in them, and nothing of when and where they were made.
//!
//! Design notes. A layer holds no times, so that the same files give the same digest.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// One image of one layer.
pub(crate) struct Image {
    layer: tar::Builder<Vec<u8>>,
    config: Value,
}

impl Image {
    /// An empty one that runs this.
    pub(crate) fn new(entrypoint: &[&str], path: &str) -> Self {
        let config = json!({"Entrypoint": entrypoint, "Env": [format!("PATH={path}")], "WorkingDir": "/"});
        Self { layer: tar::Builder::new(Vec::new()), config }
    }

    /// What it runs unless told otherwise.
    pub(crate) fn command(&mut self, words: &[&str]) {
        self.config["Cmd"] = words.into();
    }

    /// Runs as this user and group.
    pub(crate) fn user(&mut self, id: u32) {
        self.config["User"] = format!("{id}:{id}").into();
    }

    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<()> {
        let mut header = header(bytes.len() as u64, mode);
        Ok(self.layer.append_data(&mut header, path.trim_start_matches('/'), bytes)?)
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let mut header = header(0, 0o777);
        header.set_entry_type(tar::EntryType::Symlink);
        Ok(self.layer.append_link(&mut header, path.trim_start_matches('/'), target)?)
    }

    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> Result<()> {
        let mut header = header(0, mode);
        header.set_entry_type(tar::EntryType::Directory);
        Ok(self.layer.append_data(&mut header, path.trim_start_matches('/'), io::empty())?)
    }

    /// Writes the layout beside the place and moves it there, so that nobody reads half of one; gives the size of the layer.
    pub(crate) fn write(self, out: &Path, tag: &str) -> Result<u64> {
        let unfinished = out.with_extension(format!("unfinished-{}", std::process::id()));
        let blobs = unfinished.join("blobs/sha256");
        fs::create_dir_all(&blobs).with_context(|| format!("{} cannot be made", blobs.display()))?;
        let layer = self.layer.into_inner()?;
        let packed = gzip(&layer)?;
        let config = json!({
            "architecture": "amd64", "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
            "history": [{"created_by": "cargo xtask image"}],
        });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": add(&blobs, CONFIG, config.to_string().as_bytes())?,
            "layers": [add(&blobs, LAYER, &packed)?],
        });
        let mut entry = add(&blobs, MANIFEST, manifest.to_string().as_bytes())?;
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]});
        fs::write(unfinished.join("index.json"), index.to_string())?;
        fs::write(unfinished.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
        if out.exists() {
            fs::remove_dir_all(out).with_context(|| format!("{} cannot be replaced", out.display()))?;
        }
        fs::rename(&unfinished, out).with_context(|| format!("{} cannot be written", out.display()))?;
        Ok(packed.len() as u64)
    }
}

/// The layout as one stream, as container engines import it.
pub(crate) fn archive(layout: &Path, into: impl Write) -> Result<()> {
    let mut tar = tar::Builder::new(into);
    tar.append_dir_all(".", layout)
        .and_then(|()| tar.finish())
        .with_context(|| format!("the image {} cannot be packed", layout.display()))
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    packed.write_all(bytes)?;
    Ok(packed.finish()?)
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn add(blobs: &Path, media_type: &str, bytes: &[u8]) -> Result<Value> {
    let digest = digest(bytes);
    fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes)?;
    Ok(json!({"mediaType": media_type, "digest": digest, "size": bytes.len()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_image_and_a_new_one_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("image");
        let index = || fs::read_to_string(out.join("index.json")).unwrap();
        let write = |program: &[u8]| {
            let mut image = Image::new(&["/program"], "/");
            image.command(&["/bin/it"]);
            image.folder("tmp", 0o1777).unwrap();
            image.file("/program", 0o755, program).unwrap();
            image.link("/bin/it", "/program").unwrap();
            image.write(&out, "1").unwrap();
        };
        write(b"program");
        let first = index();
        write(b"program");
        assert_eq!(index(), first);
        write(b"another");
        assert_ne!(index(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
        assert_eq!(fs::read_dir(out.join("blobs/sha256")).unwrap().count(), 3);
        let mut packed = Vec::new();
        archive(&out, &mut packed).unwrap();
        let mut tar = tar::Archive::new(packed.as_slice());
        let found = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned());
        assert!(found.into_iter().any(|path| path.ends_with("index.json")));
    }
}
