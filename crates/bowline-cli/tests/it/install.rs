//! Installing the agent with the built-in manifest, and removing it.

use serde_json::{Value, json};

use crate::arm::Arm;
use crate::connect::{cluster_id, desk_of};
use crate::kubernetes::Cluster;
use crate::transcript::Desk;

const CONNECT: &str = "cluster connect -n edge-01 -g plant --kubeconfig DIR/kubeconfig --installer manifest";
const DISCONNECT: &str = "cluster disconnect -n edge-01 -g plant --yes --kubeconfig DIR/kubeconfig";
const NAMESPACE: &str = "/api/v1/namespaces/bowline-system";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/bowline-system/deployments/bowline-agent";

fn scene() -> (Arm, Cluster, Desk) {
    let (arm, cluster) = (Arm::start(), Cluster::start());
    arm.add_group("plant");
    cluster.model().log = "{\"reached\": true, \"clockOffset\": 0}".to_owned();
    let desk = desk_of(&arm, &cluster);
    (arm, cluster, desk)
}

fn is_marked(object: &Value) -> bool {
    let metadata = &object["metadata"];
    metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"
        && metadata["annotations"]["meta.helm.sh/release-name"] == "bowline-agent"
        && metadata["annotations"]["meta.helm.sh/release-namespace"] == "bowline-system"
}

#[test]
fn the_agent_is_installed_again_without_harm_and_removed_whole() {
    let (arm, cluster, mut desk) = scene();
    let dry = desk.quietly(&format!("{CONNECT} --dry-run"), "");
    assert!(cluster.model().objects.is_empty(), "a dry run changes nothing");
    assert!(dry.stdout.starts_with("---\n") && dry.stdout.contains("kind: Deployment"), "{}", dry.stdout);
    arm.model().connects_after = Some(2);
    desk.run(&format!("{CONNECT} --query name"));
    let model = cluster.model();
    let marked = model.objects.iter().filter(|(path, _)| *path != NAMESPACE);
    for (path, object) in marked {
        assert!(is_marked(object), "{path}: helm would not take it over: {object}");
    }
    let image = &model.objects[DEPLOYMENT]["spec"]["template"]["spec"]["containers"][0]["image"];
    let wanted =
        format!("{}/bowline-agent:{}", arm.url.trim_start_matches("https://"), env!("CARGO_PKG_VERSION"));
    assert_eq!(*image, wanted.as_str());
    drop(model);
    let key = cluster.object("secrets").unwrap()["data"]["key.pem"].clone();
    desk.run(&format!("{CONNECT} --query name"));
    assert_eq!(
        cluster.object("secrets").unwrap()["data"]["key.pem"],
        key,
        "the key is not part of the manifest"
    );
    desk.run(DISCONNECT);
    assert!(cluster.model().objects.is_empty(), "{:?}", cluster.model().objects.keys());
    desk.check("cluster_install");
}

#[test]
fn what_is_not_ours_stays() {
    let (_arm, cluster, mut desk) = scene();
    let foreign = format!("{NAMESPACE}/configmaps/somebodys");
    cluster.model().objects.insert(foreign.clone(), json!({"metadata": {"name": "somebodys"}}));
    // The namespace was there before.
    let _ =
        cluster.model().objects.insert(NAMESPACE.to_owned(), json!({"metadata": {"name": "bowline-system"}}));
    assert_eq!(desk.quietly(&format!("{CONNECT} --timeout 0"), "").code, 0);
    // A role of the same name that somebody else made.
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/bowline-agent-inventory";
    cluster.model().objects.insert(role.to_owned(), json!({"metadata": {"name": "bowline-agent-inventory"}}));
    desk.run(DISCONNECT);
    let left: Vec<String> = cluster.model().objects.keys().cloned().collect();
    assert_eq!(left, [NAMESPACE.to_owned(), foreign, role.to_owned()]);
    desk.check("cluster_disconnect_leaves");
}

#[test]
fn an_agent_of_another_release_is_left_to_it() {
    let (_arm, cluster, mut desk) = scene();
    assert_eq!(desk.quietly(&format!("{CONNECT} --timeout 0"), "").code, 0);
    let az = json!({"meta.helm.sh/release-name": "azure-arc", "meta.helm.sh/release-namespace": "azure-arc-release"});
    cluster.model().objects.get_mut(DEPLOYMENT).unwrap()["metadata"]["annotations"] = az;
    desk.run(&format!("{CONNECT} --timeout 0 --query name"));
    desk.run(DISCONNECT);
    assert!(cluster.model().objects.contains_key(DEPLOYMENT) && cluster.object("secrets").is_none());
    desk.check("cluster_of_another_release");
}

#[test]
fn what_stands_in_the_agents_way_is_shown_with_its_fix() {
    let (arm, cluster, mut desk) = scene();
    let missing = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "no such image"}]});
    arm.model().faults.push(("GET /v2/bowline-agent/manifests/".into(), 404, missing));
    desk.run(CONNECT);
    assert!(cluster.model().objects.is_empty(), "nothing was begun");
    cluster.model().log =
        "{\"reached\": false, \"why\": \"https://server:8443/ could not be reached: connection refused\"}"
            .to_owned();
    desk.run(CONNECT);
    assert!(
        cluster.model().objects.is_empty(),
        "what was made for the try is gone: {:?}",
        cluster.model().objects.keys()
    );
    cluster.model().rollout = Some(json!({"observedGeneration": 1}));
    let pod = json!({"metadata": {"name": "bowline-agent-x", "labels": {"app.kubernetes.io/name": "bowline-agent"}},
        "spec": {"containers": [{"image": "registry.example/bowline-agent:1"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]}});
    let event = json!({"type": "Warning", "reason": "Failed", "metadata": {"name": "e"}, "involvedObject": {"name": "bowline-agent-x"},
        "message": "Failed to pull image \"registry.example/bowline-agent:1\": tls: failed to verify certificate: x509: certificate signed by unknown authority"});
    cluster.model().objects.insert(format!("{NAMESPACE}/pods/bowline-agent-x"), pod.clone());
    cluster.model().objects.insert(format!("{NAMESPACE}/events/e"), event);
    desk.run(&format!(
        "{CONNECT} --image-repository registry.example/bowline-agent --image-tag 1 --timeout 1 --no-preflight"
    ));
    cluster.model().objects.remove(&format!("{NAMESPACE}/events/e"));
    let mut running = pod;
    running["status"] =
        json!({"phase": "Running", "containerStatuses": [{"restartCount": 0, "state": {"running": {}}}]});
    cluster.model().objects.insert(format!("{NAMESPACE}/pods/bowline-agent-x"), running);
    cluster.model().log = "INFO the agent has started\nWARN not connected error=\"https://server:8443/ could not be reached: connection refused\"".to_owned();
    desk.run(&format!("{CONNECT} --timeout 1 --no-preflight"));
    desk.run(&format!("{CONNECT} --image-repository nothing"));
    assert!(arm.model().resources.contains_key(&cluster_id().to_lowercase()), "it can be gone on with");
    desk.check("cluster_install_failures");
}
