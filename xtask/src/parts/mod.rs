//! Foreign programs that `up` and the tests run: built from published Go modules, or installed from Debian.
//!
//! A Go part is a folder below `parts/` with its own `go.mod`, `go.sum` and `main.go`, so what is built is pinned and
//! checked by hash. A Debian part is a list of packages. The real clients ([`clients`]) and PostgreSQL's newer servers
//! ([`postgres`]) come from their own registries by pinned version ([`pinned`]); what a node runs is [`unpacked`] from
//! Debian's packages. Nothing foreign is committed.

pub(crate) mod azurite;
pub(crate) mod clients;
mod debian;
pub(crate) mod engines;
mod go;
mod pinned;
pub(crate) mod postgres;
pub(crate) mod unpacked;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::say;

pub(crate) use debian::{DebianPart, ensure as ensure_installed, install};
pub(crate) use go::{GoPart, ensure as ensure_built, find as find_built, require_go};

/// etcd, the control plane, what runs on a node, and kubectl, in one program.
pub(crate) const KUBERNETES: GoPart = GoPart {
    name: "kubernetes",
    what: "etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy and kubectl",
    package: go::OURS,
    programs: &[
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kubectl",
    ],
    version_of: "k8s.io/kubernetes",
    stamp: &["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"],
    minutes: 6,
    disk: 5 << 30,
};

/// The program that installs charts.
pub(crate) const HELM: GoPart = GoPart {
    name: "helm",
    what: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    programs: &["helm"],
    version_of: "helm.sh/helm/v3",
    stamp: &[],
    minutes: 2,
    disk: 2 << 30,
};

const BUILT: [&GoPart; 2] = [&KUBERNETES, &HELM];
const INSTALLED: [&DebianPart; 3] = [&debian::POSTGRES, &debian::CHROMIUM, &debian::PROMETHEUS];

/// `cargo xtask parts [name]`.
pub(crate) fn run(paths: &Paths, name: Option<&str>) -> Result<()> {
    let Some(name) = name else { return list(paths) };
    if let Some(part) = BUILT.iter().find(|part| part.name == name) {
        println!("{}", ensure_built(paths, part)?.display());
    } else if let Some(part) = INSTALLED.iter().find(|part| part.name == name) {
        println!("{}", ensure_installed(part)?.display());
    } else if name == clients::NAME {
        for (_, place) in clients::ensure(paths)? {
            println!("{}", place.display());
        }
    } else if name == azurite::NAME {
        println!("{}", azurite::ensure(paths)?.display());
    } else if name == engines::NAME {
        println!("{}", engines::ensure(paths)?.display());
    } else if name == unpacked::NAME {
        println!("{}", unpacked::ensure(paths)?.display());
    } else if name == postgres::NAME {
        for (_, place) in postgres::ensure(paths)? {
            println!("{}", place.display());
        }
    } else {
        let built = BUILT.iter().map(|part| part.name);
        let known: Vec<_> = built
            .chain(INSTALLED.iter().map(|part| part.name))
            .chain([clients::NAME, postgres::NAME, azurite::NAME, engines::NAME, unpacked::NAME])
            .collect();
        bail!("there is no part named `{name}`; there are: {}", known.join(", "));
    }
    Ok(())
}

fn list(paths: &Paths) -> Result<()> {
    for part in BUILT {
        print_line(part.name, part.what, find_built(paths, part)?);
    }
    for part in INSTALLED {
        print_line(part.name, part.what, part.find());
    }
    print_line(clients::NAME, clients::WHAT, clients::find(paths)?);
    print_line(postgres::NAME, postgres::WHAT, postgres::find(paths)?);
    print_line(azurite::NAME, azurite::WHAT, azurite::find(paths)?);
    print_line(engines::NAME, engines::WHAT, engines::find(paths)?);
    print_line(unpacked::NAME, unpacked::WHAT, unpacked::find(paths));
    say::note("make one with `cargo xtask parts NAME`");
    Ok(())
}

fn print_line(name: &str, what: &str, place: Option<PathBuf>) {
    let place = place.map_or_else(|| "not there".to_owned(), |place| place.display().to_string());
    println!("{name:12} {place}  ({what})");
}

/// The Debian parts, for those who need them by name.
pub(crate) fn postgres_part() -> &'static DebianPart {
    &debian::POSTGRES
}

/// What reads the metrics.
pub(crate) fn prometheus_part() -> &'static DebianPart {
    &debian::PROMETHEUS
}

/// What lets a test's clock jump.
pub(crate) fn faketime_part() -> &'static DebianPart {
    &debian::FAKETIME
}

/// The browser that tests drive.
pub(crate) fn chromium_part() -> &'static DebianPart {
    &debian::CHROMIUM
}
