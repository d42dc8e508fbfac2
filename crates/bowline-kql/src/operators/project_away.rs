//! `project-away`: all columns but these.

use std::sync::Arc;

use crate::bind::{Binder, Bound};
use crate::plan::Plan;
use crate::syntax::ast::NamePattern;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ProjectAway {
    pub columns: Vec<NamePattern>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectAway> {
    Ok(ProjectAway { columns: parser.list(Parser::name_pattern)? })
}

impl ProjectAway {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let away = super::matching(binder, &self.columns, &input.schema)?;
        let kept = (0..input.schema.len()).filter(|index| !away.contains(index)).collect();
        Ok(super::select(input, kept))
    }
}
