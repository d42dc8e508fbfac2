//! ARM's language: ids, versions, errors, pages, operations, wire types. No async, no IO.
