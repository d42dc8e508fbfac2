//! `mv-expand`: a row for each element of a list.

use std::sync::Arc;

use crate::bind::{Binder, Bound, Names, Row};
use crate::plan::{self, Column, List, Node, Plan, Schema};
use crate::syntax::ast::{Expr, Setting};
use crate::syntax::parser::{Parsed, Parser};
use crate::types::Type;

#[derive(Clone, Debug)]
pub struct Expansion {
    pub value: Expr,
    pub to: Option<Type>,
}

#[derive(Clone, Debug)]
pub struct MvExpand {
    pub settings: Vec<Setting>,
    pub columns: Vec<Expansion>,
    pub limit: Option<Expr>,
}

pub(super) const SETTINGS: &[&str] = &["kind", "bagexpansion", "with_itemindex"];

pub(super) fn parse(parser: &mut Parser<'_>) -> Parsed<MvExpand> {
    let settings = parser.settings(SETTINGS)?;
    let columns = parser.list(parse_expansion)?;
    let limit = if parser.eat("limit") { Some(parser.expression()?) } else { None };
    Ok(MvExpand { settings, columns, limit })
}

pub(super) fn parse_expansion(parser: &mut Parser<'_>) -> Parsed<Expansion> {
    let value = parser.named_column()?;
    let mut to = None;
    if parser.eat("to") {
        parser.expect("typeof")?;
        parser.expect("(")?;
        to = Some(parser.type_name()?);
        parser.expect(")")?;
    }
    Ok(Expansion { value, to })
}

impl MvExpand {
    pub(super) fn bind(&self, binder: &mut Binder<'_>, input: Arc<Plan>) -> Bound<Arc<Plan>> {
        let lists = bind_lists(binder, &self.columns, &input)?;
        let index = super::setting(&self.settings, "with_itemindex");
        let limit = self.limit.as_ref().map(|limit| binder.constant_number(limit)).transpose()?;
        let kind =
            super::setting(&self.settings, "kind").or_else(|| super::setting(&self.settings, "bagexpansion"));
        let (expanded, schema, columns) = shape(&input.schema, &lists, index.as_deref());
        let node = Node::Expand {
            input,
            lists: lists.into_iter().map(|one| one.list).collect(),
            with_index: index.is_some(),
            limit,
            bags_as_arrays: kind.is_some_and(|kind| kind == "array"),
        };
        let expanded = Plan::new(expanded, node);
        Ok(Plan::new(schema, Node::Project { input: expanded, columns }))
    }
}

/// A list to expand and the column that its elements become.
pub(super) struct Elements {
    pub(super) name: String,
    pub(super) list: List,
}

pub(super) fn bind_lists(
    binder: &mut Binder<'_>,
    columns: &[Expansion],
    input: &Plan,
) -> Bound<Vec<Elements>> {
    let mut lists = Vec::with_capacity(columns.len());
    let mut names = Names::of(&input.schema);
    for expansion in columns {
        let mut row = Row::over(&input.schema);
        let items = binder.items(std::slice::from_ref(&expansion.value), &mut row)?;
        for item in items {
            if item.value.ty != Type::Dynamic {
                let message = format!(
                    "only a dynamic value can be expanded, and this is {}; todynamic(…) makes one of a text",
                    item.value.ty
                );
                return Err(binder.wrong(item.span, message));
            }
            let name = item.given.or(item.natural).unwrap_or_else(|| names.unnamed());
            let ty = expansion.to.unwrap_or(Type::Dynamic);
            lists.push(Elements { name, list: List { value: item.value, ty } });
        }
    }
    Ok(lists)
}

/// The schema of the node, and that of the result: a column whose elements have its name is replaced by them.
pub(super) fn shape(
    input: &Schema,
    lists: &[Elements],
    index: Option<&str>,
) -> (Schema, Schema, Vec<plan::Expr>) {
    let index = index.map(|name| Column::new(name, Type::Long));
    let elements = lists.iter().map(|one| Column::new(&one.name, one.list.ty)).chain(index);
    let expanded = input.with(elements);
    let mut schema = input.clone();
    let mut columns = super::all_columns(input);
    for (at, column) in expanded.columns.iter().enumerate().skip(input.len()) {
        let value = plan::Expr::column(at, column.ty);
        match schema.position(&column.name) {
            Some(place) => {
                schema.columns[place].ty = column.ty;
                columns[place] = value;
            }
            None => {
                schema.columns.push(column.clone());
                columns.push(value);
            }
        }
    }
    (expanded, schema, columns)
}
