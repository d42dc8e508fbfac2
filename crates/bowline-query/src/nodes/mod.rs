//! Nodes of a plan that are more than a few lines.

mod activity;
pub(crate) mod expand;
mod group;
mod join;
mod lookup;
mod order;
pub(crate) mod parse;
mod parse_kv;
mod plugin;
mod scan;
mod series;
mod top_nested;
mod window;

use bowline_kql::Value;
use bowline_kql::plan::{Expr, Op};

pub(crate) use expand::{Lists, apply, expand, partition};
pub(crate) use group::aggregate;
pub(crate) use join::join;
pub(crate) use order::{sample, sort};
pub(crate) use parse::parse;
pub(crate) use parse_kv::parse_kv;
pub(crate) use plugin::plugin;
pub(crate) use scan::scan;
pub(crate) use series::{Axis, make_series};
pub(crate) use top_nested::top_nested;
pub(crate) use window::window;

use crate::compare::{is_null, order as compare};
use crate::error::QueryError;
use crate::eval::{arithmetic, eval};
use crate::run::{Row, Run};

/// One column that counts up or down.
pub(crate) fn range(run: &Run<'_>, from: &Expr, to: &Expr, step: &Expr) -> Result<Vec<Row>, QueryError> {
    let [mut at, to, step] = [eval(run, from, &[])?, eval(run, to, &[])?, eval(run, step, &[])?];
    let mut rows = Vec::new();
    if is_null(&at) || is_null(&to) || is_null(&step) {
        return Ok(rows);
    }
    let next = |at: &Value| arithmetic(Op::Add, at.ty(), at, &step);
    let direction = compare(&next(&at), &at);
    if direction.is_eq() {
        return Err(QueryError::failed("range: the step is zero"));
    }
    while !is_null(&at) && compare(&at, &to) != direction {
        let following = next(&at);
        rows.push(vec![at]);
        if rows.len() % 4096 == 0 {
            run.room(rows.len())?;
        }
        at = following;
    }
    Ok(rows)
}
