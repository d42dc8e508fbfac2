//! The order of an answer, and how its pages go on by it.
//!
//! # Design notes
//! A page that is asked for after its answer was forgotten begins behind the last row of the page before it, found by that row's *key*: the columns that the query
//! sorts by, and then `id`. So a row that was there throughout is shown once, whatever came and went meanwhile. An answer without an order of its own is
//! ordered by its `id`, as soon as it has more than one page. What has no such key, or one that two rows share, goes on by position.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_kql::engine::{Answer, Row};
use bowline_kql::plan::{Node, Plan};
use bowline_kql::{Type, Value};

/// The longest key of a page link.
const LONGEST: usize = 2048;

/// A column that rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct By {
    column: usize,
    descending: bool,
    nulls_first: bool,
}

/// What a plan says of the order of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By these columns.
    By(Vec<By>),
    /// Nobody asked for one.
    None,
    /// There is one that the columns do not show.
    Hidden,
}

impl Order {
    pub(super) fn of(plan: &Plan) -> Order {
        match &plan.node {
            Node::Table { .. } | Node::Join { .. } | Node::Union { .. } | Node::Aggregate { .. } => {
                Order::None
            }
            Node::Sort { keys, .. } => {
                let one = |key: &bowline_kql::plan::SortKey| {
                    let column = key.value.as_column().filter(|_| compares(key.value.ty))?;
                    Some(By { column, descending: key.descending, nulls_first: key.nulls_first })
                };
                keys.iter().map(one).collect::<Option<_>>().map_or(Order::Hidden, Order::By)
            }
            Node::Filter { input, .. }
            | Node::Limit { input, .. }
            | Node::Expand { input, .. }
            | Node::Parse { input, .. }
            | Node::ParseKv { input, .. }
            | Node::Window { input, .. } => Order::of(input),
            Node::Project { input, columns } => match Order::of(input) {
                Order::By(by) => {
                    let shown = |by: &By| {
                        let column = columns.iter().position(|one| one.as_column() == Some(by.column))?;
                        Some(By { column, ..*by })
                    };
                    by.iter().map(shown).collect::<Option<_>>().map_or(Order::Hidden, Order::By)
                }
                other => other,
            },
            _ => Order::Hidden,
        }
    }
}

/// Types whose values have one order, here and in the engine.
fn compares(ty: Type) -> bool {
    use Type as T;
    matches!(ty, T::Bool | T::Int | T::Long | T::Real | T::Datetime | T::Timespan | T::String)
}

fn compare(a: &Value, b: &Value) -> Ordering {
    use Value as V;
    match (a, b) {
        (V::String(a), V::String(b)) => a.cmp(b),
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Real(a), V::Real(b)) => a.total_cmp(b),
        (a, b) => whole(a).cmp(&whole(b)),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(i64::from(*value)),
        Value::Long(value) | Value::Datetime(value) | Value::Timespan(value) => Some(*value),
        _ => None,
    }
}

impl By {
    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let nulls = if self.nulls_first { Ordering::Less } else { Ordering::Greater };
        match (matches!(a, Value::Null(_)), matches!(b, Value::Null(_))) {
            (true, true) => Ordering::Equal,
            (true, false) => nulls,
            (false, true) => nulls.reverse(),
            (false, false) if self.descending => compare(b, a),
            (false, false) => compare(a, b),
        }
    }
}

/// The key of the rows of an answer, which no two of them share.
#[derive(Debug)]
pub(super) struct Key(Vec<By>);

impl Key {
    /// Orders the answer where its query left that open; gives the key, if there is one.
    pub(super) fn arrange(answer: &mut Answer, order: &Order) -> Option<Key> {
        let columns = &answer.schema.columns;
        let id = columns
            .iter()
            .position(|column| column.ty == Type::String && column.name.eq_ignore_ascii_case("id"));
        let id = id.map(|column| By { column, descending: false, nulls_first: true });
        let mut by = match order {
            Order::By(by) => by.clone(),
            Order::None => Vec::new(),
            Order::Hidden => return None,
        };
        by.extend(id);
        // The columns of a plug-in may have been found after the order was.
        let fits = by.iter().all(|by| columns.get(by.column).is_some_and(|column| compares(column.ty)));
        if by.is_empty() || !fits {
            return None;
        }
        let key = Key(by);
        if id.is_some() {
            let rows = std::mem::take(&mut answer.rows);
            let mut rows = std::sync::Arc::try_unwrap(rows).unwrap_or_else(|shared| shared.to_vec());
            rows.sort_by(|a, b| key.compare(a, b));
            answer.rows = rows.into();
        }
        let told_apart = answer.rows.windows(2).all(|two| key.compare(&two[0], &two[1]).is_lt());
        told_apart.then_some(key)
    }

    fn compare(&self, a: &Row, b: &Row) -> Ordering {
        self.0.iter().map(|by| by.compare(&a[by.column], &b[by.column])).fold(Ordering::Equal, Ordering::then)
    }

    /// The key of a row, for a page link; none where it is too long for one.
    pub(super) fn write(&self, row: &Row) -> Option<String> {
        let texts: Vec<Option<String>> = self.0.iter().map(|by| text(&row[by.column])).collect();
        let key = URL_SAFE_NO_PAD.encode(serde_json::to_string(&texts).ok()?);
        (key.len() <= LONGEST).then_some(key)
    }

    /// How many rows are not behind a key that was written; none where it is of another answer.
    pub(super) fn behind(&self, answer: &Answer, key: &str) -> Option<usize> {
        let texts: Vec<Option<String>> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
        let of =
            |(by, text): (&By, &Option<String>)| value(answer.schema.columns[by.column].ty, text.as_deref());
        let last: Vec<Value> = self.0.iter().zip(&texts).map(of).collect::<Option<_>>()?;
        let shown = |row: &Row| {
            let each = self.0.iter().zip(&last).map(|(by, last)| by.compare(&row[by.column], last));
            each.fold(Ordering::Equal, Ordering::then).is_le()
        };
        (texts.len() == self.0.len()).then(|| answer.rows.partition_point(shown))
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Real(value) => Some(value.to_bits().to_string()),
        Value::String(text) => Some(text.clone()),
        value => whole(value).map(|value| value.to_string()),
    }
}

/// The value that was written so; nothing where none was.
fn value(ty: Type, text: Option<&str>) -> Option<Value> {
    let Some(text) = text else { return Some(Value::null(ty)) };
    Some(match ty {
        Type::Bool => Value::Bool(text.parse().ok()?),
        Type::Int => Value::Int(text.parse().ok()?),
        Type::Long => Value::Long(text.parse().ok()?),
        Type::Datetime => Value::Datetime(text.parse().ok()?),
        Type::Timespan => Value::Timespan(text.parse().ok()?),
        Type::Real => Value::Real(f64::from_bits(text.parse().ok()?)),
        Type::String => Value::String(text.to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{catalogue, tables};

    fn order_of(query: &str) -> Order {
        Order::of(&bowline_kql::bind(query, tables::dialect(), &catalogue()).unwrap().outputs[0].plan)
    }

    fn answer(columns: &[(&str, Type)], rows: Vec<Row>) -> Answer {
        let columns = columns.iter().map(|(name, ty)| bowline_kql::plan::Column::new(*name, *ty));
        let schema = bowline_kql::plan::Schema::new(columns.collect());
        Answer { schema, rows: rows.into(), render: None }
    }

    #[test]
    fn the_order_is_what_the_query_asked_for_as_far_as_it_shows() {
        let by = |column, descending| By { column, descending, nulls_first: !descending };
        assert_eq!(order_of("Resources | where name != ''"), Order::None);
        assert_eq!(order_of("Resources | summarize count() by type"), Order::None);
        let query = "Resources | sort by name asc, location desc | project location, id, name | take 5";
        assert_eq!(order_of(query), Order::By(vec![by(2, false), by(0, true)]));
        assert_eq!(order_of("Resources | sort by name asc | project id"), Order::Hidden);
        assert_eq!(order_of("Resources | sort by tolower(name) asc | project id, name"), Order::Hidden);
        assert_eq!(order_of("Resources | sort by name asc | mv-expand tags"), Order::By(vec![by(1, false)]));
        assert_eq!(order_of("Resources | sort by properties asc"), Order::Hidden);
    }

    /// Rows come and go between two pages: what was there throughout is behind the key or before it, whatever its position.
    #[test]
    fn a_page_begins_behind_the_last_row_that_was_shown() {
        let columns = [("size", Type::Long), ("at", Type::Real), ("id", Type::String)];
        let row = |size: i64, at: f64, id: &str| {
            let size = if size < 0 { Value::Null(Type::Long) } else { Value::Long(size) };
            vec![size, Value::Real(at), Value::String(id.to_owned())]
        };
        let order = Order::By(vec![
            By { column: 0, descending: true, nulls_first: false },
            By { column: 1, descending: false, nulls_first: true },
        ]);
        let mut first =
            answer(&columns, vec![row(5, 1.5, "b"), row(5, 1.5, "a"), row(5, 2.0, "c"), row(-1, 0.0, "d")]);
        let key = Key::arrange(&mut first, &order).unwrap();
        let ids = |answer: &Answer| {
            answer.rows.iter().map(|row| row[2].as_text().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&first), ["a", "b", "c", "d"]);
        let written: Vec<String> = first.rows.iter().map(|row| key.write(row).unwrap()).collect();

        let rows = vec![
            row(9, 0.0, "new"),
            row(5, 1.5, "a"),
            row(5, 1.5, "aa"),
            row(5, 2.0, "c"),
            row(-1, 0.0, "d"),
        ];
        let mut later = answer(&columns, rows);
        let key = Key::arrange(&mut later, &order).unwrap();
        // Behind "b", which is gone.
        let behind: Vec<Option<usize>> = written.iter().map(|key_of| key.behind(&later, key_of)).collect();
        assert_eq!(behind, [Some(2), Some(3), Some(4), Some(5)]);
        assert_eq!(key.behind(&later, "bm9uZQ"), None);
    }

    #[test]
    fn what_two_rows_share_is_no_key() {
        let columns = [("type", Type::String), ("id", Type::String)];
        let row = |ty: &str, id: &str| vec![Value::String(ty.to_owned()), Value::String(id.to_owned())];
        let by_type = Order::By(vec![By { column: 0, descending: false, nulls_first: true }]);
        let mut twice = answer(&columns, vec![row("a", "1"), row("a", "1")]);
        assert!(Key::arrange(&mut twice, &by_type).is_none());
        let mut groups =
            answer(&columns[..1], vec![vec![Value::String("a".into())], vec![Value::String("b".into())]]);
        assert!(Key::arrange(&mut groups, &by_type).is_some());
        assert!(Key::arrange(&mut groups, &Order::None).is_none());
        assert!(Key::arrange(&mut groups, &Order::Hidden).is_none());
    }
}
