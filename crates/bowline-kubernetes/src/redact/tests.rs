//! What may leave a cluster, case by case: each kind with what must go and what must stay.

use super::*;
use serde_json::json;

fn redacted(kind: &str, object: Value) -> Value {
    redact(&KindName::parse(kind).unwrap(), object, Rules::default())
}

fn assert_clean(kind: &str, object: Value) -> Value {
    let clean = redacted(kind, object);
    assert!(!clean.to_string().contains("canary"), "{kind}: {clean:#}");
    clean
}

#[test]
fn a_secret_keeps_its_identity_only() {
    let clean = assert_clean(
        "v1/Secret",
        json!({
            "metadata": {
                "name": "s", "namespace": "n", "uid": "u", "labels": {"app": "web"},
                "annotations": {"custom/x": "canary", "meta.helm.sh/release-name": "web"},
                "managedFields": [{"fieldsV1": {"f:data": {"f:canary": {}}}}],
            },
            "data": {"canary": "Y2FuYXJ5"}, "stringData": {"a": "canary"}, "future": "canary", "type": "Opaque",
        }),
    );
    assert_eq!(
        clean,
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {
            "name": "s", "namespace": "n", "uid": "u", "labels": {"app": "web"},
            "annotations": {"meta.helm.sh/release-name": "web"},
        }})
    );
}

#[test]
fn the_kind_comes_from_the_caller_so_that_list_items_are_redacted_too() {
    let without_kind = json!({"metadata": {"name": "s"}, "data": {"k": "canary"}});
    assert_clean("v1/Secret", without_kind);
    let with_wrong_kind = json!({"kind": "Pod", "apiVersion": "v1", "data": {"k": "canary"}});
    assert_clean("v1/Secret", with_wrong_kind);
}

#[test]
fn a_config_map_keeps_keys_and_sizes() {
    let map = json!({"metadata": {"name": "c"}, "data": {"a.conf": "canary"}, "binaryData": {"b": "canary"}});
    let clean = assert_clean("v1/ConfigMap", map.clone());
    assert_eq!(clean["data"]["a.conf"], "[6 bytes stay in the cluster]");
    let open = redact(&KindName::parse("v1/ConfigMap").unwrap(), map, Rules { config_map_values: true });
    assert_eq!(open["data"]["a.conf"], "canary");
    assert_ne!(open["binaryData"]["b"], "canary");
}

#[test]
fn helm_releases_stay_even_when_config_maps_may_leave() {
    let rules = Rules { config_map_values: true };
    for metadata in [json!({"labels": {"owner": "helm"}}), json!({"name": "sh.helm.release.v1.web.v1"})] {
        let map = json!({"metadata": metadata, "data": {"release": "canary"}});
        let clean = redact(&KindName::parse("v1/ConfigMap").unwrap(), map, rules);
        assert!(!clean.to_string().contains("canary"), "{clean}");
    }
    let typed = json!({"type": "helm.sh/release.v1", "data": {"release": "canary"}});
    let clean = redact(&KindName::parse("v1/ConfigMap").unwrap(), typed, rules);
    assert!(!clean.to_string().contains("canary"), "{clean}");
}

fn pod_spec() -> Value {
    json!({
        "containers": [{
            "name": "c", "image": "i", "args": ["--dsn=postgres://u:canary@db/x", "--token=canary", "--keep"],
            "env": [
                {"name": "PLAIN", "value": "canary"},
                {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            ],
            "livenessProbe": {"httpGet": {"path": "/", "httpHeaders": [{"name": "Authorization", "value": "canary"}]}},
        }],
        "initContainers": [{"name": "i", "env": [{"name": "A", "value": "canary"}]}],
        "ephemeralContainers": [{"name": "e", "env": [{"name": "A", "value": "canary"}]}],
    })
}

#[test]
fn environment_values_are_removed_wherever_a_pod_is_described() {
    let template = json!({"metadata": {"annotations": {"x/password": "canary"}}, "spec": pod_spec()});
    let cases = [
        ("v1/Pod", json!({"spec": pod_spec()}), "/spec/containers/0/env"),
        (
            "apps/v1/Deployment",
            json!({"spec": {"template": template}}),
            "/spec/template/spec/containers/0/env",
        ),
        (
            "batch/v1/CronJob",
            json!({"spec": {"jobTemplate": {"spec": {"template": template}}}}),
            "/spec/jobTemplate/spec/template/spec/containers/0/env",
        ),
        (
            "apps/v1/ControllerRevision",
            json!({"data": {"spec": {"template": template}}}),
            "/data/spec/template/spec/containers/0/env",
        ),
        (
            "argoproj.io/v1alpha1/Rollout",
            json!({"spec": {"template": template}}),
            "/spec/template/spec/containers/0/env",
        ),
    ];
    for (kind, object, env) in cases {
        let clean = assert_clean(kind, object);
        assert_eq!(
            clean.pointer(env).unwrap(),
            &json!([{"name": "PLAIN"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            "{kind}"
        );
    }
}

#[test]
fn custom_resources_have_no_loopholes() {
    let cases = [
        json!({"spec": {"env": {"KEY": "canary", "N": 5}}}),
        json!({"spec": {"extraEnv": ["KEY=canary"]}}),
        json!({"spec": {"database": {"password": "canary", "user": "u"}}}),
        json!({"spec": {"clientSecret": "canary", "api_key": "canary", "secret-key": "canary"}}),
        json!({"spec": {"manifests": [{"apiVersion": "v1", "kind": "Secret", "data": {"a": "canary"}}]}}),
        json!({"objects": [{"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "canary"}}]}]}),
        json!({"spec": {"template": {"stringData": {"a": "canary"}}}}),
        json!({"status": {"containerStatuses": [{"lastState": {"terminated": {"message": "canary", "exitCode": 1}}}]}}),
    ];
    for object in cases {
        assert_clean("example.org/v1/Thing", object);
    }
    let flux = json!({"spec": {"values": {"adminUser": "canary"}, "chart": {"spec": {"chart": "x"}}}});
    assert_eq!(
        assert_clean("helm.toolkit.fluxcd.io/v2/HelmRelease", flux)["spec"]["chart"]["spec"]["chart"],
        "x"
    );
    let argo = json!({"spec": {"sources": [{"repoURL": "r", "helm": {"values": "x: canary"}}]}});
    assert_eq!(assert_clean("argoproj.io/v1alpha1/Application", argo)["spec"]["sources"][0]["repoURL"], "r");
}

#[test]
fn annotations_that_copy_an_object_are_dropped_and_others_stay() {
    let big = format!("canary{}", "x".repeat(5000));
    let copy = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "canary"}}).to_string();
    let clean = assert_clean(
        "v1/Service",
        json!({"metadata": {"annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "canary",
            "objectset.rio.cattle.io/applied": "canary",
            "kapp.k14s.io/original": "canary",
            "cluster.x-k8s.io/conversion-data": "canary",
            "kopf.zalando.org/last-handled-configuration": "canary",
            "k3s.io/node-env": "{\"K3S_X\":\"canary\"}",
            "example.org/api-token": "canary",
            "example.org/big": big,
            "example.org/json-copy": copy,
            "example.org/yaml-copy": "apiVersion: v1\nkind: Secret\nstringData:\n  a: canary",
            "example.org/url": "https://u:canary@h/",
            "control-plane.alpha.kubernetes.io/leader": "{\"renewTime\":\"now\"}",
            "deployment.kubernetes.io/revision": "3",
            "example.org/json": "{ \"a\": 1 }",
        }}}),
    );
    let names: Vec<&str> =
        clean["metadata"]["annotations"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["deployment.kubernetes.io/revision", "example.org/json", "example.org/json-copy", "example.org/url"]
    );
    assert_eq!(clean["metadata"]["annotations"]["example.org/json"], "{ \"a\": 1 }");
}

#[test]
fn what_changes_by_itself_does_not_change_the_object() {
    let node = |time: &str, version: &str| {
        redacted(
            "v1/Node",
            json!({
                "metadata": {"name": "n", "resourceVersion": version, "generation": 3, "managedFields": [{"time": time}]},
                "status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": time,
                    "lastTransitionTime": "t0"}]},
            }),
        )
    };
    let first = node("t1", "1");
    assert_eq!(first, node("t2", "2"));
    assert_eq!(first["metadata"]["generation"], 3);
    assert_eq!(first["status"]["conditions"][0]["lastTransitionTime"], "t0");
    let lease = |time: &str| {
        redacted("coordination.k8s.io/v1/Lease", json!({"spec": {"holderIdentity": "a", "renewTime": time}}))
    };
    assert_eq!(lease("1"), lease("2"));
}

#[test]
fn ordinary_content_is_left_as_it_was() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "labels": {"env": "prod", "token": "x"}, "creationTimestamp": "t"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}], "type": "ClusterIP"},
    });
    assert_eq!(redacted("v1/Service", service.clone()), service);
    let schema =
        json!({"apiVersion": "e/v1", "kind": "C", "spec": {"properties": {"password": {"type": "string"}}}});
    assert_eq!(redacted("e/v1/C", schema.clone()), schema);
}

#[test]
fn an_object_that_is_too_large_is_reduced_to_its_identity() {
    let object =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "canary"}}});
    let reduced = identity_of(&object, 9);
    assert_eq!(reduced["metadata"], json!({"name": "p"}));
    assert_eq!(reduced["bowlineOmittedBytes"], 9);
}
