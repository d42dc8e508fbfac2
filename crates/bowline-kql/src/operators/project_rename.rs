//! `project-rename`: all columns, some under a new name.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Row};
use crate::plan::{Node, Plan};
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

impl ProjectRename {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let mut schema = input.schema.clone();
        for (name, column) in &self.columns {
            let value = binder.expr(column, &mut Row::over(&input.schema))?;
            let Some(index) = value.as_column() else {
                if input.schema.open {
                    continue;
                }
                return Err(binder.wrong(column.span, "only a column can get a new name"));
            };
            schema.columns[index].name.clone_from(&name.text);
        }
        let mut names: Vec<&str> = schema.names().collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("there is a column '{}' already", twice[0]);
            return Err(binder.wrong(self.columns[0].0.span, message));
        }
        let columns = super::all_columns(&input.schema);
        Ok(Plan::new(schema, Node::Project { input, columns }))
    }
}
