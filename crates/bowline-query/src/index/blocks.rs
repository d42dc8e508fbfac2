//! Documents of a chunk, packed in blocks: in memory, or in a file when memory has its bound.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::QueryError;

/// Documents of one block: enough that they pack well, few enough that one of them is read quickly.
const IN_BLOCK: usize = 64;
const LEVEL: i32 = 3;

/// How much of all blocks is in memory; beyond it they go to a file that nobody else sees.
#[derive(Debug)]
pub(crate) struct Room {
    bound: usize,
    used: AtomicUsize,
    spilled: AtomicUsize,
    file: Option<File>,
    /// Where the file ends, and what is free before that.
    places: Mutex<(u64, BTreeMap<u64, u64>)>,
}

impl Room {
    /// The file is made at once, so that it is known at the start whether there can be one.
    pub(crate) fn new(bound: usize, file: Option<File>) -> Self {
        Self {
            bound,
            used: AtomicUsize::new(0),
            spilled: AtomicUsize::new(0),
            file,
            places: Mutex::default(),
        }
    }

    pub(crate) fn spilled(&self) -> usize {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Where so many bytes go in the file: where something was before, else at its end.
    fn place(&self, length: usize) -> u64 {
        let length = length as u64;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, free) = &mut *places;
        let fits = free.iter().find(|(_, room)| **room >= length).map(|(at, room)| (*at, *room));
        if let Some((at, room)) = fits {
            let _ = free.remove(&at);
            if room > length {
                let _ = free.insert(at + length, room - length);
            }
            return at;
        }
        let at = *end;
        *end += length;
        at
    }

    /// What lies there is of no use any more; it becomes one with what is free beside it.
    fn free(&self, mut at: u64, length: usize) {
        let mut length = length as u64;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, free) = &mut *places;
        if let Some((before, room)) = free.range(..at).next_back().map(|(before, room)| (*before, *room))
            && before + room == at
        {
            let _ = free.remove(&before);
            (at, length) = (before, length + room);
        }
        if let Some(room) = free.remove(&(at + length)) {
            length += room;
        }
        if at + length == *end {
            *end = at;
        } else {
            let _ = free.insert(at, length);
        }
    }

    /// Memory if there is room, else the file; memory again if that cannot be written.
    fn keep(self: &Arc<Self>, bytes: Vec<u8>) -> Block {
        let used = self.used.load(Ordering::Relaxed);
        if used + bytes.len() > self.bound
            && let Some(file) = &self.file
        {
            let at = self.place(bytes.len());
            match file.write_all_at(&bytes, at) {
                Ok(()) => {
                    self.spilled.fetch_add(bytes.len(), Ordering::Relaxed);
                    return Block {
                        packed: Packed::Spilled { at, length: bytes.len() },
                        room: Arc::clone(self),
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, "documents of the index stay in memory above its bound: they cannot be written to disk");
                }
            }
        }
        self.used.fetch_add(bytes.len(), Ordering::Relaxed);
        Block { packed: Packed::Memory(bytes.into()), room: Arc::clone(self) }
    }
}

#[derive(Debug)]
enum Packed {
    Memory(Box<[u8]>),
    Spilled { at: u64, length: usize },
}

#[derive(Debug)]
struct Block {
    packed: Packed,
    room: Arc<Room>,
}

impl Drop for Block {
    fn drop(&mut self) {
        match &self.packed {
            Packed::Memory(bytes) => self.room.used.fetch_sub(bytes.len(), Ordering::Relaxed),
            Packed::Spilled { at, length } => {
                self.room.free(*at, *length);
                self.room.spilled.fetch_sub(*length, Ordering::Relaxed)
            }
        };
    }
}

/// One column of documents.
#[derive(Debug)]
pub(crate) struct Documents {
    blocks: Vec<Block>,
    rows: usize,
}

/// A block as it is read: where each document ends, and their texts.
pub(crate) struct Opened {
    ends: Vec<u32>,
    texts: String,
}

impl Opened {
    /// None is an empty text.
    fn get(&self, at: usize) -> Option<&str> {
        let from = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        self.texts.get(from..self.ends[at] as usize).filter(|text| !text.is_empty())
    }
}

impl Documents {
    pub(crate) fn pack(documents: &[Option<&str>], room: &Arc<Room>) -> Result<Self, QueryError> {
        let mut packer = zstd::bulk::Compressor::new(LEVEL).map_err(|_| broken())?;
        let blocks = documents
            .chunks(IN_BLOCK)
            .map(|some| {
                let mut plain = Vec::new();
                let mut end = 0_u32;
                for document in some {
                    end += u32::try_from(document.map_or(0, str::len)).map_err(|_| broken())?;
                    plain.extend(end.to_le_bytes());
                }
                some.iter().flatten().for_each(|document| plain.extend(document.as_bytes()));
                packer.compress(&plain).map(|bytes| room.keep(bytes)).map_err(|_| broken())
            })
            .collect::<Result<_, QueryError>>()?;
        Ok(Self { blocks, rows: documents.len() })
    }

    /// Calls with each of these rows, which are in order, and its document.
    pub(crate) fn each(&self, rows: &[u32], mut take: impl FnMut(Option<&str>)) -> Result<(), QueryError> {
        let mut opened: Option<(usize, Opened)> = None;
        for row in rows {
            let (block, at) = (*row as usize / IN_BLOCK, *row as usize % IN_BLOCK);
            if opened.as_ref().is_none_or(|(known, _)| *known != block) {
                opened = Some((block, self.open(block)?));
            }
            take(opened.as_ref().and_then(|(_, opened)| opened.get(at)));
        }
        Ok(())
    }

    fn open(&self, block: usize) -> Result<Opened, QueryError> {
        let read;
        let bytes = match &self.blocks[block] {
            Block { packed: Packed::Memory(bytes), .. } => bytes,
            Block { packed: Packed::Spilled { at, length }, room } => {
                let mut bytes = vec![0; *length];
                let file = room.file.as_ref().ok_or_else(broken)?;
                file.read_exact_at(&mut bytes, *at).map_err(|error| {
                    QueryError::failed(format!("the index cannot read its documents from disk: {error}"))
                })?;
                read = bytes.into_boxed_slice();
                &read
            }
        };
        let plain = zstd::stream::decode_all(&bytes[..]).map_err(|_| broken())?;
        let count = IN_BLOCK.min(self.rows - block * IN_BLOCK);
        let (heads, texts) = plain.split_at_checked(4 * count).ok_or_else(broken)?;
        let ends = heads.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Ok(Opened { ends, texts: String::from_utf8(texts.to_vec()).map_err(|_| broken())? })
    }

    pub(crate) fn bytes(&self) -> usize {
        let size = |block: &Block| match &block.packed {
            Packed::Memory(bytes) => bytes.len(),
            Packed::Spilled { .. } => 0,
        };
        self.blocks.iter().map(size).sum::<usize>() + self.blocks.len() * size_of::<Block>()
    }
}

fn broken() -> QueryError {
    QueryError::failed("a block of the index cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents that come and go for ever take no more of the disk than those that are there at once.
    #[test]
    fn the_file_does_not_grow_with_changes() {
        let file = tempfile::tempfile().unwrap();
        let room = Arc::new(Room::new(0, Some(file.try_clone().unwrap())));
        let text = |round: usize, n: usize| format!("{{\"round\":{round},\"n\":{}}}", n * 7_919 % 997);
        let mut kept = std::collections::VecDeque::new();
        for round in 0..50 {
            let texts: Vec<String> = (0..200).map(|n| text(round, n)).collect();
            let some: Vec<Option<&str>> = texts.iter().map(|text| Some(text.as_str())).collect();
            kept.push_back((round, Documents::pack(&some, &room).unwrap()));
            if kept.len() > 3 {
                kept.pop_front();
            }
            for (round, documents) in &kept {
                let mut n = 0;
                let check = |found: Option<&str>| {
                    assert_eq!(found, Some(text(*round, n).as_str()));
                    n += 1;
                };
                documents.each(&(0..200).collect::<Vec<_>>(), check).unwrap();
            }
        }
        let (length, used) = (file.metadata().unwrap().len() as usize, room.spilled());
        assert!(length < 3 * used, "{length} bytes of file for {used}");
    }
}
