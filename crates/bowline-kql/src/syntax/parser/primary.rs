//! What operators connect: literals, names, calls, brackets, and the paths after them.

use super::{MOST_HEIGHT, Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::operators;
use crate::syntax::ast::{Expr, ExprKind, LiteralKind, NamePattern, RowSchema};
use crate::syntax::literal::unquote;
use crate::syntax::token::{TokenKind, is_reserved};
use crate::types::Type;

impl Parser<'_> {
    /// An operand and the path after it: `a.b[0].['c d']`.
    pub(crate) fn postfix(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let mut expr = self.primary()?;
        loop {
            let kind = if self.is(".") {
                self.advance();
                self.member(expr)?
            } else if self.is("[") {
                self.advance();
                self.index(expr)?
            } else {
                return Ok(expr);
            };
            expr = Expr::new(self.since(start), kind);
            if expr.height > MOST_HEIGHT {
                let message = format!("the path is longer than {MOST_HEIGHT} steps");
                return Err(self.report(Diagnostic::syntax(expr.span, message)));
            }
        }
    }

    fn member(&mut self, target: Expr) -> Parsed<ExprKind> {
        let target = Box::new(target);
        if self.is("*") {
            let pattern = self.name_pattern()?;
            return Ok(ExprKind::Pattern(pattern));
        }
        if self.is("[") && !self.begins_bracketed_name() {
            self.advance();
            return self.index(*target);
        }
        let name = if self.kind() == TokenKind::Name { self.declared_name()? } else { self.name()? };
        if self.is("*") && self.token().span.start == name.span.end && !operand_follows(self) {
            self.advance();
            let text = format!("{}*", name.text);
            return Ok(ExprKind::Pattern(NamePattern { text, span: self.since(name.span), quoted: false }));
        }
        if self.is("(") {
            return Ok(ExprKind::Method { target, name, arguments: self.arguments()? });
        }
        Ok(ExprKind::Member { target, name })
    }

    fn index(&mut self, target: Expr) -> Parsed<ExprKind> {
        let index = Box::new(self.expression()?);
        self.expect("]")?;
        Ok(ExprKind::Index { target: Box::new(target), index })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let token = self.token();
        match token.kind {
            TokenKind::RawGuid => {
                let message = "a guid is written guid(…)";
                Err(self.report(Diagnostic::syntax(token.span, message)))
            }
            TokenKind::Name => self.word_primary(),
            TokenKind::Punctuation => match self.word() {
                "(" => self.nested(|parser| {
                    parser.advance();
                    let inside = parser.piped(false)?;
                    parser.expect(")")?;
                    Ok(Expr { span: parser.since(token.span), ..inside })
                }),
                "[" => {
                    let name = self.name()?;
                    if self.is("(") {
                        let arguments = self.arguments()?;
                        return Ok(Expr::new(self.since(token.span), ExprKind::Call { name, arguments }));
                    }
                    Ok(Expr::new(name.span, ExprKind::Name(name.text)))
                }
                "*" => {
                    self.advance();
                    Ok(Expr::new(token.span, ExprKind::Star))
                }
                _ => Err(self.expected("an expression")),
            },
            TokenKind::End => Err(self.expected("an expression")),
            _ => self.literal_value(),
        }
    }

    /// A number, a text, `true`, `datetime(…)`, `dynamic(…)`; numbers with their sign.
    pub(crate) fn literal_value(&mut self) -> Parsed<Expr> {
        let token = self.token();
        let text = token.span.text(self.text);
        let kind = match token.kind {
            TokenKind::Text => return Ok(self.text_literal()),
            TokenKind::Long => ExprKind::Literal(LiteralKind::Long, text.to_owned()),
            TokenKind::Real => ExprKind::Literal(LiteralKind::Real, text.to_owned()),
            TokenKind::Timespan => ExprKind::Literal(LiteralKind::Timespan, text.to_owned()),
            TokenKind::Typed => {
                let (name, raw) = text.split_once('(').unwrap_or((text, ""));
                let ty = Type::named(name).unwrap_or(Type::String);
                let raw = raw.strip_suffix(')').unwrap_or(raw).trim();
                ExprKind::Literal(LiteralKind::Typed(ty), raw.to_owned())
            }
            TokenKind::Name if matches!(text, "true" | "false" | "True" | "False" | "TRUE" | "FALSE") => {
                ExprKind::Literal(LiteralKind::Bool, text.to_lowercase())
            }
            TokenKind::Name if text == "dynamic" && self.is_ahead(1, "(") => return self.dynamic_literal(),
            TokenKind::Punctuation if matches!(text, "-" | "+") => return self.signed_literal(),
            _ => return Err(self.expected("a literal")),
        };
        self.advance();
        Ok(Expr::new(token.span, kind))
    }

    fn signed_literal(&mut self) -> Parsed<Expr> {
        let sign = self.advance().span;
        if !matches!(self.kind(), TokenKind::Long | TokenKind::Real | TokenKind::Timespan) {
            return Err(self.expected("a number"));
        }
        let mut value = self.literal_value()?;
        if let ExprKind::Literal(_, text) = &mut value.kind
            && sign.text(self.text) == "-"
        {
            text.insert(0, '-');
        }
        value.span = sign.to(value.span);
        Ok(value)
    }

    /// Texts that follow each other are one.
    fn text_literal(&mut self) -> Expr {
        let start = self.token().span;
        let mut value = String::new();
        while self.kind() == TokenKind::Text {
            value.push_str(&unquote(self.word()));
            self.advance();
        }
        Expr::new(self.since(start), ExprKind::Literal(LiteralKind::Text, value))
    }

    fn word_primary(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let word = self.word();
        match word {
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE" if !self.is_ahead(1, "(") => {
                return self.literal_value();
            }
            "dynamic" if self.is_ahead(1, "(") => return self.literal_value(),
            "typeof" if self.is_ahead(1, "(") => return self.type_of(),
            "datatable" | "externaldata" | "external_data" if self.is_ahead(1, "(") => {
                return operators::parse_source(self);
            }
            _ => {}
        }
        if is_reserved(word) {
            return Err(
                self.expected(&format!("an expression (a column of that name is written ['{word}'])"))
            );
        }
        let name = self.name()?;
        if self.is("(") {
            let arguments = self.arguments()?;
            return Ok(Expr::new(self.since(start), ExprKind::Call { name, arguments }));
        }
        if self.is("*") && self.token().span.start == name.span.end && !operand_follows(self) {
            self.advance();
            let text = format!("{}*", name.text);
            let pattern = NamePattern { text, span: self.since(start), quoted: false };
            return Ok(Expr::new(self.since(start), ExprKind::Pattern(pattern)));
        }
        Ok(Expr::new(name.span, ExprKind::Name(name.text)))
    }

    /// `(a, b = 1, T | count)`.
    pub(crate) fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.expect("(")?;
        if self.eat(")") {
            return Ok(Vec::new());
        }
        let arguments = self.nested(|parser| parser.list(Self::argument))?;
        self.expect(")")?;
        Ok(arguments)
    }

    /// `typeof(long)`, `typeof(a: long, *)`.
    fn type_of(&mut self) -> Parsed<Expr> {
        let start = self.advance().span;
        let scalar = self.kind_ahead(1) == TokenKind::Name && self.is_ahead(2, ")");
        let kind = if scalar {
            self.expect("(")?;
            let word = self.word();
            let ty = Type::named(word);
            if ty.is_none() {
                let found = Diagnostic::meaning(self.token().span, format!("'{word}' is no type"));
                self.report(found.near(word, Type::ALL.iter().map(|ty| ty.name())));
            }
            self.advance();
            self.expect(")")?;
            ExprKind::TypeOf(RowSchema::default(), ty)
        } else {
            ExprKind::TypeOf(self.row_schema()?, None)
        };
        Ok(Expr::new(self.since(start), kind))
    }

    /// A table where an operator takes one: a name, a pattern, a call, a path, or a sub-query in brackets.
    pub(crate) fn table_reference(&mut self) -> Parsed<Expr> {
        if self.is("*") || (self.kind() == TokenKind::Name && self.is_ahead(1, "*")) {
            let pattern = self.name_pattern()?;
            return Ok(Expr::new(pattern.span, ExprKind::Pattern(pattern)));
        }
        self.postfix()
    }
}

/// Whether an operand stands after the star, which is then a multiplication.
fn operand_follows(parser: &Parser<'_>) -> bool {
    match parser.kind_ahead(1) {
        TokenKind::Name => !is_reserved(parser.word_ahead(1)),
        TokenKind::Punctuation => matches!(parser.word_ahead(1), "(" | "-" | "+" | "["),
        TokenKind::End => false,
        _ => true,
    }
}
