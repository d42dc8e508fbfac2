//! The index: tables in memory, column by column, behind the port of [`bowline_kql::tables`].
//!
//! | module | what it is |
//! |---|---|
//! | `table` | one table: open rows, sealed chunks, where each key is |
//! | `chunk` | sealed rows, column by column |
//! | `codes` | a column of few different texts |
//! | `blocks` | packed documents, in memory or beyond its bound on disk |
//! | `path` | what stands at a path of a JSON text |
//! | `view` | the tables at one moment for one caller |
//!
//! # Design notes
//! JSON text is the truth: documents lie packed in blocks, and what queries ask of them more than once is held apart as a column of few texts
//! from then on. A reader takes the chunks that there are and is not disturbed by a writer; what it sees is one state of all tables. (A look-up
//! by key sees the row as it is now.) Beyond the bound packed documents go to a file, which is slower and never refused.

mod blocks;
mod chunk;
mod codes;
pub(crate) mod path;
mod table;
mod view;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock};

use bowline_kql::engine::Source;
use bowline_kql::tables::{Change, Figures, Held, Layout, Mask, Tables};

use crate::batches::Wanted;
use blocks::Room;
use table::Table;

/// What readers and the writer share.
struct Shared {
    tables: RwLock<Vec<Table>>,
}

/// Tables in memory.
pub struct Index {
    shared: Arc<Shared>,
    room: Arc<Room>,
}

impl Index {
    /// Tables of these layouts, empty. Above so many bytes documents go to the file, if there is one.
    #[must_use]
    pub fn new(layouts: Vec<Layout>, memory: usize, file: Option<File>) -> Self {
        let room = Arc::new(Room::new(memory, file));
        let tables = layouts.into_iter().map(|layout| Table::new(layout, Arc::clone(&room))).collect();
        Self { shared: Arc::new(Shared { tables: RwLock::new(tables) }), room }
    }
}

impl Tables for Index {
    fn apply(&self, changes: Vec<Change>) {
        let mut tables = self.shared.tables.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let done = match change {
                Change::Put(entry) => tables[entry.table].put(*entry),
                Change::Remove { table, key } => {
                    tables[table].remove(&key);
                    Ok(())
                }
                Change::Keep { table, owner, keys } => {
                    tables[table].keep(owner, &keys);
                    Ok(())
                }
                Change::Clear => {
                    tables.iter_mut().for_each(Table::clear);
                    Ok(())
                }
            };
            if let Err(error) = done {
                tracing::error!(%error, "a row could not be taken into the index");
            }
        }
        for table in tables.iter_mut() {
            if let Err(error) = table.compact() {
                tracing::error!(%error, "a chunk of the index could not be written anew");
            }
        }
    }

    fn rest(&self) {
        let mut tables = self.shared.tables.write().unwrap_or_else(PoisonError::into_inner);
        for table in tables.iter_mut() {
            if let Err(error) = table.rest() {
                tracing::error!(%error, "open rows of the index could not be packed");
            }
        }
    }

    fn view(&self, mask: Box<dyn Mask>) -> Box<dyn Source + Send> {
        Box::new(view::Own::new(view::View::new(&self.shared, mask)))
    }

    fn figures(&self) -> Vec<(String, Figures)> {
        let tables = self.shared.tables.read().unwrap_or_else(PoisonError::into_inner);
        let mut figures: Vec<(String, Figures)> =
            tables.iter().map(|table| (table.layout.table.name.clone(), table.figures())).collect();
        if let Some((_, first)) = figures.first_mut() {
            first.spilled = self.room.spilled();
        }
        figures
    }
}

/// The path into a document that this is, when it is one.
fn document_path(layout: &Layout, wanted: &Wanted) -> Option<(usize, Vec<String>)> {
    match &layout.held[wanted.column] {
        Held::Document if !wanted.path.is_empty() => Some((wanted.column, wanted.path.clone())),
        Held::Alias { column, path } if layout.held[*column] == Held::Document => {
            Some((*column, [path.as_slice(), &wanted.path].concat()))
        }
        _ => None,
    }
}
