//! Nodes of a plan as those of DataFusion.

mod aggregate;
mod each;
mod join;
mod leaf;

use bowline_kql::Type;
use bowline_kql::plan::{Expr, ExprKind, JoinKind, Node, Op, Plan, SortKey};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr as Made, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::Columns;
use super::expr;
use super::expr::{Expressions, Held, fits};
use super::need::{self, Need, Place, below};
use super::run::failed;
use super::watched::watched;
use crate::arrays;
use crate::batches::OneOf;
use crate::error::QueryError;
use crate::run::Run;

/// Whether a node may be lowered; its inputs are another matter.
pub(super) fn lowers(plan: &Plan) -> bool {
    match &plan.node {
        Node::Filter { predicate, .. } => fits(predicate),
        Node::Project { columns, .. } => columns.iter().all(fits),
        Node::Union { inputs } => !inputs.is_empty(),
        Node::Limit { .. } => true,
        // JSON and decimals have an order of their own.
        Node::Sort { keys, .. } => {
            keys.iter().all(|key| fits(&key.value) && !matches!(key.value.ty, Type::Dynamic | Type::Decimal))
        }
        Node::Join { on, .. } => on.iter().all(|(left, right)| fits(left) && fits(right)),
        Node::Aggregate { input, keys, aggregates } => {
            keys.iter().all(fits)
                && aggregates.iter().all(|one| aggregate::lowers(one) && one.arguments.iter().all(fits))
                && (!ordered(input) || aggregates.iter().all(aggregate::takes_any_order))
        }
        Node::Expand { lists, limit, .. } => {
            lists.iter().all(|list| fits(&list.value)) && limit.as_ref().is_none_or(fits)
        }
        Node::Parse { source, .. } => fits(source),
        _ => false,
    }
}

/// Whether rows come in an order that was asked for.
fn ordered(plan: &Plan) -> bool {
    match &plan.node {
        Node::Sort { .. } | Node::Window { .. } => true,
        Node::Filter { input, .. }
        | Node::Project { input, .. }
        | Node::Limit { input, .. }
        | Node::Expand { input, .. }
        | Node::Parse { input, .. } => ordered(input),
        _ => false,
    }
}

/// A lowered plan and what its columns are.
pub(super) struct Relation {
    pub(super) plan: LogicalPlan,
    pub(super) columns: Vec<Held>,
}

impl Relation {
    fn build(self) -> LogicalPlanBuilder {
        LogicalPlanBuilder::from(self.plan)
    }

    /// How a column is held.
    fn held_as(&self, held: &Held) -> Result<DataType, QueryError> {
        let field = self.plan.schema().field_with_unqualified_name(&held.name).map_err(failed)?;
        Ok(field.data_type().clone())
    }

    fn column(&self, place: &Place) -> Option<&Held> {
        self.columns.iter().find(|held| held.place == *place)
    }
}

/// A plan on its way down.
pub(super) struct Lowering<'r, 'a> {
    run: &'r Run<'a>,
    over: &'r Columns,
    expressions: Expressions<'r, 'a>,
    names: usize,
}

impl<'r, 'a> Lowering<'r, 'a> {
    pub(super) fn new(run: &'r Run<'a>, over: &'r Columns) -> Self {
        Lowering { run, over, expressions: Expressions::new(run), names: 0 }
    }

    /// The plan with at least the columns that are needed.
    pub(super) fn relation(&mut self, plan: &Plan, need: &Need) -> Result<Relation, QueryError> {
        self.node(plan, need, Vec::new())
    }

    /// The same, of which only rows with these texts are of use.
    fn node(&mut self, plan: &Plan, need: &Need, only: Vec<OneOf>) -> Result<Relation, QueryError> {
        self.run.check()?;
        if let Node::Table { name } = &plan.node
            && self.over.holds(name)
        {
            return self.table(plan, name, need, only);
        }
        if !self.over.stands(plan) {
            return self.made(plan, need);
        }
        let mut needs = below(plan, need).into_iter();
        let mut next = || needs.next().unwrap_or_default();
        match &plan.node {
            Node::Filter { input, predicate } => {
                let mut only = only;
                constants(predicate, &mut only);
                let input = self.node(input, &next(), only)?;
                let predicate = self.expressions.make(&input.columns, predicate)?;
                let columns = input.columns.clone();
                self.done(input.build().filter(predicate), columns)
            }
            Node::Project { input, columns } => {
                let only = only.into_iter().filter_map(|one| {
                    let column = columns.get(one.column)?.as_column()?;
                    Some(OneOf { column, ..one })
                });
                let only = only.collect();
                let input = self.node(input, &next(), only)?;
                self.project(input, columns, need)
            }
            Node::Union { inputs } => {
                let lowered: Result<Vec<Relation>, QueryError> =
                    inputs.iter().map(|input| self.node(input, &next(), only.clone())).collect();
                self.union(plan, lowered?, need)
            }
            Node::Sort { input, keys } => {
                let input = self.node(input, &next(), only)?;
                self.sort(input, keys)
            }
            Node::Limit { input, count } => {
                let count = self.run.count(count)?;
                let input = self.node(input, &next(), Vec::new())?;
                let columns = input.columns.clone();
                // A sort of which no row is wanted is more than DataFusion can think of.
                let few = match count {
                    0 => input.build().filter(lit(false)),
                    count => input.build().limit(0, Some(count)),
                };
                self.done(few, columns)
            }
            Node::Aggregate { input, keys, aggregates } => {
                let input = self.node(input, &next(), Vec::new())?;
                self.aggregate(input, keys, aggregates, need)
            }
            Node::Join { left, right, kind, on } => {
                let (of_left, of_right) = sides(*kind, left.schema.len(), only);
                let width = left.schema.len();
                let left = self.node(left, &next(), of_left)?;
                let right = self.node(right, &next(), of_right)?;
                self.join(left, right, *kind, on, width)
            }
            Node::Expand { input, .. } | Node::Parse { input, .. } => {
                let only = only.into_iter().filter(|one| one.column < input.schema.len()).collect();
                let input = self.node(input, &next(), only)?;
                self.each(input, plan, need)
            }
            _ => self.made(plan, need),
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("c{}", self.names)
    }

    fn done(
        &self,
        plan: datafusion::common::Result<LogicalPlanBuilder>,
        columns: Vec<Held>,
    ) -> Result<Relation, QueryError> {
        let plan = plan.and_then(LogicalPlanBuilder::build).map_err(failed)?;
        Ok(Relation { plan, columns })
    }

    /// Expressions as columns with names of their own.
    fn columns(&mut self, input: Relation, made: Vec<(Place, Type, Made)>) -> Result<Relation, QueryError> {
        let (mut held, mut exprs) = (Vec::with_capacity(made.len()), Vec::with_capacity(made.len()));
        for (place, ty, expr) in made {
            let name = self.name();
            exprs.push(expr.alias(&name));
            held.push(Held { place, name, ty });
        }
        self.done(input.build().project(exprs), held)
    }

    fn project(&mut self, input: Relation, exprs: &[Expr], need: &Need) -> Result<Relation, QueryError> {
        let mut made = Vec::with_capacity(need.0.len());
        for place in &need.0 {
            let Some(expr) = exprs.get(place.0) else { continue };
            let passed = passed_on(expr, &place.1).and_then(|before| input.column(&before));
            match passed {
                Some(held) => made.push((place.clone(), held.ty, held.read())),
                // Nobody can lead into what is only made here: it is given whole, once.
                None => {
                    let whole = (place.0, Vec::new());
                    if !made.iter().any(|(known, _, _)| *known == whole) {
                        made.push((whole, expr.ty, self.expressions.make(&input.columns, expr)?));
                    }
                }
            }
        }
        self.columns(input, made)
    }

    fn union(&mut self, plan: &Plan, inputs: Vec<Relation>, need: &Need) -> Result<Relation, QueryError> {
        // A path counts only where all inputs have it.
        let everywhere = |place: &&Place| inputs.iter().all(|input| input.column(place).is_some());
        let mut places: Vec<Place> = need.0.iter().filter(everywhere).cloned().collect();
        for place in need.0.iter().filter(|place| !everywhere(place)) {
            let whole = (place.0, Vec::new());
            if !places.contains(&whole) {
                places.push(whole);
            }
        }
        let mut joined: Option<Relation> = None;
        let same: Vec<bool> = places.iter().map(|place| alike(&inputs, place)).collect::<Result<_, _>>()?;
        for input in inputs {
            let mut made = Vec::with_capacity(places.len());
            for (place, same) in places.iter().zip(&same) {
                let ty = if place.1.is_empty() { plan.schema.columns[place.0].ty } else { Type::Dynamic };
                let expr = Expr { ty, kind: ExprKind::Column(place.0) };
                let read = match input.column(place) {
                    Some(held) => held.read(),
                    None => self.expressions.make(&input.columns, &expr)?,
                };
                made.push((place.clone(), ty, if *same { read } else { cast(read, arrays::held(ty)) }));
            }
            let input = self.columns(input, made)?;
            joined = Some(match joined {
                Some(before) => {
                    let columns = before.columns.clone();
                    self.done(before.build().union(input.plan), columns)?
                }
                None => input,
            });
        }
        joined.ok_or_else(|| QueryError::failed("a union of the plan has no inputs"))
    }

    fn sort(&mut self, input: Relation, keys: &[SortKey]) -> Result<Relation, QueryError> {
        let mut sorts = Vec::with_capacity(keys.len());
        for key in keys {
            let value = self.expressions.make(&input.columns, &key.value)?;
            sorts.push(watched(value, self.run.limits()).sort(!key.descending, key.nulls_first));
        }
        let columns = input.columns.clone();
        self.done(input.build().sort(sorts), columns)
    }
}

/// Where a place was before an expression passed it on unchanged.
fn passed_on(expr: &Expr, keys: &[String]) -> Option<Place> {
    let (column, mut led, []) = need::place(expr)? else { return None };
    led.extend(keys.iter().cloned());
    Some((column, led))
}

/// Whether all inputs hold a place in the same form.
fn alike(inputs: &[Relation], place: &Place) -> Result<bool, QueryError> {
    let mut first = None;
    for input in inputs {
        let Some(held) = input.column(place) else { return Ok(false) };
        let ty = input.held_as(held)?;
        if first.get_or_insert_with(|| ty.clone()) != &ty {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a condition says of texts, for whoever can skip rows by it.
fn constants(predicate: &Expr, only: &mut Vec<OneOf>) {
    let ExprKind::Operator { op, arguments } = &predicate.kind else { return };
    let (ignore_case, texts) = match op {
        Op::And => return arguments.iter().for_each(|one| constants(one, only)),
        Op::Equal => (false, &arguments[1..]),
        Op::EqualIgnoreCase => (true, &arguments[1..]),
        Op::In { case, negated: false } => (!case, &arguments[1..]),
        _ => return,
    };
    let texts: Option<Vec<String>> =
        texts.iter().map(|text| text.as_literal()?.as_text().map(str::to_owned)).collect();
    let (Some(texts), Some((column, folded))) = (texts, arguments.first().and_then(text_column)) else {
        return;
    };
    only.push(OneOf { column, texts, ignore_case: ignore_case || folded });
}

/// The text column that an expression is, and whether its case was put aside.
fn text_column(expr: &Expr) -> Option<(usize, bool)> {
    match &expr.kind {
        ExprKind::Column(column) if expr.ty == Type::String => Some((*column, false)),
        ExprKind::Call { function: "tolower" | "toupper", arguments } => {
            let column = arguments.first().filter(|one| one.ty == Type::String)?.as_column()?;
            Some((column, true))
        }
        _ => None,
    }
}

/// What is known of the rows of a join, by the side whose rows are kept only then.
fn sides(kind: JoinKind, width: usize, only: Vec<OneOf>) -> (Vec<OneOf>, Vec<OneOf>) {
    use JoinKind as K;
    let (left, right): (Vec<OneOf>, Vec<OneOf>) = match kind {
        K::RightSemi | K::RightAnti => (Vec::new(), only),
        K::LeftSemi | K::LeftAnti => (only, Vec::new()),
        _ => only.into_iter().partition(|one| one.column < width),
    };
    let right_from = if matches!(kind, K::RightSemi | K::RightAnti) { 0 } else { width };
    let right = right.into_iter().map(|one| OneOf { column: one.column - right_from, ..one }).collect();
    match kind {
        K::Inner | K::LeftSemi | K::RightSemi | K::LeftAnti | K::RightAnti => (left, right),
        K::LeftOuter => (left, Vec::new()),
        K::RightOuter => (Vec::new(), right),
        // Which of the left rows stands for its key is decided before the condition.
        K::InnerUnique => (Vec::new(), right),
        K::FullOuter => (Vec::new(), Vec::new()),
    }
}
