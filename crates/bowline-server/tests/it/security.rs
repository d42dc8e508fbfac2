//! Who gets past which route: every route × (no token, expired, wrong audience, other tenant, no role, reader, contributor, owner, an agent of another
//! resource). The routes of resources come from the registry; the others are [`FIXED`] and [`DISCOVERY`], which a route or a lookup in the source that is missing
//! there fails.
//!
//! What is expected of a role is worked out here from the role definitions as data, and not by the evaluator that is tested.
//! The whole is printed to `tests/output/security-matrix.txt`; `UPDATE=1` writes it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use bowline_auth::keys::{KeySet, RotationRule, SigningKey};
use bowline_auth::roles::{CONTRIBUTOR, OWNER, READER, built_in_roles, pattern_matches};
use bowline_auth::token::{AccessClaims, IdentityType, Issuer, Principal};
use bowline_control::connect::RIGHT;
use bowline_control::provider::{Placement, Spec};
use bowline_control::registry::Registry;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{URL, World, now, user};

/// The names of what the routes ask about: nothing has it, and every rule for names allows it.
const NAME: &str = "5ec0417e-0000-4000-8000-00000000000a";
pub(crate) const KEYS: [&str; 2] = [
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmDNKReoDNwowniswu1ZVnC7SPpBA7creg68JGmyfOtJ5MeAbsOFZbv1K4zwcY9z3qBrt1aH2vuU2haqWyCfMSg==",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8tmNFNKKikNpJd4lXjRSnfY2QFyANFwnawxrk6t3l1rlr9kFfB4oSuTakV2y5M66V8QzAbiV7r1R6J0V8//h3A==",
];

/// Who may use a route that is not ARM's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Anybody: sign-in, health, files of the portal, pulling the agent and asking where it is: none of it tells what exists here.
    Public,
    /// With a cookie of the portal only: a token is not looked at.
    Cookie,
    /// The identity of a resource, about that resource.
    Agent,
    /// Whoever may, unless asked from the same host.
    Loopback,
    /// Into a cluster, which does not exist: whoever has the right to its kubeconfig.
    Cluster,
    /// Microsoft Graph: whoever has the right to users, of which the one that is asked for does not exist.
    Directory,
}

/// What the callers of Graph's routes must have.
fn directory_action(method: &str) -> &'static str {
    match method {
        "GET" => "Microsoft.Bowline/users/read",
        "DELETE" => "Microsoft.Bowline/users/delete",
        _ => "Microsoft.Bowline/users/write",
    }
}

/// The routes that `http/` names, by path as written there.
const FIXED: &[(&str, &str, Access)] = &[
    ("GET", "/healthz", Access::Public),
    ("GET", "/readyz", Access::Public),
    ("GET", "/metrics", Access::Loopback),
    ("GET", "/metadata/endpoints", Access::Public),
    ("GET", "/metadata/endpoints/", Access::Public),
    ("GET", "{authority}/v2.0/.well-known/openid-configuration", Access::Public),
    ("GET", "{authority}/.well-known/openid-configuration", Access::Public),
    ("GET", "{authority}/discovery/v2.0/keys", Access::Public),
    ("GET", "{authority}/discovery/keys", Access::Public),
    ("POST", "{at}/token{end}", Access::Public),
    ("POST", "{at}/devicecode{end}", Access::Public),
    ("GET", "{at}/authorize{end}", Access::Public),
    ("POST", "{at}/authorize{end}", Access::Public),
    ("POST", "{at}/revoke{end}", Access::Public),
    ("GET", "{at}/logout{end}", Access::Public),
    ("POST", "{at}/logout{end}", Access::Public),
    ("GET", "/device", Access::Public),
    ("POST", "/device", Access::Public),
    ("POST", "/dataplane/config/azure-arc-k8sagents/healthCheck", Access::Public),
    ("POST", "/dataplane/config/azure-arc-k8sagents/GetHelmSettings", Access::Public),
    ("POST", "/dataplane/config/azure-arc-k8sagents/GetLatestHelmPackagePath", Access::Public),
    ("GET", "/v2/", Access::Public),
    ("GET", "/v2/{*path}", Access::Public),
    ("GET", "/v1.0/{*path}", Access::Directory),
    ("POST", "/v1.0/{*path}", Access::Directory),
    ("PATCH", "/v1.0/{*path}", Access::Directory),
    ("DELETE", "/v1.0/{*path}", Access::Directory),
    ("GET", "/upstream/login", Access::Public),
    ("GET", "/upstream/callback", Access::Public),
    ("POST", "/upstream/device", Access::Public),
    ("GET", "/agents/v1/session", Access::Agent),
    ("POST", "/agents/v1/observed", Access::Agent),
    ("POST", "/agents/v1/rotateKey", Access::Agent),
    ("GET", "/agents/v1/self", Access::Agent),
    ("GET", "/agents/v1/tunnel", Access::Agent),
    (
        "GET",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/proxy/{*path}",
        Access::Cluster,
    ),
    (
        "POST",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/proxy/{*path}",
        Access::Cluster,
    ),
    (
        "PUT",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/proxy/{*path}",
        Access::Cluster,
    ),
    (
        "PATCH",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/proxy/{*path}",
        Access::Cluster,
    ),
    (
        "DELETE",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}/proxy/{*path}",
        Access::Cluster,
    ),
    ("GET", "/portal/login", Access::Public),
    ("GET", "/portal/callback", Access::Public),
    ("GET", "/portal/session", Access::Cookie),
    ("POST", "/portal/logout", Access::Cookie),
    ("GET", "/portal", Access::Public),
    ("GET", "/portal/", Access::Public),
    ("GET", "/portal/{*path}", Access::Public),
    ("GET", "/openapi", Access::Public),
    ("GET", "/openapi/{*path}", Access::Public),
];

/// What a signed-in caller without a role gets from a route of ARM that has no record of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bare {
    /// An answer that says nothing of what exists: an empty list, or what is the same for everybody.
    Masked,
    /// 403.
    Refused,
    /// 403 also for a role that lacks this action.
    Action(&'static str),
}

/// ARM's routes without a record, by the type that `http/` names for them.
const DISCOVERY: &[(&str, &str, &str, Bare)] = &[
    ("microsoft.resources/tenants", "GET", "/tenants", Bare::Masked),
    ("microsoft.resources/providers", "GET", "/providers", Bare::Masked),
    ("microsoft.resources/providers/", "GET", "/providers/Microsoft.Kubernetes", Bare::Masked),
    ("microsoft.resources/locations", "GET", "{sub}/locations", Bare::Refused),
    ("microsoft.resources/resources", "GET", "{sub}/resources", Bare::Refused),
    (
        "microsoft.authorization/permissions",
        "GET",
        "{group}/providers/Microsoft.Authorization/permissions",
        Bare::Masked,
    ),
    (
        "microsoft.authorization/roleassignments",
        "POST",
        "{group}/providers/Microsoft.Authorization/roleAssignments/{name}/validate",
        Bare::Action("Microsoft.Authorization/roleAssignments/write"),
    ),
    (
        "microsoft.bowline/kubernetesobjects",
        "GET",
        "{cluster}/providers/Microsoft.Bowline/kubernetesObjects",
        Bare::Refused,
    ),
    (
        "microsoft.bowline/servers",
        "GET",
        "/providers/Microsoft.Bowline/servers",
        Bare::Action("Microsoft.Bowline/servers/read"),
    ),
    // Names of tables and functions, the same for everybody.
    ("microsoft.bowline/queryschema", "GET", "/providers/Microsoft.Bowline/querySchema", Bare::Masked),
    ("microsoft.bowline/events", "GET", "{group}/providers/Microsoft.Bowline/events", Bare::Refused),
    (
        "microsoft.bowline/operationstatuses",
        "GET",
        "{sub}/providers/Microsoft.Bowline/operationStatuses/{name}",
        Bare::Masked,
    ),
    (
        "microsoft.bowline/operationresults",
        "GET",
        "{sub}/providers/Microsoft.Bowline/operationResults/{name}",
        Bare::Masked,
    ),
    (
        "microsoft.authorization/provideroperations",
        "GET",
        "/providers/Microsoft.Authorization/providerOperations",
        Bare::Masked,
    ),
    (
        "microsoft.insights/eventtypes/values",
        "GET",
        "{sub}/providers/Microsoft.Insights/eventtypes/management/values",
        Bare::Refused,
    ),
    (
        "microsoft.insights/eventtypes/values",
        "GET",
        "/providers/Microsoft.Insights/eventtypes/management/values",
        Bare::Refused,
    ),
    (
        "microsoft.insights/eventcategories",
        "GET",
        "/providers/Microsoft.Insights/eventcategories",
        Bare::Masked,
    ),
    (
        "microsoft.bowline/auditentries",
        "GET",
        "/providers/Microsoft.Bowline/auditEntries",
        Bare::Action("Microsoft.Bowline/audit/read"),
    ),
    (
        "microsoft.bowline/auditstatements",
        "GET",
        "/providers/Microsoft.Bowline/auditStatements",
        Bare::Action("Microsoft.Bowline/audit/read"),
    ),
    ("microsoft.resources/", "GET", "{group}/providers/Microsoft.Resources/deployments", Bare::Masked),
    ("microsoft.resources/resourcegroups", "POST", "{group}/moveResources", Bare::Masked),
    ("microsoft.resources/", "POST", "/providers/Microsoft.Resources/checkResourceName", Bare::Masked),
    ("microsoft.resources/", "GET", "{sub}/providers/Microsoft.Kubernetes/providerPermissions", Bare::Masked),
    ("microsoft.resources/tagnames", "GET", "{sub}/tagNames", Bare::Refused),
    (
        "microsoft.resources/tagnames",
        "PUT",
        "{sub}/tagNames/site",
        Bare::Action("Microsoft.Resources/subscriptions/tagNames/write"),
    ),
    ("microsoft.features/features", "GET", "{sub}/providers/Microsoft.Features/features", Bare::Refused),
    (
        "microsoft.features/providers/features",
        "GET",
        "{sub}/providers/Microsoft.Features/providers/Microsoft.Kubernetes/features",
        Bare::Refused,
    ),
    (
        "microsoft.features/providers/features",
        "POST",
        "{sub}/providers/Microsoft.Features/providers/Microsoft.Kubernetes/features/f/register",
        Bare::Action("Microsoft.Features/providers/features/register/action"),
    ),
    (
        "microsoft.features/featureproviders/subscriptionfeatureregistrations",
        "GET",
        "{sub}/providers/Microsoft.Features/featureProviders/Microsoft.Kubernetes/subscriptionFeatureRegistrations",
        Bare::Refused,
    ),
    (
        "microsoft.features/subscriptionfeatureregistrations",
        "GET",
        "{sub}/providers/Microsoft.Features/subscriptionFeatureRegistrations",
        Bare::Refused,
    ),
    (
        "microsoft.management/managementgroups",
        "GET",
        "/providers/Microsoft.Management/managementGroups",
        Bare::Masked,
    ),
    (
        "microsoft.management/managementgroups/descendants",
        "GET",
        "/providers/Microsoft.Management/managementGroups/{name}/descendants",
        Bare::Refused,
    ),
    (
        "microsoft.management/managementgroups/subscriptions",
        "GET",
        "/providers/Microsoft.Management/managementGroups/{name}/subscriptions",
        Bare::Refused,
    ),
    (
        "microsoft.management/managementgroups/subscriptions",
        "PUT",
        "/providers/Microsoft.Management/managementGroups/{name}/subscriptions/{name}",
        Bare::Action("Microsoft.Management/managementGroups/subscriptions/write"),
    ),
    (
        "microsoft.management/checknameavailability",
        "POST",
        "/providers/Microsoft.Management/checkNameAvailability",
        Bare::Masked,
    ),
    ("microsoft.management/getentities", "POST", "/providers/Microsoft.Management/getEntities", Bare::Masked),
    (
        "microsoft.management/starttenantbackfill",
        "POST",
        "/providers/Microsoft.Management/startTenantBackfill",
        Bare::Masked,
    ),
    (
        "microsoft.management/tenantbackfillstatus",
        "POST",
        "/providers/Microsoft.Management/tenantBackfillStatus",
        Bare::Masked,
    ),
    (
        "microsoft.subscription/aliases",
        "PUT",
        "/providers/Microsoft.Subscription/aliases/{name}",
        Bare::Action("Microsoft.Subscription/aliases/write"),
    ),
    (
        "microsoft.subscription/rename",
        "POST",
        "{sub}/providers/Microsoft.Subscription/rename",
        Bare::Action("Microsoft.Subscription/rename/action"),
    ),
    (
        "microsoft.subscription/cancel",
        "POST",
        "{sub}/providers/Microsoft.Subscription/cancel",
        Bare::Action("Microsoft.Subscription/cancel/action"),
    ),
    (
        "microsoft.subscription/enable",
        "POST",
        "{sub}/providers/Microsoft.Subscription/enable",
        Bare::Action("Microsoft.Subscription/enable/action"),
    ),
    // About somebody else (see `body_of`): everybody may ask about himself.
    (
        "microsoft.authorization/checkaccess",
        "POST",
        "{group}/providers/Microsoft.Authorization/checkAccess",
        Bare::Action("Microsoft.Authorization/roleAssignments/read"),
    ),
    (
        "microsoft.bowline/whocan",
        "POST",
        "{group}/providers/Microsoft.Bowline/whoCan",
        Bare::Action("Microsoft.Authorization/roleAssignments/read"),
    ),
    (
        "microsoft.bowline/whatcan",
        "POST",
        "{group}/providers/Microsoft.Bowline/whatCan",
        Bare::Action("Microsoft.Authorization/roleAssignments/read"),
    ),
    (
        "microsoft.hybridcompute/validatelicense",
        "POST",
        "{sub}/providers/Microsoft.HybridCompute/validateLicense",
        Bare::Action("Microsoft.HybridCompute/validateLicense/action"),
    ),
    (
        "microsoft.hybridcompute/locations/privatelinkscopes",
        "GET",
        "{sub}/providers/Microsoft.HybridCompute/locations/local/privateLinkScopes/{name}",
        Bare::Action("Microsoft.HybridCompute/privateLinkScopes/read"),
    ),
    (
        "microsoft.hybridcompute/machines/privatelinkscopes",
        "GET",
        "{group}/providers/Microsoft.HybridCompute/machines/{name}/privateLinkScopes/current",
        Bare::Action("Microsoft.HybridCompute/machines/read"),
    ),
    (
        "microsoft.hybridcompute/locations/publishers",
        "GET",
        "{sub}/providers/Microsoft.HybridCompute/locations/local/publishers",
        Bare::Action("Microsoft.HybridCompute/machines/extensions/read"),
    ),
    // Each row by the right to read it.
    (
        "microsoft.resourcegraph/resources",
        "POST",
        "/providers/Microsoft.ResourceGraph/resources",
        Bare::Masked,
    ),
    // Not served yet, to nobody.
    (
        "microsoft.resourcegraph/resourceshistory",
        "POST",
        "/providers/Microsoft.ResourceGraph/resourcesHistory",
        Bare::Masked,
    ),
    (
        "microsoft.resourcegraph/resourcechanges",
        "POST",
        "/providers/Microsoft.ResourceGraph/resourceChanges",
        Bare::Masked,
    ),
    (
        "microsoft.resourcegraph/resourcechangedetails",
        "POST",
        "/providers/Microsoft.ResourceGraph/resourceChangeDetails",
        Bare::Masked,
    ),
    (
        "microsoft.resourcegraph/generatequery",
        "POST",
        "/providers/Microsoft.ResourceGraph/generateQuery",
        Bare::Masked,
    ),
];

/// What a question of [`DISCOVERY`] is sent with.
fn body_of(key: &str) -> Value {
    match key {
        "microsoft.authorization/checkaccess" => {
            json!({"Subject": {"Attributes": {"ObjectId": NAME}}, "Actions": [{"Id": "Microsoft.X/y/read"}]})
        }
        "microsoft.bowline/whocan" => json!({"action": "Microsoft.X/y/read"}),
        "microsoft.bowline/whatcan" => json!({ "principalId": NAME }),
        "microsoft.hybridcompute/validatelicense" => json!({"location": "local", "properties": {}}),
        _ => json!({}),
    }
}

/// A route on a resource type.
struct Route {
    method: &'static str,
    path: String,
    /// What a role must have.
    action: String,
    /// A list at the root shows what the caller may see, and refuses nobody.
    masked: bool,
    body: Value,
}

/// Whether a type, or the one in whose resources it lies, is directly under `/providers`.
fn at_root(spec: &Spec) -> bool {
    match (spec.placement, spec.parent_type_key()) {
        (Placement::Tenant, _) => true,
        (_, Some(parent)) => Registry::default().by_key(&parent).is_some_and(|p| at_root(p.spec())),
        _ => false,
    }
}

/// Where a resource of the type lies.
fn place(spec: &Spec, world: &World, group: &str) -> String {
    let (namespace, kinds) = spec.resource_type.split_once('/').unwrap();
    let kinds: Vec<&str> = kinds.split('/').collect();
    let own = |kind: &str| format!("{}{kind}/{}", "/", name_of(spec, kind));
    match spec.placement {
        Placement::Tenant if namespace == "Microsoft.Resources" => format!("/subscriptions/{NAME}"),
        Placement::Subscription => format!("{}/resourceGroups/{NAME}", world.subscription),
        _ if at_root(spec) => {
            format!("/providers/{namespace}{}", kinds.iter().map(|k| own(k)).collect::<String>())
        }
        _ => format!("{group}/providers/{namespace}{}", kinds.iter().map(|k| own(k)).collect::<String>()),
    }
}

fn name_of(spec: &Spec, kind: &str) -> String {
    let last = spec.resource_type.ends_with(&format!("/{kind}"));
    match spec.name.check(spec.resource_type, NAME) {
        Err(_) if last => "default".to_owned(),
        _ => NAME.to_owned(),
    }
}

fn routes(world: &World, group: &str) -> Vec<Route> {
    let mut routes = Vec::new();
    for provider in Registry::default().all() {
        let spec = provider.spec();
        let path = place(spec, world, group);
        let mut route = |method, path: String, verb: &str, masked| {
            let action = spec.action_of(verb);
            routes.push(Route {
                method,
                path,
                action,
                masked,
                body: json!({"location": "local", "properties": {}}),
            });
        };
        let collection = path.rsplit_once('/').unwrap().0.to_owned();
        route("GET", collection, "read", spec.placement == Placement::Tenant);
        route("GET", path.clone(), "read", false);
        if spec.writable {
            route("PATCH", path.clone(), "write", false);
            route("PUT", path.clone(), "write", false);
            for action in provider.actions() {
                route("POST", format!("{path}/{action}"), &format!("{action}/action"), false);
            }
            route("DELETE", path, "delete", false);
        }
    }
    routes
}

/// Whether a built-in role gives an action, as its file says.
fn gives(role: Uuid, action: &str) -> bool {
    let definition = built_in_roles().iter().find(|r| r.id == role).unwrap();
    definition.permissions.iter().any(|p| {
        p.actions.iter().any(|pattern| pattern_matches(pattern, action))
            && !p.not_actions.iter().any(|pattern| pattern_matches(pattern, action))
    })
}

struct Callers {
    /// 401 wherever a caller must be known.
    unproved: Vec<(&'static str, Option<String>)>,
    /// A role at the root, or none.
    proved: Vec<(&'static str, String, Option<Uuid>)>,
    agent: String,
}

async fn callers(world: &World, group: &str) -> Callers {
    let admin = world.admin().await;
    let made = world.send("PUT", group, Some(&admin), &json!({"location": "local"})).await;
    assert_eq!(made.0, 201, "{}", made.1);
    let (_, nobody) = world.user(&admin, "nobody", None).await;
    let (_, reader) = world.user(&admin, "reader", Some(READER)).await;
    let (_, contributor) = world.user(&admin, "contributor", Some(CONTRIBUTOR)).await;
    let (owner, owner_token) = world.user(&admin, "owner", Some(OWNER)).await;

    let hour = SignedDuration::from_hours(1);
    let other = KeySet::new([SigningKey::generate(now())], RotationRule::default());
    let tenant = bowline_auth::random::guid();
    let issuer = Issuer { url: format!("{URL}/{tenant}/v2.0"), tenant_id: tenant };
    let claims = AccessClaims::issue(&issuer, URL, "client", &owner, hour, now());
    let other_tenant = other.sign(&claims, now()).unwrap();
    // The same key, but another tenant in the claims.
    let borrowed = world.control.identity().keys().sign(&claims, now()).unwrap();
    let unproved = vec![
        ("none", None),
        ("expired", Some(world.sign(&owner, URL, now() - hour))),
        ("audience", Some(world.sign(&owner, "https://elsewhere.example", now()))),
        ("tenant", Some(other_tenant)),
        ("issuer", Some(borrowed)),
        ("garbage", Some("bwe_garbage".to_owned())),
    ];
    let mut agents = Vec::new();
    for (name, key) in [("mine", KEYS[0]), ("other", KEYS[1])] {
        let id = format!("{group}/providers/Microsoft.HybridCompute/machines/{name}");
        let body = json!({"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {"clientPublicKey": key}});
        let made = world.send("PUT", &id, Some(&owner_token), &body).await;
        assert_eq!(made.0, 200, "{}", made.1);
        let object_id = made.1["identity"]["principalId"].as_str().unwrap().parse().unwrap();
        let principal = Principal {
            kind: IdentityType::App,
            resource_id: Some(id),
            username: None,
            ..user(object_id, name)
        };
        agents.push(world.sign(&principal, URL, now()));
    }
    Callers {
        unproved,
        proved: vec![
            ("no role", nobody, None),
            ("reader", reader, Some(READER)),
            ("contributor", contributor, Some(CONTRIBUTOR)),
            ("owner", owner_token, Some(OWNER)),
        ],
        agent: agents.swap_remove(0),
    }
}

/// What is printed: a class of answers where the exact one depends on the body.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "401",
        403 => "403",
        405 => "405",
        100..=399 | 400 | 404 | 409 | 412 | 415 | 422 => "in",
        _ => "5xx",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_asks_who_calls_and_what_they_may() {
    let world = World::new().await;
    let group = format!("{}/resourceGroups/security", world.subscription);
    let callers = callers(&world, &group).await;
    let routes = routes(&world, &group);
    let mut wrong = Vec::new();
    let mut rows: Vec<(String, Vec<&'static str>)> =
        routes.iter().map(|route| (line(&world, route), Vec::new())).collect();
    for (who, bearer) in &callers.unproved {
        for (route, row) in routes.iter().zip(&mut rows) {
            let (status, _) = world.send(route.method, &route.path, bearer.as_deref(), &route.body).await;
            row.1.push(word(status));
            if status != 401 {
                wrong.push(format!("{}: {who}: {status} instead of 401", row.0));
            }
        }
    }
    let agent = std::iter::once(("agent", &callers.agent, None));
    let proved = callers.proved.iter().map(|(who, bearer, role)| (*who, bearer, *role));
    for (who, bearer, role) in agent.chain(proved) {
        for (route, row) in routes.iter().zip(&mut rows) {
            let (status, body) = world.send(route.method, &route.path, Some(bearer), &route.body).await;
            row.1.push(word(status));
            let allowed = role.is_some_and(|role| gives(role, &route.action));
            let empty = route.masked && status == 200 && body["value"].as_array().is_some_and(Vec::is_empty);
            let fits = match allowed {
                true => word(status) == "in" || word(status) == "405",
                false => status == 403 || empty,
            };
            if !fits {
                wrong.push(format!("{}: {who}: {status} {body}", row.0));
            }
        }
    }
    let fixed = fixed_rows(&world, &callers, &group, &mut wrong).await;
    assert!(
        wrong.is_empty(),
        "{} routes let in or refuse the wrong callers:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    compare(&rows, &fixed);
}

/// The routes of the registry, on another agent's machine where the type can lie on or in one.
fn routes_on(world: &World, group: &str, machine: &str) -> Vec<Route> {
    let mut all = routes(world, group);
    let name = machine.rsplit('/').next().unwrap();
    for route in &mut all {
        route.path = route.path.replace(&format!("/machines/{NAME}"), &format!("/machines/{name}"));
    }
    let extensions: Vec<String> = Registry::default()
        .all()
        .iter()
        .filter(|p| p.spec().placement == Placement::Extension)
        .map(|p| format!("{group}/providers/{}", p.spec().resource_type))
        .collect();
    let on_it: Vec<Route> = all
        .iter()
        .filter(|route| extensions.iter().any(|prefix| route.path.starts_with(prefix)))
        .map(|route| Route {
            path: route.path.replacen(group, machine, 1),
            action: route.action.clone(),
            body: route.body.clone(),
            ..*route
        })
        .collect();
    all.extend(on_it);
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_token_does_nothing_to_anything_but_its_own_resource() {
    let world = World::new().await;
    let group = format!("{}/resourceGroups/security", world.subscription);
    let callers = callers(&world, &group).await;
    let other = format!("{group}/providers/Microsoft.HybridCompute/machines/other");
    let record = async || world.control.store().get(&other.to_lowercase()).await.unwrap().unwrap();
    let (before, head) = (record().await, world.control.store().head().await.unwrap());
    let mut tried = 0;
    for route in routes_on(&world, &group, &other) {
        let (status, body) = world.send(route.method, &route.path, Some(&callers.agent), &route.body).await;
        let nothing = body["value"].as_array().is_some_and(Vec::is_empty) && route.masked;
        assert!(status == 403 || nothing, "{} {}: {status} {body}", route.method, route.path);
        tried += usize::from(route.path.to_lowercase().starts_with(&other.to_lowercase()));
    }
    assert!(tried > 20, "the other machine and what lies on it is among them: {tried}");
    // The agents' own routes take no id: they are about the bearer's resource, whatever the body names.
    let named = json!({"id": other, "resourceId": other, "uid": before.uid, "publicKey": KEYS[1], "source": format!("{}/inventory", before.uid)});
    for (method, path, _) in FIXED.iter().filter(|(.., access)| *access == Access::Agent) {
        let (_, body) = world.send(method, path, Some(&callers.agent), &named).await;
        assert!(!body.to_string().contains(&before.uid.to_string()), "{path}: {body}");
    }
    let after = record().await;
    assert_eq!(
        (after.revision, after.etag),
        (before.revision, before.etag),
        "the other machine is as it was"
    );
    let changes = world.control.store().changes(head.revision, 100).await.unwrap();
    let mine = format!("{group}/providers/microsoft.hybridcompute/machines/mine").to_lowercase();
    let others: Vec<&str> = changes.iter().map(|c| c.key.as_str()).filter(|key| *key != mine).collect();
    assert!(others.is_empty(), "an agent changed {others:?}");
}

fn line(world: &World, route: &Route) -> String {
    let path = route.path.replace(&world.subscription, "{sub}").replace(NAME, "{name}");
    format!("{:6} {path}", route.method)
}

async fn fixed_rows(
    world: &World,
    callers: &Callers,
    group: &str,
    wrong: &mut Vec<String>,
) -> Vec<(String, Vec<&'static str>)> {
    let mut rows = Vec::new();
    for (method, path, access) in FIXED {
        let below = match (access, *method) {
            (Access::Directory, "POST") => "users",
            (Access::Directory, _) => "users/nobody-of-this-name",
            _ => "x",
        };
        let authority = format!("/{}", world.control.tenant());
        let full =
            path.replace("{at}", "{authority}/oauth2/v2.0").replace("{end}", "").replace("{*path}", below);
        let full = full.replace("{authority}", &authority).replace("{cluster}", NAME);
        let full = full.replace("/subscriptions/{subscription}/resourceGroups/{group}", group);
        let mut row = Vec::new();
        for (who, bearer) in &callers.unproved {
            let (status, _) = world.send(method, &full, bearer.as_deref(), &json!({})).await;
            row.push(word(status));
            let fits = match access {
                Access::Public => status != 401 || path.contains("/token"),
                Access::Cookie => matches!(status.as_u16(), 401 | 403),
                Access::Agent | Access::Loopback | Access::Directory | Access::Cluster => status == 401,
            };
            if !fits {
                wrong.push(format!("{method} {path}: {who}: {status} of {access:?}"));
            }
        }
        let (status, _) = world.send(method, &full, Some(&callers.agent), &json!({})).await;
        row.push(word(status));
        for (who, bearer, role) in &callers.proved {
            let (status, _) = world.send(method, &full, Some(bearer), &json!({})).await;
            row.push(word(status));
            let fits = match access {
                Access::Agent => status == 403,
                Access::Cookie => matches!(status.as_u16(), 401 | 403),
                Access::Loopback => (status == 403) == role.is_none(),
                Access::Directory => {
                    (status != 403) == role.is_some_and(|role| gives(role, directory_action(method)))
                }
                Access::Cluster => (status != 403) == role.is_some_and(|role| gives(role, RIGHT)),
                Access::Public => status != 403,
            };
            if !fits {
                wrong.push(format!("{method} {path}: {who}: {status} of {access:?}"));
            }
        }
        rows.push((format!("{method:6} {path}"), row));
    }
    for (key, method, path, bare) in DISCOVERY {
        let body = body_of(key);
        let cluster = format!("{group}/providers/Microsoft.Kubernetes/connectedClusters/{NAME}");
        let full = path
            .replace("{sub}", &world.subscription)
            .replace("{group}", group)
            .replace("{cluster}", &cluster);
        let full = full.replace("{name}", NAME);
        let mut row = Vec::new();
        for (who, bearer) in &callers.unproved {
            let (status, _) = world.send(method, &full, bearer.as_deref(), &body).await;
            row.push(word(status));
            if status != 401 {
                wrong.push(format!("{method} {path}: {who}: {status} instead of 401"));
            }
        }
        let agent = [("agent", callers.agent.clone(), None)];
        for (who, bearer, role) in agent.iter().chain(&callers.proved) {
            let (status, _) = world.send(method, &full, Some(bearer), &body).await;
            row.push(word(status));
            let fits = match (role, bare) {
                (role, Bare::Action(action)) => match role.is_some_and(|role| gives(role, action)) {
                    true => word(status) == "in",
                    false => status == 403,
                },
                (None, Bare::Refused) => status == 403,
                _ => word(status) == "in",
            };
            if !fits {
                wrong.push(format!("{method} {path}: {who}: {status} of {bare:?}"));
            }
        }
        rows.push((format!("{method:6} {path}"), row));
    }
    rows
}

fn compare(rows: &[(String, Vec<&'static str>)], fixed: &[(String, Vec<&'static str>)]) {
    let heads =
        ["none", "exp", "aud", "tenant", "issuer", "junk", "agent", "no role", "reader", "contrib", "owner"];
    let mut text = String::from(
        "Who gets past which route. `in`: past sign-in and roles (whatever the answer then is); agent: the identity of another resource.\n\n",
    );
    let width = rows.iter().chain(fixed).map(|(line, _)| line.len()).max().unwrap_or_default();
    let mut write = |line: &str, cells: &[&str]| {
        let mut row = format!("{line:width$}");
        for (cell, head) in cells.iter().zip(heads) {
            let _ = write!(row, "  {cell:>w$}", w = head.len());
        }
        text.push_str(row.trim_end());
        text.push('\n');
    };
    write("route", &heads);
    for (line, cells) in rows.iter().chain(fixed) {
        write(line, cells);
    }
    crate::blessed::check("security-matrix.txt", &text);
}

/// Every file of a folder beside or in this crate.
fn sources(folder: &str) -> String {
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut text = String::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    text
}

#[test]
fn no_route_is_missing_from_the_tables() {
    let text = sources("src/http");
    let mut found = BTreeSet::new();
    for part in text.split(".route(").skip(1) {
        let mut depth = 1;
        let end = part.find(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        let call = &part[..end.unwrap()];
        let path = call.split('"').nth(1).expect("a route begins with its path");
        let handlers = &call[call.find(path).unwrap() + path.len()..];
        for (word, method) in
            [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("patch(", "PATCH"), ("delete(", "DELETE")]
        {
            let mut at = handlers.match_indices(word).map(|(at, _)| at);
            if at.any(|at| !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')) {
                found.insert((method, path));
            }
        }
        assert!(
            !handlers.contains("any("),
            "a route for any method cannot be tested method by method: {path}"
        );
    }
    let known: BTreeSet<(&str, &str)> = FIXED.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(found, known, "a route of http/ and the table FIXED differ: say who may use it");

    // What lookups answer has no provider either.
    let lookups = sources("../bowline-control/src/lookups");
    let named: BTreeSet<&str> = text
        .split('"')
        .chain(lookups.split('"'))
        .filter(|literal| {
            literal.starts_with("microsoft.") && literal.contains('/') && !literal.contains('\n')
        })
        .collect();
    let known: BTreeSet<&str> = DISCOVERY.iter().map(|(key, ..)| *key).collect();
    assert_eq!(
        named, known,
        "a type that http/ or lookups/ answers by itself and the table DISCOVERY differ: say what a caller without a role gets"
    );
}
