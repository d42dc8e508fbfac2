//! Reads the text of a filter by recursive descent, to a bounded depth.

use super::{Argument, Call, Comparison, Filter, FilterError, MAX_FILTER, Operator};

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 32;

pub(super) struct Reader<'a> {
    rest: &'a str,
    total: usize,
    depth: usize,
    /// The variables of the `any`s that surround.
    variables: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, total: text.len(), depth: 0, variables: Vec::new() }
    }

    pub(super) fn filter(mut self) -> Result<Filter, FilterError> {
        if self.total > MAX_FILTER {
            return Err(self.expected("a filter of at most 8,192 characters"));
        }
        let filter = self.either()?;
        if self.skip().is_empty() { Ok(filter) } else { Err(self.expected("'and', 'or' or the end")) }
    }

    fn either(&mut self) -> Result<Filter, FilterError> {
        let mut some = vec![self.both()?];
        while self.take_word("or") {
            some.push(self.both()?);
        }
        Ok(if some.len() == 1 { some.remove(0) } else { Filter::Or(some) })
    }

    fn both(&mut self) -> Result<Filter, FilterError> {
        let mut all = vec![self.term()?];
        while self.take_word("and") {
            match self.term()? {
                Filter::And(more) => all.extend(more),
                one => all.push(one),
            }
        }
        join_tags(&mut all).ok_or_else(|| self.expected("tagName eq '…' beside tagValue"))?;
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn term(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.expected("a filter that nests less than 32 levels"));
        }
        let term = self.nested_term();
        self.depth -= 1;
        term
    }

    fn nested_term(&mut self) -> Result<Filter, FilterError> {
        if self.take("(") {
            let inner = self.either()?;
            return if self.take(")") { Ok(inner) } else { Err(self.expected("')'")) };
        }
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.term()?)));
        }
        let word = self.word().ok_or_else(|| self.expected("a name"))?;
        if self.take("(") {
            return match word.to_ascii_lowercase().strip_suffix("/any") {
                Some(field) => self.any(field.to_owned()),
                None => self.call(word),
            };
        }
        self.comparison(word)
    }

    fn any(&mut self, field: String) -> Result<Filter, FilterError> {
        let variable = self.word().ok_or_else(|| self.expected("a variable"))?.to_ascii_lowercase();
        if !self.take(":") {
            return Err(self.expected("':'"));
        }
        self.variables.push(variable);
        let filter = Box::new(self.either()?);
        self.variables.pop();
        if self.take(")") { Ok(Filter::Any { field, filter }) } else { Err(self.expected("')'")) }
    }

    fn call(&mut self, name: &str) -> Result<Filter, FilterError> {
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(if self.skip().starts_with('\'') {
                    Argument::Text(self.quoted()?)
                } else {
                    let word = self.word().ok_or_else(|| self.expected("a name or a value in quotes"))?;
                    Argument::Field(self.field(word))
                });
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return Err(self.expected("',' or ')'"));
                }
            }
        }
        Ok(Filter::Call(Call { name: name.to_ascii_lowercase(), arguments }))
    }

    fn comparison(&mut self, word: &str) -> Result<Filter, FilterError> {
        let field = self.field(word);
        let operator = self.word().unwrap_or_default().to_ascii_lowercase();
        let operator = match operator.as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            "in" => return self.one_of(field),
            _ => return Err(self.expected("'eq', 'ne', 'gt', 'ge', 'lt', 'le' or 'in'")),
        };
        let value = self.literal()?;
        Ok(Filter::Compare(Comparison { field, operator, value }))
    }

    fn one_of(&mut self, field: String) -> Result<Filter, FilterError> {
        if !self.take("(") {
            return Err(self.expected("'('"));
        }
        let mut some = Vec::new();
        loop {
            let value = self.literal()?;
            some.push(Filter::Compare(Comparison { field: field.clone(), operator: Operator::Eq, value }));
            if self.take(")") {
                return Ok(Filter::Or(some));
            }
            if !self.take(",") {
                return Err(self.expected("',' or ')'"));
            }
        }
    }

    /// A field in lower case; the variable of an `any` is empty.
    fn field(&self, word: &str) -> String {
        let field = word.to_ascii_lowercase();
        if self.variables.contains(&field) { String::new() } else { field }
    }

    /// `'text'` with `''` for a quote, or a bare word.
    fn literal(&mut self) -> Result<Option<String>, FilterError> {
        if self.skip().starts_with('\'') {
            return self.quoted().map(Some);
        }
        match self.bare() {
            Some("null") => Ok(None),
            Some(word) => Ok(Some(word.to_owned())),
            None => Err(self.expected("a value in single quotes")),
        }
    }

    fn quoted(&mut self) -> Result<String, FilterError> {
        let mut rest = self.skip().strip_prefix('\'').ok_or_else(|| self.expected("a quote"))?;
        let mut value = String::new();
        loop {
            let end = rest.find('\'').ok_or_else(|| self.expected("a closing quote"))?;
            value.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(more) => {
                    value.push('\'');
                    rest = more;
                }
                None => {
                    self.rest = rest;
                    return Ok(value);
                }
            }
        }
    }

    /// A number, a time, true, false or null.
    fn bare(&mut self) -> Option<&'a str> {
        self.split(|c| c.is_ascii_alphanumeric() || "_/.:+-".contains(c))
    }

    fn word(&mut self) -> Option<&'a str> {
        self.split(|c| c.is_ascii_alphanumeric() || "_/.".contains(c))
    }

    fn split(&mut self, part: impl Fn(char) -> bool) -> Option<&'a str> {
        let rest = self.skip();
        let end = rest.find(|c: char| !part(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        (!word.is_empty()).then(|| {
            self.rest = tail;
            word
        })
    }

    fn take(&mut self, mark: &str) -> bool {
        match self.skip().strip_prefix(mark) {
            Some(tail) => {
                self.rest = tail;
                true
            }
            None => false,
        }
    }

    fn take_word(&mut self, expected: &str) -> bool {
        let before = self.rest;
        let taken = self.word().is_some_and(|word| word.eq_ignore_ascii_case(expected));
        if !taken {
            self.rest = before;
        }
        taken
    }

    fn skip(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        FilterError { position: self.total - self.rest.len(), expected }
    }
}

/// Makes one of `tagName eq 'n'` and `tagValue eq 'v'`; none when a value stands without a name.
fn join_tags(all: &mut Vec<Filter>) -> Option<()> {
    let take = |all: &mut Vec<Filter>, wanted: &str| {
        let at = all.iter().position(|f| {
            matches!(f, Filter::Compare(c) if c.field == wanted && c.operator == Operator::Eq && c.value.is_some())
        })?;
        match all.remove(at) {
            Filter::Compare(c) => c.value,
            _ => None,
        }
    };
    let value = take(all, "tagvalue");
    let Some(name) = take(all, "tagname") else { return value.is_none().then_some(()) };
    all.push(Filter::Tag { name, value });
    Some(())
}
