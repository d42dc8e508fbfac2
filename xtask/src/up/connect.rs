//! What `up` does as a user: through the `bowline` command, and with no other means.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Names;
use crate::paths::Paths;
use crate::{command, say};

/// The resource group that `up` puts both into.
pub(super) const GROUP: &str = "first-light";
/// The first user.
pub(super) const ADMIN: &str = "admin";
/// The command's exit code for "somebody else has that".
const CONFLICT: i32 = 5;

/// The `bowline` command with a configuration of its own, so that a user's other sign-ins stay as they are.
#[derive(Debug)]
pub(super) struct Bowline {
    program: PathBuf,
    configuration: PathBuf,
    url: String,
    data: PathBuf,
}

impl Bowline {
    pub(super) fn new(paths: &Paths, url: &str) -> Result<Self> {
        let bowline = Self {
            program: paths.built("bowline"),
            configuration: paths.data.join("cli"),
            url: url.to_owned(),
            data: paths.data.clone(),
        };
        let configuration = ("BOWLINE_CONFIG_DIR", bowline.configuration.as_path());
        write_shortcut(paths, "bowline", configuration, &bowline.program)?;
        Ok(bowline)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = local_command(&self.program);
        command.args(arguments).env("BOWLINE_CONFIG_DIR", &self.configuration);
        command
    }

    /// Signs in with the device flow, which the command approves itself with the password, and makes the group.
    pub(super) fn sign_in(&self) -> Result<()> {
        let mut login =
            self.command(&["login", "--server", &self.url, "--username", ADMIN, "--password-file"]);
        login.arg(self.data.join("admin-password")).arg("--ca-file").arg(self.data.join("server/ca.crt"));
        command::capture(&mut login)?;
        command::capture(&mut self.command(&["group", "create", "--name", GROUP, "--location", "local"]))?;
        Ok(())
    }

    pub(super) fn connect_machine(&self, name: &str) -> Result<()> {
        let state = self.data.join("machine");
        fs::create_dir_all(&state).with_context(|| format!("{} cannot be made", state.display()))?;
        self.connect(&["machine", "connect", "--name", name, "--group", GROUP, "--timeout", "0"], |command| {
            command.arg("--state-dir").arg(&state);
        })
    }

    pub(super) fn connect_cluster(&self, name: &str, kubeconfig: &Path) -> Result<()> {
        // The agent runs beside the cluster, or is installed already from an image that no registry has.
        let connect =
            ["cluster", "connect", "--name", name, "--group", GROUP, "--no-install", "--timeout", "0"];
        self.connect(&connect, |command| {
            command.arg("--kubeconfig").arg(kubeconfig);
        })
    }

    /// Connecting what is connected changes nothing. Where the other side lost its key (a folder was deleted), the
    /// name is taken by its former self, and only then it is taken over.
    fn connect(&self, arguments: &[&str], add: impl Fn(&mut Command)) -> Result<()> {
        let run = |more: &[&str]| -> Result<(Output, String)> {
            let mut command = self.command(arguments);
            add(&mut command);
            command.args(more);
            Ok((command::output(&mut command)?, command::text(&command)))
        };
        let (mut output, mut text) = run(&[])?;
        if output.status.code() == Some(CONFLICT) {
            say::note(format!(
                "{} lost its key since the last start; it takes its name over again",
                arguments[0]
            ));
            (output, text) = run(&["--replace"])?;
        }
        if !output.status.success() {
            bail!(
                "`{text}` {}: {}",
                command::outcome(output.status),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// What is waited for, or nothing when both are Connected.
    pub(super) fn not_yet_connected(&self, names: &Names) -> Result<Option<String>> {
        let machine = self.show(&["machine", "show", "--name", &names.machine])?;
        if let Some(state) = other_than_connected(&machine, "/properties/status") {
            return Ok(Some(format!("the machine {} is still {state}", names.machine)));
        }
        let Some((name, _)) = &names.cluster else { return Ok(None) };
        let cluster = self.show(&["cluster", "show", "--name", name])?;
        let state = other_than_connected(&cluster, "/properties/connectivityStatus");
        Ok(state.map(|state| format!("the cluster {name} is still {state}")))
    }

    fn show(&self, arguments: &[&str]) -> Result<Value> {
        let text = command::capture(self.command(arguments).args(["--group", GROUP, "--output", "json"]))?;
        serde_json::from_str(&text)
            .with_context(|| format!("`bowline {}` wrote no JSON", arguments.join(" ")))
    }
}

/// `bin/NAME`: a command as `up` uses it, to be put on the PATH; a variable that is set already stays.
pub(super) fn write_shortcut(
    paths: &Paths,
    name: &str,
    (variable, value): (&str, &Path),
    program: &Path,
) -> Result<()> {
    let folder = paths.data.join("bin");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let file = folder.join(name);
    let text = format!(
        "#!/bin/sh\n# Written by `cargo xtask up`: {name} as it is used with what `up` started.\n\
         export {variable}=\"${{{variable}:-{}}}\"\nexec \"{}\" \"$@\"\n",
        value.display(),
        program.display()
    );
    fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn other_than_connected(resource: &Value, pointer: &str) -> Option<String> {
    match resource.pointer(pointer).and_then(Value::as_str) {
        Some("Connected") => None,
        Some(other) => Some(other.to_owned()),
        None => Some("without a status".to_owned()),
    }
}

/// A program of ours that talks to this machine or to a node on it: a proxy for the outside must not get those requests.
pub(super) fn local_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["NO_PROXY", "no_proxy"] {
        let others = env::var(name).ok().filter(|value| !value.is_empty()).map(|value| format!(",{value}"));
        command.env(name, format!("localhost,127.0.0.1,198.18.0.0/15{}", others.unwrap_or_default()));
    }
    command
}

/// This host's name, as a resource may be called.
pub(crate) fn machine_name() -> Result<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").context("the host's name cannot be read")?;
    Ok(resource_name(name.trim().split('.').next().unwrap_or_default(), "this-machine"))
}

/// The cluster of `up` is `local`; a cluster of the user's is called like the context of its kubeconfig.
pub(super) fn cluster_name(ours: bool, kubeconfig: &Path) -> String {
    if ours {
        return "local".to_owned();
    }
    let text = fs::read_to_string(kubeconfig).unwrap_or_default();
    resource_name(&current_context(&text).unwrap_or_default(), "existing")
}

/// Kubeconfigs are YAML, written by programs: the one key at the left margin is all that is needed of it.
fn current_context(text: &str) -> Option<String> {
    let line = text.lines().map(|line| line.trim_start().trim_start_matches('"'));
    let value = line.filter_map(|line| line.strip_prefix("current-context")).next()?;
    Some(value.trim_matches(|character| " \":,'".contains(character)).to_owned())
}

/// Letters, digits and inner hyphens, at most 54: what every resource type allows.
fn resource_name(text: &str, fallback: &str) -> String {
    let allowed = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
    let name: String = text.chars().map(allowed).take(54).collect();
    match name.trim_matches('-') {
        "" => fallback.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_resources() {
        for (text, name) in
            [("edge_01", "edge-01"), ("arn:aws:eks/prod", "arn-aws-eks-prod"), ("--", "x"), ("", "x")]
        {
            assert_eq!(resource_name(text, "x"), name);
        }
        assert_eq!(resource_name(&"a".repeat(99), "x").len(), 54);
    }

    #[test]
    fn the_context_is_read_from_yaml_and_json() {
        assert_eq!(current_context("kind: Config\ncurrent-context: kind-dev\n").unwrap(), "kind-dev");
        assert_eq!(current_context("{\n  \"current-context\": \"local\",\n}").unwrap(), "local");
        assert_eq!(current_context("kind: Config\n"), None);
    }

    #[test]
    fn only_connected_is_connected() {
        let resource = serde_json::json!({"properties": {"status": "Offline"}});
        assert_eq!(other_than_connected(&resource, "/properties/status").unwrap(), "Offline");
        assert!(other_than_connected(&resource, "/properties/none").is_some());
        let resource = serde_json::json!({"properties": {"status": "Connected"}});
        assert_eq!(other_than_connected(&resource, "/properties/status"), None);
    }
}
