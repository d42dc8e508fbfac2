//! Checks and apply against a scripted API server.

use bowline_kubernetes::{
    ClusterError, Outcome, Purpose, apply_manifests, apply_object, read_facts, run_checks,
};
use serde_json::json;

use crate::mock::Script;

#[tokio::test]
async fn apply_goes_to_the_right_path_as_the_agent_and_says_who_owns_a_field() {
    let script = Script::default();
    script.answer(200, json!({"kind": "ConfigMap"})).answer(
        409,
        json!({"kind": "Status", "code": 409, "reason": "Conflict", "message": "conflict with \"kubectl\": .data.a"}),
    );
    let connection = script.connection();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n"}});
    apply_object(&connection, &map, true).await.unwrap();
    let error = apply_object(&connection, &map, false).await.unwrap_err();
    assert!(matches!(&error, ClusterError::Conflict { message } if message.contains("kubectl")), "{error}");
    let asked = script.asked();
    assert_eq!(asked[0].0, "PATCH");
    assert_eq!(asked[0].1, "/api/v1/namespaces/n/configmaps/m?fieldManager=bowline-agent&force=true");
    assert!(asked[1].1.ends_with("force=false"));
}

#[tokio::test]
async fn kinds_that_are_not_built_in_are_looked_up_in_the_cluster() {
    let script = Script::default();
    script
        .answer(
            200,
            json!({"resources": [
                {"name": "widgets/status", "kind": "Widget", "namespaced": true},
                {"name": "widgets", "kind": "Widget", "namespaced": true},
            ]}),
        )
        .answer(200, json!({}))
        .answer(200, json!({"resources": []}));
    let connection = script.connection();
    let yaml = "apiVersion: e.org/v1\nkind: Widget\nmetadata: {name: w}\n";
    assert_eq!(apply_manifests(&connection, yaml).await.unwrap(), ["Widget/w"]);
    assert_eq!(script.asked()[1].1.split('?').next().unwrap(), "/apis/e.org/v1/namespaces/default/widgets/w");
    let error = apply_manifests(&connection, yaml).await.unwrap_err();
    assert!(error.to_string().contains("e.org/v1/Widget"), "{error}");
}

#[tokio::test]
async fn checks_name_the_missing_right_and_its_fix() {
    let script = Script::default();
    script
        .answer(200, json!({"major": "1", "minor": "34", "gitVersion": "v1.34.4"}))
        .answer(200, json!({"items": [{}]}))
        .answer(201, json!({"status": {"allowed": true}}))
        .answer(201, json!({"status": {"allowed": false, "reason": "no rule"}}))
        .answer(201, json!({"status": {"allowed": true}}))
        .answer(403, json!({"kind": "Status", "code": 403, "message": "no reviews for you"}))
        .answer(201, json!({"status": {"allowed": true}}));
    let checks = run_checks(&script.connection(), "bowline-system", Purpose::Connect).await;
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "clusterReachable",
            "kubernetesVersion",
            "linuxNode",
            "create namespaces",
            "patch secrets in bowline-system",
            "patch configmaps in bowline-system",
            "create clusterroles.rbac.authorization.k8s.io",
            "create clusterrolebindings.rbac.authorization.k8s.io",
        ]
    );
    let failed: Vec<_> = checks.iter().filter(|check| check.is_failed()).collect();
    assert_eq!(failed.len(), 2);
    let Outcome::Failed { why, fix } = &failed[0].outcome else { panic!() };
    assert!(why.contains("no rule") && fix.contains("bowline-system"), "{why} {fix}");
    let review: serde_json::Value = serde_json::from_str(&script.asked()[3].2).unwrap();
    assert_eq!(review["spec"]["resourceAttributes"]["namespace"], "bowline-system");
}

#[tokio::test]
async fn a_cluster_that_refuses_the_credentials_fails_once_and_skips_the_rest() {
    let script = Script::default();
    script.answer(401, json!({"kind": "Status", "code": 401, "message": "Unauthorized"}));
    let checks = run_checks(&script.connection(), "bowline-system", Purpose::Agent).await;
    assert_eq!(checks[0].name, "clusterCredentials");
    assert!(checks[0].is_failed());
    assert!(checks[1..].iter().all(|check| matches!(check.outcome, Outcome::Skipped { .. })));
}

#[tokio::test]
async fn a_load_balancers_error_page_is_not_taken_for_an_answer() {
    let script = Script::default();
    script.answer(502, json!("<html>Bad Gateway</html>"));
    let error = script.connection().get("/version").await.unwrap_err();
    assert!(matches!(error, ClusterError::Refused { code: 502, .. }), "{error}");
    assert!(error.to_string().contains("Bad Gateway") && error.is_transient(), "{error}");
}

#[tokio::test]
async fn facts_are_summed_over_pages() {
    let node = |name: &str| {
        json!({"metadata": {"name": name}, "spec": {"providerID": "aws:///a/i"},
        "status": {"capacity": {"cpu": "1500m"}, "nodeInfo": {"kubeletVersion": "v1.30.4+k3s1"}}})
    };
    let script = Script::default();
    script
        .answer(200, json!({"gitVersion": "v1.30.4+k3s1"}))
        .answer(200, json!({"metadata": {"continue": "a/b="}, "items": [node("1"), node("2")]}))
        .answer(200, json!({"metadata": {}, "items": [node("3")]}));
    let facts = read_facts(&script.connection()).await.unwrap();
    assert_eq!(
        serde_json::to_value(facts).unwrap(),
        json!({"kubernetesVersion": "1.30.4+k3s1", "distribution": "k3s", "infrastructure": "aws",
            "totalNodeCount": 3, "totalCoreCount": 5})
    );
    assert!(script.asked()[2].1.ends_with("&continue=a%2Fb%3D"));
}
