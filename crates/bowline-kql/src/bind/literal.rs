//! Literals: the token's text becomes a value.

use super::{Binder, Bound};
use crate::plan::Expr;
use crate::syntax::ast::LiteralKind;
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

impl Binder<'_> {
    pub(super) fn literal(&mut self, kind: LiteralKind, text: &str, span: Span) -> Bound<Expr> {
        let ty = match kind {
            LiteralKind::Text => return Ok(Expr::literal(Value::String(text.to_owned()))),
            LiteralKind::Bool => return Ok(Expr::literal(Value::Bool(text == "true"))),
            LiteralKind::Long => Type::Long,
            LiteralKind::Real => Type::Real,
            LiteralKind::Timespan => Type::Timespan,
            LiteralKind::Typed(ty) => ty,
        };
        let text = text.trim().trim_matches(['"', '\'']);
        match Value::parse(ty, text) {
            Some(value) => Ok(Expr::literal(value)),
            None => Err(self.wrong(span, format!("'{text}' is no {ty}"))),
        }
    }
}
