//! Tables of rows given as batches: small ones, so that everything crosses a border; texts as they are or held once each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use bowline_kql::engine::{Answer, Engine, Failure};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_query::batches::{BatchStream, Batches, Scan, Wanted};
use bowline_query::{Columnar, Interpreter, Limits, Moment, QueryError, Row, Rows, Source};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    StringViewArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

/// Rows of a batch.
const BATCH: usize = 3;

pub(crate) struct Held {
    pub(crate) columns: Vec<(Column, bool)>,
    pub(crate) rows: Vec<Row>,
}

/// Tables, and what was asked of them.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) tables: BTreeMap<String, Held>,
    pub(crate) asked: Mutex<Vec<Scan>>,
}

/// The same tables, as columns and rows or as rows alone.
pub(crate) struct Shown {
    pub(crate) tables: Arc<Tables>,
    batches: Option<Arc<dyn Batches>>,
}

impl Source for Shown {
    fn rows(&self, table: &str) -> Result<Rows, QueryError> {
        assert!(self.batches.is_none(), "{table} is read as rows although it has columns");
        Ok(Arc::new(self.tables.tables[table].rows.clone()))
    }

    fn own(&self) -> Option<&dyn std::any::Any> {
        self.batches.as_ref().map(|batches| batches as &dyn std::any::Any)
    }
}

impl Tables {
    pub(crate) fn catalogue(&self) -> Catalogue {
        let table = |(name, held): (&String, &Held)| Table {
            name: name.clone(),
            schema: Schema::new(held.columns.iter().map(|(column, _)| column.clone()).collect()),
        };
        Catalogue { tables: self.tables.iter().map(table).collect(), ..Catalogue::default() }
    }

    fn table(&self, scan: &Scan) -> Result<&Held, QueryError> {
        let held = self.tables.get(&scan.table);
        held.ok_or_else(|| QueryError::failed(format!("{} has no columns", scan.table)))
    }
}

/// The answers of a query both ways.
pub(crate) fn both(
    tables: &Arc<Tables>,
    query: &str,
    limits: &Limits,
) -> (Result<Vec<Answer>, Failure>, Result<Vec<Answer>, Failure>) {
    let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
    let ask = |engine: &dyn Engine, batches: Option<Arc<dyn Batches>>| {
        let shown = Shown { tables: Arc::clone(tables), batches };
        engine.answer(query, Dialect::default(), &tables.catalogue(), &shown, moment, limits)
    };
    let rows = ask(&Interpreter, None);
    tables.asked.lock().unwrap().clear();
    (rows, ask(&Columnar::default(), Some(Arc::clone(tables) as Arc<dyn Batches>)))
}

impl Batches for Tables {
    fn types(&self, scan: &Scan) -> Result<Vec<DataType>, QueryError> {
        let held = self.table(scan)?;
        let ty = |wanted: &Wanted| {
            let (column, coded) = &held.columns[wanted.column];
            match column.ty {
                Type::Bool => DataType::Boolean,
                Type::Int => DataType::Int32,
                Type::Long | Type::Datetime | Type::Timespan => DataType::Int64,
                Type::Real => DataType::Float64,
                _ if *coded => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
                _ => DataType::Utf8View,
            }
        };
        Ok(scan.wanted.iter().map(ty).collect())
    }

    fn scan(&self, scan: &Scan) -> Result<BatchStream, QueryError> {
        self.asked.lock().unwrap().push(scan.clone());
        let held = self.table(scan)?;
        let types = self.types(scan)?;
        let useful = held.rows.iter().filter(|row| {
            scan.only.iter().all(|one| {
                let Value::String(text) = &row[one.column] else { return false };
                one.texts.iter().any(|other| match one.ignore_case {
                    true => text.to_lowercase() == other.to_lowercase(),
                    false => text == other,
                })
            })
        });
        let useful: Vec<Row> = useful.cloned().collect();
        let fields: Vec<Field> = types
            .iter()
            .enumerate()
            .map(|(at, ty)| Field::new(format!("any{at}"), ty.clone(), true))
            .collect();
        let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(fields));
        let batches: Vec<Result<RecordBatch, QueryError>> = useful
            .chunks(BATCH)
            .map(|rows| {
                let arrays = scan.wanted.iter().zip(&types).map(|(wanted, ty)| array(rows, wanted, ty));
                let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
                Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), arrays.collect(), &options)
                    .unwrap())
            })
            .collect();
        Ok(Box::new(batches.into_iter()))
    }
}

fn array(rows: &[Row], wanted: &Wanted, ty: &DataType) -> ArrayRef {
    let cells = rows.iter().map(|row| &row[wanted.column]);
    let ticks = |value: &Value| match value {
        Value::Long(value) | Value::Datetime(value) | Value::Timespan(value) => Some(*value),
        _ => None,
    };
    match ty {
        DataType::Boolean => Arc::new(BooleanArray::from_iter(cells.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        DataType::Int32 => Arc::new(Int32Array::from_iter(cells.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        DataType::Int64 => Arc::new(Int64Array::from_iter(cells.map(ticks))),
        DataType::Float64 => Arc::new(Float64Array::from_iter(cells.map(|value| match value {
            Value::Real(value) => Some(*value),
            _ => None,
        }))),
        DataType::Utf8View => {
            Arc::new(cells.map(|value| text(value, &wanted.path)).collect::<StringViewArray>())
        }
        _ => {
            // Texts that no row has, one of them twice: a dictionary is no set.
            let mut texts = vec!["unused".to_owned(), "unused".to_owned()];
            let keys: Int32Array = cells
                .map(|value| {
                    let text = text(value, &wanted.path)?;
                    let at = texts.iter().skip(1).position(|known| *known == text).map(|at| at + 1);
                    let at = at.unwrap_or_else(|| {
                        texts.push(text);
                        texts.len() - 1
                    });
                    Some(i32::try_from(at).unwrap())
                })
                .collect();
            let texts: ArrayRef = Arc::new(StringArray::from(texts));
            Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts).unwrap())
        }
    }
}

fn text(value: &Value, path: &[String]) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Dynamic(json) => {
            let mut at = json.clone();
            for key in path {
                let members: HashMap<String, Box<serde_json::value::RawValue>> =
                    serde_json::from_str(&at).ok()?;
                at = members.get(key)?.get().to_owned();
            }
            (at != "null").then_some(at)
        }
        _ => None,
    }
}
