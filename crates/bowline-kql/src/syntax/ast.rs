//! The tree of a query as it was written. Every node knows where it stands.

use super::span::Span;
use crate::operators::Operator;
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Script {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub span: Span,
    pub kind: StatementKind,
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    Let { name: Name, value: Expr },
    Set { name: Name, value: Option<Expr> },
    Parameters(Vec<Parameter>),
    Alias { name: Name, value: Expr },
    Restrict(Vec<Expr>),
    Pattern(Pattern),
    Query(Expr),
}

/// `declare pattern`: tables that stand for texts.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub name: Name,
    pub cases: Vec<PatternCase>,
}

/// `("a").["b"] = { … }`.
#[derive(Clone, Debug)]
pub struct PatternCase {
    pub arguments: Vec<String>,
    pub path: Option<String>,
    pub table: Expr,
}

/// A name as it was meant, without brackets and quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// A name with `*` in it, as `project-away` and `union` take them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    pub text: String,
    pub span: Span,
    /// `['a*']` is a name with a star in it, not a pattern.
    pub quoted: bool,
}

impl NamePattern {
    pub fn is_wild(&self) -> bool {
        !self.quoted && self.text.contains('*')
    }

    pub fn matches(&self, name: &str) -> bool {
        if !self.is_wild() {
            return self.text == name;
        }
        let mut parts = self.text.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let parts: Vec<&str> = parts.collect();
        for (index, part) in parts.iter().enumerate() {
            if index + 1 == parts.len() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

/// `name: type`, as `datatable`, `externaldata` and plugins declare columns.
#[derive(Clone, Debug)]
pub struct ColumnDeclaration {
    pub name: Name,
    pub ty: Type,
}

/// The columns that a table must have, or `(*)` for any.
#[derive(Clone, Debug, Default)]
pub struct RowSchema {
    pub columns: Vec<ColumnDeclaration>,
    /// `*` stood in it.
    pub open: bool,
}

#[derive(Clone, Debug)]
pub enum ParameterType {
    Scalar(Type),
    Table(RowSchema),
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Name,
    pub ty: ParameterType,
    pub default: Option<Expr>,
}

/// `kind=inner`, `hint.strategy=shuffle`, `withsource=name` before an operator's operands.
#[derive(Clone, Debug)]
pub struct Setting {
    pub name: Name,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub span: Span,
    pub kind: ExprKind,
    /// Levels of expressions below and including this one: what walks the tree recursively relies on its bound.
    pub height: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicOp {
    And,
    Or,
}

/// Which literal a token is; what it says is read when it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    Long,
    Real,
    Timespan,
    Text,
    Bool,
    /// `datetime(…)`: the type is the token's first word.
    Typed(Type),
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Name(String),
    /// The kind, and the text of the value: of a string what it means, of everything else what was written.
    Literal(LiteralKind, String),
    /// `dynamic(…)`, as JSON text.
    Dynamic(String),
    /// `typeof(…)`.
    TypeOf(RowSchema, Option<Type>),
    Call {
        name: Name,
        arguments: Vec<Expr>,
    },
    Member {
        target: Box<Expr>,
        name: Name,
    },
    /// `database('x').f(…)`.
    Method {
        target: Box<Expr>,
        name: Name,
        arguments: Vec<Expr>,
    },
    Index {
        target: Box<Expr>,
        index: Box<Expr>,
    },
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    /// The operator is its spelling: `+`, `=~`, `!has_cs`.
    Binary {
        op: Name,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Chains of `and` and `or` are flat, however long.
    Logic {
        op: LogicOp,
        terms: Vec<Expr>,
    },
    /// `in`, `has_any` and their like.
    In {
        op: Name,
        operand: Box<Expr>,
        list: Vec<Expr>,
    },
    Between {
        negated: bool,
        operand: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `a = …` or `(a, b) = …`; not with brackets, only one name.
    Named {
        names: Vec<Name>,
        value: Box<Expr>,
    },
    Star,
    /// `T*` and `database('x').*`.
    Pattern(NamePattern),
    Pipe(Pipe),
    Function(Box<Function>),
    /// `entity_group […]`: read, but not supported.
    EntityGroup,
}

/// A source and what it flows through. Without a source the pipe begins with an operator that needs none, such as `print`.
#[derive(Clone, Debug)]
pub struct Pipe {
    pub source: Option<Box<Expr>>,
    pub operators: Vec<Operator>,
}

/// `(a: long) { … }`.
#[derive(Clone, Debug)]
pub struct Function {
    pub parameters: Vec<Parameter>,
    /// The statements, and the expression at their end.
    pub statements: Vec<Statement>,
    pub body: Option<Expr>,
    pub is_view: bool,
}

impl Expr {
    pub(crate) fn new(span: Span, kind: ExprKind) -> Expr {
        let height = kind.height().saturating_add(1);
        Expr { span, kind, height }
    }

    /// The expression without a name in front of it.
    pub fn without_name(&self) -> &Expr {
        match &self.kind {
            ExprKind::Named { value, .. } => value,
            _ => self,
        }
    }
}

impl ExprKind {
    /// The height of the highest expression inside. Sub-queries count by themselves: the parser bounds how deep they nest.
    fn height(&self) -> u16 {
        let highest = |list: &[Expr]| list.iter().map(|one| one.height).max().unwrap_or(0);
        match self {
            ExprKind::Call { arguments, .. } => highest(arguments),
            ExprKind::Member { target, .. } => target.height,
            ExprKind::Method { target, arguments, .. } => target.height.max(highest(arguments)),
            ExprKind::Index { target, index } => target.height.max(index.height),
            ExprKind::Unary { operand, .. } => operand.height,
            ExprKind::Binary { left, right, .. } => left.height.max(right.height),
            ExprKind::Logic { terms, .. } => highest(terms),
            ExprKind::In { operand, list, .. } => operand.height.max(highest(list)),
            ExprKind::Between { operand, low, high, .. } => operand.height.max(low.height).max(high.height),
            ExprKind::Named { value, .. } => value.height,
            ExprKind::Pipe(pipe) => pipe.source.as_ref().map_or(0, |source| source.height),
            _ => 0,
        }
    }
}
