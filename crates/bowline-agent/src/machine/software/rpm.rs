//! rpm's database in SQLite: a row for each package, with its header as rpm writes it: an index of tags, then their values.

use jiff::Timestamp;

use super::{
    Package, ReadError, field,
    sqlite::{Column, Database},
};
use crate::{disk, machine::observe::HostFiles};

pub(super) const NAME: &str = "rpm";
/// Where it is, the newer place first.
const DATABASES: [&str; 2] = ["usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"];
/// What has not found its way into the database yet; empty or absent between transactions.
const UNFINISHED: [&str; 2] = ["usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "var/lib/rpm/rpmdb.sqlite-wal"];
/// Databases that are not read.
const OLDER: [&str; 3] =
    ["usr/lib/sysimage/rpm/Packages.db", "var/lib/rpm/Packages.db", "var/lib/rpm/Packages"];
pub(super) const PATHS: [&str; 4] = [DATABASES[0], DATABASES[1], UNFINISHED[0], UNFINISHED[1]];

const TAG_NAME: u32 = 1000;
const TAG_VERSION: u32 = 1001;
const TAG_RELEASE: u32 = 1002;
const TAG_EPOCH: u32 = 1003;
const TAG_INSTALLED: u32 = 1008;
const TAG_VENDOR: u32 = 1011;
const TAG_ARCHITECTURE: u32 = 1022;
/// An entry of the index: tag, type, offset, count.
const ENTRY: usize = 16;
/// Keys are kept as packages of this name.
const KEYS: &str = "gpg-pubkey";

pub(super) fn read(files: &HostFiles, packages: &mut Vec<Package>) -> Result<(), ReadError> {
    for (path, unfinished) in DATABASES.into_iter().zip(UNFINISHED) {
        let Some(file) = disk::open(&files.path(path))? else { continue };
        if disk::stamp(&files.path(unfinished)).is_some_and(|(length, _)| length > 0) {
            return Err(ReadError::Unfinished { path });
        }
        let damaged = |reason| ReadError::Damaged { path, reason };
        let database = Database::open(file).map_err(damaged)?;
        let mut take = |row: &[Column]| match row.get(1) {
            Some(Column::Bytes(header)) => {
                let package = parse(header).ok_or("the header of a package ends too early")?;
                packages.extend((package.name != KEYS).then_some(package));
                Ok(())
            }
            _ => Err("a package has no header"),
        };
        return database.rows("Packages", &mut take).map_err(damaged);
    }
    if let Some(path) = OLDER.into_iter().find(|path| disk::stamp(&files.path(path)).is_some()) {
        tracing::info!(path, "this kind of rpm database is not read: the host's packages are not reported");
    }
    Ok(())
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn parse(header: &[u8]) -> Option<Package> {
    let entries = number(header, 0)? as usize;
    let index = header.get(8..)?.get(..entries.checked_mul(ENTRY)?)?;
    let values = header.get(8 + index.len()..)?;
    let place = |tag: u32| {
        let entry = index.chunks_exact(ENTRY).find(|entry| number(entry, 0) == Some(tag))?;
        values.get(number(entry, 8)? as usize..)
    };
    let text = |tag: u32| {
        let text = place(tag)?.split(|byte| *byte == 0).next()?;
        Some(field(&String::from_utf8_lossy(text)))
    };
    let (version, release) = (text(TAG_VERSION)?, text(TAG_RELEASE)?);
    let epoch = place(TAG_EPOCH).and_then(|value| number(value, 0)).filter(|epoch| *epoch > 0);
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let installed = place(TAG_INSTALLED).and_then(|value| number(value, 0));
    Some(Package {
        manager: NAME,
        name: text(TAG_NAME)?,
        version: format!("{epoch}{version}-{release}"),
        architecture: text(TAG_ARCHITECTURE).unwrap_or_default(),
        publisher: text(TAG_VENDOR).filter(|vendor| !vendor.is_empty()),
        installed_on: installed.and_then(|seconds| Timestamp::from_second(seconds.into()).ok()),
    })
}
