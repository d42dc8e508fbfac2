//! `datatable`: a table that stands in the query.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Column, Node, Plan, Schema};
use crate::syntax::ast::{ColumnDeclaration, Expr};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::{Value, format_datetime, format_timespan};

#[derive(Clone, Debug)]
pub struct Datatable {
    pub columns: Vec<ColumnDeclaration>,
    /// Row by row.
    pub values: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Datatable> {
    let columns = parser.row_schema()?.columns;
    parser.expect("[")?;
    let mut values = Vec::new();
    while !parser.is("]") {
        values.push(parser.literal_value()?);
        if !parser.eat(",") {
            break;
        }
    }
    parser.expect("]")?;
    Ok(Datatable { columns, values })
}

impl Datatable {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, span: Span) -> Bound<Arc<Plan>> {
        let columns = self.columns.iter().map(|one| Column::new(&one.name.text, one.ty)).collect();
        let schema = Schema::new(columns);
        let width = schema.len();
        if width == 0 || !self.values.len().is_multiple_of(width) {
            let message = format!("{} values do not fill rows of {width} columns", self.values.len());
            return Err(binder.wrong(span, message));
        }
        let nothing = Schema::default();
        let mut rows = Vec::with_capacity(self.values.len() / width);
        for row in self.values.chunks(width) {
            let mut values = Vec::with_capacity(width);
            for (written, column) in row.iter().zip(&self.columns) {
                let bound = binder.expr(written, &mut Row::over(&nothing))?;
                let value = bound.as_literal().cloned().unwrap_or(Value::null(column.ty));
                values.push(as_type(value, column.ty));
            }
            rows.push(values);
        }
        Ok(Plan::new(schema, Node::Rows(rows)))
    }
}

/// The value in the type of its column; what does not convert is null.
fn as_type(value: Value, ty: Type) -> Value {
    if value.ty() == ty {
        return value;
    }
    let text = match &value {
        Value::Null(_) => return Value::null(ty),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Real(value) if ty == Type::Long => (*value as i64).to_string(),
        Value::Real(value) => value.to_string(),
        Value::Datetime(ticks) => format_datetime(*ticks),
        Value::Timespan(ticks) => format_timespan(*ticks),
        Value::Guid(value) => format!("{value:032x}"),
        Value::Decimal(text) | Value::String(text) | Value::Dynamic(text) => text.clone(),
    };
    let parsed = match ty {
        Type::Dynamic if value.ty() == Type::String => {
            Some(Value::Dynamic(serde_json::Value::from(text).to_string()))
        }
        ty => Value::parse(ty, &text),
    };
    parsed.unwrap_or(Value::null(ty))
}
