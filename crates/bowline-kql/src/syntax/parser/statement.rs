//! Statements: `let`, `set`, `declare`, and the query itself.

use super::{Parsed, Parser};
use crate::syntax::ast::{
    Expr, ExprKind, Function, Name, Parameter, ParameterType, Pattern, PatternCase, Script, Statement,
    StatementKind,
};
use crate::syntax::span::Span;
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    pub(super) fn script(&mut self) -> Script {
        let mut statements = Vec::new();
        if self.kind() == TokenKind::End {
            self.expected("a query");
        }
        while self.kind() != TokenKind::End {
            match self.statement() {
                Ok(statement) => statements.push(statement),
                Err(_) => self.skip_to(&[";"]),
            }
            if self.kind() == TokenKind::End || self.eat(";") {
                continue;
            }
            self.expected("'|' or ';'");
            self.skip_to(&[";"]);
            self.eat(";");
        }
        Script { statements }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let start = self.token().span;
        let kind = self.statement_kind(start)?;
        Ok(Statement { span: self.since(start), kind })
    }

    fn statement_kind(&mut self, start: Span) -> Parsed<StatementKind> {
        let named =
            |parser: &Self| matches!(parser.kind_ahead(1), TokenKind::Name) || parser.is_ahead(1, "[");
        match self.word() {
            "let" if named(self) => {
                self.advance();
                let name = self.declared_name()?;
                self.expect("=")?;
                Ok(StatementKind::Let { name, value: self.let_value()? })
            }
            "set" if named(self) => {
                self.advance();
                let name = self.declared_name()?;
                let value = if self.eat("=") { Some(self.simple_value()?) } else { None };
                Ok(StatementKind::Set { name, value })
            }
            "declare" if self.is_ahead(1, "query_parameters") => {
                self.advance();
                self.advance();
                Ok(StatementKind::Parameters(self.parameters()?))
            }
            "declare" if self.is_ahead(1, "pattern") => self.pattern_declaration(),
            "alias" if self.is_ahead(1, "database") => {
                self.advance();
                self.advance();
                let name = self.declared_name()?;
                self.expect("=")?;
                Ok(StatementKind::Alias { name, value: self.expression()? })
            }
            "restrict" if self.is_ahead(1, "access") => {
                self.advance();
                self.advance();
                self.expect("to")?;
                self.expect("(")?;
                let tables = self.list(Self::table_reference)?;
                self.expect(")")?;
                Ok(StatementKind::Restrict(tables))
            }
            _ => {
                if self.kind() == TokenKind::Punctuation && matches!(self.word(), ";" | ")" | "]" | "}" | "|")
                {
                    return Err(self.expected("a query"));
                }
                let _ = start;
                Ok(StatementKind::Query(self.piped(true)?))
            }
        }
    }

    fn let_value(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let is_view = self.is("view") && self.is_ahead(1, "(");
        if is_view || self.begins_function() {
            if is_view {
                self.advance();
            }
            let function = self.nested(|parser| parser.function(is_view))?;
            return Ok(Expr::new(self.since(start), ExprKind::Function(Box::new(function))));
        }
        if self.is("entity_group") && self.is_ahead(1, "[") {
            self.advance();
            self.advance();
            self.list(Self::expression)?;
            self.expect("]")?;
            return Ok(Expr::new(self.since(start), ExprKind::EntityGroup));
        }
        self.piped(true)
    }

    /// Whether brackets that open here are followed by a body.
    fn begins_function(&self) -> bool {
        if !self.is("(") {
            return false;
        }
        let mut open = 0usize;
        let mut ahead = 0;
        loop {
            match self.kind_ahead(ahead) {
                TokenKind::End => return false,
                TokenKind::Punctuation if self.is_ahead(ahead, "(") => open += 1,
                TokenKind::Punctuation if self.is_ahead(ahead, ")") => open -= 1,
                TokenKind::Punctuation if self.is_ahead(ahead, "{") || self.is_ahead(ahead, "|") => {
                    return false;
                }
                _ => {}
            }
            ahead += 1;
            if open == 0 {
                return self.is_ahead(ahead, "{");
            }
        }
    }

    fn function(&mut self, is_view: bool) -> Parsed<Function> {
        let parameters = self.parameters()?;
        self.expect("{")?;
        let mut statements = Vec::new();
        let mut body = None;
        while !self.is("}") {
            let statement = self.statement()?;
            let ended = !self.eat(";");
            match statement.kind {
                StatementKind::Query(value) if self.is("}") => body = Some(value),
                kind => statements.push(Statement { span: statement.span, kind }),
            }
            if ended {
                break;
            }
        }
        self.expect("}")?;
        Ok(Function { parameters, statements, body, is_view })
    }

    fn parameters(&mut self) -> Parsed<Vec<Parameter>> {
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.is(")") {
            parameters.push(self.parameter()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(parameters)
    }

    fn parameter(&mut self) -> Parsed<Parameter> {
        let name: Name = self.declared_name()?;
        self.expect(":")?;
        let ty = if self.is("(") {
            ParameterType::Table(self.row_schema()?)
        } else {
            ParameterType::Scalar(self.type_name()?)
        };
        let default = if self.eat("=") { Some(self.literal_value()?) } else { None };
        Ok(Parameter { name, ty, default })
    }

    /// `declare pattern name = (…)[…] { (…) = { … }; … }`.
    fn pattern_declaration(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let name = self.declared_name()?;
        let mut cases = Vec::new();
        if self.eat("=") {
            self.parameters()?;
            if self.eat("[") {
                self.parameter()?;
                self.expect("]")?;
            }
            self.expect("{")?;
            while !self.is("}") {
                cases.push(self.pattern_case()?);
            }
            self.expect("}")?;
        }
        Ok(StatementKind::Pattern(Pattern { name, cases }))
    }

    fn pattern_case(&mut self) -> Parsed<PatternCase> {
        let text = |value: &Expr| match &value.kind {
            ExprKind::Literal(_, text) => text.clone(),
            _ => String::new(),
        };
        self.expect("(")?;
        let arguments = self.list(Self::literal_value)?.iter().map(text).collect();
        self.expect(")")?;
        let mut path = None;
        if self.eat(".") {
            self.expect("[")?;
            path = Some(text(&self.literal_value()?));
            self.expect("]")?;
        }
        self.expect("=")?;
        self.expect("{")?;
        let table = self.nested(|parser| parser.piped(true))?;
        self.expect("}")?;
        self.expect(";")?;
        Ok(PatternCase { arguments, path, table })
    }
}
