//! `scan`: rows as they fit steps that follow each other.
//!
//! # Design notes
//! Each step holds the sequence that has come as far as it: the latest row of every step up to itself. A row is tried against the
//! steps from the last to the first. If it fits a step it carries the sequence of the step before on to this one, or else goes on
//! with the sequence that is here already; the first step begins one.

use bowline_kql::Value;
use bowline_kql::plan::{Expr, Plan, ScanOutput, ScanStep};

use crate::convert;
use crate::error::QueryError;
use crate::run::{Row, Run, null};

/// What a step has reached.
#[derive(Clone)]
struct Sequence {
    number: i64,
    /// Of each step up to this one its latest row.
    rows: Vec<Row>,
    /// A row that comes out once it is the last of those that follow each other.
    held: Option<Row>,
}

pub(crate) fn scan(
    run: &Run<'_>,
    input: &Plan,
    declared: &[Expr],
    steps: &[ScanStep],
    with_match_id: bool,
) -> Result<Vec<Row>, QueryError> {
    let defaults = run.values(declared, &[])?;
    // What a step without a row looks like.
    let mut blank: Row = input.schema.columns.iter().map(|column| null(column.ty)).collect();
    blank.extend(defaults.iter().cloned());
    let mut scan =
        Scan { run, steps, blank, width: input.schema.len(), with_match_id, next: 0, out: Vec::new() };
    let mut states: Vec<Option<Sequence>> = vec![None; steps.len()];
    for row in run.rows(input)?.iter() {
        let mut record = row.clone();
        record.extend(defaults.iter().cloned());
        for at in (0..steps.len()).rev() {
            scan.step(&mut states, at, &record)?;
        }
        run.room(scan.out.len())?;
    }
    for sequence in states.into_iter().flatten() {
        scan.out.extend(sequence.held);
    }
    Ok(scan.out)
}

struct Scan<'s> {
    run: &'s Run<'s>,
    steps: &'s [ScanStep],
    blank: Row,
    width: usize,
    with_match_id: bool,
    next: i64,
    out: Vec<Row>,
}

impl Scan<'_> {
    fn step(&mut self, states: &mut [Option<Sequence>], at: usize, record: &Row) -> Result<(), QueryError> {
        let before = at.checked_sub(1).and_then(|before| states[before].as_ref());
        if let Some(sequence) = before
            && let Some(found) = self.matched(at, record, &sequence.rows)?
        {
            let carried = states[at - 1].take();
            if let Some(replaced) = states[at].take() {
                self.out.extend(replaced.held);
            }
            if let Some(mut sequence) = carried {
                self.out.extend(sequence.held.take());
                self.take(&mut sequence, at, found);
                states[at] = Some(sequence);
            }
            return Ok(());
        }
        if at > 0 && states[at].is_none() {
            return Ok(());
        }
        let rows = states[at].as_ref().map_or(&[][..], |sequence| sequence.rows.as_slice());
        let Some(found) = self.matched(at, record, rows)? else { return Ok(()) };
        let mut sequence = states[at].take().unwrap_or_else(|| {
            self.next += 1;
            Sequence { number: self.next - 1, rows: Vec::new(), held: None }
        });
        self.take(&mut sequence, at, found);
        states[at] = Some(sequence);
        Ok(())
    }

    /// The row with what the step assigns, if it fits over these latest rows.
    fn matched(&self, at: usize, record: &Row, latest: &[Row]) -> Result<Option<Row>, QueryError> {
        let step = &self.steps[at];
        let mut wide = record.clone();
        for place in 0..self.steps.len() {
            wide.extend(latest.get(place).unwrap_or(&self.blank).iter().cloned());
        }
        if !self.run.holds(&step.condition, &wide)? {
            return Ok(None);
        }
        let mut found = record.clone();
        for (place, value) in &step.assignments {
            let value = crate::eval::eval(self.run, value, &wide)?;
            if let Some(cell) = found.get_mut(self.width + place) {
                let ty = self.blank[self.width + place].ty();
                *cell = convert::cast(&value, ty).unwrap_or_else(|| null(ty));
            }
        }
        Ok(Some(found))
    }

    /// Makes a row the latest of its step, and gives it out as the step says.
    fn take(&mut self, sequence: &mut Sequence, at: usize, found: Row) {
        let mut shown = found.clone();
        if self.with_match_id {
            shown.push(Value::Long(sequence.number));
        }
        sequence.rows.truncate(at);
        sequence.rows.push(found);
        match self.steps[at].output {
            ScanOutput::All => self.out.push(shown),
            ScanOutput::Last => sequence.held = Some(shown),
            ScanOutput::None => {}
        }
    }
}
