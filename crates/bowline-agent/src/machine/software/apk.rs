//! apk's database: stanzas of one-letter fields, one for each installed package, followed by its files.

use super::{Package, ReadError, field};
use crate::{disk, machine::observe::HostFiles};

pub(super) const NAME: &str = "apk";
/// Newer ones are below `usr`, with a link from the old place, or without.
pub(super) const PATHS: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
const MAX_BYTES: u64 = 64 << 20;

pub(super) fn read(files: &HostFiles, packages: &mut Vec<Package>) -> Result<(), ReadError> {
    for path in PATHS {
        if let Some(bytes) = disk::read(&files.path(path), MAX_BYTES)? {
            parse(&String::from_utf8_lossy(&bytes), packages);
            return Ok(());
        }
    }
    Ok(())
}

fn parse(text: &str, packages: &mut Vec<Package>) {
    for stanza in text.split("\n\n") {
        let value = |name: &str| {
            let found = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.map(field).filter(|value| !value.is_empty())
        };
        if let (Some(name), Some(version)) = (value("P"), value("V")) {
            packages.push(Package {
                manager: NAME,
                name,
                version,
                architecture: value("A").unwrap_or_default(),
                publisher: value("m"),
                installed_on: None,
            });
        }
    }
}
