//! Nodes that make of each batch another one, whatever the others are: lists unfolded, texts taken apart.
//!
//! # Design notes
//! Columns that are only passed on are taken by row and never read. A list or a text that stands once in a dictionary is read once, however many
//! rows have it.

use std::borrow::Cow;
use std::sync::Arc;

use bowline_kql::plan::{Expr, List, Node, Plan};
use bowline_kql::{Type, Value};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, Int64Array, StringBuilder, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Int32Type, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use hashbrown::HashMap;

use super::leaf::fields;
use super::{Lowering, Relation};
use crate::arrays::{self, Cells};
use crate::columnar::expr::Held;
use crate::columnar::need::Need;
use crate::columnar::scan::{Each, Origin};
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
        let kept = &input.columns[..width];
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
        let each: Arc<dyn Each> = match &plan.node {
            Node::Expand { lists, with_index, limit, bags_as_arrays, .. } => Arc::new(Unfolded {
                schema,
                passed,
                lists: lists.clone(),
                with_index: *with_index,
                most: limit.as_ref().map(|limit| self.run.count(limit)).transpose()?.unwrap_or(usize::MAX),
                bags_as_arrays: *bags_as_arrays,
                most_rows: self.run.limits().rows,
            }),
            Node::Parse { pattern, mode, only_matches, .. } => Arc::new(Parsed {
                schema,
                passed,
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

/// A text of a new column.
#[derive(PartialEq, Eq, Hash)]
enum Text<'a> {
    Whole(Cow<'a, str>),
    /// A member, which becomes a bag of its own.
    Member(&'a str),
}

/// What a new column can hold, before rows are given theirs.
enum Made<'a> {
    Texts(Vec<Option<Text<'a>>>),
    Values(Vec<Value>),
}

impl<'a> Made<'a> {
    fn new(ty: Type) -> Self {
        if given(ty) == arrays::dictionary() { Self::Texts(Vec::new()) } else { Self::Values(Vec::new()) }
    }

    fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Values(values) => values.len(),
        }
    }

    fn push(&mut self, value: Value) {
        match self {
            Self::Texts(texts) => {
                texts.push(arrays::text(&value).map(|text| Text::Whole(text.into_owned().into())));
            }
            Self::Values(values) => values.push(value),
        }
    }

    /// Each row has what is at its place; none: null.
    fn placed(&self, ty: Type, places: &[Option<usize>]) -> Result<ArrayRef, QueryError> {
        let texts = match self {
            Self::Texts(texts) => texts,
            Self::Values(values) => {
                let nothing = null(ty);
                let each = places.iter().map(|place| place.map_or(&nothing, |place| &values[place]));
                return Ok(arrays::build(ty, each));
            }
        };
        // Lists are often made of the same elements: whatever comes after looks at each different one once.
        let mut known = HashMap::with_capacity(texts.len().min(1024));
        let mut different = StringBuilder::new();
        let mut number = |text: &'_ Text<'a>| match text {
            Text::Whole(text) => different.append_value(text),
            Text::Member(member) => different.append_value(format!("{{{member}}}")),
        };
        let mut numbers = Vec::with_capacity(texts.len());
        for text in texts {
            numbers.push(text.as_ref().map(|text| {
                let next = known.len() as i32;
                *known.entry(text).or_insert_with(|| {
                    number(text);
                    next
                })
            }));
        }
        // A text is never null.
        let nothing = arrays::text(&null(ty)).map(|text| {
            different.append_value(text);
            known.len() as i32
        });
        let keys: Int32Array =
            places.iter().map(|place| place.map_or(nothing, |place| numbers[place].or(nothing))).collect();
        DictionaryArray::<Int32Type>::try_new(keys, Arc::new(different.finish()))
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|error| QueryError::failed(format!("a column cannot be made: {error}")))
    }
}

/// The different texts of a column in their order, and for each row the place of its own.
struct Texts<'a> {
    texts: Vec<Option<&'a str>>,
    of_row: Vec<usize>,
}

impl<'a> Texts<'a> {
    fn of(array: &'a ArrayRef, ty: Type) -> Result<Self, QueryError> {
        let cells = Cells::of(array, ty)?;
        let rows = array.len();
        let Some(coded) = array.as_dictionary_opt::<Int32Type>() else {
            let texts = (0..rows).map(|row| cells.text(row)).collect();
            return Ok(Self { texts, of_row: (0..rows).collect() });
        };
        // Only what a row has is read: a filter may have left little of a dictionary.
        let different = coded.values().len();
        let mut place = vec![usize::MAX; different + 1];
        let mut texts = Vec::new();
        let mut of_row = Vec::with_capacity(rows);
        for (row, key) in coded.keys().iter().enumerate() {
            let at = key.and_then(|key| usize::try_from(key).ok()).unwrap_or(different);
            if place[at] == usize::MAX {
                place[at] = texts.len();
                texts.push(cells.text(row));
            }
            of_row.push(place[at]);
        }
        Ok(Self { texts, of_row })
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
    /// Their values are the last columns of the input, and `dynamic`.
    lists: Vec<List>,
    with_index: bool,
    most: usize,
    bags_as_arrays: bool,
    /// Of one batch.
    most_rows: usize,
}

/// The elements of the different lists of a column, and for each row from where to where its own go.
struct Elements<'a> {
    made: Made<'a>,
    ranges: Vec<(usize, usize)>,
    of_row: Vec<usize>,
}

impl Unfolded {
    fn elements<'a>(&self, array: &'a ArrayRef, ty: Type) -> Result<Elements<'a>, QueryError> {
        let Texts { texts, of_row } = Texts::of(array, Type::Dynamic)?;
        let as_written = ty == Type::Dynamic && !self.bags_as_arrays;
        let mut made = Made::new(ty);
        let mut ranges = Vec::with_capacity(texts.len());
        for text in texts {
            let from = made.len();
            let parts = text.filter(|_| as_written).and_then(path::parts);
            match (&mut made, parts) {
                (Made::Texts(texts), Some((true, members))) => {
                    texts.extend(members.into_iter().map(|member| Some(Text::Member(member))));
                }
                (Made::Texts(texts), Some((false, elements))) => {
                    let each = elements.into_iter().map(|one| (one != "null").then_some(one));
                    texts.extend(each.map(|one| one.map(|one| Text::Whole(one.into()))));
                }
                (made, _) => {
                    let value = text.map_or(null(Type::Dynamic), |text| Value::Dynamic(text.to_owned()));
                    let elements = members(&value, self.bags_as_arrays);
                    elements.iter().for_each(|json| made.push(typed(json, ty).unwrap_or_else(|| null(ty))));
                }
            }
            ranges.push((from, made.len()));
        }
        Ok(Elements { made, ranges, of_row })
    }
}

impl Each for Unfolded {
    fn over(&self, input: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let first = input.num_columns() - self.lists.len();
        let each = self.lists.iter().enumerate();
        let elements: Vec<Elements<'_>> = each
            .map(|(at, list)| self.elements(input.column(first + at), list.ty))
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
            columns.push(elements.made.placed(list.ty, places)?);
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
    pattern: Pattern,
    only_matches: bool,
}

impl Each for Parsed {
    fn over(&self, input: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let source = input.column(input.num_columns() - 1);
        let Texts { texts, of_row } = Texts::of(source, Type::String)?;
        let mut made: Vec<Made<'_>> = self.pattern.types.iter().map(|ty| Made::new(*ty)).collect();
        let mut fits = Vec::with_capacity(texts.len());
        for text in &texts {
            let found = self.pattern.find(text.unwrap_or_default());
            fits.push(found.is_some());
            for (column, value) in made.iter_mut().zip(found.unwrap_or_else(|| self.pattern.nothing())) {
                column.push(value);
            }
        }
        let stays = |row: &usize| !self.only_matches || fits[of_row[*row]];
        let rows: Vec<usize> = (0..input.num_rows()).filter(stays).collect();
        let places: Vec<Option<usize>> = rows.iter().map(|row| Some(of_row[*row])).collect();
        let rows: Vec<u32> = rows.into_iter().map(|row| row as u32).collect();
        let mut columns = passed_on(input, &self.passed, &rows)?;
        for (ty, made) in self.pattern.types.iter().zip(&made) {
            columns.push(made.placed(*ty, &places)?);
        }
        batch(&self.schema, columns, rows.len())
    }
}
