//! `externaldata`: a table from elsewhere, which is read and then refused.

use crate::syntax::ast::RowSchema;
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct ExternalData {
    pub columns: RowSchema,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<ExternalData> {
    let columns = parser.row_schema()?;
    parser.expect("[")?;
    parser.list(Parser::expression)?;
    parser.expect("]")?;
    if parser.eat("with") {
        super::parse_properties(parser)?;
    }
    Ok(ExternalData { columns })
}
