//! `project-keep`: these columns, in the order of the input.

use crate::syntax::ast::NamePattern;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ProjectKeep {
    pub columns: Vec<NamePattern>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectKeep> {
    Ok(ProjectKeep { columns: parser.list(Parser::name_pattern)? })
}
