//! Tokens to a tree, by recursive descent. After an error the parser goes on at the next `|` or `;`, so that one run finds
//! several.
//!
//! # Design notes
//! A rule that fails has recorded its diagnostic and gives [`Stop`]; whoever can recover, recovers. The operators' own rules
//! stand in [`crate::operators`], one file each. Nesting is bounded twice: [`MOST_NESTING`] for brackets, which bounds the
//! parser's own recursion, and [`MOST_HEIGHT`] for the tree, which long chains such as `a + b + …` make high without nesting.

mod dynamic;
mod expression;
mod names;
mod primary;
mod statement;

use super::ast::Script;
use super::lexer::lex;
use super::span::Span;
use super::token::{Token, TokenKind};
use crate::diagnostic::{Diagnostic, MOST_DIAGNOSTICS};

/// A diagnostic was recorded and the rule gave up.
#[derive(Debug)]
pub(crate) struct Stop;

pub(crate) type Parsed<T> = Result<T, Stop>;

/// The longest text that is read, in bytes.
pub const LONGEST_QUERY: usize = 1024 * 1024;
/// How deep brackets may nest.
const MOST_NESTING: usize = 64;
/// How high the tree of an expression may be.
const MOST_HEIGHT: u16 = 150;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialect {
    /// The text may begin with an operator such as `where`, which then works on the default table.
    pub implicit_table: bool,
}

pub(crate) struct Parser<'a> {
    pub(crate) text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
    pub(crate) dialect: Dialect,
    /// In the condition of `search`, `column: term` is `column has term`.
    pub(crate) in_search: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// The tree of a text, as far as it could be read, and everything that is wrong with it.
pub fn parse(text: &str, dialect: Dialect) -> (Script, Vec<Diagnostic>) {
    let empty = Script { statements: Vec::new() };
    if text.len() > LONGEST_QUERY {
        let message = format!("the query has {} bytes; at most {LONGEST_QUERY} are read", text.len());
        return (empty, vec![Diagnostic::syntax(Span::default(), message)]);
    }
    let lexed = lex(text);
    if let Some(refusal) = management_command(text, &lexed.tokens) {
        return (empty, vec![refusal]);
    }
    let mut parser = Parser {
        text,
        tokens: lexed.tokens,
        at: 0,
        nesting: 0,
        dialect,
        in_search: false,
        diagnostics: lexed.problems,
    };
    let script = parser.script();
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    diagnostics.truncate(MOST_DIAGNOSTICS);
    (script, diagnostics)
}

/// `.show`, `.create` and their like administer a database; here there is none.
fn management_command(text: &str, tokens: &[Token]) -> Option<Diagnostic> {
    let dot = tokens.first().filter(|first| first.span.text(text) == ".")?;
    let word = tokens.get(1).filter(|word| word.kind == TokenKind::Name);
    let span = word.map_or(dot.span, |word| dot.span.to(word.span));
    let message = format!(
        "'{}' is a management command; only queries are answered here, and what exists is changed through its resource",
        span.text(text)
    );
    Some(Diagnostic::syntax(span, message))
}

impl<'a> Parser<'a> {
    pub(crate) fn token(&self) -> Token {
        self.tokens[self.at]
    }

    fn token_ahead(&self, ahead: usize) -> Token {
        self.tokens[(self.at + ahead).min(self.tokens.len() - 1)]
    }

    pub(crate) fn kind(&self) -> TokenKind {
        self.token().kind
    }

    pub(crate) fn word(&self) -> &'a str {
        self.word_ahead(0)
    }

    pub(crate) fn word_ahead(&self, ahead: usize) -> &'a str {
        self.token_ahead(ahead).span.text(self.text)
    }

    pub(crate) fn kind_ahead(&self, ahead: usize) -> TokenKind {
        self.token_ahead(ahead).kind
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        self.is_ahead(0, text)
    }

    pub(crate) fn is_ahead(&self, ahead: usize, text: &str) -> bool {
        let token = self.token_ahead(ahead);
        matches!(token.kind, TokenKind::Name | TokenKind::Punctuation) && token.span.text(self.text) == text
    }

    pub(crate) fn advance(&mut self) -> Token {
        let token = self.token();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = self.is(text);
        if found {
            self.advance();
        }
        found
    }

    pub(crate) fn expect(&mut self, text: &str) -> Parsed<Token> {
        if self.is(text) { Ok(self.advance()) } else { Err(self.expected(&format!("'{text}'"))) }
    }

    /// The place of the last token that was taken.
    pub(crate) fn last(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span
    }

    /// From a place to the last token that was taken.
    pub(crate) fn since(&self, start: Span) -> Span {
        start.to(self.last())
    }

    pub(crate) fn expected(&mut self, what: &str) -> Stop {
        let token = self.token();
        let found = match token.kind {
            TokenKind::End => "the query ends".to_owned(),
            _ => format!("found '{}'", token.span.text(self.text).chars().take(40).collect::<String>()),
        };
        self.report(Diagnostic::syntax(token.span, format!("expected {what}, but {found}")))
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Stop {
        // The same place twice is one mistake seen by two rules.
        // What follows so many mistakes is not read any more.
        if self.diagnostics.len() >= MOST_DIAGNOSTICS {
            self.at = self.tokens.len() - 1;
            return Stop;
        }
        if self.diagnostics.iter().all(|known| known.span.start != diagnostic.span.start) {
            self.diagnostics.push(diagnostic);
        }
        Stop
    }

    /// Runs a rule one level deeper.
    pub(crate) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= MOST_NESTING {
            let span = self.token().span;
            let message = format!("the query nests deeper than {MOST_NESTING} levels");
            return Err(self.report(Diagnostic::syntax(span, message)));
        }
        self.nesting += 1;
        let result = rule(self);
        self.nesting -= 1;
        result
    }

    /// At least one, with commas between.
    pub(crate) fn list<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut all = vec![rule(self)?];
        while self.eat(",") {
            all.push(rule(self)?);
        }
        Ok(all)
    }

    /// Skips to one of the given marks that stands outside of any brackets opened on the way.
    pub(crate) fn skip_to(&mut self, marks: &[&str]) {
        let mut open = 0usize;
        while self.kind() != TokenKind::End {
            let word = self.word();
            if self.kind() == TokenKind::Punctuation {
                if open == 0 && marks.contains(&word) {
                    return;
                }
                match word {
                    "(" | "[" | "{" => open += 1,
                    ")" | "]" | "}" if open > 0 => open -= 1,
                    ";" => return,
                    _ => {}
                }
            }
            self.advance();
        }
    }

    fn position(&self) -> usize {
        self.at
    }
}

impl Parser<'_> {
    /// Whether nothing of this operator can follow.
    pub(crate) fn ends_operator(&self) -> bool {
        self.kind() == TokenKind::End || ["|", ";", ")", "}"].iter().any(|mark| self.is(mark))
    }
}
