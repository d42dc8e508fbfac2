//! The real clients that the suite `clients` drives: azure-cli and the Azure SDKs for Python, JavaScript and Go.
//!
//! A client is a folder below `tests/clients/` with its pins ([`super::pinned`]).

use std::path::PathBuf;

use anyhow::Result;

use super::pinned::{self, Pinned, with_go, with_npm, with_pip};
use crate::paths::Paths;

const CLIENTS: [Pinned; 5] = [
    Pinned {
        name: "az",
        kept: "client-az",
        folder: "tests/clients/az",
        what: "azure-cli, 0.4 GB, about a minute",
        pins: &["requirements.txt"],
        tool: "python3",
        install: with_pip,
    },
    Pinned {
        name: "python",
        kept: "client-python",
        folder: "tests/clients/python",
        what: "the Azure SDKs for Python, 20 s",
        pins: &["requirements.txt"],
        tool: "python3",
        install: with_pip,
    },
    Pinned {
        name: "javascript",
        kept: "client-javascript",
        folder: "tests/clients/javascript",
        what: "the Azure SDKs for JavaScript, 15 s",
        pins: &["package.json", "package-lock.json"],
        tool: "npm",
        install: with_npm,
    },
    Pinned {
        name: "go",
        kept: "client-go",
        folder: "tests/clients/go",
        what: "the Azure SDK for Go, compiled into its driver, about a minute",
        pins: &["go.mod", "go.sum", "*.go"],
        tool: "go",
        install: with_go,
    },
    // No client, but the issuer through which people sign in: installed and kept in the same way.
    Pinned {
        name: "upstream",
        kept: "client-upstream",
        folder: "tests/clients/upstream",
        what: "oidc-provider, 5 s",
        pins: &["package.json", "package-lock.json"],
        tool: "npm",
        install: with_npm,
    },
];

/// The part's name, for `cargo xtask parts`.
pub(crate) const NAME: &str = "clients";
/// What it is.
pub(crate) const WHAT: &str = "azure-cli and the Azure SDKs for Python, JavaScript and Go";

/// Where each client is, by the name of its folder.
pub(crate) type Places = Vec<(&'static str, PathBuf)>;

/// The folder of the clients, if all are installed.
pub(crate) fn find(paths: &Paths) -> Result<Option<PathBuf>> {
    for client in &CLIENTS {
        if pinned::find(paths, client)?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(paths.cache.join("parts")))
}

/// Finds or installs every client: two to three minutes on two cores when none is there.
pub(crate) fn ensure(paths: &Paths) -> Result<Places> {
    CLIENTS.iter().map(|client| Ok((client.name, pinned::ensure(paths, client)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_pins_in_this_checkout() {
        let paths = Paths::find().unwrap();
        for client in &CLIENTS {
            pinned::tests::check(&paths, client);
        }
    }
}
