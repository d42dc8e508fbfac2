//! Writers that are killed with -9 at random moments, under watchers that are killed with them.
//!
//! This binary runs itself as the writers (`writer_process`). Each logs what was acknowledged to it and what its watcher
//! saw, in single writes to files that outlive it. Afterwards: every acknowledged commit is in the feed at the revision it was told,
//! no commit is there twice, every watcher saw 1..n without a gap, and the records are what the feed adds up to.

use bowline_store::chain::Chain;
use bowline_store::conformance::activity::whole_log;
use bowline_store::conformance::{Dice, commit, deletion, draft, uid, update, whole_feed};
use bowline_store::{
    Change, CommitError, List, Observation, ObservationError, PostgresOptions, Revision, SqliteOptions,
    Store, Write, open_postgres, open_sqlite,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const WHERE: &str = "BOWLINE_STORE_CRASH_WHERE";
const LOGS: &str = "BOWLINE_STORE_CRASH_LOGS";
const NAME: &str = "BOWLINE_STORE_CRASH_NAME";
/// Commits in flight in each process.
const TASKS: u64 = 12;
/// Only a hang takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(place: &str, name: &str) -> Arc<dyn Store> {
    if place.starts_with("postgres://") {
        open_postgres(PostgresOptions::new(place, name)).await.unwrap()
    } else {
        open_sqlite(SqliteOptions::new(place)).await.unwrap()
    }
}

/// Not a test of its own: what the killed processes run. Without its environment it does nothing.
#[test]
fn writer_process() {
    let (Ok(place), Ok(logs), Ok(name)) = (std::env::var(WHERE), std::env::var(LOGS), std::env::var(NAME))
    else {
        return;
    };
    // The parent holds the other end: when it goes, however it goes, so do we.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&place, &name).await;
        let logs = PathBuf::from(logs);
        for task in 0..TASKS {
            tokio::spawn(write_forever(
                store.clone(),
                format!("{name}-{}-{task}", std::process::id()),
                log(&logs, "acks", &name),
            ));
        }
        tokio::spawn(observe_forever(store.clone(), log(&logs, "observed", &name)));
        watch_forever(&store, &logs, &name).await;
    });
}

fn log(folder: &Path, what: &str, name: &str) -> File {
    OpenOptions::new().append(true).create(true).open(folder.join(format!("{what}-{name}"))).unwrap()
}

/// Creations of its own, updates and deletions of what all share.
async fn write_forever(store: Arc<dyn Store>, me: String, mut acks: File) {
    let mut dice = Dice::new(me.bytes().fold(7, |seed, byte| seed.wrapping_mul(131) + u64::from(byte)));
    for round in 0_u64.. {
        let tag = format!("{me}-{round}");
        let number = u128::from(dice.roll(1 << 60));
        let shared = format!("/shared/{}", dice.roll(6));
        let known = store.get(&shared).await.unwrap();
        let wanted = match (known, dice.roll(10)) {
            (Some(record), 0) => deletion(&shared, record.uid.as_u128() - uid(0).as_u128()),
            (Some(record), 1..=5) => {
                let mut draft = record.to_draft();
                draft.document = tag.clone();
                update(draft, (dice.roll(2) == 0).then_some(record.revision))
            }
            (None, 1..=5) => tagged(&shared, number, &tag),
            _ => tagged(&format!("/own/{tag}"), number, &tag),
        };
        let deletes = matches!(wanted.writes[0], Write::Delete { .. });
        let key = wanted.writes[0].key().to_owned();
        match store.commit(wanted.telling(&key, &tag)).await {
            Ok(done) => {
                let tag = if deletes { "-" } else { &tag };
                acks.write_all(format!("{} {tag}\n", done.revisions[0]).as_bytes()).unwrap();
            }
            Err(CommitError::Refused(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn tagged(key: &str, number: u128, tag: &str) -> bowline_store::Commit {
    let mut draft = draft(key, number);
    draft.document = tag.to_owned();
    commit(vec![Write::Create(draft)])
}

async fn observe_forever(store: Arc<dyn Store>, mut observed: File) {
    let source = format!("source/{}", std::process::id());
    for seq in 1.. {
        let bytes = format!("{source} {seq}").into_bytes();
        let time = bowline_store::conformance::noon();
        let batch = Observation { source: source.clone(), source_epoch: uid(1), seq, time, bytes };
        match store.append_observation(batch).await {
            Ok(position) => observed.write_all(format!("{position} {source} {seq}\n").as_bytes()).unwrap(),
            Err(ObservationError::OutOfOrder { expected }) => panic!("expected {expected}, sent {seq}"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Follows the feed from where this name's watcher had got to when it was killed.
async fn watch_forever(store: &Arc<dyn Store>, logs: &Path, name: &str) {
    let mut seen = log(logs, "seen", name);
    let mut last = lines(&logs.join(format!("seen-{name}"))).last().map_or(0, |line| line.0);
    let mut watch = store.watch();
    loop {
        for change in store.changes(Revision(last), 100).await.unwrap() {
            seen.write_all(format!("{} {}\n", change.revision, tag_of(&change)).as_bytes()).unwrap();
            last = change.revision.0;
        }
        watch.wait_for(|head| head.revision.0 > last).await.unwrap();
    }
}

fn tag_of(change: &Change) -> &str {
    change.document.as_deref().unwrap_or("-")
}

/// (number, rest) of each whole line; a last line without its end was never acknowledged to anybody.
fn lines(path: &Path) -> Vec<(u64, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| {
            let (number, rest) = line.split_once(' ').unwrap();
            (number.parse().unwrap(), rest.to_owned())
        })
        .collect()
}

struct Writers {
    place: String,
    logs: PathBuf,
    running: BTreeMap<String, Child>,
}

impl Writers {
    fn start(&mut self, name: &str) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writer_process", "--nocapture", "--quiet"])
            .envs([(WHERE, self.place.as_str()), (LOGS, self.logs.to_str().unwrap()), (NAME, name)])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.running.insert(name.to_owned(), child);
    }

    fn length(&self, name: &str) -> u64 {
        std::fs::metadata(self.logs.join(format!("acks-{name}"))).map_or(0, |file| file.len())
    }

    /// Kills a writer once it has been told of some more commits.
    async fn kill(&mut self, name: &str, dice: &mut Dice) {
        let enough = self.length(name) + 200 + dice.roll(4000);
        let waiting = async {
            while self.length(name) < enough {
                let gone = self.running.get_mut(name).unwrap().try_wait().unwrap();
                assert!(gone.is_none(), "writer {name} ended by itself: {gone:?}");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a writer makes progress");
        let mut child = self.running.remove(name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

async fn kill_at_random(place: &str, names: &[&str], kills: usize, seed: u64) {
    let logs = tempfile::tempdir().unwrap();
    let mut writers =
        Writers { place: place.to_owned(), logs: logs.path().to_owned(), running: BTreeMap::new() };
    let mut dice = Dice::new(seed);
    names.iter().for_each(|name| writers.start(name));
    for _ in 0..kills {
        let name = names[dice.roll(names.len() as u64) as usize];
        writers.kill(name, &mut dice).await;
        writers.start(name);
    }
    for name in names {
        writers.kill(name, &mut dice).await;
    }
    let store = open(place, "checker").await;
    let feed = whole_feed_fast(&store).await;
    check_acks(logs.path(), names, &feed);
    check_records(&store, &feed).await;
    check_activity(&store, &feed).await;
    check_observations(logs.path(), names, &store).await;
}

async fn whole_feed_fast(store: &Arc<dyn Store>) -> Vec<Change> {
    let mut feed: Vec<Change> = Vec::new();
    while (feed.len() as u64) < store.head().await.unwrap().revision.0 {
        let page = store.changes(Revision(feed.len() as u64), 1000).await.unwrap();
        assert!(!page.is_empty(), "the feed ends before the head");
        feed.extend(page);
    }
    let gapless = feed.iter().zip(1..).all(|(change, number)| change.revision.0 == number);
    assert!(gapless, "the feed has a gap");
    feed
}

fn check_acks(logs: &Path, names: &[&str], feed: &[Change]) {
    let tags: Vec<&str> = feed.iter().map(tag_of).collect();
    let once: BTreeSet<&str> = tags.iter().copied().filter(|tag| *tag != "-").collect();
    assert_eq!(once.len(), tags.iter().filter(|tag| **tag != "-").count(), "a commit is in the feed twice");
    let mut acked = 0;
    for name in names {
        for (revision, tag) in lines(&logs.join(format!("acks-{name}"))) {
            let stored = tags.get(revision as usize - 1).copied();
            assert_eq!(stored, Some(tag.as_str()), "acknowledged at revision {revision}");
            acked += 1;
        }
        let seen = lines(&logs.join(format!("seen-{name}")));
        for ((revision, tag), expected) in seen.iter().zip(1..) {
            assert_eq!(*revision, expected, "the watcher of {name} skipped or repeated a revision");
            assert_eq!(tags[*revision as usize - 1], tag, "the watcher of {name} saw something else");
        }
        assert!(!seen.is_empty(), "the watcher of {name} saw nothing");
    }
    println!("{} changes, {acked} acknowledged", feed.len());
    assert!(acked > 100 && acked <= feed.len());
}

async fn check_records(store: &Arc<dyn Store>, feed: &[Change]) {
    let mut expected: HashMap<&str, &Change> = HashMap::new();
    for change in feed {
        match &change.document {
            Some(_) => drop(expected.insert(&change.key, change)),
            None => drop(expected.remove(change.key.as_str())),
        }
    }
    let (mut list, mut count) = (List { limit: 1000, ..List::default() }, 0);
    loop {
        let page = store.list(&list).await.unwrap();
        for record in &page {
            let change = expected[record.key.as_str()];
            let same = (record.revision, record.uid, Some(&record.document));
            assert_eq!(same, (change.revision, change.uid, change.document.as_ref()));
        }
        count += page.len();
        list.after = page.last().map(|record| record.key.clone());
        if page.len() < 1000 {
            break;
        }
    }
    assert_eq!(count, expected.len());
}

/// One entry for each change, in its order, in one whole chain.
async fn check_activity(store: &Arc<dyn Store>, feed: &[Change]) {
    let (log, _) = whole_log(store, Chain::default()).await;
    assert_eq!(log.len(), feed.len());
    for (entry, change) in log.iter().zip(feed) {
        assert_eq!((entry.revision, &entry.key), (change.revision.0, &change.key));
        let tag = tag_of(change);
        assert!(tag == "-" || tag == entry.text, "{tag} is told as {}", entry.text);
    }
}

async fn check_observations(logs: &Path, names: &[&str], store: &Arc<dyn Store>) {
    let mut stored: Vec<(u64, String)> = Vec::new();
    loop {
        let page = store.observations(stored.len() as u64, 1000).await.unwrap();
        let short = page.len() < 1000;
        stored.extend(page.into_iter().map(|(position, o)| (position, String::from_utf8(o.bytes).unwrap())));
        if short {
            break;
        }
    }
    assert!(
        stored.iter().zip(1..).all(|((position, _), number)| *position == number),
        "positions have a gap"
    );
    for name in names {
        for acked in lines(&logs.join(format!("observed-{name}"))) {
            assert_eq!(stored[acked.0 as usize - 1], acked);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_writer_on_sqlite_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    kill_at_random(directory.path().to_str().unwrap(), &["one"], 5, 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_writers_on_postgres_are_killed() {
    let Some(server) = crate::server::server("three_writers_on_postgres_are_killed") else { return };
    let database = server.create_database().await;
    kill_at_random(&database.url, &["one", "two", "three"], 7, 12).await;
}

/// The database cuts every connection, again and again, in the middle of everything: what was answered is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_answered_truthfully() {
    let Some(server) = crate::server::server("lost_connections_are_answered_truthfully") else { return };
    let database = server.create_database().await;
    let store = open(&database.url, "cut").await;
    let (done, mut count) = tokio::sync::watch::channel(0_u64);
    let done = Arc::new(done);
    let tasks: Vec<_> = (0..16_u128)
        .map(|task| {
            let (store, done) = (store.clone(), done.clone());
            tokio::spawn(async move {
                let mut told = Vec::new();
                for round in 0..40_u128 {
                    let tag = format!("{task}-{round}");
                    let answer =
                        store.commit(tagged(&format!("/cut/{tag}"), task * 1000 + round, &tag)).await;
                    done.send_modify(|count| *count += 1);
                    told.push((tag, answer));
                }
                told
            })
        })
        .collect();
    for cut in 1..=8 {
        let waited = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= cut * 70)).await;
        waited.expect("writing goes on after a cut").unwrap();
        let text =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bowline cut'";
        database.execute(text).await;
    }
    let mut told = Vec::new();
    for task in tasks {
        told.extend(task.await.unwrap());
    }
    let feed = whole_feed(&store).await;
    for (tag, answer) in told {
        let stored: Vec<u64> =
            feed.iter().filter(|change| tag_of(change) == tag).map(|change| change.revision.0).collect();
        match answer {
            Ok(done) => assert_eq!(stored, [done.revisions[0].0], "{tag} was acknowledged"),
            Err(CommitError::OutcomeUnknown { .. }) => assert!(stored.len() <= 1),
            Err(error) => assert!(stored.is_empty(), "{tag} is stored and was answered: {error}"),
        }
    }
}
