//! `evaluate`: a plug-in over the rows.

use std::sync::Arc;

use super::plugin;
use crate::bind::{Binder, Bound, Row};
use crate::functions;
use crate::plan::{self, Aggregate, Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind, Name, RowSchema};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Evaluate {
    pub plugin: Name,
    pub arguments: Vec<Expr>,
    /// `: (a: long, …)`: what comes out, said in the query.
    pub schema: Option<RowSchema>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Evaluate> {
    parser.settings(&[])?;
    let plugin = parser.declared_name()?;
    let arguments = parser.arguments()?;
    let schema = if parser.eat(":") { Some(parser.row_schema()?) } else { None };
    Ok(Evaluate { plugin, arguments, schema })
}

/// Why nothing is read that is not in the tables.
pub(super) const ELSEWHERE: &str =
    "a query reads the inventory only, never an address that somebody wrote into it";

/// Plug-ins that ask somebody else, also with a table before them.
fn reads_elsewhere(plugin: &str) -> bool {
    plugin.contains("_request") || plugin.starts_with("ai_")
}

impl Evaluate {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Option<Arc<Plan>>) -> Bound<Arc<Plan>> {
        let span = self.plugin.span;
        let named = format!("the plug-in '{}'", self.plugin.text);
        if let "python" | "r" | "csharp" = self.plugin.text.as_str() {
            return Err(binder.refused(span, &named, "a query runs no code of another language"));
        }
        let Some(input) = input.filter(|_| !reads_elsewhere(&self.plugin.text)) else {
            return Err(binder.refused(span, &named, ELSEWHERE));
        };
        match self.plugin.text.as_str() {
            "narrow" => Ok(self.narrow(binder, input)),
            "bag_unpack" => self.bag_unpack(binder, input),
            "pivot" => self.pivot(binder, input),
            _ => match plugin::bind(binder, &self.plugin, &self.arguments, input)? {
                Some(plan) => Ok(plan),
                None => {
                    let why = "bag_unpack, narrow, pivot, ipv4_lookup, rows_near and those of activities are";
                    Err(binder.refused(span, &named, why))
                }
            },
        }
    }

    /// A row for each cell.
    fn narrow(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Arc<Plan> {
        let columns = vec![
            Column::new("Row", Type::Long),
            Column::new("Column", Type::String),
            Column::new("Value", Type::String),
        ];
        let (ordinal, _) = binder.next_plugin();
        let name = "narrow".to_owned();
        let node = Node::Plugin { input: Some(input), name, arguments: Vec::new(), ordinal };
        Plan::new(Schema::new(columns), node)
    }

    /// The other columns, then one for each key of the bags.
    fn bag_unpack(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let names = ["Column", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"];
        let written = plugin::by_name(binder, &self.arguments, &names)?;
        let Some(bag) = written[0] else {
            return Err(binder.wrong(self.plugin.span, "bag_unpack needs the column to unpack"));
        };
        let given = written.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let mut arguments = Vec::with_capacity(given);
        for argument in &written[..given] {
            arguments.push(match argument {
                Some(argument) => binder.expr(argument, &mut Row::over(&input.schema))?,
                None => plan::Expr::literal(Value::null(Type::String)),
            });
        }
        if arguments[0].ty != Type::Dynamic {
            return Err(binder
                .wrong(bag.span, format!("a dynamic column is unpacked, and this is {}", arguments[0].ty)));
        }
        let unpacked = arguments[0].as_column();
        let rest = input.schema.columns.iter().enumerate().filter(|(index, _)| Some(*index) != unpacked);
        let rest = rest.map(|(_, column)| column.clone()).collect();
        self.plugin(binder, input, "bag_unpack", arguments, rest)
    }

    /// The other columns, then one for each value of a column, which holds an aggregate of those rows.
    fn pivot(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let Some(key) = self.arguments.first() else {
            return Err(binder.wrong(self.plugin.span, "pivot needs the column whose values become columns"));
        };
        let key = binder.expr(key, &mut Row::over(&input.schema))?;
        let (aggregate, read) = self.pivoted(binder, &input)?;
        let mut keys = Vec::new();
        if self.arguments.len() > 2 {
            for column in &self.arguments[2..] {
                keys.push(binder.expr(column, &mut Row::over(&input.schema))?);
            }
        } else {
            let used = |index: &usize| Some(*index) == key.as_column() || read.contains(index);
            let others = (0..input.schema.len()).filter(|index| !used(index));
            keys.extend(others.map(|index| plan::Expr::column(index, input.schema.columns[index].ty)));
        }
        let rest: Vec<Column> = keys
            .iter()
            .filter_map(plan::Expr::as_column)
            .map(|index| input.schema.columns[index].clone())
            .collect();
        let (key_type, value_type) = (key.ty, aggregate.ty);
        keys.push(key);
        let place = keys.len() - 1;
        let mut schema = Schema::new(rest.clone());
        schema.columns.push(Column::new("$key", key_type));
        schema.columns.push(Column::new("$value", value_type));
        let groups = Plan::new(schema, Node::Aggregate { input, keys, aggregates: vec![aggregate] });
        let arguments = vec![plan::Expr::column(place, key_type), plan::Expr::column(place + 1, value_type)];
        self.plugin(binder, groups, "pivot", arguments, rest)
    }

    /// The aggregate of a pivot, and the columns that it reads.
    fn pivoted(&self, binder: &mut Binder<'_>, input: &Plan) -> Bound<(Aggregate, Vec<usize>)> {
        let Some(written) = self.arguments.get(1) else {
            return Ok((Aggregate { function: "count", arguments: Vec::new(), ty: Type::Long }, Vec::new()));
        };
        let known = match &written.kind {
            ExprKind::Call { name, arguments } => {
                functions::aggregate(&name.text).map(|function| (function, arguments))
            }
            _ => None,
        };
        let Some((function, arguments)) = known else {
            return Err(binder.wrong(written.span, "an aggregate is expected, such as sum(…)"));
        };
        let aggregate = binder.aggregate(function, arguments, written.span, &mut Row::over(&input.schema))?;
        let read = aggregate.arguments.iter().filter_map(plan::Expr::as_column).collect();
        Ok((aggregate, read))
    }

    fn plugin(
        &self,
        binder: &mut Binder<'_>,
        input: Arc<Plan>,
        name: &str,
        arguments: Vec<plan::Expr>,
        rest: Vec<Column>,
    ) -> Bound<Arc<Plan>> {
        let (ordinal, discovered) = binder.next_plugin();
        let schema = match (&self.schema, discovered) {
            (Some(declared), _) => {
                let mut columns = if declared.open { rest } else { Vec::new() };
                columns.extend(declared.columns.iter().map(|one| Column::new(&one.name.text, one.ty)));
                Schema::new(columns)
            }
            (None, Some(discovered)) => discovered,
            (None, None) => Schema { columns: rest, open: true },
        };
        let node = Node::Plugin { input: Some(input), name: name.to_owned(), arguments, ordinal };
        Ok(Plan::new(schema, node))
    }
}
