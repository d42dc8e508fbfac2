//! From an operator in the tree to its nodes in the plan.

use std::sync::Arc;

use super::{Operator, OperatorKind};
use crate::bind::{Binder, Bound};
use crate::plan::Plan;

/// An operator over its input.
pub(crate) fn bind(binder: &mut Binder<'_>, operator: &Operator, input: Arc<Plan>) -> Bound<Arc<Plan>> {
    binder.deeper(operator.span, |binder| bind_kind(binder, operator, input))
}

fn bind_kind(binder: &mut Binder<'_>, operator: &Operator, input: Arc<Plan>) -> Bound<Arc<Plan>> {
    use OperatorKind as Kind;
    match operator.kind.as_ref() {
        Kind::As(one) => one.bind(binder, input),
        Kind::Count(one) => Ok(one.bind(input)),
        Kind::Distinct(one) => one.bind(binder, input),
        Kind::Evaluate(one) => one.bind(binder, Some(input)),
        Kind::Extend(one) => one.bind(binder, input),
        Kind::Facet(one) => one.bind(binder, input),
        Kind::Fork(one) => one.bind(binder, input),
        Kind::GetSchema(one) => Ok(one.bind(&input)),
        Kind::Invoke(one) => one.bind(binder, input),
        Kind::Join(one) => one.bind(binder, input),
        Kind::Lookup(one) => one.bind(binder, input),
        Kind::MakeSeries(one) => one.bind(binder, input),
        Kind::MvApply(one) => one.bind(binder, input),
        Kind::MvExpand(one) => one.bind(binder, input),
        Kind::Parse(one) => one.bind(binder, input),
        Kind::ParseKv(one) => one.bind(binder, input),
        Kind::Partition(one) => one.bind(binder, input),
        Kind::Project(one) => one.bind(binder, input),
        Kind::ProjectAway(one) => one.bind(binder, input),
        Kind::ProjectByNames(one) => one.bind(binder, input),
        Kind::ProjectKeep(one) => one.bind(binder, input),
        Kind::ProjectRename(one) => one.bind(binder, input),
        Kind::ProjectReorder(one) => one.bind(binder, input),
        Kind::Refused(one) => {
            let what = format!("'{}'", one.operator.text);
            Err(binder.refused(one.operator.span, &what, "it is read, but not answered"))
        }
        Kind::Render(one) => {
            binder.render = Some(one.bind());
            Ok(input)
        }
        Kind::Sample(one) => one.bind(binder, input),
        Kind::SampleDistinct(one) => one.bind(binder, input),
        Kind::Scan(one) => one.bind(binder, input),
        Kind::Search(one) => one.bind(binder, Some(input), operator.span),
        Kind::Serialize(one) => one.bind(binder, input),
        Kind::Sort(one) => one.bind(binder, input),
        Kind::Summarize(one) => one.bind(binder, input),
        Kind::Take(one) => one.bind(binder, input),
        Kind::Top(one) => one.bind(binder, input),
        Kind::TopHitters(one) => one.bind(binder, input),
        Kind::TopNested(one) => one.bind(binder, input),
        Kind::Union(one) => one.bind(binder, Some(input), operator.span),
        Kind::Where(one) => one.bind(binder, input),
        Kind::Datatable(_) | Kind::ExternalData(_) | Kind::Find(_) | Kind::Print(_) | Kind::Range(_) => {
            Err(binder.wrong(operator.span, "this operator takes no input"))
        }
    }
}

/// An operator that begins a pipe; one that needs an input gets the default table.
pub(crate) fn bind_leading(binder: &mut Binder<'_>, operator: &Operator) -> Bound<Arc<Plan>> {
    use OperatorKind as Kind;
    match operator.kind.as_ref() {
        Kind::Datatable(one) => one.bind(binder, operator.span),
        Kind::ExternalData(_) => {
            Err(binder.refused(operator.span, "externaldata", super::evaluate::ELSEWHERE))
        }
        Kind::Evaluate(one) => one.bind(binder, None),
        Kind::Find(one) => one.bind(binder, operator.span),
        Kind::Print(one) => one.bind(binder),
        Kind::Range(one) => one.bind(binder),
        Kind::Search(one) => one.bind(binder, None, operator.span),
        Kind::Union(one) => one.bind(binder, None, operator.span),
        Kind::Refused(one) => {
            let what = format!("'{}'", one.operator.text);
            Err(binder.refused(one.operator.span, &what, "it is read, but not answered"))
        }
        _ => {
            let input = binder.default_table(operator.span)?;
            bind(binder, operator, input)
        }
    }
}
