//! Background tasks: each takes no input, is idempotent, wakes by signal and by period, and stops when told. Those that write for all servers run
//! on the one that has the [duty](crate::duties).

mod keys;
mod operations;
pub mod presence;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::activity::denials;
use crate::clock::Clock;
use crate::duties::{self, Duty};
use crate::{Control, feed, fleet, query};

/// Starts every task. They end when `cancel` is.
#[must_use]
pub fn start(control: &Arc<Control>, clock: &Clock, cancel: &CancellationToken) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let spawn = |tasks: &mut JoinSet<()>,
                 run: fn(Arc<Control>, Clock, CancellationToken) -> BoxFuture<'static, ()>| {
        tasks.spawn(run(Arc::clone(control), clock.clone(), cancel.clone()));
    };
    spawn(&mut tasks, |c, _, cancel| Box::pin(async move { feed::follow(&c, &cancel).await }));
    spawn(&mut tasks, |c, _, cancel| Box::pin(async move { query::follow(c, &cancel).await }));
    spawn(&mut tasks, |c, _, cancel| Box::pin(async move { c.authorization().confirm(&cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { denials::run(&c, &clock, &cancel).await }));
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { fleet::beat(&c, &clock, &cancel).await }));
    spawn(&mut tasks, |c, _, cancel| Box::pin(async move { c.fleet().write_attachments(&cancel).await }));
    // Every server reads the keys; the one with the duty rotates them.
    spawn(&mut tasks, |c, clock, cancel| Box::pin(async move { keys::run(&c, &clock, &cancel).await }));
    type Work = for<'a> fn(&'a Control, &'a Duty, &'a Clock) -> BoxFuture<'a, ()>;
    let work: [(&'static str, Work); 3] = [
        (duties::OPERATIONS, |c, duty, clock| Box::pin(operations::run(c, duty, clock))),
        (duties::PRESENCE, |c, duty, clock| Box::pin(presence::sweep(c, duty, clock))),
        (duties::EXPIRY, |c, duty, clock| Box::pin(expire_entries(c, duty, clock))),
    ];
    for (task, work) in work {
        let (control, clock, cancel) = (Arc::clone(control), clock.clone(), cancel.clone());
        tasks.spawn(async move {
            while let Some(duty) = control.fleet().duties().next(task, &cancel).await {
                work(&control, &duty, &clock).await;
            }
        });
    }
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
async fn expire_entries(control: &Control, duty: &Duty, clock: &Clock) {
    while pause(&duty.ended, Duration::from_secs(30)).await {
        loop {
            match control.store().expire_entries(clock.now(), 1000).await {
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
