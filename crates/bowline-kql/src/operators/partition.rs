//! `partition`: a sub-query for each value of a column.

use std::sync::Arc;

use super::Operator;
use crate::bind::{Binder, Bound, Meaning, Row};
use crate::plan::{self, Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parser::{Parsed, Parser};
use crate::value::Value;

#[derive(Clone, Debug)]
pub enum Body {
    /// Operators over the rows of one value.
    Pipe(Vec<Operator>),
    /// A whole query, once per value.
    Query(Expr),
}

#[derive(Clone, Debug)]
pub struct Partition {
    pub by: Expr,
    pub body: Body,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Partition> {
    parser.settings(&[])?;
    parser.expect("by")?;
    let by = parser.name()?;
    let by = Expr::new(by.span, ExprKind::Name(by.text));
    if parser.eat("in") {
        parser.expression()?;
    }
    if parser.is("{") {
        parser.advance();
        let query = parser.nested(|parser| parser.piped(true))?;
        parser.expect("}")?;
        return Ok(Partition { by, body: Body::Query(query) });
    }
    Ok(Partition { by, body: Body::Pipe(super::parse_body(parser)?) })
}

impl Partition {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let key = binder.expr(&self.by, &mut Row::over(&input.schema))?;
        let elements = Plan::new(input.schema.clone(), Node::Elements);
        let body = match &self.body {
            Body::Pipe(operators) => {
                let bind = |body, operator| super::bind(binder, operator, body);
                operators.iter().try_fold(elements, bind)?
            }
            Body::Query(query) => self.whole_query(binder, query, elements, &key)?,
        };
        Ok(Plan::new(body.schema.clone(), Node::Partition { input, key, body }))
    }

    /// A query that reads its own tables; in it the name of the key is its value.
    fn whole_query(
        &self,
        binder: &mut Binder<'_>,
        query: &Expr,
        elements: Arc<Plan>,
        key: &plan::Expr,
    ) -> Bound<Arc<Plan>> {
        let ExprKind::Name(name) = &self.by.kind else {
            return Err(binder.wrong(self.by.span, "a column is expected"));
        };
        let one = plan::Expr::literal(Value::Long(1));
        let first = Plan::new(elements.schema.clone(), Node::Limit { input: elements, count: one });
        let schema = Schema::new(vec![Column::new(name, key.ty)]);
        let value = Plan::new(schema, Node::Project { input: first, columns: vec![key.clone()] });
        let value = plan::Expr::new(key.ty, plan::ExprKind::Subquery(value));
        binder.give(name.clone(), Meaning::Scalar(value, None), self.by.span)?;
        binder.table(query)
    }
}
