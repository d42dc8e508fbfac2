//! From words to regorus's tree.

use regorus::languages::azure_rbac::ast::{
    ArrayExpression, ArrayOperator, AttributeReference, AttributeSource, BinaryExpression, BooleanLiteral,
    ConditionExpr, EmptySpan, FunctionCallExpression, IdentifierExpression, ListLiteral, LogicalExpression,
    LogicalOperator, NullLiteral, NumberLiteral, SetLiteral, StringLiteral, UnaryExpression, UnaryOperator,
    VariableReference,
};
use regorus::languages::azure_rbac::builtins::RbacBuiltin;

use super::lexer::{Placed, Token, read};
use super::{ConditionError, MAX_BYTES};

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 64;

/// How many parts of a chain hang one below the other.
const MAX_CHAIN: usize = 8;

pub(super) struct Parsed {
    pub(super) expression: ConditionExpr,
    pub(super) references: Vec<AttributeReference>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ConditionError> {
    if text.len() > MAX_BYTES {
        let expected = format!("a condition of at most {MAX_BYTES} bytes");
        return Err(ConditionError { position: MAX_BYTES, expected });
    }
    let mut parser = Parser { tokens: read(text)?, at: 0, depth: 0, references: Vec::new() };
    let expression = parser.or()?;
    match parser.peek() {
        Token::End => Ok(Parsed { expression, references: parser.references }),
        _ => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    references: Vec<AttributeReference>,
}

type Read = Result<ConditionExpr, ConditionError>;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].token
    }

    /// The current word; the end stays where it is.
    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn expected(&self, expected: &str) -> ConditionError {
        ConditionError { position: self.tokens[self.at].position, expected: expected.to_owned() }
    }

    fn sign(&mut self, sign: char) -> Result<(), ConditionError> {
        match self.peek() {
            Token::Sign(found) if *found == sign => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.expected(&format!("'{sign}'"))),
        }
    }

    fn is_sign(&self, sign: char) -> bool {
        *self.peek() == Token::Sign(sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Read) -> Read {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.expected(&format!("at most {MAX_DEPTH} levels of nesting")));
        }
        let expression = read(self);
        self.depth -= 1;
        expression
    }

    fn or(&mut self) -> Read {
        self.chain('|', "OR", LogicalOperator::Or, Self::and)
    }

    fn and(&mut self) -> Read {
        self.chain('&', "AND", LogicalOperator::And, Self::unary)
    }

    fn chain(
        &mut self,
        sign: char,
        word: &str,
        operator: LogicalOperator,
        part: fn(&mut Self) -> Read,
    ) -> Read {
        let mut parts = vec![part(self)?];
        while self.is_sign(sign) || self.is_word(word) {
            self.at += 1;
            parts.push(part(self)?);
        }
        Ok(join(parts, &operator))
    }

    fn unary(&mut self) -> Read {
        let operator = match self.peek() {
            Token::Sign('!') => UnaryOperator::Not,
            Token::Word(word) if word.eq_ignore_ascii_case("not") => UnaryOperator::Not,
            Token::Word(word) if word.eq_ignore_ascii_case("exists") => UnaryOperator::Exists,
            Token::Word(word) if word.eq_ignore_ascii_case("notexists") => UnaryOperator::NotExists,
            _ => return self.comparison(),
        };
        self.at += 1;
        let operand = match operator {
            UnaryOperator::Not => self.deeper(Self::unary)?,
            _ => self.primary()?,
        };
        Ok(ConditionExpr::Unary(UnaryExpression { span: EmptySpan, operator, operand: Box::new(operand) }))
    }

    fn comparison(&mut self) -> Read {
        let left = self.primary()?;
        let operator = match self.peek() {
            Token::Word(word) => RbacBuiltin::parse_operator(word),
            _ => None,
        };
        let Some(operator) = operator else { return Ok(left) };
        self.at += 1;
        if self.is_sign(':') {
            self.at += 1;
            let inner = match self.next() {
                Token::Word(word) => RbacBuiltin::parse_operator(&word),
                _ => None,
            };
            let inner = inner.ok_or_else(|| self.expected("an operator after ':'"))?;
            let right = self.primary()?;
            return self.cross(operator, inner, left, right);
        }
        let right = self.primary()?;
        Ok(binary(operator, left, right))
    }

    /// `left ForAnyOfAllValues:Operator right`: for any value of the left, the operator holds with all values of the right.
    fn cross(
        &self,
        outer: RbacBuiltin,
        inner: RbacBuiltin,
        left: ConditionExpr,
        right: ConditionExpr,
    ) -> Read {
        let (of_left, of_right) = match outer {
            RbacBuiltin::ForAnyOfAnyValues => ("ANY", "ANY"),
            RbacBuiltin::ForAnyOfAllValues => ("ANY", "ALL"),
            RbacBuiltin::ForAllOfAnyValues => ("ALL", "ANY"),
            RbacBuiltin::ForAllOfAllValues => ("ALL", "ALL"),
            _ => return Err(self.expected("ForAnyOfAnyValues or another cross product before ':'")),
        };
        let pair = binary(inner, variable("left"), variable("right"));
        Ok(quantified(of_left, left, "left", quantified(of_right, right, "right", pair)))
    }

    fn primary(&mut self) -> Read {
        match self.next() {
            Token::Sign('(') => {
                let inner = self.deeper(Self::or)?;
                self.sign(')')?;
                Ok(inner)
            }
            Token::Sign('{') => {
                let elements = self.elements('}')?;
                Ok(ConditionExpr::SetLiteral(SetLiteral { span: EmptySpan, elements }))
            }
            Token::Sign('[') => {
                let elements = self.elements(']')?;
                Ok(ConditionExpr::ListLiteral(ListLiteral { span: EmptySpan, elements }))
            }
            Token::Text(value) => Ok(ConditionExpr::StringLiteral(StringLiteral { span: EmptySpan, value })),
            Token::Number(raw) => Ok(ConditionExpr::NumberLiteral(NumberLiteral { span: EmptySpan, raw })),
            Token::Attribute { source, namespace, name } => self.attribute(&source, namespace, name),
            Token::Word(word) => self.word(word),
            _ => {
                self.at = self.at.saturating_sub(usize::from(*self.peek() != Token::End));
                Err(self.expected("a value, an attribute or '('"))
            }
        }
    }

    fn word(&mut self, word: String) -> Read {
        let literal = |value| ConditionExpr::BooleanLiteral(BooleanLiteral { span: EmptySpan, value });
        match word.as_str() {
            "true" => return Ok(literal(true)),
            "false" => return Ok(literal(false)),
            "null" => return Ok(ConditionExpr::NullLiteral(NullLiteral { span: EmptySpan })),
            _ => {}
        }
        if self.is_sign('(') {
            self.at += 1;
            let arguments = self.elements(')')?;
            return Ok(call(word, arguments));
        }
        if self.is_sign('{') && matches!(word.as_str(), "ActionMatches" | "SubOperationMatches") {
            self.at += 1;
            let patterns = self.elements('}')?;
            if patterns.is_empty() {
                return Err(self.expected("an action in the braces"));
            }
            let calls = patterns.into_iter().map(|pattern| call(word.clone(), vec![pattern])).collect();
            return Ok(join(calls, &LogicalOperator::Or));
        }
        if RbacBuiltin::parse_operator(&word).is_some() {
            return Err(self.expected(&format!("a value before {word}")));
        }
        // A name by itself says nothing, unless an operator follows it.
        match self.peek() {
            Token::Word(next) if RbacBuiltin::parse_operator(next).is_some() => {
                Ok(ConditionExpr::Identifier(IdentifierExpression { span: EmptySpan, name: word }))
            }
            _ => Err(self.expected("an operator")),
        }
    }

    fn elements(&mut self, end: char) -> Result<Vec<ConditionExpr>, ConditionError> {
        let mut elements = Vec::new();
        if !self.is_sign(end) {
            loop {
                elements.push(self.deeper(Self::or)?);
                if !self.is_sign(',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.sign(end)?;
        Ok(elements)
    }

    fn attribute(&mut self, source: &str, namespace: Option<String>, name: String) -> Read {
        let source = match source {
            "Request" => AttributeSource::Request,
            "Resource" => AttributeSource::Resource,
            "Principal" => AttributeSource::Principal,
            "Environment" => AttributeSource::Environment,
            "Context" => AttributeSource::Context,
            _ => return Err(self.expected("@Request, @Resource, @Principal or @Environment")),
        };
        // Azure writes `@Environment[UtcNow]`, the evaluator knows `utcNow`.
        let attribute = match source {
            AttributeSource::Environment => lower_first(&name),
            _ => name,
        };
        let reference =
            AttributeReference { span: EmptySpan, source, namespace, attribute, path: Vec::new() };
        self.references.push(reference.clone());
        Ok(ConditionExpr::AttributeReference(reference))
    }
}

/// A chain hangs from its last operator, as it is read; a long one is halved, so that it is not as deep as it is long.
fn join(mut parts: Vec<ConditionExpr>, operator: &LogicalOperator) -> ConditionExpr {
    let logical = |left, right| {
        let (left, right) = (Box::new(left), Box::new(right));
        ConditionExpr::Logical(LogicalExpression { span: EmptySpan, operator: operator.clone(), left, right })
    };
    if parts.len() > MAX_CHAIN {
        let right = parts.split_off(parts.len() / 2);
        return logical(join(parts, operator), join(right, operator));
    }
    parts.into_iter().reduce(logical).expect("a chain has at least one part")
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn binary(operator: RbacBuiltin, left: ConditionExpr, right: ConditionExpr) -> ConditionExpr {
    let (left, right) = (Box::new(left), Box::new(right));
    ConditionExpr::Binary(BinaryExpression { span: EmptySpan, operator, left, right })
}

fn call(function: String, arguments: Vec<ConditionExpr>) -> ConditionExpr {
    ConditionExpr::FunctionCall(FunctionCallExpression { span: EmptySpan, function, arguments })
}

fn variable(name: &str) -> ConditionExpr {
    ConditionExpr::VariableReference(VariableReference { span: EmptySpan, name: name.to_owned() })
}

/// One value counts as a list of one.
fn quantified(operator: &str, array: ConditionExpr, name: &str, condition: ConditionExpr) -> ConditionExpr {
    ConditionExpr::ArrayExpression(ArrayExpression {
        span: EmptySpan,
        operator: ArrayOperator { name: operator.to_owned(), modifier: None },
        array: Box::new(call("NormalizeList".to_owned(), vec![array])),
        variable: Some(name.to_owned()),
        condition: Box::new(condition),
    })
}
