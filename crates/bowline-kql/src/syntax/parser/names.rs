//! Names, types, schemas and settings.

use super::{Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::syntax::ast::{ColumnDeclaration, Expr, ExprKind, Name, NamePattern, RowSchema, Setting};
use crate::syntax::literal::unquote;
use crate::syntax::token::{TokenKind, is_reserved};
use crate::types::Type;

impl Parser<'_> {
    /// A name where it is used: `a`, `['a b']`.
    pub(crate) fn name(&mut self) -> Parsed<Name> {
        if self.is("[") {
            return self.bracketed_name();
        }
        if self.kind() == TokenKind::Name && !is_reserved(self.word()) {
            return Ok(self.take_name());
        }
        if self.kind() == TokenKind::Name {
            let word = self.word();
            return Err(self.expected(&format!("a name (a column of that name is written ['{word}'])")));
        }
        Err(self.expected("a name"))
    }

    /// A name where it is given; there most words of the grammar may be names.
    pub(crate) fn declared_name(&mut self) -> Parsed<Name> {
        if self.kind() == TokenKind::Name
            && !self.word().contains('-')
            && !matches!(self.word(), "and" | "or")
        {
            return Ok(self.take_name());
        }
        self.name()
    }

    fn take_name(&mut self) -> Name {
        let token = self.advance();
        Name { text: token.span.text(self.text).to_owned(), span: token.span }
    }

    fn bracketed_name(&mut self) -> Parsed<Name> {
        let start = self.expect("[")?.span;
        if self.kind() != TokenKind::Text {
            return Err(self.expected("a quoted name"));
        }
        let token = self.advance();
        self.expect("]")?;
        Ok(Name { text: unquote(token.span.text(self.text)), span: self.since(start) })
    }

    /// Whether `['…']` stands here.
    pub(super) fn begins_bracketed_name(&self) -> bool {
        self.is("[") && self.kind_ahead(1) == TokenKind::Text && self.is_ahead(2, "]")
    }

    /// A name that may hold stars: `a*`, `*b*`, `*`.
    pub(crate) fn name_pattern(&mut self) -> Parsed<NamePattern> {
        let start = self.token().span;
        if self.is("[") {
            let name = self.bracketed_name()?;
            return Ok(NamePattern { text: name.text, span: name.span, quoted: true });
        }
        let part = |parser: &Self| {
            parser.is("*")
                || parser.kind() == TokenKind::Long
                || (parser.kind() == TokenKind::Name && !is_reserved(parser.word()))
        };
        if !part(self) {
            return Err(self.expected("a name"));
        }
        self.advance();
        // The parts of one pattern touch each other.
        while part(self)
            && self.token().span.start == self.last().end
            && (self.is("*") || self.ends_with_star())
        {
            self.advance();
        }
        let span = self.since(start);
        Ok(NamePattern { text: span.text(self.text).to_owned(), span, quoted: false })
    }

    pub(super) fn ends_with_star(&self) -> bool {
        self.last().text(self.text) == "*"
    }

    pub(crate) fn type_name(&mut self) -> Parsed<Type> {
        if self.kind() != TokenKind::Name {
            return Err(self.expected("a type"));
        }
        let token = self.advance();
        let word = token.span.text(self.text);
        if let Some(ty) = Type::named(word) {
            return Ok(ty);
        }
        let message = format!("'{word}' is no type");
        let names = Type::ALL.iter().map(|ty| ty.name());
        // The shape is right, so the parser can go on as if it were some type.
        self.report(Diagnostic::syntax(token.span, message).near(word, names));
        Ok(Type::String)
    }

    /// `(a: long, b: string)`, `(*)`, `(a: long, *)`.
    pub(crate) fn row_schema(&mut self) -> Parsed<RowSchema> {
        self.expect("(")?;
        let mut schema = RowSchema::default();
        while !self.is(")") {
            if self.eat("*") {
                schema.open = true;
            } else {
                schema.columns.push(self.column_declaration()?);
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(schema)
    }

    pub(crate) fn column_declaration(&mut self) -> Parsed<ColumnDeclaration> {
        let name = self.declared_name()?;
        self.expect(":")?;
        let ty = self.type_name()?;
        Ok(ColumnDeclaration { name, ty })
    }

    /// Settings in front of operands. Those of `hint.` are taken whatever they are called.
    pub(crate) fn settings(&mut self, known: &[&str]) -> Parsed<Vec<Setting>> {
        let mut settings = Vec::new();
        loop {
            let start = self.token().span;
            if self.is("hint") && self.is_ahead(1, ".") && self.is_ahead(3, "=") {
                self.advance();
                self.advance();
                self.advance();
            } else if self.kind() == TokenKind::Name && self.is_ahead(1, "=") && known.contains(&self.word())
            {
                self.advance();
            } else {
                return Ok(settings);
            }
            let span = self.since(start);
            let name = Name { text: span.text(self.text).to_owned(), span };
            self.expect("=")?;
            let value = self.simple_value()?;
            settings.push(Setting { name, value });
        }
    }

    /// One word or literal, as settings take them: what follows it belongs to the operator.
    pub(crate) fn simple_value(&mut self) -> Parsed<Expr> {
        if self.kind() == TokenKind::Name && !matches!(self.word(), "true" | "false" | "dynamic") {
            let name = self.declared_name()?;
            return Ok(Expr::new(name.span, ExprKind::Name(name.text)));
        }
        if self.begins_bracketed_name() {
            let name = self.name()?;
            return Ok(Expr::new(name.span, ExprKind::Name(name.text)));
        }
        self.literal_value()
    }
}
