//! The same questions while a thousand changes a second arrive, and how soon a change is seen.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::future::{join, try_join_all};
use http::Method;
use serde_json::{Value, json};

use super::load::Fleet;
use super::{cases, filled, query};
use crate::Setup;
use crate::bowline::{Server, versioned};
use crate::figures::{print_table, quantile, short};
use crate::http::Target;
use crate::machine::moment;

const PER_SECOND: u64 = 1000;
const WRITERS: u64 = 16;
const LENGTH: Duration = Duration::from_secs(30);

/// Changes, questions and a watcher of its own change, at once.
pub(super) async fn run(setup: &Setup, server: &Server, limited: &Target, fleet: &Fleet) -> Result<Value> {
    let group = server.group("changing").await?;
    let ended = AtomicBool::new(false);
    let changes = AtomicU64::new(0);
    let machine = |n: u64| format!("{group}/providers/Microsoft.HybridCompute/machines/changing-{n:04}");
    let writers = try_join_all((0..WRITERS).map(|writer| {
        let (ended, changes, machine) = (&ended, &changes, &machine);
        async move {
            let mut connection = server.admin.connect().await?;
            let started = moment();
            let mut sent = 0_u64;
            while !ended.load(Ordering::Relaxed) {
                let due = started + Duration::from_micros(sent * 1_000_000 * WRITERS / PER_SECOND);
                tokio::time::sleep(due.saturating_sub(moment())).await;
                let path = versioned(&machine(writer + WRITERS * (sent % 50)));
                let body = json!({"location": "local", "tags": {"n": sent.to_string()}, "properties": {"osType": "linux"}});
                let (status, answer) = connection.send(Method::PUT, &path, Some(Bytes::from(body.to_string()))).await?;
                ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer));
                sent += 1;
                changes.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }
    }));
    let measuring = async {
        let started = moment();
        let found = join(questions(limited, fleet, started), visible(server, &group, started)).await;
        ended.store(true, Ordering::Relaxed);
        let rate = changes.load(Ordering::Relaxed) as f64 / (moment() - started).as_secs_f64();
        anyhow::Ok((found.0?, found.1?, rate))
    };
    let (written, measured) = join(writers, measuring).await;
    written?;
    let (questions, visible, rate) = measured?;
    let _ = setup;
    let head = ["question", "asked", "p50 ms", "p99 ms"];
    let rows: Vec<Vec<String>> = questions
        .iter()
        .map(|(name, times)| {
            vec![
                (*name).to_owned(),
                times.len().to_string(),
                short(quantile(times, 0.5)),
                short(quantile(times, 0.99)),
            ]
        })
        .collect();
    print_table(
        &format!("The limited caller's questions while {} changes a second arrive", short(rate)),
        &head,
        &rows,
    );
    println!(
        "from the answer to a PUT to a query that shows it: p50 {} ms, p99 {} ms, of {} (aim p99 ≤ 1,000)",
        short(quantile(&visible, 0.5)),
        short(quantile(&visible, 0.99)),
        visible.len()
    );
    let questions: Vec<Value> = questions
        .iter()
        .map(|(name, times)| json!({"query": name, "asked": times.len(), "p50Ms": quantile(times, 0.5), "p99Ms": quantile(times, 0.99)}))
        .collect();
    Ok(
        json!({"changesPerSecond": rate, "questions": questions, "visibleP50Ms": quantile(&visible, 0.5), "visibleP99Ms": quantile(&visible, 0.99), "visibleSamples": visible.len()}),
    )
}

/// One after the other, round and round.
async fn questions(
    limited: &Target,
    fleet: &Fleet,
    started: Duration,
) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let mut connection = limited.connect().await?;
    let mut times: Vec<(&str, Vec<f64>)> =
        cases::RESOURCES.iter().map(|(name, _)| (*name, Vec::new())).collect();
    while moment() - started < LENGTH {
        for ((_, text), (_, times)) in cases::RESOURCES.iter().zip(&mut times) {
            let asked = moment();
            let (status, answer) = query(&mut connection, &filled(text, fleet)).await?;
            ensure!(status == 200, "{status} {answer}");
            times.push((moment() - asked).as_secs_f64() * 1000.0);
        }
    }
    Ok(times)
}

/// Changes a tag, and asks until a query shows it.
async fn visible(server: &Server, group: &str, started: Duration) -> Result<Vec<f64>> {
    let mut connection = server.admin.connect().await?;
    let id = format!("{group}/providers/Microsoft.HybridCompute/machines/seen");
    let mut times = Vec::new();
    while moment() - started < LENGTH {
        let mark = times.len().to_string();
        let body = json!({"location": "local", "tags": {"mark": mark}, "properties": {"osType": "linux"}});
        let (status, _) =
            connection.send(Method::PUT, &versioned(&id), Some(Bytes::from(body.to_string()))).await?;
        ensure!((200..300).contains(&status), "{status}");
        let asked = moment();
        loop {
            let (status, answer) = query(
                &mut connection,
                &format!("Resources | where id =~ '{id}' | project tostring(tags.mark)"),
            )
            .await?;
            ensure!(status == 200, "{status} {answer}");
            if answer["data"]["rows"][0][0] == mark.as_str() {
                break;
            }
        }
        times.push((moment() - asked).as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(times)
}
