//! Learns what other servers commit: notifications where they come through, a poll in any case.

use super::{read_head, turn_epoch};
use crate::heads::Heads;
use sqlx::postgres::{PgListener, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

/// How long until a listener that could not connect tries again.
const LISTEN_AGAIN: Duration = Duration::from_secs(15);

/// Reads the head at each period and whenever somebody says that there is something new.
pub(super) async fn follow(pool: PgPool, heads: Arc<Heads>, period: Duration, news: Arc<Notify>) {
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reachable = true;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = news.notified() => {}
        }
        let mark = heads.mark();
        match read_head(&pool).await {
            Ok(read) => {
                reachable = true;
                if heads.publish(mark, read).is_err() {
                    turn_epoch(&pool, &heads, read.head.epoch).await;
                }
            }
            // Once per outage: the writer and the readers tell their callers themselves.
            Err(error) if reachable => {
                reachable = false;
                tracing::warn!(%error, "the database cannot be asked for news");
            }
            Err(_) => {}
        }
    }
}

/// Listens for what other servers say with each batch. A pooler that passes no notifications costs only time.
pub(super) async fn listen(pool: PgPool, heads: Arc<Heads>, news: Arc<Notify>) {
    loop {
        if let Err(error) = listen_until_lost(&pool, &heads, &news).await {
            tracing::debug!(%error, "no notifications from the database; the poll goes on");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn listen_until_lost(pool: &PgPool, heads: &Heads, news: &Notify) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("bowline").await?;
    loop {
        let notification = listener.try_recv().await?;
        // None: the connection was lost and is back; something may have been missed.
        if notification.is_none_or(|notification| is_news(heads, notification.payload())) {
            news.notify_one();
        }
    }
}

/// Whether a payload (`epoch revision position`) says more than we know: our own batches come back to us as well.
fn is_news(heads: &Heads, payload: &str) -> bool {
    let mut words = payload.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let known = heads.mark().head;
    let told = (next().parse::<uuid::Uuid>(), next().parse::<u64>(), next().parse::<u64>());
    let (Ok(epoch), Ok(revision), Ok(position)) = told else { return true };
    known.epoch != epoch || known.revision.0 < revision || *heads.watch_observations().borrow() < position
}
