//! `union`: the rows of several tables.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names};
use crate::plan::{self, Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Union {
    pub settings: Vec<Setting>,
    pub tables: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Union> {
    let settings = parser.settings(&["kind", "withsource", "with_source", "isfuzzy"])?;
    Ok(Union { settings, tables: parser.list(Parser::table_reference)? })
}

impl Union {
    pub(super) fn bind(
        &self,
        binder: &mut Binder<'_>,
        input: Option<Arc<Plan>>,
        span: Span,
    ) -> Bound<Arc<Plan>> {
        let setting = |names: &[&str]| {
            let found = self.settings.iter().find(|one| names.contains(&one.name.text.as_str()));
            found.map(|one| super::setting_text(&one.value))
        };
        let source = setting(&["withsource", "with_source"]);
        let inner = setting(&["kind"]).is_some_and(|kind| kind == "inner");
        let fuzzy = setting(&["isfuzzy"]).is_some_and(|word| word == "true");
        let mut inputs: Vec<(String, Arc<Plan>)> =
            input.into_iter().map(|plan| ("union_arg0".to_owned(), plan)).collect();
        for table in &self.tables {
            inputs.extend(named_tables(binder, table, inputs.len(), fuzzy)?);
        }
        let plans = inputs.into_iter().map(|(name, plan)| match &source {
            Some(column) => with_source(plan, column, name),
            None => plan,
        });
        let plans = plans.collect();
        merge(binder, plans, inner, span)
    }
}

/// The tables that an operand means, each with its name.
pub(super) fn named_tables(
    binder: &mut Binder<'_>,
    table: &Expr,
    place: usize,
    fuzzy: bool,
) -> Bound<Vec<(String, Arc<Plan>)>> {
    match &table.kind {
        ExprKind::Pattern(pattern) => {
            let names = binder.tables_like(pattern)?;
            let each = names.into_iter().map(|name| {
                let plan = binder.table(&Expr::new(table.span, ExprKind::Name(name.clone())))?;
                Ok((name, plan))
            });
            each.collect()
        }
        _ if fuzzy => {
            let name = name_of(table, place);
            Ok(binder
                .attempt(|binder| binder.table(table))
                .into_iter()
                .map(|plan| (name.clone(), plan))
                .collect())
        }
        _ => Ok(vec![(name_of(table, place), binder.table(table)?)]),
    }
}

/// What an operand is called: by its own name, or by what `as` at its end says.
fn name_of(table: &Expr, place: usize) -> String {
    let given = match &table.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Pipe(pipe) => pipe.operators.last().and_then(super::as_::given_name),
        _ => None,
    };
    given.unwrap_or_else(|| format!("union_arg{place}"))
}

/// The table with the name of its source in front.
pub(super) fn with_source(plan: Arc<Plan>, column: &str, name: String) -> Arc<Plan> {
    let mut columns = vec![Column::new(column, Type::String)];
    columns.extend(plan.schema.columns.iter().filter(|one| one.name != column).cloned());
    let mut values = vec![plan::Expr::literal(Value::String(name))];
    let rest = super::all_columns(&plan.schema).into_iter().zip(&plan.schema.columns);
    values.extend(rest.filter(|(_, one)| one.name != column).map(|(value, _)| value));
    let schema = Schema { columns, open: plan.schema.open };
    Plan::new(schema, Node::Project { input: plan, columns: values })
}

/// The rows of all tables. A name with two types becomes two columns, each with its type in its name.
pub(crate) fn merge(
    binder: &mut Binder<'_>,
    plans: Vec<Arc<Plan>>,
    inner: bool,
    span: Span,
) -> Bound<Arc<Plan>> {
    if plans.is_empty() {
        return Err(binder.wrong(span, "none of the tables exists"));
    }
    let mut found: Vec<(String, Vec<Type>)> = Vec::new();
    for plan in &plans {
        for column in &plan.schema.columns {
            match found.iter_mut().find(|(name, _)| *name == column.name) {
                Some((_, types)) if types.contains(&column.ty) => {}
                Some((_, types)) => types.push(column.ty),
                None => found.push((column.name.clone(), vec![column.ty])),
            }
        }
    }
    if inner {
        found.retain(|(name, types)| {
            types.len() == 1 && plans.iter().all(|plan| plan.schema.position(name).is_some())
        });
    }
    let mut schema = Schema { columns: Vec::new(), open: plans.iter().any(|plan| plan.schema.open) };
    let mut sources: Vec<(String, Type)> = Vec::new();
    let mut names = Names::default();
    for (name, types) in found {
        for ty in &types {
            let shown = if types.len() == 1 { name.clone() } else { format!("{name}_{ty}") };
            schema.columns.push(Column::new(names.unique(&shown), *ty));
            sources.push((name.clone(), *ty));
        }
    }
    let inputs = plans.into_iter().map(|plan| in_shape(plan, &schema, &sources)).collect();
    Ok(Plan::new(schema, Node::Union { inputs }))
}

fn in_shape(plan: Arc<Plan>, schema: &Schema, sources: &[(String, Type)]) -> Arc<Plan> {
    if plan.schema == *schema {
        return plan;
    }
    let columns = sources.iter().map(|(name, ty)| match plan.schema.position(name) {
        Some(index) if plan.schema.columns[index].ty == *ty => plan::Expr::column(index, *ty),
        _ => plan::Expr::literal(Value::null(*ty)),
    });
    let columns = columns.collect();
    Plan::new(schema.clone(), Node::Project { input: plan, columns })
}
