//! Work under watch that the leaves alone would not see for long that a query has ended: a join, which may give far more than it reads, and a
//! sort, which does all of its work at once when everything was read, and evaluates its keys batch after batch as it does so.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt as _;

use super::run::refused;
use crate::run::Limits;

/// The plan with each of its joins under watch.
pub(super) fn watch(plan: Arc<dyn ExecutionPlan>, limits: &Limits) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        Ok(if plan.children().len() < 2 {
            Transformed::no(plan)
        } else {
            Transformed::yes(Arc::new(Watched { plan, limits: limits.clone() }) as Arc<dyn ExecutionPlan>)
        })
    })
    .data()
}

#[derive(Debug)]
struct Watched {
    plan: Arc<dyn ExecutionPlan>,
    limits: Limits,
}

impl DisplayAs for Watched {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl ExecutionPlan for Watched {
    fn name(&self) -> &'static str {
        "Watched"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.plan]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { plan: children.swap_remove(0), limits: self.limits.clone() }))
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { plan: children.swap_remove(0), limits: self.limits.clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (batches, limits) = (self.plan.execute(partition, context)?, self.limits.clone());
        let watched = batches.map(move |batch| limits.check().map_err(refused).and(batch));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.plan.schema(), watched)))
    }
}

/// A key of a sort, as it is.
pub(super) fn watched(key: Expr, limits: &Limits) -> Expr {
    let function = Key { limits: limits.clone(), signature: Signature::any(1, Volatility::Volatile) };
    ScalarUDF::new_from_impl(function).call(vec![key])
}

#[derive(Debug)]
struct Key {
    limits: Limits,
    signature: Signature,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.limits.ended, &other.limits.ended)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &'static str {
        "watched"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let none = || DataFusionError::Internal("the key of a sort is missing".to_owned());
        arguments.first().cloned().ok_or_else(none)
    }

    fn invoke_with_args(&self, mut arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.limits.check().map_err(refused)?;
        Ok(arguments.args.swap_remove(0))
    }
}
