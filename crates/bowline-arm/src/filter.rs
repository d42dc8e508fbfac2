//! The part of OData's `$filter` that ARM's clients send on lists: comparisons joined by `and`.
//!
//! `resourceGroup eq 'x'`, `resourceType eq 'a/b'`, `tagName eq 'env' and tagValue eq 'dev'`, `name eq 'x'`, `principalId eq '…'`,
//! `atScope()`. Words come in any case.

/// `field op 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Lower case.
    pub field: String,
    /// Whether the operator is `ne`.
    pub negated: bool,
    /// The literal.
    pub value: String,
}

/// A conjunction of comparisons and calls without arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The comparisons.
    pub comparisons: Vec<Comparison>,
    /// Calls such as `atScope()`, lower case, without parentheses.
    pub calls: Vec<String>,
}

/// Why a filter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the $filter is not understood at position {position}: {expected} was expected. Comparisons are written name eq 'value' and joined by and"
)]
pub struct FilterError {
    /// Zero-based, in characters.
    pub position: usize,
    /// What would have been right.
    pub expected: &'static str,
}

impl Filter {
    /// Reads a filter of at most 2,048 characters.
    ///
    /// # Errors
    /// See [`FilterError`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut reader = Reader { rest: text, total: text.len() };
        if text.len() > 2048 {
            return Err(reader.expected("a filter of at most 2,048 characters"));
        }
        let mut filter = Self::default();
        loop {
            reader.term(&mut filter)?;
            match reader.word() {
                None if reader.skip().is_empty() => return Ok(filter),
                Some(word) if word.eq_ignore_ascii_case("and") => {}
                _ => return Err(reader.expected("'and' or the end")),
            }
        }
    }

    /// The value compared for equality with `field`, if any.
    #[must_use]
    pub fn equals(&self, field: &str) -> Option<&str> {
        self.comparisons.iter().find(|c| !c.negated && c.field == field).map(|c| c.value.as_str())
    }
}

struct Reader<'a> {
    rest: &'a str,
    total: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        FilterError { position: self.total - self.rest.len(), expected }
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.skip();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '/' || c == '.'))
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        (!word.is_empty()).then(|| {
            self.rest = tail;
            word
        })
    }

    fn term(&mut self, filter: &mut Filter) -> Result<(), FilterError> {
        let field = self.word().ok_or_else(|| self.expected("a name"))?.to_ascii_lowercase();
        if let Some(tail) = self.skip().strip_prefix("()") {
            self.rest = tail;
            filter.calls.push(field);
            return Ok(());
        }
        let negated = match self.word() {
            Some(op) if op.eq_ignore_ascii_case("eq") => false,
            Some(op) if op.eq_ignore_ascii_case("ne") => true,
            _ => return Err(self.expected("'eq' or 'ne'")),
        };
        let value = self.literal()?;
        filter.comparisons.push(Comparison { field, negated, value });
        Ok(())
    }

    /// `'text'` with `''` for a quote, or a bare word.
    fn literal(&mut self) -> Result<String, FilterError> {
        let Some(mut rest) = self.skip().strip_prefix('\'') else {
            return self.word().map(str::to_owned).ok_or_else(|| self.expected("a value in single quotes"));
        };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_real_clients_are_read() {
        let f = Filter::parse("tagname eq 'env' and tagvalue eq 'it''s'").unwrap();
        assert_eq!((f.equals("tagname"), f.equals("tagvalue")), (Some("env"), Some("it's")));
        assert_eq!(Filter::parse("atScope()").unwrap().calls, ["atscope"]);
        let f = Filter::parse("atScope() and principalId eq 'x'").unwrap();
        assert_eq!(f.equals("principalid"), Some("x"));
    }

    #[test]
    fn broken_filters_say_where() {
        for (text, position) in [
            ("", 0),
            ("name", 4),
            ("name eq", 7),
            ("name eq 'x", 8),
            ("name eq 'x' or", 11),
            ("name gt 'x'", 7),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert!(error.position.abs_diff(position) <= 3, "{text}: {error}");
        }
    }
}
