//! `project-keep`: these columns, in the order of the input.

use std::sync::Arc;

use crate::bind::{Binder, Bound};
use crate::plan::Plan;
use crate::syntax::ast::NamePattern;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ProjectKeep {
    pub columns: Vec<NamePattern>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectKeep> {
    Ok(ProjectKeep { columns: parser.list(Parser::name_pattern)? })
}

impl ProjectKeep {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut kept = super::matching(binder, &self.columns, &input.schema)?;
        kept.sort_unstable();
        kept.dedup();
        Ok(super::select(input, kept))
    }
}
