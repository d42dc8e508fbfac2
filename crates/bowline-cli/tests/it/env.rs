//! `bowline env`: what is printed is what a shell reads, in each shell that is there.

use std::process::Command;

use crate::arm::Arm;
use crate::resources::add_roles;
use crate::transcript::mode;

#[test]
fn the_environment_of_other_programs_in_each_shell() {
    let arm = Arm::start();
    let port = arm.url.rsplit(':').next().unwrap().to_owned();
    let mut desk = arm.signed_in();
    desk.known(&format!("localhost_{port}"), "localhost_PORT").known(&format!("localhost:{port}"), "SERVER");
    desk.run("env");
    desk.run("env --shell fish");
    desk.run("env --shell pwsh");
    desk.set("SHELL", "/usr/bin/fish").set("AZURE_CONFIG_DIR", "/chosen");
    let fish = desk.quietly("env", "").stdout;
    assert!(fish.starts_with("set -gx "), "{fish}");
    assert!(!fish.contains("AZURE_CONFIG_DIR"), "a chosen folder is kept");
    desk.run("env --role Reader");
    desk.check("environment");

    let bundle =
        std::fs::read_to_string(desk.path(&format!("config/ca/localhost_{port}.bundle.pem"))).unwrap();
    assert!(bundle.starts_with(arm.ca_pem.trim_end()), "our authority comes first, the system's follow");
}

#[test]
fn a_shell_takes_what_is_printed_and_helm_gets_the_port() {
    let arm = Arm::start();
    let port = arm.url.rsplit(':').next().unwrap().to_owned();
    let desk = arm.signed_in();
    let script = desk.quietly("env", "").stdout;
    // A helm that says how it was called.
    let helm = desk.write("helm", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    Command::new("chmod").arg("+x").arg(&helm).status().unwrap();
    let ask = format!(
        "{script}\nexport PATH=\"{}:$PATH\"\nprintf '%s\\n' \"$AZURE_TENANT_ID\" \"$ARM_RESOURCE_MANAGER_ENDPOINT\" \"$HELMREGISTRY\"\n\
         \"$HELM_CLIENT_PATH\" pull \"oci://localhost/v2/azure-arc-k8sagents\" --version 1.101.0 'a b'",
        desk.dir.path().display()
    );
    let output = Command::new("sh").args(["-eu", "-c", &ask]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    let chart = format!("oci://localhost:{port}/v2/azure-arc-k8sagents");
    let expected = [
        "adfs",
        arm.url.as_str(),
        "localhost/azure-arc-k8sagents:1.101.0",
        "pull",
        chart.as_str(),
        "--version",
        "1.101.0",
        "a b",
    ];
    assert_eq!(lines, expected);
    assert_eq!(mode(&desk.path(&format!("config/helm-with-port/localhost_{port}"))), 0o700);
}

#[test]
fn a_service_principal_is_made_with_a_role_and_its_secret_is_an_assignment() {
    let arm = Arm::start();
    add_roles(&arm);
    let desk = arm.signed_in();
    let ran = desk.quietly("env --create-service-principal --role Reader", "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for name in ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET"] {
        assert!(ran.stdout.contains(&format!("export {name}='")), "{}", ran.stdout);
    }
    assert!(ran.stderr.contains("Reader") && ran.stderr.contains("bowline sp delete"), "{}", ran.stderr);
    assert!(
        ran.stdout.lines().all(|line| line.starts_with("export ")),
        "nothing but assignments: {}",
        ran.stdout
    );
    let again = desk.quietly("env --create-service-principal named --role Nobody", "");
    assert_eq!((again.code, again.stdout.as_str()), (3, ""), "{}", again.stderr);
}
