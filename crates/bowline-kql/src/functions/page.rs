//! `docs/reference/kql-functions.md`: the table as a page.

use super::{Function, Kind, all};

/// The page as it is committed.
pub fn page() -> String {
    let mut out = String::from(
        "<!-- Rendered from the table of functions in bowline-kql. Do not edit. -->\n# Functions of the query language\n\n\
         What the binder knows; names are as in Azure. `[…]` may be left out, `…` may be repeated.\n",
    );
    let mut group = "";
    for function in all() {
        if function.group != group {
            group = function.group;
            out.push_str(&format!("\n## {group}\n\n| function | what it gives |\n|---|---|\n"));
        }
        out.push_str(&line(function));
    }
    out
}

fn line(function: &'static Function) -> String {
    let forms: Vec<String> =
        function.signatures().iter().map(|one| format!("`{}{one}`", function.name)).collect();
    let place = if function.kind == Kind::Window { " For tables in order." } else { "" };
    format!("| {} | {}{place} |\n", forms.join("<br>"), function.doc)
}

#[cfg(test)]
mod tests {
    /// `UPDATE_PAGES=1` writes it.
    #[test]
    fn the_page_is_as_committed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/kql-functions.md");
        let page = super::page();
        if std::env::var_os("UPDATE_PAGES").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == page,
            "docs/reference/kql-functions.md is stale: run this test with UPDATE_PAGES=1"
        );
    }
}
