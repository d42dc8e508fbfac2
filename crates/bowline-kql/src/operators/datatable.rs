//! `datatable`: a table that stands in the query.

use crate::syntax::ast::{ColumnDeclaration, Expr};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Datatable {
    pub columns: Vec<ColumnDeclaration>,
    /// Row by row.
    pub values: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Datatable> {
    let columns = parser.row_schema()?.columns;
    parser.expect("[")?;
    let mut values = Vec::new();
    while !parser.is("]") {
        values.push(parser.literal_value()?);
        if !parser.eat(",") {
            break;
        }
    }
    parser.expect("]")?;
    Ok(Datatable { columns, values })
}
