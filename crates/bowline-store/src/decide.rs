//! Judges the commits of one transaction and says what is to be written: pure, the same for both databases.
//!
//! The database reads what a batch [`Needs`] (and locks it), [`decide`] goes through the jobs in order, and the [`Plan`] is
//! what passed. Records are judged on the state before the batch: [`crate::writer`] keeps commits apart that touch the same
//! key. Entries and sources are judged one after the other, each on what those before left; the plan holds only their last
//! state, so that each row is written once.

use crate::commit::{Commit, EntryWrite, Guard, Place, Reason, Refusal, Write};
use crate::model::{Activity, ChangeKind, Draft, Entry, Observation, Revision, to_micros};
use crate::writer::{Job, Verdict};
use bowline_arm::chain::Block;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// What must be known of a record before it is judged or changed.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant: Uuid,
    pub(crate) uid: Uuid,
    pub(crate) id: String,
    pub(crate) resource_type: String,
    pub(crate) etag: String,
    pub(crate) model: u32,
    pub(crate) revision: Revision,
    pub(crate) deleting: bool,
}

/// What a batch must know. Sorted, so that several servers lock in the same order.
#[derive(Default)]
pub(crate) struct Needs<'a> {
    pub(crate) keys: BTreeSet<&'a str>,
    /// Keys whose absence counts: another server could create them while we look.
    pub(crate) absent: BTreeSet<&'a str>,
    pub(crate) empty_below: BTreeSet<&'a str>,
    pub(crate) principals: BTreeSet<Uuid>,
    pub(crate) watermarks: BTreeSet<&'a str>,
    pub(crate) leases: BTreeSet<&'a str>,
    pub(crate) entries: BTreeSet<(&'a str, &'a str)>,
    pub(crate) sources: BTreeSet<&'a str>,
}

/// What the database said.
#[derive(Default)]
pub(crate) struct Known {
    /// Existing records by key.
    pub(crate) rows: HashMap<String, Arc<Row>>,
    /// Keys below which there are records.
    pub(crate) not_empty: HashSet<String>,
    /// Key of the owner by principal.
    pub(crate) principals: HashMap<Uuid, String>,
    pub(crate) watermarks: HashMap<String, Revision>,
    /// Epochs of the leases that are held.
    pub(crate) leases: HashMap<String, u64>,
    pub(crate) entries: HashMap<(String, String), Entry>,
    pub(crate) sources: HashMap<String, (Uuid, u64)>,
}

impl Known {
    fn row(&self, key: &str) -> Option<&Row> {
        self.rows.get(key).map(Arc::as_ref)
    }
}

/// What is to be written.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    /// One per job.
    pub(crate) verdicts: Vec<Verdict>,
    /// Records; the revision is the counter + index + 1.
    pub(crate) rows: Vec<RowWrite<'a>>,
    /// The last state of each entry that was written; none: removed.
    pub(crate) entries: BTreeMap<(&'a str, &'a str), EntryState>,
    /// Raised watermarks, with the number of rows written by then.
    pub(crate) watermarks: BTreeMap<&'a str, u64>,
    /// The position is the counter + index + 1.
    pub(crate) observations: Vec<&'a Observation>,
    pub(crate) sources: BTreeMap<&'a str, SourceState>,
    /// Entries of the activity log; the number is the counter + index + 1.
    pub(crate) activity: Vec<ActivityWrite<'a>>,
}

/// One entry of the activity log.
pub(crate) struct ActivityWrite<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) activity: &'a Activity,
    /// Rows written by then: the entry's revision is the counter + this.
    pub(crate) rows: u64,
}

/// One change of a record.
pub(crate) struct RowWrite<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) kind: ChangeKind,
    pub(crate) key: &'a str,
    /// None for a deletion.
    pub(crate) draft: Option<&'a Draft>,
    /// None for a creation.
    pub(crate) before: Option<Arc<Row>>,
}

impl RowWrite<'_> {
    pub(crate) fn tenant(&self) -> Uuid {
        self.before.as_ref().map_or(self.commit.tenant, |row| row.tenant)
    }

    pub(crate) fn uid(&self) -> Uuid {
        self.draft.map(|draft| draft.uid).or(self.before.as_ref().map(|row| row.uid)).unwrap_or_default()
    }

    /// (id, type, etag, model) as the feed says them: after the change, or the last ones of a deleted record.
    pub(crate) fn described(&self) -> (&str, &str, &str, u32) {
        match (self.draft, &self.before) {
            (Some(draft), _) => (&draft.id, &draft.resource_type, &draft.etag, draft.model),
            (None, Some(row)) => (&row.id, &row.resource_type, &row.etag, row.model),
            (None, None) => unreachable!("a deletion passes only when its record is known"),
        }
    }
}

/// An entry in the course of a batch.
pub(crate) struct EntryState {
    /// Whether the database has a row of it.
    pub(crate) stored: bool,
    pub(crate) entry: Option<Entry>,
}

/// A source in the course of a batch.
pub(crate) struct SourceState {
    /// Whether the database has a row of it.
    pub(crate) stored: bool,
    pub(crate) epoch: Uuid,
    pub(crate) seq: u64,
}

impl RowWrite<'_> {
    /// What is known of the record once this is written at a revision.
    pub(crate) fn leaves(&self, revision: Revision) -> Row {
        let (id, resource_type, etag, model) = self.described();
        let (id, resource_type, etag) = (id.to_owned(), resource_type.to_owned(), etag.to_owned());
        let deleting = self.draft.is_some_and(|draft| draft.deleting);
        Row { tenant: self.tenant(), uid: self.uid(), id, resource_type, etag, model, revision, deleting }
    }
}

impl Plan<'_> {
    /// Whether a commit or an observation was refused.
    pub(crate) fn refuses(&self) -> bool {
        self.verdicts
            .iter()
            .any(|verdict| matches!(verdict, Verdict::Refused(_) | Verdict::OutOfOrder { .. }))
    }

    /// Whether the transaction would change nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.entries.is_empty()
            && self.observations.is_empty()
            && self.activity.is_empty()
    }

    /// The entries of the activity log as the block that this transaction adds to the chain.
    pub(crate) fn block(&self) -> Block {
        let mut block = Block::default();
        for write in &self.activity {
            let Activity { key, text } = write.activity;
            block.push(write.rows, to_micros(write.commit.now), key, text);
        }
        block
    }
}

impl<'a> Needs<'a> {
    /// What the jobs of a batch ask for.
    pub(crate) fn of<T>(jobs: &'a [Job<T>]) -> Needs<'a> {
        let mut needs = Needs::default();
        for job in jobs {
            match job {
                Job::Commit { commit, .. } => needs.add(commit),
                Job::Observe { observation, .. } => {
                    needs.sources.insert(&observation.source);
                }
                Job::Task(_) => {}
            }
        }
        needs
    }

    /// Whether records and watermarks are all there is to know: what only ever changes with the counter.
    pub(crate) fn only_records(&self) -> bool {
        self.absent.is_empty()
            && self.empty_below.is_empty()
            && self.principals.is_empty()
            && self.leases.is_empty()
            && self.entries.is_empty()
            && self.sources.is_empty()
    }

    fn add(&mut self, commit: &'a Commit) {
        for guard in &commit.guards {
            match guard {
                Guard::Unchanged { key, .. } | Guard::Alive { key } => self.keys.insert(key),
                Guard::Absent { key } => self.keys.insert(key) | self.absent.insert(key),
                Guard::NoDescendants { key } => self.empty_below.insert(key),
                Guard::Watermark { name, .. } => self.watermarks.insert(name),
                Guard::Lease { name, .. } => self.leases.insert(name),
            };
        }
        for write in &commit.writes {
            self.keys.insert(write.key());
            self.principals.extend(write.draft().and_then(|draft| draft.principal));
        }
        self.entries.extend(commit.entries.iter().map(EntryWrite::name));
    }
}

/// Judges the jobs in order.
pub(crate) fn decide<'a, T>(jobs: &'a [Job<T>], known: &Known) -> Plan<'a> {
    let mut plan = Plan::default();
    for job in jobs {
        let verdict = match job {
            Job::Commit { commit, .. } => decide_commit(commit, known, &mut plan),
            Job::Observe { observation, .. } => decide_observation(observation, known, &mut plan),
            Job::Task(_) => unreachable!("tasks are taken out of a batch before it is judged"),
        };
        plan.verdicts.push(verdict);
    }
    plan
}

fn decide_commit<'a>(commit: &'a Commit, known: &Known, plan: &mut Plan<'a>) -> Verdict {
    let judged = check_guards(commit, known)
        .and_then(|()| check_writes(commit, known))
        .and_then(|()| judge_entries(commit, known, plan));
    let entries = match judged {
        Ok(entries) => entries,
        Err(refusal) => return Verdict::Refused(refusal),
    };
    let first = plan.rows.len() as u64;
    plan.rows.extend(commit.writes.iter().map(|write| {
        let before = known.rows.get(write.key()).cloned();
        let kind = match write {
            Write::Create(_) => ChangeKind::Created,
            Write::Update { .. } => ChangeKind::Updated,
            Write::Delete { .. } => ChangeKind::Deleted,
        };
        RowWrite { commit, kind, key: write.key(), draft: write.draft(), before }
    }));
    plan.entries.extend(entries);
    let written = plan.rows.len() as u64;
    plan.activity.extend(commit.activity.iter().map(|activity| ActivityWrite {
        commit,
        activity,
        rows: written,
    }));
    plan.watermarks.extend(commit.watermarks.iter().map(|name| (name.as_str(), written)));
    Verdict::Commit { first, count: commit.writes.len() as u64 }
}

fn refusal(place: Place, reason: Reason, row: Option<&Row>) -> Refusal {
    Refusal { place, reason, uid: row.map(|row| row.uid), revision: row.map(|row| row.revision) }
}

fn check_guards(commit: &Commit, known: &Known) -> Result<(), Refusal> {
    for (index, guard) in commit.guards.iter().enumerate() {
        let place = Place::Guard(index);
        let held = match guard {
            Guard::Unchanged { key, uid, revision } => {
                check_same(place, known.row(key), *uid, Some(*revision))?;
                Ok(())
            }
            Guard::Alive { key } => match known.row(key) {
                None => Err(refusal(place, Reason::Missing, None)),
                Some(row) if row.deleting => Err(refusal(place, Reason::Deleting, Some(row))),
                Some(_) => Ok(()),
            },
            Guard::Absent { key } => match known.row(key) {
                None => Ok(()),
                row => Err(refusal(place, Reason::Exists, row)),
            },
            Guard::NoDescendants { key } if known.not_empty.contains(key) => {
                Err(refusal(place, Reason::HasDescendants, None))
            }
            Guard::NoDescendants { .. } => Ok(()),
            Guard::Watermark { name, at } => check_watermark(place, known.watermarks.get(name), *at),
            Guard::Lease { name, epoch } if known.leases.get(name) == Some(epoch) => Ok(()),
            Guard::Lease { .. } => Err(refusal(place, Reason::LeaseLost, None)),
        };
        held?;
    }
    Ok(())
}

fn check_watermark(place: Place, raised: Option<&Revision>, at: Revision) -> Result<(), Refusal> {
    match raised {
        Some(raised) if *raised > at => {
            Err(Refusal { place, reason: Reason::WatermarkMoved, uid: None, revision: Some(*raised) })
        }
        _ => Ok(()),
    }
}

fn check_same(
    place: Place,
    row: Option<&Row>,
    uid: Uuid,
    expected: Option<Revision>,
) -> Result<&Row, Refusal> {
    let row = row.ok_or_else(|| refusal(place, Reason::Missing, None))?;
    if row.uid != uid {
        return Err(refusal(place, Reason::OtherUid, Some(row)));
    }
    if expected.is_some_and(|expected| expected != row.revision) {
        return Err(refusal(place, Reason::Changed, Some(row)));
    }
    Ok(row)
}

fn check_writes(commit: &Commit, known: &Known) -> Result<(), Refusal> {
    for (index, write) in commit.writes.iter().enumerate() {
        let place = Place::Write(index);
        let row = known.row(write.key());
        match write {
            Write::Create(_) if row.is_some() => return Err(refusal(place, Reason::Exists, row)),
            Write::Create(_) => {}
            Write::Update { draft, expected } => drop(check_same(place, row, draft.uid, *expected)?),
            Write::Delete { uid, expected, .. } => drop(check_same(place, row, *uid, *expected)?),
        }
        let owner = write.draft().and_then(|draft| draft.principal).and_then(|id| known.principals.get(&id));
        let twin = write.draft().and_then(|draft| draft.principal).filter(|id| {
            let others = commit.writes[..index].iter().filter_map(Write::draft);
            others.filter_map(|draft| draft.principal).any(|other| other == *id)
        });
        if twin.is_some() || owner.is_some_and(|owner| owner != write.key()) {
            return Err(refusal(place, Reason::PrincipalTaken, row));
        }
    }
    Ok(())
}

/// The states that a commit's entries would get, on top of what the batch did before.
fn judge_entries<'a>(
    commit: &'a Commit,
    known: &Known,
    plan: &Plan<'a>,
) -> Result<BTreeMap<(&'a str, &'a str), EntryState>, Refusal> {
    let mut mine: BTreeMap<(&'a str, &'a str), EntryState> = BTreeMap::new();
    for (index, write) in commit.entries.iter().enumerate() {
        let name = write.name();
        let stored = known.entries.get(&(name.0.to_owned(), name.1.to_owned()));
        let current = match (mine.get(&name), plan.entries.get(&name)) {
            (Some(state), _) | (None, Some(state)) => state.entry.as_ref(),
            (None, None) => stored,
        };
        let entry = judge_entry(write, current, commit.now)
            .map_err(|reason| refusal(Place::Entry(index), reason, None))?;
        mine.insert(name, EntryState { stored: stored.is_some(), entry });
    }
    Ok(mine)
}

fn judge_entry(
    write: &EntryWrite,
    current: Option<&Entry>,
    now: jiff::Timestamp,
) -> Result<Option<Entry>, Reason> {
    let live = || match current {
        None => Err(Reason::EntryMissing),
        Some(entry) if !entry.is_live(now) => Err(Reason::EntryExpired),
        Some(entry) => Ok(entry),
    };
    let version = current.map_or(1, |entry| entry.version + 1);
    match write {
        EntryWrite::Put { entry } => Ok(Some(Entry { version, ..entry.clone() })),
        EntryWrite::Insert { .. } if live().is_ok() => Err(Reason::EntryExists),
        EntryWrite::Insert { entry } => Ok(Some(Entry { version, ..entry.clone() })),
        EntryWrite::Replace { expected_version, .. } if live()?.version != *expected_version => {
            Err(Reason::EntryChanged)
        }
        EntryWrite::Replace { entry, .. } => Ok(Some(Entry { version, ..entry.clone() })),
        EntryWrite::Take { .. } => live().map(|_| None),
        EntryWrite::Count { max, .. } => {
            let entry = live()?;
            if entry.uses >= *max {
                return Err(Reason::EntryUsedUp);
            }
            Ok(Some(Entry { uses: entry.uses + 1, version, ..entry.clone() }))
        }
        EntryWrite::Remove { .. } => Ok(None),
    }
}

fn decide_observation<'a>(observation: &'a Observation, known: &Known, plan: &mut Plan<'a>) -> Verdict {
    let source = observation.source.as_str();
    let stored = known.sources.get(source);
    let last = match plan.sources.get(source) {
        Some(state) => Some((state.epoch, state.seq)),
        None => stored.copied(),
    };
    let expected = match last {
        Some((epoch, seq)) if epoch == observation.source_epoch => seq + 1,
        _ => 1,
    };
    if observation.seq != expected {
        return Verdict::OutOfOrder { expected };
    }
    let state =
        SourceState { stored: stored.is_some(), epoch: observation.source_epoch, seq: observation.seq };
    plan.sources.insert(source, state);
    plan.observations.push(observation);
    Verdict::Observed { offset: plan.observations.len() as u64 }
}
