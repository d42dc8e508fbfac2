//! What was driven, held against the tables of all operations that the clients have.
//!
//! The tables lie beside the checkout (`../shared/reference/arm-clients-*.tsv`); where they do not, nothing is compared.
//! A row is met when a passing case sent its request and got a status that the client's own code accepts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::{Results, Sent};

/// The line of the page after which the coverage follows.
pub const TITLE: &str = "\n## All operations of the clients\n";

/// One operation of a client; api-versions of the same request are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    namespace: String,
    operation: String,
    method: String,
    template: String,
    accepted: BTreeSet<u16>,
}

/// The table of one client.
#[derive(Debug)]
pub struct Table {
    title: &'static str,
    rows: Vec<Row>,
}

/// The table of a client's folder, if there is one in `shared`.
#[must_use]
pub fn table(shared: &Path, folder: &str) -> Option<Table> {
    let (title, file, columns) = match folder {
        // api-version, method, template, statuses, style of long-running, operation
        "python" => ("Azure SDK for Python", "arm-clients-python.tsv", [1, 2, 3, 5]),
        // command, api-version, method, template, statuses
        "az" => ("azure-cli", "arm-clients-az.tsv", [2, 3, 4, 0]),
        _ => return None,
    };
    let text = std::fs::read_to_string(shared.join("reference").join(file)).ok()?;
    Some(Table { title, rows: rows(&text, columns) })
}

fn rows(text: &str, [method, template, statuses, operation]: [usize; 4]) -> Vec<Row> {
    let mut found: BTreeMap<(String, String), Row> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        if cell(method).is_empty() {
            continue;
        }
        let key = (cell(method).to_owned(), cell(template).to_lowercase());
        let row = found.entry(key).or_insert_with(|| Row {
            namespace: namespace(cell(template)),
            operation: name(cell(operation)),
            method: cell(method).to_owned(),
            template: cell(template).to_owned(),
            accepted: BTreeSet::new(),
        });
        row.accepted.extend(cell(statuses).split(',').filter_map(|status| status.trim().parse::<u16>().ok()));
    }
    let mut rows: Vec<Row> = found.into_values().collect();
    rows.sort();
    rows
}

/// `MachinesOperations._delete_initial` is `Machines.delete` to who uses it; some names of commands are files.
fn name(operation: &str) -> String {
    let plain = operation.replace("Operations.", ".").replace("._", ".").replace("_initial", "");
    let plain = if plain.starts_with('.') { format!("Operations{plain}") } else { plain };
    plain.trim_end_matches(".py").replace("/_", " ").replace('/', " ")
}

/// The namespace that decides whether it is served: the last one of the path.
fn namespace(template: &str) -> String {
    let after = template.split("/providers/").skip(1).filter_map(|rest| rest.split('/').next());
    let named = after.filter(|segment| !segment.starts_with('{')).last();
    named.map_or_else(|| "Microsoft.Resources".to_owned(), canonical)
}

fn canonical(namespace: &str) -> String {
    namespace.replace("microsoft.", "Microsoft.").replace(".insights", ".Insights")
}

impl Row {
    /// The type after the namespace, in lower case, without names.
    fn resource_type(&self) -> String {
        let lower = self.template.to_lowercase();
        let rest =
            lower.rsplit_once(&format!("/providers/{}", self.namespace.to_lowercase())).map(|(_, rest)| rest);
        let segments: Vec<&str> =
            rest.unwrap_or(&lower).split('/').filter(|s| !s.is_empty() && !s.starts_with('{')).collect();
        segments.join("/")
    }

    fn is_met_by(&self, sent: &Sent) -> bool {
        let template: Vec<&str> = self.template.split('/').filter(|segment| !segment.is_empty()).collect();
        let path: Vec<&str> = sent.path.split('/').filter(|segment| !segment.is_empty()).collect();
        self.method == sent.method && self.accepted.contains(&sent.status) && fits(&template, &path)
    }

    /// Whether the server has the type: `served` are its types in lower case, with their namespaces.
    fn is_served(&self, served: &BTreeSet<String>) -> bool {
        let mut wanted = format!("{}/{}", self.namespace.to_lowercase(), self.resource_type());
        loop {
            if served.contains(&wanted) {
                return true;
            }
            // An action of a type has one segment more than the type.
            let Some((shorter, _)) = wanted.rsplit_once('/') else { return false };
            let deeper = shorter.matches('/').count() > 0 && self.method == "POST";
            if !deeper {
                return false;
            }
            wanted = shorter.to_owned();
        }
    }
}

/// Whether a path fits a template. A parameter at the start is a scope: any number of segments.
fn fits(template: &[&str], path: &[&str]) -> bool {
    let Some((first, rest)) = template.split_first() else { return path.is_empty() };
    match *first {
        "{parentResourcePath}" => (0..=path.len()).any(|n| fits(rest, &path[n..])),
        "{scope}" | "{resourceId}" | "{roleId}" | "{roleAssignmentId}" | "{resourceUri}"
        | "{denyAssignmentId}" => (1..=path.len()).any(|n| fits(rest, &path[n..])),
        name if name.starts_with('{') => !path.is_empty() && fits(rest, &path[1..]),
        word => {
            path.first().is_some_and(|segment| segment.eq_ignore_ascii_case(word)) && fits(rest, &path[1..])
        }
    }
}

/// The section of the page.
#[must_use]
pub fn render(tables: &[(Table, &Results)], served: &BTreeSet<String>) -> String {
    let mut section = TITLE.to_owned();
    section.push_str(
        "
Every request that a client can send, from its own source. `driven` is sent and accepted in the cases above;
`open` is of a type that Bowline has, and in no case yet, or it is refused with a sentence that says so (`not served` above). The rest is of types that Bowline
does not have yet: `InvalidResourceType`, or `DeploymentsNotServedYet`.
",
    );
    for (table, results) in tables {
        one(&mut section, table, results, served);
    }
    section
}

#[derive(Default)]
struct Count<'a> {
    driven: usize,
    open: Vec<&'a str>,
    absent: Vec<&'a str>,
}

fn one(section: &mut String, table: &Table, results: &Results, served: &BTreeSet<String>) {
    let passing: Vec<&Sent> = results.outcomes.iter().filter(|o| o.ok).flat_map(|o| &o.requests).collect();
    let mut counts: BTreeMap<&str, Count<'_>> = BTreeMap::new();
    for row in &table.rows {
        let count = counts.entry(&row.namespace).or_default();
        if passing.iter().any(|sent| row.is_met_by(sent)) {
            count.driven += 1;
        } else if row.is_served(served) {
            count.open.push(&row.operation);
        } else {
            count.absent.push(&row.operation);
        }
    }
    let _ = writeln!(
        section,
        "\n### {}\n\n| namespace | requests | driven | open | not served |\n|---|---|---|---|---|",
        table.title
    );
    for (namespace, count) in &counts {
        let (driven, open, absent) = (count.driven, count.open.len(), count.absent.len());
        let _ =
            writeln!(section, "| {namespace} | {} | {driven} | {open} | {absent} |", driven + open + absent);
    }
    for (word, which) in [("Open", 0), ("Not served", 1)] {
        let _ = writeln!(section, "\n**{word}**\n");
        for (namespace, count) in &counts {
            let mut names = if which == 0 { count.open.clone() } else { count.absent.clone() };
            names.sort_unstable();
            names.dedup();
            if !names.is_empty() {
                let _ = writeln!(section, "- {namespace}: {}", names.join(", "));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: &str, path: &str, status: u16) -> Sent {
        Sent { method: method.into(), path: path.into(), version: String::new(), status }
    }

    #[test]
    fn a_request_meets_the_row_of_its_template_with_an_accepted_status() {
        let text = "2026-05-01\tPUT\t/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Kubernetes/connectedClusters/{c}\t200,201\tLRO\tConnectedClusterOperations._create_or_replace_initial\n\
                    2022-04-01\tGET\t/{scope}/providers/Microsoft.Authorization/roleAssignments\t200\t\tRoleAssignmentsOperations.list_for_scope\n\
                    2020-01-01\tGET\t/{scope}/providers/Microsoft.Authorization/roleAssignments\t200\t\tRoleAssignmentsOperations.list_for_scope";
        let rows = rows(text, [1, 2, 3, 5]);
        assert_eq!(rows.len(), 2, "two versions of one request are one row");
        let (list, put) = (&rows[0], &rows[1]);
        assert_eq!(put.operation, "ConnectedCluster.create_or_replace");
        let path = "/subscriptions/1/resourcegroups/g/providers/Microsoft.Kubernetes//connectedClusters/c";
        assert!(put.is_met_by(&sent("PUT", path, 201)) && !put.is_met_by(&sent("PUT", path, 202)));
        assert!(!put.is_met_by(&sent("DELETE", path, 200)));
        let below = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments";
        assert!(
            list.is_met_by(&sent("GET", below, 200))
                && !list.is_met_by(&sent("GET", &format!("{below}/x"), 200))
        );
        let served = BTreeSet::from(["microsoft.kubernetes/connectedclusters".to_owned()]);
        assert!(put.is_served(&served) && !list.is_served(&served));
    }
}
