//! The first value of each group, whatever it is: several of one row are of the same row.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
};

/// The first value of a column in each group; there is a group.
pub(super) fn first(column: Expr) -> Expr {
    let function = Arc::new(AggregateUDF::new_from_impl(First(Signature::any(1, Volatility::Immutable))));
    Expr::AggregateFunction(AggregateFunction::new_udf(function, vec![column], false, None, Vec::new(), None))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct First(Signature);

impl AggregateUDFImpl for First {
    fn name(&self) -> &'static str {
        "first_of_group"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().ok_or_else(no_column)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Err(DataFusionError::NotImplemented("the first of all rows without a group".to_owned()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Firsts { field: Arc::clone(&args.return_field), seen: 0, chunks: Vec::new() }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn no_column() -> DataFusionError {
    DataFusionError::Internal("the first of no column".to_owned())
}

/// Groups are numbered as they come, so that the first values in the order of rows are those in the order of groups.
struct Firsts {
    field: FieldRef,
    seen: usize,
    chunks: Vec<ArrayRef>,
}

impl GroupsAccumulator for Firsts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        _: Option<&BooleanArray>,
        _: usize,
    ) -> Result<()> {
        let mut new = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            if *group == self.seen {
                new.push(u32::try_from(row).map_err(|error| DataFusionError::External(Box::new(error)))?);
                self.seen += 1;
            }
        }
        if !new.is_empty() {
            let values = values.first().ok_or_else(no_column)?;
            self.chunks.push(take(values, &UInt32Array::from(new), None)?);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        let all = match chunks.as_slice() {
            [] => datafusion::arrow::array::new_empty_array(self.field.data_type()),
            chunks => concat(chunks)?,
        };
        self.chunks.clear();
        Ok(match emit {
            EmitTo::All => {
                self.seen = 0;
                all
            }
            EmitTo::First(count) => {
                self.seen -= count;
                self.chunks.push(all.slice(count, all.len() - count));
                all.slice(0, count)
            }
        })
    }

    fn state(&mut self, _: EmitTo) -> Result<Vec<ArrayRef>> {
        Err(DataFusionError::NotImplemented("groups of one partition are never merged".to_owned()))
    }

    fn merge_batch(&mut self, _: &[ArrayRef], _: &[usize], _: usize) -> Result<()> {
        Err(DataFusionError::NotImplemented("groups of one partition are never merged".to_owned()))
    }

    fn convert_to_state(&self, _: &[ArrayRef], _: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Err(DataFusionError::NotImplemented("groups of one partition are never merged".to_owned()))
    }

    fn size(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.get_array_memory_size()).sum()
    }
}
