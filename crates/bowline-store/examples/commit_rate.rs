//! Commits per second and CPU per commit, at 1, 32 and 256 callers: `commit_rate [FOLDER | postgres://…]`.
//!
//! Each commit is one record of 1 KB (60 % updates, 40 % creations), one guard on its parent and one operation entry.
//! Afterwards: point reads, and a list of 500.
#![expect(clippy::disallowed_methods, reason = "an example measures time and reads its arguments")]

use bowline_store::conformance::{Dice, commit, draft, update};
use bowline_store::{
    Entry, EntryWrite, Guard, List, PostgresOptions, SqliteOptions, Store, Write, open_postgres, open_sqlite,
};
use nix::sys::resource::{UsageWho, getrusage};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECONDS: u64 = 4;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let place = std::env::args().nth(1).unwrap_or_else(|| folder.path().display().to_string());
    let store = if place.starts_with("postgres") {
        open_postgres(PostgresOptions::new(&place, "commit_rate")).await.expect("the database opens")
    } else {
        open_sqlite(SqliteOptions::new(&place)).await.expect("the database opens")
    };
    let profile = if cfg!(debug_assertions) {
        "development build: not the figures of the product"
    } else {
        "release build"
    };
    println!("{profile}");
    println!(
        "{:>7} {:>10} {:>10} {:>9} {:>9} {:>12} {:>12}",
        "callers", "commits/s", "done", "p50 ms", "p99 ms", "own us/commit", "db us/commit"
    );
    let parent = format!("/rate/{}", std::process::id());
    store
        .commit(commit(vec![Write::Create(draft(&parent, u128::from(std::process::id())))]))
        .await
        .expect("the parent is created");
    for callers in [1, 32, 256] {
        measure_commits(&store, &parent, callers).await;
    }
    measure_reads(&store, &parent).await;
}

async fn measure_commits(store: &Arc<dyn Store>, parent: &str, callers: u64) {
    let (own, database, begin) = (own_cpu(), database_cpu(), Instant::now());
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            tokio::spawn(write_until(
                store.clone(),
                format!("{parent}/{callers}-{caller}"),
                parent.to_owned(),
                begin,
            ))
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no caller fails"));
    }
    let (elapsed, count) = (begin.elapsed(), times.len());
    times.sort_unstable();
    let ms = |part: usize| times[(count * part / 1000).min(count - 1)].as_secs_f64() * 1000.0;
    let per = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    println!(
        "{callers:>7} {:>10.0} {count:>10} {:>9.2} {:>9.2} {:>12.0} {:>12.0}",
        count as f64 / elapsed.as_secs_f64(),
        ms(500),
        ms(990),
        per(own_cpu() - own),
        per(database_cpu() - database),
    );
}

async fn write_until(store: Arc<dyn Store>, prefix: String, parent: String, begin: Instant) -> Vec<Duration> {
    let (mut dice, mut made, mut times) = (Dice::new(prefix.len() as u64), Vec::new(), Vec::new());
    while begin.elapsed() < Duration::from_secs(SECONDS) {
        let number = times.len() as u128;
        let mut write = if made.is_empty() || dice.roll(10) < 4 {
            let mut new = draft(&format!("{prefix}/{number}"), number);
            new.document = "x".repeat(1024);
            made.push(new.clone());
            commit(vec![Write::Create(new)])
        } else {
            update(made[dice.roll(made.len() as u64) as usize].clone(), None)
        };
        write.guards.push(Guard::Alive { key: parent.clone() });
        let (kind, key) = ("operation".to_owned(), format!("{prefix}/{number}"));
        let entry = Entry { kind, key, data: vec![1; 100], uses: 0, version: 0, expires_at: None };
        write.entries.push(EntryWrite::Insert { entry });
        let start = Instant::now();
        store.commit(write).await.expect("a commit succeeds");
        times.push(start.elapsed());
    }
    times
}

async fn measure_reads(store: &Arc<dyn Store>, parent: &str) {
    let list = List { prefix: Some(parent.to_owned()), limit: 500, ..List::default() };
    let rows = store.list(&list).await.expect("a list succeeds");
    let begin = Instant::now();
    let rounds = 10_000;
    for round in 0..rounds {
        store.get(&rows[round % rows.len()].key).await.expect("a read succeeds").expect("it is there");
    }
    println!("get: {:.1} us", begin.elapsed().as_secs_f64() * 1e6 / rounds as f64);
    let begin = Instant::now();
    for _ in 0..20 {
        store.list(&list).await.expect("a list succeeds");
    }
    println!("list of {}: {:.2} ms", rows.len(), begin.elapsed().as_secs_f64() * 1e3 / 20.0);
}

fn own_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the system knows what this process used");
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(time.tv_sec().unsigned_abs() * 1_000_000 + time.tv_usec().unsigned_abs())
    };
    micros(usage.user_time()) + micros(usage.system_time())
}

/// What all PostgreSQL processes of this machine used, in the clock ticks of 10 ms that Linux counts in.
fn database_cpu() -> Duration {
    let processes = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    let ticks: u64 = processes.filter_map(|process| ticks_of(&process.path().join("stat"))).sum();
    Duration::from_millis(ticks * 10)
}

fn ticks_of(stat: &std::path::Path) -> Option<u64> {
    let text = std::fs::read_to_string(stat).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    (name == "postgres")
        .then(|| Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?))?
}
