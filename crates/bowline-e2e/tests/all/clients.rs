//! The real clients against a real server: `cargo xtask test --suite clients`.
//!
//! What passes is `docs/reference/clients.md`, written by `UPDATE=1`. A case that passed there and does not now fails the
//! suite; what is new or better is printed, so that the page is brought up to date.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use bowline_e2e::api::Api;
use bowline_e2e::clients::scene::Scene;
use bowline_e2e::clients::{CLIENTS, Client, Results, coverage, page, place, root, run, skipped};
use bowline_e2e::server::{Options, Server};

const PAGE: &str = "docs/reference/clients.md";

#[tokio::test]
async fn every_operation_passes_that_the_page_says() {
    let test = "every_operation_passes_that_the_page_says";
    let places: Option<Vec<_>> = CLIENTS.iter().map(|client| Some((*client, place(client)?))).collect();
    let Some(places) = places else { return skipped(test) };
    // A server for each: a lock on the subscription that one client tries out is in the way of another.
    let servers = futures::future::join_all(places.iter().map(|_| Server::usual())).await;
    let driving = places.iter().zip(&servers).map(async |((client, place), server)| {
        let scene = Scene::make(server, &server.admin().await).await;
        run(*client, place, &scene, &[]).await
    });
    let mut results = futures::future::join_all(driving).await;
    throttled(&places, &mut results).await;
    for results in &results {
        println!("{}", summary(results));
    }
    let mut fresh = page::render(&results);
    let committed = std::fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    match tables(&results, &served(&servers[0].admin().await).await) {
        Some(section) => fresh.push_str(&section),
        // Without the tables that part of the page stays as it is.
        None => fresh.extend(committed.find(coverage::TITLE).map(|at| &committed[at..])),
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(PAGE), &fresh).unwrap();
        return;
    }
    let (before, now) = (passing(&committed), passing(&fresh));
    let lost: Vec<_> = before.difference(&now).collect();
    assert!(lost.is_empty(), "these passed until now, as {PAGE} says: {lost:#?}");
    let changes = changes(&committed, &fresh);
    if !changes.is_empty() {
        println!("{PAGE} is behind; run this with UPDATE=1 and commit it:\n{changes}");
    }
}

/// The clients that wait when they are told to, on a server with a small budget.
async fn throttled(places: &[(Client, PathBuf)], results: &mut [Results]) {
    let extra = ["--writes-per-minute", "20"].map(str::to_owned).to_vec();
    let server = Server::start(Options { extra, ..Options::default() }).await;
    let scene = Scene::make(&server, &server.admin().await).await;
    for ((client, place), results) in places.iter().zip(results) {
        if ["python", "javascript"].contains(&client.folder) {
            results.outcomes.extend(run(*client, place, &scene, &["--throttled"]).await.outcomes);
        }
    }
}

#[tokio::test]
async fn people_sign_in_through_an_issuer_of_somebody_elses_making() {
    let test = "people_sign_in_through_an_issuer_of_somebody_elses_making";
    let Some(place) = std::env::var_os("BOWLINE_CLIENT_UPSTREAM") else { return skipped(test) };
    crate::upstream::through_a_foreign_issuer(std::path::Path::new(&place)).await;
}

/// One line for the log, and one for each failure.
fn summary(results: &Results) -> String {
    let failed: Vec<_> = results.outcomes.iter().filter(|outcome| !outcome.ok).collect();
    let seconds: f64 = results.outcomes.iter().map(|outcome| outcome.seconds).sum();
    let count = results.outcomes.len();
    let mut text =
        format!("{}: {count} cases, {} failed, {seconds:.0} s", results.client.title, failed.len());
    for outcome in failed {
        let statuses: Vec<_> = outcome.requests.iter().map(|sent| sent.status).collect();
        let seen = outcome.seen.replace('\n', " ");
        let _ = write!(
            text,
            "\n  {} [{}, {}] {statuses:?} {seen}",
            outcome.operation, outcome.flavour, outcome.case
        );
    }
    text
}

/// The types that the server lists, in lower case.
async fn served(admin: &Api) -> BTreeSet<String> {
    let page = admin.get("/providers").await.expect(200);
    let namespaces = page["value"].as_array().expect("/providers is a list");
    let types = namespaces.iter().flat_map(|namespace| {
        let name = namespace["namespace"].as_str().unwrap_or_default().to_owned();
        let types = namespace["resourceTypes"].as_array().into_iter().flatten();
        types.filter_map(move |t| Some(format!("{name}/{}", t["resourceType"].as_str()?).to_lowercase()))
    });
    types.collect()
}

fn tables(results: &[Results], served: &BTreeSet<String>) -> Option<String> {
    let shared = root().parent()?.join("shared");
    let all: Vec<_> =
        results.iter().filter_map(|r| Some((coverage::table(&shared, r.client.folder)?, r))).collect();
    (!all.is_empty()).then(|| coverage::render(&all, served))
}

/// Client, operation and name of each case that passes on a page.
fn passing(page: &str) -> BTreeSet<(String, String, String)> {
    let mut client = String::new();
    let mut found = BTreeSet::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut client);
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        let [operation, _, passes, _] = cells[..] else { continue };
        let Some(operation) = operation.strip_prefix("| `") else { continue };
        for case in passes.split(", ").filter(|case| !case.is_empty()) {
            found.insert((client.clone(), operation.to_owned(), case.to_owned()));
        }
    }
    found
}

#[test]
fn a_case_that_no_longer_passes_is_lost_and_a_better_one_is_not() {
    let page = "## az\n| operation | request | passes | fails |\n| `group list` | GET x | succeeds, no rights |  |\n";
    let worse = page.replace("succeeds, no rights |  |", "no rights | **succeeds** |");
    let (good, bad) = (passing(page), passing(&worse));
    assert_eq!((good.len(), bad.len()), (2, 1), "{good:?} {bad:?}");
    assert_eq!(good.difference(&bad).map(|lost| lost.2.as_str()).collect::<Vec<_>>(), ["succeeds"]);
    assert_eq!(bad.difference(&good).count(), 0);
}

/// The lines that are only in one of the two.
fn changes(old: &str, new: &str) -> String {
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) = (old.lines().collect(), new.lines().collect());
    let gone = old.lines().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let come = new.lines().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect::<Vec<_>>().join("\n")
}
