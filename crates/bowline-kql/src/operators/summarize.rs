//! `summarize`: one row per group.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Groups, Item, Names, Row};
use crate::functions;
use crate::plan::{self, Aggregate, Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind, Name};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Summarize {
    pub aggregates: Vec<Expr>,
    pub keys: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Summarize> {
    parser.settings(&["kind"])?;
    let aggregates = if parser.is("by") || parser.ends_operator() {
        Vec::new()
    } else {
        parser.list(Parser::named_column)?
    };
    let keys = if parser.eat("by") { parser.list(Parser::named_column)? } else { Vec::new() };
    Ok(Summarize { aggregates, keys })
}

impl Summarize {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut row = Row::over(&input.schema);
        let keys = binder.items(&self.keys, &mut row)?;
        let mut names = Names::default();
        let mut columns = binder.name_items(&keys, &mut names)?;
        let keys: Vec<plan::Expr> = keys.into_iter().map(|item| item.value).collect();
        row.groups = Some(Groups { keys: keys.clone(), aggregates: Vec::new() });
        let mut items = Vec::new();
        let mut stop = None;
        for written in &self.aggregates {
            match aggregate_items(binder, written, &mut row) {
                Ok(more) => items.extend(more),
                Err(stopped) => stop = Some(stopped),
            }
        }
        if let Some(stopped) = stop {
            return Err(stopped);
        }
        let more = binder.name_items(&items, &mut names)?;
        let aggregates = row.groups.map_or_else(Vec::new, |groups| groups.aggregates);
        columns.extend(more);
        let star = |one: &Expr| matches!(&one.without_name().kind, ExprKind::Call { arguments, .. } if arguments.iter().any(is_star));
        let open = input.schema.open && self.aggregates.iter().any(star);
        let columns = Schema { columns, open };
        Ok(finish(input, keys, aggregates, columns, items.into_iter().map(|item| item.value).collect()))
    }
}

/// The groups, and above them the expressions over aggregates, unless each of those is just the next aggregate.
fn finish(
    input: Arc<Plan>,
    keys: Vec<plan::Expr>,
    aggregates: Vec<Aggregate>,
    schema: Schema,
    values: Vec<plan::Expr>,
) -> Arc<Plan> {
    let offset = keys.len();
    let plain = values.len() == aggregates.len()
        && values.iter().enumerate().all(|(index, value)| value.as_column() == Some(offset + index));
    if plain {
        return Plan::new(schema, Node::Aggregate { input, keys, aggregates });
    }
    let mut projected: Vec<plan::Expr> =
        keys.iter().enumerate().map(|(index, key)| plan::Expr::column(index, key.ty)).collect();
    projected.extend(values);
    let inner = schema.columns[..offset].iter().cloned();
    let results =
        aggregates.iter().enumerate().map(|(index, one)| Column::new(format!("$aggregate{index}"), one.ty));
    let grouped = Schema::new(inner.chain(results).collect());
    let groups = Plan::new(grouped, Node::Aggregate { input, keys, aggregates });
    Plan::new(schema, Node::Project { input: groups, columns: projected })
}

fn aggregate_items(binder: &mut Binder<'_>, written: &Expr, row: &mut Row<'_>) -> Bound<Vec<Item>> {
    let (names, value) = match &written.kind {
        ExprKind::Named { names, value } => (names.as_slice(), value.as_ref()),
        _ => (&[][..], written),
    };
    if let ExprKind::Name(name) = &value.kind
        && binder.meaning_of(name).is_none()
    {
        let message = format!("'{name}' is no aggregate; a column to group by stands after 'by'");
        return Err(binder.wrong(value.span, message));
    }
    let Some(mut items) = several(binder, value, row)? else {
        return binder.items(std::slice::from_ref(written), row);
    };
    if names.len() > items.len() {
        return Err(binder.wrong(written.span, format!("{} names for {} columns", names.len(), items.len())));
    }
    for (item, name) in items.iter_mut().zip(names) {
        item.given = Some(name.text.clone());
    }
    Ok(items)
}

/// Aggregates that are several columns: `arg_max(a, b, *)`, `take_any(a, b)`, `percentiles(a, 5, 95)`.
fn several(binder: &mut Binder<'_>, value: &Expr, row: &mut Row<'_>) -> Bound<Option<Vec<Item>>> {
    let ExprKind::Call { name, arguments } = &value.kind else { return Ok(None) };
    if binder.meaning_of(&name.text).is_some() || arguments.is_empty() {
        return Ok(None);
    }
    let star = arguments.iter().any(|one| matches!(one.kind, ExprKind::Star));
    match name.text.as_str() {
        "arg_max" | "argmax" | "arg_min" | "argmin" => arg_items(binder, name, arguments, row).map(Some),
        "take_any" | "any" if star || arguments.len() > 1 => {
            any_items(binder, name, arguments, row).map(Some)
        }
        "percentiles" | "percentilesw" => percentile_items(binder, name, arguments, value, row).map(Some),
        _ => Ok(None),
    }
}

fn arg_items(
    binder: &mut Binder<'_>,
    name: &Name,
    arguments: &[Expr],
    row: &mut Row<'_>,
) -> Bound<Vec<Item>> {
    let function = if name.text.ends_with("max") { "arg_max" } else { "arg_min" };
    let compared = &arguments[0];
    let base = binder.natural_name(compared, row.schema);
    // The old names say in each column which function made it.
    let prefix = match (&base, name.text.contains('_')) {
        (Some(base), false) => format!("{}_{base}", &function[4..]),
        _ => String::new(),
    };
    let called = |name: String| if prefix.is_empty() { name } else { format!("{prefix}_{name}") };
    let natural = match &base {
        Some(base) if prefix.is_empty() => Some(base.clone()),
        Some(_) => Some(prefix.clone()),
        None => Some(format!("{}_", &function[4..])),
    };
    let by = over_input(binder, compared.without_name(), row)?;
    let mut items = vec![add(row, function, vec![by.clone(), by.clone()], natural, compared)];
    // What is asked for by name does not come again with the star.
    let mut asked: Vec<Option<usize>> = Vec::new();
    for returned in &arguments[1..] {
        if !matches!(returned.kind, ExprKind::Star) {
            let value = over_input(binder, returned.without_name(), row)?;
            asked.extend(value.as_column().map(Some));
            let natural = binder.natural_name(returned, row.schema).map(called);
            let mut item = add(row, function, vec![by.clone(), value], natural, returned);
            if let ExprKind::Named { names, .. } = &returned.kind {
                item.given = Some(names[0].text.clone());
            }
            items.push(item);
            continue;
        }
        for (value, name) in other_columns(row, by.as_column()) {
            if asked.contains(&value.as_column()) {
                continue;
            }
            items.push(add(row, function, vec![by.clone(), value], Some(called(name)), returned));
        }
    }
    Ok(items)
}

fn is_star(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Star)
}

fn any_items(
    binder: &mut Binder<'_>,
    name: &Name,
    arguments: &[Expr],
    row: &mut Row<'_>,
) -> Bound<Vec<Item>> {
    // The old name says in each column which function made it.
    let called = |natural: String| if name.text == "any" { format!("any_{natural}") } else { natural };
    let mut items = Vec::new();
    for argument in arguments {
        if matches!(argument.kind, ExprKind::Star) {
            for (value, name) in other_columns(row, None) {
                items.push(add(row, "take_any", vec![value], Some(called(name)), argument));
            }
        } else {
            let value = over_input(binder, argument.without_name(), row)?;
            let natural = binder.natural_name(argument, row.schema).map(called);
            items.push(add(row, "take_any", vec![value], natural, argument));
        }
    }
    Ok(items)
}

fn percentile_items(
    binder: &mut Binder<'_>,
    name: &Name,
    arguments: &[Expr],
    call: &Expr,
    row: &mut Row<'_>,
) -> Bound<Vec<Item>> {
    let weighted = name.text == "percentilesw";
    let (function, fixed) = if weighted { ("percentilew", 2) } else { ("percentile", 1) };
    let known = functions::aggregate(function);
    let (Some(known), true) = (known, arguments.len() > fixed) else {
        return Err(binder.wrong(call.span, format!("'{}' needs the percentiles to give", name.text)));
    };
    let base = binder.natural_name(&arguments[0], row.schema).unwrap_or_default();
    let mut items = Vec::new();
    for percent in &arguments[fixed..] {
        let mut one: Vec<Expr> = arguments[..fixed].to_vec();
        one.push(percent.clone());
        let aggregate = binder.aggregate(known, &one, call.span, row)?;
        let text = crate::bind::literal_text(percent);
        let natural = Some(format!("percentile_{base}_{text}"));
        items.push(push(row, aggregate, natural, call));
    }
    Ok(items)
}

/// An argument of an aggregate, whose columns are those of the input.
fn over_input(binder: &mut Binder<'_>, value: &Expr, row: &mut Row<'_>) -> Bound<plan::Expr> {
    let groups = row.groups.take();
    let bound = binder.expr(value, row);
    row.groups = groups;
    bound
}

fn add(
    row: &mut Row<'_>,
    function: &'static str,
    arguments: Vec<plan::Expr>,
    natural: Option<String>,
    at: &Expr,
) -> Item {
    let ty = arguments[arguments.len() - 1].ty;
    push(row, Aggregate { function, arguments, ty }, natural, at)
}

fn push(row: &mut Row<'_>, aggregate: Aggregate, natural: Option<String>, at: &Expr) -> Item {
    let ty = aggregate.ty;
    let index = row.groups.as_mut().map_or(0, |groups| {
        groups.aggregates.push(aggregate);
        groups.keys.len() + groups.aggregates.len() - 1
    });
    Item { given: None, natural, value: plan::Expr::column(index, ty), span: at.span, is_plain: false }
}

/// The columns that `*` stands for: all but the keys and the one that is compared.
fn other_columns(row: &Row<'_>, compared: Option<usize>) -> Vec<(plan::Expr, String)> {
    let keys: Vec<usize> =
        row.groups.iter().flat_map(|groups| groups.keys.iter().filter_map(plan::Expr::as_column)).collect();
    let columns = row.schema.columns.iter().enumerate();
    columns
        .filter(|(index, _)| !keys.contains(index) && compared != Some(*index))
        .map(|(index, column)| (plan::Expr::column(index, column.ty), column.name.clone()))
        .collect()
}
