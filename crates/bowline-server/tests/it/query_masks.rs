//! Who may see one group of fifty, and one namespace of a cluster, learns nothing of the others: whatever is asked, the whole answer is the same
//! before and after everything that is not theirs has changed.

use bowline_auth::roles::READER;
use bowline_control::query::Bounds;
use bowline_link::item::ContentHash;
use bowline_link::observed::{Delta, ObservedBatch};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::security::KEYS;
use crate::world::{World, now};

const GROUPS: usize = 50;
const ARC_VIEWER: &str = "63f0a09d-1495-4db4-a681-037d84835eb4";
/// The queries that the portal offers.
const EXAMPLES: &str = include_str!("../../../../portal/app/pages/query-examples.json");

/// Each operator over each table, by itself and over columns; `HIDDEN` is a resource that is not theirs, `THEIRS` one that is.
const QUERIES: &[&str] = &[
    "Resources",
    "Resources | count",
    "Resources | sort by id asc",
    "Resources | sort by name asc, id desc | project name, id, tags",
    "Resources | take 2",
    "Resources | top 2 by name asc",
    "Resources | summarize count(), dcount(id), min(name), max(name), make_set(resourceGroup), make_list(tags) by type",
    "Resources | summarize arg_max(name, *), arg_min(name, id), take_any(location)",
    "Resources | summarize percentile(strlen(name), 90), avg(strlen(id)), stdev(strlen(id))",
    "Resources | distinct resourceGroup, tostring(tags.os)",
    "Resources | where id == 'HIDDEN'",
    "Resources | where id =~ 'HIDDEN' or name has 'm1'",
    "Resources | where id in~ ('HIDDEN', 'THEIRS') | project name",
    "Resources | where resourceGroup == 'g7' | count",
    "Resources | where resourceGroup in (ResourceContainers | project name) | count",
    "Resources | extend n = toscalar(Resources | count) | project n, name",
    "Resources | join kind=inner (Resources | project name, other = id) on name | project id, other",
    "Resources | join kind=leftanti (Resources | where resourceGroup != 'g0') on name | project id",
    "Resources | join kind=fullouter (ResourceContainers | project resourceGroup = name, group = id) on resourceGroup | project id, group",
    "Resources | join kind=rightouter (ResourceContainers | where name == 'g9' | project resourceGroup = name) on resourceGroup | count",
    "Resources | lookup (ResourceContainers | project resourceGroup = name, group = id) on resourceGroup | project id, group",
    "union withsource=table Resources, ResourceContainers, AuthorizationResources, KubernetesObjects | summarize count() by table",
    "union * | count",
    "search 'm3' | count",
    "find in (Resources, ResourceContainers) where name startswith 'g'",
    "Resources | mv-expand tag = bag_keys(tags) | summarize count() by tostring(tag)",
    "Resources | mv-apply tag = bag_keys(tags) on (summarize n = count()) | project name, n",
    "Resources | evaluate bag_unpack(tags)",
    "Resources | extend os = tostring(tags.os) | evaluate pivot(os, count(), resourceGroup)",
    "Resources | evaluate narrow() | summarize count() by Column",
    "Resources | summarize b = make_bag(tags) | project bag_keys(b)",
    "Resources | top-nested 3 of resourceGroup by count(), top-nested 1 of name by max(name)",
    "Resources | top-nested 1 of resourceGroup with others = 'others' by count()",
    "Resources | partition by resourceGroup (top 1 by name)",
    "Resources | sort by id asc | serialize n = row_number(), before = prev(name), sum = row_cumsum(strlen(name))",
    "Resources | parse id with * '/resourceGroups/' group '/' * | summarize count() by group",
    "Resources | make-series count() default = 0 on strlen(name) from 1 to 9 step 1 by type",
    "Resources | getschema",
    "Resources | sample-distinct 100 of resourceGroup | count",
    "Resources | facet by resourceGroup, type",
    "Resources | summarize count() by bin(strlen(name), 2) | render columnchart with (title='names')",
    "Resources | where name matches regex strcat(name, '(')",
    "Resources | where assert(name != 'm1', 'one is m1')",
    "Resources | project nothing",
    "let hidden = Resources | where resourceGroup == 'g3'; hidden | count",
    "ResourceContainers",
    "ResourceContainers | summarize count() by type",
    "AuthorizationResources | project id, name, type, properties",
    "ActivityLog | project id, operationName, resourceId, caller | sort by id asc",
    "ActivityLog | summarize count() by resourceGroup, operationName",
    "ActivityLog | summarize max(eventTimestamp), min(tolong(id))",
    "MachineSoftware | count",
    "KubernetesObjects",
    "KubernetesObjects | summarize count(), dcount(clusterId), make_set(namespace) by kind",
    "KubernetesObjects | distinct clusterId, namespace",
    "KubernetesObjects | where kind == 'Pod' | mv-expand c = spec.containers | project namespace, name, image = c.image",
    "KubernetesObjects | join kind=inner (Resources | project clusterId = id, type) on clusterId | count",
    "KubernetesObjects | where namespace == 'blue' or kind == 'Node' | count",
    "KubernetesObjects | evaluate bag_unpack(labels)",
    "KubernetesObjects | summarize any(object) by kind",
];

struct Fleet {
    world: World,
    admin: String,
}

impl Fleet {
    async fn do_it(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.world.send(method, path, Some(&self.admin), body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    fn group(&self, n: usize) -> String {
        format!("{}/resourceGroups/g{n}", self.world.subscription)
    }

    fn machine(&self, group: usize, n: usize) -> String {
        format!("{}/providers/Microsoft.HybridCompute/machines/m{n}", self.group(group))
    }

    fn cluster(&self, group: usize) -> String {
        format!("{}/providers/Microsoft.Kubernetes/connectedClusters/oven", self.group(group))
    }

    async fn seed(bounds: Bounds) -> Self {
        let world = World::with_queries(bounds).await;
        let admin = world.admin().await;
        let fleet = Self { world, admin };
        for group in 0..GROUPS {
            let tags = json!({"team": format!("t{}", group % 4)});
            fleet.do_it("PUT", &fleet.group(group), &json!({"location": "local", "tags": tags})).await;
            for n in 0..3 {
                let tags = json!({"os": if n == 1 { "windows" } else { "linux" }, "n": n.to_string()});
                let machine = json!({"location": "local", "tags": tags});
                fleet.do_it("PUT", &fleet.machine(group, n), &machine).await;
            }
        }
        for (group, key) in KEYS.iter().enumerate() {
            let properties = json!({"agentPublicKeyCertificate": key});
            let body = json!({"location": "local", "identity": {"type": "SystemAssigned"}, "properties": properties});
            fleet.do_it("PUT", &fleet.cluster(group), &body).await;
            fleet.report(group, 1, &["red", "blue", ""], 2).await;
        }
        fleet
    }

    /// What a cluster's agent saw: so many pods in each namespace, nodes where there is none.
    async fn report(&self, group: usize, seq: u64, namespaces: &[&str], pods: usize) {
        let uid =
            self.world.control.store().get(&self.cluster(group).to_lowercase()).await.unwrap().unwrap().uid;
        let pairs = namespaces.iter().flat_map(|namespace| (0..pods).map(move |n| (*namespace, n)));
        let object = |(namespace, n): (&str, usize)| {
            let (kind, name) =
                if namespace.is_empty() { ("Node", format!("node{n}")) } else { ("Pod", format!("pod{n}")) };
            let labels = json!({"team": namespace, format!("only-{namespace}"): "yes"});
            let object = json!({
                "apiVersion": "v1", "kind": kind,
                "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}-{n}"), "labels": labels},
                "spec": {"containers": [{"name": "main", "image": format!("registry.{namespace}/app:{n}")}]},
            });
            let hash = ContentHash::of(&object);
            Delta::object(format!("v1/{kind}/{namespace}/{name}"), hash, object)
        };
        let batch = ObservedBatch {
            session: Uuid::nil(),
            source: "inventory".to_owned(),
            source_epoch: Uuid::from_u128(7),
            seq,
            full: true,
            more: false,
            status: None,
            objects: pairs.map(object).collect(),
        };
        let _ = self.world.control.inventory().take(uid, &batch, now()).await.unwrap();
    }

    /// Somebody who may read the first group, and of the second one's cluster one namespace.
    async fn reader(&self) -> String {
        let (principal, token) = self.world.user(&self.admin, "ada", None).await;
        for (scope, role) in [
            (self.group(0), READER.to_string()),
            (format!("{}/namespaces/red", self.cluster(1)), ARC_VIEWER.to_owned()),
        ] {
            self.assign(&scope, principal.object_id, &role).await;
        }
        token
    }

    async fn assign(&self, scope: &str, principal: Uuid, role: &str) {
        let id = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{}",
            bowline_auth::random::guid()
        );
        let body = json!({"properties": {"principalId": principal, "roleDefinitionId": role}});
        self.do_it("PUT", &id, &body).await;
    }

    /// Changes everything that is not theirs.
    async fn change(&self) {
        let (stranger, _) = self.world.user(&self.admin, "eve", None).await;
        for group in 1..GROUPS {
            if group % 7 == 3 {
                for n in 0..3 {
                    self.do_it("DELETE", &self.machine(group, n), &Value::Null).await;
                }
                continue;
            }
            let tags = json!({"os": "plan9", "secret": format!("s{group}"), "m1": "x"});
            self.do_it("PATCH", &self.machine(group, 1), &json!({"tags": tags})).await;
            for n in 3..6 {
                let machine = json!({"location": "eastus", "tags": {"fresh": "yes"}});
                self.do_it("PUT", &self.machine(group, n), &machine).await;
            }
            if group % 9 == 0 {
                self.assign(&self.group(group), stranger.object_id, &READER.to_string()).await;
            }
        }
        for name in ["extra", "more"] {
            let id = format!("{}/resourceGroups/{name}", self.world.subscription);
            self.do_it("PUT", &id, &json!({"location": "eastus"})).await;
        }
        // The namespace that is theirs stays; others change, come and go.
        self.report(1, 2, &["red"], 2).await;
        let uid = self.world.control.store().get(&self.cluster(1).to_lowercase()).await.unwrap().unwrap().uid;
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"only-green": "yes"}}});
        let batch = ObservedBatch {
            session: Uuid::nil(),
            source: "inventory".to_owned(),
            source_epoch: Uuid::from_u128(7),
            seq: 3,
            full: false,
            more: false,
            status: None,
            objects: vec![
                Delta::object("v1/Secret/green/s", ContentHash::of(&object), object.clone()),
                Delta::object("v1/Pod/blue/pod7", ContentHash::of(&object), object.clone()),
            ],
        };
        let _ = self.world.control.inventory().take(uid, &batch, now()).await.unwrap();
    }

    /// Every query in several forms, each with all that a client gets.
    async fn answers(&self, token: &str) -> Vec<(String, String)> {
        let examples: Vec<Value> = serde_json::from_str(EXAMPLES).unwrap();
        let examples = examples
            .iter()
            .map(|one| one["query"].as_str().unwrap().replace("now()", "datetime(2030-01-01)"));
        let ids = [("HIDDEN", self.machine(7, 1)), ("THEIRS", self.machine(0, 1))];
        let named =
            |query: &&str| ids.iter().fold((*query).to_owned(), |query, (name, id)| query.replace(name, id));
        let mut all = Vec::new();
        for query in QUERIES.iter().map(named).chain(examples) {
            let facets = json!([{"expression": "resourceGroup"}, {"expression": "name", "options": {"sortBy": "name"}}, {"expression": "kind"}]);
            let table =
                json!({"query": query, "facets": facets, "options": {"resultFormat": "table", "$top": 1000}});
            all.push((query.clone(), self.answer(token, &json!({"query": query})).await));
            all.push((query.clone(), self.answer(token, &table).await));
            all.push((query.clone(), self.pages(token, &query).await));
        }
        let tenant = self.world.control.tenant().to_string();
        let subscription = self.world.subscription.rsplit('/').next().unwrap();
        for (subscriptions, groups) in [
            (vec![subscription], vec![]),
            (vec!["5ec0417e-0000-4000-8000-00000000000a"], vec![]),
            (vec![], vec!["nobody"]),
            (vec![], vec![tenant.as_str()]),
        ] {
            let body = json!({"query": "Resources | count", "subscriptions": subscriptions, "managementGroups": groups});
            all.push((body.to_string(), self.answer(token, &body).await));
        }
        all
    }

    async fn answer(&self, token: &str, body: &Value) -> String {
        let (status, headers, text) = self.world.query(token, body).await;
        // When, and of which revision of the whole record, is no secret; the name of a kept answer is made by chance.
        let own = [
            "date",
            "x-bowline-revision",
            "x-ms-request-id",
            "x-ms-correlation-request-id",
            "x-ms-routing-request-id",
        ];
        let shown = headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        let mut headers: Vec<String> =
            shown.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        headers.sort();
        let mut told = text.clone();
        if let Some(link) = link(&text) {
            let mut parts: Vec<&str> = link.split('.').collect();
            parts[2] = "-";
            told = text.replace(&link, &parts.join("."));
        }
        format!("{status}\n{}\n{told}", headers.join("\n"))
    }

    /// One row at a time, at most so many.
    async fn pages(&self, token: &str, query: &str) -> String {
        let (mut all, mut next) = (String::new(), None);
        for _ in 0..6 {
            let body = json!({"query": query, "options": {"$top": 1, "$skipToken": next}});
            all += &self.answer(token, &body).await;
            let (status, _, text) = self.world.query(token, &body).await;
            next = link(&text);
            if status != StatusCode::OK || next.is_none() {
                break;
            }
        }
        all
    }
}

fn link(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok()?["$skipToken"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_the_same_whatever_else_there_is() {
    let fleet = Fleet::seed(Bounds::default()).await;
    let reader = fleet.reader().await;
    let (before, all_before) = (fleet.answers(&reader).await, fleet.answers(&fleet.admin).await);
    fleet.change().await;
    let (after, all_after) = (fleet.answers(&reader).await, fleet.answers(&fleet.admin).await);
    for ((query, before), (_, after)) in before.iter().zip(&after) {
        assert_eq!(before, after, "{query}");
    }
    // It is no accident: who may see it all sees that it changed, and the reader sees what is theirs.
    let changed = all_before.iter().zip(&all_after).filter(|(before, after)| before.1 != after.1).count();
    assert!(3 * changed > 2 * all_before.len(), "{changed} of {}", all_before.len());
    let answered = before.iter().filter(|(_, answer)| answer.starts_with("200")).count();
    assert!(10 * answered > 9 * before.len(), "{answered} of {}", before.len());
    assert!(before[0].1.contains("/resourceGroups/g0/") && !before[0].1.contains("/g1/"), "{}", before[0].1);
    let objects = before
        .iter()
        .find(|(query, _)| query == "KubernetesObjects | distinct clusterId, namespace")
        .unwrap();
    assert!(objects.1.contains(r#""totalRecords":4"#), "{}", objects.1);
}
