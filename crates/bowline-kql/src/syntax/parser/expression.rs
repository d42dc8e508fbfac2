//! Expressions: names, pipes, and operators by precedence.

use super::{MOST_HEIGHT, Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::operators;
use crate::syntax::ast::{Expr, ExprKind, LogicOp, Name, Pipe, UnaryOp};
use crate::syntax::span::Span;
use crate::syntax::token::TokenKind;

/// What an infix operator is, and how it is read on.
#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Logic(LogicOp),
    Binary,
    /// A list in brackets follows.
    List,
    Between,
}

const OR: u8 = 0;
const AND: u8 = 1;
const EQUALITY: u8 = 2;
const RELATION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const TEXT: u8 = 6;

impl Parser<'_> {
    /// An expression, and what it flows through.
    pub(crate) fn piped(&mut self, statement: bool) -> Parsed<Expr> {
        let start = self.token().span;
        let mut pipe = Pipe { source: None, operators: Vec::new() };
        match operators::parse_leading(self, statement) {
            Some(operator) => pipe.operators.push(operator?),
            None => pipe.source = Some(Box::new(self.expression()?)),
        }
        while self.is("|") {
            self.advance();
            match operators::parse(self) {
                Ok(operator) => pipe.operators.push(operator),
                Err(_) => self.skip_to(&["|", ")", "}"]),
            }
            if !(self.kind() == TokenKind::End || ["|", ";", ")", "}", ","].iter().any(|mark| self.is(mark)))
            {
                self.expected("'|' or ';'");
                self.skip_to(&["|", ")", "}"]);
            }
        }
        match pipe.source {
            Some(source) if pipe.operators.is_empty() => Ok(*source),
            _ => Ok(Expr::new(self.since(start), ExprKind::Pipe(pipe))),
        }
    }

    /// `a = …`, `(a, b) = …`, or without a name. Sub-queries may stand here too.
    pub(crate) fn argument(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let names = self.assigned_names();
        let value = self.piped(false)?;
        Ok(self.with_names(start, names, value))
    }

    /// `a = …`, `(a, b) = …`, or without a name.
    pub(crate) fn named(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let names = self.assigned_names();
        let value = self.expression()?;
        Ok(self.with_names(start, names, value))
    }

    /// As [`Self::named`], where a column must come out: a star alone is none.
    pub(crate) fn named_column(&mut self) -> Parsed<Expr> {
        let expr = self.named()?;
        match expr.without_name().kind {
            ExprKind::Star => {
                Err(self.report(Diagnostic::syntax(expr.span, "expected an expression, but found '*'")))
            }
            _ => Ok(expr),
        }
    }

    fn with_names(&self, start: Span, names: Vec<Name>, value: Expr) -> Expr {
        if names.is_empty() {
            return value;
        }
        Expr::new(start.to(value.span), ExprKind::Named { names, value: Box::new(value) })
    }

    /// The names in front of `=`, if that is what stands here.
    fn assigned_names(&mut self) -> Vec<Name> {
        let back = self.position();
        let problems = self.diagnostics.len();
        let mut names = Vec::new();
        let simple = self.kind() == TokenKind::Name && self.is_ahead(1, "=");
        let bracketed = self.begins_bracketed_name() && self.is_ahead(3, "=");
        if simple || bracketed {
            names.extend(self.declared_name());
        } else if self.is("(") && (self.kind_ahead(1) == TokenKind::Name || self.is_ahead(1, "[")) {
            self.advance();
            if let Ok(list) = self.list(Self::declared_name)
                && self.eat(")")
                && self.is("=")
            {
                names = list;
            }
        }
        if !names.is_empty() && self.eat("=") {
            return names;
        }
        self.at = back;
        self.diagnostics.truncate(problems);
        Vec::new()
    }

    pub(crate) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|parser| parser.infix(OR))
    }

    /// An expression that ends before `in` or a comparison with it, for operators that have an `in` of their own.
    pub(crate) fn axis(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let names = self.assigned_names();
        let value = self.nested(|parser| parser.infix(RELATION))?;
        Ok(self.with_names(start, names, value))
    }

    /// Precedence climbing. Comparisons do not chain: `a == b == c` ends before the second.
    fn infix(&mut self, lowest: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        let mut highest = TEXT;
        while let Some((level, infix)) = self.infix_operator() {
            if level < lowest || level > highest {
                break;
            }
            left = self.infix_rest(left, level, infix)?;
            if left.height > MOST_HEIGHT {
                let message = format!("the expression is higher than {MOST_HEIGHT} levels");
                return Err(self.report(Diagnostic::syntax(self.last(), message)));
            }
            highest = if matches!(level, SUM | PRODUCT) { level } else { level.saturating_sub(1) };
        }
        Ok(left)
    }

    fn infix_rest(&mut self, left: Expr, level: u8, infix: Infix) -> Parsed<Expr> {
        let start = left.span;
        let op = self.operator_name();
        let kind = match infix {
            Infix::Logic(logic) => {
                let mut terms = vec![left, self.infix(level + 1)?];
                while self.eat(&op.text) {
                    terms.push(self.infix(level + 1)?);
                }
                ExprKind::Logic { op: logic, terms }
            }
            Infix::Binary => {
                let right = Box::new(self.infix(level + 1)?);
                ExprKind::Binary { op, left: Box::new(left), right }
            }
            Infix::List => {
                self.expect("(")?;
                let list = if self.is(")") { Vec::new() } else { self.list(|parser| parser.piped(false))? };
                self.expect(")")?;
                ExprKind::In { op, operand: Box::new(left), list }
            }
            Infix::Between => {
                self.expect("(")?;
                let low = Box::new(self.expression()?);
                self.expect("..")?;
                let high = Box::new(self.expression()?);
                self.expect(")")?;
                ExprKind::Between { negated: op.text.starts_with('!'), operand: Box::new(left), low, high }
            }
        };
        Ok(Expr::new(self.since(start), kind))
    }

    fn operator_name(&mut self) -> Name {
        let token = self.advance();
        let mut span = token.span;
        if token.span.text(self.text) == "matches" && self.is("regex") {
            span = span.to(self.advance().span);
            return Name { text: "matches regex".to_owned(), span };
        }
        Name { text: span.text(self.text).to_owned(), span }
    }

    fn infix_operator(&self) -> Option<(u8, Infix)> {
        if !matches!(self.kind(), TokenKind::Name | TokenKind::Punctuation) {
            return None;
        }
        let word = self.word();
        Some(match word {
            "or" => (OR, Infix::Logic(LogicOp::Or)),
            "and" => (AND, Infix::Logic(LogicOp::And)),
            "==" | "!=" | "<>" => (EQUALITY, Infix::Binary),
            ":" if self.in_search => (EQUALITY, Infix::Binary),
            "in" | "in~" | "!in" | "!in~" | "has_any" | "has_all" => (EQUALITY, Infix::List),
            "between" | "!between" => (EQUALITY, Infix::Between),
            "<" | ">" | "<=" | ">=" => (RELATION, Infix::Binary),
            "+" | "-" => (SUM, Infix::Binary),
            "*" | "/" | "%" => (PRODUCT, Infix::Binary),
            "=~" | "!~" => (TEXT, Infix::Binary),
            "matches" if self.is_ahead(1, "regex") => (TEXT, Infix::Binary),
            _ if is_text_operator(word.strip_prefix('!').unwrap_or(word)) => (TEXT, Infix::Binary),
            "notcontains" | "notlike" => (TEXT, Infix::Binary),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let op = match self.word() {
            "-" if self.kind() == TokenKind::Punctuation => UnaryOp::Minus,
            "+" if self.kind() == TokenKind::Punctuation => UnaryOp::Plus,
            _ => return self.postfix(),
        };
        let start = self.advance().span;
        let operand = Box::new(self.nested(Self::unary)?);
        Ok(Expr::new(self.since(start), ExprKind::Unary { op, operand }))
    }
}

fn is_text_operator(word: &str) -> bool {
    matches!(
        word,
        "has"
            | "has_cs"
            | "contains"
            | "contains_cs"
            | "startswith"
            | "startswith_cs"
            | "endswith"
            | "endswith_cs"
            | "hasprefix"
            | "hasprefix_cs"
            | "hassuffix"
            | "hassuffix_cs"
            | "like"
    )
}
