//! Answers belong to one version of a record, the ceiling holds, and this moment's values stand where they belong.

use super::*;
use crate::providers::kubernetes::ConnectedClusters;
use bowline_store::Revision;
use serde_json::json;

fn record(number: u128, revision: u64, document: &Value) -> Record {
    let id = format!(
        "/subscriptions/s/resourceGroups/G/providers/Microsoft.Kubernetes/connectedClusters/c{number}"
    );
    Record {
        tenant: Uuid::nil(),
        uid: Uuid::from_u128(number),
        key: id.to_lowercase(),
        id,
        resource_type: "microsoft.kubernetes/connectedclusters".to_owned(),
        parent: None,
        principal: None,
        revision: Revision(revision),
        created_revision: Revision(1),
        etag: format!("etag-{revision}"),
        model: 1,
        deleting: false,
        document: document.to_string(),
        protected: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn serving(version: &str) -> Serving {
    Serving::of(ConnectedClusters.spec(), &version.parse().unwrap())
}

fn encoded(record: &Record, version: &str) -> Arc<Answer> {
    Arc::new(encode(&ConnectedClusters, record, serving(version).version).unwrap())
}

fn keep(answers: &Answers, record: &Record, version: &str) {
    answers.kept.insert((record.uid, serving(version).number), encoded(record, version));
}

#[test]
fn an_answer_is_of_one_version_of_the_record_and_of_the_api() {
    let answers = Answers::default();
    let first = record(1, 7, &json!({"location": "l", "properties": {"gateway": {"enabled": true}}}));
    let second = record(1, 8, &json!({"location": "l", "properties": {"gateway": {"enabled": false}}}));
    assert!(answers.find(&first.stamp(), serving("2026-05-01")).is_none());
    for version in ["2026-05-01", "2021-10-01"] {
        keep(&answers, &first, version);
    }
    let newest = answers.find(&first.stamp(), serving("2026-05-01")).unwrap();
    let oldest = answers.find(&first.stamp(), serving("2021-10-01")).unwrap();
    let parsed = |answer: &Answer| serde_json::from_slice::<Value>(&answer.json).unwrap();
    assert_eq!(parsed(&newest)["properties"], json!({"gateway": {"enabled": true}}));
    assert_eq!(parsed(&oldest)["properties"], json!({}), "an older version does not know the gateway");
    assert_eq!(&*newest.etag, "etag-7");

    assert!(answers.find(&second.stamp(), serving("2026-05-01")).is_none(), "a newer revision is not it");
    let restored = Stamp { etag: "another".to_owned(), ..first.stamp() };
    assert!(
        answers.find(&restored, serving("2026-05-01")).is_none(),
        "nor the same revision of another past"
    );
    keep(&answers, &second, "2026-05-01");
    assert!(answers.find(&first.stamp(), serving("2026-05-01")).is_none(), "the newer took its place");
    assert!(answers.find(&second.stamp(), serving("2026-05-01")).is_some());
    answers.forget();
    assert!(answers.find(&second.stamp(), serving("2026-05-01")).is_none());
}

#[test]
fn the_ceiling_holds_whatever_is_read() {
    let answers = Answers::new(256 << 10);
    let text = "x".repeat(4000);
    for number in 0..1000 {
        keep(&answers, &record(number, 1, &json!({"tags": {"t": text}})), "2026-05-01");
    }
    assert!(answers.kept.weight() <= 256 << 10, "{} bytes are kept", answers.kept.weight());
    assert!(answers.kept.len() > 30, "and it is used: {} answers", answers.kept.len());
    // What is larger than all of it is not kept, and no harm is done.
    keep(&answers, &record(5000, 1, &json!({"tags": {"t": "x".repeat(1 << 20)}})), "2026-05-01");
    assert!(answers.kept.weight() <= 256 << 10);
}

#[test]
fn this_moments_values_are_written_where_they_belong() {
    // The same words elsewhere must stay as they are.
    let decoy = json!({"lastConnectivityTime": "tag", "uses": "tag"});
    let properties =
        json!({"lastConnectivityTime": "2020-01-01T00:00:00Z", "distribution": "k3s", "zz": decoy});
    let answer = encoded(&record(1, 1, &json!({"tags": decoy, "properties": properties})), "2026-05-01");
    let live = answer.live.as_ref().unwrap();
    assert!(live.uses.is_none(), "nothing counts a cluster's uses");
    let place = live.seen.as_ref().unwrap();
    let spliced = splice(&answer.json, vec![(place, "\"2026-03-01T12:00:00.123456Z\"".to_owned())]);
    let mut expected: Value = serde_json::from_slice(&answer.json).unwrap();
    expected["properties"]["lastConnectivityTime"] = "2026-03-01T12:00:00.123456Z".into();
    assert_eq!(serde_json::from_slice::<Value>(&spliced).unwrap(), expected);
    assert_eq!(expected["tags"], decoy);

    let never = encoded(&record(2, 1, &json!({"properties": {"distribution": "k3s"}})), "2026-05-01");
    assert!(never.live.is_none(), "a cluster that never connected has no such time");

    let counted = br#"{"a":1,"properties":{"lastConnectivityTime":"x","uses":0},"z":2}"#;
    let live = places(counted, Some(("enrollment", "k".to_owned()))).unwrap().unwrap();
    let edits = vec![
        (live.uses.as_ref().unwrap(), "12".to_owned()),
        (live.seen.as_ref().unwrap(), "\"y\"".to_owned()),
    ];
    let spliced = splice(&Bytes::from_static(counted), edits);
    assert_eq!(spliced, br#"{"a":1,"properties":{"lastConnectivityTime":"y","uses":12},"z":2}"#[..]);
}
