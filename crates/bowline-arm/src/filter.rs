//! OData's `$filter` as ARM's and Graph's clients send it: comparisons and calls, joined by `and`, `or`, `not` and parentheses.
//!
//! `resourceGroup eq 'x'`, `tagName eq 'env' and tagValue eq 'dev'`, `startswith(displayName, 'a') or name ne 'b'`, `atScope()`,
//! `assignedTo('…')`, `id in ('a', 'b')`, `servicePrincipalNames/any(c:c eq 'x')`. Words come in any case, and so do texts that are compared.

use std::borrow::Cow;

mod reader;

/// The longest filter that is read, in bytes.
const MAX_FILTER: usize = 8192;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

/// `field op 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Lower case; empty for the variable of an `any`.
    pub field: String,
    /// The operator.
    pub operator: Operator,
    /// The literal; none for `null`.
    pub value: Option<String>,
}

/// What a call is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The name of a field, lower case.
    Field(String),
    /// A literal.
    Text(String),
}

/// `name(argument, …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Lower case.
    pub name: String,
    /// In order.
    pub arguments: Vec<Argument>,
}

impl Call {
    /// The first argument that is a literal.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.arguments.iter().find_map(|a| match a {
            Argument::Text(text) => Some(text.as_str()),
            Argument::Field(_) => None,
        })
    }
}

/// A filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// No filter.
    #[default]
    Everything,
    /// All of these.
    And(Vec<Filter>),
    /// One of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A comparison.
    Compare(Comparison),
    /// A call.
    Call(Call),
    /// `field/any(x:…)`: one of the field's values satisfies what follows.
    Any {
        /// Lower case.
        field: String,
        /// About the value, whose field is empty.
        filter: Box<Filter>,
    },
    /// `tagName eq 'n'`, with `tagValue eq 'v'` if it stands beside: ARM means one tag by the two.
    Tag {
        /// The tag's name.
        name: String,
        /// Its value, which is compared by its letters.
        value: Option<String>,
    },
}

/// Why a filter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the $filter is not understood at position {position}: {expected} was expected. Comparisons are written name eq 'value' and joined by and, or and parentheses"
)]
pub struct FilterError {
    /// Zero-based, in bytes.
    pub position: usize,
    /// What would have been right.
    pub expected: &'static str,
}

/// What a filter asks about one object.
pub trait Fields {
    /// The value of a field (lower case, `/` between levels); none when it has no such field.
    fn text(&self, field: &str) -> Option<Cow<'_, str>>;

    /// Whether one of the values of a field satisfies a test; a field with one value unless the object says otherwise.
    fn any(&self, field: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.text(field).is_some_and(|value| test(&value))
    }

    /// The value of a tag, whose name has any case.
    fn tag(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }

    /// A call that is not one of OData's text functions; those which were dealt with before are true.
    fn call(&self, _call: &Call) -> bool {
        true
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// See [`FilterError`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        reader::Reader::new(text).filter()
    }

    /// What must all hold: the members of an `and`, or the filter itself.
    #[must_use]
    pub fn conjuncts(&self) -> &[Self] {
        match self {
            Self::Everything => &[],
            Self::And(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// The value that `field` must equal for anything to match.
    #[must_use]
    pub fn equals(&self, field: &str) -> Option<&str> {
        self.conjuncts().iter().find_map(|f| match f {
            Self::Compare(c) if c.operator == Operator::Eq && c.field == field => c.value.as_deref(),
            _ => None,
        })
    }

    /// A call that must hold for anything to match.
    #[must_use]
    pub fn call(&self, name: &str) -> Option<&Call> {
        self.conjuncts().iter().find_map(|f| match f {
            Self::Call(call) if call.name == name => Some(call),
            _ => None,
        })
    }

    /// Every call in it that is not a text function.
    #[must_use]
    pub fn calls(&self) -> Vec<&Call> {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::calls).collect(),
            Self::Not(filter) | Self::Any { filter, .. } => filter.calls(),
            Self::Call(call) if !is_text_function(&call.name) => vec![call],
            _ => Vec::new(),
        }
    }

    /// Whether it asks nothing of an object's content: there is none, or it consists of calls that the caller deals with.
    #[must_use]
    pub fn is_only_calls(&self) -> bool {
        self.conjuncts().iter().all(|f| matches!(f, Self::Call(call) if !is_text_function(&call.name)))
    }

    /// Whether the values of these fields (lower case) decide it, in whatever case they are written.
    #[must_use]
    pub fn asks_only(&self, fields: &[&str]) -> bool {
        match self {
            Self::Everything => true,
            Self::And(all) | Self::Or(all) => all.iter().all(|f| f.asks_only(fields)),
            Self::Not(filter) => filter.asks_only(fields),
            Self::Compare(c) => {
                matches!(c.operator, Operator::Eq | Operator::Ne) && fields.contains(&c.field.as_str())
            }
            Self::Call(call) if is_text_function(&call.name) => call.arguments.iter().all(|a| match a {
                Argument::Field(field) => fields.contains(&field.as_str()),
                Argument::Text(_) => true,
            }),
            Self::Call(_) | Self::Any { .. } | Self::Tag { .. } => false,
        }
    }

    /// Whether an object satisfies it.
    #[must_use]
    pub fn matches(&self, object: &dyn Fields) -> bool {
        match self {
            Self::Everything => true,
            Self::And(all) => all.iter().all(|f| f.matches(object)),
            Self::Or(some) => some.iter().any(|f| f.matches(object)),
            Self::Not(filter) => !filter.matches(object),
            Self::Compare(comparison) => comparison.holds(object),
            Self::Any { field, filter } => object.any(field, &mut |value| filter.matches(&One(value))),
            Self::Tag { name, value } => {
                object.tag(name).is_some_and(|tag| value.as_ref().is_none_or(|wanted| *wanted == tag))
            }
            Self::Call(call) => call.holds(object),
        }
    }
}

/// The value of an `any`.
struct One<'a>(&'a str);

impl Fields for One<'_> {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        field.is_empty().then_some(Cow::Borrowed(self.0))
    }
}

impl Comparison {
    fn holds(&self, object: &dyn Fields) -> bool {
        let Some(wanted) = &self.value else {
            let absent = object.text(&self.field).is_none();
            return absent == (self.operator == Operator::Eq);
        };
        let equal = |value: &str| value.eq_ignore_ascii_case(wanted);
        match self.operator {
            Operator::Eq => object.any(&self.field, &mut |value| equal(value)),
            Operator::Ne => !object.any(&self.field, &mut |value| equal(value)),
            operator => object.any(&self.field, &mut |value| in_order(value, operator, wanted)),
        }
    }
}

/// Numbers by size, everything else (times are RFC 3339) by letters.
fn in_order(value: &str, operator: Operator, wanted: &str) -> bool {
    let order = match (value.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(value), Ok(wanted)) => value.total_cmp(&wanted),
        _ => value.cmp(wanted),
    };
    match operator {
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
    }
}

fn is_text_function(name: &str) -> bool {
    matches!(name, "startswith" | "endswith" | "contains" | "substringof")
}

impl Call {
    fn holds(&self, object: &dyn Fields) -> bool {
        if !is_text_function(&self.name) {
            return object.call(self);
        }
        let field = self.arguments.iter().find_map(|a| match a {
            Argument::Field(field) => Some(field),
            Argument::Text(_) => None,
        });
        let (Some(field), Some(part)) = (field, self.text()) else { return false };
        let part = part.to_lowercase();
        object.any(field, &mut |value| {
            let value = value.to_lowercase();
            match self.name.as_str() {
                "startswith" => value.starts_with(&part),
                "endswith" => value.ends_with(&part),
                _ => value.contains(&part),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine;

    impl Fields for Machine {
        fn text(&self, field: &str) -> Option<Cow<'_, str>> {
            let value = match field {
                "name" => "Press-7",
                "location" => "north",
                "resourcetype" => "Microsoft.HybridCompute/machines",
                "cores" => "9",
                "names" => "a",
                _ => return None,
            };
            Some(value.into())
        }

        fn any(&self, field: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
            match field {
                "names" => ["a", "b"].iter().any(|name| test(name)),
                _ => self.text(field).is_some_and(|value| test(&value)),
            }
        }

        fn tag(&self, name: &str) -> Option<Cow<'_, str>> {
            name.eq_ignore_ascii_case("env").then_some("Dev".into())
        }
    }

    #[test]
    fn filters_of_real_clients_hold_or_do_not() {
        for (text, expected) in [
            ("name eq 'PRESS-7'", true),
            ("name ne 'press-7'", false),
            ("tagname eq 'ENV' and tagvalue eq 'Dev'", true),
            ("tagName eq 'env' and tagValue eq 'dev'", false),
            ("tagName eq 'env'", true),
            ("location eq 'south' and tagName eq 'env' and tagValue eq 'Dev'", false),
            ("location eq 'south' or tagName eq 'env' and tagValue eq 'Dev'", true),
            ("substringof('ess', name)", true),
            ("startswith(name, 'press') and not endswith(name,'8')", true),
            ("contains(name,'x')", false),
            (
                "(name eq 'a' or name eq 'press-7') and resourceType eq 'microsoft.hybridcompute/machines'",
                true,
            ),
            ("cores gt 10", false),
            ("cores ge 9 and cores lt 10", true),
            ("nothing eq null", true),
            ("name eq null", false),
            ("name in ('a', 'Press-7')", true),
            ("names/any(n:n eq 'b')", true),
            ("names/any(n: n eq 'c' or startswith(n, 'd'))", false),
            ("names eq 'b'", true),
            ("atScope()", true),
            ("nothing eq 'x'", false),
            ("nothing ne 'x'", true),
        ] {
            assert_eq!(Filter::parse(text).unwrap().matches(&Machine), expected, "{text}");
        }
    }

    #[test]
    fn what_must_hold_can_be_asked_for() {
        let filter = Filter::parse("atScope() and principalId eq 'it''s' and assignedTo('p')").unwrap();
        assert_eq!(filter.equals("principalid"), Some("it's"));
        assert_eq!(filter.call("assignedto").and_then(Call::text), Some("p"));
        assert_eq!(filter.calls().len(), 2);
        assert!(!filter.is_only_calls() && Filter::parse("atScope()").unwrap().is_only_calls());
        let either = Filter::parse("principalId eq 'a' or principalId eq 'b'").unwrap();
        assert_eq!(either.equals("principalid"), None);
        assert_eq!(Filter::Everything.conjuncts(), []);
    }

    #[test]
    fn the_fields_that_decide_are_known() {
        for (text, expected) in [
            ("name eq 'a' and not (name ne 'b' or contains(resourceGroup, 'c'))", true),
            ("name eq 'a' or location eq 'b'", false),
            ("name gt 'a'", false),
            ("startswith(location, 'a')", false),
            ("tagName eq 'a'", false),
            ("atScope()", false),
        ] {
            assert_eq!(
                Filter::parse(text).unwrap().asks_only(&["name", "resourcegroup"]),
                expected,
                "{text}"
            );
        }
        assert!(Filter::Everything.asks_only(&[]));
    }

    #[test]
    fn broken_filters_say_where() {
        for (text, position) in [
            ("", 0),
            ("name", 4),
            ("name eq", 7),
            ("name eq 'x", 8),
            ("name eq 'x' xor", 12),
            ("name has 'x'", 8),
            ("(name eq 'x'", 12),
            ("name eq 'x')", 11),
            ("f(", 2),
            ("name in ('a'", 13),
            ("tagValue eq 'x'", 15),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert!(error.position.abs_diff(position) <= 3, "{text}: {error}");
        }
        assert!(Filter::parse(&"(".repeat(5000)).is_err());
        assert!(Filter::parse(&"not ".repeat(2000)).is_err());
        assert!(Filter::parse(&format!("name eq '{}'", "x".repeat(MAX_FILTER))).is_err());
    }
}
