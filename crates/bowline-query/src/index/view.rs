//! The tables at one moment, as one caller may see them.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bowline_kql::engine::{EngineError, Row, Rows, Source};
use bowline_kql::tables::{Held, Layout, Mask, Place, Reach};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::Shared;
use super::chunk::{OpenRow, arrow_type, open_array, rows_of};
use super::table::{Sealed, alive};
use crate::batches::{BatchStream, Batches, OneOf, Scan};
use crate::error::QueryError;

/// One table at one moment.
#[derive(Clone)]
struct Seen {
    layout: Arc<Layout>,
    places: Arc<RwLock<Vec<Arc<Place>>>>,
    chunks: Arc<Vec<Sealed>>,
    open: Arc<Vec<Arc<OpenRow>>>,
}

/// What a caller may see of each place, asked once.
struct Rights {
    mask: Box<dyn Mask>,
    /// By table and place.
    known: Mutex<Vec<Vec<Option<Reach>>>>,
}

/// All tables for one caller.
pub(super) struct View {
    shared: Arc<Shared>,
    tables: Arc<Vec<Seen>>,
    rights: Arc<Rights>,
}

/// What the engine knows as its own.
pub(super) struct Own(Arc<dyn Batches>, Arc<View>);

impl Own {
    pub(super) fn new(view: View) -> Self {
        let view = Arc::new(view);
        Self(Arc::clone(&view) as Arc<dyn Batches>, view)
    }
}

impl Source for Own {
    fn rows(&self, table: &str) -> Result<Rows, EngineError> {
        self.1.rows(table)
    }

    fn own(&self) -> Option<&dyn Any> {
        Some(&self.0)
    }
}

impl View {
    pub(super) fn new(shared: &Arc<Shared>, mask: Box<dyn Mask>) -> Self {
        let tables = shared.tables.read().unwrap_or_else(PoisonError::into_inner);
        let seen = tables.iter().map(|table| {
            let (chunks, open) = table.snapshot();
            let (layout, places) = (Arc::clone(&table.layout), Arc::clone(&table.places));
            Seen { layout, places, chunks, open }
        });
        let rights = Arc::new(Rights { mask, known: Mutex::default() });
        Self { tables: Arc::new(seen.collect()), rights, shared: Arc::clone(shared) }
    }

    fn table(&self, name: &str) -> Result<usize, QueryError> {
        let found = self.tables.iter().position(|seen| seen.layout.table.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| QueryError::unsupported(name))
    }

    fn rows(&self, name: &str) -> Result<Rows, QueryError> {
        let at = self.table(name)?;
        let seen = &self.tables[at];
        let mut rows: Vec<Row> = Vec::new();
        for sealed in seen.chunks.iter() {
            let picked = self.rights.pick(at, seen, sealed, &[]);
            if !picked.is_empty() {
                rows.extend(sealed.chunk.rows(&seen.layout, &picked)?);
            }
        }
        let open: Vec<&OpenRow> =
            seen.open.iter().map(Arc::as_ref).filter(|row| self.rights.open(at, seen, row)).collect();
        rows.extend(rows_of(&seen.layout, open.len(), |column| {
            Ok(open_array(&seen.layout, &open, column, &[]))
        })?);
        Ok(Arc::new(rows))
    }

    /// When the plan wants few rows by their keys: these rows alone, as they are now.
    fn by_key(&self, at: usize, scan: &Scan) -> Option<Seen> {
        let seen = &self.tables[at];
        let keyed = seen.layout.keyed?;
        let wanted = scan.only.iter().find(|only| only.column == keyed)?;
        let tables = self.shared.tables.read().unwrap_or_else(PoisonError::into_inner);
        let (mut chunks, mut open) = (Vec::new(), Vec::new());
        // Each key once: `in~` may name one in several ways.
        let keys: BTreeSet<String> = wanted.texts.iter().map(|text| text.to_lowercase()).collect();
        for key in &keys {
            match tables[at].find(key).and_then(|id| tables[at].row(id)) {
                Some(Ok((mut sealed, row))) => {
                    let only = Arc::make_mut(&mut sealed.dead);
                    only.iter_mut().for_each(|word| *word = u64::MAX);
                    only[row as usize / 64] &= !(1 << (row % 64));
                    chunks.push(sealed);
                }
                Some(Err(row)) => open.push(row),
                None => {}
            }
        }
        Some(Seen { chunks: Arc::new(chunks), open: Arc::new(open), ..seen.clone() })
    }
}

impl Rights {
    fn reaches(&self, at: usize, seen: &Seen, wanted: &[u32]) -> Vec<Reach> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() <= at {
            known.resize(at + 1, Vec::new());
        }
        let places = seen.places.read().unwrap_or_else(PoisonError::into_inner);
        let known = &mut known[at];
        known.resize(known.len().max(places.len()), None);
        let reach = |place: &u32| {
            let place = *place as usize;
            *known[place].get_or_insert_with(|| self.mask.reach(&places[place]))
        };
        wanted.iter().map(reach).collect()
    }

    fn reach(&self, at: usize, seen: &Seen, place: u32) -> Reach {
        self.reaches(at, seen, &[place]).pop().unwrap_or(Reach::Nothing)
    }

    fn open(&self, at: usize, seen: &Seen, row: &OpenRow) -> bool {
        match self.reach(at, seen, row.place) {
            Reach::All => true,
            Reach::Nothing => false,
            Reach::Some => {
                let id = id_column(&seen.layout).map(|column| &row.entry.values[column]);
                let key = id.and_then(|id| id.as_text()).map(str::to_lowercase);
                key.is_some_and(|key| self.mask.shows(&row.entry.place, &key))
            }
        }
    }

    /// The rows of a chunk that live, may be seen and may be of use.
    fn pick(&self, at: usize, seen: &Seen, sealed: &Sealed, only: &[OneOf]) -> Vec<u32> {
        let chunk = &sealed.chunk;
        let reach = self.reaches(at, seen, &chunk.places);
        if reach.iter().all(|reach| *reach == Reach::Nothing) {
            return Vec::new();
        }
        let mut fitting: Vec<(&super::codes::Codes, Vec<bool>)> = Vec::new();
        for one in only {
            let Some(codes) = chunk.few(one.column) else { continue };
            let fits: Vec<bool> = codes
                .texts()
                .iter()
                .map(|text| text.is_some_and(|text| one.fits(text)))
                .chain([false])
                .collect();
            if !fits.contains(&true) {
                return Vec::new();
            }
            if fits[..fits.len() - 1].contains(&false) {
                fitting.push((codes, fits));
            }
        }
        let all = reach.iter().all(|reach| *reach == Reach::All);
        if all && fitting.is_empty() && sealed.dead.iter().all(|word| *word == 0) {
            return (0..chunk.len() as u32).collect();
        }
        let rows = alive(&sealed.dead, chunk.len())
            .filter(|row| all || reach[usize::from(chunk.place_of[*row as usize])] != Reach::Nothing)
            .filter(|row| fitting.iter().all(|(codes, fits)| fits[codes.number(*row as usize)]));
        let rows: Vec<u32> = rows.collect();
        if reach.contains(&Reach::Some) { self.each(seen, sealed, &reach, rows) } else { rows }
    }

    /// Asks for each row whose place alone does not say.
    fn each(&self, seen: &Seen, sealed: &Sealed, reach: &[Reach], rows: Vec<u32>) -> Vec<u32> {
        let chunk = &sealed.chunk;
        let Some(ids) =
            id_column(&seen.layout).and_then(|id| chunk.array(&seen.layout, id, &[], &rows, false).ok())
        else {
            return Vec::new();
        };
        let ids = ids.as_string_view();
        let places = seen.places.read().unwrap_or_else(PoisonError::into_inner);
        let shown = rows.into_iter().enumerate().filter(|(at, row)| {
            let place = usize::from(chunk.place_of[*row as usize]);
            reach[place] == Reach::All
                || self.mask.shows(&places[chunk.places[place] as usize], &ids.value(*at).to_lowercase())
        });
        shown.map(|(_, row)| row).collect()
    }
}

/// As in a chunk: what is given depends on how rows are held as little as it can.
fn may_be_of_use(layout: &Layout, only: &[OneOf], row: &OpenRow) -> bool {
    let mut few = only.iter().filter(|one| layout.held[one.column] == Held::Few);
    few.all(|one| row.entry.values[one.column].as_text().is_some_and(|text| one.fits(text)))
}

fn id_column(layout: &Layout) -> Option<usize> {
    layout.held.iter().position(|held| *held == Held::Id)
}

impl Batches for View {
    fn types(&self, scan: &Scan) -> Result<Vec<DataType>, QueryError> {
        let layout = &self.tables[self.table(&scan.table)?].layout;
        let one = |wanted: &crate::batches::Wanted| {
            arrow_type(
                &layout.held[wanted.column],
                layout.table.schema.columns[wanted.column].ty,
                &wanted.path,
            )
        };
        Ok(scan.wanted.iter().map(one).collect())
    }

    fn scan(&self, scan: &Scan) -> Result<BatchStream, QueryError> {
        let at = self.table(&scan.table)?;
        let types = self.types(scan)?;
        let fields = types.into_iter().enumerate().map(|(at, ty)| Field::new(format!("c{at}"), ty, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let seen = self.by_key(at, scan).unwrap_or_else(|| self.tables[at].clone());
        let often: Vec<bool> = {
            let tables = self.shared.tables.read().unwrap_or_else(PoisonError::into_inner);
            let place = |wanted: &crate::batches::Wanted| super::document_path(&seen.layout, wanted);
            scan.wanted
                .iter()
                .map(|wanted| place(wanted).is_some_and(|place| tables[at].often(&place)))
                .collect()
        };
        let (rights, scan) = (Arc::clone(&self.rights), scan.clone());
        let mut next = 0;
        Ok(Box::new(std::iter::from_fn(move || {
            loop {
                let chunk = next;
                next += 1;
                let (arrays, rows) = match seen.chunks.get(chunk) {
                    Some(sealed) => {
                        let rows = rights.pick(at, &seen, sealed, &scan.only);
                        let array = |(wanted, often): (&crate::batches::Wanted, &bool)| {
                            sealed.chunk.array(&seen.layout, wanted.column, &wanted.path, &rows, *often)
                        };
                        let arrays = match rows.is_empty() {
                            true => Ok(Vec::new()),
                            false => scan.wanted.iter().zip(&often).map(array).collect::<Result<Vec<_>, _>>(),
                        };
                        (arrays, rows.len())
                    }
                    None if chunk == seen.chunks.len() => {
                        let open = seen.open.iter().map(Arc::as_ref).filter(|row| {
                            rights.open(at, &seen, row) && may_be_of_use(&seen.layout, &scan.only, row)
                        });
                        let open: Vec<&OpenRow> = open.collect();
                        let array = |wanted: &crate::batches::Wanted| {
                            open_array(&seen.layout, &open, wanted.column, &wanted.path)
                        };
                        (Ok(scan.wanted.iter().map(array).collect()), open.len())
                    }
                    None => return None,
                };
                if rows == 0 {
                    continue;
                }
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                return Some(arrays.and_then(|arrays| {
                    RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
                        .map_err(|error| QueryError::failed(format!("the index gave no batch: {error}")))
                }));
            }
        })))
    }
}
