//! The grammar of the graph operators. None of them is answered yet; see [`super::refused`].

use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::token::TokenKind;

pub(super) fn parse(parser: &mut Parser<'_>, operator: &str) -> Parsed<()> {
    match operator {
        "make-graph" => parse_make_graph(parser),
        "graph-match" | "graph-shortest-paths" => {
            parser.settings(&["cycles", "output"])?;
            parser.list(parse_pattern)?;
            if parser.eat("where") {
                parser.expression()?;
            }
            if parser.eat("project") {
                parser.list(Parser::named)?;
            }
            Ok(())
        }
        "graph-mark-components" => {
            parser.settings(&["kind", "with_component_id"])?;
            Ok(())
        }
        "graph-to-table" => {
            parser.list(|parser| {
                if !(parser.eat("nodes") || parser.eat("edges")) {
                    return Err(parser.expected("'nodes' or 'edges'"));
                }
                if parser.eat("as") {
                    parser.declared_name()?;
                }
                parser.settings(&["with_node_id", "with_source_id", "with_target_id"])
            })?;
            Ok(())
        }
        _ => {
            parser.expression()?;
            Ok(())
        }
    }
}

fn parse_make_graph(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.declared_name()?;
    for mark in ["-", "-", ">"] {
        parser.expect(mark)?;
    }
    parser.declared_name()?;
    parser.settings(&["with_node_id"])?;
    if parser.eat("with") {
        parser.list(|parser| {
            parser.postfix()?;
            parser.expect("on")?;
            parser.name()
        })?;
    }
    if parser.eat("partitioned-by") {
        parser.name()?;
        super::parse_body(parser)?;
    }
    Ok(())
}

/// `(a)-[e*1..3]->(b)<--(c)`.
fn parse_pattern(parser: &mut Parser<'_>) -> Parsed<()> {
    parse_node(parser)?;
    while parser.is("-") || parser.is("<") {
        parser.eat("<");
        parser.expect("-")?;
        if parser.eat("[") {
            if !parser.is("]") && !parser.is("*") {
                parser.declared_name()?;
            }
            if parser.eat("*") && matches!(parser.kind(), TokenKind::Long | TokenKind::Name) {
                parser.advance();
                parser.expect("..")?;
                parser.simple_value()?;
            }
            parser.expect("]")?;
        }
        parser.expect("-")?;
        parser.eat(">");
        parse_node(parser)?;
    }
    Ok(())
}

fn parse_node(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.expect("(")?;
    if !parser.is(")") {
        parser.declared_name()?;
    }
    parser.expect(")")?;
    Ok(())
}
