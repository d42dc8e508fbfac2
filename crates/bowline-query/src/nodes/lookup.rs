//! `ipv4_lookup`, `ipv6_lookup`, `rows_near`: rows beside rows.

use std::collections::HashMap;

use bowline_kql::Value;
use bowline_kql::plan::{Expr, ExprKind};

use crate::compare::{Key, key};
use crate::convert;
use crate::error::QueryError;
use crate::eval::eval;
use crate::functions::Network;
use crate::run::{Row, Run, null};

/// The places of rows by the bits of their network and their extra keys.
type Networks = HashMap<(u128, Vec<Key>), Vec<usize>>;

/// Of each row the rows of the table whose network has its address and whose extra keys are its own.
pub(crate) fn lookup(
    run: &Run<'_>,
    rows: &[Row],
    arguments: &[Expr],
    v4: bool,
) -> Result<Vec<Row>, QueryError> {
    let [table, address, network, unmatched, keys @ ..] = arguments else {
        return Err(QueryError::failed("the plan looks up networks without a table"));
    };
    let ExprKind::Subquery(table) = &table.kind else {
        return Err(QueryError::failed("the plan looks up networks in no table"));
    };
    let parse = |value: &Value| {
        let text = convert::to_text(value);
        if v4 { Network::parse_v4(&text) } else { Network::parse(&text) }
    };
    let own: Vec<&Expr> = keys.iter().step_by(2).collect();
    let others: Vec<&Expr> = keys.iter().skip(1).step_by(2).collect();
    let extra = |keys: &[&Expr], row: &Row| {
        keys.iter().map(|one| Ok(key(&eval(run, one, row)?))).collect::<Result<Vec<Key>, QueryError>>()
    };
    let networks = run.subquery(table)?;
    // By how many bits count, then by those bits and the extra keys.
    let mut known: HashMap<u32, Networks> = HashMap::new();
    for (at, row) in networks.iter().enumerate() {
        if let Some(found) = parse(&eval(run, network, row)?) {
            let of_prefix = known.entry(found.prefix()).or_default();
            of_prefix.entry((found.masked(), extra(&others, row)?)).or_default().push(at);
        }
    }
    let keeps = eval(run, unmatched, &[])? == Value::Bool(true);
    let mut out = Vec::new();
    for row in rows {
        let mut found: Vec<usize> = Vec::new();
        if let Some(address) = parse(&eval(run, address, row)?) {
            let extra = extra(&own, row)?;
            for (prefix, networks) in &known {
                let at = networks.get(&(address.masked_to(*prefix), extra.clone()));
                found.extend(at.into_iter().flatten());
            }
        }
        found.sort_unstable();
        if found.is_empty() && keeps {
            let nothing = table.schema.columns.iter().map(|column| null(column.ty));
            out.push(row.iter().cloned().chain(nothing).collect());
        }
        for at in found {
            run.check()?;
            out.push(row.iter().chain(&networks[at]).cloned().collect());
        }
        run.room(out.len())?;
    }
    Ok(out)
}

/// The rows where a condition holds, so many before and so many after each of them.
pub(crate) fn rows_near(run: &Run<'_>, rows: &[Row], arguments: &[Expr]) -> Result<Vec<Row>, QueryError> {
    let [condition, before, after] = arguments else {
        return Err(QueryError::failed("the plan asks for neighbours without a condition"));
    };
    let (before, after) = (run.count(before)?, run.count(after)?);
    let mut out = Vec::new();
    let mut next = 0;
    for (at, row) in rows.iter().enumerate() {
        if run.holds(condition, row)? {
            let end = at.saturating_add(after).saturating_add(1).min(rows.len());
            let start = at.saturating_sub(before).max(next).min(end);
            out.extend_from_slice(&rows[start..end]);
            next = end;
        }
    }
    Ok(out)
}
