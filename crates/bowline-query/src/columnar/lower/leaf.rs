//! Tables of columns, and rows that the interpreter made, as leaves.

use bowline_kql::plan::Plan;
use bowline_kql::{Type, Value};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Lowering, Relation};
use crate::arrays;
use crate::batches::{OneOf, Scan, Wanted};
use crate::columnar::expr::Held;
use crate::columnar::need::Need;
use crate::columnar::scan::{Origin, leaf};
use crate::error::QueryError;

/// Rows of a batch that is made of rows.
const BATCH: usize = 8192;

impl Lowering<'_, '_> {
    pub(super) fn table(
        &mut self,
        plan: &Plan,
        name: &str,
        need: &Need,
        only: Vec<OneOf>,
    ) -> Result<Relation, QueryError> {
        let batches = self.over.batches.clone();
        let batches = batches.ok_or_else(|| QueryError::failed(format!("there are no columns of {name}")))?;
        let wanted = need.0.iter().map(|(column, path)| Wanted { column: *column, path: path.clone() });
        let scan = Scan { table: name.to_owned(), wanted: wanted.collect(), only };
        let types = batches.types(&scan)?;
        let columns = self.leaf_columns(plan, need);
        self.leaf(columns, types, Origin::Table { batches, scan })
    }

    /// The rows of any other plan.
    pub(super) fn made(&mut self, plan: &Plan, need: &Need) -> Result<Relation, QueryError> {
        let rows = self.run.rows(plan)?;
        let columns = self.leaf_columns(plan, &need.whole());
        let types: Vec<DataType> = columns.iter().map(|held| arrays::held(held.ty)).collect();
        let schema = std::sync::Arc::new(fields(&columns, &types));
        let mut batches = Vec::new();
        for rows in rows.chunks(BATCH) {
            let cells = columns.iter().map(|held| {
                static NULL: Value = Value::Null(Type::Dynamic);
                arrays::build(held.ty, rows.iter().map(|row| row.get(held.place.0).unwrap_or(&NULL)))
            });
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let batch =
                RecordBatch::try_new_with_options(std::sync::Arc::clone(&schema), cells.collect(), &options);
            batches.push(batch.map_err(|error| QueryError::failed(format!("rows are no columns: {error}")))?);
        }
        self.leaf(columns, types, Origin::Made(batches))
    }

    fn leaf_columns(&mut self, plan: &Plan, need: &Need) -> Vec<Held> {
        let mut held = Vec::with_capacity(need.0.len());
        for place in &need.0 {
            let whole = plan.schema.columns.get(place.0).map_or(Type::Dynamic, |column| column.ty);
            let ty = if place.1.is_empty() { whole } else { Type::Dynamic };
            held.push(Held { place: place.clone(), name: self.name(), ty });
        }
        held
    }

    pub(super) fn leaf(
        &mut self,
        columns: Vec<Held>,
        types: Vec<DataType>,
        origin: Origin,
    ) -> Result<Relation, QueryError> {
        if types.len() != columns.len() {
            return Err(QueryError::failed("a table gives other columns than it was asked for"));
        }
        let name = self.name();
        let plan = leaf(&name, fields(&columns, &types), origin, self.run.limits())?;
        Ok(Relation { plan, columns })
    }
}

pub(super) fn fields(columns: &[Held], types: &[DataType]) -> Schema {
    let fields = columns.iter().zip(types).map(|(held, ty)| Field::new(&held.name, ty.clone(), true));
    Schema::new(fields.collect::<Vec<_>>())
}
