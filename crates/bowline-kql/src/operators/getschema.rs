//! `getschema`: the columns of a table as rows.

use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct GetSchema {
    /// `kind=csl`: as one text.
    pub as_text: bool,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<GetSchema> {
    let settings = parser.settings(&["kind"])?;
    Ok(GetSchema { as_text: !settings.is_empty() })
}
