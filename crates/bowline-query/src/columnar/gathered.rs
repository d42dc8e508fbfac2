//! An aggregate of the interpreter over arrays.
//!
//! # Design notes
//! A plan has one partition, so that groups are gathered in one place and never merged.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bowline_kql::plan::Aggregate;
use bowline_kql::{Type, Value};
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
};

use super::expr::Held;
use super::run::refused;
use crate::aggregates::{Gather, gather};
use crate::arrays::{self, Cells};

/// The aggregate over columns. The number tells apart what is in one plan.
pub(super) fn gathered(number: usize, aggregate: &Aggregate, arguments: &[Held]) -> Expr {
    let function = Gathered {
        number,
        name: format!("gathered_{number}"),
        aggregate: Arc::new(aggregate.clone()),
        types: arguments.iter().map(|held| held.ty).collect(),
        signature: Signature::variadic_any(Volatility::Immutable),
    };
    let arguments = arguments.iter().map(Held::read).collect();
    let function = Arc::new(AggregateUDF::new_from_impl(function));
    Expr::AggregateFunction(AggregateFunction::new_udf(function, arguments, false, None, Vec::new(), None))
}

#[derive(Debug, Clone)]
struct Gathered {
    number: usize,
    name: String,
    aggregate: Arc<Aggregate>,
    types: Vec<Type>,
    signature: Signature,
}

impl PartialEq for Gathered {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.aggregate == other.aggregate
    }
}

impl Eq for Gathered {}

impl Hash for Gathered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl Gathered {
    fn groups(&self) -> Groups {
        Groups { of: self.clone(), groups: Vec::new(), bytes: 0 }
    }
}

impl AggregateUDFImpl for Gathered {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(arrays::held(self.aggregate.ty))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One(self.groups())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.groups()))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The groups of one aggregate.
struct Groups {
    of: Gathered,
    groups: Vec<Box<dyn Gather>>,
    /// About what they hold.
    bytes: usize,
}

impl Groups {
    fn take(
        &mut self,
        values: &[ArrayRef],
        groups: Option<&[usize]>,
        only: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        while self.groups.len() < total {
            self.groups.push(gather(&self.of.aggregate).map_err(refused)?);
            self.bytes += 128;
        }
        let cells = values.iter().zip(&self.of.types).map(|(array, ty)| Cells::of(array, *ty));
        let cells: Vec<Cells<'_>> = cells.collect::<std::result::Result<_, _>>().map_err(refused)?;
        let rows = groups.map_or_else(|| values.first().map_or(0, Array::len), <[usize]>::len);
        let mut row: Vec<Value> = Vec::with_capacity(cells.len());
        for at in 0..rows {
            if only.is_some_and(|only| only.is_null(at) || !only.value(at)) {
                continue;
            }
            row.clear();
            row.extend(cells.iter().map(|cells| cells.value(at)));
            let group = groups.map_or(0, |groups| groups[at]);
            self.groups[group].take(&row).map_err(refused)?;
            if keeps(self.of.aggregate.function) {
                self.bytes += row.iter().map(size).sum::<usize>();
            }
        }
        Ok(())
    }

    fn give(&mut self, count: usize) -> ArrayRef {
        let count = count.min(self.groups.len());
        let values: Vec<Value> = self.groups.drain(..count).map(|mut group| group.give()).collect();
        arrays::build(self.of.aggregate.ty, values.iter())
    }
}

/// Whether an aggregate keeps what it takes.
fn keeps(function: &str) -> bool {
    ["make_", "makelist", "makeset", "percentile", "dcount", "count_distinct"]
        .iter()
        .any(|begin| function.starts_with(begin))
}

fn size(value: &Value) -> usize {
    let text = match value {
        Value::String(text) | Value::Dynamic(text) | Value::Decimal(text) => text.len(),
        _ => 0,
    };
    size_of::<Value>() + text
}

fn never_merged<T>() -> Result<T> {
    Err(DataFusionError::NotImplemented("groups of one partition are never merged".to_owned()))
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        only: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.take(values, Some(groups), only, total)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(match emit {
            EmitTo::All => self.give(usize::MAX),
            EmitTo::First(count) => self.give(count),
        })
    }

    fn state(&mut self, _: EmitTo) -> Result<Vec<ArrayRef>> {
        never_merged()
    }

    fn merge_batch(&mut self, _: &[ArrayRef], _: &[usize], _: usize) -> Result<()> {
        never_merged()
    }

    fn convert_to_state(&self, _: &[ArrayRef], _: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        never_merged()
    }

    fn size(&self) -> usize {
        self.bytes
    }
}

/// The one group of an aggregate without keys.
struct One(Groups);

impl std::fmt::Debug for One {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.of.fmt(f)
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.take(values, None, None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.take(&[], None, None, 1)?;
        ScalarValue::try_from_array(&self.0.give(1), 0)
    }

    fn size(&self) -> usize {
        self.0.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        never_merged()
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        never_merged()
    }
}
