//! `parse-kv`: columns out of a text of keys and values.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Column, KvOptions, Node, Plan};
use crate::syntax::ast::{Expr, RowSchema, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct ParseKv {
    pub source: Expr,
    pub columns: RowSchema,
    pub settings: Vec<Setting>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ParseKv> {
    let source = parser.expression()?;
    parser.expect("as")?;
    let columns = parser.row_schema()?;
    let settings = if parser.eat("with") { super::parse_properties(parser)? } else { Vec::new() };
    Ok(ParseKv { source, columns, settings })
}

impl ParseKv {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let source = binder.expr(&self.source, &mut Row::over(&input.schema))?;
        let source = binder.convert(self.source.span, source, Type::String)?;
        let option = |name: &str| super::setting(&self.settings, name).unwrap_or_default();
        let options = KvOptions {
            pair_delimiters: option("pair_delimiter"),
            kv_delimiters: option("kv_delimiter"),
            quotes: option("quote"),
            escape: option("escape"),
            greedy: option("greedy") == "true",
            regex: option("regex"),
        };
        let width = input.schema.len();
        let schema =
            input.schema.with(self.columns.columns.iter().map(|one| Column::new(&one.name.text, one.ty)));
        Ok(super::overlay(Plan::new(schema, Node::ParseKv { input, source, options }), width))
    }
}
