//! The published cases of the language, and the conditions that Azure's own tools write.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attributes, Condition, Request, Source, parser};

/// Attributes as plain objects, by name.
struct Plain {
    request: Value,
    resource: Value,
    principal: Value,
}

impl Attributes for Plain {
    fn attribute(&self, source: Source, namespace: Option<&str>, name: &str) -> Option<Value> {
        let object = match source {
            Source::Request => &self.request,
            Source::Resource => &self.resource,
            Source::Principal => &self.principal,
        };
        let full = namespace.map(|namespace| format!("{namespace}:{name}"));
        object.get(full.as_deref().unwrap_or(name)).cloned()
    }
}

fn request<'a>(action: &'a str) -> Request<'a> {
    Request {
        principal: "user-1",
        principal_kind: "User",
        action,
        data: false,
        resource: "/subscriptions/s1",
        utc_now: Some("2023-05-01T12:00:00Z"),
    }
}

#[derive(Deserialize)]
struct Line {
    id: String,
    case: Case,
}

#[derive(Deserialize)]
struct Case {
    condition: String,
    expected: Value,
    #[serde(default)]
    context: Value,
}

/// The attributes which the published cases assume.
fn published(context: &Value) -> Plain {
    let or = |name: &str, default: Value| context.get(name).cloned().unwrap_or(default);
    Plain {
        request: or(
            "request_attributes",
            json!({"owner": "alice", "text": "HelloWorld", "tags": ["prod", "gold"], "count": 10, "ratio": 2.5, "enabled": true, "ip": "10.0.0.8",
                "guid": "A1B2C3D4-0000-0000-0000-000000000000", "time": "12:30:15", "date": "2023-05-01T12:00:00Z", "numbers": [1, 2, 3], "letters": ["a", "b"]}),
        ),
        resource: or(
            "resource_attributes",
            json!({"owner": "alice", "tags": ["a", "b"], "count": 5, "enabled": false, "ip": "10.0.0.5", "guid": "a1b2c3d4-0000-0000-0000-000000000000"}),
        ),
        principal: or(
            "principal_custom_security_attributes",
            json!({"department": "eng", "levels": ["L1", "L2"]}),
        ),
    }
}

#[test]
fn the_published_cases_are_read_and_decided_as_published() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance/rbac/regorus_rbac_conditions.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: the_published_cases_are_read_and_decided_as_published: no conformance files");
        return;
    };
    let mut failures = Vec::new();
    let mut seen = 0;
    for line in text.lines() {
        let Line { id, case } = serde_json::from_str(line).unwrap();
        seen += 1;
        if let Some(expected) = case.expected.as_bool() {
            let found = Condition::parse(&case.condition)
                .unwrap()
                .holds(&request("Microsoft.Storage/storageAccounts/read"), &published(&case.context));
            if found != Ok(expected) {
                failures.push(format!("{id}: {found:?} instead of {expected}"));
            }
        } else {
            let found = match parser::parse(&case.condition) {
                Ok(parsed) => serde_json::to_value(parsed.expression).unwrap(),
                Err(error) => error.to_string().into(),
            };
            if found != case.expected {
                failures.push(format!("{id}: {found}\ninstead of {}", case.expected));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen > 50, "{seen} cases");
}

const DELEGATION: &str = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (
    @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7, 43d0d8ad-25c7-4714-9337-8ba259a9fe05}
    AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'User', 'Group'}))
  AND ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (
    @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7}))";

fn assignment(role: &str, kind: &str) -> Value {
    json!({"Microsoft.Authorization/roleAssignments:RoleDefinitionId": role, "Microsoft.Authorization/roleAssignments:PrincipalType": kind})
}

#[test]
fn the_condition_that_delegates_roles_is_decided() {
    let condition = Condition::parse(DELEGATION).unwrap();
    assert!(condition.asks_resource());
    let decide = |action: &str, request_body: Value, resource: Value| {
        let attributes = Plain { request: request_body, resource, principal: json!({}) };
        condition.holds(&request(action), &attributes).ok()
    };
    let write = "microsoft.authorization/roleassignments/WRITE";
    let reader = "ACDD72A7-3385-48ef-bd42-f606fba81ae7";
    let owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    assert_eq!(decide(write, assignment(reader, "User"), json!({})), Some(true));
    assert_eq!(decide(write, assignment(reader, "group"), json!({})), Some(true));
    assert_eq!(decide(write, assignment(owner, "User"), json!({})), Some(false));
    assert_eq!(decide(write, assignment(reader, "ServicePrincipal"), json!({})), Some(false));
    assert_eq!(decide(write, json!({}), json!({})), None, "what is not there cannot be compared");
    let delete = "Microsoft.Authorization/roleAssignments/delete";
    assert_eq!(decide(delete, json!({}), assignment(reader, "User")), Some(true));
    assert_eq!(decide(delete, json!({}), assignment(owner, "User")), Some(false));
    assert_eq!(decide("Microsoft.Kubernetes/connectedClusters/read", json!({}), json!({})), Some(true));
}

#[test]
fn cross_products_hold_as_their_names_say() {
    let decide = |operator: &str, left: Value| {
        let attributes = Plain { request: json!({"tags": left}), resource: json!({}), principal: json!({}) };
        let text = format!("@Request[tags] {operator}:StringEquals {{'a', 'b'}}");
        Condition::parse(&text).unwrap().holds(&request("x/y/read"), &attributes).ok()
    };
    assert_eq!(decide("ForAnyOfAnyValues", json!(["c", "a"])), Some(true));
    assert_eq!(decide("ForAnyOfAnyValues", json!(["c"])), Some(false));
    assert_eq!(decide("ForAllOfAnyValues", json!(["a", "b"])), Some(true));
    assert_eq!(decide("ForAllOfAnyValues", json!(["a", "c"])), Some(false));
    assert_eq!(decide("ForAnyOfAllValues", json!(["a", "b"])), Some(false));
    assert_eq!(decide("ForAllOfAllValues", json!(["a"])), Some(false));
    assert_eq!(decide("ForAnyOfAnyValues", json!("a")), Some(true), "one value counts as a list of one");
}

#[test]
fn what_is_no_condition_says_where() {
    for (text, position, expected) in [
        ("", 0, "a value"),
        ("@", 1, "'['"),
        ("@Request", 8, "'['"),
        ("@Request[", 9, "name"),
        ("@Nobody[a] StringEquals 'x'", 11, "@Request"),
        ("@Request[a] NoSuchOperator 'x'", 12, "AND"),
        ("@Request[a] StringEquals", 24, "a value"),
        ("StringEquals 'x'", 13, "before StringEquals"),
        ("@Request[a] 'x'", 12, "AND"),
        ("@Request[a] StringEquals 'x' AND", 32, "a value"),
        ("OR @Request[a] StringEquals 'x'", 3, "an operator"),
        ("NOT", 3, "a value"),
        ("Exists", 6, "a value"),
        ("(@Request[a] StringEquals 'x'", 29, "')'"),
        ("@Request[a] StringEquals 'x", 27, "closing"),
        ("@Request[a] StringEquals 'x')", 28, "AND"),
        ("ActionMatches{}", 15, "an action"),
        ("@Request[a] StringEquals:StringEquals 'x'", 41, "cross product"),
    ] {
        let error = Condition::parse(text).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
        assert_eq!(error.position, position, "{text}: {error}");
    }
}

#[test]
fn a_condition_is_bounded() {
    let deep = format!("{}true{}", "(".repeat(2000), ")".repeat(2000));
    assert!(Condition::parse(&deep).unwrap_err().to_string().contains("levels of nesting"));
    let not = format!("{} true", "!".repeat(2000));
    assert!(Condition::parse(&not).unwrap_err().to_string().contains("levels of nesting"));
    let lists = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    assert!(Condition::parse(&lists).unwrap_err().to_string().contains("levels of nesting"));
    let long = format!("@Request[a] StringEquals '{}'", "x".repeat(9000));
    assert!(Condition::parse(&long).unwrap_err().to_string().contains("at most 8192 bytes"));
    let chain = vec!["@Request[a] StringEquals 'x'"; 250].join("OR ");
    let attributes = Plain { request: json!({"a": "y"}), resource: json!({}), principal: json!({}) };
    assert_eq!(Condition::parse(&chain).unwrap().holds(&request("x/y/read"), &attributes), Ok(false));
}

#[test]
fn quotes_inside_a_text_have_a_backslash() {
    let attributes =
        Plain { request: json!({"a": "it's", "b": r"1\d"}), resource: json!({}), principal: json!({}) };
    for text in [r"@Request[a] StringEquals 'it\'s'", r"@Request[b] StringEquals '1\d'"] {
        let condition = Condition::parse(text).unwrap();
        assert_eq!(condition.holds(&request("x/y/read"), &attributes), Ok(true), "{text}");
    }
}
