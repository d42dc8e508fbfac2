//! What a query may take of a server: memory, time, its turn; and that it ends soon after it should.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bowline_auth::roles::READER;
use bowline_control::query::{Bounds, WAITING};
use bowline_server::meter;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

const MEMORY: usize = 24 << 20;
/// What is made of one value, a list of half a million numbers, between two looks.
const ONE_VALUE: i64 = 48 << 20;

/// The most that a thread was seen to hold.
static MOST: AtomicI64 = AtomicI64::new(0);

fn taken() -> i64 {
    let taken = meter::taken();
    MOST.fetch_max(taken, Ordering::Relaxed);
    taken
}

/// Groups that every query finds.
const GROUPS: usize = 40;

async fn seeded(bounds: Bounds) -> (Arc<World>, String) {
    let world = Arc::new(World::with_queries(bounds).await);
    let admin = world.admin().await;
    for n in 0..GROUPS {
        let id = format!("{}/resourceGroups/g{n}", world.subscription);
        let made = world
            .send("PUT", &id, Some(&admin), &json!({"location": "local", "tags": {"n": n.to_string()}}))
            .await;
        assert_eq!(made.0, StatusCode::CREATED, "{}", made.1);
    }
    (world, admin)
}

/// Every operator that can hold much, by itself and over columns; each would hold far more than it may.
const LARGE: &[&str] = &[
    "range x from 1 to 9000000 step 1 | count",
    "range x from 1 to 300000 step 1 | extend s = strcat('somewhat longer text ', x, strrep('-', 200)) | where s != '' | count",
    "range x from 1 to 300000 step 1 | extend s = strcat('somewhat longer text ', x, strrep('-', 200)) | sort by s asc | take 1",
    "range x from 1 to 300000 step 1 | summarize make_list(strcat('somewhat longer text ', x, strrep('-', 200))) | project array_length(list_)",
    "range x from 1 to 300000 step 1 | summarize count() by s = strcat('somewhat longer text ', x, strrep('-', 200)) | count",
    "range x from 1 to 300000 step 1 | summarize make_set(strcat('somewhat longer text ', x, strrep('-', 200))) | project array_length(set_)",
    "range x from 1 to 300000 step 1 | summarize dcount(x), b = make_bag(bag_pack(tostring(x), strrep('-', 200))) | project strlen(tostring(b))",
    "range x from 1 to 300 step 1 | extend k = 1 | join kind=inner (range y from 1 to 3000 step 1 | extend k = 1, s = strrep('-', 200)) on k | count",
    "range x from 1 to 3 step 1 | extend l = range(1, 500000) | mv-expand l | count",
    "range x from 1 to 100 step 1 | mv-apply l = range(1, 10000) on (extend s = strrep('-', 100)) | count",
    "union (range x from 1 to 500000 step 1), (range x from 1 to 500000 step 1) | extend s = strcat(x, strrep('-', 100)) | count",
    "range x from 1 to 300000 step 1 | extend s = strcat('a=', x, ',b=', strrep('-', 200)) | parse s with 'a=' a ',b=' b | count",
    "range x from 1 to 300000 step 1 | extend s = strcat('a=', x, ',b=', strrep('-', 200)) | parse-kv s as (a: long, b: string) with (pair_delimiter=',', kv_delimiter='=') | count",
    "range x from 1 to 500000 step 1 | serialize p = prev(x), n = row_number(), t = strrep('-', 100) | count",
    "range x from 1 to 300000 step 1 | extend s = strcat(x, strrep('-', 200)) | partition by s (take 1) | count",
    "range x from 1 to 300000 step 1 | extend s = strcat(x, strrep('-', 200)) | top-nested of s by max(x) | count",
    "range x from 1 to 300000 step 1 | extend s = strcat(x, strrep('-', 200)) | as T | join kind=inner T on x | count",
    "range x from 1 to 300000 step 1 | extend s = strcat(x, strrep('-', 200)) | distinct s | count",
    "print s = strrep('-', 1000) | extend l = range(1, 100000) | mv-expand l | extend t = strcat(s, l) | count",
    // Over columns.
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | summarize make_list(strcat(name, strrep('-', 500))) | project array_length(list_)",
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | extend s = strcat(name, name1, name2, strrep('-', 500)) | sort by s asc",
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | extend s = strcat(name, name1, name2, strrep('-', 500)) | summarize count() by s | count",
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | project name, name1, name2, s = strcat(name, name1, name2, strrep('-', 500)) | where s != ''",
];

fn text(query: &str) -> String {
    // The groups with a column that all of them share.
    let columns = "let C = ResourceContainers | where type endswith 'resourcegroups' | project name, k = 1;";
    if query.starts_with("C ") { format!("{columns} {query}") } else { query.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operator_holds_more_than_a_query_may() {
    let (world, admin) = seeded(Bounds { bytes: MEMORY, taken, ..Bounds::default() }).await;
    for query in LARGE {
        MOST.store(0, Ordering::Relaxed);
        let (status, _, answer) = world.query(&admin, &json!({"query": text(query)})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {answer}");
        let limit = format!("its limit of {MEMORY} bytes");
        assert!(answer.contains(&limit) && answer.contains("narrow it"), "{query}: {answer}");
        let most = MOST.load(Ordering::Relaxed);
        assert!(most < MEMORY as i64 + ONE_VALUE, "{query} held {most} bytes before it was ended");
    }
    // What was refused left nothing behind.
    let (status, _, answer) = world.query(&admin, &json!({"query": text("C | count")})).await;
    assert_eq!((status, answer.contains(&format!("\"Count\":{GROUPS}"))), (StatusCode::OK, true), "{answer}");
}

/// What would run for minutes: by itself, over columns, where rows are multiplied, sorted, counted.
const LONG: &[&str] = &[
    "range x from 1 to 9000000 step 1 | extend y = hash_sha256(tostring(x)) | where y startswith 'ffff' | count",
    "range x from 1 to 20000 step 1 | extend k = 1 | join kind=inner (range y from 1 to 400 step 1 | extend k = 1) on k | sort by hash(x) asc, y desc | count",
    "range x from 1 to 3000000 step 1 | sort by hash(x) asc | sort by hash(-x) desc | count",
    "range x from 1 to 3000 step 1 | mv-apply l = range(1, 10000) on (summarize s = sum(tolong(l))) | count",
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | count",
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | summarize make_set(hash(strcat(name, name1, name2, name3))) | project array_length(set_)",
    "C | join kind=inner C on k | join kind=inner C on k | join kind=inner C on k | sort by name1 asc, name2 desc, name3 asc, name asc | extend p = prev(name) | count",
];

async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_ends_when_its_time_is_over_or_nobody_waits() {
    let time = Duration::from_secs(1);
    let (world, admin) = seeded(Bounds { time, ..Bounds::default() }).await;
    let running = |count: usize| {
        let world = Arc::clone(&world);
        move || world.control.queries().load().0 == count
    };
    let (mut by_time, mut by_client) = (Duration::ZERO, Duration::ZERO);
    for query in LONG {
        let body = json!({"query": text(query)});
        let (status, _, answer) = world.query(&admin, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {answer}");
        let told: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(told["error"]["details"][0]["code"], "QueryTimeout", "{query}: {answer}");
        let after = until(query, running(0)).await;
        by_time = by_time.max(after);

        let (asking, token) = (Arc::clone(&world), admin.clone());
        let asked = tokio::spawn(async move { asking.query(&token, &body).await });
        until("it begins", running(1)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        asked.abort();
        let gone = until(query, running(0)).await;
        by_client = by_client.max(gone);
        eprintln!("{after:?} {gone:?} {query}");
    }
    eprintln!(
        "the engine was still at work for {by_time:?} after the time, {by_client:?} after the client had gone"
    );
}

/// However many queries others send, one that comes later waits for no more than one of each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_of_principals_take_turns() {
    let (world, admin) = seeded(Bounds { at_once: 2, ..Bounds::default() }).await;
    let mut tokens = Vec::new();
    for name in ["ada", "bob", "eve"] {
        tokens.push(world.user(&admin, name, Some(READER)).await.1);
    }
    let load = || world.control.queries().load();
    // One alone leaves a place; two take all of them.
    for greedy in 1..=2 {
        let done = Arc::new(AtomicUsize::new(0));
        let query = json!({"query": "range x from 1 to 60000 step 1 | sort by hash(x) asc | count"});
        let many = 12;
        let mut line = FuturesUnordered::new();
        for n in 0..greedy * many {
            let (world, token, query) = (Arc::clone(&world), tokens[n % greedy].clone(), query.clone());
            let done = Arc::clone(&done);
            line.push(tokio::spawn(async move {
                let (status, _, answer) = world.query(&token, &query).await;
                done.fetch_add(1, Ordering::Relaxed);
                assert_eq!(status, StatusCode::OK, "{answer}");
            }));
        }
        until("the lines are there", || load() == (greedy, greedy * (many - 1))).await;
        for _ in 0..2 {
            let before = done.load(Ordering::Relaxed);
            let (status, _, answer) = world.query(&tokens[2], &json!({"query": "print 1"})).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let others = done.load(Ordering::Relaxed) - before;
            // One of each, and what ends while the answer is on its way.
            assert!(
                others <= greedy + 1,
                "{others} queries of {greedy} ended before one that came later was answered"
            );
        }
        assert!(load().1 > 0, "the others are not done yet");
        while let Some(done) = line.next().await {
            done.unwrap();
        }
        assert_eq!(load(), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_too_many_in_line_is_told_when_to_come_back() {
    let (world, admin) = seeded(Bounds { at_once: 1, ..Bounds::default() }).await;
    let token = world.user(&admin, "ada", Some(READER)).await.1;
    let slow = json!({"query": "range x from 1 to 9000000 step 1 | where hash(x) == 1 | count"});
    let mut line = Vec::new();
    for _ in 0..=WAITING {
        let (world, token, slow) = (Arc::clone(&world), token.clone(), slow.clone());
        line.push(tokio::spawn(async move { world.query(&token, &slow).await }));
    }
    let load = || world.control.queries().load();
    until("the line is full", || load() == (1, WAITING)).await;
    let (status, headers, answer) = world.query(&token, &slow).await;
    let told: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &told["error"]["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("RateLimiting")));
    assert_eq!(headers["retry-after"], "1", "{answer}");
    assert!(answer.contains(&format!("1 queries that run and {WAITING} that wait")), "{answer}");
    // Who goes away leaves his place to others.
    line.iter().for_each(tokio::task::JoinHandle::abort);
    until("nobody waits", || load() == (0, 0)).await;
}
