//! Which columns a plan needs of what stands below it, and which paths into them.
//!
//! # Design notes
//! Whatever is not known here needs everything: too much costs time, too little would be a wrong answer.

use std::collections::{BTreeSet, HashMap};

use bowline_kql::plan::{Aggregate, Expr, ExprKind, JoinKind, Node, Plan, Query, Step};

/// A column, and keys into it; none: all of it.
pub(crate) type Place = (usize, Vec<String>);

/// What is needed of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need(pub(crate) BTreeSet<Place>);

impl Need {
    /// All columns, whole.
    pub(crate) fn all(plan: &Plan) -> Need {
        Need((0..plan.schema.len()).map(|column| (column, Vec::new())).collect())
    }

    /// The same columns, each of them whole.
    pub(crate) fn whole(&self) -> Need {
        Need(self.0.iter().map(|(column, _)| (*column, Vec::new())).collect())
    }

    /// Whether anything of a column is needed.
    fn has(&self, column: usize) -> bool {
        self.0.iter().any(|place| place.0 == column)
    }

    /// What an expression reads.
    pub(crate) fn read(&mut self, expr: &Expr) {
        if let Some((column, keys, rest)) = place(expr) {
            let _ = self.0.insert((column, keys));
            rest.iter().for_each(|step| self.computed(step));
            return;
        }
        match &expr.kind {
            ExprKind::Path { target, steps } => {
                self.read(target);
                steps.iter().for_each(|step| self.computed(step));
            }
            _ => children(expr).into_iter().for_each(|child| self.read(child)),
        }
    }

    fn computed(&mut self, step: &Step) {
        if let Step::Computed(by) = step {
            self.read(by);
        }
    }

    fn read_all<'e>(mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Need {
        exprs.into_iter().for_each(|expr| self.read(expr));
        self
    }

    /// The needs of columns in a range, counted from its begin.
    fn within(&self, from: usize, to: usize) -> Need {
        let places = self.0.iter().filter(|(column, _)| (from..to).contains(column));
        Need(places.map(|(column, keys)| (column - from, keys.clone())).collect())
    }
}

/// The column that an expression reads into, the keys that lead on, and what steps there are behind them.
pub(crate) fn place(expr: &Expr) -> Option<(usize, Vec<String>, &[Step])> {
    match &expr.kind {
        ExprKind::Column(column) => Some((*column, Vec::new(), &[])),
        ExprKind::Path { target, steps } => {
            let (column, mut keys, rest) = place(target)?;
            if !rest.is_empty() {
                return None;
            }
            let led = steps.iter().take_while(|step| matches!(step, Step::Key(_))).count();
            keys.extend(steps[..led].iter().filter_map(|step| match step {
                Step::Key(key) => Some(key.clone()),
                _ => None,
            }));
            Some((column, keys, &steps[led..]))
        }
        _ => None,
    }
}

/// The expressions right inside of one, paths and sub-queries not counted.
pub(crate) fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Operator { arguments, .. } | ExprKind::Call { arguments, .. } => arguments.iter().collect(),
        ExprKind::Cast(inner) | ExprKind::Part { of: inner, .. } => vec![inner],
        ExprKind::InTable { value, .. } => vec![value],
        ExprKind::Path { target, .. } => vec![target],
        ExprKind::Column(_) | ExprKind::Late(_) | ExprKind::Literal(_) | ExprKind::Subquery(_) => Vec::new(),
    }
}

/// What a node needs of each of its inputs, so that it can give what is needed of it.
pub(crate) fn below(plan: &Plan, need: &Need) -> Vec<Need> {
    match &plan.node {
        Node::Filter { predicate, .. } => vec![need.clone().read_all([predicate])],
        Node::Project { columns, .. } => vec![through(columns, need)],
        Node::Union { inputs } => vec![need.clone(); inputs.len()],
        Node::Aggregate { keys, aggregates, .. } => {
            let wanted = wanted(aggregates, keys.len(), need);
            vec![Need::default().read_all(keys).read_all(wanted.flat_map(|(_, one)| &one.arguments))]
        }
        Node::Join { left, right, kind, on } => {
            let width = left.schema.len();
            let (mut of_left, mut of_right) = (need.clone(), need.clone());
            match kind {
                JoinKind::LeftSemi | JoinKind::LeftAnti => of_right = Need::default(),
                JoinKind::RightSemi | JoinKind::RightAnti => of_left = Need::default(),
                _ => {
                    of_left = need.within(0, width);
                    of_right = need.within(width, width + right.schema.len());
                }
            }
            vec![of_left.read_all(on.iter().map(|on| &on.0)), of_right.read_all(on.iter().map(|on| &on.1))]
        }
        Node::Sort { keys, .. } => vec![need.clone().read_all(keys.iter().map(|key| &key.value))],
        Node::Limit { .. } | Node::Sample { .. } => vec![need.clone()],
        Node::Expand { input, lists, .. } => {
            vec![need.within(0, input.schema.len()).read_all(lists.iter().map(|list| &list.value))]
        }
        Node::Parse { input, source, .. } | Node::ParseKv { input, source, .. } => {
            vec![need.within(0, input.schema.len()).read_all([source])]
        }
        _ => plan.inputs().into_iter().map(|input| Need::all(input)).collect(),
    }
}

/// The aggregates that are needed, with their columns.
pub(crate) fn wanted<'p>(
    aggregates: &'p [Aggregate],
    keys: usize,
    need: &Need,
) -> impl Iterator<Item = (usize, &'p Aggregate)> {
    let each = aggregates.iter().enumerate().map(move |(at, one)| (at + keys, one));
    each.filter(move |(column, _)| need.has(*column))
}

/// A path into a column that is only passed on is a path into what it was before.
fn through(columns: &[Expr], need: &Need) -> Need {
    let mut input = Need::default();
    for (column, keys) in &need.0 {
        match columns.get(*column).map(|expr| (expr, place(expr))) {
            Some((_, Some((before, mut led, [])))) => {
                led.extend(keys.iter().cloned());
                let _ = input.0.insert((before, led));
            }
            Some((expr, _)) => input.read(expr),
            None => {}
        }
    }
    input
}

/// What is needed of each node of a query, whoever runs it.
#[derive(Debug, Default)]
pub(crate) struct Needs(HashMap<*const Plan, Need>);

impl Needs {
    pub(crate) fn of(query: &Query) -> Needs {
        let mut needs = Needs::default();
        for plan in query.outputs.iter().map(|output| &output.plan).chain(&query.shared) {
            needs.visit(plan, &Need::all(plan));
        }
        needs
    }

    fn visit(&mut self, plan: &Plan, need: &Need) {
        let known = self.0.entry(std::ptr::from_ref(plan)).or_default();
        known.0.extend(need.0.iter().cloned());
        let known = known.clone();
        for (input, need) in plan.inputs().into_iter().zip(below(plan, &known)) {
            self.visit(input, &need);
        }
    }

    /// What is needed of a node; everything of one that was not seen, such as a sub-query of an expression.
    pub(crate) fn get(&self, plan: &Plan) -> Need {
        self.0.get(&std::ptr::from_ref(plan)).map_or_else(|| Need::all(plan), Need::whole)
    }
}
