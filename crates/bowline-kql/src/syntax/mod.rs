//! From text to a tree: tokens, the parser, and the tree that it builds.

pub mod ast;
mod lexer;
pub(crate) mod literal;
pub(crate) mod parser;
pub(crate) mod span;
pub(crate) mod token;

pub use parser::parse;
