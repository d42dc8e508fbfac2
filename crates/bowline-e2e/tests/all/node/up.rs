//! `cargo xtask up --node`, as somebody uses it who has never seen it.

use std::path::PathBuf;
use std::process::{Command, Output};

use bowline_e2e::cluster::xtask;
use bowline_e2e::node::can_run;
use bowline_e2e::program::{clean, folder, free_port, part};

/// Stopped at the end, whatever happens before.
struct Up {
    data: tempfile::TempDir,
}

impl Up {
    fn chore(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(xtask());
        // The programs that these tests were built with, and no others.
        command.args(arguments).env("CARGO_TARGET_DIR", folder().parent().unwrap());
        clean(&mut command).env("XDG_DATA_HOME", self.data.path()).output().unwrap()
    }

    /// A command that `up` puts on the PATH.
    fn command(&self, name: &str, arguments: &[&str]) -> String {
        let bin: PathBuf = self.data.path().join("bowline/bin");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(bin.join(name));
        let output = clean(command.args(arguments)).env("PATH", path).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{name} {arguments:?}: {said}");
        said
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.chore(&["down"]);
    }
}

#[test]
fn up_with_a_node_runs_pods_and_reaches_them() {
    const TEST: &str = "node::up::up_with_a_node_runs_pods_and_reaches_them";
    if !can_run(TEST) || part(TEST, "helm", "BOWLINE_HELM", &["helm"]).is_none() {
        return;
    }
    let up = Up { data: tempfile::tempdir().unwrap() };
    let port = free_port().to_string();
    let output = up.chore(&["up", "--node", "--no-build", "--detach", "--port", &port]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("local-node, Connected"), "{said}");
    let _ = up.command("kubectl", &["run", "shell", "--image=localhost/busybox:1", "--", "sleep", "1d"]);
    let _ = up.command("kubectl", &["wait", "--for=condition=Ready", "pod/shell", "--timeout=60s"]);
    let admin = ["create", "clusterrolebinding", "admin", "--clusterrole=cluster-admin", "--user=admin"];
    let _ = up.command("kubectl", &admin);
    let remote = ["kubectl", "local-node", "--group", "first-light", "--"];
    let said = up.command("bowline", &[&remote[..], &["exec", "shell", "--", "hostname"]].concat());
    assert!(said.contains("shell"), "{said}");
    let stopped = up.chore(&["down"]);
    assert!(stopped.status.success(), "{}", String::from_utf8_lossy(&stopped.stderr));
}
