//! `project-reorder`: these columns first.

use std::sync::Arc;

use crate::bind::{Binder, Bound};
use crate::plan::Plan;
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

impl ProjectReorder {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut order: Vec<usize> = Vec::new();
        for (pattern, by) in &self.columns {
            let mut found = super::matching(binder, std::slice::from_ref(pattern), &input.schema)?;
            let name = |index: &usize| input.schema.columns[*index].name.clone();
            match by {
                NameOrder::Input => {}
                NameOrder::Ascending => found.sort_by_key(name),
                NameOrder::Descending => found.sort_by_key(|index| std::cmp::Reverse(name(index))),
                NameOrder::NaturalAscending => found.sort_by_key(|index| natural(&name(index))),
                NameOrder::NaturalDescending => {
                    found.sort_by_key(|index| std::cmp::Reverse(natural(&name(index))));
                }
            }
            found.retain(|index| !order.contains(index));
            order.extend(found);
        }
        let rest: Vec<usize> = (0..input.schema.len()).filter(|index| !order.contains(index)).collect();
        order.extend(rest);
        Ok(super::select(input, order))
    }
}

/// A name cut into words and numbers, which then compare as a person would.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let word = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(word);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((text.to_owned(), number.parse().unwrap_or(0)));
        rest = after;
    }
    parts
}
