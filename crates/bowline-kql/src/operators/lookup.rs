//! `lookup`: a join that adds the columns of a smaller table.

use super::join::{self, Join};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Lookup {
    pub join: Join,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Lookup> {
    Ok(Lookup { join: join::parse(parser)? })
}
