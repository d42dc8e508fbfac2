//! `make-series`: lists of aggregates along an axis.

use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};

#[derive(Clone, Debug)]
pub struct Series {
    pub aggregate: Expr,
    /// What stands where there is nothing; without it zero.
    pub default: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct MakeSeries {
    pub settings: Vec<Setting>,
    pub series: Vec<Series>,
    pub axis: Expr,
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    pub step: Expr,
    pub keys: Vec<Expr>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<MakeSeries> {
    let settings = parser.settings(&["kind"])?;
    let series = parser.list(parse_series)?;
    parser.expect("on")?;
    let axis = parser.axis()?;
    let (mut from, mut to) = (None, None);
    let step = if parser.eat("in") {
        parser.expect("range")?;
        parser.expect("(")?;
        from = Some(parser.expression()?);
        parser.expect(",")?;
        to = Some(parser.expression()?);
        parser.expect(",")?;
        let step = parser.expression()?;
        parser.expect(")")?;
        step
    } else {
        if parser.eat("from") {
            from = Some(parser.expression()?);
        }
        if parser.eat("to") {
            to = Some(parser.expression()?);
        }
        parser.expect("step")?;
        parser.expression()?
    };
    let keys = if parser.eat("by") { parser.list(Parser::named_column)? } else { Vec::new() };
    Ok(MakeSeries { settings, series, axis, from, to, step, keys })
}

fn parse_series(parser: &mut Parser<'_>) -> Parsed<Series> {
    let aggregate = parser.named_column()?;
    let mut default = None;
    if parser.is("default") && parser.is_ahead(1, "=") {
        parser.advance();
        parser.advance();
        default = Some(parser.expression()?);
    }
    Ok(Series { aggregate, default })
}
