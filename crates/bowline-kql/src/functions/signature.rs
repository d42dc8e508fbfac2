//! Signatures as they stand in the table: `name:class`, `[name:class]` may be left out, `name:class...` may be repeated, then
//! `->` and the result. Overloads are separated by `;`.

use std::fmt;

use crate::types::Type;

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Any value, left as it is.
    Any,
    /// Any value, converted to a string.
    AsText,
    /// A value of this type, or one that converts to it without loss, or a `dynamic`.
    Exactly(Type),
    Number,
    /// A number, a moment or a length of time.
    Summable,
    /// Anything that has an order: no `dynamic`.
    Orderable,
    /// All arguments of this class are brought to one type.
    Common,
    /// `typeof(…)`.
    TypeName,
    Table,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultType {
    Is(Type),
    /// The type of an argument.
    Of(usize),
    /// The type of an argument; an `int` becomes a `long`.
    PromotedOf(usize),
    /// The type of all arguments of the class `common`.
    Common,
    /// The widest of the numbers.
    Widest,
    /// The type that `typeof(…)` names.
    Named,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub class: Class,
    pub optional: bool,
    pub repeated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub parameters: Vec<Parameter>,
    pub result: ResultType,
}

pub(super) fn parse(text: &'static str) -> Vec<Signature> {
    text.split(';').map(parse_one).collect()
}

fn parse_one(text: &'static str) -> Signature {
    let (parameters, result) = text.split_once("->").expect("the table is tested to be well formed");
    let parameters = parameters.trim();
    let parameters = if parameters.is_empty() {
        Vec::new()
    } else {
        parameters.split(',').map(|one| parse_parameter(one.trim())).collect()
    };
    Signature { parameters, result: parse_result(result.trim()) }
}

fn parse_parameter(text: &'static str) -> Parameter {
    let (text, optional) = match text.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    let (text, repeated) = match text.strip_suffix("...") {
        Some(one) => (one, true),
        None => (text, false),
    };
    let (name, class) = text.split_once(':').expect("the table is tested to be well formed");
    let class = match class.trim() {
        "any" => Class::Any,
        "text" => Class::AsText,
        "number" => Class::Number,
        "summable" => Class::Summable,
        "orderable" => Class::Orderable,
        "common" => Class::Common,
        "type" => Class::TypeName,
        "table" => Class::Table,
        ty => Class::Exactly(Type::named(ty).expect("the table is tested to be well formed")),
    };
    Parameter { name, class, optional, repeated }
}

fn parse_result(text: &'static str) -> ResultType {
    match text {
        "=0" => ResultType::Of(0),
        "=1" => ResultType::Of(1),
        "+0" => ResultType::PromotedOf(0),
        "common" => ResultType::Common,
        "widest" => ResultType::Widest,
        "named" => ResultType::Named,
        ty => ResultType::Is(Type::named(ty).expect("the table is tested to be well formed")),
    }
}

impl Signature {
    /// How many arguments it takes; without an upper bound when one repeats.
    pub fn arity(&self) -> (usize, Option<usize>) {
        let least = self.parameters.iter().filter(|one| !one.optional).count();
        let most = self.parameters.iter().all(|one| !one.repeated).then_some(self.parameters.len());
        (least, most)
    }

    pub fn takes(&self, count: usize) -> bool {
        let (least, most) = self.arity();
        count >= least && most.is_none_or(|most| count <= most)
    }

    /// The parameter that an argument is for. What repeats takes all that the parameters after it do not need.
    pub fn parameter(&self, index: usize, count: usize) -> &Parameter {
        let Some(first) = self.parameters.iter().position(|one| one.repeated) else {
            return &self.parameters[index.min(self.parameters.len() - 1)];
        };
        let last = self.parameters.iter().rposition(|one| one.repeated).unwrap_or(first);
        let after = self.parameters[last + 1..].iter().filter(|one| !one.optional).count();
        if index < first {
            &self.parameters[index]
        } else if index + after >= count && after > 0 {
            &self.parameters[self.parameters.len() - (count - index)]
        } else {
            // Several that repeat do so in turn: condition, value, condition, value.
            &self.parameters[first + (index - first) % (last - first + 1)]
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Any | Class::Common => "any",
            Class::AsText => "string",
            Class::Exactly(ty) => ty.name(),
            Class::Number => "number",
            Class::Summable => "number, datetime or timespan",
            Class::Orderable => "any but dynamic",
            Class::TypeName => "typeof(…)",
            Class::Table => "table",
        })
    }
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResultType::Is(ty) => ty.name(),
            ResultType::Of(0) | ResultType::PromotedOf(_) => "as the first argument",
            ResultType::Of(_) => "as the second argument",
            ResultType::Common => "the arguments' common type",
            ResultType::Widest => "the wider of the numbers",
            ResultType::Named => "the named type",
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (index, one) in self.parameters.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let (open, close) = if one.optional { ("[", "]") } else { ("", "") };
            let dots = if one.repeated { ", …" } else { "" };
            write!(f, "{comma}{open}{}: {}{dots}{close}", one.name, one.class)?;
        }
        write!(f, ") → {}", self.result)
    }
}
