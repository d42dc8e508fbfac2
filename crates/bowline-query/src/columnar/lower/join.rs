//! Joins by equal keys.

use bowline_kql::Type;
use bowline_kql::plan::{Expr, JoinKind};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{Expr as Made, LogicalPlanBuilder, cast};

use super::{Lowering, Relation, expr};
use crate::arrays;
use crate::columnar::expr::Held;
use crate::columnar::first::first;
use crate::columnar::run::failed;
use crate::error::QueryError;

impl Lowering<'_, '_> {
    /// Null keys match nothing, as DataFusion has it.
    pub(super) fn join(
        &mut self,
        left: Relation,
        right: Relation,
        kind: JoinKind,
        on: &[(Expr, Expr)],
        width: usize,
    ) -> Result<Relation, QueryError> {
        let (mut left, mut left_keys) = self.with_keys(left, on.iter().map(|on| &on.0))?;
        let (mut right, mut right_keys) = self.with_keys(right, on.iter().map(|on| &on.1))?;
        self.same_form(&mut left, &mut left_keys, &mut right, &mut right_keys)?;
        if kind == JoinKind::InnerUnique {
            (left, left_keys) = self.one_per_key(left, &left_keys)?;
        }
        let kept = kept(kind, &left, &right, width);
        let keys =
            |held: &[Held]| held.iter().map(|key| Column::new_unqualified(&key.name)).collect::<Vec<_>>();
        let joined =
            left.build().join(right.plan, join_type(kind), (keys(&left_keys), keys(&right_keys)), None);
        let joined = self.done(joined, kept)?;
        let (no_left, no_right) = match kind {
            JoinKind::LeftOuter => (false, true),
            JoinKind::RightOuter => (true, false),
            JoinKind::FullOuter => (true, true),
            _ => return Ok(joined),
        };
        let fill = |held: &Held| {
            let alone = if held.place.0 < width { no_left } else { no_right };
            let read = held.read();
            let read = if alone && held.ty == Type::String { expr::filled(read) } else { read };
            (held.place.clone(), held.ty, read)
        };
        let made = joined.columns.iter().map(fill).collect();
        self.columns(joined, made)
    }

    /// The relation with its keys as columns.
    fn with_keys<'e>(
        &mut self,
        input: Relation,
        on: impl Iterator<Item = &'e Expr>,
    ) -> Result<(Relation, Vec<Held>), QueryError> {
        let width = input.columns.len();
        let mut made: Vec<_> =
            input.columns.iter().map(|held| (held.place.clone(), held.ty, held.read())).collect();
        for (at, key) in on.enumerate() {
            let value = self.expressions.make(&input.columns, key)?;
            let value = if expr::needs_key(key.ty) { expr::keyed(value, key.ty) } else { value };
            made.push(((at, Vec::new()), key.ty, value));
        }
        let mut relation = self.columns(input, made)?;
        let keys = relation.columns.split_off(width);
        Ok((relation, keys))
    }

    /// Keys that one side holds as texts and the other as a dictionary of them, as texts.
    fn same_form(
        &mut self,
        left: &mut Relation,
        left_keys: &mut [Held],
        right: &mut Relation,
        right_keys: &mut [Held],
    ) -> Result<(), QueryError> {
        let mut differ = Vec::with_capacity(left_keys.len());
        for (a, b) in left_keys.iter().zip(right_keys.iter()) {
            differ.push(left.held_as(a)? != right.held_as(b)?);
        }
        if differ.contains(&true) {
            self.plain_keys(left, left_keys, &differ)?;
            self.plain_keys(right, right_keys, &differ)?;
        }
        Ok(())
    }

    fn plain_keys(
        &mut self,
        side: &mut Relation,
        keys: &mut [Held],
        which: &[bool],
    ) -> Result<(), QueryError> {
        let mut made: Vec<Made> = side.columns.iter().map(Held::read).collect();
        for (key, plain) in keys.iter_mut().zip(which) {
            let read = key.read();
            key.name = self.name();
            let read = if *plain { cast(read, arrays::held(Type::String)) } else { read };
            made.push(read.alias(&key.name));
        }
        let plan = LogicalPlanBuilder::from(side.plan.clone()).project(made);
        side.plan = plan.and_then(LogicalPlanBuilder::build).map_err(failed)?;
        Ok(())
    }

    /// The first row of each key.
    fn one_per_key(&mut self, input: Relation, keys: &[Held]) -> Result<(Relation, Vec<Held>), QueryError> {
        let groups: Vec<Made> = keys.iter().map(Held::read).collect();
        let mut firsts = Vec::with_capacity(input.columns.len());
        let mut columns = Vec::with_capacity(input.columns.len());
        for held in &input.columns {
            let name = self.name();
            firsts.push(first(held.read()).alias(&name));
            columns.push(Held { name, ..held.clone() });
        }
        let relation = self.done(input.build().aggregate(groups, firsts), columns)?;
        Ok((relation, keys.to_vec()))
    }
}

/// The columns of a join: the left ones, then the right ones, or those of the side that it keeps.
fn kept(kind: JoinKind, left: &Relation, right: &Relation, width: usize) -> Vec<Held> {
    use JoinKind as K;
    match kind {
        K::LeftSemi | K::LeftAnti => left.columns.clone(),
        K::RightSemi | K::RightAnti => right.columns.clone(),
        _ => {
            let moved = right.columns.iter().cloned().map(|mut held| {
                held.place.0 += width;
                held
            });
            left.columns.iter().cloned().chain(moved).collect()
        }
    }
}

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner | JoinKind::InnerUnique => JoinType::Inner,
        JoinKind::LeftOuter => JoinType::Left,
        JoinKind::RightOuter => JoinType::Right,
        JoinKind::FullOuter => JoinType::Full,
        JoinKind::LeftSemi => JoinType::LeftSemi,
        JoinKind::RightSemi => JoinType::RightSemi,
        JoinKind::LeftAnti => JoinType::LeftAnti,
        JoinKind::RightAnti => JoinType::RightAnti,
    }
}
