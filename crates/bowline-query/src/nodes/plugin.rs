//! `evaluate`: plug-ins whose columns are in their data.

use std::collections::{BTreeMap, HashMap};

use crate::json::{Json, Map};
use bowline_kql::plan::{Column, Expr, Plan, Schema};
use bowline_kql::{Type, Value};

use super::{activity, lookup};
use crate::compare::{Key, key};
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Row, Run, null};
use crate::{convert, dynamic};

/// The most columns that data may add to a table.
const MOST_COLUMNS: usize = 1_000;

pub(crate) fn plugin(
    run: &Run<'_>,
    input: Option<&Plan>,
    name: &str,
    arguments: &[Expr],
    ordinal: usize,
    schema: &Schema,
) -> Result<Vec<Row>, QueryError> {
    let Some(input) = input else { return Err(QueryError::unsupported(format!("evaluate {name}"))) };
    let rows = run.rows(input)?;
    match name {
        "narrow" => Ok(narrow(input, &rows)),
        "bag_unpack" => {
            let bags = Bags::of(run, input, arguments, &rows)?;
            if schema.open {
                return Err(run.discovered(ordinal, bags.columns()?));
            }
            Ok(bags.unpacked(&rows, schema))
        }
        "pivot" => {
            let (rest, names) = pivoted(input, &rows)?;
            if schema.open {
                let value = input.schema.columns.last().map_or(Type::Dynamic, |column| column.ty);
                let columns = rest.iter().cloned();
                let columns = columns.chain(names.iter().map(|name| Column::new(name, value)));
                return Err(run.discovered(ordinal, Schema::new(columns.collect())));
            }
            Ok(pivot(&rows, rest.len(), schema))
        }
        "ipv4_lookup" => lookup::lookup(run, &rows, arguments, true),
        "ipv6_lookup" => lookup::lookup(run, &rows, arguments, false),
        "rows_near" => lookup::rows_near(run, &rows, arguments),
        "rolling_percentile" => activity::rolling_percentile(run, &rows, arguments),
        other if activity::shape(other).is_some() => activity::activity(run, other, &rows, arguments),
        other => Err(QueryError::unsupported(format!("evaluate {other}"))),
    }
}

/// A row for each cell.
fn narrow(input: &Plan, rows: &[Row]) -> Vec<Row> {
    let cells = rows.iter().enumerate().flat_map(|(at, row)| {
        let names = input.schema.names();
        names.zip(row).map(move |(name, value)| {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            vec![Value::Long(at), Value::String(name.to_owned()), Value::String(convert::to_text(value))]
        })
    });
    cells.collect()
}

/// The bags of a column, one of each row, and the other columns.
struct Bags {
    bags: Vec<Map<String, Json>>,
    /// The places and names of the other columns.
    rest: Vec<(usize, Column)>,
    /// Whether a key that is a column already takes its place, or is left out; without either it is an error.
    conflict: Option<bool>,
}

impl Bags {
    fn of(run: &Run<'_>, input: &Plan, arguments: &[Expr], rows: &[Row]) -> Result<Bags, QueryError> {
        let constant = |index: usize| arguments.get(index).map(|one| eval(run, one, &[])).transpose();
        let prefix = constant(1)?.map(|prefix| convert::to_text(&prefix)).unwrap_or_default();
        let conflict = match constant(2)?.map(|one| convert::to_text(&one)).as_deref() {
            Some("replace_source") => Some(true),
            Some("keep_source") => Some(false),
            _ => None,
        };
        let ignored: Vec<String> = match constant(3)?.map(|one| dynamic::to_json(&one)) {
            Some(Json::Array(list)) => list.iter().map(dynamic::plain).collect(),
            _ => Vec::new(),
        };
        let Some(bag) = arguments.first() else {
            return Err(QueryError::failed("bag_unpack needs a column"));
        };
        let mut bags = Vec::with_capacity(rows.len());
        for row in rows {
            let bag = match dynamic::to_json(&eval(run, bag, row)?) {
                Json::Object(bag) => bag,
                _ => Map::new(),
            };
            let pairs = bag.into_iter().filter(|(key, _)| !ignored.contains(key));
            bags.push(pairs.map(|(key, value)| (format!("{prefix}{key}"), value)).collect());
        }
        let columns = input.schema.columns.iter().cloned().enumerate();
        let rest = columns.filter(|(at, _)| bag.as_column() != Some(*at)).collect();
        Ok(Bags { bags, rest, conflict })
    }

    /// The other columns, then the keys in order, each with the one type that its values have.
    fn columns(&self) -> Result<Schema, QueryError> {
        let mut keys: BTreeMap<&str, Option<Type>> = BTreeMap::new();
        for (key, value) in self.bags.iter().flatten() {
            let known = keys.entry(key).or_default();
            if let Some(ty) = type_of(value) {
                *known = Some(known.map_or(ty, |before| common(before, ty)));
            }
        }
        if keys.len() > MOST_COLUMNS {
            return Err(QueryError::TooLarge { what: "columns", limit: MOST_COLUMNS });
        }
        let mut columns: Vec<Column> = self.rest.iter().map(|(_, column)| column.clone()).collect();
        for (key, ty) in keys {
            match columns.iter_mut().find(|column| column.name == key) {
                None => columns.push(Column::new(key, ty.unwrap_or(Type::Dynamic))),
                Some(there) => match self.conflict {
                    Some(true) => there.ty = ty.unwrap_or(Type::Dynamic),
                    Some(false) => {}
                    None => {
                        let message = format!("bag_unpack: there is a column '{key}' already; give a prefix");
                        return Err(QueryError::failed(message));
                    }
                },
            }
        }
        Ok(Schema::new(columns))
    }

    fn unpacked(&self, rows: &[Row], schema: &Schema) -> Vec<Row> {
        let of = |row: &Row, bag: &Map<String, Json>, column: &Column| {
            let own =
                self.rest.iter().find(|(_, own)| own.name == column.name).and_then(|(at, _)| row.get(*at));
            let key = bag.get(&column.name).filter(|value| !value.is_null());
            let found = match (own, key) {
                (Some(own), key) if key.is_none() || self.conflict != Some(true) => {
                    convert::cast(own, column.ty)
                }
                (_, key) => key.and_then(|key| dynamic::from_json(key, column.ty)),
            };
            found.unwrap_or_else(|| null(column.ty))
        };
        let both = rows.iter().zip(&self.bags);
        both.map(|(row, bag)| schema.columns.iter().map(|column| of(row, bag, column)).collect()).collect()
    }
}

fn type_of(json: &Json) -> Option<Type> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(_) => Type::Bool,
        Json::Number(number) if number.is_i64() => Type::Long,
        Json::Number(_) => Type::Real,
        Json::String(_) => Type::String,
        Json::Array(_) | Json::Object(_) => Type::Dynamic,
    })
}

fn common(a: Type, b: Type) -> Type {
    if a == b { a } else { a.wider(b).unwrap_or(Type::Dynamic) }
}

/// The columns that stay, and the names of those that the values of the one before the last column become.
fn pivoted(input: &Plan, rows: &[Row]) -> Result<(Vec<Column>, Vec<String>), QueryError> {
    let columns = &input.schema.columns;
    let Some(kept) = columns.len().checked_sub(2) else {
        return Err(QueryError::failed("pivot needs a column"));
    };
    let mut names: Vec<String> = rows.iter().map(|row| convert::to_text(&row[kept])).collect();
    names.sort();
    names.dedup();
    if names.len() > MOST_COLUMNS {
        return Err(QueryError::TooLarge { what: "columns", limit: MOST_COLUMNS });
    }
    Ok((columns[..kept].to_vec(), names))
}

/// A row for each of the keys that stay; where one has no value there is none, of numbers a zero.
fn pivot(rows: &[Row], kept: usize, schema: &Schema) -> Vec<Row> {
    let mut groups: Vec<(Row, HashMap<String, Value>)> = Vec::new();
    let mut known: HashMap<Vec<Key>, usize> = HashMap::new();
    for row in rows {
        let at = *known.entry(row[..kept].iter().map(key).collect()).or_insert(groups.len());
        if at == groups.len() {
            groups.push((row[..kept].to_vec(), HashMap::new()));
        }
        let _ = groups[at].1.insert(convert::to_text(&row[kept]), row[kept + 1].clone());
    }
    let cell = |values: &HashMap<String, Value>, column: &Column| {
        let found = values.get(&column.name).and_then(|value| convert::cast(value, column.ty));
        found.or_else(|| convert::number(0.0, column.ty)).unwrap_or_else(|| null(column.ty))
    };
    let finish = |(mut row, values): (Row, HashMap<String, Value>)| {
        let new = schema.columns.iter().skip(row.len()).map(|column| cell(&values, column));
        let new: Vec<Value> = new.collect();
        row.extend(new);
        row
    };
    groups.into_iter().map(finish).collect()
}
