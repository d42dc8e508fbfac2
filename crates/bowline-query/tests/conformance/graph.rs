//! Real queries of Resource Graph, each run on rows that are made from what it asks: the types that it names, the paths that it reads,
//! the values that it compares with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bowline_kql::engine::{Engine as _, Failure};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_query::{Interpreter, Limits, Moment, QueryError, Rows, Source};
use regex::Regex;
use serde_json::{Map, Value as Json, json};

use crate::answers::{hold_against_list, read};

const TABLES: &[&str] = &[
    "Resources",
    "ResourceContainers",
    "AuthorizationResources",
    "KubernetesConfigurationResources",
    "ExtendedLocationResources",
    "AdvisorResources",
    "SecurityResources",
    "PolicyResources",
    "HealthResources",
    "GuestConfigurationResources",
    "RecoveryServicesResources",
    "MaintenanceResources",
    "PatchAssessmentResources",
    "PatchInstallationResources",
    "ServiceHealthResources",
    "AlertsManagementResources",
    "ResourceChanges",
    "NetworkResources",
    "InsightsResources",
    "CdnResources",
    "DnsResources",
    "AppServiceResources",
    "AwsResources",
    "QuotaResources",
];

const TEXTS: &[&str] =
    &["id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy"];
const BAGS: &[&str] =
    &["sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation", "aliases"];

fn catalogue() -> Catalogue {
    let columns = TEXTS.iter().map(|name| Column::new(*name, Type::String));
    let columns: Vec<Column> =
        columns.chain(BAGS.iter().map(|name| Column::new(*name, Type::Dynamic))).collect();
    let table = |name: &&str| Table { name: (*name).to_owned(), schema: Schema::new(columns.clone()) };
    Catalogue {
        tables: TABLES.iter().map(table).collect(),
        default_table: Some("Resources".to_owned()),
        ignore_case: true,
        ..Catalogue::default()
    }
}

struct Fleet(Rows);

impl Source for Fleet {
    fn rows(&self, _: &str) -> Result<Rows, QueryError> {
        Ok(Arc::clone(&self.0))
    }
}

/// What a query reads and compares with.
struct Shape {
    types: Vec<String>,
    /// Of each column that is a bag the steps into it, each with what stands beside it in the query.
    paths: BTreeMap<&'static str, Vec<Read>>,
    /// The same of columns that are texts.
    texts: BTreeMap<&'static str, String>,
    /// Paths that are expanded into rows.
    lists: BTreeSet<String>,
    /// What is read of their elements.
    members: Vec<Read>,
}

struct Read {
    steps: Vec<String>,
    value: Json,
}

const STEPS: &str = r#"((?:\s*\.\s*\w+|\[\s*['"][^'"]+['"]\s*\])+)"#;

fn steps(path: &str) -> Vec<String> {
    let step = Regex::new(r#"\.\s*(\w+)|\[\s*['"]([^'"]+)['"]\s*\]"#).unwrap();
    let name = |found: regex::Captures<'_>| found.get(1).or(found.get(2)).unwrap().as_str().to_owned();
    step.captures_iter(path).map(name).collect()
}

/// The first literal that stands in a text, if one is near.
fn literal(text: &str) -> Json {
    let near: String = text.chars().take(90).collect();
    let literal = Regex::new(r#"'([^'\n]*)'|"([^"\n]*)"|\b(\d+)\b|\b(true|false)\b"#).unwrap();
    let Some(found) = literal.captures(&near) else { return json!("Succeeded") };
    match (found.get(1).or(found.get(2)), found.get(3)) {
        (Some(text), _) => json!(text.as_str()),
        (None, Some(number)) => json!(number.as_str().parse::<i64>().unwrap_or(7)),
        _ => json!(found[0] == *"true"),
    }
}

fn shape(query: &str) -> Shape {
    let query = &Regex::new(r"(?m)//[^\n]*$").unwrap().replace_all(query, "").into_owned();
    let named = Regex::new(r#"(?i)['"](microsoft\.[\w.]+(?:/[\w.]+)+)['"]"#).unwrap();
    let part =
        Regex::new(r#"(?i)\btype\s*(?:contains|has|startswith|endswith|==|=~)\s*['"]([\w./]+)['"]"#).unwrap();
    let mut types: Vec<String> = named.captures_iter(query).map(|found| found[1].to_lowercase()).collect();
    types.extend(part.captures_iter(query).map(|found| found[1].to_lowercase()));
    types.push("microsoft.compute/virtualmachines".to_owned());
    types.sort();
    types.dedup();
    let (mut paths, mut members) = (BTreeMap::<&str, Vec<Read>>::new(), Vec::new());
    for found in Regex::new(&format!(r"(?i)\b(\w+){STEPS}")).unwrap().captures_iter(query) {
        let read = Read { steps: steps(&found[2]), value: literal(&query[found.get(0).unwrap().end()..]) };
        match BAGS.iter().find(|name| name.eq_ignore_ascii_case(&found[1])) {
            Some(column) => paths.entry(column).or_default().push(read),
            None => members.push(read),
        }
    }
    let mut texts = BTreeMap::new();
    let compared = r#"(?i)\b(name|kind|location|resourceGroup|managedBy)\)?\s*(?:==|=~|contains|has|startswith|endswith|in~?|matches regex)\s*\(?\s*@?['"]"#;
    for found in Regex::new(compared).unwrap().captures_iter(query) {
        let column = TEXTS.iter().find(|name| name.eq_ignore_ascii_case(&found[1])).unwrap();
        if let Json::String(text) = literal(&query[found.get(0).unwrap().end() - 1..]) {
            // What a pattern means is a text that fits it.
            let _ = texts
                .insert(*column, text.replace("(.*)", "").replace("[0-9]+", "07").replace(['^', '$'], ""));
        }
    }
    Shape { types, paths, texts, lists: lists(query), members }
}

/// The paths that are expanded, by themselves or by the name that they were given.
fn lists(query: &str) -> BTreeSet<String> {
    let expand = r"(?:mv-expand|mvexpand|mv-apply|array_length\(|array_concat\()\s*(?:\w+\s*=\s*)?";
    let direct = Regex::new(&format!(r"(?i){expand}\(?\w*\(?properties{STEPS}")).unwrap();
    let mut lists: BTreeSet<String> =
        direct.captures_iter(query).map(|found| key(&steps(&found[1]))).collect();
    let given = Regex::new(&format!(r"(?i)(\w+)\s*=\s*\(?\w*\(?properties{STEPS}")).unwrap();
    for found in given.captures_iter(query) {
        if Regex::new(&format!(r"(?i){expand}{}\b", &found[1])).unwrap().is_match(query) {
            let _ = lists.insert(key(&steps(&found[2])));
        }
    }
    lists
}

fn key(steps: &[String]) -> String {
    steps.join("\n").to_lowercase()
}

fn put(bag: &mut Map<String, Json>, steps: &[String], value: Json) {
    let Some((first, rest)) = steps.split_first() else { return };
    if rest.is_empty() {
        let _ = bag.entry(first.clone()).or_insert(value);
        return;
    }
    let inner = bag.entry(first.clone()).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    if let Json::Object(inner) = inner {
        put(inner, rest, value);
    }
}

/// What a place may hold instead of what the query names.
fn other(number: usize) -> Json {
    [json!("other"), json!(false), Json::Null, json!(0), json!(""), json!(true)][number % 6].clone()
}

impl Shape {
    /// A bag of a row of this number, whose bits say which paths hold what the query names.
    fn bag(&self, column: &str, number: usize) -> Json {
        let Some(reads) = self.paths.get(column) else { return Json::Null };
        // The longest first, so that a shorter one does not stand in their way.
        let mut reads: Vec<(usize, &Read)> = reads.iter().enumerate().collect();
        reads.sort_by_key(|(_, read)| std::cmp::Reverse(read.steps.len()));
        let mut bag = Map::new();
        for (at, read) in reads {
            let is_list = column == "properties" && self.lists.contains(&key(&read.steps));
            let as_asked = number >> (at % 6) & 1 == 0;
            let value = match (is_list, as_asked) {
                (true, _) => self.list(number),
                (false, true) => read.value.clone(),
                (false, false) => other(number + at),
            };
            put(&mut bag, &read.steps, value);
        }
        Json::Object(bag)
    }

    fn list(&self, number: usize) -> Json {
        let element = |which: usize| {
            let mut bag = Map::new();
            for (at, read) in self.members.iter().enumerate() {
                let value = if (number + which + at).is_multiple_of(3) {
                    other(number + which)
                } else {
                    read.value.clone()
                };
                put(&mut bag, &read.steps, value);
            }
            if bag.is_empty() { other(number + which) } else { Json::Object(bag) }
        };
        // Sometimes of nothing, sometimes of several.
        Json::Array((0..number % 4).map(element).collect())
    }

    fn rows(&self) -> Rows {
        let mut rows = Vec::new();
        for (ty, number) in self.types.iter().flat_map(|ty| (0..64).map(move |number| (ty, number))) {
            let asked = |column: &str| self.texts.get(column).filter(|_| number < 32).cloned();
            let name = asked("name").unwrap_or_else(|| format!("thing-{number}"));
            let group = asked("resourceGroup").unwrap_or_else(|| format!("rg{}", number % 3));
            let subscription = "00000000-0000-0000-0000-000000000001";
            let id = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{ty}/{name}");
            let text = |column: &str| match column {
                "id" => id.clone(),
                "name" => name.clone(),
                "type" => ty.clone(),
                "location" => {
                    asked(column).unwrap_or_else(|| ["eastus", "westeurope"][number % 2].to_owned())
                }
                "resourceGroup" => group.clone(),
                "subscriptionId" | "tenantId" => subscription.to_owned(),
                column => asked(column).unwrap_or_default(),
            };
            let texts = TEXTS.iter().map(|column| Value::String(text(column)));
            let bags = BAGS.iter().map(|column| match self.bag(column, number) {
                Json::Null => Value::Null(Type::Dynamic),
                bag => Value::Dynamic(bag.to_string()),
            });
            rows.push(texts.chain(bags).collect());
        }
        Arc::new(rows)
    }
}

/// Whether a case is one of Resource Graph: of its documentation, or over its tables.
fn is_graph(case: &Json) -> bool {
    let id = case["id"].as_str().unwrap();
    let query = case["query"].as_str().unwrap().to_lowercase();
    let over = |table: &&str| {
        let table = table.to_lowercase();
        query.contains(&format!("{table}\n")) || query.contains(&format!("{table} "))
    };
    // Log Analytics asks Resource Graph through `arg("")`, which is no table of Resource Graph.
    let asked_from_elsewhere = query.starts_with("arg(");
    let is_graph = id.starts_with("argdocs/") || id.starts_with("aprl/");
    is_graph || (id.starts_with("arcdocs/") && TABLES.iter().any(over) && !asked_from_elsewhere)
}

#[test]
fn every_real_query_of_resource_graph_runs_on_rows_of_its_shape() {
    let mut failing = BTreeSet::new();
    let (mut asked, mut gave) = (0, 0);
    for file in ["arg_and_container_queries", "wild_queries_parse_only"] {
        let Some(cases) = read(file) else {
            println!(
                "skipped: every_real_query_of_resource_graph_runs_on_rows_of_its_shape: no conformance files"
            );
            return;
        };
        for case in cases.iter().filter(|case| is_graph(case)) {
            let (id, query) = (case["id"].as_str().unwrap(), case["query"].as_str().unwrap());
            asked += 1;
            let dialect = Dialect { implicit_table: true };
            let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
            let fleet = Fleet(shape(query).rows());
            match Interpreter.answer(query, dialect, &catalogue(), &fleet, moment, &Limits::default()) {
                Ok(tables) => {
                    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
                    gave += usize::from(rows > 0);
                    if rows == 0 {
                        println!("  no rows: {id}");
                    }
                }
                Err(why) => {
                    let why = match why {
                        Failure::Query(found) => found[0].report(query).to_string(),
                        Failure::Run(error) => error.to_string(),
                    };
                    println!("  {id}: {why}");
                    let _ = failing.insert(id.to_owned());
                }
            }
        }
    }
    println!("run Resource Graph: {} of {asked}; with rows {gave}", asked - failing.len());
    assert!(asked > 100 && gave * 10 >= asked * 7, "only {gave} of {asked} gave rows");
    hold_against_list("graph", &failing);
}

#[test]
fn keys_are_found_whatever_their_case_where_names_are() {
    let row = |properties: &str| {
        let mut row: Vec<Value> = TEXTS.iter().map(|name| Value::String((*name).to_owned())).collect();
        row.extend(BAGS.iter().map(|name| match *name {
            "properties" => Value::Dynamic(properties.to_owned()),
            _ => Value::Null(Type::Dynamic),
        }));
        row
    };
    let fleet =
        Fleet(Arc::new(vec![row(r#"{"osType":"Linux","OSTYPE":"other"}"#), row(r#"{"OSType":"Windows"}"#)]));
    let asked = |query: &str, catalogue: &Catalogue| {
        let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
        let found = Interpreter
            .answer(query, Dialect::default(), catalogue, &fleet, moment, &Limits::default())
            .unwrap();
        let cell = |row: &Vec<Value>| row[0].as_text().unwrap_or_default().to_owned();
        found[0].rows.iter().map(cell).collect::<Vec<_>>().join(" ")
    };
    let all = catalogue();
    let exact = Catalogue { ignore_case: false, ..catalogue() };
    for path in ["properties.osType", "properties['osType']", "properties[strcat('os', 'Type')]"] {
        let query = format!("Resources | project tostring({path})");
        assert_eq!(asked(&query, &all), "Linux Windows", "{path}");
        assert_eq!(asked(&query, &exact), "Linux ", "{path}");
    }
}
