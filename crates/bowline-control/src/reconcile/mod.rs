//! Background tasks: each takes no input, is idempotent, wakes by signal and by period, and stops when told.

mod keys;
mod operations;
pub mod presence;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::activity::denials;
use crate::{Control, feed};

/// The clock of the background tasks; the server hands in the system's.
pub type Clock = fn() -> Timestamp;

/// Starts every task. They end when `cancel` is.
#[must_use]
pub fn start(control: &Arc<Control>, clock: Clock, cancel: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let spawn =
        |tasks: &mut JoinSet<()>,
         run: fn(Arc<Control>, Clock, CancellationToken) -> futures::future::BoxFuture<'static, ()>| {
            tasks.spawn(run(Arc::clone(control), clock, cancel.clone()));
        };
    spawn(&mut tasks, |c, _, cancel| Box::pin(async move { feed::follow(&c, &cancel).await }));
    spawn(&mut tasks, |c, _, cancel| Box::pin(async move { c.authorization().confirm(&cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { operations::run(&c, clock, &cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { presence::sweep(&c, clock, &cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { denials::run(&c, clock, &cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { keys::run(&c, clock, &cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { expire_entries(&c, clock, &cancel).await }));
    tasks
}

/// Waits for a period; gives false when the task shall end.
async fn pause(cancel: &CancellationToken, period: Duration) -> bool {
    tokio::select! {
        () = cancel.cancelled() => false,
        () = tokio::time::sleep(period) => true,
    }
}

/// Removes expired codes, tokens, operations and used assertions.
async fn expire_entries(control: &Control, clock: Clock, cancel: &CancellationToken) {
    while pause(cancel, Duration::from_secs(30)).await {
        loop {
            match control.store().expire_entries(clock(), 1000).await {
                Ok(1000) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired entries could not be removed; trying again later");
                    break;
                }
            }
        }
    }
}
