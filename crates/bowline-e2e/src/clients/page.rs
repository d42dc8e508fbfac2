//! `docs/reference/clients.md`: which operation of which client passes, as a run found it.

use std::fmt::Write as _;

use super::{Outcome, Results, Sent};

const HEAD: &str = "# Which clients work

Written by `UPDATE=1 cargo xtask test --suite clients`, which installs the real clients by name and drives them against a real
`bowline-server` with the certificate it made for itself. The suite fails when what passes here does not pass any more. Nothing in the clients is changed:
what each needs is said in [the guide](../guide/azure-clients.md).

Beside `succeeds`, a case is a way to fail: `no rights` (403, and a list shows nothing), `unknown subscription`, `not found`, `wrong etag`
(412), `locked`, `conflict`, and so on; it passes when the client raises the error that its users know, with ARM's code.
";

/// The page, without the coverage of the tables.
#[must_use]
pub fn render(all: &[Results]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| client | operations | cases | passing |\n|---|---|---|---|\n");
    for results in all {
        let passing = results.outcomes.iter().filter(|outcome| outcome.ok).count();
        let line = (results.client.title, operations(results).len(), results.outcomes.len());
        let _ = writeln!(page, "| {} | {} | {} | {passing} |", line.0, line.1, line.2);
    }
    for results in all {
        section(&mut page, results);
    }
    page
}

fn section(page: &mut String, results: &Results) {
    let _ = writeln!(page, "\n## {}\n", results.client.title);
    let versions: Vec<_> =
        results.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(page, "{}\n", versions.join(", "));
    page.push_str("| operation | request | passes | fails |\n|---|---|---|---|\n");
    for operation in operations(results) {
        let outcomes: Vec<_> = results.outcomes.iter().filter(|o| o.operation == operation).collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            operation.replace('|', "\\|"),
            request(&outcomes),
            cases(&outcomes, true),
            cases(&outcomes, false)
        );
    }
}

/// In the order in which they were first driven.
fn operations(results: &Results) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for outcome in &results.outcomes {
        if !found.contains(&outcome.operation.as_str()) {
            found.push(&outcome.operation);
        }
    }
    found
}

/// The names of the cases that passed or failed. A case passes when it passes in each flavour of the client.
fn cases(outcomes: &[&Outcome], passing: bool) -> String {
    let mut names: Vec<String> = Vec::new();
    for outcome in outcomes {
        let flavours: Vec<_> = outcomes.iter().filter(|o| o.case == outcome.case).collect();
        let failing: Vec<&str> = flavours.iter().filter(|o| !o.ok).map(|o| o.flavour.as_str()).collect();
        let name = match (passing, failing.is_empty()) {
            (true, true) => outcome.case.clone(),
            (false, false) if failing.len() == flavours.len() => format!("**{}**", outcome.case),
            (false, false) => format!("**{}** ({})", outcome.case, failing.join(", ")),
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The last request of the case that shows the operation best: what it does after it has looked around.
fn request(outcomes: &[&Outcome]) -> String {
    let success = outcomes.iter().find(|o| o.case == "succeeds" && !o.requests.is_empty());
    let shown = success.or_else(|| outcomes.iter().find(|o| !o.requests.is_empty()));
    let Some(outcome) = shown else { return String::new() };
    // A change says more than the reading around it.
    let change = outcome.requests.iter().find(|sent| sent.method != "GET");
    let Some(sent) = change.or_else(|| outcome.requests.last()) else { return String::new() };
    let version = if sent.version.is_empty() { String::new() } else { format!(" {}", sent.version) };
    format!("{} {}{version}", sent.method, what(sent))
}

/// What a path is about, without the names in it: `Microsoft.Kubernetes/connectedClusters`.
#[must_use]
pub fn what(sent: &Sent) -> String {
    let segments: Vec<&str> = sent.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let last = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"));
    if let ["v1.0", rest @ ..] = segments.as_slice() {
        return format!("Graph {}", types(rest).join("/"));
    }
    let Some(at) = last.filter(|at| segments.get(at + 1).is_some_and(|next| next.contains('.'))) else {
        return types(&segments).join("/");
    };
    let mut name = vec![segments[at + 1].to_owned()];
    name.extend(types(&segments[at + 2..]));
    name.join("/")
}

/// Every other segment: the types, or the words of a route that has no names.
fn types(segments: &[&str]) -> Vec<String> {
    segments.iter().step_by(2).map(|segment| (*segment).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::CLIENTS;

    fn outcome(flavour: &str, case: &str, ok: bool) -> Outcome {
        let path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes//connectedClusters/c"
            .to_owned();
        let sent = Sent { method: "PUT".into(), path, version: "2026-05-01".into(), status: 201 };
        Outcome {
            flavour: flavour.into(),
            operation: "clusters.put".into(),
            case: case.into(),
            ok,
            seen: String::new(),
            seconds: 0.0,
            requests: vec![sent],
        }
    }

    #[test]
    fn a_case_passes_only_in_every_flavour() {
        let outcomes = vec![
            outcome("sync", "succeeds", true),
            outcome("aio", "succeeds", false),
            outcome("sync", "no rights", true),
        ];
        let results = Results { client: CLIENTS[1], versions: vec![("p".into(), "1".into())], outcomes };
        let page = render(&[results]);
        let line = "| `clusters.put` | PUT Microsoft.Kubernetes/connectedClusters 2026-05-01 | no rights | **succeeds** (aio) |";
        assert!(page.contains(line), "{page}");
        assert!(page.contains("| Azure SDK for Python | 1 | 3 | 2 |"), "{page}");
    }
}
