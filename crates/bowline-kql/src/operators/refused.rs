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
    "project-by-names",
    "reduce",
    "scan",
];

pub(super) fn parse(parser: &mut Parser<'_>, operator: Name) -> Parsed<Refused> {
    match operator.text.as_str() {
        "assert-schema" => {
            parser.row_schema()?;
        }
        "consume" => {
            parser.settings(&["decodeblocks"])?;
        }
        "project-by-names" => {
            parser.list(Parser::expression)?;
        }
        "reduce" => parse_reduce(parser)?,
        "scan" => parse_scan(parser)?,
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

fn parse_scan(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.settings(&["kind", "with_match_id", "with_step_name"])?;
    if parser.is("order") || parser.is("sort") {
        parser.advance();
        super::sort::parse(parser)?;
    }
    if parser.eat("partition") {
        parser.expect("by")?;
        parser.list(Parser::expression)?;
    }
    if parser.eat("declare") {
        parser.expect("(")?;
        parser.list(|parser| {
            parser.column_declaration()?;
            if parser.eat("=") {
                parser.expression()?;
            }
            Ok(())
        })?;
        parser.expect(")")?;
    }
    parser.expect("with")?;
    parser.expect("(")?;
    while parser.eat("step") {
        parser.declared_name()?;
        parser.eat("optional");
        parser.settings(&["output"])?;
        parser.expect(":")?;
        parser.expression()?;
        if parser.eat("=>") {
            parser.list(Parser::named)?;
        }
        parser.expect(";")?;
    }
    parser.expect(")")?;
    Ok(())
}
