//! Groups: the aggregates of DataFusion where they mean the same, and those of the interpreter where they do not.

use bowline_kql::plan::{Aggregate, Expr};
use bowline_kql::{Type, Value};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr as Made, cast, lit, when};

use super::{Lowering, Relation, expr};
use crate::aggregates::gather;
use crate::arrays;
use crate::columnar::expr::{Codes, Held};
use crate::columnar::first::first;
use crate::columnar::gathered::gathered;
use crate::columnar::need::{Need, wanted};
use crate::columnar::run::failed;
use crate::error::QueryError;

/// Whether it can be gathered at all.
pub(super) fn lowers(aggregate: &Aggregate) -> bool {
    gather(aggregate).is_ok()
}

/// Whether its answer is the same for any order of rows.
pub(super) fn takes_any_order(aggregate: &Aggregate) -> bool {
    let name = aggregate.function.strip_suffix("if").unwrap_or(aggregate.function);
    matches!(name, "count" | "cnt" | "sum" | "avg" | "min" | "max" | "dcount" | "count_distinct")
}

/// An aggregate on its way: its column, the function over columns, and what the answer is where there was nothing.
struct Going {
    column: usize,
    ty: Type,
    made: Made,
    nothing: Option<Value>,
}

/// A key: its column, and that of its first value where groups go by something else than the value.
struct Grouped {
    key: Held,
    first: Option<Held>,
    /// Where groups go by numbers of texts.
    codes: Option<Codes>,
}

impl Lowering<'_, '_> {
    pub(super) fn aggregate(
        &mut self,
        input: Relation,
        keys: &[Expr],
        aggregates: &[Aggregate],
        need: &Need,
    ) -> Result<Relation, QueryError> {
        let wanted: Vec<_> = wanted(aggregates, keys.len(), need).collect();
        let (input, grouped, arguments) = self.prepared(input, keys, &wanted)?;
        let mut groups: Vec<Made> = Vec::new();
        for one in &grouped {
            if !groups.contains(&one.key.read()) {
                groups.push(one.key.read());
            }
        }
        let mut made = Vec::new();
        let mut after = Vec::new();
        for (at, one) in grouped.iter().enumerate() {
            let read = match &one.first {
                Some(held) => {
                    let name = self.name();
                    made.push(first(held.read()).alias(&name));
                    Held { name, ..held.clone() }.read()
                }
                None => {
                    one.codes.as_ref().map_or_else(|| one.key.read(), |codes| codes.texts(one.key.read()))
                }
            };
            after.push(((at, Vec::new()), keys[at].ty, read));
        }
        for ((column, aggregate), arguments) in wanted.iter().zip(&arguments) {
            let number = made.len();
            let going = going(number, *column, aggregate, arguments, &input)?;
            let name = self.name();
            made.push(going.made.alias(&name));
            let read = Held { place: (0, Vec::new()), name, ty: going.ty }.read();
            let read = match going.nothing {
                Some(value) => when(read.clone().is_null(), lit(arrays::scalar(&value)))
                    .otherwise(read)
                    .map_err(failed)?,
                None => read,
            };
            after.push(((going.column, Vec::new()), going.ty, read));
        }
        if groups.is_empty() && made.is_empty() {
            // Nobody asks what is in the one row, only that it is there.
            made.push(call(&count_udaf(), vec![lit(1_i64)], false, None).alias(self.name()));
        }
        let grouped = self.done(input.build().aggregate(groups, made), Vec::new())?;
        self.columns(grouped, after)
    }

    /// Keys and arguments as columns: what is written twice is evaluated once.
    #[expect(clippy::type_complexity, reason = "three parts that are used once")]
    fn prepared(
        &mut self,
        input: Relation,
        keys: &[Expr],
        wanted: &[(usize, &Aggregate)],
    ) -> Result<(Relation, Vec<Grouped>, Vec<Vec<Held>>), QueryError> {
        let mut made = Vec::new();
        let mut plain: Vec<&Expr> = Vec::new();
        for expr in keys.iter().chain(wanted.iter().flat_map(|(_, one)| &one.arguments)) {
            if !plain.contains(&expr) {
                made.push(((plain.len(), Vec::new()), expr.ty, self.expressions.make(&input.columns, expr)?));
                plain.push(expr);
            }
        }
        for key in keys.iter().filter(|key| expr::needs_key(key.ty)) {
            let value = self.expressions.make(&input.columns, key)?;
            made.push(((0, Vec::new()), key.ty, expr::keyed(value, key.ty)));
        }
        // A column of nothing, so that rows are counted.
        if made.is_empty() {
            made.push(((0, Vec::new()), Type::Bool, lit(true)));
        }
        let relation = self.columns(input, made)?;
        let find = |expr: &Expr| {
            let at = plain.iter().position(|one| *one == expr).unwrap_or_default();
            relation.columns[at].clone()
        };
        let mut by_meaning = relation.columns[plain.len()..].iter();
        let grouped = keys.iter().map(|key| {
            let value = find(key);
            match expr::needs_key(key.ty).then(|| by_meaning.next()).flatten() {
                Some(meant) => Grouped { key: meant.clone(), first: Some(value), codes: None },
                None => Grouped { key: value, first: None, codes: None },
            }
        });
        let grouped = grouped.collect();
        let arguments = wanted.iter().map(|(_, one)| one.arguments.iter().map(find).collect()).collect();
        let (relation, grouped) = self.coded(relation, grouped)?;
        Ok((relation, grouped, arguments))
    }

    /// Keys that are held as dictionaries become numbers.
    fn coded(
        &mut self,
        input: Relation,
        mut grouped: Vec<Grouped>,
    ) -> Result<(Relation, Vec<Grouped>), QueryError> {
        let mut made: Vec<Made> = input.columns.iter().map(Held::read).collect();
        let mut known: Vec<(String, Held, Codes)> = Vec::new();
        for one in &mut grouped {
            if input.held_as(&one.key)? != arrays::dictionary() {
                continue;
            }
            let found = known.iter().find(|(name, _, _)| *name == one.key.name).cloned();
            let (_, key, codes) = match found {
                Some(found) => found,
                None => {
                    let codes = Codes::new(self.run.limits().bytes);
                    let key = Held { name: self.name(), ..one.key.clone() };
                    made.push(codes.numbers(one.key.read()).alias(&key.name));
                    known.push((one.key.name.clone(), key, codes));
                    known[known.len() - 1].clone()
                }
            };
            (one.key, one.codes) = (key, Some(codes));
        }
        if known.is_empty() {
            return Ok((input, grouped));
        }
        let columns = input.columns.clone();
        Ok((self.done(input.build().project(made), columns)?, grouped))
    }
}

fn call(
    function: &std::sync::Arc<AggregateUDF>,
    args: Vec<Made>,
    distinct: bool,
    only: Option<Made>,
) -> Made {
    let only = only.map(Box::new);
    let function = std::sync::Arc::clone(function);
    Made::AggregateFunction(AggregateFunction::new_udf(function, args, distinct, only, Vec::new(), None))
}

/// The function that gives an aggregate.
fn going(
    number: usize,
    column: usize,
    aggregate: &Aggregate,
    arguments: &[Held],
    input: &Relation,
) -> Result<Going, QueryError> {
    let ty = aggregate.ty;
    let (name, condition) = match aggregate.function.strip_suffix("if") {
        Some("count") => ("count", arguments.first()),
        Some(name) => (name, arguments.get(1)),
        None if aggregate.function == "count" => ("count", arguments.first()),
        None => (aggregate.function, None),
    };
    let only = condition.map(Held::read);
    let value = arguments.first();
    let counted = |held: &&Held| matches!(held.ty, Type::Long | Type::Datetime | Type::Timespan);
    // Dictionaries are opened: their order and number is that of the texts.
    let opened = |held: &Held| -> Result<Made, QueryError> {
        let coded = input.held_as(held)? != arrays::held(held.ty);
        Ok(if coded { cast(held.read(), arrays::held(held.ty)) } else { held.read() })
    };
    let done = |made: Made, nothing: Option<Value>| Ok(Going { column, ty, made, nothing });
    match (name, value) {
        ("count" | "cnt", _) => done(call(&count_udaf(), vec![lit(1_i64)], false, only), None),
        ("sum", Some(value)) if value.ty == ty && matches!(ty, Type::Long | Type::Real | Type::Timespan) => {
            let zero = match ty {
                Type::Real => Value::Real(0.0),
                Type::Timespan => Value::Timespan(0),
                _ => Value::Long(0),
            };
            done(call(&sum_udaf(), vec![value.read()], false, only), Some(zero))
        }
        ("avg", Some(value)) if value.ty == Type::Real && ty == Type::Real => {
            done(call(&avg_udaf(), vec![value.read()], false, only), Some(Value::Real(f64::NAN)))
        }
        ("min" | "max", Some(value)) if value.ty == ty && (counted(&value) || ty == Type::String) => {
            let function = if name == "min" { min_udaf() } else { max_udaf() };
            let empty = (ty == Type::String).then(|| Value::String(String::new()));
            done(call(&function, vec![opened(value)?], false, only), empty)
        }
        ("dcount" | "count_distinct", Some(value)) if counted(&value) || value.ty == Type::String => {
            done(call(&count_udaf(), vec![opened(value)?], true, only), None)
        }
        _ => done(gathered(number, aggregate, arguments), None),
    }
}
