//! Every query that is at hand ends, whatever it asks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bowline_query::{Columnar, Limits};

use crate::answers::{answer_within, read};

/// Those whose queries bring their own tables.
const FILES: &[&str] = &[
    "docs_tierA_exact",
    "docs_tierB_selfcontained_review",
    "docs_parse_only_queries",
    "kustoloco_babykusto",
];

#[test]
fn every_query_ends_without_a_panic() {
    let limits = Limits { rows: 50_000, ..Limits::default() };
    let (mut asked, mut panicked) = (0, Vec::new());
    for file in FILES {
        let Some(cases) = read(file) else {
            println!("skipped: every_query_ends_without_a_panic: no conformance files");
            return;
        };
        for case in &cases {
            asked += 1;
            let query = case["query"].as_str().unwrap();
            if catch_unwind(AssertUnwindSafe(|| {
                drop(answer_within(&Columnar { rows_too: true }, query, &limits));
            }))
            .is_err()
            {
                panicked.push(case["id"].clone());
            }
        }
    }
    assert!(asked > 800, "only {asked} queries");
    assert!(panicked.is_empty(), "these end in a panic: {panicked:#?}");
}
