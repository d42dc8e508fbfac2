//! `cargo xtask image`: the agent's image as an OCI image layout, made without a container engine and without a registry.
//!
//! The image is one static program on nothing (`FROM scratch`): the program, a user that is not root, and the public
//! certificate authorities of this machine. `bowline-server serve --agent-image FOLDER` serves it to clusters.
//!
//! Design notes. Static by musl, because glibc's name look-up loads parts of itself at run time. A program of the dev profile
//! (`--binary`) brings the libraries that it was linked with.

mod layout;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;
use crate::{cargo, command, disk, parts, say};

pub(crate) use layout::{Image, archive};

const TARGET: &str = "x86_64-unknown-linux-musl";
const PROFILE: &str = "agent";
/// Where Debian keeps the public authorities; without them only the server's own authority can be trusted.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The tag that the chart of this version names.
pub(crate) const TAG: &str = env!("CARGO_PKG_VERSION");
/// The user that the chart runs the agent as.
const USER: u32 = 65_532;

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
    let tag = options.tag.as_deref().unwrap_or(TAG);
    let size = pack(&binary)?.write(&out, tag)?;
    say::note(format!("bowline-agent:{tag}, {} compressed", say::bytes(size)));
    println!("{}", out.display());
    Ok(())
}

/// Packs a program that was built already.
pub(crate) fn of_program(binary: &Path, out: &Path) -> Result<()> {
    pack(binary)?.write(out, TAG).map(drop)
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

/// The agent, its user, what it trusts, and the libraries that it asks for.
fn pack(binary: &Path) -> Result<Image> {
    let mut image = Image::new(&["/bowline-agent"], "/");
    image.user(USER);
    let program = fs::read(binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    image.file("bowline-agent", 0o755, &program)?;
    image.file("etc/passwd", 0o644, format!("bowline:x:{USER}:{USER}::/:/none\n").as_bytes())?;
    image.file("etc/group", 0o644, format!("bowline:x:{USER}:\n").as_bytes())?;
    if let Ok(bytes) = fs::read(AUTHORITIES) {
        image.file(AUTHORITIES, 0o644, &bytes)?;
    }
    for library in libraries(binary)? {
        let bytes = fs::read(&library).with_context(|| format!("{library} cannot be read"))?;
        image.file(&library, 0o755, &bytes)?;
    }
    Ok(image)
}

/// What the loader would load, and the loader itself; nothing for a static program.
fn libraries(binary: &Path) -> Result<Vec<String>> {
    let said = command::output(Command::new("ldd").arg(binary))?;
    Ok(parse_libraries(&String::from_utf8_lossy(&said.stdout)))
}

/// `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` for the loader.
fn parse_libraries(said: &str) -> Vec<String> {
    let words = said.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_what_the_loader_names() {
        let said = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        assert_eq!(parse_libraries(said), ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]);
        assert!(parse_libraries("\tstatically linked\n").is_empty());
    }
}
