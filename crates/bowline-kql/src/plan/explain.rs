//! A plan as text, a line per node, inputs below and further in: for tests, for whoever builds on plans, and for people who ask what
//! a query does.

use super::{Aggregate, Expr, ExprKind, Node, Op, Plan, Query, Schema, SortKey, Step};
use crate::value::{Value, format_datetime, format_timespan};

impl Query {
    pub fn explain(&self) -> String {
        let mut out = String::new();
        for (index, shared) in self.shared.iter().enumerate() {
            out.push_str(&format!("shared {index}:\n"));
            lines(shared, 1, &mut out);
        }
        for output in &self.outputs {
            if let Some(name) = &output.name {
                out.push_str(&format!("{name}:\n"));
            }
            lines(&output.plan, 0, &mut out);
        }
        out
    }
}

impl Plan {
    pub fn explain(&self) -> String {
        let mut out = String::new();
        lines(self, 0, &mut out);
        out
    }
}

fn lines(plan: &Plan, depth: usize, out: &mut String) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(&head(plan));
    out.push('\n');
    for input in plan.inputs() {
        lines(input, depth + 1, out);
    }
}

/// The node in one line, without its inputs.
fn head(plan: &Plan) -> String {
    let nothing = Schema::default();
    let below = plan.inputs().first().map_or(&nothing, |input| &input.schema);
    let one = |value: &Expr| expr(value, below);
    let optional = |value: &Option<Expr>, word: &str| {
        value.as_ref().map_or(String::new(), |value| format!(" {word} {}", one(value)))
    };
    match &plan.node {
        Node::Table { name } => format!("Table {name}"),
        Node::Rows(rows) => format!("Rows {} of ({})", rows.len(), columns(&plan.schema)),
        Node::Range { from, to, step } => format!("Range {} to {} step {}", one(from), one(to), one(step)),
        Node::Filter { predicate, .. } => format!("Filter {}", one(predicate)),
        Node::Project { columns, .. } => format!("Project {}", named(columns, &plan.schema.columns, below)),
        Node::Aggregate { keys, aggregates, .. } => {
            let (first, rest) = plan.schema.columns.split_at(keys.len());
            let aggregates: Vec<String> = aggregates
                .iter()
                .zip(rest)
                .map(|(value, column)| format!("{} = {}", column.name, aggregate(value, below)))
                .collect();
            let by =
                if keys.is_empty() { String::new() } else { format!(" by {}", named(keys, first, below)) };
            format!("Aggregate {}{by}", aggregates.join(", ")).replace("  ", " ")
        }
        Node::Join { left, right, kind, on } => {
            let pairs: Vec<String> = on
                .iter()
                .map(|(a, b)| format!("{} == {}", expr(a, &left.schema), expr(b, &right.schema)))
                .collect();
            format!("Join {kind:?} on {} gives ({})", pairs.join(" and "), columns(&plan.schema))
        }
        Node::Union { .. } => format!("Union gives ({})", columns(&plan.schema)),
        Node::Sort { keys, .. } => {
            format!("Sort {}", keys.iter().map(|key| sort_key(key, below)).collect::<Vec<_>>().join(", "))
        }
        Node::Limit { count, .. } => format!("Limit {}", one(count)),
        Node::Sample { count, .. } => format!("Sample {}", one(count)),
        Node::Expand { lists, limit, .. } | Node::Apply { lists, limit, .. } => {
            let word = if matches!(plan.node, Node::Expand { .. }) { "Expand" } else { "Apply" };
            let lists: Vec<String> =
                lists.iter().map(|list| format!("{} to {}", one(&list.value), list.ty)).collect();
            format!(
                "{word} {}{} gives ({})",
                lists.join(", "),
                optional(limit, "limit"),
                columns(&plan.schema)
            )
        }
        Node::Elements => "Elements".to_owned(),
        Node::Partition { key, .. } => format!("Partition by {}", one(key)),
        Node::Parse { source, pattern, mode, only_matches, .. } => {
            let only = if *only_matches { " only matches" } else { "" };
            format!("Parse {mode:?} {} with {pattern:?}{only} gives ({})", one(source), columns(&plan.schema))
        }
        Node::ParseKv { source, .. } => format!("ParseKv {} gives ({})", one(source), columns(&plan.schema)),
        Node::Window { columns, .. } => {
            let calls: Vec<String> =
                columns.iter().map(|one| call(one.function, &one.arguments, below)).collect();
            format!("Window {}", calls.join(", "))
        }
        Node::Series { series, axis, from, to, step, .. } => {
            let series: Vec<String> = series.iter().map(|one| aggregate(&one.aggregate, below)).collect();
            let bounds = format!("{}{}", optional(from, "from"), optional(to, "to"));
            format!(
                "Series {} on {}{bounds} step {} gives ({})",
                series.join(", "),
                one(axis),
                one(step),
                columns(&plan.schema)
            )
        }
        Node::Plugin { name, arguments, ordinal, .. } => {
            let more = if plan.schema.open { ", …" } else { "" };
            format!(
                "Plugin {ordinal} {} gives ({}{more})",
                call(name, arguments, below),
                columns(&plan.schema)
            )
        }
        Node::TopNested { levels, .. } => {
            let level = |one: &super::NestedLevel| {
                let count =
                    one.count.as_ref().map_or(String::new(), |count| format!("{} ", expr(count, below)));
                let others = optional(&one.others, "others");
                let direction = if one.descending { "desc" } else { "asc" };
                let (key, by) = (expr(&one.key, below), aggregate(&one.aggregate, below));
                format!("{count}of {key}{others} by {by} {direction}")
            };
            format!("TopNested {}", levels.iter().map(level).collect::<Vec<_>>().join(", "))
        }
        Node::Scan { steps, .. } => {
            format!("Scan {} steps gives ({})", steps.len(), columns(&plan.schema))
        }
        Node::Shared { index } => format!("Shared {index}"),
    }
}

fn columns(schema: &Schema) -> String {
    schema
        .columns
        .iter()
        .map(|column| format!("{}: {}", column.name, column.ty))
        .collect::<Vec<_>>()
        .join(", ")
}

fn named(values: &[Expr], columns: &[super::Column], below: &Schema) -> String {
    let each = values.iter().zip(columns).map(|(value, column)| match expr(value, below) {
        text if text == column.name => text,
        text => format!("{} = {text}", column.name),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn aggregate(value: &Aggregate, below: &Schema) -> String {
    call(value.function, &value.arguments, below)
}

fn call(name: &str, arguments: &[Expr], below: &Schema) -> String {
    format!("{name}({})", list(arguments, below))
}

fn list(values: &[Expr], below: &Schema) -> String {
    values.iter().map(|value| expr(value, below)).collect::<Vec<_>>().join(", ")
}

fn sort_key(key: &SortKey, below: &Schema) -> String {
    let direction = if key.descending { "desc" } else { "asc" };
    let nulls = if key.nulls_first { "first" } else { "last" };
    format!("{} {direction} nulls {nulls}", expr(&key.value, below))
}

fn expr(value: &Expr, below: &Schema) -> String {
    match &value.kind {
        ExprKind::Column(index) => {
            below.columns.get(*index).map_or(format!("#{index}"), |column| column.name.clone())
        }
        ExprKind::Late(name) => format!("late {name}"),
        ExprKind::Literal(value) => literal(value),
        ExprKind::Operator { op, arguments } => operator(*op, arguments, below),
        ExprKind::Call { function, arguments } => call(function, arguments, below),
        ExprKind::Cast(inner) => format!("{}({})", value.ty, expr(inner, below)),
        ExprKind::Path { target, steps } => {
            let steps: Vec<String> = steps.iter().map(|one| step(one, below)).collect();
            format!("{}{}", expr(target, below), steps.concat())
        }
        ExprKind::Part { of, index } => format!("{}#{index}", expr(of, below)),
        ExprKind::Subquery(plan) => {
            format!("first of {{ {} }}", plan.explain().trim_end().replace('\n', " <"))
        }
        ExprKind::InTable { value, table, ignore_case, negated } => {
            let (not, tilde) = (if *negated { "!" } else { "" }, if *ignore_case { "~" } else { "" });
            format!(
                "{} {not}in{tilde} {{ {} }}",
                expr(value, below),
                table.explain().trim_end().replace('\n', " <")
            )
        }
    }
}

fn step(step: &Step, below: &Schema) -> String {
    match step {
        Step::Key(key) => format!("['{key}']"),
        Step::Index(index) => format!("[{index}]"),
        Step::Computed(value) => format!("[{}]", expr(value, below)),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null(ty) => format!("{ty}(null)"),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => format!("int({value})"),
        Value::Long(value) => value.to_string(),
        Value::Real(value) => format!("{value:?}"),
        Value::Decimal(digits) => format!("decimal({digits})"),
        Value::Datetime(ticks) => format!("datetime({})", format_datetime(*ticks)),
        Value::Timespan(ticks) => format!("timespan({})", format_timespan(*ticks)),
        Value::Guid(value) => format!("guid({value:032x})"),
        Value::String(text) => format!("'{text}'"),
        Value::Dynamic(json) => format!("dynamic({json})"),
    }
}

fn operator(op: Op, arguments: &[Expr], below: &Schema) -> String {
    let sign = match op {
        Op::Add => "+",
        Op::Subtract => "-",
        Op::Multiply => "*",
        Op::Divide => "/",
        Op::Modulo => "%",
        Op::Equal => "==",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
        Op::And => "and",
        Op::Or => "or",
        Op::EqualIgnoreCase => "=~",
        Op::NotEqualIgnoreCase => "!~",
        other => {
            return format!("{other:?}({})", list(arguments, below))
                .replace(" { case: ", "{case ")
                .replace(", negated: ", " not ")
                .replace(" }(", "}(");
        }
    };
    let terms: Vec<String> = arguments.iter().map(|one| expr(one, below)).collect();
    format!("({})", terms.join(&format!(" {sign} ")))
}
