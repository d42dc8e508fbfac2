//! Reports: takes what the role says, cuts it into numbered batches, compresses and posts them, one at a time, and keeps
//! each until the server has acknowledged it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bowline_link::{
    Moment,
    backoff::Backoff,
    observed::{Acknowledgement, DEFAULT_BATCH_BYTES, ObservedLog, Phase, RESYNC_REQUIRED, Share, Waiting},
    wire,
};
use reqwest::{Method, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::{
    budget::{Meter, Pacer},
    channel::{OrderSender, Report},
    client::RequestError,
    status::StatusBoard,
    token::TokenError,
    watch::Uplink,
};
use crate::clock;

/// The level that costs an agent little and still takes JSON down to a tenth.
const ZSTD_LEVEL: i32 = 3;
/// Bodies smaller than this are posted as they are.
const COMPRESS_FROM: usize = 512;

/// Why a batch was not acknowledged.
#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the batch could not be compressed")]
    Compress(#[source] std::io::Error),
}

/// The reporter's state.
pub(super) struct ReportLoop {
    log: ObservedLog,
    permits: VecDeque<OwnedSemaphorePermit>,
    orders: OrderSender,
    status: StatusBoard,
    meter: Arc<Meter>,
    pacer: Pacer,
    backoff: Backoff,
    /// The session that the last report named has ended: the next one is waited for, not a while.
    needs_session: bool,
}

impl ReportLoop {
    pub(super) fn new(source: &str, orders: OrderSender, status: StatusBoard, meter: Arc<Meter>) -> Self {
        let log = ObservedLog::new(source, clock::new_guid(), DEFAULT_BATCH_BYTES);
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        Self {
            log,
            permits: VecDeque::new(),
            orders,
            status,
            meter,
            pacer: Pacer::default(),
            backoff,
            needs_session: false,
        }
    }

    /// Runs until the role is gone.
    pub(super) async fn run(
        mut self,
        mut reports: mpsc::Receiver<Report>,
        mut resyncs: mpsc::UnboundedReceiver<String>,
        mut uplink: watch::Receiver<Option<Uplink>>,
    ) {
        let mut not_before = clock::moment();
        let mut pace = self.meter.pace();
        loop {
            let link = uplink.borrow_and_update().clone();
            // Before it is looked at, so that a change of the pace is never missed.
            pace.mark_unchanged();
            let next = self.next(clock::moment());
            let post = async {
                match (&link, next) {
                    (Some(link), Some((due, share))) => {
                        clock::sleep_until(due.max(not_before)).await;
                        (link, share)
                    }
                    _ => std::future::pending().await,
                }
            };
            // Taking a report is preferred: what arrives in one burst goes up in one batch.
            tokio::select! {
                biased;
                report = reports.recv() => match report {
                    Some(report) => self.take(report),
                    None => return,
                },
                Some(reason) = resyncs.recv() => self.resync(&reason),
                changed = uplink.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if std::mem::take(&mut self.needs_session) {
                        not_before = clock::moment();
                        self.backoff.reset();
                    }
                }
                Ok(()) = pace.changed() => {}
                (link, share) = post => {
                    let wait = self.post(link, share).await;
                    not_before = clock::moment() + wait;
                }
            }
        }
    }

    /// When the next batch goes, and what of what waits it takes.
    fn next(&self, now: Moment) -> Option<(Moment, Share)> {
        match self.log.waiting()? {
            Waiting::Batch => Some((now, Share::Everything)),
            Waiting::Deltas { objects, status } => {
                Some(self.pacer.due(*self.meter.pace().borrow(), objects, status, now))
            }
        }
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Status(status) => self.log.set_status(status),
            Report::BeginFull => {
                self.log.begin_full();
                self.permits.clear();
            }
            Report::FinishFull => self.log.finish_full(),
            // A full delivery will bring it again.
            Report::Delta(..) if self.log.phase() == Phase::NeedsFull => {}
            Report::Delta(delta, permit) => match self.log.push(delta) {
                Ok(()) => self.permits.push_back(permit),
                Err(error) => tracing::warn!(%error, "an object is left out"),
            },
        }
    }

    fn resync(&mut self, reason: &str) {
        self.log.resync();
        self.permits.clear();
        self.status.update(|status| status.resyncs += 1);
        self.orders.send_everything(reason);
    }

    /// Posts the batch in flight. Says how long to wait before the next one.
    async fn post(&mut self, link: &Uplink, share: Share) -> Duration {
        match self.post_once(link, share).await {
            Ok(acknowledged) => {
                let batch = self.log.in_flight().expect("the batch that was posted is in flight");
                let objects = batch.objects.len();
                self.pacer.went(objects > 0, batch.status.is_some(), clock::moment());
                if self.log.acknowledged(acknowledged) {
                    self.permits.drain(..objects.min(self.permits.len()));
                }
                self.backoff.reset();
                self.status.update(|status| {
                    status.last_acknowledged = Some(clock::now());
                    status.acknowledged_batches += 1;
                });
                Duration::ZERO
            }
            Err(PostError::Request(error)) if error.code() == Some(RESYNC_REQUIRED) => {
                tracing::info!(%error, "the server asks for a full sync");
                self.resync("the server's log of this source does not continue");
                Duration::ZERO
            }
            Err(error) => {
                let asked = if let PostError::Request(error) = &error { error.retry_after() } else { None };
                if matches!(&error, PostError::Request(error) if error.status() == Some(StatusCode::UNAUTHORIZED))
                {
                    link.tokens.forget().await;
                }
                self.needs_session =
                    matches!(&error, PostError::Request(error) if error.code() == Some(wire::NO_SESSION));
                let wait = self.backoff.next(clock::random(), asked);
                tracing::warn!(%error, again_in = clock::seconds(wait), "a report was not taken");
                self.status.failed(format!("a report was not taken: {error}"));
                wait
            }
        }
    }

    async fn post_once(&mut self, link: &Uplink, share: Share) -> Result<u64, PostError> {
        let batch =
            self.log.next_batch(link.session, share).expect("post is called only while there is a batch");
        let body =
            serde_json::to_vec(batch).expect("a batch is made of strings, numbers and maps with string keys");
        let bearer = link.tokens.bearer().await?;
        let mut request = link.client.request(Method::POST, wire::OBSERVED_PATH).bearer_auth(bearer.secret());
        request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if body.len() < COMPRESS_FROM {
            body
        } else {
            request = request.header(header::CONTENT_ENCODING, "zstd");
            zstd::bulk::compress(&body, ZSTD_LEVEL).map_err(PostError::Compress)?
        };
        self.meter.sent(body.len() as u64);
        let answer: Acknowledgement = link.client.call_json(request.body(body)).await?;
        Ok(answer.acknowledged)
    }
}
