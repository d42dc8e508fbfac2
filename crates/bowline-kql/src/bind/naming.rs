//! The names of columns that the query did not name.

use std::collections::{HashMap, HashSet};

use super::Binder;
use crate::functions::{self, Naming};
use crate::plan::Schema;
use crate::syntax::ast::{self, ExprKind, LiteralKind};

/// The names of one table in the making.
#[derive(Default)]
pub(crate) struct Names {
    used: HashSet<String>,
    /// The last number that was given after a name.
    numbers: HashMap<String, usize>,
    unnamed: usize,
}

impl Names {
    pub(crate) fn of(schema: &Schema) -> Names {
        Names { used: schema.names().map(str::to_owned).collect(), ..Names::default() }
    }

    /// Takes a name; false if somebody has it.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.used.insert(name.to_owned())
    }

    /// The name itself, or with the first number that makes it unique.
    pub(crate) fn unique(&mut self, name: &str) -> String {
        if self.take(name) {
            return name.to_owned();
        }
        let mut number = self.numbers.get(name).copied().unwrap_or(0);
        loop {
            number += 1;
            let numbered = format!("{name}{number}");
            if self.take(&numbered) {
                self.numbers.insert(name.to_owned(), number);
                return numbered;
            }
        }
    }

    /// `Column1`, `Column2` and so on.
    pub(crate) fn unnamed(&mut self) -> String {
        loop {
            self.unnamed += 1;
            let name = format!("Column{}", self.unnamed);
            if self.take(&name) {
                return name;
            }
        }
    }
}

impl Binder<'_> {
    /// What an expression would be called.
    pub(crate) fn natural_name(&self, value: &ast::Expr, schema: &Schema) -> Option<String> {
        match &value.kind {
            ExprKind::Name(name) => Some(name.clone()),
            ExprKind::Member { target, name } => {
                self.natural_name(target, schema).map(|target| format!("{target}_{}", name.text))
            }
            ExprKind::Index { target, index } => {
                let target = self.natural_name(target, schema)?;
                match &index.kind {
                    ExprKind::Literal(LiteralKind::Text | LiteralKind::Long, text) => {
                        Some(format!("{target}_{text}"))
                    }
                    _ => None,
                }
            }
            ExprKind::Named { value, .. } => self.natural_name(value, schema),
            ExprKind::Call { name, arguments } => self.name_of_call(&name.text, arguments, schema),
            _ => None,
        }
    }

    fn name_of_call(&self, function: &str, arguments: &[ast::Expr], schema: &Schema) -> Option<String> {
        if self.meaning_of(function).is_some() {
            return None;
        }
        let first = arguments.first();
        let inner = || first.and_then(|first| self.natural_name(first, schema));
        match function {
            "column_ifexists" | "columnifexists" => match &first?.kind {
                ExprKind::Literal(LiteralKind::Text, name) if schema.position(name).is_some() => {
                    return Some(name.clone());
                }
                _ => return None,
            },
            "make_datetime" | "make_timespan" if arguments.len() == 1 => return inner(),
            "percentile" | "percentilew" => {
                let percent = arguments.last().map(literal_text)?;
                return Some(format!("percentile_{}_{percent}", inner().unwrap_or_default()));
            }
            "arg_max" | "argmax" | "arg_min" | "argmin" => {
                let word = if function.ends_with("max") { "max" } else { "min" };
                return inner().or_else(|| Some(format!("{word}_")));
            }
            _ => {}
        }
        let known = functions::aggregate(function).or_else(|| functions::scalar(function))?;
        match known.naming {
            Naming::None => None,
            Naming::First => inner(),
            Naming::Prefix(word) => Some(format!("{word}_{}", inner().unwrap_or_default())),
            Naming::Word(word) => Some(word.to_owned()),
        }
    }
}

/// A number as a part of a name: `2.5` is `2_5`.
pub(crate) fn literal_text(value: &ast::Expr) -> String {
    match &value.kind {
        ExprKind::Literal(_, text) => text.replace('.', "_"),
        ExprKind::Name(name) => name.clone(),
        _ => String::new(),
    }
}
