//! Expressions over one text column that need no values made: comparisons with constant texts, and texts out of JSON.

use std::sync::Arc;

use bowline_kql::plan::{Expr, ExprKind, Op};
use bowline_kql::{Type, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, StringViewArray};
use datafusion::arrow::datatypes::DataType;

use crate::text::{fold, has};

/// What is done with each text.
pub(super) enum Quick {
    /// A text, against constants.
    Test { ty: Type, test: Test, negated: bool },
    /// A `dynamic` as text.
    Plain,
}

/// A comparison with texts, which are folded already where case does not count.
pub(super) struct Test {
    how: How,
    case: bool,
    texts: Vec<String>,
}

#[derive(Clone, Copy)]
enum How {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    Has { begin: bool, end: bool },
}

impl Quick {
    /// An expression over one column, which is a text, or text out of a `dynamic`.
    pub(super) fn of(expr: &Expr, types: &[Type]) -> Option<Quick> {
        let [ty @ (Type::String | Type::Dynamic)] = types else { return None };
        match &expr.kind {
            ExprKind::Operator { op, arguments } => {
                let (first, others) = arguments.split_first()?;
                if !is_text(first, *ty) {
                    return None;
                }
                let texts = others.iter().map(|other| other.as_literal().and_then(Value::as_text));
                let texts: Vec<String> = texts.map(|text| text.map(str::to_owned)).collect::<Option<_>>()?;
                let (how, case, negated) = meaning(*op)?;
                let texts = if case { texts } else { texts.iter().map(|text| fold(text)).collect() };
                Some(Quick::Test { ty: *ty, test: Test { how, case, texts }, negated })
            }
            _ if *ty == Type::Dynamic && is_text(expr, *ty) => Some(Quick::Plain),
            _ => None,
        }
    }

    /// The answer over texts that stand one by one; nothing where they do not.
    pub(super) fn over(&self, array: &ArrayRef) -> Option<ArrayRef> {
        if *array.data_type() != DataType::Utf8View {
            return None;
        }
        let texts = array.as_string_view().iter();
        Some(match self {
            Quick::Test { test, .. } => {
                Arc::new(texts.map(|text| Some(self.holds(test, text))).collect::<BooleanArray>())
            }
            Quick::Plain => {
                Arc::new(texts.map(|text| Some(plain(text.unwrap_or("null")))).collect::<StringViewArray>())
            }
        })
    }

    /// The answer for each text of a dictionary, and behind them for null; nothing where texts are held otherwise.
    pub(super) fn over_texts(&self, texts: &ArrayRef) -> Option<ArrayRef> {
        let texts = texts.as_string_opt::<i32>()?.iter().chain([None]);
        Some(match self {
            Quick::Test { test, .. } => {
                Arc::new(texts.map(|text| Some(self.holds(test, text))).collect::<BooleanArray>())
            }
            Quick::Plain => {
                Arc::new(texts.map(|text| Some(plain(text.unwrap_or("null")))).collect::<StringArray>())
            }
        })
    }

    fn holds(&self, test: &Test, text: Option<&str>) -> bool {
        match self {
            Quick::Test { ty: Type::Dynamic, negated, .. } => {
                test.holds(&plain(text.unwrap_or("null"))) != *negated
            }
            Quick::Test { negated, .. } => test.holds(text.unwrap_or_default()) != *negated,
            Quick::Plain => false,
        }
    }
}

/// Whether an expression is the column's text and nothing else.
fn is_text(expr: &Expr, ty: Type) -> bool {
    let inner = match (&expr.kind, ty) {
        (ExprKind::Column(_), Type::String) => return true,
        (ExprKind::Cast(inner), Type::Dynamic) => inner.as_ref(),
        (ExprKind::Call { function: "tostring", arguments }, Type::Dynamic) if arguments.len() == 1 => {
            &arguments[0]
        }
        _ => return false,
    };
    expr.ty == Type::String && inner.as_column().is_some()
}

/// What `tostring` gives of JSON; texts without escapes are only cut out.
fn plain(json: &str) -> std::borrow::Cow<'_, str> {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains(['\\', '"']) => inner.into(),
        _ => crate::dynamic::plain(&crate::dynamic::parse(json)).into(),
    }
}

/// How an operator compares, whether case counts, and whether it is turned around.
fn meaning(op: Op) -> Option<(How, bool, bool)> {
    Some(match op {
        Op::Equal => (How::Equal, true, false),
        Op::NotEqual => (How::Equal, true, true),
        Op::EqualIgnoreCase => (How::Equal, false, false),
        Op::NotEqualIgnoreCase => (How::Equal, false, true),
        Op::In { case, negated } => (How::Equal, case, negated),
        Op::Contains { case, negated } => (How::Contains, case, negated),
        Op::StartsWith { case, negated } => (How::StartsWith, case, negated),
        Op::EndsWith { case, negated } => (How::EndsWith, case, negated),
        Op::Has { case, negated } => (How::Has { begin: true, end: true }, case, negated),
        Op::HasPrefix { case, negated } => (How::Has { begin: true, end: false }, case, negated),
        Op::HasSuffix { case, negated } => (How::Has { begin: false, end: true }, case, negated),
        _ => return None,
    })
}

impl Test {
    fn holds(&self, text: &str) -> bool {
        if self.case {
            return self.matches(text);
        }
        match self.how {
            // Most texts differ in length or in a letter of ASCII, which is seen without making anything.
            How::Equal if text.is_ascii() => self.texts.iter().any(|other| other.eq_ignore_ascii_case(text)),
            _ => self.matches(&fold(text)),
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.texts.iter().any(|other| match self.how {
            How::Equal => text == other,
            How::Contains => text.contains(other.as_str()),
            How::StartsWith => text.starts_with(other.as_str()),
            How::EndsWith => text.ends_with(other.as_str()),
            How::Has { begin, end } => has(text, other, begin, end),
        })
    }
}
