//! What an agent does with a desired line.

use bowline_link::{
    item::{ContentHash, DesiredDocument, ItemContent, KnownDocument, MergeError},
    message::Desired,
};
use serde_json::json;
use uuid::Uuid;

const EPOCH: Uuid = Uuid::from_u128(1);

fn document(generation: u64, items: Vec<ItemContent>) -> DesiredDocument {
    DesiredDocument { epoch: EPOCH, generation, items }
}

fn item(uid: u128, content: serde_json::Value) -> ItemContent {
    ItemContent::new(Uuid::from_u128(uid), "agentSettings", content)
}

fn whole(document: &DesiredDocument) -> Desired {
    document.line_for(|_| false)
}

#[test]
fn a_hash_does_not_depend_on_the_order_of_keys() {
    let a: serde_json::Value = serde_json::from_str(r#"{"b":[1,{"y":null,"x":"é"}],"a":1.5}"#).unwrap();
    let b: serde_json::Value =
        serde_json::from_str(r#"{ "a" : 1.5, "b" : [ 1, {"x":"é","y":null} ] }"#).unwrap();
    assert_eq!(ContentHash::of(&a), ContentHash::of(&b));
    assert_ne!(ContentHash::of(&a), ContentHash::of(&json!({"a": 1.5})));
    // Computed with another implementation of the same rule.
    let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(ContentHash::of(&json!({})).to_string(), empty);
}

#[test]
fn in_the_same_epoch_only_a_newer_generation_counts() {
    let known = document(7, vec![]).known();
    assert_eq!(known.merge(whole(&document(7, vec![]))), Ok(None));
    assert_eq!(known.merge(whole(&document(6, vec![item(1, json!({}))]))), Ok(None));
    assert!(known.merge(whole(&document(8, vec![]))).unwrap().is_some());
    let restored = DesiredDocument { epoch: Uuid::from_u128(2), generation: 1, items: vec![] };
    assert_eq!(known.merge(whole(&restored)).unwrap().unwrap().known.generation, 1);
}

#[test]
fn unchanged_items_are_kept_changed_ones_written_and_missing_ones_removed() {
    let old = document(1, vec![item(1, json!({"a": 1})), item(2, json!({"b": 1})), item(3, json!({}))]);
    let new = document(2, vec![item(1, json!({"a": 1})), item(2, json!({"b": 2}))]);
    let has: Vec<_> = old.items.iter().map(|item| item.hash).collect();
    let line = new.line_for(|hash| has.contains(hash));
    assert_eq!(line.changed.len(), 1, "an agent that knows a hash is sent no content for it");
    let merged = old.known().merge(line).unwrap().unwrap();
    assert_eq!(merged.write, vec![item(2, json!({"b": 2}))]);
    assert_eq!(merged.remove, vec![item(3, json!({})).head()]);
    assert_eq!(old.apply(&merged), new);
}

#[test]
fn a_content_that_is_missing_or_wrong_is_refused() {
    let new = document(2, vec![item(1, json!({"a": 1}))]);
    let bare = new.line_for(|_| true);
    let error = KnownDocument::default().merge(bare).unwrap_err();
    assert!(matches!(error, MergeError::MissingContent { .. }), "{error}");
    let mut forged = whole(&new);
    forged.changed[0].content = json!({"a": 2});
    let error = KnownDocument::default().merge(forged).unwrap_err();
    assert!(matches!(error, MergeError::WrongHash { .. }), "{error}");
}

#[test]
fn a_content_that_the_list_does_not_name_is_ignored() {
    let mut line = whole(&document(2, vec![]));
    line.changed.push(item(9, json!({"stray": true})));
    let merged = KnownDocument::default().merge(line).unwrap().unwrap();
    assert!(merged.write.is_empty());
}

#[test]
fn an_item_with_the_content_of_another_comes_without_one() {
    let old = document(1, vec![item(1, json!({"a": 1}))]);
    let new = document(2, vec![item(1, json!({"a": 1})), item(2, json!({"a": 1}))]);
    let line = new.line_for(|hash| *hash == old.items[0].hash);
    assert!(line.changed.is_empty());
    let merged = old.complete(old.known().merge(line).unwrap().unwrap());
    assert_eq!(
        merged.write,
        vec![item(2, json!({"a": 1}))],
        "a ledger with one file per item gets its content"
    );
    assert_eq!(old.apply(&merged), new);
}
