//! One table: rows that change are few and open, the others lie sealed in chunks.
//!
//! # Design notes
//! A row that changes dies where it is and is written anew among the open ones; a chunk of which half is dead is written anew as a whole. So a
//! change costs the same however large the table is. Rows are found by 128 bits of a keyed hash of their key, which nobody can make collide.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use bowline_kql::tables::{Entry, Figures, Layout, Place};
use hashbrown::HashTable;

use super::blocks::Room;
use super::chunk::{self, Chunk, OpenRow, ROWS};
use crate::error::QueryError;

/// The most paths that are held apart.
const MOST_APART: usize = 64;
/// From the how manieth use on.
const OFTEN: u64 = 2;

/// So many open rows are packed when nothing changes: an open row takes ten times the memory of a packed one.
const WORTH_PACKING: usize = 256;

/// Which rows of a chunk are gone.
pub(crate) type Dead = Vec<u64>;

/// A chunk and what is gone of it.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) chunk: Arc<Chunk>,
    pub(crate) dead: Arc<Dead>,
    live: usize,
}

/// The chunks and the open rows of one moment.
pub(crate) type Snapshot = (Arc<Vec<Sealed>>, Arc<Vec<Arc<OpenRow>>>);

/// Where a row is: among the open ones, or in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowId(u32);

/// The open rows are as if in chunk 0.
const OPEN: usize = 0;

impl RowId {
    fn new(slot: usize, row: usize) -> Self {
        Self((slot * ROWS + row) as u32)
    }

    pub(crate) fn slot(self) -> usize {
        self.0 as usize / ROWS
    }

    pub(crate) fn row(self) -> usize {
        self.0 as usize % ROWS
    }
}

/// The paths that queries asked for.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    uses: HashMap<chunk::Place, u64>,
    clock: u64,
    last: HashMap<chunk::Place, u64>,
}

/// A table.
pub(crate) struct Table {
    pub(crate) layout: Arc<Layout>,
    room: Arc<Room>,
    /// All places that rows have had.
    pub(crate) places: Arc<RwLock<Vec<Arc<Place>>>>,
    place_ids: HashMap<Place, u32>,
    slots: Vec<Option<Sealed>>,
    free: Vec<usize>,
    open: Vec<Option<Arc<OpenRow>>>,
    by_key: HashTable<RowId>,
    hashers: (RandomState, RandomState),
    /// What readers take, until something changes.
    shown: OnceLock<Snapshot>,
    pub(crate) paths: Arc<Mutex<Paths>>,
}

impl Table {
    pub(crate) fn new(layout: Layout, room: Arc<Room>) -> Self {
        let paths = Paths {
            uses: layout.hot.iter().map(|place| (place.clone(), u64::MAX)).collect(),
            ..Paths::default()
        };
        Self {
            layout: Arc::new(layout),
            room,
            places: Arc::default(),
            place_ids: HashMap::new(),
            slots: vec![None],
            free: Vec::new(),
            open: Vec::new(),
            by_key: HashTable::new(),
            hashers: Default::default(),
            shown: OnceLock::new(),
            paths: Arc::new(Mutex::new(paths)),
        }
    }

    fn hash(&self, key: &str) -> u128 {
        (u128::from(self.hashers.0.hash_one(key)) << 64) | u128::from(self.hashers.1.hash_one(key))
    }

    fn key_of(&self, id: RowId) -> Option<u128> {
        match id.slot() {
            OPEN => self.open.get(id.row())?.as_ref().map(|row| row.key),
            slot => self.slots[slot].as_ref().map(|sealed| sealed.chunk.keys[id.row()]),
        }
    }

    /// Where the row of a key is.
    pub(crate) fn find(&self, key: &str) -> Option<RowId> {
        let hash = self.hash(key);
        self.by_key.find(hash as u64, |id| self.key_of(*id) == Some(hash)).copied()
    }

    pub(crate) fn put(&mut self, entry: Entry) -> Result<(), QueryError> {
        let key = self.hash(&entry.key);
        self.kill(key);
        let place = self.place(&entry.place);
        self.push(Arc::new(OpenRow { key, place, entry }))
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.kill(self.hash(key));
    }

    /// Of an owner's rows only these stay.
    pub(crate) fn keep(&mut self, owner: u128, keys: &HashSet<String>) {
        let stay: HashSet<u128> = keys.iter().map(|key| self.hash(key)).collect();
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let owned: Vec<bool> = places.iter().map(|place| place.owner == owner).collect();
        drop(places);
        let open = self.open.iter().flatten().filter(|row| owned[row.place as usize]).map(|row| row.key);
        let sealed = self.slots.iter().flatten().flat_map(|sealed| {
            let chunk = &sealed.chunk;
            let here: Vec<bool> = chunk.places.iter().map(|place| owned[*place as usize]).collect();
            let any = here.contains(&true);
            let rows = if any { 0..chunk.len() } else { 0..0 };
            rows.filter(move |row| here[usize::from(chunk.place_of[*row])] && !is_dead(&sealed.dead, *row))
                .map(|row| chunk.keys[row])
        });
        let gone: Vec<u128> = open.chain(sealed).filter(|key| !stay.contains(key)).collect();
        gone.into_iter().for_each(|key| self.kill(key));
    }

    pub(crate) fn clear(&mut self) {
        let layout = Layout::clone(&self.layout);
        *self = Self::new(layout, Arc::clone(&self.room));
    }

    fn place(&mut self, place: &Place) -> u32 {
        if let Some(known) = self.place_ids.get(place) {
            return *known;
        }
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let id = places.len() as u32;
        places.push(Arc::new(place.clone()));
        let _ = self.place_ids.insert(place.clone(), id);
        id
    }

    fn kill(&mut self, key: u128) {
        let _ = self.shown.take();
        let Self { by_key, open, slots, .. } = self;
        let same = |id: &RowId| {
            let known = match id.slot() {
                OPEN => open.get(id.row()).and_then(Option::as_ref).map(|row| row.key),
                slot => slots[slot].as_ref().map(|sealed| sealed.chunk.keys[id.row()]),
            };
            known == Some(key)
        };
        let Ok(found) = by_key.find_entry(key as u64, same) else { return };
        let (id, _) = found.remove();
        match id.slot() {
            OPEN => open[id.row()] = None,
            slot => {
                let sealed = slots[slot].as_mut().expect("a row that is found has its chunk");
                let dead = Arc::make_mut(&mut sealed.dead);
                dead[id.row() / 64] |= 1 << (id.row() % 64);
                sealed.live -= 1;
                if sealed.live == 0 {
                    slots[slot] = None;
                    self.free.push(slot);
                }
            }
        }
    }

    fn push(&mut self, row: Arc<OpenRow>) -> Result<(), QueryError> {
        let _ = self.shown.take();
        let Self { by_key, open, slots, .. } = self;
        let id = RowId::new(OPEN, open.len());
        let hash_of = |id: &RowId| match id.slot() {
            OPEN => open[id.row()].as_ref().expect("a known row is there").key as u64,
            slot => slots[slot].as_ref().expect("a known row has its chunk").chunk.keys[id.row()] as u64,
        };
        let _ = by_key.insert_unique(row.key as u64, id, hash_of);
        self.open.push(Some(row));
        if self.open.len() == ROWS { self.seal(ROWS / 2) } else { Ok(()) }
    }

    /// Closes the open rows, dead ones left out; when fewer than `least` are left, they stay open and there is room again.
    fn seal(&mut self, least: usize) -> Result<(), QueryError> {
        let _ = self.shown.take();
        let open = std::mem::take(&mut self.open);
        let (old, rows): (Vec<usize>, Vec<Arc<OpenRow>>) =
            open.into_iter().enumerate().filter_map(|(at, row)| Some((at, row?))).unzip();
        let few = rows.len() < least;
        let slot = if few { OPEN } else { self.free.pop().unwrap_or(self.slots.len()) };
        for (new, (old, row)) in old.iter().zip(&rows).enumerate() {
            let before = RowId::new(OPEN, *old);
            let place = self.by_key.find_mut(row.key as u64, |id| *id == before);
            *place.expect("an open row is known by its key") = RowId::new(slot, new);
        }
        if few {
            self.open = rows.into_iter().map(Some).collect();
            return Ok(());
        }
        let apart = self.paths.lock().unwrap_or_else(PoisonError::into_inner).kept();
        let chunk = Chunk::seal(&self.layout, &rows, &self.room, &apart)?;
        let sealed = Sealed { dead: Arc::new(vec![0; ROWS / 64]), live: chunk.len(), chunk: Arc::new(chunk) };
        match self.slots.get_mut(slot) {
            Some(free) => *free = Some(sealed),
            None => self.slots.push(Some(sealed)),
        }
        Ok(())
    }

    /// Writes one chunk anew of which more than half is dead; says whether there was one.
    pub(crate) fn compact(&mut self) -> Result<bool, QueryError> {
        let thin =
            |slot: &Option<Sealed>| slot.as_ref().is_some_and(|sealed| 2 * sealed.live < sealed.chunk.len());
        let Some(slot) = self.slots.iter().position(thin) else { return Ok(false) };
        self.reopen(slot)?;
        Ok(true)
    }

    /// Nothing changes for now: open rows are packed though they are few, together with what was packed so before.
    pub(crate) fn rest(&mut self) -> Result<(), QueryError> {
        if self.open.iter().flatten().count() < WORTH_PACKING {
            return Ok(());
        }
        let small = |sealed: &Sealed| sealed.live < ROWS / 2;
        for slot in 0..self.slots.len() {
            if self.slots[slot].as_ref().is_some_and(small) {
                self.reopen(slot)?;
            }
        }
        self.seal(1)
    }

    /// A chunk's rows are open again.
    fn reopen(&mut self, slot: usize) -> Result<(), QueryError> {
        let Some(sealed) = self.slots[slot].clone() else { return Ok(()) };
        let rows: Vec<u32> = alive(&sealed.dead, sealed.chunk.len()).collect();
        let values = sealed.chunk.rows(&self.layout, &rows)?;
        for (row, values) in rows.iter().zip(values) {
            let at = *row as usize;
            let key = sealed.chunk.keys[at];
            let place = sealed.chunk.places[usize::from(sealed.chunk.place_of[at])];
            let known =
                Arc::clone(&self.places.read().unwrap_or_else(PoisonError::into_inner)[place as usize]);
            self.kill(key);
            // Its key is known by its hash alone from now on.
            let entry = Entry { table: 0, key: String::new(), place: Place::clone(&known), values };
            self.push(Arc::new(OpenRow { key, place, entry }))?;
        }
        Ok(())
    }

    /// The chunks, and the open rows.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let take = || {
            let chunks = self.slots.iter().flatten().cloned().collect();
            (Arc::new(chunks), Arc::new(self.open.iter().flatten().cloned().collect()))
        };
        self.shown.get_or_init(take).clone()
    }

    /// One row alone: its chunk, or itself.
    pub(crate) fn row(&self, id: RowId) -> Option<Result<(Sealed, u32), Arc<OpenRow>>> {
        match id.slot() {
            OPEN => Some(Err(Arc::clone(self.open.get(id.row())?.as_ref()?))),
            slot => Some(Ok((self.slots[slot].clone()?, id.row() as u32))),
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let sealed: usize = self.slots.iter().flatten().map(|sealed| sealed.chunk.bytes() + ROWS / 8).sum();
        let text = |row: &Arc<OpenRow>| {
            let value = |value: &bowline_kql::Value| match value {
                bowline_kql::Value::String(text) | bowline_kql::Value::Dynamic(text) => text.capacity(),
                _ => 0,
            };
            row.entry.key.capacity() + row.entry.values.iter().map(|one| 40 + value(one)).sum::<usize>() + 120
        };
        let open: usize = self.open.iter().flatten().map(text).sum();
        let places = self.place_ids.keys().map(|place| 2 * (place.scope.len() + 64)).sum::<usize>();
        let bytes = sealed + open + places + self.by_key.allocation_size();
        let packed = self.slots.iter().flatten().map(|sealed| sealed.chunk.packed()).sum();
        Figures { rows: self.by_key.len(), bytes, packed, spilled: 0 }
    }

    /// A query asks for a path: whether it is to be held apart.
    pub(crate) fn often(&self, place: &chunk::Place) -> bool {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let (often, forgotten) = paths.used(place);
        drop(paths);
        if let Some(forgotten) = forgotten {
            self.slots.iter().flatten().for_each(|sealed| sealed.chunk.forget(&forgotten));
        }
        often
    }
}

impl Paths {
    /// What new chunks hold apart.
    fn kept(&self) -> Vec<chunk::Place> {
        self.uses.iter().filter(|(_, uses)| **uses >= OFTEN).map(|(place, _)| place.clone()).collect()
    }

    /// Counts a use; the path that was not used for longest makes room for a new one.
    fn used(&mut self, place: &chunk::Place) -> (bool, Option<chunk::Place>) {
        self.clock += 1;
        let _ = self.last.insert(place.clone(), self.clock);
        let full = self.uses.len() >= MOST_APART;
        match self.uses.entry(place.clone()) {
            Slot::Occupied(mut uses) => {
                *uses.get_mut() = uses.get().saturating_add(1);
                return (*uses.get() >= OFTEN, None);
            }
            Slot::Vacant(slot) => *slot.insert(1),
        };
        if !full {
            return (false, None);
        }
        let declared = |place: &&chunk::Place| self.uses[*place] == u64::MAX;
        let oldest = self
            .uses
            .keys()
            .filter(|place| !declared(place))
            .min_by_key(|place| self.last.get(*place))
            .cloned();
        if let Some(oldest) = &oldest {
            let _ = self.uses.remove(oldest);
            let _ = self.last.remove(oldest);
        }
        (false, oldest)
    }
}

pub(crate) fn is_dead(dead: &Dead, row: usize) -> bool {
    dead[row / 64] & (1 << (row % 64)) != 0
}

/// The rows that are not gone.
pub(crate) fn alive(dead: &Dead, rows: usize) -> impl Iterator<Item = u32> {
    (0..rows as u32).filter(|row| !is_dead(dead, *row as usize))
}
