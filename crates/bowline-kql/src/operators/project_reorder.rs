//! `project-reorder`: these columns first.

use crate::syntax::ast::NamePattern;
use crate::syntax::parser::{Parsed, Parser};

/// In which order the columns that match one pattern come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameOrder {
    Input,
    Ascending,
    Descending,
    /// With the numbers in the names compared as numbers.
    NaturalAscending,
    NaturalDescending,
}

#[derive(Clone, Debug)]
pub struct ProjectReorder {
    pub columns: Vec<(NamePattern, NameOrder)>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectReorder> {
    let columns = parser.list(|parser| {
        let pattern = parser.name_pattern()?;
        let order = match parser.word() {
            "asc" => NameOrder::Ascending,
            "desc" => NameOrder::Descending,
            "granny-asc" => NameOrder::NaturalAscending,
            "granny-desc" => NameOrder::NaturalDescending,
            _ => return Ok((pattern, NameOrder::Input)),
        };
        parser.advance();
        Ok((pattern, order))
    })?;
    Ok(ProjectReorder { columns })
}
