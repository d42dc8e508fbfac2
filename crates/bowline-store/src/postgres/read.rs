//! Rows into values.

use crate::heads::Read;
use crate::model::{
    Change, ChangeKind, Entry, Head, Observation, Record, Revision, Segment, Stamp, Statement, from_micros,
};
use bowline_arm::chain::{Link, LoggedEntry};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};

fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, column: usize) -> sqlx::Result<T> {
    row.try_get(column)
}

/// A number that is never negative unless somebody edited the row.
pub(super) fn count(row: &PgRow, column: usize) -> sqlx::Result<u64> {
    let number: i64 = get(row, column)?;
    u64::try_from(number)
        .map_err(|error| sqlx::Error::ColumnDecode { index: column.to_string(), source: error.into() })
}

pub(super) fn head(row: &PgRow) -> sqlx::Result<Read> {
    let head = Head { epoch: get(row, 0)?, revision: Revision(count(row, 1)?) };
    Ok(Read { head, position: count(row, 2)? })
}

pub(super) fn record(row: &PgRow) -> sqlx::Result<Record> {
    Ok(Record {
        tenant: get(row, 0)?,
        uid: get(row, 1)?,
        id: get(row, 2)?,
        key: get(row, 3)?,
        resource_type: get(row, 4)?,
        parent: get(row, 5)?,
        principal: get(row, 6)?,
        revision: Revision(count(row, 7)?),
        created_revision: Revision(count(row, 8)?),
        etag: get(row, 9)?,
        model: get::<i32>(row, 10)?.cast_unsigned(),
        deleting: get(row, 11)?,
        document: get(row, 12)?,
        protected: get(row, 13)?,
        created_at: from_micros(get(row, 14)?),
        updated_at: from_micros(get(row, 15)?),
    })
}

pub(super) fn stamp(row: &PgRow) -> sqlx::Result<Stamp> {
    Ok(Stamp { key: get(row, 0)?, uid: get(row, 1)?, revision: Revision(count(row, 2)?), etag: get(row, 3)? })
}

pub(super) fn changed_type(row: &PgRow) -> sqlx::Result<(Revision, String)> {
    Ok((Revision(count(row, 0)?), get(row, 1)?))
}

pub(super) fn change(row: &PgRow) -> sqlx::Result<Change> {
    let code: i16 = get(row, 1)?;
    let kind = ChangeKind::of_code(code).ok_or_else(|| sqlx::Error::ColumnDecode {
        index: "kind".to_owned(),
        source: format!("change kind {code}").into(),
    })?;
    Ok(Change {
        revision: Revision(count(row, 0)?),
        kind,
        tenant: get(row, 2)?,
        uid: get(row, 3)?,
        key: get(row, 4)?,
        id: get(row, 5)?,
        resource_type: get(row, 6)?,
        actor: get(row, 7)?,
        correlation_id: get(row, 8)?,
        origin: get(row, 9)?,
        time: from_micros(get(row, 10)?),
        etag: get(row, 11)?,
        model: get::<i32>(row, 12)?.cast_unsigned(),
        document: get(row, 13)?,
    })
}

pub(super) fn entry(row: &PgRow) -> sqlx::Result<Entry> {
    Ok(Entry {
        kind: get(row, 0)?,
        key: get(row, 1)?,
        data: get(row, 2)?,
        uses: count(row, 3)?,
        version: count(row, 4)?,
        expires_at: get::<Option<i64>>(row, 5)?.map(from_micros),
    })
}

pub(super) fn observation(row: &PgRow) -> sqlx::Result<(u64, Observation)> {
    let observation = Observation {
        source: get(row, 1)?,
        source_epoch: get(row, 2)?,
        seq: count(row, 3)?,
        time: from_micros(get(row, 4)?),
        bytes: get(row, 5)?,
    };
    Ok((count(row, 0)?, observation))
}

pub(super) fn segment(row: &PgRow) -> sqlx::Result<Segment> {
    Ok(Segment {
        source: get(row, 0)?,
        source_epoch: get(row, 1)?,
        seq: count(row, 2)?,
        time: from_micros(get(row, 3)?),
        bytes: get(row, 4)?,
    })
}

pub(super) fn logged(row: &PgRow) -> sqlx::Result<LoggedEntry> {
    Ok(LoggedEntry {
        seq: count(row, 0)?,
        revision: count(row, 1)?,
        time: get(row, 2)?,
        key: get(row, 3)?,
        text: get(row, 4)?,
        link: match get::<Option<Vec<u8>>>(row, 5)? {
            Some(bytes) => Some(link(&bytes)?),
            None => None,
        },
    })
}

pub(super) fn activity_head(row: &PgRow) -> sqlx::Result<(u64, Link)> {
    Ok((count(row, 0)?, link(&get::<Vec<u8>>(row, 1)?)?))
}

fn link(bytes: &[u8]) -> sqlx::Result<Link> {
    Link::try_from(bytes)
        .map_err(|error| sqlx::Error::ColumnDecode { index: "link".to_owned(), source: error.into() })
}

pub(super) fn statement(row: &PgRow) -> sqlx::Result<Statement> {
    Ok(Statement { kind: get(row, 0)?, signer: get(row, 1)?, seq: count(row, 2)?, signed: get(row, 3)? })
}
