//! The words of a condition.

use super::ConditionError;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name: an operator, a function, `AND`, `true`.
    Word(String),
    /// A quoted text, or a bare GUID.
    Text(String),
    /// As written.
    Number(String),
    /// What stands between `@` and `]`: the source, the namespace and the name.
    Attribute {
        source: String,
        namespace: Option<String>,
        name: String,
    },
    /// `(`, `)`, `{`, `}`, `[`, `]`, `,`, `:`, `!`; and `&` and `|` for the doubled ones.
    Sign(char),
    End,
}

/// A word and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) position: usize,
}

/// Splits a condition into words, with [`Token::End`] last.
pub(super) fn read(text: &str) -> Result<Vec<Placed>, ConditionError> {
    let mut reader = Reader { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let rest = reader.rest();
        reader.at += rest.len() - rest.trim_start().len();
        let position = reader.at;
        let token = reader.token()?;
        let end = token == Token::End;
        tokens.push(Placed { token, position });
        if end {
            return Ok(tokens);
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn expected(&self, expected: &str) -> ConditionError {
        ConditionError { position: self.at, expected: expected.to_owned() }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.rest()[..length];
        self.at += length;
        taken
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        self.take(rest.find(|c| !test(c)).unwrap_or(rest.len()))
    }

    fn token(&mut self) -> Result<Token, ConditionError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        match first {
            '(' | ')' | '{' | '}' | '[' | ']' | ',' | ':' | '!' => {
                self.at += 1;
                Ok(Token::Sign(first))
            }
            '&' | '|' if rest[1..].starts_with(first) => {
                self.at += 2;
                Ok(Token::Sign(first))
            }
            '\'' | '"' => self.text(first),
            '@' => self.attribute(),
            _ if guid(rest) => Ok(Token::Text(self.take(36).to_owned())),
            '-' | '0'..='9' => {
                let number = self.take_while(|c| matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
                match number.parse::<f64>() {
                    Ok(value) if value.is_finite() => Ok(Token::Number(number.to_owned())),
                    _ => Err(self.expected("a number")),
                }
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                Ok(Token::Word(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned()))
            }
            _ => Err(self.expected("a value, an attribute, an operator or a parenthesis")),
        }
    }

    /// A text up to the same quote; a quote inside has a backslash before it.
    fn text(&mut self, quote: char) -> Result<Token, ConditionError> {
        let rest = self.rest();
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            if c == quote && !escaped {
                self.at += at + 1;
                return Ok(Token::Text(text));
            }
            if c == quote {
                text.pop();
            }
            escaped = c == '\\' && !escaped;
            text.push(c);
        }
        Err(ConditionError { position: self.text.len(), expected: format!("a closing {quote}") })
    }

    fn attribute(&mut self) -> Result<Token, ConditionError> {
        self.at += 1;
        let source = self.take_while(|c| c.is_ascii_alphabetic()).to_owned();
        if !self.rest().starts_with('[') {
            return Err(self.expected("'[' after the attribute's source"));
        }
        self.at += 1;
        let inner = self.take_while(|c| c != ']' && c != '\n');
        if !self.rest().starts_with(']') || inner.trim().is_empty() {
            return Err(self.expected("an attribute's name and ']'"));
        }
        self.at += 1;
        // `<$key_case_sensitive$>` after the name of a tag says how Azure's storage compares it.
        let inner = inner.split_once('<').map_or(inner, |(name, _)| name).trim();
        let (namespace, name) = match inner.rsplit_once(':') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
            None => (None, inner.to_owned()),
        };
        Ok(Token::Attribute { source, namespace, name })
    }
}

/// Whether a text begins with a GUID that ends there.
fn guid(text: &str) -> bool {
    let Some(head) = text.as_bytes().get(..36) else { return false };
    let fits = head.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    fits && text.as_bytes().get(36).is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'-')
}
