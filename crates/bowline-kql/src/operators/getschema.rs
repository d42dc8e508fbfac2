//! `getschema`: the columns of a table as rows.

use std::sync::Arc;

use crate::plan::{Column, Node, Plan, Schema};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct GetSchema {
    /// `kind=csl`: as one text.
    pub as_text: bool,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<GetSchema> {
    let settings = parser.settings(&["kind"])?;
    Ok(GetSchema { as_text: !settings.is_empty() })
}

impl GetSchema {
    pub(super) fn bind(&self, input: &Plan) -> Arc<Plan> {
        let columns = &input.schema.columns;
        if self.as_text {
            let columns: Vec<String> = columns.iter().map(|one| format!("{}:{}", one.name, one.ty)).collect();
            let schema = Schema::new(vec![Column::new("Schema", Type::String)]);
            return Plan::new(schema, Node::Rows(vec![vec![Value::String(columns.join(","))]]));
        }
        let rows = columns.iter().enumerate().map(|(index, column)| {
            vec![
                Value::String(column.name.clone()),
                Value::Long(index as i64),
                Value::String(column.ty.dotnet_name().to_owned()),
                Value::String(column.ty.name().to_owned()),
            ]
        });
        let schema = Schema::new(vec![
            Column::new("ColumnName", Type::String),
            Column::new("ColumnOrdinal", Type::Long),
            Column::new("DataType", Type::String),
            Column::new("ColumnType", Type::String),
        ]);
        Plan::new(schema, Node::Rows(rows.collect()))
    }
}
