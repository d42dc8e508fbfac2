//! The operators of a pipe, one file each: what it is, how it is read, and how it is bound.

mod as_;
mod columns;
mod count;
mod datatable;
mod distinct;
mod evaluate;
mod extend;
mod externaldata;
mod facet;
mod find;
mod fork;
mod getschema;
mod grammar;
mod graph;
mod invoke;
mod join;
mod lookup;
mod make_series;
mod meaning;
mod mv_apply;
mod mv_expand;
mod parse;
mod parse_kv;
mod partition;
mod plugin;
mod print;
mod project;
mod project_away;
mod project_by_names;
mod project_keep;
mod project_rename;
mod project_reorder;
mod range;
mod refused;
mod render;
mod sample;
mod sample_distinct;
mod scan;
mod search;
mod serialize;
mod sort;
mod summarize;
mod take;
mod top;
mod top_hitters;
mod top_nested;
mod union;
mod where_;

pub(crate) use grammar::{parse, parse_leading, parse_source};
pub(crate) use meaning::{bind, bind_leading};
pub(crate) use union::merge;

use crate::syntax::span::Span;
use columns::{
    all_columns, first_columns, matching, no_column, overlay, select, setting, setting_text, with_windows,
};
use grammar::{parse_body, parse_properties};

#[derive(Clone, Debug)]
pub struct Operator {
    pub span: Span,
    pub kind: Box<OperatorKind>,
}

#[derive(Clone, Debug)]
pub enum OperatorKind {
    As(as_::As),
    Count(count::Count),
    Datatable(datatable::Datatable),
    Distinct(distinct::Distinct),
    Evaluate(evaluate::Evaluate),
    Extend(extend::Extend),
    ExternalData(externaldata::ExternalData),
    Facet(facet::Facet),
    Find(find::Find),
    Fork(fork::Fork),
    GetSchema(getschema::GetSchema),
    Invoke(invoke::Invoke),
    Join(join::Join),
    Lookup(lookup::Lookup),
    MakeSeries(make_series::MakeSeries),
    MvApply(mv_apply::MvApply),
    MvExpand(mv_expand::MvExpand),
    Parse(parse::Parse),
    ParseKv(parse_kv::ParseKv),
    Partition(partition::Partition),
    Print(print::Print),
    Project(project::Project),
    ProjectAway(project_away::ProjectAway),
    ProjectByNames(project_by_names::ProjectByNames),
    ProjectKeep(project_keep::ProjectKeep),
    ProjectRename(project_rename::ProjectRename),
    ProjectReorder(project_reorder::ProjectReorder),
    Range(range::Range),
    Refused(refused::Refused),
    Render(render::Render),
    Sample(sample::Sample),
    SampleDistinct(sample_distinct::SampleDistinct),
    Scan(scan::Scan),
    Search(search::Search),
    Serialize(serialize::Serialize),
    Sort(sort::Sort),
    Summarize(summarize::Summarize),
    Take(take::Take),
    Top(top::Top),
    TopHitters(top_hitters::TopHitters),
    TopNested(top_nested::TopNested),
    Union(union::Union),
    Where(where_::Where),
}

/// The names of all operators that may follow `|`.
pub const OPERATORS: &[&str] = &[
    "as",
    "assert-schema",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "execute-and-cache",
    "extend",
    "facet",
    "filter",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
];
