//! Holds two records against each other, row by row.

use super::{CopyError, Row, Rows, TABLES, Table, Value};
use sha2::{Digest as _, Sha256};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Differences that are named; further ones are counted.
const NAMED: usize = 20;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Rows that are the same on both sides, by table.
    pub same: Vec<(&'static str, u64)>,
    /// The first differences, in words.
    pub differences: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Comparison {
    /// An error where anything differs.
    ///
    /// # Errors
    /// [`CopyError::Differs`]
    pub fn into_result(self) -> Result<(), CopyError> {
        match self.count {
            0 => Ok(()),
            count => Err(CopyError::Differs { count, named: self.differences.join("\n") }),
        }
    }

    fn note(&mut self, difference: impl FnOnce() -> String) {
        self.count += 1;
        if self.differences.len() < NAMED {
            self.differences.push(difference());
        }
    }
}

/// One side, a row at a time.
struct Side {
    rows: Rows,
    table: Option<&'static Table>,
    waiting: VecDeque<Row>,
}

impl Side {
    /// Makes sure that there is a row of this table to look at, if there is one.
    async fn row(&mut self, table: &'static Table) -> Result<Option<&Row>, CopyError> {
        while self.waiting.is_empty() {
            // The next page may be of a later table: it waits until that is asked for.
            let Some(page) = self.rows.next().await? else { return Ok(None) };
            self.table = Some(page.table);
            self.waiting.extend(page.rows);
        }
        Ok(self.waiting.front().filter(|_| self.table == Some(table)))
    }
}

/// Compares everything but the epoch, which is new in each copy.
///
/// # Errors
/// When one side cannot be read to its end.
pub async fn compare(left: Rows, right: Rows) -> Result<Comparison, CopyError> {
    let side = |rows| Side { rows, table: None, waiting: VecDeque::new() };
    let (mut left, mut right) = (side(left), side(right));
    let mut found = Comparison::default();
    for table in &TABLES {
        let mut same = 0;
        loop {
            let order = match (left.row(table).await?, right.row(table).await?) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) if table.is_counter() => {
                    same += u64::from(same_row(table, a, b, &mut found));
                    Ordering::Equal
                }
                (Some(a), Some(b)) => {
                    let order = a[..table.key].cmp(&b[..table.key]);
                    if order.is_eq() {
                        same += u64::from(same_row(table, a, b, &mut found));
                    }
                    order
                }
            };
            let from_left = if order.is_le() { left.waiting.pop_front() } else { None };
            let from_right = if order.is_ge() { right.waiting.pop_front() } else { None };
            match (from_left, from_right) {
                (Some(row), None) => found.note(|| format!("{} is missing in the copy", name(table, &row))),
                (None, Some(row)) => found.note(|| format!("{} is only in the copy", name(table, &row))),
                _ => {}
            }
        }
        found.same.push((table.name, same));
    }
    Ok(found)
}

fn same_row(table: &Table, a: &Row, b: &Row, found: &mut Comparison) -> bool {
    let columns = table.columns.iter().zip(a.iter().zip(b));
    let differing: Vec<&str> = columns
        .filter(|(column, (a, b))| a != b && !(table.is_counter() && column.name == "epoch"))
        .map(|(column, _)| column.name)
        .collect();
    if differing.is_empty() {
        return true;
    }
    found.note(|| format!("{} differs in {}", name(table, a), differing.join(", ")));
    false
}

/// A row by its key. Keys of entries are secrets or their digests, and show as a digest of that.
fn name(table: &Table, row: &Row) -> String {
    let shown = |(at, value): (usize, &Value)| match value {
        Value::Text(text) if table.name == "entry" && at == 1 => {
            let digest = Sha256::digest(text.as_bytes());
            digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>() + "…"
        }
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let key: Vec<String> = row[..table.key].iter().enumerate().map(shown).collect();
    if table.is_counter() { "the counter".to_owned() } else { format!("{} {}", table.name, key.join(" ")) }
}
