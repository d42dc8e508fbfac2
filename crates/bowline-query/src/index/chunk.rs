//! Rows that do not change any more, column by column.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use bowline_kql::engine::Row;
use bowline_kql::tables::{Entry, Held, Layout};
use bowline_kql::{Type, Value};
use datafusion::arrow::array::{
    Array, ArrayRef, StringArray, StringBuilder, StringViewArray, StringViewBuilder, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use memchr::memmem;

use super::blocks::{Documents, Room};
use super::codes::{Codes, Gathering};
use super::path;
use crate::arrays::{self, Cells};
use crate::error::QueryError;

/// Rows of a chunk.
pub(crate) const ROWS: usize = 8192;

/// What stands before the namespace and the type of a collection.
const PROVIDERS: &str = "/providers/";

/// A path into a column.
pub(crate) type Place = (usize, Vec<String>);

/// A row before it is sealed.
#[derive(Debug)]
pub(crate) struct OpenRow {
    pub(crate) key: u128,
    pub(crate) place: u32,
    pub(crate) entry: Entry,
}

#[derive(Debug)]
enum Column {
    /// Up to the collection, of which there are few; and from there on.
    Id {
        above: Codes,
        rest: StringArray,
    },
    /// What is behind the last slash of the id.
    Name,
    Text(StringArray),
    Few(Codes),
    Number(ArrayRef),
    Document(Documents),
    Alias,
}

/// Sealed rows.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) keys: Box<[u128]>,
    /// The different places of its rows, and for each row which of them.
    pub(crate) places: Vec<u32>,
    pub(crate) place_of: Box<[u16]>,
    columns: Vec<Column>,
    /// Members of documents, held apart because queries ask for them.
    apart: RwLock<HashMap<Place, Arc<Codes>>>,
}

/// The Arrow type in which a column is given.
pub(crate) fn arrow_type(held: &Held, ty: Type, path: &[String]) -> DataType {
    match held {
        Held::Few | Held::Alias { .. } => arrays::dictionary(),
        _ if !path.is_empty() => arrays::dictionary(),
        Held::Id | Held::Text | Held::Document => DataType::Utf8View,
        Held::Number => arrays::held(ty),
    }
}

/// The text of a value, which is a text or JSON.
fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) | Value::Dynamic(text) => Some(text),
        _ => None,
    }
}

/// The column of rows that are not sealed.
pub(crate) fn open_array(layout: &Layout, rows: &[&OpenRow], column: usize, keys: &[String]) -> ArrayRef {
    let texts = |column: usize| rows.iter().map(move |row| row.entry.values.get(column).and_then(text_of));
    match &layout.held[column] {
        Held::Alias { column, path } => members(texts(*column), &[path, keys].concat()),
        _ if !keys.is_empty() => members(texts(column), keys),
        Held::Few => {
            let mut gathering = Gathering::default();
            texts(column).for_each(|text| gathering.push(text));
            gathering.finish().array(&(0..rows.len() as u32).collect::<Vec<_>>())
        }
        Held::Id | Held::Text | Held::Document => Arc::new(texts(column).collect::<StringViewArray>()),
        Held::Number => number_array(layout, rows.iter().copied(), column),
    }
}

fn members<'a>(texts: impl Iterator<Item = Option<&'a str>>, keys: &[String]) -> ArrayRef {
    let mut gathering = Gathering::default();
    let mut rows = 0;
    for text in texts {
        gathering.push(text.and_then(|text| path::at(text, keys)));
        rows += 1;
    }
    gathering.finish().array(&(0..rows).collect::<Vec<_>>())
}

fn number_array<'a>(layout: &Layout, rows: impl Iterator<Item = &'a OpenRow>, column: usize) -> ArrayRef {
    arrays::build(layout.table.schema.columns[column].ty, rows.map(|row| &row.entry.values[column]))
}

/// Rows of a table, in the order of its columns, from the array of each column.
pub(crate) fn rows_of(
    layout: &Layout,
    rows: usize,
    array: impl Fn(usize) -> Result<ArrayRef, QueryError>,
) -> Result<Vec<Row>, QueryError> {
    let columns = &layout.table.schema.columns;
    let arrays: Vec<ArrayRef> = (0..columns.len()).map(array).collect::<Result<_, _>>()?;
    let cells = arrays.iter().zip(columns).map(|(array, column)| Cells::of(array, column.ty));
    let cells: Vec<Cells<'_>> = cells.collect::<Result<_, _>>()?;
    Ok((0..rows).map(|row| cells.iter().map(|cells| cells.value(row)).collect()).collect())
}

impl Chunk {
    /// Seals rows; these paths are held apart at once.
    pub(crate) fn seal(
        layout: &Layout,
        rows: &[Arc<OpenRow>],
        room: &Arc<Room>,
        apart: &[Place],
    ) -> Result<Self, QueryError> {
        let columns = (0..layout.held.len())
            .map(|column| seal(layout, rows, column, room))
            .collect::<Result<_, _>>()?;
        let (mut places, mut numbers) = (Vec::new(), HashMap::new());
        let place_of = rows
            .iter()
            .map(|row| {
                *numbers.entry(row.place).or_insert_with(|| {
                    places.push(row.place);
                    (places.len() - 1) as u16
                })
            })
            .collect();
        Ok(Self {
            keys: rows.iter().map(|row| row.key).collect(),
            places,
            place_of,
            columns,
            apart: RwLock::new(hold_apart(rows, apart)),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// A column of few texts.
    pub(crate) fn few(&self, column: usize) -> Option<&Codes> {
        match &self.columns[column] {
            Column::Few(codes) => Some(codes),
            _ => None,
        }
    }

    /// These rows of a column, or of a path into it; what is asked for often is held apart from then on.
    pub(crate) fn array(
        &self,
        layout: &Layout,
        column: usize,
        keys: &[String],
        rows: &[u32],
        often: bool,
    ) -> Result<ArrayRef, QueryError> {
        if let Held::Alias { column, path } = &layout.held[column] {
            return self.array(layout, *column, &[path, keys].concat(), rows, often);
        }
        Ok(match &self.columns[column] {
            Column::Few(codes) if keys.is_empty() => codes.array(rows),
            Column::Few(codes) => codes.map(rows, |text| path::at(text, keys).map(str::to_owned)),
            Column::Document(documents) if !keys.is_empty() => {
                self.member(documents, (column, keys.to_vec()), rows, often)?
            }
            Column::Document(documents) => {
                let mut texts = StringViewBuilder::with_capacity(rows.len());
                documents.each(rows, |text| texts.append_option(text))?;
                Arc::new(texts.finish())
            }
            Column::Id { above, rest } => {
                let mut texts = StringViewBuilder::with_capacity(rows.len());
                let mut id = String::new();
                for row in rows {
                    id.clear();
                    id.push_str(above.text(*row as usize).unwrap_or_default());
                    id.push_str(rest.value(*row as usize));
                    texts.append_value(&id);
                }
                Arc::new(texts.finish())
            }
            Column::Name => Arc::new(self.names(rows)?),
            Column::Text(texts) if rows.len() == self.len() => Arc::new(StringViewArray::from(texts)),
            Column::Text(texts) => {
                Arc::new(rows.iter().map(|row| text_at(texts, *row as usize)).collect::<StringViewArray>())
            }
            Column::Number(numbers) if rows.len() == self.len() => Arc::clone(numbers),
            Column::Number(numbers) => taken(numbers, rows)?,
            Column::Alias => return Err(QueryError::failed("a column of the index stands for itself")),
        })
    }

    /// Ends of ids, which stay where they are.
    fn names(&self, rows: &[u32]) -> Result<StringViewArray, QueryError> {
        let rest = self.columns.iter().find_map(|column| match column {
            Column::Id { rest, .. } => Some(rest),
            _ => None,
        });
        let rest = rest.ok_or_else(|| QueryError::failed("a table of the index has names and no ids"))?;
        let mut texts = StringViewBuilder::with_capacity(rows.len());
        let block = texts.append_block(rest.values().clone());
        for row in rows {
            let (from, end) =
                (rest.value_offsets()[*row as usize] as u32, rest.value_offsets()[*row as usize + 1] as u32);
            let skipped = (end - from) - last(rest.value(*row as usize)).len() as u32;
            texts
                .try_append_view(block, from + skipped, end - from - skipped)
                .map_err(|error| QueryError::failed(format!("the index cannot read a name: {error}")))?;
        }
        Ok(texts.finish())
    }

    fn member(
        &self,
        documents: &Documents,
        place: Place,
        rows: &[u32],
        often: bool,
    ) -> Result<ArrayRef, QueryError> {
        let known = self.apart.read().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        if let Some(codes) = known {
            return Ok(codes.array(rows));
        }
        let gather = |rows: &[u32]| {
            let mut texts = Vec::with_capacity(rows.len());
            documents.each(rows, |text| {
                texts.push(text.and_then(|text| path::at(text, &place.1)).map(str::to_owned));
            })?;
            let mut gathering = Gathering::default();
            texts.iter().for_each(|text| gathering.push(text.as_deref()));
            Ok::<_, QueryError>(gathering.finish())
        };
        if !often {
            return Ok(gather(rows)?.array(&(0..rows.len() as u32).collect::<Vec<_>>()));
        }
        let codes = Arc::new(gather(&(0..self.len() as u32).collect::<Vec<_>>())?);
        let array = codes.array(rows);
        let mut apart = self.apart.write().unwrap_or_else(PoisonError::into_inner);
        let _ = apart.insert(place, codes);
        Ok(array)
    }

    /// Forgets what was held apart of a path.
    pub(crate) fn forget(&self, place: &Place) {
        let _ = self.apart.write().unwrap_or_else(PoisonError::into_inner).remove(place);
    }

    /// Rows as values, in the order of the table's columns.
    pub(crate) fn rows(&self, layout: &Layout, rows: &[u32]) -> Result<Vec<Row>, QueryError> {
        rows_of(layout, rows.len(), |column| self.array(layout, column, &[], rows, false))
    }

    /// Bytes of its packed documents in memory.
    pub(crate) fn packed(&self) -> usize {
        let documents = |column: &Column| match column {
            Column::Document(documents) => documents.bytes(),
            _ => 0,
        };
        self.columns.iter().map(documents).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        let apart = self.apart.read().unwrap_or_else(PoisonError::into_inner);
        let columns = self.columns.iter().map(|column| match column {
            Column::Id { above, rest } => above.bytes() + rest.get_array_memory_size(),
            Column::Text(texts) => texts.get_array_memory_size(),
            Column::Few(codes) => codes.bytes(),
            Column::Number(numbers) => numbers.get_array_memory_size(),
            Column::Document(documents) => documents.bytes(),
            Column::Alias | Column::Name => 0,
        });
        let apart = apart.values().map(|codes| codes.bytes());
        18 * self.len() + 4 * self.places.len() + columns.chain(apart).sum::<usize>()
    }
}

/// An id comes apart behind the collection that it is in, so that children go with their parents: `…/machines/` and `m/extensions/e`.
fn at_collection<'a>(id: &'a str, providers: &memmem::FinderRev<'_>) -> (&'a str, &'a str) {
    let provider = providers.rfind(id.as_bytes()).map(|at| at + PROVIDERS.len());
    let behind = provider.and_then(|from| {
        let slash = memchr::memchr_iter(b'/', &id.as_bytes()[from..]).nth(1)?;
        Some(from + slash + 1)
    });
    id.split_at(behind.unwrap_or_else(|| id.len() - last(id).len()))
}

/// What is behind the last slash.
fn last(text: &str) -> &str {
    memchr::memrchr(b'/', text.as_bytes()).map_or(text, |slash| &text[slash + 1..])
}

/// Texts without room to grow.
fn packed(texts: Vec<Option<&str>>) -> StringArray {
    let bytes = texts.iter().flatten().map(|text| text.len()).sum();
    let mut builder = StringBuilder::with_capacity(texts.len(), bytes);
    builder.extend(texts);
    builder.finish()
}

fn text_at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// What stands at these paths, as columns of few texts.
fn hold_apart(rows: &[Arc<OpenRow>], places: &[Place]) -> HashMap<Place, Arc<Codes>> {
    let mut apart = HashMap::new();
    let columns: BTreeSet<usize> = places.iter().map(|(column, _)| *column).collect();
    for column in columns {
        let here = || places.iter().filter(move |(other, _)| *other == column);
        let paths: Vec<&[String]> = here().map(|(_, keys)| keys.as_slice()).collect();
        let mut gatherings: Vec<Gathering<'_>> = paths.iter().map(|_| Gathering::default()).collect();
        let mut found = Vec::new();
        for row in rows {
            path::all(text_of(&row.entry.values[column]).unwrap_or_default(), &paths, &mut found);
            gatherings.iter_mut().zip(&found).for_each(|(gathering, text)| gathering.push(*text));
        }
        let codes = gatherings.into_iter().map(|gathering| Arc::new(gathering.finish()));
        apart.extend(here().cloned().zip(codes));
    }
    apart
}

fn taken(array: &dyn Array, rows: &[u32]) -> Result<ArrayRef, QueryError> {
    take(array, &UInt32Array::from(rows.to_vec()), None)
        .map_err(|error| QueryError::failed(format!("the index cannot pick rows: {error}")))
}

fn seal(
    layout: &Layout,
    rows: &[Arc<OpenRow>],
    column: usize,
    room: &Arc<Room>,
) -> Result<Column, QueryError> {
    let texts = || rows.iter().map(|row| row.entry.values.get(column).and_then(text_of));
    Ok(match &layout.held[column] {
        Held::Id => {
            let mut above = Gathering::default();
            let providers = memmem::FinderRev::new(PROVIDERS);
            let rest = texts().map(|text| {
                let (first, rest) = at_collection(text.unwrap_or_default(), &providers);
                above.push(Some(first));
                Some(rest)
            });
            let rest = packed(rest.collect());
            Column::Id { above: above.finish(), rest }
        }
        Held::Text => {
            let id = layout.held.iter().position(|held| *held == Held::Id);
            let ends = |(row, text): (&Arc<OpenRow>, Option<&str>)| {
                id.and_then(|id| text_of(&row.entry.values[id])).map(last) == text
            };
            if rows.iter().zip(texts()).all(ends) {
                Column::Name
            } else {
                Column::Text(packed(texts().collect()))
            }
        }
        Held::Few => {
            let mut gathering = Gathering::default();
            texts().for_each(|text| gathering.push(text));
            Column::Few(gathering.finish())
        }
        Held::Number => Column::Number(number_array(layout, rows.iter().map(Arc::as_ref), column)),
        Held::Document => Column::Document(Documents::pack(&texts().collect::<Vec<_>>(), room)?),
        Held::Alias { .. } => Column::Alias,
    })
}
