//! `dynamic(…)`: JSON, with Kusto's own literals and quotes in it.

use super::{Parsed, Parser};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::literal::unquote;
use crate::syntax::token::TokenKind;
use crate::types::Type;
use crate::value;

impl Parser<'_> {
    pub(super) fn dynamic_literal(&mut self) -> Parsed<Expr> {
        let start = self.advance().span;
        self.expect("(")?;
        let mut json = String::new();
        self.json(&mut json)?;
        self.expect(")")?;
        Ok(Expr::new(self.since(start), ExprKind::Dynamic(json)))
    }

    fn json(&mut self, out: &mut String) -> Parsed<()> {
        let word = self.word();
        match self.kind() {
            TokenKind::Text => {
                // Texts that follow each other are one.
                let mut text = String::new();
                while self.kind() == TokenKind::Text {
                    text.push_str(&unquote(self.word()));
                    self.advance();
                }
                out.push_str(&quoted(&text));
                return Ok(());
            }
            TokenKind::Long | TokenKind::Real => out.push_str(&number(word)),
            TokenKind::Timespan => out.push_str(&quoted(&timespan(word))),
            TokenKind::Typed => {
                let (name, raw) = word.split_once('(').unwrap_or((word, ""));
                out.push_str(&typed(name, raw.strip_suffix(')').unwrap_or(raw).trim()));
            }
            TokenKind::Name if word == "dynamic" && self.is_ahead(1, "(") => {
                self.advance();
                self.advance();
                self.nested(|parser| parser.json(out))?;
                self.expect(")")?;
                return Ok(());
            }
            TokenKind::Name if matches!(word, "true" | "false" | "null") => out.push_str(word),
            TokenKind::Punctuation => match word {
                "-" if matches!(self.kind_ahead(1), TokenKind::Long | TokenKind::Real) => {
                    self.advance();
                    out.push('-');
                    out.push_str(&number(self.word()));
                }
                "[" => return self.nested(|parser| parser.json_list(out)),
                "{" => return self.nested(|parser| parser.json_object(out)),
                _ => return Err(self.expected("a JSON value")),
            },
            _ => return Err(self.expected("a JSON value")),
        }
        self.advance();
        Ok(())
    }

    fn json_list(&mut self, out: &mut String) -> Parsed<()> {
        self.expect("[")?;
        out.push('[');
        if !self.is("]") {
            self.json(out)?;
            while self.eat(",") {
                out.push(',');
                self.json(out)?;
            }
        }
        self.expect("]")?;
        out.push(']');
        Ok(())
    }

    fn json_object(&mut self, out: &mut String) -> Parsed<()> {
        self.expect("{")?;
        out.push('{');
        let mut first = true;
        while !self.is("}") {
            if !first {
                self.expect(",")?;
                out.push(',');
            }
            first = false;
            if self.kind() != TokenKind::Text {
                return Err(self.expected("a quoted key"));
            }
            out.push_str(&quoted(&unquote(self.word())));
            self.advance();
            self.expect(":")?;
            out.push(':');
            self.json(out)?;
        }
        self.expect("}")?;
        out.push('}');
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A number as JSON writes it: `1.` and `0x1f` it does not know.
fn number(word: &str) -> String {
    if serde_json::from_str::<serde_json::Number>(word).is_ok() {
        return word.to_owned();
    }
    match value::parse_long(word) {
        Some(long) => long.to_string(),
        None => word
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map_or("null".into(), |n| n.to_string()),
    }
}

fn timespan(word: &str) -> String {
    value::parse_timespan(word).map_or_else(|| word.to_owned(), value::format_timespan)
}

/// `datetime(…)` and its like inside of `dynamic(…)`: numbers stay numbers, the others become text.
fn typed(name: &str, raw: &str) -> String {
    if raw == "null" {
        return "null".to_owned();
    }
    match Type::named(name) {
        Some(Type::Bool | Type::Int | Type::Long | Type::Real)
            if serde_json::from_str::<serde_json::Value>(raw).is_ok() =>
        {
            raw.to_owned()
        }
        Some(Type::Datetime) => {
            quoted(&value::parse_datetime(raw).map_or_else(|| raw.to_owned(), value::format_datetime))
        }
        Some(Type::Timespan) => quoted(&timespan(raw)),
        _ => quoted(raw),
    }
}
