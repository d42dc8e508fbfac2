//! What `up` needs from the machine, looked at before anything is begun.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::parts::{self, GoPart};

/// A program that must be there.
struct Tool {
    program: &'static str,
    why: &'static str,
    /// The Debian package that brings it, where that is recent enough.
    package: Option<&'static str>,
    /// What to do where there is none.
    advice: &'static str,
}

const COMPILER: Tool = Tool {
    program: "cc",
    why: "SQLite and the cryptography are C",
    package: Some("build-essential"),
    advice: "",
};
const OPENSSL: Tool = Tool {
    program: "openssl",
    why: "certificates are made and checked with it",
    package: Some("openssl"),
    advice: "",
};
const NODE: Tool = Tool {
    program: "node",
    why: "the portal is built with it",
    package: None,
    advice: "install Node.js 20.19 or newer with npm: https://nodejs.org/en/download",
};
const NPM: Tool = Tool { program: "npm", ..NODE };

/// Fails with everything that is missing, after installing what Debian has.
pub(super) fn require(portal: bool, built: Option<&GoPart>) -> Result<()> {
    let mut tools = vec![COMPILER, OPENSSL];
    if portal {
        tools.extend([NODE, NPM]);
    }
    let mut missing = Vec::new();
    for tool in tools.iter().filter(|tool| command::find(tool.program).is_none()) {
        match tool.package {
            Some(package) => {
                missing.extend(parts::install(&[package], tool.why).err().map(|error| error.to_string()));
            }
            None => missing.push(format!("`{}` is missing ({}): {}", tool.program, tool.why, tool.advice)),
        }
    }
    if portal && command::find(NODE.program).is_some() {
        missing.extend(require_node().err().map(|error| error.to_string()));
    }
    missing.extend(built.and_then(|part| parts::require_go(part).err()).map(|error| error.to_string()));
    if !missing.is_empty() {
        bail!("something is missing; `up` goes on from here when it is there\n- {}", missing.join("\n- "));
    }
    Ok(())
}

/// The oldest Node.js that builds the portal.
const OLDEST_NODE: (u32, u32) = (20, 19);

fn require_node() -> Result<()> {
    let said = command::capture(Command::new("node").arg("--version"))?;
    let version = parse(&said).with_context(|| format!("node calls itself `{said}`, which is no version"))?;
    if version < OLDEST_NODE {
        bail!("Node.js {said} is too old: {}", NODE.advice);
    }
    Ok(())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_compare_as_numbers() {
        assert!(super::parse("v20.9.0").unwrap() < super::OLDEST_NODE);
        assert!(super::parse("v22.1.0").unwrap() > super::OLDEST_NODE);
        assert_eq!(super::parse("weird"), None);
    }
}
