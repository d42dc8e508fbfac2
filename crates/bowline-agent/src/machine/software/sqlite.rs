//! As much of SQLite's file format as it takes to read all rows of a table (<https://www.sqlite.org/fileformat2.html>).
//!
//! # Design notes
//! The whole of SQLite would be a megabyte more in every agent, for one table on some hosts. A page is read at a time; whatever a damaged
//! file says, twice as many pages as there are is the most that is read, and no row is larger than [`MAX_ROW`].

use std::{cell::Cell, fs::File, os::unix::fs::FileExt as _};

/// The largest row that is read: the header of a package with very many files.
const MAX_ROW: usize = 64 << 20;
/// Before the first page's own header.
const FILE_HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

const SHORT: &str = "a page ends too early";
const ENDLESS: &str = "its pages lead in a circle";

/// A value of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Column {
    Integer(i64),
    /// A text or a blob.
    Bytes(Vec<u8>),
    /// Nothing, or a fraction.
    Other,
}

/// A database file.
pub(super) struct Database {
    file: File,
    page: usize,
    /// What of a page is used.
    usable: usize,
    pages: u32,
    /// How many may still be read: those of the list of tables and those of one table, each once.
    left: Cell<u64>,
}

type Take<'a> = &'a mut dyn FnMut(&[Column]) -> Result<(), &'static str>;

impl Database {
    pub(super) fn open(file: File) -> Result<Self, &'static str> {
        let mut head = [0; FILE_HEADER];
        file.read_exact_at(&mut head, 0).map_err(|_| "it is shorter than a header")?;
        if !head.starts_with(MAGIC) {
            return Err("it is no SQLite database");
        }
        let page = match u16::from_be_bytes([head[16], head[17]]) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err("its pages have no valid size"),
        };
        let usable = page - usize::from(head[20]);
        let length = file.metadata().map_err(|_| "its size cannot be read")?.len();
        let pages = u32::try_from(length / page as u64).map_err(|_| "it is too large")?;
        let left = Cell::new(2 * u64::from(pages));
        Ok(Self { file, page, usable, pages, left })
    }

    /// Gives every row of a table.
    pub(super) fn rows(&self, table: &str, take: Take<'_>) -> Result<(), &'static str> {
        let mut root = None;
        // Type, name, table, first page, text.
        self.walk(1, &mut |row| {
            if let [Column::Bytes(kind), Column::Bytes(name), _, Column::Integer(page), ..] = row
                && kind == b"table"
                && name == table.as_bytes()
            {
                root = u32::try_from(*page).ok();
            }
            Ok(())
        })?;
        self.walk(root.ok_or("it has no such table")?, take)
    }

    fn read_page(&self, number: u32) -> Result<Vec<u8>, &'static str> {
        if number == 0 || number > self.pages {
            return Err("a page is named that is not there");
        }
        self.left.set(self.left.get().checked_sub(1).ok_or(ENDLESS)?);
        let mut page = vec![0; self.page];
        let at = u64::from(number - 1) * self.page as u64;
        self.file.read_exact_at(&mut page, at).map_err(|_| "a page cannot be read")?;
        page.truncate(self.usable);
        Ok(page)
    }

    fn walk(&self, root: u32, take: Take<'_>) -> Result<(), &'static str> {
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            if waiting.len() > self.pages as usize {
                return Err(ENDLESS);
            }
            let page = self.read_page(number)?;
            let start = if number == 1 { FILE_HEADER } else { 0 };
            let kind = *page.get(start).ok_or(SHORT)?;
            let first = start + if kind == INTERIOR { 12 } else { 8 };
            let cells = usize::from(short(&page, start + 3)?);
            for cell in 0..cells {
                let at = usize::from(short(&page, first + 2 * cell)?);
                match kind {
                    INTERIOR => waiting.push(long(&page, at)?),
                    LEAF => take(&columns(&self.payload(&page, at)?)?)?,
                    _ => return Err("a page is of no kind that a table has"),
                }
            }
            if kind == INTERIOR {
                waiting.push(long(&page, start + 8)?);
            }
        }
        Ok(())
    }

    /// The row of a cell, with what of it lies on other pages.
    fn payload(&self, page: &[u8], at: usize) -> Result<Vec<u8>, &'static str> {
        let (size, at) = varint(page, at)?;
        let (_, at) = varint(page, at)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_ROW).ok_or("a row is too large")?;
        let most = self.usable - 35;
        let local = if size <= most {
            size
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let even = least + (size - least) % (self.usable - 4);
            if even <= most { even } else { least }
        };
        let mut row = page.get(at..at + local).ok_or(SHORT)?.to_vec();
        if local == size {
            return Ok(row);
        }
        let mut next = long(page, at + local)?;
        while row.len() < size {
            let more = self.read_page(next)?;
            next = long(&more, 0)?;
            let part = more.get(4..).ok_or(SHORT)?;
            row.extend_from_slice(&part[..part.len().min(size - row.len())]);
        }
        Ok(row)
    }
}

/// The values of a row: their types, then themselves.
fn columns(row: &[u8]) -> Result<Vec<Column>, &'static str> {
    let (head, mut kind) = varint(row, 0)?;
    let head = usize::try_from(head).map_err(|_| SHORT)?;
    let mut at = head;
    let mut columns = Vec::new();
    while kind < head {
        let (code, next) = varint(row, kind)?;
        kind = next;
        let length = match code {
            0 | 8..=11 => 0,
            1..=4 => code,
            5 => 6,
            6 | 7 => 8,
            _ => (code - 12) / 2,
        };
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length)).ok_or(SHORT)?;
        let value = row.get(at..end).ok_or(SHORT)?;
        at = end;
        columns.push(match code {
            1..=6 => Column::Integer(integer(value)),
            8 | 9 => Column::Integer(i64::from(code == 9)),
            12.. => Column::Bytes(value.to_vec()),
            _ => Column::Other,
        });
    }
    Ok(columns)
}

/// Big-endian, of up to eight bytes, with a sign.
fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, byte| (number << 8) | i64::from(*byte))
}

fn short(bytes: &[u8], at: usize) -> Result<u16, &'static str> {
    Ok(u16::from_be_bytes(*bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(SHORT)?))
}

fn long(bytes: &[u8], at: usize) -> Result<u32, &'static str> {
    Ok(u32::from_be_bytes(*bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(SHORT)?))
}

/// A number of one to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Result<(u64, usize), &'static str> {
    let mut number = 0_u64;
    for (n, byte) in bytes.get(at..).ok_or(SHORT)?.iter().take(9).enumerate() {
        if n == 8 {
            return Ok(((number << 8) | u64::from(*byte), at + 9));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok((number, at + n + 1));
        }
    }
    Err(SHORT)
}
