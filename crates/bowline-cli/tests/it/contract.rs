//! The output contract: formats, queries, exit codes, and failures in both forms.

use serde_json::json;

use crate::arm::Arm;
use crate::transcript::Desk;

#[test]
fn every_format_shows_the_same_answer() {
    let arm = Arm::start();
    for name in ["plant", "office", "lab"] {
        arm.add_group(name);
    }
    let mut desk = arm.signed_in();
    for format in ["table", "json", "yaml", "tsv", "none"] {
        desk.run(&format!("group list -o {format}"));
    }
    desk.run("group list --query '[].name' -o tsv");
    desk.run(r#"group list --query '[?name==`"lab"`].{name: name, place: location}' -o table"#);
    desk.run(r#"group list --query '[?name==`"none"`] | [0]'"#);
    desk.run("group show -n plant -o table");
    desk.run("group list --query '[].['");
    desk.run("group list -o xml");
    desk.set("BOWLINE_OUTPUT", "tsv").run("group show -n plant");
    desk.check("formats");
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let arm = Arm::start();
    arm.add_group("plant");
    let mut desk = arm.signed_in();
    let fault = |line: &str, status: u16, code: &str, message: &str| {
        let body = json!({"error": {"code": code, "message": message}});
        arm.model().faults.push((line.to_owned(), status, body));
    };
    desk.run("group show -n missing");
    desk.run("group show -n missing -o json");
    fault(
        "GET",
        403,
        "AuthorizationFailed",
        "'admin' may not read '/subscriptions/…' (needs Microsoft.Resources/subscriptions/resourceGroups/read).",
    );
    desk.run("group list");
    fault("PUT", 409, "ResourceGroupBeingDeleted", "The resource group 'plant' is being deleted.");
    desk.run("group create -n plant");
    fault("GET", 500, "InternalServerError", "The request failed.");
    desk.run("group list");
    arm.model().faults.push(("GET".into(), 502, json!("<html>\n<h1>Bad Gateway</h1>")));
    desk.run("group list");
    desk.run("group create -n ..");
    desk.run("group delete -n plant");
    desk.run("group list --subscription nowhere");
    desk.check("exit_codes");
}

#[test]
fn a_busy_server_is_asked_again() {
    let arm = Arm::start();
    arm.add_group("plant");
    let desk = arm.signed_in();
    for _ in 0..3 {
        arm.model().faults.push((
            "GET /subscriptions".into(),
            429,
            json!({"error": {"code": "TooManyRequests", "message": "slow down"}}),
        ));
    }
    assert_eq!(desk.quietly("group list", "").code, 0);
    assert!(arm.model().faults.is_empty());
}

#[test]
fn a_server_that_is_away_is_said_to_be() {
    let mut desk = Desk::new();
    desk.run("login --server https://localhost:1");
    desk.run("cluster list");
    desk.run("login --server ftp://x");
    desk.set("BOWLINE_CONFIG_DIR", "/proc/none").run("config set output table");
    desk.check("server_away");
}

#[test]
fn settings_are_kept_and_checked() {
    let arm = Arm::start();
    let mut desk = arm.signed_in();
    desk.run("config set group plant");
    desk.run("config set output yaml");
    desk.run("config get group");
    desk.run("config list");
    desk.run("config unset group");
    desk.run("config get group");
    desk.run("config set output loud");
    desk.run("config set server http://plain");
    std::fs::write(desk.path("config/config.toml"), "server = [").unwrap();
    desk.run("config list");
    desk.check("settings");
}

#[test]
fn completion_and_version_need_no_server() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = desk.quietly(&format!("completion {shell}"), "");
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("enrollment-token"), "{shell}");
    }
    let version = desk.quietly("version -o json", "").stdout;
    let version: serde_json::Value = serde_json::from_str(&version).unwrap();
    assert!(
        version["version"].is_string() && version["commit"].is_string() && version["protocol"].is_number()
    );
}

/// The help of every command, so that a change of an option is seen in review.
#[test]
fn help() {
    let mut desk = Desk::new();
    desk.run("--help");
    for group in [
        "cluster connect",
        "machine connect",
        "login",
        "sp create",
        "role assignment create",
        "enrollment-token create",
    ] {
        desk.run(&format!("{group} -h"));
    }
    desk.check("help");
}
