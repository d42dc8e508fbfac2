//! `project-away`: all columns but these.

use crate::syntax::ast::NamePattern;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ProjectAway {
    pub columns: Vec<NamePattern>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectAway> {
    Ok(ProjectAway { columns: parser.list(Parser::name_pattern)? })
}
