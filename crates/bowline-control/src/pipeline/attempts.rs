//! The attempts of one write, and whose turn it is.
//!
//! # Design notes
//! Every commit is guarded by the watermark of roles and locks, so that a write of either makes all that were admitted before it start over. Writers of
//! those would take this from each other for as long as there are several: they stand in line from the beginning, and whoever lost once stands in the
//! same line. On one server nobody in line loses again; on several, one of as many as there are servers wins.

use bowline_arm::Error;
use tokio::sync::{Mutex, MutexGuard};

use super::{contended, store_error};
use crate::Control;
use crate::provider::Spec;

/// How often a commit that lost a race is tried.
pub(crate) const ATTEMPTS: usize = 32;

/// The line: first come, first served.
#[derive(Default)]
pub(crate) struct Line(Mutex<()>);

/// The attempts of one write; its turn ends with it.
pub(super) struct Attempts<'a> {
    control: &'a Control,
    from_the_beginning: bool,
    made: usize,
    turn: Option<MutexGuard<'a, ()>>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(control: &'a Control, spec: &Spec) -> Self {
        Self { control, from_the_beginning: spec.watermark.is_some(), made: 0, turn: None }
    }

    /// Waits for the next attempt, with roles and locks as they are then.
    ///
    /// # Errors
    /// `AnotherOperationInProgress` (409) after the last one.
    pub(super) async fn next(&mut self) -> Result<(), Error> {
        if self.made == ATTEMPTS {
            return Err(contended());
        }
        let again = self.made > 0;
        if self.turn.is_none() && (again || self.from_the_beginning) {
            self.turn = Some(self.control.line().0.lock().await);
        }
        if again {
            self.control.authorization().refresh().await.map_err(|e| store_error(&e))?;
        }
        self.made += 1;
        Ok(())
    }
}
