//! Lists of columns, as `project`, `extend`, `summarize` and `print` take them.

use super::call::Argument;
use super::{Binder, Bound, Meaning, Names, Row};
use crate::functions;
use crate::plan::{Column, Expr, ExprKind as PlanKind, Schema};
use crate::syntax::ast::{self, ExprKind};
use crate::syntax::span::Span;
use crate::types::Type;

/// A column to be.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The name that the query gives.
    pub(crate) given: Option<String>,
    /// The name that the expression has by itself.
    pub(crate) natural: Option<String>,
    pub(crate) value: Expr,
    pub(crate) span: Span,
    /// A column as it is: it may not stand twice.
    pub(crate) is_plain: bool,
}

impl Binder<'_> {
    /// Expressions and their names; one expression may be several columns. All that are wrong are reported.
    pub(crate) fn items(&mut self, list: &[ast::Expr], row: &mut Row<'_>) -> Bound<Vec<Item>> {
        let mut items = Vec::with_capacity(list.len());
        let mut stop = None;
        for value in list {
            match self.item(value, row) {
                Ok(more) => items.extend(more),
                Err(stopped) => stop = Some(stopped),
            }
        }
        match stop {
            Some(stopped) => Err(stopped),
            None => Ok(items),
        }
    }

    fn item(&mut self, written: &ast::Expr, row: &mut Row<'_>) -> Bound<Vec<Item>> {
        let (names, value) = match &written.kind {
            ExprKind::Named { names, value } => (names.as_slice(), value.as_ref()),
            _ => (&[][..], written),
        };
        let mut items = match self.several_columns(value, row)? {
            Some(items) => items,
            None => {
                let natural = self.natural_name(value, row.schema);
                let is_plain = matches!(value.kind, ExprKind::Name(_));
                vec![Item {
                    given: None,
                    natural,
                    value: self.expr(value, row)?,
                    span: written.span,
                    is_plain,
                }]
            }
        };
        if names.len() > items.len() {
            return Err(
                self.wrong(written.span, format!("{} names for {} columns", names.len(), items.len()))
            );
        }
        for (item, name) in items.iter_mut().zip(names) {
            item.given = Some(name.text.clone());
        }
        Ok(items)
    }

    /// Functions that give several columns at once.
    fn several_columns(&mut self, value: &ast::Expr, row: &mut Row<'_>) -> Bound<Option<Vec<Item>>> {
        let ExprKind::Call { name, arguments } = &value.kind else { return Ok(None) };
        if matches!(self.meaning_of(&name.text), Some(Meaning::Function(_))) {
            return Ok(None);
        }
        let parts: Vec<(String, Type)> = match (name.text.as_str(), arguments.len()) {
            ("array_sort_asc" | "array_sort_desc", 2..) => {
                let named = arguments.iter().enumerate().map(|(index, one)| {
                    let name = self.natural_name(one, row.schema).unwrap_or_else(|| format!("array{index}"));
                    (format!("{name}_sorted"), Type::Dynamic)
                });
                named.collect()
            }
            (function, _) => {
                let Some(parts) = tuple(function) else { return Ok(None) };
                let base = arguments
                    .first()
                    .and_then(|first| self.natural_name(first, row.schema))
                    .unwrap_or_default();
                parts.iter().map(|(part, ty)| (format!("{function}_{base}_{part}"), *ty)).collect()
            }
        };
        let Some(function) = functions::scalar(&name.text) else { return Ok(None) };
        let bound: Vec<Argument> = self.arguments(arguments, row)?;
        let (mut values, _) = self.choose(function, bound, arguments, value.span)?;
        let mut count = parts.len();
        // A last argument that says where nulls go is no list.
        if name.text.starts_with("array_sort") && values.last().is_some_and(|last| last.ty == Type::Bool) {
            count -= 1;
        }
        let call = Expr::call(function.name, Type::Dynamic, std::mem::take(&mut values));
        let part =
            |index: usize, ty: Type| Expr::new(ty, PlanKind::Part { of: Box::new(call.clone()), index });
        if count == 1 {
            let natural = self.natural_name(value, row.schema);
            return Ok(Some(vec![Item {
                given: None,
                natural,
                value: part(0, Type::Dynamic),
                span: value.span,
                is_plain: false,
            }]));
        }
        let items = parts.into_iter().take(count).enumerate().map(|(index, (name, ty))| Item {
            given: None,
            natural: Some(name),
            value: part(index, ty),
            span: value.span,
            is_plain: false,
        });
        Ok(Some(items.collect()))
    }

    /// The columns of a table in which each item is a column of its own.
    pub(crate) fn name_items(&mut self, items: &[Item], names: &mut Names) -> Bound<Vec<Column>> {
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            let name = match (&item.given, &item.natural) {
                (Some(given), _) => self.claim(given, item.span, names)?,
                (None, Some(natural)) if item.is_plain => self.claim(natural, item.span, names)?,
                (None, Some(natural)) => names.unique(natural),
                (None, None) => names.unnamed(),
            };
            columns.push(Column::new(name, item.value.ty));
        }
        Ok(columns)
    }

    fn claim(&mut self, name: &str, span: Span, names: &mut Names) -> Bound<String> {
        if names.take(name) {
            return Ok(name.to_owned());
        }
        Err(self.wrong(span, format!("there is a column '{name}' already")))
    }

    /// The columns of `extend`: those that exist, some of them replaced, then the new ones.
    pub(crate) fn extended(items: Vec<Item>, schema: &Schema) -> (Schema, Vec<Expr>) {
        let mut columns = schema.columns.clone();
        let mut values: Vec<Expr> =
            columns.iter().enumerate().map(|(index, column)| Expr::column(index, column.ty)).collect();
        let mut names = Names::of(schema);
        for item in items {
            let name = match item.given.or(item.natural) {
                Some(name) => name,
                None => names.unnamed(),
            };
            // Of two expressions for one name the last counts.
            match columns.iter().position(|column| column.name == name) {
                Some(index) => {
                    columns[index].ty = item.value.ty;
                    values[index] = item.value;
                }
                None => {
                    names.take(&name);
                    columns.push(Column::new(name, item.value.ty));
                    values.push(item.value);
                }
            }
        }
        (Schema { columns, open: schema.open }, values)
    }
}

/// The columns of functions that give several.
fn tuple(function: &str) -> Option<&'static [(&'static str, Type)]> {
    use Type::{Dynamic, Long, Real};
    Some(match function {
        "series_fit_line" => &[
            ("rsquare", Real),
            ("slope", Real),
            ("variance", Real),
            ("rvariance", Real),
            ("interception", Real),
            ("line_fit", Dynamic),
        ],
        "series_fit_2lines" => &[
            ("rsquare", Real),
            ("split_idx", Long),
            ("variance", Real),
            ("rvariance", Real),
            ("line_fit", Dynamic),
            ("right_rsquare", Real),
            ("right_slope", Real),
            ("right_interception", Real),
            ("right_variance", Real),
            ("right_rvariance", Real),
            ("left_rsquare", Real),
            ("left_slope", Real),
            ("left_interception", Real),
            ("left_variance", Real),
            ("left_rvariance", Real),
        ],
        "series_fit_poly" => &[
            ("rsquare", Real),
            ("coefficients", Dynamic),
            ("variance", Real),
            ("rvariance", Real),
            ("poly_fit", Dynamic),
        ],
        "series_stats" => &[
            ("min", Real),
            ("min_idx", Long),
            ("max", Real),
            ("max_idx", Long),
            ("avg", Real),
            ("stdev", Real),
            ("variance", Real),
        ],
        "series_decompose" => {
            &[("baseline", Dynamic), ("seasonal", Dynamic), ("trend", Dynamic), ("residual", Dynamic)]
        }
        "series_decompose_anomalies" => &[("ad_flag", Dynamic), ("ad_score", Dynamic), ("baseline", Dynamic)],
        "series_decompose_forecast" => {
            &[("baseline", Dynamic), ("seasonal", Dynamic), ("trend", Dynamic), ("residual", Dynamic)]
        }
        "series_periods_detect" | "series_periods_validate" => &[("periods", Dynamic), ("scores", Dynamic)],
        "series_fft" | "series_ifft" => &[("real", Dynamic), ("imag", Dynamic)],
        _ => return None,
    })
}
