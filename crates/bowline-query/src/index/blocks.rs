//! Documents of a chunk, packed in blocks: in memory, or in a file when memory has its bound.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

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
    end: AtomicU64,
}

impl Room {
    /// The file is made at once, so that it is known at the start whether there can be one.
    pub(crate) fn new(bound: usize, file: Option<File>) -> Self {
        Self { bound, used: AtomicUsize::new(0), spilled: AtomicUsize::new(0), file, end: AtomicU64::new(0) }
    }

    pub(crate) fn spilled(&self) -> usize {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Memory if there is room, else the file; memory again if that cannot be written.
    fn keep(self: &Arc<Self>, bytes: Vec<u8>) -> Block {
        let used = self.used.load(Ordering::Relaxed);
        if used + bytes.len() > self.bound
            && let Some(file) = &self.file
        {
            let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
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
            Packed::Spilled { length, .. } => self.room.spilled.fetch_sub(*length, Ordering::Relaxed),
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
                zstd::bulk::compress(&plain, LEVEL).map(|bytes| room.keep(bytes)).map_err(|_| broken())
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
