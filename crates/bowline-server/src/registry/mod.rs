//! What the server's own OCI registry holds: the agent's chart and, where one was built, the agent's image.
//!
//! | repository | what it is |
//! |---|---|
//! | `bowline-agent` | the image, read from an OCI image layout (`--agent-image`) |
//! | `charts/bowline-agent` | the chart, as it is in the source tree |
//! | `azure-arc-k8sagents`, `v2/azure-arc-k8sagents` | the same chart under the name and a version that `az connectedk8s` accepts |
//!
//! Everything is known at the start and never changes, so that a pull needs no lock and no disk but for image layers.
//!
//! Design notes. The second spelling of the last row is no mistake: that client puts `/v2/` into the path of the chart itself.

mod chart;
mod layout;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub use chart::{ARC_CHART, arc_version};

/// The repository of the agent's image.
pub const IMAGE: &str = "bowline-agent";
/// The repository of the chart under its own name.
pub const CHART: &str = "charts/bowline-agent";
/// What a manifest is.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What a list of manifests is.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Where the bytes of a blob are.
#[derive(Clone, Debug)]
pub enum Source {
    /// In memory.
    Bytes(Bytes),
    /// In a file of the image layout.
    File(PathBuf),
}

/// A manifest or a blob.
#[derive(Clone, Debug)]
pub struct Content {
    /// The media type of a manifest; of a blob the general one.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Where it is.
    pub source: Source,
}

impl Content {
    fn bytes(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { media_type: media_type.to_owned(), size: bytes.len() as u64, source: Source::Bytes(bytes) }
    }
}

/// One repository: tags, manifests and blobs, the latter two by digest.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    tags: BTreeMap<String, String>,
    manifests: BTreeMap<String, Content>,
    blobs: BTreeMap<String, Content>,
}

impl Repository {
    /// The manifest of a tag or digest, with its digest.
    #[must_use]
    pub fn manifest(&self, reference: &str) -> Option<(&str, &Content)> {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        self.manifests.get_key_value(digest).map(|(digest, content)| (digest.as_str(), content))
    }

    /// A blob.
    #[must_use]
    pub fn blob(&self, digest: &str) -> Option<&Content> {
        self.blobs.get(digest)
    }

    /// The tags in order.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    fn add_blob(&mut self, media_type: &str, bytes: impl Into<Bytes>) -> Value {
        let content = Content::bytes("application/octet-stream", bytes);
        let Source::Bytes(bytes) = &content.source else { unreachable!("it was made of bytes above") };
        let digest = digest_of(bytes);
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": content.size});
        self.blobs.insert(digest, content);
        descriptor
    }

    fn add_manifest(&mut self, tag: &str, manifest: &Value) {
        let text = manifest.to_string();
        let digest = digest_of(text.as_bytes());
        self.manifests.insert(digest.clone(), Content::bytes(MANIFEST, text));
        self.tags.insert(tag.to_owned(), digest);
    }
}

/// All repositories.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    repositories: BTreeMap<String, Repository>,
}

impl Registry {
    /// Packs the charts and reads the image layout, if one was given.
    ///
    /// # Errors
    /// When the layout is not one.
    pub fn open(image: Option<&Path>) -> anyhow::Result<Self> {
        let own = chart::repository(chart::NAME, env!("CARGO_PKG_VERSION"))?;
        let arc = chart::repository(ARC_CHART, &arc_version())?;
        let mut repositories = BTreeMap::from([
            (CHART.to_owned(), own),
            (ARC_CHART.to_owned(), arc.clone()),
            (format!("v2/{ARC_CHART}"), arc),
        ]);
        if let Some(folder) = image {
            let repository = layout::read(folder)?;
            tracing::info!(folder = %folder.display(), tags = ?repository.tags.keys(), "serving the agent's image");
            repositories.insert(IMAGE.to_owned(), repository);
        }
        Ok(Self { repositories })
    }

    /// A repository.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Repository> {
        self.repositories.get(name)
    }

    /// The repositories' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.repositories.keys().map(String::as_str)
    }

    /// Whether the agent's image can be pulled here.
    #[must_use]
    pub fn has_image(&self) -> bool {
        self.repositories.contains_key(IMAGE)
    }
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
