//! `as`: a name for the table so far.

use crate::syntax::ast::Name;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct As {
    pub name: Name,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<As> {
    parser.settings(&[])?;
    Ok(As { name: parser.declared_name()? })
}
