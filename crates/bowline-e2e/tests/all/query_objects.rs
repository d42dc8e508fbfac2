//! Queries over the objects of a real cluster: what is in it is in the answer, at once, after a restart too, and only for who may see it.

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::server::{PASSWORD, Server, enrolment_token, group, sign_in};
use bowline_e2e::wait::{seconds, until, until_true};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kubernetes::wait_for_connectivity;

const QUERIES: &str = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01";
const ARC_VIEWER: &str = "63f0a09d-1495-4db4-a681-037d84835eb4";

async fn data(api: &Api, query: &str) -> Value {
    let asked = api.request(Method::POST, QUERIES).json(&json!({"query": query}));
    Api::send(asked).await.expect(200)["data"].clone()
}

async fn wait_for(api: &Api, query: &str, wanted: &Value) {
    until_true(query, seconds(30), async || data(api, query).await == *wanted).await;
}

/// What the portal's lists ask of each kind.
const KINDS: &str = include_str!("../../../../portal/app/api/object-kinds.json");

/// Every condition of the portal's lists runs, and holds for what does not work.
async fn lists_of_the_portal(admin: &Api) {
    for kind in serde_json::from_str::<Vec<Value>>(KINDS).unwrap() {
        let (name, wrong) = (kind["kind"].as_str().unwrap(), kind["wrong"].as_str().unwrap_or("false"));
        let totals = format!(
            "KubernetesObjects | where kind == '{name}' | summarize total = count(), wrong = countif({wrong})"
        );
        let row = data(admin, &totals).await[0].clone();
        let (total, wrong) = (row["total"].as_u64().unwrap(), row["wrong"].as_u64().unwrap());
        match name {
            // Nothing runs here, so that none of them is ready.
            "Deployment" | "ReplicaSet" | "Pod" => assert!(total >= 2 && wrong == total, "{name}: {row}"),
            "ConfigMap" => assert!(total > 0 && wrong == 0, "{name}: {row}"),
            _ => assert!(wrong <= total, "{name}: {row}"),
        }
    }
}

/// Two namespaces with a deployment each, and who has cluster-admin.
fn planted() -> Vec<Value> {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let deployment = |namespace: &str, image: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": namespace, "labels": {"team": namespace}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "app"}}, "template": {"metadata": {"labels": {"app": "app"}},
            "spec": {"containers": [{"name": "main", "image": image}, {"name": "side", "image": "registry.invalid/side:1"}]}}}})
    };
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "ops"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "grace"}]});
    vec![
        namespace("red"),
        namespace("blue"),
        deployment("red", "docker.io/red:2"),
        deployment("blue", "ghcr.io/blue:1"),
        binding,
    ]
}

/// Signs in a new user who has a role at a scope.
async fn with_role(server: &Server, admin: &Api, name: &str, scope: &str, role: &str) -> Api {
    let user = format!("/providers/Microsoft.Bowline/users/{name}");
    let made = admin.put(&user, &json!({"properties": {"displayName": name, "password": PASSWORD}})).await;
    assert!(made.status < 300, "{}", made.text);
    let principal = &made.body["properties"]["objectId"];
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let given =
        admin.put(&id, &json!({"properties": {"principalId": principal, "roleDefinitionId": role}})).await;
    assert!(given.status < 300, "{}", given.text);
    let token = sign_in(&server.api(), name, PASSWORD).await;
    server.api().with(token["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn objects_of_a_cluster_are_asked_for_and_shown_to_who_may_see_them() {
    let named = "query_objects::objects_of_a_cluster_are_asked_for_and_shown_to_who_may_see_them";
    let Some(cluster) = Cluster::start(named) else { return };
    let mut server = Server::usual().await;
    let mut admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let id = format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven");
    let _ = cluster.kubectl(&["apply", "--server-side", "-f", "-"], &planted());
    let cli = Cli::default();
    cli.sign_in(&server);
    let _ = cli.connect(&cluster);
    let agent = cluster.agent();
    wait_for_connectivity(&admin, &id, "Connected", 60).await;
    until_true("the whole inventory is handed over", seconds(60), async || {
        agent.said().contains("the whole inventory has been handed over")
    })
    .await;

    let images = "KubernetesObjects | where kind == 'Deployment' | mv-expand c = spec.template.spec.containers \
        | where c.image !startswith 'registry.invalid' | project clusterName, namespace, name, image = tostring(c.image), team = labels.team | order by image asc";
    let all = json!([
        {"clusterName": "oven", "namespace": "red", "name": "app", "image": "docker.io/red:2", "team": "red"},
        {"clusterName": "oven", "namespace": "blue", "name": "app", "image": "ghcr.io/blue:1", "team": "blue"}
    ]);
    wait_for(&admin, images, &all).await;
    let pods = "KubernetesObjects | where kind == 'Pod' | count";
    wait_for(&admin, pods, &json!([{"Count": 2}])).await;
    lists_of_the_portal(&admin).await;
    let admins = "KubernetesObjects | where kind == 'ClusterRoleBinding' and object.roleRef.name == 'cluster-admin' \
        | mv-expand s = object.subjects | where s.kind == 'User' | project clusterId, who = tostring(s.name)";
    wait_for(&admin, admins, &json!([{"clusterId": id, "who": "grace"}])).await;
    let joined = "KubernetesObjects | where kind == 'Namespace' and name in ('red', 'blue') | summarize n = count() by clusterId \
        | join kind=inner (Resources | project clusterId = id, state = properties.connectivityStatus) on clusterId | project n, state";
    wait_for(&admin, joined, &json!([{"n": 2, "state": "Connected"}])).await;

    from_a_node_to_its_machine(&server, &admin, &cluster, &plant).await;

    // A change, a deletion, and all of it again from what was kept.
    let scale = |replicas: &str| {
        let _ = cluster.kubectl(&["scale", "deployment", "app", "-n", "red", replicas], &[]);
    };
    scale("--replicas=3");
    let replicas = "KubernetesObjects | where kind == 'Deployment' and namespace == 'red' | project n = toint(spec.replicas), generation";
    wait_for(&admin, replicas, &json!([{"n": 3, "generation": 2}])).await;
    let _ = cluster.kubectl(&["delete", "deployment", "app", "-n", "blue"], &[]);
    wait_for(
        &admin,
        "KubernetesObjects | where kind == 'Deployment' | project namespace",
        &json!([{"namespace": "red"}]),
    )
    .await;
    let by_kind = "KubernetesObjects | where kind != 'Event' and kind != 'Lease' | summarize n = count() by apiVersion, kind | order by apiVersion asc, kind asc";
    let roles = cluster.get(&["get", "clusterroles"])["items"].as_array().unwrap().len();
    let in_no_namespace = "KubernetesObjects | where kind == 'ClusterRole' and namespace == '' | count";
    wait_for(&admin, in_no_namespace, &json!([{"Count": roles}])).await;
    let before = data(&admin, by_kind).await;
    server.kill();
    server.restart().await;
    admin.http = server.api().http;
    wait_for(&admin, by_kind, &before).await;

    // Of a namespace, kind by kind; of the cluster; of nothing.
    let red = with_role(&server, &admin, "rose", &format!("{id}/namespaces/red"), ARC_VIEWER).await;
    let kinds = "KubernetesObjects | where kind in ('Deployment', 'ClusterRoleBinding', 'Namespace') | summarize n = count() by kind, namespace";
    assert_eq!(data(&red, kinds).await, json!([{"kind": "Deployment", "namespace": "red", "n": 1}]));
    assert_eq!(data(&red, "KubernetesObjects | where kind == 'Secret' | count").await, json!([{"Count": 0}]));
    assert_eq!(
        data(&red, "Resources | count").await,
        json!([{"Count": 0}]),
        "the cluster itself is not theirs"
    );
    let blue = with_role(&server, &admin, "bob", &format!("{id}/namespaces/blue"), ARC_VIEWER).await;
    assert_eq!(
        data(&blue, "KubernetesObjects | where kind == 'Deployment' | count").await,
        json!([{"Count": 0}])
    );
    let other = group(&admin, "office").await;
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let elsewhere = with_role(&server, &admin, "eve", &other, reader).await;
    assert_eq!(data(&elsewhere, "KubernetesObjects | count").await, json!([{"Count": 0}]));
    let here = with_role(&server, &admin, "ruth", &plant, reader).await;
    assert_eq!(data(&here, by_kind).await, before);

    // The cluster goes, and with it its objects.
    let gone = admin.delete(&id).await;
    assert!(gone.status < 300, "{}", gone.text);
    wait_for(&admin, "KubernetesObjects | count", &json!([{"Count": 0}])).await;
}

/// By what both are known by: the UUID of the firmware where it gives one, and the id of the system.
async fn from_a_node_to_its_machine(server: &Server, admin: &Api, cluster: &Cluster, group: &str) {
    let token = enrolment_token(admin, group, "t", 1).await;
    let (url, ca) = (server.url(), server.ca());
    let mut host = Host::default();
    let (done, said) =
        host.connect(&Target { url: &url, ca: &ca, group, name: "host-1", token: &token }, &[]);
    assert!(done, "{said}");
    host.run();
    let id = format!("{group}/providers/Microsoft.HybridCompute/machines/host-1");
    let machine = until("the machine's first report", seconds(30), async || {
        let got = admin.get(&id).await.expect(200);
        got["properties"]["osName"].is_string().then_some(got)
    })
    .await;
    let properties = &machine["properties"];
    let uuid = properties["vmUuid"].as_str().unwrap_or_default();
    let system = properties["detectedProperties"]["machineId"].as_str().expect("a Linux host has one");
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "status": {"nodeInfo": {
        "systemUUID": uuid.to_uppercase(), "machineID": system, "bootID": "", "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "",
        "kubeletVersion": "", "kubeProxyVersion": "", "operatingSystem": "", "architecture": ""}}});
    let _ = cluster.kubectl(&["create", "-f", "-"], &[node]);
    for (known, of_node, of_machine) in
        [(!uuid.is_empty(), "systemUUID", "vmUuid"), (true, "machineID", "detectedProperties.machineId")]
    {
        if !known {
            eprintln!(
                "skipped the join from a node to its machine by UUID: the firmware of this host gives none"
            );
            continue;
        }
        let under = format!(
            "KubernetesObjects | where kind == 'Node' | project node = name, host = tolower(tostring(status.nodeInfo.{of_node})) \
            | join kind=inner (Resources | where type == 'microsoft.hybridcompute/machines' | project machineId = id, machine = name, host = tolower(tostring(properties.{of_machine}))) on host \
            | join kind=inner (MachineSoftware | summarize packages = count() by machineId) on machineId | project node, machine, some = packages > 0"
        );
        wait_for(admin, &under, &json!([{"node": "node-1", "machine": "host-1", "some": true}])).await;
    }
}
