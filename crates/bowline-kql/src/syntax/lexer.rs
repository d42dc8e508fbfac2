//! Text to tokens. Comments and white space fall away; what is no token is reported once and left out.

use super::span::Span;
use super::token::{TYPED, Token, TokenKind, hyphenated};
use crate::diagnostic::{Diagnostic, MOST_DIAGNOSTICS};

pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) problems: Vec<Diagnostic>,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    out: Lexed,
}

/// All tokens of a text; the last one is always the end.
pub(crate) fn lex(text: &str) -> Lexed {
    let out = Lexed { tokens: Vec::with_capacity(text.len() / 4 + 1), problems: Vec::new() };
    let mut lexer = Lexer { text, at: 0, out };
    lexer.run();
    lexer.out
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        let span = Span::new(self.at, self.at + length);
        self.out.tokens.push(Token { kind, span });
        self.at += length;
    }

    fn run(&mut self) {
        loop {
            self.skip_trivia();
            let Some(next) = self.peek() else { break };
            if next.is_ascii_digit() {
                self.number();
            } else if let Some(length) = self.string_length() {
                match length {
                    Ok(length) => self.push(TokenKind::Text, length),
                    Err(length) => {
                        let span = Span::new(self.at, self.at + length);
                        if self.out.problems.len() < MOST_DIAGNOSTICS {
                            self.out
                                .problems
                                .push(Diagnostic::syntax(span, "this text has no closing quote"));
                        }
                        self.push(TokenKind::Text, length);
                    }
                }
            } else if is_name_start(next) {
                self.name();
            } else {
                self.punctuation(next);
            }
        }
        self.push(TokenKind::End, 0);
    }

    fn skip_trivia(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            let at_line_start =
                self.text[..self.at].trim_end_matches([' ', '\t']).ends_with('\n') || self.at == 0;
            if self.rest().starts_with("//") || (at_line_start && self.rest().starts_with('#')) {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else {
                return;
            }
        }
    }

    fn name(&mut self) {
        if let Some(length) = raw_guid(self.rest()) {
            return self.push(TokenKind::RawGuid, length);
        }
        let word = name_length(self.rest());
        if let Some(keyword) = hyphenated(self.rest()) {
            return self.push(TokenKind::Name, keyword.len());
        }
        let name = &self.rest()[..word];
        if TYPED.contains(&name)
            && self.byte(word) == b'('
            && let Some(length) = typed_length(&self.rest()[word..])
        {
            return self.push(TokenKind::Typed, word + length);
        }
        // `in~` and its like are one word.
        let tilde = usize::from(name == "in" && self.byte(word) == b'~');
        self.push(TokenKind::Name, word + tilde);
    }

    fn number(&mut self) {
        if let Some(length) = raw_guid(self.rest()) {
            return self.push(TokenKind::RawGuid, length);
        }
        let rest = self.rest();
        if let Some(keyword) = hyphenated(rest) {
            return self.push(TokenKind::Name, keyword.len());
        }
        let (kind, length) = number(rest);
        self.push(kind, length);
    }

    /// The length of the string that begins here: whole, or up to where it breaks off.
    fn string_length(&self) -> Option<Result<usize, usize>> {
        let rest = self.rest();
        let hidden =
            usize::from(rest.starts_with(['h', 'H']) && rest[1..].starts_with(['"', '\'', '@', '`', '~']));
        let body = &rest[hidden..];
        for fence in ["```", "~~~"] {
            if let Some(inside) = body.strip_prefix(fence) {
                return Some(match inside.find(fence) {
                    Some(end) => Ok(hidden + 6 + end),
                    None => Err(rest.len()),
                });
            }
        }
        let verbatim = body.starts_with("@\"") || body.starts_with("@'");
        let quoted = &body[usize::from(verbatim)..];
        let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let prefix = hidden + usize::from(verbatim) + 1;
        Some(quoted_end(&quoted[1..], quote, verbatim).map(|end| prefix + end).map_err(|end| prefix + end))
    }

    fn punctuation(&mut self, next: char) {
        let rest = self.rest();
        if next == '!' {
            let word = name_length(&rest[1..]);
            if word > 0 {
                let tilde = usize::from(&rest[1..=word] == "in" && self.byte(word + 1) == b'~');
                return self.push(TokenKind::Punctuation, 1 + word + tilde);
            }
        }
        const TWO: &[&str] = &["==", "!=", "<>", "<=", ">=", "=~", "!~", "=>", "..", "<|"];
        if TWO.iter().any(|two| rest.starts_with(two)) {
            return self.push(TokenKind::Punctuation, 2);
        }
        if "()[]{}|,;:.=<>+-*/%".contains(next) {
            return self.push(TokenKind::Punctuation, 1);
        }
        let span = Span::new(self.at, self.at + next.len_utf8());
        if self.out.problems.len() < MOST_DIAGNOSTICS {
            self.out.problems.push(Diagnostic::syntax(span, format!("'{next}' means nothing here")));
        }
        self.at += next.len_utf8();
    }
}

/// Where a quoted text ends, its closing quote included; an error is the length of what there is.
fn quoted_end(inside: &str, quote: char, verbatim: bool) -> Result<usize, usize> {
    let mut characters = inside.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            if verbatim && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
                continue;
            }
            return Ok(at + 1);
        }
        if !verbatim && (c == '\n' || c == '\r') {
            return Err(at);
        }
        if !verbatim && c == '\\' {
            characters.next();
        }
    }
    Err(inside.len())
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// The kind and length of what begins with a digit: names may, `90th_percentile` for example.
fn number(text: &str) -> (TokenKind, usize) {
    let whole = name_length(text);
    if text.starts_with("0x") || text.starts_with("0X") {
        let hex = text[2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len() - 2);
        if hex > 0 && 2 + hex == whole {
            return (TokenKind::Long, whole);
        }
    }
    let mut end = digits(text);
    let mut kind = TokenKind::Long;
    // `1..5` is a range, so one dot only counts alone.
    if text[end..].starts_with('.') && !text[end..].starts_with("..") {
        let fraction = digits(&text[end + 1..]);
        if fraction > 0 || !text[end + 1..].starts_with(is_name_start) || exponent(&text[end + 1..]).is_some()
        {
            end += 1 + fraction;
            kind = TokenKind::Real;
        }
    }
    if let Some(length) = exponent(&text[end..]) {
        return (TokenKind::Real, end + length);
    }
    let tail = name_length(&text[end..]);
    if tail > 0 {
        if is_timespan_unit(&text[end..end + tail]) {
            return (TokenKind::Timespan, end + tail);
        }
        if kind == TokenKind::Long {
            return (TokenKind::Name, whole);
        }
    }
    (kind, end)
}

fn exponent(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let sign = usize::from(rest.starts_with(['+', '-']));
    let count = digits(&rest[sign..]);
    (count > 0 && name_length(&rest[sign..]) == count).then_some(1 + sign + count)
}

pub(crate) fn is_timespan_unit(unit: &str) -> bool {
    crate::value::timespan_unit(unit).is_some()
}

fn raw_guid(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() < 36 {
        return None;
    }
    let fits = bytes[..36].iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (fits && !bytes.get(36).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_')).then_some(36)
}

/// `(…)` after the name of a type, on one line.
fn typed_length(text: &str) -> Option<usize> {
    let end = text.find([')', '\n'])?;
    let inside = &text[1..end];
    // `datetime("2020-01-01")` may hold a quoted text; a bracket inside of it does not count.
    if let Some(quote) = inside.trim_start().chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let open = 1 + inside.find(quote)?;
        let close = open + 1 + quoted_end(&text[open + 1..], quote, false).ok()?;
        let last = close + text[close..].find(')')?;
        return text[close..last].trim().is_empty().then_some(last + 1);
    }
    text[end..].starts_with(')').then_some(end + 1)
}
