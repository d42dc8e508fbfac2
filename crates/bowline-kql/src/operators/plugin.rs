//! Plug-ins whose columns the query says: looking up networks, rows around a row, and those that count who does what when.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{self, Column, Node, Plan, Schema};
use crate::syntax::ast::{Expr, ExprKind, Name};
use crate::types::Type;
use crate::value::Value;

/// The arguments in the order of these names: by the name that stands before one, else by its place.
pub(super) fn by_name<'e>(
    binder: &mut Binder<'_>,
    arguments: &'e [Expr],
    names: &[&str],
) -> Bound<Vec<Option<&'e Expr>>> {
    let mut found: Vec<Option<&Expr>> = vec![None; names.len()];
    for (index, argument) in arguments.iter().enumerate() {
        let place = match &argument.kind {
            ExprKind::Named { names: written, .. } => {
                let wanted = &written[0].text;
                names.iter().position(|name| name.eq_ignore_ascii_case(wanted))
            }
            _ => Some(index),
        };
        let Some(slot) = place.and_then(|place| found.get_mut(place)) else {
            let message = format!("the arguments are {}", names.join(", "));
            return Err(binder.wrong(argument.span, message));
        };
        *slot = Some(argument.without_name());
    }
    Ok(found)
}

/// A plug-in of this file; none if it has no such name.
pub(super) fn bind(
    binder: &mut Binder<'_>,
    name: &Name,
    arguments: &[Expr],
    input: Arc<Plan>,
) -> Bound<Option<Arc<Plan>>> {
    Ok(Some(match name.text.as_str() {
        "ipv4_lookup" | "ipv6_lookup" => lookup(binder, name, arguments, input)?,
        "rows_near" => rows_near(binder, name, arguments, input)?,
        "rolling_percentile" => rolling_percentile(binder, name, arguments, input)?,
        "new_activity_metrics" => new_activity(binder, name, arguments, input)?,
        other => match activity(other) {
            Some(shape) => over_time(binder, name, arguments, input, &shape)?,
            None => return Ok(None),
        },
    }))
}

fn node(
    binder: &mut Binder<'_>,
    name: &Name,
    input: Arc<Plan>,
    arguments: Vec<plan::Expr>,
    schema: Schema,
) -> Arc<Plan> {
    let (ordinal, _) = binder.next_plugin();
    let node = Node::Plugin { input: Some(input), name: name.text.clone(), arguments, ordinal };
    Plan::new(schema, node)
}

fn too_few(binder: &mut Binder<'_>, name: &Name, wanted: &str) -> crate::syntax::parser::Stop {
    binder.wrong(name.span, format!("{} takes {wanted}", name.text))
}

/// Arguments: the other table, the address, the column of networks in the other table, whether rows without a network stay, then
/// the places of the extra keys in both tables, one after the other.
fn lookup(binder: &mut Binder<'_>, name: &Name, written: &[Expr], input: Arc<Plan>) -> Bound<Arc<Plan>> {
    let mut unmatched = plan::Expr::literal(Value::Bool(false));
    let mut places = Vec::new();
    for argument in written {
        let value = argument.without_name();
        let says =
            matches!(&argument.kind, ExprKind::Named { names, .. } if names[0].text == "return_unmatched");
        if says || matches!(&value.kind, ExprKind::Literal(..)) {
            unmatched = binder.condition(value, &mut Row::over(&Schema::default()))?;
        } else {
            places.push(value);
        }
    }
    let [table, address, network, extra @ ..] = places.as_slice() else {
        return Err(too_few(binder, name, "a table, an address and the table's column of networks"));
    };
    let table = binder.table(table)?;
    let address = binder.expr(address, &mut Row::over(&input.schema))?.cast(Type::String);
    let network = binder.expr(network, &mut Row::over(&table.schema))?.cast(Type::String);
    let mut keys = Vec::new();
    let mut without = Vec::new();
    for key in extra {
        let own = binder.expr(key, &mut Row::over(&input.schema))?;
        let other = binder.expr(key, &mut Row::over(&table.schema))?;
        without.extend(other.as_column());
        keys.extend([own, other]);
    }
    let schema = super::join::combined(&input.schema, &table.schema, &[]);
    let width = input.schema.len();
    let subquery = plan::Expr::new(Type::Dynamic, plan::ExprKind::Subquery(table));
    let mut arguments = vec![subquery, address, network, unmatched];
    arguments.extend(keys);
    let found = node(binder, name, input, arguments, schema);
    let kept = (0..found.schema.len()).filter(|at| *at < width || !without.contains(&(at - width)));
    Ok(super::select(Arc::clone(&found), kept.collect()))
}

/// Arguments: the condition, how many rows before, how many after.
fn rows_near(binder: &mut Binder<'_>, name: &Name, written: &[Expr], input: Arc<Plan>) -> Bound<Arc<Plan>> {
    let written = by_name(binder, written, &["Condition", "NumRows", "RowsAfter"])?;
    let [Some(condition), Some(before), after] = written.as_slice() else {
        return Err(too_few(binder, name, "a condition and a number of rows"));
    };
    let condition = binder.condition(condition, &mut Row::over(&input.schema))?;
    let before = binder.constant_number(before)?;
    let after = match after {
        Some(after) => binder.constant_number(after)?,
        None => before.clone(),
    };
    let schema = input.schema.clone();
    Ok(node(binder, name, input, vec![condition, before, after], schema))
}

/// Arguments: the value, the percentile, the axis, the size of a bin, how many bins, then what divides the rows.
fn rolling_percentile(
    binder: &mut Binder<'_>,
    name: &Name,
    written: &[Expr],
    input: Arc<Plan>,
) -> Bound<Arc<Plan>> {
    if written.len() < 5 {
        return Err(too_few(
            binder,
            name,
            "a value, a percentile, an axis, the size of a bin and a number of bins",
        ));
    }
    let mut row = Row::over(&input.schema);
    let arguments =
        written.iter().map(|one| binder.expr(one.without_name(), &mut row)).collect::<Bound<Vec<_>>>()?;
    let called =
        |binder: &Binder<'_>, at: usize| binder.natural_name(&written[at], &input.schema).unwrap_or_default();
    let text = crate::bind::literal_text;
    let result =
        format!("rolling_{}_percentile_{}_{}", text(&written[4]), called(binder, 0), text(&written[1]));
    let mut columns = vec![Column::new(called(binder, 2), arguments[2].ty)];
    for (written, bound) in written.iter().zip(&arguments).skip(5) {
        columns.push(Column::new(binder.natural_name(written, &input.schema).unwrap_or_default(), bound.ty));
    }
    columns.push(Column::new(result, arguments[0].ty));
    Ok(node(binder, name, input, arguments, Schema::new(columns)))
}

/// A plug-in of who (an id) does something when (a timeline): its constants, and what it finds of each bin of time.
struct Activity {
    constants: usize,
    /// Whether the first two constants, the ends of the time, may be left out.
    ends_optional: bool,
    found: &'static [(&'static str, Type)],
    /// Whether what divides the rows comes after what was found.
    groups_last: bool,
}

fn activity(name: &str) -> Option<Activity> {
    use Type::{Long, Real};
    let (constants, ends_optional, groups_last, found): (_, _, _, &'static [(&'static str, Type)]) =
        match name {
            "activity_counts_metrics" => {
                let found =
                    &[("count", Long), ("dcount", Long), ("new_dcount", Long), ("aggregated_dcount", Long)];
                (3, false, false, found)
            }
            "activity_metrics" => {
                let found = &[
                    ("dcount_values", Long),
                    ("dcount_newvalues", Long),
                    ("retention_rate", Real),
                    ("churn_rate", Real),
                ];
                (3, true, true, found)
            }
            "activity_engagement" => {
                let found = &[
                    ("dcount_activities_inner", Long),
                    ("dcount_activities_outer", Long),
                    ("activity_ratio", Real),
                ];
                (4, true, true, found)
            }
            "active_users_count" => (6, false, false, &[("dcount", Long)]),
            "sliding_window_counts" => (4, false, false, &[("Count", Long), ("Dcount", Long)]),
            "session_count" => (4, false, false, &[("count_sessions", Long)]),
            _ => return None,
        };
    Some(Activity { constants, ends_optional, found, groups_last })
}

/// Arguments: the id, the timeline, the constants, then what divides the rows.
fn over_time(
    binder: &mut Binder<'_>,
    name: &Name,
    written: &[Expr],
    input: Arc<Plan>,
    shape: &Activity,
) -> Bound<Arc<Plan>> {
    let mut row = Row::over(&input.schema);
    let mut arguments =
        written.iter().map(|one| binder.expr(one.without_name(), &mut row)).collect::<Bound<Vec<_>>>()?;
    let mut names: Vec<String> =
        written.iter().map(|one| binder.natural_name(one, &input.schema).unwrap_or_default()).collect();
    // What is no constant ends the constants; without the ends of the time there are two less.
    let given = arguments.iter().skip(2).take_while(|one| one.as_column().is_none()).count();
    if shape.ends_optional && given + 2 == shape.constants {
        for _ in 0..2 {
            arguments.insert(2, plan::Expr::literal(Value::null(Type::Dynamic)));
            names.insert(2, String::new());
        }
    } else if arguments.len() < 2 || given < shape.constants {
        let wanted = format!("an id, a timeline and {} constants", shape.constants);
        return Err(too_few(binder, name, &wanted));
    }
    let first = 2 + shape.constants;
    let groups = (first..arguments.len()).map(|at| Column::new(names[at].clone(), arguments[at].ty));
    let groups: Vec<Column> = groups.collect();
    let found = shape.found.iter().map(|(name, ty)| Column::new(*name, *ty));
    let mut columns = vec![Column::new(names[1].clone(), arguments[1].ty)];
    if shape.groups_last {
        columns.extend(found.chain(groups));
    } else {
        columns.extend(groups.into_iter().chain(found));
    }
    Ok(node(binder, name, input, arguments, Schema::new(columns)))
}

/// Arguments: the id, the timeline, start, end, window, the one cohort or null, the table of ids seen before or null, then what
/// divides the rows.
fn new_activity(
    binder: &mut Binder<'_>,
    name: &Name,
    written: &[Expr],
    input: Arc<Plan>,
) -> Bound<Arc<Plan>> {
    if written.len() < 5 {
        return Err(too_few(binder, name, "an id, a timeline, a start, an end and a window"));
    }
    let mut row = Row::over(&input.schema);
    let (mut arguments, mut groups) = (Vec::new(), Vec::new());
    let (mut cohort, mut before) = (plan::Expr::literal(Value::null(Type::Dynamic)), None);
    let timeline = binder.natural_name(&written[1], &input.schema).unwrap_or_default();
    let mut columns = Vec::new();
    for (at, one) in written.iter().map(Expr::without_name).enumerate() {
        let is_column = matches!(&one.kind, ExprKind::Name(name) if input.schema.position(name).is_some());
        if at >= 5 && !is_column && binder.is_table(one) {
            let table = binder.table(one)?;
            before = Some(plan::Expr::new(Type::Dynamic, plan::ExprKind::Subquery(table)));
            continue;
        }
        let value = binder.expr(one, &mut row)?;
        if at < 5 {
            arguments.push(value);
        } else if value.as_column().is_some() {
            columns.push(Column::new(binder.natural_name(one, &input.schema).unwrap_or_default(), value.ty));
            groups.push(value);
        } else {
            cohort = value;
        }
    }
    let ty = arguments[1].ty;
    let found = [
        (format!("from_{timeline}"), ty),
        (format!("to_{timeline}"), ty),
        ("dcount_new_values".to_owned(), Type::Long),
        ("dcount_retained_values".to_owned(), Type::Long),
        ("dcount_churn_values".to_owned(), Type::Long),
        ("retention_rate".to_owned(), Type::Real),
        ("churn_rate".to_owned(), Type::Real),
    ];
    let found = found.into_iter().map(|(name, ty)| Column::new(name, ty));
    let schema = Schema::new(found.chain(columns).collect());
    arguments.push(cohort);
    arguments.push(before.unwrap_or_else(|| plan::Expr::literal(Value::null(Type::Dynamic))));
    arguments.extend(groups);
    Ok(node(binder, name, input, arguments, schema))
}
