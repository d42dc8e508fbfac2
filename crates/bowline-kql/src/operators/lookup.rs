//! `lookup`: a join that adds the columns of a smaller table.

use std::sync::Arc;

use super::join::{self, Join};
use crate::bind::{Binder, Bound};
use crate::plan::{self, JoinKind, Node, Plan};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Lookup {
    pub join: Join,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Lookup> {
    Ok(Lookup { join: join::parse(parser)? })
}

impl Lookup {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let kind = self.join.kind(binder, JoinKind::LeftOuter)?;
        if !matches!(kind, JoinKind::LeftOuter | JoinKind::Inner) {
            return Err(binder.wrong(self.join.right.span, "a lookup is leftouter or inner"));
        }
        let right = binder.table(&self.join.right)?;
        let on = self.join.conditions(binder, &input.schema, &right.schema)?;
        let keys: Vec<usize> = on.iter().filter_map(|(_, right)| column_of(right)).collect();
        let schema = join::combined(&input.schema, &right.schema, &keys);
        let all = join::combined(&input.schema, &right.schema, &[]);
        let (width, types) =
            (input.schema.len(), all.columns.iter().map(|column| column.ty).collect::<Vec<_>>());
        let joined = Plan::new(all, Node::Join { left: input, right, kind, on });
        let kept = (0..types.len()).filter(|index| *index < width || !keys.contains(&(index - width)));
        let columns = kept.map(|index| plan::Expr::column(index, types[index])).collect();
        Ok(Plan::new(schema, Node::Project { input: joined, columns }))
    }
}

/// The column that an expression is, also when it is converted.
fn column_of(value: &plan::Expr) -> Option<usize> {
    match &value.kind {
        plan::ExprKind::Cast(inner) => inner.as_column(),
        _ => value.as_column(),
    }
}
