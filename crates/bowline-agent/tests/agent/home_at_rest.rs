//! What is on disk survives a crash at any step.

use bowline_agent::ledger::{Ledger, disk::DiskLedger};
use bowline_link::item::{DesiredDocument, ItemContent, KnownDocument, Merged};
use serde_json::json;
use uuid::Uuid;

fn document(generation: u64, contents: &[(u128, i32)]) -> DesiredDocument {
    let item =
        |(uid, value): &(u128, i32)| ItemContent::new(Uuid::from_u128(*uid), "../kind", json!({"v": value}));
    DesiredDocument { epoch: Uuid::from_u128(9), generation, items: contents.iter().map(item).collect() }
}

fn change(from: &DesiredDocument, to: &DesiredDocument) -> Merged {
    let line = to.line_for(|hash| from.items.iter().any(|item| item.hash == *hash));
    from.complete(from.known().merge(line).unwrap().unwrap())
}

/// Every state that a crash may leave between the old document and the new one: the files that were written until then.
#[tokio::test]
async fn a_crash_at_any_write_leaves_the_old_document_or_the_new_one() {
    let old = document(1, &[(1, 1), (2, 1)]);
    let new = document(2, &[(1, 2), (3, 1)]);
    let whole = tempfile::tempdir().unwrap();
    let mut ledger = DiskLedger::open(whole.path()).unwrap();
    ledger.store(&change(&DesiredDocument::default(), &old)).await.unwrap();
    let before: Vec<_> = files(whole.path());
    ledger.store(&change(&old, &new)).await.unwrap();
    let after: Vec<_> = files(whole.path());
    assert_eq!(ledger.load().await.unwrap(), Some(new.clone()));
    assert_eq!(after.len(), 3, "the head and two items: what is not named is swept");

    let written: Vec<_> = after.iter().filter(|file| !before.contains(file)).collect();
    let (head, items): (Vec<_>, Vec<_>) = written.into_iter().partition(|(name, _)| name == "head.json");
    for crashed_after in 0..=items.len() {
        let folder = tempfile::tempdir().unwrap();
        let put = |files: &[(String, Vec<u8>)]| {
            for (name, bytes) in files {
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
        };
        put(&before);
        for item in &items[..crashed_after] {
            put(&[(*item).clone()]);
        }
        put(&[(".head.json.new".into(), b"{half".to_vec())]);
        let mut ledger = DiskLedger::open(folder.path()).unwrap();
        assert_eq!(ledger.load().await.unwrap(), Some(old.clone()), "before the head moved");
        if crashed_after == items.len() {
            put(&[head[0].clone()]);
            assert_eq!(ledger.load().await.unwrap(), Some(new.clone()), "after the head moved");
            let newer = document(3, &[(3, 1)]);
            ledger.store(&change(&new, &newer)).await.unwrap();
            assert_eq!(files(folder.path()).len(), 2, "left-overs are swept");
        }
    }
}

#[tokio::test]
async fn a_damaged_ledger_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = DiskLedger::open(folder.path()).unwrap();
    assert_eq!(ledger.load().await.unwrap(), None);
    let old = document(1, &[(1, 1)]);
    ledger.store(&change(&DesiredDocument::default(), &old)).await.unwrap();
    std::fs::write(folder.path().join("head.json"), "{").unwrap();
    assert_eq!(ledger.load().await.unwrap(), None);
    let merged = Merged { known: KnownDocument::default(), write: vec![], remove: vec![] };
    ledger.store(&merged).await.unwrap();
    assert_eq!(ledger.load().await.unwrap(), Some(DesiredDocument::default()));
}

fn files(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_old_document() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = DiskLedger::open(folder.path()).unwrap();
    let (old, new) = (document(1, &[(1, 1)]), document(2, &[(1, 2), (2, 3)]));
    ledger.store(&change(&DesiredDocument::default(), &old)).await.unwrap();
    // A folder where the last item's file is to be made.
    let last = new.items.last().unwrap();
    let blocked = folder.path().join(format!(".kind-{}-{}.json.new", last.uid, last.hash));
    std::fs::create_dir(&blocked).unwrap();
    let error = ledger.store(&change(&old, &new)).await.unwrap_err();
    assert!(error.to_string().contains("could not write"), "{error}");
    assert_eq!(ledger.load().await.unwrap(), Some(old.clone()));
    std::fs::remove_dir(&blocked).unwrap();
    ledger.store(&change(&old, &new)).await.unwrap();
    assert_eq!(ledger.load().await.unwrap(), Some(new));
}
