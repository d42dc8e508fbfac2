//! What queries mean, beside the verdict of Microsoft's binder: the columns of the answer and their types.

use std::collections::{BTreeMap, BTreeSet};

use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, bind};
use serde_json::Value;

use crate::cases::{Case, hold_against_list, read};

/// Files whose cases say which columns come out.
const FILES: &[&str] = &[
    "docs_tierA_exact",
    "docs_tierB_selfcontained_review",
    "docs_tierC_needs_sample_tables",
    "docs_parse_only_queries",
    "kustoloco_babykusto",
];

fn expected_columns(verdict: &Value) -> Option<Vec<(String, String)>> {
    let columns = verdict["columns"].as_array()?;
    columns.iter().map(|one| Some((one[0].as_str()?.to_owned(), one[1].as_str()?.to_owned()))).collect()
}

/// Whether we give the same columns, or refuse what Microsoft's binder refuses.
fn agrees(case: &Case) -> Result<(), String> {
    let verdict = &case.ms_parser;
    let bound = bind(&case.query, Dialect::default(), &Catalogue::default());
    match (verdict["bind_ok"].as_bool().unwrap_or(false), bound) {
        (false, Err(_)) => Ok(()),
        (false, Ok(_)) => Err(format!("bound, but {}", verdict["errors"])),
        (true, Err(found)) => Err(found[0].report(&case.query).to_string()),
        (true, Ok(query)) => {
            let Some(expected) = expected_columns(verdict) else { return Ok(()) };
            let Some(last) = query.outputs.last() else { return Err("asks for nothing".to_owned()) };
            let schema = &last.plan.schema;
            let found: Vec<(String, String)> = schema
                .columns
                .iter()
                .map(|column| (column.name.clone(), column.ty.name().to_owned()))
                .collect();
            let open = verdict["open_schema"].as_bool().unwrap_or(false) || schema.open;
            // Where a value's type is not known to it, Microsoft's binder says so; any type agrees.
            let same = found.len() == expected.len()
                && found.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && (a.1 == b.1 || b.1 == "unknown"));
            if same || open {
                Ok(())
            } else {
                Err(format!("columns {found:?}\n      instead of {expected:?}"))
            }
        }
    }
}

#[test]
fn queries_have_the_columns_that_microsofts_binder_gives() {
    let mut seen = BTreeSet::new();
    let mut failing = BTreeSet::new();
    for file in FILES {
        let Some(cases) = read(file) else {
            println!("skipped: queries_have_the_columns_that_microsofts_binder_gives: no conformance files");
            return;
        };
        let (mut agreed, mut bindable, mut bound) = (0, 0, 0);
        for case in &cases {
            seen.insert(case.id.clone());
            let is_bindable = case.ms_parser["bind_ok"].as_bool().unwrap_or(false);
            bindable += u32::from(is_bindable);
            match agrees(case) {
                Ok(()) => {
                    agreed += 1;
                    bound += u32::from(is_bindable);
                }
                Err(why) => {
                    println!("  {}: {why}", case.id);
                    failing.insert(case.id.clone());
                }
            }
        }
        println!("bind {file}: {agreed} of {}; of those with columns {bound} of {bindable}", cases.len());
    }
    hold_against_list("binding", &seen, &failing);
}

fn table(name: &str, columns: &[(&str, Type)], open: bool) -> Table {
    let columns = columns.iter().map(|(name, ty)| Column::new(*name, *ty)).collect();
    Table { name: name.to_owned(), schema: Schema { columns, open } }
}

/// The tables of Resource Graph that the real queries ask.
pub(crate) fn resource_graph() -> Catalogue {
    let text = [
        "id",
        "name",
        "type",
        "tenantId",
        "kind",
        "location",
        "resourceGroup",
        "subscriptionId",
        "managedBy",
    ];
    let bags = ["sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation", "aliases"];
    let columns: Vec<(&str, Type)> = text
        .iter()
        .map(|name| (*name, Type::String))
        .chain(bags.iter().map(|name| (*name, Type::Dynamic)))
        .collect();
    let names = [
        "Resources",
        "ResourceContainers",
        "AdvisorResources",
        "SecurityResources",
        "PolicyResources",
        "HealthResources",
        "GuestConfigurationResources",
        "KubernetesConfigurationResources",
        "ExtendedLocationResources",
        "AuthorizationResources",
        "RecoveryServicesResources",
        "MaintenanceResources",
        "PatchAssessmentResources",
        "PatchInstallationResources",
        "ServiceHealthResources",
        "AlertsManagementResources",
        "ResourceChanges",
        "IoTSecurityResources",
        "NetworkResources",
    ];
    let mut tables: Vec<Table> = names.iter().map(|name| table(name, &columns, false)).collect();
    // Of the container queries, and one of whatever a workspace holds beside.
    tables.extend(["KubePodInventory", "KubeNodeInventory", "AnyTable"].map(|name| table(name, &[], true)));
    Catalogue {
        tables,
        default_table: Some("Resources".to_owned()),
        ignore_case: true,
        discovered: Vec::new(),
    }
}

#[test]
fn real_queries_bind_over_their_tables() {
    let mut seen = BTreeSet::new();
    let mut failing = BTreeSet::new();
    for file in ["arg_and_container_queries", "wild_queries_parse_only"] {
        let Some(cases) = read(file) else {
            println!("skipped: real_queries_bind_over_their_tables: no conformance files");
            return;
        };
        let mut score: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for case in cases.iter().filter(|case| case.implicit_table || case.ms_parser["syntax_ok"] == true) {
            let mut catalogue = resource_graph();
            // Tables that the query asks and nobody described: whatever columns it names are there.
            for name in
                case.ms_parser["unknown_names"].as_array().into_iter().flatten().filter_map(Value::as_str)
            {
                if !catalogue.tables.iter().any(|table| table.name.eq_ignore_ascii_case(name)) {
                    catalogue.tables.push(table(name, &[], true));
                }
            }
            seen.insert(case.id.clone());
            let entry = score.entry(file).or_default();
            entry.1 += 1;
            match bind(&case.query, Dialect { implicit_table: case.implicit_table }, &catalogue) {
                Ok(_) => entry.0 += 1,
                Err(found) => {
                    println!("  {}: {}", case.id, found[0].report(&case.query));
                    failing.insert(case.id.clone());
                }
            }
        }
        for (name, (bound, of)) in score {
            println!("bind {name}: {bound} of {of}");
        }
    }
    hold_against_list("binding_real", &seen, &failing);
}

#[test]
fn what_is_wrong_is_said_with_what_was_meant() {
    let catalogue = resource_graph();
    let check = |query: &str, expected: &str| {
        let found = bind(query, Dialect { implicit_table: true }, &catalogue).unwrap_err();
        let found: Vec<String> = found.iter().map(|found| found.report(query).to_string()).collect();
        assert_eq!(found.join("\n"), expected, "{query}");
    };
    check("Resourcs | count", "line 1, column 1: there is no table 'Resourcs'; did you mean 'Resources'?");
    check(
        "Resources\n| where loaction == 'x'",
        "line 2, column 9: there is no column 'loaction'; did you mean 'location'?",
    );
    check(
        "Resources | extend x = tolowr(name), y = nme",
        "line 1, column 24: there is no function 'tolowr'; did you mean 'tolower'?\nline 1, column 42: there is no column 'nme'; did you mean 'name'?",
    );
    check("Resources | where name > 1", "line 1, column 24: '>' is not defined between a string and a long");
    check(
        "Resources | where strlen()",
        "line 1, column 19: 'strlen' does not take 0 arguments: strlen(text: string) → long",
    );
    check("Resources | where sum(1) > 1", "line 1, column 19: 'sum' is an aggregate; it stands in summarize");
    check(
        "externaldata(a: long)['https://x'] | count",
        "line 1, column 1: externaldata is not supported: a query reads the inventory only, never an address that somebody wrote into it",
    );
}

/// A query reads the tables of its caller and nothing else: no other database, no address, no program.
#[test]
fn what_leads_elsewhere_is_refused_with_a_reason() {
    let catalogue = resource_graph();
    let refused = |query: &str| {
        let found = bind(query, Dialect { implicit_table: true }, &catalogue).err();
        let found = found.unwrap_or_else(|| panic!("{query} is bound"));
        found[0].report(query).to_string()
    };
    for table in [
        "cluster('x').database('y').T",
        "cluster('https://x.kusto.windows.net').database('y').T | count",
        "database('y').T",
        "cluster('x').T",
        "Resources | join kind=inner (cluster('x').database('y').T) on id",
        "union Resources, database('y').T",
        "Resources | where id in (cluster('x').database('y').T)",
        "let t = () { cluster('x').database('y').T }; t",
        "print toscalar(database('y').T)",
    ] {
        let said = refused(table);
        assert!(said.contains("not supported: there is one database here"), "{table}: {said}");
    }
    for table in ["external_table('t')", "materialized_view('v')"] {
        let said = refused(table);
        assert!(said.contains("only the tables of the inventory can be asked"), "{table}: {said}");
    }
    for plugin in [
        "http_request('https://x')",
        "http_request_post('https://x')",
        "sql_request('Server=x', 'select 1')",
        "mysql_request('Server=x', 'select 1')",
        "postgresql_request('Host=x', 'select 1')",
        "cosmosdb_sql_request('AccountEndpoint=x', 'select 1')",
        "azure_digital_twins_query_request('https://x', 'select 1')",
        "ai_embed_text('x', 'https://x')",
        "ai_chat_completion('x', 'https://x')",
    ] {
        let said = refused(&format!("evaluate {plugin}"));
        assert!(said.contains("the plug-in '") && said.contains("never an address"), "{plugin}: {said}");
    }
    for plugin in
        ["python(typeof(*), 'result = df')", "r(typeof(*), 'result <- df')", "csharp(typeof(*), '')"]
    {
        let said = refused(&format!("Resources | evaluate {plugin}"));
        assert!(said.contains("the plug-in '") && said.contains("runs no code"), "{plugin}: {said}");
    }
}

#[test]
fn a_small_text_cannot_make_a_large_plan() {
    let doubled = |first: &str, next: fn(usize) -> String| -> String {
        let mut text = first.to_owned();
        (1..40).for_each(|index| text.push_str(&next(index)));
        text
    };
    let catalogue = resource_graph();
    for query in [
        doubled("let t0 = Resources; ", |i| format!("let t{i} = union t{0}, t{0}; ", i - 1)) + "t39",
        doubled("let f0 = () { 1 }; ", |i| format!("let f{i} = () {{ f{0}() + f{0}() }}; ", i - 1))
            + "print f39()",
        doubled("let f0 = () { Resources }; ", |i| {
            format!("let f{i} = () {{ f{0} | join f{0} on id }}; ", i - 1)
        }) + "f39",
        format!("print {}1{}", "toscalar(print ".repeat(60), ")".repeat(60)),
    ] {
        let started = std::time::Instant::now();
        let _ = bind(&query, Dialect::default(), &catalogue);
        assert!(started.elapsed().as_secs() < 60, "{query}");
    }
}
