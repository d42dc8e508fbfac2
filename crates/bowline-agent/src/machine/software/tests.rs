//! Databases that the real tools made, and what is done about broken ones.
#![allow(clippy::disallowed_methods, reason = "tests make the files of a host")]

use std::fs;
use std::path::Path;

use super::*;

/// Made by rpm 4.18 with two packages; one has a header of several pages.
const RPM: &[u8] = include_bytes!("../../../tests/fixtures/software/rpmdb.sqlite.zst");
/// Made by dpkg 1.21: four packages, and what is left of a fifth. The other is text as apk writes it.
const DPKG: &str = include_str!("../../../tests/fixtures/hosts/physical-lvm/var/lib/dpkg/status");
const APK: &str = include_str!("../../../tests/fixtures/software/apk-installed");

fn place(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn rpm_database() -> Vec<u8> {
    zstd::decode_all(RPM).unwrap()
}

/// `manager name version architecture publisher`, of all that is read.
fn seen(root: &Path) -> Vec<String> {
    let packages = read(&HostFiles::at(root)).unwrap();
    let line = |it: &Package| {
        let publisher = it.publisher.as_deref().unwrap_or("-");
        format!("{} {} {} {} {publisher}", it.manager, it.name, it.version, it.architecture)
    };
    packages.iter().map(line).collect()
}

#[test]
fn what_dpkg_has_installed_is_read_and_what_it_removed_is_not() {
    let host = tempfile::tempdir().unwrap();
    place(host.path(), "var/lib/dpkg/status", DPKG.as_bytes());
    let extra = "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n";
    place(host.path(), "var/lib/dpkg/status.d/base", extra.as_bytes());
    place(host.path(), "var/lib/dpkg/status.d/base.md5sums", b"0  etc/motd\n");
    assert_eq!(
        seen(host.path()),
        [
            "dpkg library 2.36-9+deb12u10 amd64 Bowline Fixtures <fixtures@bowline.invalid>",
            "dpkg library 2.36-9+deb12u10 i386 Bowline Fixtures <fixtures@bowline.invalid>",
            "dpkg shell 5.2.15-2+b7 amd64 Bowline Fixtures <fixtures@bowline.invalid>",
            "dpkg zones 2025b-0+deb12u1 all Bowline Fixtures <fixtures@bowline.invalid>",
            "dpkg base-files 12.4 amd64 -",
        ]
    );
}

#[test]
fn what_apk_has_installed_is_read() {
    let host = tempfile::tempdir().unwrap();
    place(host.path(), "lib/apk/db/installed", APK.as_bytes());
    assert_eq!(
        seen(host.path()),
        [
            "apk musl 1.2.5-r0 x86_64 Timo Teräs <timo.teras@iki.fi>",
            "apk busybox 1.36.1-r29 x86_64 Sören Tempel <soeren+alpine@soeren-tempel.net>",
        ]
    );
}

#[test]
fn what_rpm_has_installed_is_read_from_either_place() {
    for path in ["var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"] {
        let host = tempfile::tempdir().unwrap();
        place(host.path(), path, &rpm_database());
        let mut seen = seen(host.path());
        seen.sort();
        assert_eq!(
            seen,
            ["rpm alpha 1.2-3 noarch Bowline alpha", "rpm beta 2:1.2.7-3.el9 x86_64 Bowline beta"]
        );
        let packages = read(&HostFiles::at(host.path())).unwrap();
        assert!(
            packages.iter().all(|it| it.installed_on.is_some_and(|at| at.to_string().starts_with("2026-")))
        );
        assert!(packages.iter().any(|it| it.key() == "software/rpm/beta/x86_64/2:1.2.7-3.el9"));
    }
}

#[test]
fn a_broken_database_is_an_error_wherever_it_breaks() {
    let host = tempfile::tempdir().unwrap();
    let (path, whole) = ("var/lib/rpm/rpmdb.sqlite", rpm_database());
    let files = HostFiles::at(host.path());
    for length in [0, 50, 100, 4096, whole.len() / 2] {
        place(host.path(), path, &whole[..length]);
        assert!(matches!(read(&files), Err(ReadError::Damaged { .. })), "{length} bytes");
    }
    // Whatever a byte of it is: an answer, and soon. The pages beyond the first are those of the table and of indices.
    for at in (0..whole.len()).step_by(1567) {
        for byte in [0, 5, 13, 0x80, 0xff] {
            let mut broken = whole.clone();
            broken[at] = byte;
            place(host.path(), path, &broken);
            let _ = read(&files);
        }
    }
    place(host.path(), path, &whole);
    place(host.path(), "var/lib/rpm/rpmdb.sqlite-wal", b"something");
    assert!(matches!(read(&files), Err(ReadError::Unfinished { .. })));
}

#[tokio::test]
async fn only_what_changed_goes_up() {
    let host = tempfile::tempdir().unwrap();
    let files = HostFiles::at(host.path());
    let mut software = Software::default();
    assert!(software.look(&files).await.is_empty());
    place(host.path(), "var/lib/dpkg/status", DPKG.as_bytes());
    let first = software.look(&files).await;
    assert_eq!(first.len(), 4);
    let shell = first.iter().find(|delta| delta.key == "software/dpkg/shell/amd64").unwrap();
    assert_eq!(shell.object.as_ref().unwrap()["version"], "5.2.15-2+b7");
    assert!(software.look(&files).await.is_empty());

    let newer = DPKG
        .replace("5.2.15-2+b7", "5.2.15-2+b8-security")
        .replace("Package: zones", "Package: zones-legacy");
    place(host.path(), "var/lib/dpkg/status", newer.as_bytes());
    let changes = software.look(&files).await;
    let mut keys: Vec<_> = changes.iter().map(|delta| (delta.key.as_str(), delta.deleted)).collect();
    keys.sort_unstable();
    let expected = [
        ("software/dpkg/shell/amd64", false),
        ("software/dpkg/zones-legacy/all", false),
        ("software/dpkg/zones/all", true),
    ];
    assert_eq!(keys, expected);

    software.forget();
    assert_eq!(software.look(&files).await.len(), 4);
}

#[tokio::test]
async fn what_cannot_be_read_now_is_read_at_a_later_look_and_nothing_is_lost_meanwhile() {
    let host = tempfile::tempdir().unwrap();
    let files = HostFiles::at(host.path());
    let mut software = Software::default();
    place(host.path(), "var/lib/rpm/rpmdb.sqlite", &rpm_database());
    assert_eq!(software.look(&files).await.len(), 2);
    place(host.path(), "var/lib/rpm/rpmdb.sqlite-wal", b"a transaction");
    assert!(software.look(&files).await.is_empty(), "no tombstones");
    place(host.path(), "var/lib/rpm/rpmdb.sqlite-wal", b"");
    assert!(software.look(&files).await.is_empty(), "nothing changed");
}

#[test]
fn a_field_is_one_line_and_not_too_long() {
    assert_eq!(field("  a\tb "), "ab");
    assert_eq!(field(&"ä".repeat(200)).chars().count(), 128);
}
