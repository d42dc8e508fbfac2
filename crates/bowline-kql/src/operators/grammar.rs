//! Which operator stands here, and what several of them share in their grammar.

use super::refused::Refused;
use super::{
    OPERATORS, Operator, OperatorKind, as_, count, datatable, distinct, evaluate, extend, externaldata,
    facet, find, fork, getschema, invoke, join, lookup, make_series, mv_apply, mv_expand,
    parse as parse_text, parse_kv, partition, print, project, project_away, project_by_names, project_keep,
    project_rename, project_reorder, range, refused, render, sample, sample_distinct, scan, search,
    serialize, sort, summarize, take, top, top_hitters, top_nested, union, where_,
};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{Expr, ExprKind, Name, Pipe, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::span::Span;
use crate::syntax::token::TokenKind;

/// What stands after a `|`.
pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Operator> {
    let token = parser.token();
    if token.kind != TokenKind::Name {
        return Err(parser.expected("an operator"));
    }
    let word = parser.word();
    let unknown = !OPERATORS.contains(&word) && !matches!(word, "mvexpand" | "mvapply" | "__partitionby");
    if unknown {
        let message = format!("expected an operator, but found '{word}'");
        let known = OPERATORS.iter().copied();
        return Err(parser.report(Diagnostic::syntax(token.span, message).near(word, known)));
    }
    parser.advance();
    let kind = Box::new(parse_kind(parser, word, token.span)?);
    Ok(Operator { span: parser.since(token.span), kind })
}

fn parse_kind(parser: &mut Parser<'_>, word: &str, span: Span) -> Parsed<OperatorKind> {
    use OperatorKind as Kind;
    Ok(match word {
        "as" => Kind::As(as_::parse(parser)?),
        "count" => Kind::Count(count::parse(parser)?),
        "distinct" => Kind::Distinct(distinct::parse(parser)?),
        "evaluate" => Kind::Evaluate(evaluate::parse(parser)?),
        "extend" => Kind::Extend(extend::parse(parser)?),
        "facet" => Kind::Facet(facet::parse(parser)?),
        "filter" | "where" => Kind::Where(where_::parse(parser)?),
        "fork" => Kind::Fork(fork::parse(parser)?),
        "getschema" => Kind::GetSchema(getschema::parse(parser)?),
        "invoke" => Kind::Invoke(invoke::parse(parser)?),
        "join" => Kind::Join(join::parse(parser)?),
        "limit" | "take" => Kind::Take(take::parse(parser)?),
        "lookup" => Kind::Lookup(lookup::parse(parser)?),
        "make-series" => Kind::MakeSeries(make_series::parse(parser)?),
        "mv-apply" | "mvapply" => Kind::MvApply(mv_apply::parse(parser)?),
        "mv-expand" | "mvexpand" => Kind::MvExpand(mv_expand::parse(parser)?),
        "order" | "sort" => Kind::Sort(sort::parse(parser)?),
        "parse" => Kind::Parse(parse_text::parse(parser, false)?),
        "parse-kv" => Kind::ParseKv(parse_kv::parse(parser)?),
        "parse-where" => Kind::Parse(parse_text::parse(parser, true)?),
        "partition" | "__partitionby" => Kind::Partition(partition::parse(parser)?),
        "project" => Kind::Project(project::parse(parser)?),
        "project-away" => Kind::ProjectAway(project_away::parse(parser)?),
        "project-by-names" => Kind::ProjectByNames(project_by_names::parse(parser)?),
        "project-keep" => Kind::ProjectKeep(project_keep::parse(parser)?),
        "project-rename" => Kind::ProjectRename(project_rename::parse(parser)?),
        "project-reorder" => Kind::ProjectReorder(project_reorder::parse(parser)?),
        "render" => Kind::Render(render::parse(parser)?),
        "sample" => Kind::Sample(sample::parse(parser)?),
        "sample-distinct" => Kind::SampleDistinct(sample_distinct::parse(parser)?),
        "scan" => Kind::Scan(scan::parse(parser)?),
        "search" => Kind::Search(search::parse(parser)?),
        "serialize" => Kind::Serialize(serialize::parse(parser)?),
        "summarize" => Kind::Summarize(summarize::parse(parser)?),
        "top" => Kind::Top(top::parse(parser)?),
        "top-hitters" => Kind::TopHitters(top_hitters::parse(parser)?),
        "top-nested" => Kind::TopNested(top_nested::parse(parser)?),
        "union" => Kind::Union(union::parse(parser)?),
        _ => {
            debug_assert!(refused::NAMES.contains(&word), "{word} is in the list and has no rule");
            let operator = Name { text: word.to_owned(), span };
            Kind::Refused(refused::parse(parser, operator)?)
        }
    })
}

/// An operator that needs no input and may begin a query: none if something else stands here.
pub(crate) fn parse_leading(parser: &mut Parser<'_>, statement: bool) -> Option<Parsed<Operator>> {
    let token = parser.token();
    if token.kind != TokenKind::Name {
        return None;
    }
    let begins = match parser.word() {
        "print" | "union" | "search" | "find" => true,
        "range" => {
            (parser.kind_ahead(1) == TokenKind::Name && parser.is_ahead(2, "from"))
                || (parser.is_ahead(1, "[") && parser.is_ahead(4, "from"))
        }
        "evaluate" => parser.kind_ahead(1) == TokenKind::Name,
        "macro-expand" => true,
        word => return parse_implicit(parser, word, statement),
    };
    begins.then(|| {
        let word = parser.word();
        parser.advance();
        let kind = match word {
            "print" => print::parse(parser).map(OperatorKind::Print),
            "union" => union::parse(parser).map(OperatorKind::Union),
            "search" => search::parse(parser).map(OperatorKind::Search),
            "find" => find::parse(parser).map(OperatorKind::Find),
            "range" => range::parse(parser).map(OperatorKind::Range),
            "evaluate" => evaluate::parse(parser).map(OperatorKind::Evaluate),
            _ => parse_macro_expand(parser, token.span),
        };
        kind.map(|kind| Operator { span: parser.since(token.span), kind: Box::new(kind) })
    })
}

/// In the dialect with a default table, any operator may begin a query.
fn parse_implicit(parser: &mut Parser<'_>, word: &str, statement: bool) -> Option<Parsed<Operator>> {
    if !statement || !parser.dialect.implicit_table || !OPERATORS.contains(&word) {
        return None;
    }
    let operand = match parser.kind_ahead(1) {
        TokenKind::End => matches!(word, "count" | "serialize" | "getschema"),
        TokenKind::Punctuation => match parser.word_ahead(1) {
            "|" => matches!(word, "count" | "serialize" | "getschema"),
            "(" | "[" | "*" => {
                matches!(word, "where" | "filter" | "project" | "extend" | "distinct" | "union")
            }
            _ => false,
        },
        _ => true,
    };
    operand.then(|| parse(parser))
}

/// `macro-expand group as scope ( … )`: read and refused.
fn parse_macro_expand(parser: &mut Parser<'_>, span: Span) -> Parsed<OperatorKind> {
    parser.settings(&["isfuzzy", "kind"])?;
    if parser.eat("entity_group") {
        parser.expect("[")?;
        parser.list(Parser::expression)?;
        parser.expect("]")?;
    } else {
        parser.name()?;
    }
    if parser.eat("as") {
        parser.declared_name()?;
    }
    parser.expect("(")?;
    parser.nested(|parser| parser.piped(false))?;
    parser.expect(")")?;
    let operator = Name { text: "macro-expand".to_owned(), span };
    Ok(OperatorKind::Refused(Refused { operator }))
}

/// `datatable(…)[…]` and `externaldata(…)[…]`, which may stand wherever a table may.
pub(crate) fn parse_source(parser: &mut Parser<'_>) -> Parsed<Expr> {
    let start = parser.token().span;
    let word = parser.word();
    parser.advance();
    let kind = Box::new(match word {
        "datatable" => OperatorKind::Datatable(datatable::parse(parser)?),
        _ => OperatorKind::ExternalData(externaldata::parse(parser)?),
    });
    let span = parser.since(start);
    let pipe = Pipe { source: None, operators: vec![Operator { span, kind }] };
    Ok(Expr::new(span, ExprKind::Pipe(pipe)))
}

/// `( operator | operator )`, as `mv-apply` and `partition` take them; a source inside is not allowed.
pub(super) fn parse_body(parser: &mut Parser<'_>) -> Parsed<Vec<Operator>> {
    parser.expect("(")?;
    let operators = parser.nested(|parser| {
        let mut operators = vec![parse(parser)?];
        while parser.eat("|") {
            operators.push(parse(parser)?);
        }
        Ok(operators)
    })?;
    parser.expect(")")?;
    Ok(operators)
}

/// `(name = value, …)`.
pub(super) fn parse_properties(parser: &mut Parser<'_>) -> Parsed<Vec<Setting>> {
    parser.expect("(")?;
    let properties = parser.list(|parser| {
        let name = parser.declared_name()?;
        parser.expect("=")?;
        Ok(Setting { name, value: parser.simple_value()? })
    })?;
    parser.expect(")")?;
    Ok(properties)
}
