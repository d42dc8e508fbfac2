//! Connecting clusters and machines: every step, every way to fail, and running it again.

use serde_json::{Value, json};

use crate::arm::{Arm, SUBSCRIPTION};
use crate::kubernetes::Cluster;
use crate::transcript::Desk;

/// Installing the agent is another file's matter.
const CONNECT: &str = "cluster connect -n edge-01 -g plant --kubeconfig DIR/kubeconfig --no-install";

pub(crate) fn desk_of(arm: &Arm, cluster: &Cluster) -> Desk {
    let mut desk = arm.signed_in();
    desk.write("kubeconfig", &cluster.kubeconfig);
    desk.known(&cluster.url, "https://CLUSTER");
    desk
}

pub(crate) fn cluster_id() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/plant/providers/Microsoft.Kubernetes/connectedClusters/edge-01"
    )
}

fn public_key(arm: &Arm) -> String {
    let model = arm.model();
    let resource = &model.resources[&cluster_id().to_lowercase()];
    resource["properties"]["agentPublicKeyCertificate"].as_str().unwrap().to_owned()
}

#[test]
fn a_cluster_is_connected_and_again_loses_nothing() {
    let (arm, cluster) = (Arm::start(), Cluster::start());
    let mut desk = desk_of(&arm, &cluster);
    desk.run(&format!("{CONNECT} --create-group --dry-run"));
    assert!(cluster.model().objects.is_empty(), "a dry run changes nothing");
    arm.model().connects_after = Some(4);
    desk.run(&format!("{CONNECT} --create-group --tags site=7 -o table"));

    let agent = cluster.object("configmaps").unwrap();
    let agent: Value = serde_json::from_str(agent["data"]["agent.json"].as_str().unwrap()).unwrap();
    assert_eq!(agent["resourceId"], cluster_id());
    assert_eq!(agent["server"], arm.url);
    assert_eq!(agent["caPem"], arm.ca_pem);
    let key = public_key(&arm);

    // What was configured on the resource stays, and so does the key.
    let at = cluster_id().to_lowercase();
    arm.model().resources.get_mut(&at).unwrap()["properties"]["aadProfile"] =
        json!({"enableAzureRBAC": true});
    desk.run(&format!("{CONNECT} --query '{{status: properties.connectivityStatus, tags: tags, rbac: properties.aadProfile}}'"));
    assert_eq!(public_key(&arm), key);

    // A lapsed identity is healed with a new key.
    arm.model().resources.get_mut(&at).unwrap()["properties"]["connectivityStatus"] = "Expired".into();
    arm.model().connects_after = Some(3);
    let ran = desk.quietly(CONNECT, "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_ne!(public_key(&arm), key);
    let model = arm.model();
    assert_eq!(model.resources[&at]["properties"]["aadProfile"]["enableAzureRBAC"], true);
    drop(model);
    desk.check("cluster_connect");
}

#[test]
fn each_failing_step_says_which_why_and_what_to_try() {
    let (arm, cluster) = (Arm::start(), Cluster::start());
    let mut desk = desk_of(&arm, &cluster);
    desk.run(CONNECT);
    arm.add_group("plant");
    cluster.model().denied = vec!["patch secrets".into(), "create clusterroles".into()];
    desk.run(CONNECT);
    cluster.model().denied.clear();
    desk.write("kubeconfig", &cluster.kubeconfig.replace("canary-kube-token", "canary-old-token"));
    desk.run(CONNECT);
    desk.run("cluster connect -n edge-01 -g plant --kubeconfig DIR/none --no-install");
    desk.write("kubeconfig", &cluster.kubeconfig);
    desk.run(&format!("{CONNECT} --timeout 1"));
    desk.run(&format!("{CONNECT} --timeout 1 -o json"));
    desk.run("cluster connect -n other -g plant --kubeconfig DIR/kubeconfig --no-install");
    // Between our look and our PUT another cluster took the name: the server has the last word.
    let taken =
        json!({"error": {"code": "ClusterNameInUse", "message": "'edge-01' is a connected k3s cluster."}});
    arm.model().faults.push((format!("PUT {}", cluster_id()), 409, taken));
    desk.run(&format!("{CONNECT} --timeout 0"));
    desk.check("cluster_connect_failures");
}

#[test]
fn a_name_in_use_is_not_taken_unless_asked() {
    let arm = Arm::start();
    arm.add_group("plant");
    let (first, second) = (Cluster::start(), Cluster::start());
    assert_eq!(desk_of(&arm, &first).quietly(&format!("{CONNECT} --timeout 0"), "").code, 0);
    let key = public_key(&arm);
    let mut desk = desk_of(&arm, &second);
    desk.run(&format!("{CONNECT} --timeout 0"));
    desk.run(&format!("{CONNECT} --timeout 0"));
    assert_eq!(public_key(&arm), key, "a second attempt does not take the name either");
    assert!(second.object("configmaps").is_none());
    let ran = desk.quietly(&format!("{CONNECT} --timeout 0 --replace"), "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_ne!(public_key(&arm), key);
    desk.check("cluster_name_in_use");
}

/// The connection breaks after the server knows the key and before the cluster has its settings.
#[test]
fn a_connection_that_broke_in_the_middle_goes_on() {
    let (arm, cluster) = (Arm::start(), Cluster::start());
    arm.add_group("plant");
    let mut desk = desk_of(&arm, &cluster);
    cluster.model().broken = Some("/configmaps/bowline-agent");
    desk.run(&format!("{CONNECT} --timeout 0"));
    let key = public_key(&arm);
    cluster.model().broken = None;
    desk.run(&format!("{CONNECT} --timeout 0 --query name"));
    assert_eq!(public_key(&arm), key, "the key that is registered is the key in the cluster");
    assert!(cluster.object("configmaps").is_some());
    desk.check("cluster_connect_resumed");
}

#[test]
fn disconnecting_removes_the_identity_of_that_cluster_only() {
    let arm = Arm::start();
    arm.add_group("plant");
    let (mine, other) = (Cluster::start(), Cluster::start());
    let mut desk = desk_of(&arm, &mine);
    assert_eq!(desk.quietly(&format!("{CONNECT} --timeout 0"), "").code, 0);
    desk.write("other", &other.kubeconfig);
    desk.known(&other.url, "https://OTHER");
    desk.run("cluster disconnect -n edge-01 -g plant --yes --kubeconfig DIR/none");
    assert!(
        arm.model().resources.contains_key(&cluster_id().to_lowercase()),
        "nothing was lost by a wrong kubeconfig"
    );
    desk.run("cluster disconnect -n edge-01 -g plant --yes --kubeconfig DIR/other");
    assert!(mine.object("secrets").is_some());
    desk.run("cluster disconnect -n edge-01 -g plant --yes --kubeconfig DIR/kubeconfig");
    assert!(mine.object("secrets").is_none() && mine.object("configmaps").is_none());
    desk.check("cluster_disconnect");
}

#[test]
fn clusters_are_listed_shown_and_looked_into() {
    let arm = Arm::start();
    arm.add_group("plant");
    let id = cluster_id();
    arm.add(&id, "Microsoft.Kubernetes/connectedClusters", json!({"location": "local", "tags": {"site": "7"},
        "properties": {"connectivityStatus": "Connected", "kubernetesVersion": "1.34.4", "distribution": "k3s",
        "totalNodeCount": 3, "totalCoreCount": 12, "agentVersion": "0.1.0", "infrastructure": "generic",
        "lastConnectivityTime": "2026-11-01T00:00:00Z"}}));
    for (name, replicas, ready) in [("web", 3, 2), ("api", 1, 1)] {
        arm.add(&format!("{id}/providers/Microsoft.Bowline/kubernetesObjects/apps-v1-Deployment-shop-{name}"),
            "Microsoft.Bowline/kubernetesObjects",
            json!({"properties": {"kind": "Deployment", "namespace": "shop", "name": name, "observedAt": "2026-11-01T00:00:00Z",
                "object": {"spec": {"replicas": replicas, "template": {"spec": {"containers": [{"image": format!("{name}:1")}]}}},
                "status": {"readyReplicas": ready}}}}));
    }
    let mut desk = arm.signed_in();
    desk.run("cluster list --query '[].{name: name, status: properties.connectivityStatus}' -o table");
    desk.run("cluster list -o tsv");
    desk.run("cluster show -n edge-01 -g plant -o tsv");
    desk.run("cluster workloads -n edge-01 -g plant -k Deployment -o tsv");
    desk.run("cluster show -n edge-02 -g plant");
    desk.run("cluster show -n edge-01");
    desk.check("clusters");
}

/// A stand-in for the agent: writes down how it was called, and what came in on standard input.
fn agent(desk: &mut Desk, exit: u32) {
    use std::os::unix::fs::PermissionsExt;
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" > '{0}'/arguments\ncat > '{0}'/input\necho 'enrolling …'\nexit {exit}\n",
        desk.dir.path().display()
    );
    let path = desk.write("agent", &script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    desk.set("BOWLINE_AGENT", path.display().to_string());
}

#[test]
fn a_machine_is_connected_by_the_agent_beside() {
    let arm = Arm::start();
    arm.add_group("plant");
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/plant/providers/Microsoft.HybridCompute/machines/press-1"
    );
    let mut desk = arm.signed_in();
    agent(&mut desk, 1);
    desk.run("machine connect -n press-1 -g plant --state-dir DIR/state");
    agent(&mut desk, 0);
    arm.add(
        &id,
        "Microsoft.HybridCompute/machines",
        json!({"location": "local", "properties": {"status": "Connected", "osSku": "Debian 13"}}),
    );
    desk.run("machine connect -n press-1 -g plant --tags line=1 site=7 --state-dir DIR/state -o table");
    let arguments = std::fs::read_to_string(desk.path("arguments")).unwrap();
    assert!(
        !arguments.contains("canary"),
        "a token on the command line is seen by every process: {arguments}"
    );
    for part in [
        "machine connect",
        "--access-token-file -",
        "--name press-1",
        "--tags line=1,site=7",
        "--location local",
        "--state-dir",
    ] {
        assert!(arguments.contains(part), "{part}: {arguments}");
    }
    assert_eq!(
        std::fs::read_to_string(desk.path("input")).unwrap().trim(),
        arm.model().access.last().unwrap()
    );

    std::fs::create_dir(desk.path("state")).unwrap();
    desk.write("state/agent.json", &json!({"resourceId": "/another"}).to_string());
    desk.run("machine disconnect -n press-1 -g plant --state-dir DIR/state --yes");
    desk.write("state/agent.json", &json!({"resourceId": id}).to_string());
    desk.run("machine disconnect -n press-1 -g plant --state-dir DIR/state --yes");
    assert!(
        std::fs::read_to_string(desk.path("arguments")).unwrap().contains("disconnect --force-local-only")
    );
    desk.check("machine_connect");
}
