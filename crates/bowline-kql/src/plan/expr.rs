//! Expressions over the columns of one input.

use std::sync::Arc;

use super::Plan;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub ty: Type,
    pub kind: ExprKind,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A column of the input, by its position.
    Column(usize),
    /// A column that was not known when the query was bound; see [`super`].
    Late(String),
    Literal(Value),
    Operator {
        op: Op,
        arguments: Vec<Expr>,
    },
    /// A scalar function, by its name in the table of functions.
    Call {
        function: &'static str,
        arguments: Vec<Expr>,
    },
    /// To the expression's type; what does not convert is null.
    Cast(Box<Expr>),
    /// Steps into a `dynamic`.
    Path {
        target: Box<Expr>,
        steps: Vec<Step>,
    },
    /// One of the values of a function that gives several.
    Part {
        of: Box<Expr>,
        index: usize,
    },
    /// The first column of the first row.
    Subquery(Arc<Plan>),
    /// Whether the value is in the first column of a table; `in~` ignores case.
    InTable {
        value: Box<Expr>,
        table: Arc<Plan>,
        ignore_case: bool,
        negated: bool,
    },
}

/// One step into a `dynamic`.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Key(String),
    Index(i64),
    /// A key or a position that is computed for each row.
    Computed(Expr),
}

/// Operators. Both sides have one type already, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Of any number of arguments.
    And,
    /// Of any number of arguments.
    Or,
    /// Texts without regard to case.
    EqualIgnoreCase,
    NotEqualIgnoreCase,
    /// A whole term; terms are made of letters and digits.
    Has {
        case: bool,
        negated: bool,
    },
    HasPrefix {
        case: bool,
        negated: bool,
    },
    HasSuffix {
        case: bool,
        negated: bool,
    },
    Contains {
        case: bool,
        negated: bool,
    },
    StartsWith {
        case: bool,
        negated: bool,
    },
    EndsWith {
        case: bool,
        negated: bool,
    },
    MatchesRegex,
    /// The first argument is one of the others; a `dynamic` among them stands for its elements.
    In {
        case: bool,
        negated: bool,
    },
    HasAny,
    HasAll,
    /// Value, low and high, both included.
    Between {
        negated: bool,
    },
}

impl Expr {
    pub(crate) fn new(ty: Type, kind: ExprKind) -> Expr {
        Expr { ty, kind }
    }

    pub fn literal(value: Value) -> Expr {
        Expr { ty: value.ty(), kind: ExprKind::Literal(value) }
    }

    pub(crate) fn column(index: usize, ty: Type) -> Expr {
        Expr { ty, kind: ExprKind::Column(index) }
    }

    pub(crate) fn operator(op: Op, ty: Type, arguments: Vec<Expr>) -> Expr {
        Expr { ty, kind: ExprKind::Operator { op, arguments } }
    }

    pub(crate) fn call(function: &'static str, ty: Type, arguments: Vec<Expr>) -> Expr {
        Expr { ty, kind: ExprKind::Call { function, arguments } }
    }

    /// The same value in another type; a literal is converted at once where that is exact.
    pub(crate) fn cast(self, ty: Type) -> Expr {
        if self.ty == ty {
            return self;
        }
        let exact = match (&self.kind, ty) {
            (ExprKind::Literal(Value::Int(value)), Type::Long) => Some(Value::Long(i64::from(*value))),
            (ExprKind::Literal(Value::Int(value)), Type::Real) => Some(Value::Real(f64::from(*value))),
            (ExprKind::Literal(Value::Long(value)), Type::Real) => Some(Value::Real(*value as f64)),
            (ExprKind::Literal(Value::Null(_)), ty) => Some(Value::null(ty)),
            _ => None,
        };
        match exact {
            Some(value) => Expr::literal(value),
            None => Expr { ty, kind: ExprKind::Cast(Box::new(self)) },
        }
    }

    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The column that this is, when it is nothing else.
    pub fn as_column(&self) -> Option<usize> {
        match &self.kind {
            ExprKind::Column(index) => Some(*index),
            _ => None,
        }
    }
}

impl PartialEq for ExprKind {
    /// Two sub-queries are equal when they are the same one.
    fn eq(&self, other: &ExprKind) -> bool {
        use ExprKind as K;
        match (self, other) {
            (K::Column(a), K::Column(b)) => a == b,
            (K::Late(a), K::Late(b)) => a == b,
            (K::Literal(a), K::Literal(b)) => a == b,
            (K::Operator { op: a, arguments: x }, K::Operator { op: b, arguments: y }) => a == b && x == y,
            (K::Call { function: a, arguments: x }, K::Call { function: b, arguments: y }) => {
                a == b && x == y
            }
            (K::Cast(a), K::Cast(b)) => a == b,
            (K::Path { target: a, steps: x }, K::Path { target: b, steps: y }) => a == b && x == y,
            (K::Part { of: a, index: x }, K::Part { of: b, index: y }) => a == b && x == y,
            (K::Subquery(a), K::Subquery(b)) => Arc::ptr_eq(a, b),
            (
                K::InTable { value: a, table: x, ignore_case: p, negated: q },
                K::InTable { value: b, table: y, ignore_case: r, negated: s },
            ) => a == b && Arc::ptr_eq(x, y) && p == r && q == s,
            _ => false,
        }
    }
}
