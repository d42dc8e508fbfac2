//! `project-by-names`: the columns whose names are values.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Plan, Schema};
use crate::syntax::ast::{Expr, NamePattern};
use crate::syntax::parser::{Parsed, Parser};
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct ProjectByNames {
    pub names: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ProjectByNames> {
    Ok(ProjectByNames { names: parser.list(Parser::expression)? })
}

impl ProjectByNames {
    /// The columns in the order of the names, each once; names that no column has say nothing.
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut kept: Vec<usize> = Vec::new();
        for written in &self.names {
            for text in names(binder, written)? {
                let pattern = NamePattern { text, span: written.span, quoted: false };
                for (index, column) in input.schema.columns.iter().enumerate() {
                    if pattern.matches(&column.name) && !kept.contains(&index) {
                        kept.push(index);
                    }
                }
            }
        }
        Ok(super::select(input, kept))
    }
}

/// A text, or a list of texts.
fn names(binder: &mut Binder<'_>, written: &Expr) -> Bound<Vec<String>> {
    let nothing = Schema::default();
    let bound = binder.expr(written, &mut Row::over(&nothing))?;
    match bound.as_literal() {
        Some(Value::String(name)) => return Ok(vec![name.clone()]),
        Some(Value::Dynamic(json)) => {
            if let Ok(names) = serde_json::from_str::<Vec<String>>(json) {
                return Ok(names);
            }
        }
        _ => {}
    }
    Err(binder.wrong(written.span, "a text or a dynamic list of texts is expected"))
}
