//! Operators that are read, so that an error elsewhere in the query is found, and then refused by name.

use super::graph;
use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Refused {
    pub operator: Name,
}

/// The operators of this file.
pub(super) const NAMES: &[&str] = &[
    "assert-schema",
    "consume",
    "execute-and-cache",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "make-graph",
    "reduce",
];

pub(super) fn parse(parser: &mut Parser<'_>, operator: Name) -> Parsed<Refused> {
    match operator.text.as_str() {
        "assert-schema" => {
            parser.row_schema()?;
        }
        "consume" => {
            parser.settings(&["decodeblocks"])?;
        }
        "reduce" => parse_reduce(parser)?,
        "execute-and-cache" => {}
        _ => graph::parse(parser, &operator.text)?,
    }
    Ok(Refused { operator })
}

fn parse_reduce(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.settings(&["kind"])?;
    parser.expect("by")?;
    parser.named()?;
    if parser.eat("with") {
        parser.list(|parser| {
            parser.declared_name()?;
            parser.expect("=")?;
            parser.literal_value()
        })?;
    }
    Ok(())
}
