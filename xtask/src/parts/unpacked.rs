//! What a node needs from Debian, unpacked into the cache and not installed.
//!
//! Design notes. Installing containerd would start a service, and would replace the container engine that the machine
//! may have. Unpacked, the same files touch nothing. They are kept under the hashes of the packages they come from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{debian, go};
use crate::paths::Paths;
use crate::{command, disk, say};

pub(super) const NAME: &str = "node";
pub(super) const WHAT: &str =
    "containerd, runc, CNI plug-ins, nft and busybox, unpacked from Debian's packages";

/// The programs, and the libraries of theirs that not every Debian has.
const PACKAGES: [&str; 14] = [
    "containerd",
    "runc",
    "containernetworking-plugins",
    "busybox-static",
    "nftables",
    "libnftables1",
    "libnftnl11",
    "libjansson4",
    "libmnl0",
    "libxtables12",
    "libedit2",
    "libbsd0",
    "libmd0",
    "libseccomp2",
];
const DISK: u64 = 512 << 20;
/// Written when everything is unpacked.
const WHOLE: &str = ".whole";

/// Where it is, if it was unpacked from exactly the packages that Debian has now.
pub(crate) fn find(paths: &Paths) -> Option<PathBuf> {
    place(paths).ok().filter(|place| place.join(WHOLE).is_file())
}

/// Finds or fetches it.
pub(crate) fn ensure(paths: &Paths) -> Result<PathBuf> {
    debian::require_lists(WHAT)?;
    let place = place(paths)?;
    if place.join(WHOLE).is_file() {
        return Ok(place);
    }
    let _lock = go::lock(&place)?;
    if !place.join(WHOLE).is_file() {
        say::step(format!("Fetching {WHAT}: 40 MB, nothing is installed"));
        disk::require(&paths.cache, DISK, "unpacking them")?;
        if place.exists() {
            fs::remove_dir_all(&place).with_context(|| format!("{} cannot be removed", place.display()))?;
        }
        let packages = place.join("packages");
        fs::create_dir_all(&packages).with_context(|| format!("{} cannot be made", packages.display()))?;
        fetch(&packages, &place)?;
        fs::remove_dir_all(&packages)?;
        fs::write(place.join(WHOLE), "").with_context(|| format!("{} cannot be written", place.display()))?;
    }
    Ok(place)
}

fn fetch(packages: &Path, place: &Path) -> Result<()> {
    let mut download = Command::new("apt-get");
    download.args(["-qq", "download"]).args(PACKAGES).current_dir(packages);
    command::capture(&mut download).context("Debian's packages could not be fetched; try: apt-get update")?;
    for package in fs::read_dir(packages)?.flatten() {
        command::capture(Command::new("dpkg-deb").arg("--extract").arg(package.path()).arg(place))?;
    }
    Ok(())
}

fn place(paths: &Paths) -> Result<PathBuf> {
    if command::find("apt-get").is_none() {
        bail!("{WHAT}: this is no Debian, and a node needs them from there");
    }
    let mut print = Command::new("apt-get");
    print.args(["-qq", "download", "--print-uris"]).args(PACKAGES);
    let said =
        command::capture(&mut print).context("Debian does not know all of them; try: apt-get update")?;
    Ok(paths.cache.join("parts").join(format!("{NAME}-{}", go::key(&hashes(&said)))))
}

/// What names a package whatever mirror it comes from: `'URI' FILE SIZE HASH`.
fn hashes(said: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<_> = said
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(_, hash)| hash.as_bytes().to_vec())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_and_the_order_do_not_matter() {
        let one = "'http://a/p.deb' p_1.deb 10 SHA256:aa\n'http://a/q.deb' q_1.deb 10 SHA256:bb";
        let other = "'http://b/q.deb' q_1.deb 10 SHA256:bb\n'http://b/p.deb' p_1.deb 10 SHA256:aa\n";
        assert_eq!(hashes(one), hashes(other));
        assert_eq!(hashes(one).len(), 2);
    }
}
