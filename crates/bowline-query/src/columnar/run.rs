//! Runs a plan of DataFusion: one query on one core, within its memory, ended when nobody waits.
//!
//! # Design notes
//! A plan has one partition and its runtime one thread, so that the same data gives the same order of rows. Nothing is written to a
//! disk: what does not fit is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::OptimizerRule;
use datafusion::optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::push_down_limit::PushDownLimit;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use futures::StreamExt as _;

use super::watched::watch;
use crate::error::QueryError;
use crate::run::{Limits, Run};

/// What plans are made with: expressions have their types already, so that only rules that move work are left.
static PLANNER: LazyLock<SessionState> = LazyLock::new(|| {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(PushDownLimit::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    let mut config = SessionConfig::new().with_target_partitions(1);
    config.options_mut().optimizer.max_passes = 1;
    SessionStateBuilder::new()
        .with_config(config)
        .with_analyzer_rules(Vec::new())
        .with_optimizer_rules(rules)
        .build()
});

/// Hands over the batches of a plan, one after the other.
pub(super) fn each(
    run: &Run<'_>,
    plan: &LogicalPlan,
    take: impl FnMut(&RecordBatch) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let run_it = || stream(run, plan, take);
    catch_unwind(AssertUnwindSafe(run_it)).unwrap_or_else(|_| {
        Err(QueryError::failed("the query ended in a fault of the server; its parts may run one by one"))
    })
}

fn stream(
    run: &Run<'_>,
    plan: &LogicalPlan,
    mut take: impl FnMut(&RecordBatch) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let limit = run.limits().bytes;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| QueryError::failed(format!("the query could not begin: {error}")))?;
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limit)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()
        .map_err(failed)?;
    let told = |error| reason(&error, limit);
    let context =
        TaskContext::default().with_session_config(PLANNER.config().clone()).with_runtime(environment);
    runtime.block_on(async {
        let mut stream = begun(plan, run.limits(), Arc::new(context)).await.map_err(told)?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(told)?;
            rows += batch.num_rows();
            run.room(rows)?;
            take(&batch)?;
        }
        Ok(())
    })
}

/// A plan that runs.
pub(super) async fn begun(
    plan: &LogicalPlan,
    limits: &Limits,
    context: Arc<TaskContext>,
) -> datafusion::common::Result<SendableRecordBatchStream> {
    execute_stream(watch(PLANNER.create_physical_plan(plan).await?, limits)?, context)
}

/// An error of ours on its way through a plan.
pub(super) fn refused(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A plan that could not be made.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn failed(error: DataFusionError) -> QueryError {
    reason(&error, 0)
}

/// Why a plan failed, in our words where it was us.
fn reason(error: &DataFusionError, limit: usize) -> QueryError {
    match error.find_root() {
        DataFusionError::External(inner) => inner
            .downcast_ref::<QueryError>()
            .cloned()
            .unwrap_or_else(|| QueryError::failed(inner.to_string())),
        DataFusionError::ResourcesExhausted(_) => QueryError::TooLarge { what: "bytes", limit },
        other => QueryError::failed(format!("the query could not be run: {other}")),
    }
}
