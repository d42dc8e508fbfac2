//! Batches and their sequence: both ends against each other, with lost answers, lost logs and lost state.

use bowline_link::{
    item::ContentHash,
    observed::{Delta, LogPosition, ObservedBatch, ObservedLog, Phase, QueueError, Share, Verdict, Waiting},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

const SESSION: Uuid = Uuid::from_u128(5);

/// A server that keeps what it was told.
#[derive(Default)]
struct Server {
    position: LogPosition,
    objects: BTreeMap<String, Value>,
    status: Option<Value>,
    appended: usize,
}

impl Server {
    fn post(&mut self, batch: &ObservedBatch) -> Result<u64, u64> {
        match self.position.judge(batch.source_epoch, batch.seq, batch.full) {
            Verdict::Duplicate { acknowledged } => Ok(acknowledged),
            Verdict::Resync { expected } => Err(expected),
            Verdict::Append(position) => {
                self.position = position;
                self.appended += 1;
                if batch.full {
                    self.objects.clear();
                }
                self.status = batch.status.clone().or(self.status.take());
                for delta in &batch.objects {
                    match &delta.object {
                        Some(object) => self.objects.insert(delta.key.clone(), object.clone()),
                        None => self.objects.remove(&delta.key),
                    };
                }
                Ok(batch.seq)
            }
        }
    }

    fn take_all(&mut self, log: &mut ObservedLog) -> Result<(), u64> {
        while let Some(batch) = log.next_batch(SESSION, Share::Everything) {
            let seq = self.post(batch)?;
            log.acknowledged(seq);
        }
        Ok(())
    }
}

fn object(key: usize, size: usize) -> Delta {
    let object = json!({"key": key, "padding": "x".repeat(size)});
    Delta::object(format!("v1/Pod/ns/{key}"), ContentHash::of(&object), object)
}

fn started(objects: usize) -> (ObservedLog, Server) {
    let mut log = ObservedLog::new("inventory", Uuid::from_u128(9), 10_000);
    log.set_status(json!({"totalNodeCount": 3}));
    assert_eq!(
        log.next_batch(SESSION, Share::Everything),
        None,
        "nothing before the role delivers everything"
    );
    log.begin_full();
    let mut server = Server::default();
    for key in 0..objects {
        log.push(object(key, 1000)).unwrap();
        server.take_all(&mut log).unwrap();
    }
    log.finish_full();
    server.take_all(&mut log).unwrap();
    (log, server)
}

#[test]
fn a_full_sync_is_cut_into_batches_that_fit() {
    let mut log = ObservedLog::new("inventory", Uuid::from_u128(9), 10_000);
    log.begin_full();
    for key in 0..100 {
        log.push(object(key, 1000)).unwrap();
    }
    log.finish_full();
    let mut batches = Vec::new();
    while let Some(batch) = log.next_batch(SESSION, Share::Everything).cloned() {
        assert!(serde_json::to_vec(&batch).unwrap().len() <= 10_500);
        log.acknowledged(batch.seq);
        batches.push(batch);
    }
    assert!(batches.len() > 10);
    assert!(batches[0].full && batches[1..].iter().all(|batch| !batch.full));
    let (last, others) = batches.split_last().unwrap();
    assert!(!last.more && others.iter().all(|batch| batch.more));
    assert!(batches.iter().enumerate().all(|(i, batch)| batch.seq == i as u64 + 1));
    assert_eq!(log.phase(), Phase::Deltas);
    assert_eq!(log.queued_bytes(), 0);
}

#[test]
fn deltas_follow_a_full_sync_and_a_quiet_source_sends_nothing() {
    let (mut log, mut server) = started(25);
    assert_eq!(server.objects.len(), 25);
    assert_eq!(server.status, Some(json!({"totalNodeCount": 3})));
    log.set_status(json!({"totalNodeCount": 3}));
    assert_eq!(log.next_batch(SESSION, Share::Everything), None, "an equal status is not sent again");
    log.push(Delta::tombstone("v1/Pod/ns/3")).unwrap();
    log.push(object(30, 10)).unwrap();
    server.take_all(&mut log).unwrap();
    assert!(!server.objects.contains_key("v1/Pod/ns/3") && server.objects.contains_key("v1/Pod/ns/30"));
}

#[test]
fn a_status_can_go_alone_while_objects_wait() {
    let (mut log, mut server) = started(2);
    assert_eq!(log.waiting(), None);
    log.push(object(7, 10)).unwrap();
    assert_eq!(log.waiting(), Some(Waiting::Deltas { objects: true, status: false }));
    log.set_status(json!({"totalNodeCount": 4}));
    assert_eq!(log.waiting(), Some(Waiting::Deltas { objects: true, status: true }));
    let batch = log.next_batch(SESSION, Share::Status).unwrap().clone();
    assert_eq!((batch.objects.len(), &batch.status), (0, &Some(json!({"totalNodeCount": 4}))));
    assert_eq!(log.waiting(), Some(Waiting::Batch), "it is in flight until it is acknowledged");
    log.acknowledged(server.post(&batch).unwrap());
    assert_eq!(log.waiting(), Some(Waiting::Deltas { objects: true, status: false }));
    server.take_all(&mut log).unwrap();
    assert!(server.objects.contains_key("v1/Pod/ns/7"), "nothing is lost");
}

#[test]
fn a_lost_answer_is_healed_by_the_same_batch() {
    let (mut log, mut server) = started(1);
    log.push(object(7, 10)).unwrap();
    let batch = log.next_batch(SESSION, Share::Everything).unwrap().clone();
    server.post(&batch).unwrap();
    // The answer is lost and the session is another one now.
    let again = log.next_batch(Uuid::from_u128(6), Share::Everything).unwrap().clone();
    assert_eq!((again.seq, &again.objects), (batch.seq, &batch.objects));
    assert_eq!(again.session, Uuid::from_u128(6));
    let appended = server.appended;
    assert_eq!(server.post(&again), Ok(batch.seq));
    assert_eq!(server.appended, appended, "it is not appended twice");
}

#[test]
fn a_server_that_lost_its_log_gets_everything_again_with_the_status() {
    let (mut log, _) = started(3);
    log.push(object(9, 10)).unwrap();
    let mut empty = Server::default();
    let expected = empty.take_all(&mut log).unwrap_err();
    assert_eq!(expected, 1);
    log.resync();
    assert_eq!(log.next_batch(SESSION, Share::Everything), None);
    log.push(object(99, 1)).unwrap();
    log.begin_full();
    for key in 0..4 {
        log.push(object(key, 10)).unwrap();
    }
    log.finish_full();
    empty.take_all(&mut log).unwrap();
    assert_eq!(empty.objects.len(), 4, "what was queued before the full sync is void");
    assert_eq!(empty.status, Some(json!({"totalNodeCount": 3})));
}

#[test]
fn an_agent_that_lost_its_state_starts_a_new_epoch_with_a_full_sync() {
    let (_, server) = started(3);
    let other = Uuid::from_u128(10);
    assert_eq!(server.position.judge(other, 1, false), Verdict::Resync { expected: 1 });
    assert!(matches!(server.position.judge(other, 1, true), Verdict::Append(_)));
}

#[test]
fn a_gap_asks_for_a_full_sync() {
    let (_, server) = started(3);
    let LogPosition { source_epoch, seq } = server.position;
    assert_eq!(server.position.judge(source_epoch, seq + 2, false), Verdict::Resync { expected: seq + 1 });
    assert!(matches!(server.position.judge(source_epoch, seq + 2, true), Verdict::Append(_)));
}

#[test]
fn an_object_larger_than_a_batch_is_refused() {
    let mut log = ObservedLog::new("inventory", Uuid::nil(), 1000);
    let error = log.push(object(1, 2000)).unwrap_err();
    assert!(matches!(error, QueueError::ObjectTooLarge { limit: 1000, .. }));
}

#[test]
fn a_batch_looks_as_the_wire_page_says() {
    let (mut log, _) = started(0);
    log.push(Delta::tombstone("v1/Pod/a/b")).unwrap();
    let batch = serde_json::to_value(log.next_batch(SESSION, Share::Everything).unwrap()).unwrap();
    let expected = json!({
        "session": SESSION, "source": "inventory", "sourceEpoch": Uuid::from_u128(9), "seq": 2, "full": false,
        "objects": [{"key": "v1/Pod/a/b", "deleted": true}],
    });
    assert_eq!(batch, expected);
}
