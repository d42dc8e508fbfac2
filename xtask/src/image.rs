//! `cargo xtask image`: the agent's image as an OCI image layout, made without a container engine and without a registry.
//!
//! The image is one static program on nothing (`FROM scratch`): the program, a user that is not root, and the public
//! certificate authorities of this machine. `bowline-server serve --agent-image FOLDER` serves it to clusters.
//!
//! Design notes. Static by musl, because glibc's name look-up loads parts of itself at run time. The layer holds no times, so that
//! the same program gives the same digest.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::paths::Paths;
use crate::{cargo, command, disk, parts, say};

const TARGET: &str = "x86_64-unknown-linux-musl";
const PROFILE: &str = "agent";
/// Where Debian keeps the public authorities; without them only the server's own authority can be trusted.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The user that the chart runs the agent as.
const USER: u32 = 65_532;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What to pack, and where to.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The folder to write [default: image in the cache].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Packs this program instead of building the agent: for tests.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The image's tag [default: the agent's version].
    #[arg(long)]
    tag: Option<String>,
}

/// `cargo xtask image`.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(file) => file.clone(),
        None => build(paths)?,
    };
    let out = options.out.clone().unwrap_or_else(|| default_place(paths));
    let program = fs::read(&binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    let tag = options.tag.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
    let size = write(&out, &program, fs::read(AUTHORITIES).ok().as_deref(), tag)?;
    say::note(format!("bowline-agent:{tag}, {} compressed", say::bytes(size)));
    println!("{}", out.display());
    Ok(())
}

/// Where the image lies unless told otherwise.
pub(crate) fn default_place(paths: &Paths) -> PathBuf {
    paths.cache.join("image")
}

/// Builds the static agent.
fn build(paths: &Paths) -> Result<PathBuf> {
    if command::find("musl-gcc").is_none() {
        parts::install(
            &["musl-tools"],
            "the agent's image holds one static program, and its C parts are compiled for it",
        )?;
    }
    require_target()?;
    disk::require(&paths.target, 2 << 30, "building the static agent")?;
    say::step("Building the static agent: about 3 min on two idle cores the first time");
    let mut build = cargo::command(paths, "build");
    build.args(["--package", "bowline-agent", "--profile", PROFILE, "--target", TARGET]);
    build.env("CC_x86_64_unknown_linux_musl", "musl-gcc");
    command::run(&mut build)
        .context("the static agent could not be built; the compiler's words are above")?;
    Ok(paths.target.join(TARGET).join(PROFILE).join("bowline-agent"))
}

/// The standard library for the target, which rustup has.
fn require_target() -> Result<()> {
    let Ok(installed) = command::capture(Command::new("rustup").args(["target", "list", "--installed"]))
    else {
        bail!(
            "rustup is missing: the static agent needs Rust's standard library for {TARGET}, install it as your Rust was installed"
        );
    };
    if !installed.lines().any(|line| line.trim() == TARGET) {
        say::step(format!("Fetching Rust's standard library for {TARGET}"));
        command::run(Command::new("rustup").args(["target", "add", TARGET]))?;
    }
    Ok(())
}

/// Writes the layout beside the place and moves it there, so that a server never reads half of one.
fn write(out: &Path, program: &[u8], authorities: Option<&[u8]>, tag: &str) -> Result<u64> {
    let unfinished = out.with_extension(format!("unfinished-{}", std::process::id()));
    let blobs = unfinished.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("{} cannot be made", blobs.display()))?;
    let layer = pack(program, authorities)?;
    let packed = gzip(&layer)?;
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "config": {"User": format!("{USER}:{USER}"), "Entrypoint": ["/bowline-agent"], "Env": ["PATH=/"]},
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

fn pack(program: &[u8], authorities: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::new());
    let mut add = |path: &str, mode: u32, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_mtime(0);
        layer.append_data(&mut header, path, bytes)
    };
    add("bowline-agent", 0o755, program)?;
    add("etc/passwd", 0o644, format!("bowline:x:{USER}:{USER}::/:/none\n").as_bytes())?;
    add("etc/group", 0o644, format!("bowline:x:{USER}:\n").as_bytes())?;
    if let Some(bytes) = authorities {
        add(AUTHORITIES.trim_start_matches('/'), 0o644, bytes)?;
    }
    Ok(layer.into_inner()?)
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
    fn the_same_program_gives_the_same_image_and_a_new_one_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("image");
        let index = || fs::read_to_string(out.join("index.json")).unwrap();
        write(&out, b"program", None, "1").unwrap();
        let first = index();
        write(&out, b"program", None, "1").unwrap();
        assert_eq!(index(), first);
        write(&out, b"another", None, "1").unwrap();
        assert_ne!(index(), first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
        assert_eq!(fs::read_dir(out.join("blobs/sha256")).unwrap().count(), 3);
    }
}
