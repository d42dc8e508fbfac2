//! dpkg's status: stanzas of `Field: value`, one for each package that is or was installed.

use super::{Package, ReadError, field};
use crate::{disk, machine::observe::HostFiles};

pub(super) const NAME: &str = "dpkg";
const STATUS: &str = "var/lib/dpkg/status";
/// One file for each package, in images that are put together without dpkg.
const FOLDER: &str = "var/lib/dpkg/status.d";
pub(super) const PATHS: [&str; 2] = [STATUS, FOLDER];
/// A desktop with everything has a fifth of this.
const MAX_BYTES: u64 = 32 << 20;

pub(super) fn read(files: &HostFiles, packages: &mut Vec<Package>) -> Result<(), ReadError> {
    parse(&text(files, STATUS)?, packages);
    for name in files.list(FOLDER) {
        if !name.ends_with(".md5sums") {
            parse(&text(files, &format!("{FOLDER}/{name}"))?, packages);
        }
    }
    Ok(())
}

fn text(files: &HostFiles, path: &str) -> Result<String, ReadError> {
    let bytes = disk::read(&files.path(path), MAX_BYTES)?.unwrap_or_default();
    // A maintainer's name in an old encoding does not make the rest unreadable.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(text: &str, packages: &mut Vec<Package>) {
    for stanza in text.split("\n\n") {
        let value = |name: &str| {
            let found = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.map(field).filter(|value| !value.is_empty())
        };
        // Without a state it is there: an image has no packages that were removed.
        let installed = value("Status").is_none_or(|state| state.split(' ').next_back() == Some("installed"));
        if let (true, Some(name), Some(version)) = (installed, value("Package"), value("Version")) {
            packages.push(Package {
                manager: NAME,
                name,
                version,
                architecture: value("Architecture").unwrap_or_default(),
                publisher: value("Maintainer"),
                installed_on: None,
            });
        }
    }
}
