//! What stands at the bottom of a plan over columns: a table of columns, or rows that something else made.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::datasource::provider_as_source;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt as _, TryFutureExt as _};

use super::run::{begun, failed, refused};
use crate::batches::{Batches, Scan};
use crate::error::QueryError;
use crate::run::Limits;

/// Where batches come from.
pub(super) enum Origin {
    Table {
        batches: Arc<dyn Batches>,
        scan: Scan,
    },
    Made(Vec<RecordBatch>),
    /// What another plan gives, batch by batch made into something else.
    Each {
        input: LogicalPlan,
        each: Arc<dyn Each>,
    },
}

/// What makes of a batch another one.
pub(super) trait Each: Send + Sync + std::fmt::Debug {
    /// Its rows, in the columns of the leaf.
    fn over(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError>;
}

/// A scan with names of columns that no other has.
pub(super) struct Leaf {
    origin: Origin,
    schema: SchemaRef,
    limits: Limits,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.origin {
            Origin::Table { scan, .. } => scan.fmt(f),
            Origin::Made(batches) => write!(f, "{} batches", batches.len()),
            Origin::Each { each, .. } => each.fmt(f),
        }
    }
}

impl PartitionStream for Leaf {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        if let Origin::Each { input, each } = &self.origin {
            let (input, each, limits) = (input.clone(), Arc::clone(each), self.limits.clone());
            let watched = limits.clone();
            let begin = async move { begun(&input, &watched, context).await };
            let made = begin.try_flatten_stream().map(move |batch| {
                limits.check().map_err(refused)?;
                each.over(&batch?).map_err(refused)
            });
            return Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), made));
        }
        let batches: Box<dyn Iterator<Item = Result<RecordBatch, QueryError>> + Send> = match &self.origin {
            Origin::Table { batches, scan } => match batches.scan(scan) {
                Ok(batches) => batches,
                Err(error) => Box::new(std::iter::once(Err(error))),
            },
            Origin::Made(batches) => Box::new(batches.clone().into_iter().map(Ok)),
            Origin::Each { .. } => Box::new(std::iter::empty()),
        };
        let (schema, limits) = (Arc::clone(&self.schema), self.limits.clone());
        let named = batches.map(move |batch| {
            limits.check().map_err(refused)?;
            let batch = batch.map_err(refused)?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(Arc::clone(&schema), batch.columns().to_vec(), &options)
                .map_err(|error| DataFusionError::ArrowError(Box::new(error), None))
        });
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(named)))
    }
}

/// A scan as the leaf of a plan.
pub(super) fn leaf(
    name: &str,
    schema: Schema,
    origin: Origin,
    limits: &Limits,
) -> Result<LogicalPlan, QueryError> {
    let schema = Arc::new(schema);
    let leaf = Leaf { origin, schema: Arc::clone(&schema), limits: limits.clone() };
    let table = StreamingTable::try_new(schema, vec![Arc::new(leaf)]).map_err(failed)?;
    LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None)
        .and_then(LogicalPlanBuilder::build)
        .map_err(failed)
}
