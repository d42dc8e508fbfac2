//! Which server holds which agent: written in batches by one task, read where it matters.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::PoisonError;
use std::time::Duration;

use bowline_store::StoreError;
use bowline_store::fleet::{Attached, Attaching, Detaching, Fleet as Port};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Fleet;

/// The most that is written at once.
const BATCH: usize = 512;
/// The most that may wait; ends of sessions always find a place, and there are no more of them than sessions.
pub(super) const MAX_WAITING: usize = 4096;
/// How long until a failed batch is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a session cannot be held here.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Another server holds it for another installation.
    #[error("another installation is connected with this identity")]
    Cloned,
    /// Too many at once, or the database does not answer.
    #[error("the session cannot be written down ({0})")]
    Unavailable(String),
}

type Answer = oneshot::Sender<Result<(), AttachError>>;

/// Sessions that begin and end, in order.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Job>,
}

enum Job {
    Attach(Attaching, Answer),
    Detach(Detaching),
}

impl Job {
    fn agent(&self) -> Uuid {
        match self {
            Self::Attach(one, _) => one.agent,
            Self::Detach(one) => one.agent,
        }
    }
}

impl Fleet {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, (Box<str>, Instant)>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that this server holds an agent; returns when it is written.
    ///
    /// # Errors
    /// See [`AttachError`].
    pub async fn attach(&self, session: Attaching) -> Result<(), AttachError> {
        if !self.is_shared() {
            self.away().remove(&session.agent);
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.queue();
            if queue.waiting.len() >= MAX_WAITING {
                return Err(AttachError::Unavailable("too many agents connect at once".to_owned()));
            }
            queue.waiting.push_back(Job::Attach(session, reply));
        }
        self.queued.notify_one();
        answer.await.unwrap_or_else(|_| Err(AttachError::Unavailable("the server stops".to_owned())))
    }

    /// Writes down, some time soon, that a connection has ended: its agent shows as gone after `delay`.
    pub fn detach(&self, ended: Detaching, resource: &str) {
        if self.is_shared() {
            self.queue().waiting.push_back(Job::Detach(ended));
            self.queued.notify_one();
        } else {
            self.away().insert(ended.agent, (resource.into(), Instant::now() + ended.delay));
        }
    }

    /// Where an agent's session is, as all servers know it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, agent: Uuid) -> Result<Option<Attached>, StoreError> {
        match self.store.fleet() {
            Some(port) => Ok(port.attached(&[agent]).await?.pop()),
            None => Ok(None),
        }
    }

    /// Those of these agents that are held by another server, or may still come back; `here` says who is held by this one.
    pub(crate) async fn known(
        &self,
        agents: &[Uuid],
        here: impl Fn(Uuid) -> bool,
    ) -> Result<HashSet<Uuid>, StoreError> {
        match self.store.fleet() {
            Some(port) => Ok(port.attached(agents).await?.into_iter().map(|one| one.agent).collect()),
            None => {
                let away = self.away();
                Ok(agents.iter().copied().filter(|agent| here(*agent) || away.contains_key(agent)).collect())
            }
        }
    }

    /// Frees agents of servers that are gone, and gives those that stayed away for too long, with the keys of their resources.
    pub(crate) async fn overdue(
        &self,
        grace: Duration,
        limit: u32,
    ) -> Result<Vec<(Uuid, String)>, StoreError> {
        if let Some(port) = self.store.fleet() {
            let freed = port.free_lost(grace).await?;
            if freed > 0 {
                tracing::warn!(agents = freed, "a server is gone: its agents are awaited elsewhere");
            }
            return port.overdue(limit).await;
        }
        let now = Instant::now();
        let away = self.away();
        let due = away.iter().filter(|(_, (_, due))| *due <= now).take(limit as usize);
        Ok(due.map(|(agent, (resource, _))| (*agent, resource.to_string())).collect())
    }

    /// Forgets an agent that stayed away; false when it is back.
    pub(crate) async fn forget(&self, agent: Uuid) -> Result<bool, StoreError> {
        match self.store.fleet() {
            Some(port) => port.forget(agent).await,
            None => Ok(self.away().remove(&agent).is_some()),
        }
    }

    /// Writes what waits, until cancelled.
    pub(crate) async fn write_attachments(&self, cancel: &CancellationToken) {
        let Some(port) = self.store.fleet() else { return };
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.queued.notified() => {}
            }
            // Whoever comes in the same moment goes along.
            tokio::task::yield_now().await;
            while self.write_batch(port).await {}
        }
    }

    /// Waits until everything is written, for at most `patience`.
    pub async fn settle(&self, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.queue().waiting.is_empty() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many sessions wait to be written down.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue().waiting.len()
    }

    /// The next jobs, each agent once; what concerns an agent again stays behind in order.
    fn take_batch(&self) -> (Vec<(Attaching, Answer)>, Vec<Detaching>) {
        let mut queue = self.queue();
        let (mut attach, mut detach) = (Vec::new(), Vec::new());
        let (mut later, mut seen) = (VecDeque::new(), HashSet::new());
        while attach.len() + detach.len() < BATCH
            && let Some(job) = queue.waiting.pop_front()
        {
            match job {
                job if !seen.insert(job.agent()) => later.push_back(job),
                Job::Attach(one, answer) => attach.push((one, answer)),
                Job::Detach(one) => detach.push(one),
            }
        }
        later.append(&mut queue.waiting);
        queue.waiting = later;
        (attach, detach)
    }

    fn put_back(&self, detach: Vec<Detaching>) {
        let mut queue = self.queue();
        detach.into_iter().rev().for_each(|one| queue.waiting.push_front(Job::Detach(one)));
    }

    /// Writes one batch; says whether there is more.
    async fn write_batch(&self, port: &dyn Port) -> bool {
        let (attach, detach) = self.take_batch();
        if attach.is_empty() && detach.is_empty() {
            return false;
        }
        if !attach.is_empty() {
            let (sessions, answers): (Vec<_>, Vec<_>) = attach.into_iter().unzip();
            let written = port.attach(self.id(), &sessions).await;
            for (session, answer) in sessions.iter().zip(answers) {
                let outcome = match &written {
                    Ok(Some(taken)) if taken.contains(&session.agent) => Ok(()),
                    Ok(Some(_)) => Err(AttachError::Cloned),
                    Ok(None) => {
                        Err(AttachError::Unavailable("this server is cut off from the others".to_owned()))
                    }
                    Err(error) => Err(AttachError::Unavailable(error.to_string())),
                };
                // An agent that went away has its end in the queue.
                let _ = answer.send(outcome);
            }
        }
        if !detach.is_empty()
            && let Err(error) = port.detach(self.id(), &detach).await
        {
            tracing::warn!(%error, "ends of sessions could not be written; trying again");
            self.put_back(detach);
            self.queued.notify_one();
            tokio::time::sleep(PAUSE).await;
            return false;
        }
        true
    }
}
