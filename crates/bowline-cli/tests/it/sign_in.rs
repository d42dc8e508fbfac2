//! Signing in, staying signed in, and leaving.

use std::process::Child;

use crate::arm::{Arm, PASSWORD};
use crate::transcript::mode;

#[test]
fn a_password_signs_in_without_a_browser() {
    let arm = Arm::start();
    let mut desk = arm.desk();
    desk.run("group list");
    desk.run(&format!(
        "login --server {} --ca-file DIR/ca.crt --username admin --password-file DIR/password -o table",
        arm.url
    ));
    std::fs::remove_file(desk.path("ca.crt")).unwrap();
    desk.run("whoami -o table");
    desk.run("subscription list -o table");
    desk.run("logout");
    assert!(arm.model().refresh.is_empty(), "the server was told");
    desk.run("whoami");
    desk.check("sign_in_by_password");
    assert!(!desk.path("config/credentials.json").exists(), "a sign-out leaves no credential");
}

#[test]
fn a_wrong_password_says_so_and_is_never_shown() {
    let arm = Arm::start();
    let mut desk = arm.desk();
    desk.write("password", "canary-wrong-password");
    desk.run(&format!(
        "login --server {} --ca-file DIR/ca.crt --username admin --password-file DIR/password",
        arm.url
    ));
    desk.run_with_input(
        &format!(
            "login --server {} --ca-file DIR/ca.crt --username admin --password-file - -o json",
            arm.url
        ),
        "canary-also-wrong\n",
    );
    desk.run(&format!("login --server {} --ca-file DIR/ca.crt --username admin", arm.url));
    desk.check("sign_in_refused");
}

#[test]
fn the_device_flow_waits_and_slows_down() {
    let arm = Arm::start();
    arm.model().pending = vec!["authorization_pending", "slow_down"];
    // The person approves on the page while the command polls.
    arm.model().approved = true;
    let mut desk = arm.desk();
    let start = std::time::Instant::now();
    desk.run(&format!("login --server {} --ca-file DIR/ca.crt -o table", arm.url));
    assert!(start.elapsed().as_secs() >= 1 + 1 + 6, "1 s, 1 s, and 5 s more after being told to slow down");
    desk.check("sign_in_by_device_code");
}

#[test]
fn a_denied_device_code_ends_the_wait() {
    let arm = Arm::start();
    let mut desk = arm.desk();
    desk.run(&format!("login --server {} --ca-file DIR/ca.crt", arm.url));
    desk.check("sign_in_denied");
}

#[test]
fn a_service_principal_signs_in_by_secret_and_by_key() {
    let arm = Arm::start();
    let mut desk = arm.desk();
    desk.write("secret", "canary-secret-of-sp\n");
    let key = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .output()
        .unwrap();
    std::fs::write(desk.path("key.pem"), key.stdout).unwrap();
    let login = format!(
        "login --server {} --ca-file DIR/ca.crt --service-principal --client-id 9b0b6ac6-0000-0000-0000-000000000001",
        arm.url
    );
    desk.run(&format!("{login} --client-secret-file DIR/secret -o table"));
    desk.run("whoami --query kind -o tsv");
    desk.run(&format!("{login} --client-assertion-key-file DIR/key.pem --query server -o tsv"));
    desk.write("secret", "wrong");
    desk.run(&format!("{login} --client-secret-file DIR/secret"));
    desk.run(&login);
    desk.check("sign_in_service_principal");
}

#[test]
fn an_untrusted_certificate_is_shown_and_never_skipped() {
    let arm = Arm::start();
    let other = Arm::start();
    let mut desk = arm.desk();
    desk.run(&format!("login --server {} --username admin --password-file DIR/password", arm.url));
    desk.write("ca.crt", &other.ca_pem);
    desk.run(&format!(
        "login --server {} --ca-file DIR/ca.crt --username admin --password-file DIR/password",
        arm.url
    ));
    desk.write("ca.crt", "no certificate");
    desk.run(&format!("login --server {} --ca-file DIR/ca.crt", arm.url));
    desk.run(&format!("login --server {}", arm.url.replace("https", "http")));
    desk.check("certificate_not_trusted");
    assert!(arm.model().calls.is_empty(), "nothing was sent to a server that is not trusted");
}

#[test]
fn credentials_are_private_and_tokens_are_printed_by_token_alone() {
    let arm = Arm::start();
    arm.add_group("plant");
    let desk = arm.signed_in();
    assert_eq!(mode(&desk.path("config/credentials.json")), 0o600);
    assert_eq!(mode(&desk.path("config")), 0o700);
    let token = desk.quietly("token", "").stdout;
    assert_eq!(token.trim(), arm.model().access.last().unwrap());
    let token = desk.quietly("token -o json --query accessToken", "").stdout;
    assert!(token.contains("canary"), "{token}");
    for command in
        ["group list --debug", "whoami --debug -o json", "config list", "cluster list -o yaml --debug"]
    {
        let ran = desk.quietly(command, "");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("canary"), "{command}: {}", ran.stderr);
    }
    let login = format!(
        "login --server {} --ca-file DIR/ca.crt --username admin --password-file DIR/password --debug",
        arm.url
    );
    let ran = desk.quietly(&login, "");
    assert!(ran.stderr.contains("> POST") && ran.stderr.contains("[redacted]"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("canary") && !ran.stderr.contains(PASSWORD), "{}", ran.stderr);
}

#[test]
fn a_token_is_renewed_before_its_end_and_after_a_refusal() {
    let arm = Arm::start();
    arm.model().lifetime = 0;
    let desk = arm.signed_in();
    let before = arm.model().refreshes;
    arm.model().lifetime = 3600;
    assert_eq!(desk.quietly("group list", "").code, 0);
    assert_eq!(arm.model().refreshes, before + 1, "the spent token was renewed");
    assert_eq!(desk.quietly("group list", "").code, 0);
    assert_eq!(arm.model().refreshes, before + 1, "a fresh token is kept");
    arm.model().access.clear();
    assert_eq!(desk.quietly("group list", "").code, 0);
    assert_eq!(arm.model().refreshes, before + 2, "a refused token is renewed once");
    arm.model().access.clear();
    arm.model().refresh.clear();
    let ran = desk.quietly("group list", "");
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("bowline login"), "{}", ran.stderr);
}

/// Eight commands at once find the token spent: one renews it, none spends the refresh token twice.
#[test]
fn commands_at_the_same_time_share_one_renewal() {
    let arm = Arm::start();
    arm.model().lifetime = 0;
    let desk = arm.signed_in();
    let before = arm.model().refreshes;
    arm.model().lifetime = 3600;
    let running: Vec<Child> = (0..8).map(|_| desk.command("group list").spawn().unwrap()).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(arm.model().refreshes, before + 1);
}
