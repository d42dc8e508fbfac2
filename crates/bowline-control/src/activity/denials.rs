//! What was refused, counted: one entry per principal, action, scope and second, written in the background.
//!
//! # Design notes
//! Noting takes a lock for the time of a look into a map; no request waits for a write. A principal that asks for everything at once gets
//! [`MOST_OF_ONE`] entries for a second, and one more that counts the rest; so do all principals together. What the database does not take is
//! kept and tried again, up to the same bound.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_arm::{Error, ResourceId};
use bowline_store::{Activity, Commit, CommitError};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Told;
use crate::Control;
use crate::clock::Clock;
use crate::context::OpContext;

/// Entries of one principal for one second.
const MOST_OF_ONE: usize = 50;
/// Entries that wait.
const MOST: usize = 2000;
/// The longest scope or action that is kept whole, in bytes.
const MAX_TEXT: usize = 1000;
/// Entries of one commit.
const BATCH: usize = 200;
/// What stands for actions that are counted together.
const OTHERS: &str = "Microsoft.Bowline/others/refused/action";

/// What is counted together.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    second: i64,
    principal: Uuid,
    action: String,
    scope: String,
    code: &'static str,
}

struct Waiting {
    told: Told,
    now: Timestamp,
    count: u64,
}

#[derive(Default)]
struct Counted {
    waiting: HashMap<Key, Waiting>,
    /// How many entries a principal has in a second.
    of: HashMap<(i64, Uuid), usize>,
}

/// The refusals that wait to be written.
#[derive(Default)]
pub struct Denials {
    counted: Mutex<Counted>,
}

impl Denials {
    /// Counts an error if it is a refusal: of a right, by a lock, by the state of a subscription.
    pub fn note(&self, context: &OpContext, error: &Error) {
        let Some(denied) = &error.denied else { return };
        let second = context.now.as_second();
        let principal = context.actor.object_id;
        let (action, scope) = (bounded(&denied.action), bounded(&denied.scope));
        let mut key = Key { second, principal, action, scope, code: error.code };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { waiting, of } = &mut *counted;
        if !waiting.contains_key(&key) {
            let mine = of.get(&(second, principal)).copied().unwrap_or(0);
            if mine >= MOST_OF_ONE || waiting.len() >= MOST {
                // What is too much is counted in one entry: of the principal, or of everybody.
                let principal = if waiting.len() >= MOST { Uuid::nil() } else { principal };
                key = Key { principal, action: OTHERS.to_owned(), scope: "/".to_owned(), ..key };
            } else {
                *of.entry((second, principal)).or_default() += 1;
            }
        }
        let entry = waiting.entry(key).or_insert_with_key(|key| {
            let mut told = Told::by(context, &key.action, &key.scope);
            if key.principal.is_nil() {
                "several".clone_into(&mut told.caller.name);
                told.caller.object_id = Uuid::nil();
            }
            "Failed".clone_into(&mut told.status);
            told.code = Some(error.code.to_owned());
            Waiting { told, now: context.now, count: 0 }
        });
        entry.count += 1;
    }

    /// Those of seconds before this one, in the order of time.
    fn take(&self, before: i64) -> Vec<(Key, Waiting)> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<_> = counted.waiting.extract_if(|key, _| key.second < before).collect();
        counted.of.retain(|(second, _), _| *second >= before);
        taken.sort_by(|a, b| (a.1.now, &a.0).cmp(&(b.1.now, &b.0)));
        taken
    }

    fn give_back(&self, taken: Vec<(Key, Waiting)>) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, waiting) in taken {
            if counted.waiting.len() < MOST {
                counted.waiting.insert(key, waiting);
            }
        }
    }
}

/// What the caller sent, as far as the store takes it.
fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace(char::is_control, "?")
}

fn activity(waiting: &Waiting) -> Activity {
    let mut told = waiting.told.clone();
    told.count = (waiting.count > 1).then_some(waiting.count);
    // The key decides who may read it.
    let key =
        told.resource_id.parse::<ResourceId>().map_or_else(|_| "/".to_owned(), |id| id.key().to_owned());
    told.activity(&key)
}

impl Control {
    /// What was refused.
    #[must_use]
    pub fn denials(&self) -> &Denials {
        &self.denials
    }

    /// Writes the refusals of seconds that are over.
    async fn write_denials(&self, now: Timestamp, before: i64) {
        let mut taken = self.denials.take(before);
        while !taken.is_empty() {
            // One commit has one time: that of its second.
            let second = taken[0].0.second;
            let same = taken.iter().take_while(|(key, _)| key.second == second).count();
            let rest = taken.split_off(same.min(BATCH));
            let context = OpContext::system("denials", taken[0].1.now.min(now));
            let activity = taken.iter().map(|(_, waiting)| activity(waiting)).collect();
            let commit = Commit { activity, ..self.empty_commit(&context) };
            let done = self.store().commit(commit).await;
            if let Err(error @ CommitError::Invalid(_)) = &done {
                // It would be refused again and hold up those behind it.
                tracing::error!(%error, refusals = taken.len(), "refusals cannot be written to the activity log");
            } else if let Err(error) = done {
                tracing::warn!(%error, refusals = taken.len(), "refusals could not be written to the activity log; they are tried again");
                self.denials.give_back(taken);
                self.denials.give_back(rest);
                return;
            }
            taken = rest;
        }
    }
}

/// Writes what was refused, every second and once more at the end.
pub(crate) async fn run(control: &Arc<Control>, clock: &Clock, cancel: &CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return control.write_denials(clock.now(), i64::MAX).await,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        let now = clock.now();
        control.write_denials(now, now.as_second()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(scope: &str) -> Error {
        Error::forbidden("eve", "Microsoft.Test/things/write", scope)
    }

    fn at(second: i64) -> OpContext {
        let mut context = OpContext::system("test", Timestamp::from_second(second).unwrap());
        context.actor.object_id = Uuid::from_u128(7);
        context
    }

    #[test]
    fn a_second_of_one_principal_action_and_scope_is_one_entry() {
        let denials = Denials::default();
        for _ in 0..5 {
            denials.note(&at(10), &refused("/a"));
        }
        denials.note(&at(10), &refused("/b"));
        denials.note(&at(11), &refused("/a"));
        denials.note(&at(10), &Error::bad_request("InvalidFilter", "no refusal"));
        let taken = denials.take(11);
        let counts: Vec<_> = taken.iter().map(|(key, waiting)| (key.scope.as_str(), waiting.count)).collect();
        assert_eq!(counts, [("/a", 5), ("/b", 1)]);
        let told: Told = serde_json::from_str(&activity(&taken[0].1).text).unwrap();
        assert_eq!((told.status.as_str(), told.code.as_deref()), ("Failed", Some("AuthorizationFailed")));
        assert_eq!(told.count, Some(5));
        assert_eq!(denials.take(12).len(), 1);
    }

    #[test]
    fn whoever_asks_for_everything_fills_neither_memory_nor_table() {
        let denials = Denials::default();
        for n in 0..10_000 {
            denials.note(&at(10), &refused(&format!("/{n}")));
        }
        let taken = denials.take(11);
        assert_eq!(taken.len(), MOST_OF_ONE + 1);
        assert_eq!(taken.iter().map(|(_, waiting)| waiting.count).sum::<u64>(), 10_000);
        // Many principals at once.
        for n in 0..10_000 {
            let mut context = at(12);
            context.actor.object_id = Uuid::from_u128(n + 1);
            denials.note(&context, &refused("/a"));
        }
        let taken = denials.take(13);
        assert_eq!(taken.len(), MOST + 1);
        assert_eq!(taken.iter().map(|(_, waiting)| waiting.count).sum::<u64>(), 10_000);
    }
}
