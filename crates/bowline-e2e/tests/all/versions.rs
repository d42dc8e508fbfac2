//! Every program says which it is: version, commit and protocol.

use std::process::Command;

use bowline_e2e::program::{binary, clean};

fn said(program: &str, arguments: &[&str]) -> String {
    let output = clean(Command::new(binary(program)).args(arguments)).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn each_program_prints_version_commit_and_protocol() {
    let version = env!("CARGO_PKG_VERSION");
    let json: serde_json::Value = serde_json::from_str(&said("bowline", &["version", "-o", "json"])).unwrap();
    let commit = json["commit"].as_str().unwrap();
    // Without git there is no commit to name, and the programs say so.
    let is_commit = commit.len() >= 12 && commit[..12].bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(commit == "unknown" || is_commit, "{commit}");
    assert_eq!((&json["version"], &json["protocol"]), (&version.into(), &1.into()));
    for (program, arguments) in [
        ("bowline", ["--version"].as_slice()),
        ("bowline-server", &["--version"]),
        ("bowline-server", &["version"]),
        ("bowline-agent", &["--version"]),
        ("bowline-agent", &["version"]),
        ("bowline-agent", &["machine", "version"]),
    ] {
        let wanted = format!("{program} {version} (commit {commit}, protocol 1)");
        assert_eq!(said(program, arguments), wanted, "{program} {arguments:?}");
    }
}
