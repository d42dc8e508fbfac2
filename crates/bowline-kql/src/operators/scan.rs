//! `scan`: rows that follow each other as steps say.

use std::sync::Arc;

use super::sort::{self, Sort};
use crate::bind::{Binder, Bound, Row, Side};
use crate::plan::{self, Column, Node, Plan, ScanOutput, ScanStep, Schema};
use crate::syntax::ast::{ColumnDeclaration, Expr, ExprKind, Name, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::syntax::span::Span;
use crate::types::Type;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Step {
    pub name: Name,
    pub settings: Vec<Setting>,
    pub condition: Expr,
    pub assignments: Vec<Expr>,
}

#[derive(Clone, Debug)]
pub struct Scan {
    pub settings: Vec<Setting>,
    pub order: Option<Sort>,
    /// `partition by`: not answered.
    pub partition: Option<Span>,
    pub declared: Vec<(ColumnDeclaration, Option<Expr>)>,
    pub steps: Vec<Step>,
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<Scan> {
    let settings = parser.settings(&["kind", "with_match_id", "with_step_name"])?;
    let mut order = None;
    if parser.is("order") || parser.is("sort") {
        parser.advance();
        order = Some(sort::parse(parser)?);
    }
    let mut partition = None;
    if parser.is("partition") {
        partition = Some(parser.advance().span);
        parser.expect("by")?;
        parser.list(Parser::expression)?;
    }
    let mut declared = Vec::new();
    if parser.eat("declare") {
        parser.expect("(")?;
        declared = parser.list(|parser| {
            let column = parser.column_declaration()?;
            let default = if parser.eat("=") { Some(parser.expression()?) } else { None };
            Ok((column, default))
        })?;
        parser.expect(")")?;
    }
    parser.expect("with")?;
    parser.expect("(")?;
    let mut steps = Vec::new();
    while parser.eat("step") {
        steps.push(parse_step(parser)?);
    }
    parser.expect(")")?;
    Ok(Scan { settings, order, partition, declared, steps })
}

fn parse_step(parser: &mut Parser<'_>) -> Parsed<Step> {
    let name = parser.declared_name()?;
    parser.eat("optional");
    let settings = parser.settings(&["output"])?;
    parser.expect(":")?;
    let condition = parser.expression()?;
    let assignments = if parser.eat("=>") { parser.list(Parser::named)? } else { Vec::new() };
    parser.expect(";")?;
    Ok(Step { name, settings, condition, assignments })
}

impl Scan {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        if let Some(span) = self.partition {
            let why = "write '| partition by column ( scan … )'";
            return Err(binder.refused(span, "'partition by' in scan", why));
        }
        let input = match &self.order {
            Some(order) => order.bind(binder, input)?,
            None => input,
        };
        let nothing = Schema::default();
        let mut declared = Vec::with_capacity(self.declared.len());
        for (column, default) in &self.declared {
            declared.push(match default {
                Some(written) => {
                    let value = binder.expr(written, &mut Row::over(&nothing))?;
                    binder.convert(written.span, value, column.ty)?
                }
                None => plan::Expr::literal(Value::null(column.ty)),
            });
        }
        let columns = self.declared.iter().map(|(column, _)| Column::new(&column.name.text, column.ty));
        let record = input.schema.with(columns);
        let steps = self.steps.iter().map(|step| self.step(binder, step, &input.schema, &record));
        let steps = steps.collect::<Bound<Vec<_>>>()?;
        let id = super::setting(&self.settings, "with_match_id");
        let with_match_id = id.is_some();
        let schema = record.with(id.map(|name| Column::new(name, Type::Long)));
        Ok(Plan::new(schema, Node::Scan { input, declared, steps, with_match_id }))
    }

    fn step(&self, binder: &mut Binder<'_>, step: &Step, input: &Schema, record: &Schema) -> Bound<ScanStep> {
        let mut row = Row::over(record);
        let states = self.steps.iter().enumerate();
        row.sides = states
            .map(|(at, one)| Side { name: &one.name.text, offset: record.len() * (at + 1), schema: record })
            .collect();
        let condition = binder.condition(&step.condition, &mut row)?;
        let mut assignments = Vec::with_capacity(step.assignments.len());
        for written in &step.assignments {
            let ExprKind::Named { names, value } = &written.kind else {
                return Err(
                    binder.wrong(written.span, "a step gives values to declared columns: name = value")
                );
            };
            let name = &names[0];
            let declared = self.declared.iter().position(|(column, _)| column.name.text == name.text);
            let Some(place) = declared else {
                let declared = Schema::new(record.columns[input.len()..].to_vec());
                return Err(super::no_column(binder, &name.text, name.span, &declared));
            };
            let bound = binder.expr(value, &mut row)?;
            let ty = self.declared[place].0.ty;
            let bound = if bound.ty.is_numeric() && ty.is_numeric() {
                bound.cast(ty)
            } else {
                binder.convert(value.span, bound, ty)?
            };
            assignments.push((place, bound));
        }
        let output = match super::setting(&step.settings, "output").as_deref() {
            None | Some("all") => ScanOutput::All,
            Some("last") => ScanOutput::Last,
            Some("none") => ScanOutput::None,
            Some(other) => {
                let message = format!("a step's output is all, last or none, not '{other}'");
                return Err(binder.wrong(step.name.span, message));
            }
        };
        Ok(ScanStep { condition, assignments, output })
    }
}
