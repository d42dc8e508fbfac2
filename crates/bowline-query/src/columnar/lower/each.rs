//! Nodes that make of each batch another one, whatever the others are: lists unfolded, texts taken apart.
//!
//! # Design notes
//! Columns that are only passed on are taken by row and never read. A list or a text that stands once in a dictionary is read once, however many
//! rows have it.

use std::sync::Arc;

use bowline_kql::plan::{Expr, List, Node, Plan};
use bowline_kql::{Type, Value};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int64Array, StringArray, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Int32Type, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::leaf::fields;
use super::{Lowering, Relation};
use crate::arrays::{self, Cells};
use crate::columnar::expr::Held;
use crate::columnar::need::Need;
use crate::columnar::scan::{Each, Origin};
use crate::convert;
use crate::error::QueryError;
use crate::index::path;
use crate::nodes::expand::{members, typed};
use crate::nodes::parse::Pattern;
use crate::run::null;

impl Lowering<'_, '_> {
    /// A node over the batches of its input.
    pub(super) fn each(&mut self, input: Relation, plan: &Plan, need: &Need) -> Result<Relation, QueryError> {
        let width = input.columns.len();
        let sources: Vec<&Expr> = match &plan.node {
            Node::Expand { lists, .. } => lists.iter().map(|list| &list.value).collect(),
            Node::Parse { source, .. } => vec![source],
            _ => return Err(QueryError::failed("a node of the plan is none that goes by batches")),
        };
        let mut made: Vec<_> =
            input.columns.iter().map(|held| (held.place.clone(), held.ty, held.read())).collect();
        for source in &sources {
            made.push(((0, Vec::new()), source.ty, self.expressions.make(&input.columns, source)?));
        }
        let input = self.columns(input, made)?;
        let (kept, sources) = input.columns.split_at(width);
        let above = plan.inputs().first().map_or(0, |input| input.schema.len());
        // What is only read here goes no further.
        let passed: Vec<usize> = (0..width).filter(|at| need.0.contains(&kept[*at].place)).collect();
        let mut columns: Vec<Held> =
            passed.iter().map(|at| Held { name: self.name(), ..kept[*at].clone() }).collect();
        let mut types: Vec<DataType> =
            passed.iter().map(|at| input.held_as(&kept[*at])).collect::<Result<_, _>>()?;
        for (at, column) in plan.schema.columns.iter().enumerate().skip(above) {
            columns.push(Held { place: (at, Vec::new()), name: self.name(), ty: column.ty });
            types.push(given(column.ty));
        }
        let schema = Arc::new(fields(&columns, &types));
        let of = sources.iter().map(|held| held.ty).collect();
        let each: Arc<dyn Each> = match &plan.node {
            Node::Expand { lists, with_index, limit, bags_as_arrays, .. } => Arc::new(Unfolded {
                schema,
                passed,
                of,
                lists: lists.clone(),
                with_index: *with_index,
                most: limit.as_ref().map(|limit| self.run.count(limit)).transpose()?.unwrap_or(usize::MAX),
                bags_as_arrays: *bags_as_arrays,
                most_rows: self.run.limits().rows,
            }),
            Node::Parse { pattern, mode, only_matches, .. } => Arc::new(Parsed {
                schema,
                passed,
                of,
                pattern: Pattern::of(pattern, mode)?,
                only_matches: *only_matches,
            }),
            _ => return Err(QueryError::failed("a node of the plan is none that goes by batches")),
        };
        self.leaf(columns, types, Origin::Each { input: input.plan, each })
    }
}

/// How new columns are held: texts once each.
fn given(ty: Type) -> DataType {
    match ty {
        Type::String | Type::Dynamic => arrays::dictionary(),
        ty => arrays::held(ty),
    }
}

/// Values of which each row has the one at its place; none: null.
fn placed(ty: Type, values: &[Value], places: &[Option<usize>]) -> Result<ArrayRef, QueryError> {
    let nothing = null(ty);
    if given(ty) != arrays::dictionary() {
        let each = places.iter().map(|place| place.map_or(&nothing, |place| &values[place]));
        return Ok(arrays::build(ty, each));
    }
    let texts: Vec<_> = values.iter().chain([&nothing]).map(arrays::text).collect();
    let key = |place: &Option<usize>| {
        let at = place.unwrap_or(values.len());
        texts[at].as_ref().and_then(|_| i32::try_from(at).ok())
    };
    let keys: Int32Array = places.iter().map(key).collect();
    let texts: StringArray = texts.iter().map(|text| Some(text.as_deref().unwrap_or_default())).collect();
    DictionaryArray::<Int32Type>::try_new(keys, Arc::new(texts))
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|error| QueryError::failed(format!("a column cannot be made: {error}")))
}

/// For each row the place of its source's text among the different ones, which are given in their order.
struct Texts {
    values: Vec<Value>,
    of_row: Vec<usize>,
}

impl Texts {
    fn of(array: &ArrayRef, ty: Type) -> Result<Self, QueryError> {
        if *array.data_type() != arrays::dictionary() {
            let cells = Cells::of(array, ty)?;
            let rows = array.len();
            return Ok(Self {
                values: (0..rows).map(|row| cells.value(row)).collect(),
                of_row: (0..rows).collect(),
            });
        }
        let coded = array.as_dictionary::<Int32Type>();
        let texts = coded.values();
        let cells = Cells::of(texts, ty)?;
        // Only what a row has is read: a filter may have left little of a dictionary.
        let mut place = vec![usize::MAX; texts.len() + 1];
        let mut values = Vec::new();
        let mut of_row = Vec::with_capacity(coded.len());
        for key in coded.keys() {
            let at = key.and_then(|key| usize::try_from(key).ok()).unwrap_or(texts.len());
            if place[at] == usize::MAX {
                place[at] = values.len();
                values.push(if at < texts.len() { cells.value(at) } else { Value::null(ty) });
            }
            of_row.push(place[at]);
        }
        Ok(Self { values, of_row })
    }
}

/// The columns of a batch that are passed on, of these rows.
fn passed_on(batch: &RecordBatch, passed: &[usize], rows: &[u32]) -> Result<Vec<ArrayRef>, QueryError> {
    let rows = UInt32Array::from(rows.to_vec());
    let each = passed.iter().map(|at| take(batch.column(*at), &rows, None));
    each.collect::<Result<_, _>>()
        .map_err(|error| QueryError::failed(format!("rows cannot be picked: {error}")))
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, QueryError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| QueryError::failed(format!("a batch cannot be made: {error}")))
}

/// `mv-expand`: a row per element.
#[derive(Debug)]
struct Unfolded {
    schema: SchemaRef,
    passed: Vec<usize>,
    /// The types of the lists, which are the last columns of the input.
    of: Vec<Type>,
    lists: Vec<List>,
    with_index: bool,
    most: usize,
    bags_as_arrays: bool,
    /// Of one batch.
    most_rows: usize,
}

/// The elements of the different lists of a column, and for each row from where to where its own go.
struct Elements {
    values: Vec<Value>,
    ranges: Vec<(usize, usize)>,
    of_row: Vec<usize>,
}

impl Unfolded {
    fn elements(&self, array: &ArrayRef, of: Type, ty: Type) -> Result<Elements, QueryError> {
        let texts = Texts::of(array, of)?;
        let mut values = Vec::new();
        let mut ranges = Vec::with_capacity(texts.values.len());
        for value in &texts.values {
            let from = values.len();
            let written = match value {
                Value::Dynamic(text) if ty == Type::Dynamic && !self.bags_as_arrays => path::elements(text),
                _ => None,
            };
            match written {
                Some(written) => values.extend(written.into_iter().map(|text| match &*text {
                    "null" => null(ty),
                    text => Value::Dynamic(text.to_owned()),
                })),
                None => values.extend(
                    members(value, self.bags_as_arrays)
                        .iter()
                        .map(|json| typed(json, ty).unwrap_or_else(|| null(ty))),
                ),
            }
            ranges.push((from, values.len()));
        }
        Ok(Elements { values, ranges, of_row: texts.of_row })
    }
}

impl Each for Unfolded {
    fn over(&self, input: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let first = input.num_columns() - self.lists.len();
        let each = self.lists.iter().zip(&self.of).enumerate();
        let elements: Vec<Elements> = each
            .map(|(at, (list, of))| self.elements(input.column(first + at), *of, list.ty))
            .collect::<Result<_, _>>()?;
        let (mut rows, mut index) = (Vec::new(), Vec::new());
        let mut places: Vec<Vec<Option<usize>>> = vec![Vec::new(); elements.len()];
        for row in 0..input.num_rows() {
            let ranges = elements.iter().map(|one| one.ranges[one.of_row[row]]);
            let count = ranges.clone().map(|(from, to)| to - from).max().unwrap_or_default().min(self.most);
            if rows.len() + count > self.most_rows {
                return Err(QueryError::TooLarge { what: "rows", limit: self.most_rows });
            }
            for ((from, to), places) in ranges.zip(&mut places) {
                places.extend((from..from + count).map(|at| (at < to).then_some(at)));
            }
            rows.extend(std::iter::repeat_n(row as u32, count));
            index.extend(0..count as i64);
        }
        let mut columns = passed_on(input, &self.passed, &rows)?;
        for ((list, elements), places) in self.lists.iter().zip(&elements).zip(&places) {
            columns.push(placed(list.ty, &elements.values, places)?);
        }
        if self.with_index {
            columns.push(Arc::new(Int64Array::from(index)));
        }
        batch(&self.schema, columns, rows.len())
    }
}

/// `parse`: columns out of a text.
#[derive(Debug)]
struct Parsed {
    schema: SchemaRef,
    passed: Vec<usize>,
    of: Vec<Type>,
    pattern: Pattern,
    only_matches: bool,
}

impl Each for Parsed {
    fn over(&self, input: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let source = input.column(input.num_columns() - 1);
        let texts = Texts::of(source, self.of.first().copied().unwrap_or(Type::String))?;
        let width = self.pattern.types.len();
        let mut values: Vec<Vec<Value>> = vec![Vec::with_capacity(texts.values.len()); width];
        let mut fits = Vec::with_capacity(texts.values.len());
        for value in &texts.values {
            let found = match value {
                Value::String(text) => self.pattern.find(text),
                other => self.pattern.find(&convert::to_text(other)),
            };
            fits.push(found.is_some());
            for (column, value) in values.iter_mut().zip(found.unwrap_or_else(|| self.pattern.nothing())) {
                column.push(value);
            }
        }
        let stays = |row: &usize| !self.only_matches || fits[texts.of_row[*row]];
        let rows: Vec<usize> = (0..input.num_rows()).filter(stays).collect();
        let places: Vec<Option<usize>> = rows.iter().map(|row| Some(texts.of_row[*row])).collect();
        let rows: Vec<u32> = rows.into_iter().map(|row| row as u32).collect();
        let mut columns = passed_on(input, &self.passed, &rows)?;
        for (ty, values) in self.pattern.types.iter().zip(&values) {
            columns.push(placed(*ty, values, &places)?);
        }
        batch(&self.schema, columns, rows.len())
    }
}
