//! What `cargo xtask up` says before it begins, when it cannot.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Output};

use bowline_e2e::program::{binary, clean, free_port};

/// `xtask up` with its data below `/run`, after these commands of a shell in a mount namespace of its own. Needs root.
fn up(before: &str, port: u16) -> Output {
    let xtask = std::env::var_os("BOWLINE_XTASK").unwrap_or_else(|| binary("xtask").into());
    let script = format!("mount -t tmpfs -o size=1m tmpfs /run && {before} && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--", "sh", "-c", &script]).arg(xtask);
    command.args(["up", "--no-cluster", "--no-build", "--port", &port.to_string()]);
    clean(&mut command)
        .env("XDG_DATA_HOME", "/run/data")
        .env("XDG_CACHE_HOME", "/run/cache")
        .output()
        .unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_full_disk_and_a_taken_port_are_said_with_what_to_do() {
    if !nix::unistd::geteuid().is_root() {
        // Not through the captured output: a test that did not run must be seen.
        let test = "up::a_full_disk_and_a_taken_port_are_said_with_what_to_do";
        let _ = writeln!(std::io::stderr(), "skipped: {test}: a mount namespace needs root");
        return;
    }
    let said = refused(&up("head -c 900k /dev/zero > /run/full", free_port()));
    assert!(said.contains("free") && said.contains("XDG_DATA_HOME"), "{said}");
    // Full to the last byte: not even a folder can be made any more.
    let said = refused(&up("(cat /dev/zero > /run/full 2>/dev/null || true)", free_port()));
    assert!(said.contains("/run/data") && said.contains("free"), "{said}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let said = refused(&up("true", listener.local_addr().unwrap().port()));
    assert!(said.contains("is taken by") && said.contains("--port"), "{said}");
}
