//! `project-rename`: all columns, some under a new name.

use crate::syntax::ast::{Expr, Name};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ProjectRename {
    /// The new name and the column.
    pub columns: Vec<(Name, Expr)>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectRename> {
    let columns = parser.list(|parser| {
        let name = parser.declared_name()?;
        parser.expect("=")?;
        Ok((name, parser.expression()?))
    })?;
    Ok(ProjectRename { columns })
}
