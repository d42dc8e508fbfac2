//! Groups, resources, service principals, roles, enrolment tokens.

use serde_json::json;

use crate::arm::{Arm, SUBSCRIPTION};
use crate::transcript::mode;

#[test]
fn groups_live_and_die() {
    let arm = Arm::start();
    let mut desk = arm.signed_in();
    desk.run("group list -o table");
    desk.run("group create -n plant --tags owner=ops site=7 -o table");
    desk.run("group create -n plant --query tags");
    desk.run("group create -n 'Plant 7' -l north --query '{id: id, location: location}'");
    desk.run("group create -n bad --tags novalue");
    desk.run("group delete -n plant --yes");
    desk.run("group delete -n plant --yes");
    desk.check("groups");
}

#[test]
fn resources_of_any_type_are_listed_shown_and_deleted() {
    let arm = Arm::start();
    arm.add_group("plant");
    let base = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/plant/providers");
    arm.add(&format!("{base}/Microsoft.Kubernetes/connectedClusters/edge-01"), "Microsoft.Kubernetes/connectedClusters",
        json!({"location": "local", "tags": {"site": "7"}, "properties": {"connectivityStatus": "Connected"}}));
    for name in ["press-1", "press-2"] {
        arm.add(
            &format!("{base}/Microsoft.HybridCompute/machines/{name}"),
            "Microsoft.HybridCompute/machines",
            json!({"location": "local", "properties": {"status": "Disconnected"}}),
        );
    }
    arm.model().faults.push((
        "GET /providers".into(),
        200,
        json!({"value": [{"namespace": "Microsoft.HybridCompute",
        "resourceTypes": [{"resourceType": "machines", "apiVersions": ["2024-07-10", "2026-07-15"]}]}]}),
    ));
    let mut desk = arm.signed_in();
    desk.run("resource list -o table");
    desk.run("machine list -o table");
    desk.run(&format!("resource show --id {base}/Microsoft.HybridCompute/machines/press-1"));
    assert!(arm.model().last.as_ref().unwrap().query.contains("api-version=2026-07-15"));
    desk.run(&format!(
        "resource delete --id {base}/Microsoft.HybridCompute/machines/press-1 --api-version 2026-07-15 --yes"
    ));
    desk.run(&format!(
        "resource delete --id {base}/Microsoft.HybridCompute/machines/press-1 --api-version 2026-07-15 --yes"
    ));
    desk.run(&format!(
        "resource show --id {base}/Microsoft.HybridCompute/machines/press-1 --api-version 2026-07-15"
    ));
    desk.run("resource show --id plant/x");
    desk.check("resources");
}

pub(crate) fn add_roles(arm: &Arm) {
    for (number, name) in [(1, "Owner"), (2, "Reader")] {
        let id = format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{number:08}-0000-0000-0000-000000000000"
        );
        arm.add(
            &id,
            "Microsoft.Authorization/roleDefinitions",
            json!({"properties": {"roleName": name, "description": format!("The role {name}.")}}),
        );
    }
}

#[test]
fn a_service_principal_gets_a_role_and_its_secret_is_shown_once() {
    let arm = Arm::start();
    arm.add_group("plant");
    add_roles(&arm);
    let mut desk = arm.signed_in();
    desk.run("sp create -n robot --role reader -g plant -o table");
    desk.run("role assignment list -g plant -o table");
    desk.run("sp create -n bare --secret-file DIR/secret");
    assert_eq!(mode(&desk.path("secret")), 0o600);
    assert_eq!(std::fs::read_to_string(desk.path("secret")).unwrap(), "canary-new-secret\n");
    let before = arm.model().calls.len();
    desk.run("sp create -n bare --secret-file DIR/secret");
    desk.run("sp create -n bare --role Nobody");
    assert!(
        !arm.model().calls[before..].iter().any(|call| call.starts_with("PUT")),
        "nothing was made before the refusal"
    );
    desk.run("sp list -o tsv --query 'sort([].properties.displayName)'");
    desk.run("role assignment create --assignee nobody --role Reader");
    desk.run(
        "role assignment delete --assignee 55555555-5555-5555-5555-555555555555 --role Reader -g plant --yes",
    );
    desk.run(
        "role assignment delete --assignee 55555555-5555-5555-5555-555555555555 --role Reader -g plant --yes",
    );
    desk.check("service_principals");
}

#[test]
fn an_enrolment_token_is_made_for_what_may_use_it() {
    let arm = Arm::start();
    arm.add_group("plant");
    let mut desk = arm.signed_in();
    desk.run("enrollment-token create -n line-1 -g plant --max-uses 40 --expires-in 7d --for machine cluster -o table");
    desk.run("enrollment-token create -n line-2 -g plant --token-file DIR/token --query token");
    assert_eq!(std::fs::read_to_string(desk.path("token")).unwrap(), "bwe_canary\n");
    desk.run("enrollment-token list -g plant -o tsv");
    desk.run("enrollment-token create -n line-3 -g plant --expires-in forever");
    desk.run("enrollment-token delete -n line-1 -g plant --yes");
    desk.run("enrollment-token list -g nowhere");
    desk.check("enrollment_tokens");
}

#[test]
fn a_query_gives_rows_in_every_form_and_says_where_it_is_wrong() {
    let arm = Arm::start();
    let rows = json!({
        "totalRecords": 2, "count": 2, "resultTruncated": "false", "facets": [],
        "data": {
            "columns": [{"name": "type", "type": "string"}, {"name": "count_", "type": "integer"}, {"name": "some", "type": "object"}],
            "rows": [["microsoft.hybridcompute/machines", 7, ["a, b", 1]], ["microsoft.kubernetes/connectedclusters", 2, null]]
        }
    });
    let wrong = json!({"error": {
        "code": "BadRequest", "message": "The query is not valid: line 1, column 11: there is no column 'nmae'; did you mean 'name'?",
        "details": [{"code": "InvalidQuery", "message": "line 1, column 11: there is no column 'nmae'; did you mean 'name'?", "target": "1:11"}]
    }});
    let mut desk = arm.signed_in();
    let path = "POST /providers/Microsoft.ResourceGraph/resources";
    let answer = || arm.model().faults.push((path.into(), 200, rows.clone()));
    for format in ["table", "json", "csv", "tsv"] {
        answer();
        desk.run(&format!(
            "query 'Resources | summarize count(), some = make_list(name) by type' -o {format}"
        ));
    }
    answer();
    desk.run("query 'Resources' --query '[0].count_'");
    arm.model().faults.push((path.into(), 400, wrong));
    desk.run("query 'Resources | project nmae'");
    desk.check("query");
}

#[test]
fn a_query_is_kept_run_by_its_name_and_forgotten() {
    let arm = Arm::start();
    arm.add_group("plant");
    arm.add_group("office");
    let rows = json!({"data": {"columns": [{"name": "n", "type": "integer"}], "rows": [[7]]}});
    let mut desk = arm.signed_in();
    desk.run("query list -o table");
    desk.run("query save -n 'Old agents' -g plant -d 'to update' 'Resources | count' -o table");
    desk.run("query save -n clusters -g office 'Resources | take 1' --query properties.query");
    desk.run("query list -o tsv");
    desk.run("query list -g office --query '[].name'");
    desk.run("query show -n 'old AGENTS' --query properties.query");
    arm.model().faults.push(("POST /providers/Microsoft.ResourceGraph/resources".into(), 200, rows));
    desk.run("query --saved 'Old agents' -o tsv");
    assert_eq!(arm.model().last.as_ref().unwrap().json()["query"], "Resources | count");
    desk.run("query save -n clusters -g plant 'Resources | take 2' -o none");
    desk.run("query --saved clusters");
    desk.run("query delete -n clusters -g plant --yes");
    desk.run("query show -n clusters --query properties.query");
    desk.run("query delete -n missing --yes");
    desk.run("query");
    desk.run("query 'Resources' --saved clusters");
    desk.check("saved_queries");
}

#[test]
fn a_watched_query_shows_each_change_once_and_ends_cleanly() {
    let arm = Arm::start();
    let desk = arm.signed_in();
    let rows = |n: u32| json!({"data": {"columns": [{"name": "n", "type": "integer"}], "rows": [[n]]}});
    let path = "POST /providers/Microsoft.ResourceGraph/resources";
    // The same answer twice is one; after the last one the server refuses, which ends a watch.
    for n in [1, 1, 2, 3] {
        arm.model().faults.push((path.into(), 200, rows(n)));
    }
    let refused = json!({"error": {"code": "BadRequest", "message": "The query is not valid: gone."}});
    arm.model().faults.push((path.into(), 400, refused));
    let ran = desk.quietly("query 'Resources | count' --watch=1 -o json --query '[0].n'", "");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "1\n2\n3\n"), "{}", ran.stderr);

    // Ctrl-C is how a watch ends: no failure.
    for _ in 0..60 {
        arm.model().faults.push((path.into(), 200, rows(1)));
    }
    let child = desk.command("query 'Resources | count' --watch=1 -o csv").spawn().unwrap();
    let asked = || arm.model().calls.iter().filter(|call| call.starts_with(path)).count();
    let before = asked();
    while asked() < before + 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // The watchdog passes the signal on.
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"n\r\n1\r\n"[..]), "{stderr}");
}
